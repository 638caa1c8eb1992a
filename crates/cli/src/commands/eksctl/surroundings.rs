//! What eksctl's commands need of the world, so that tests can be the world.

use std::io;

use jiff::civil::DateTime;
use kube_iam_cluster::Touched;
use kube_iam_core::eksctl::{Applied, ClusterAccount, RbacObject};

use super::load::Loaded;
use crate::mappings::{self, State};
use crate::report::Failure;

/// Terminal, clock, files, and the way to clusters.
pub trait Surroundings {
    /// Writes to stdout.
    fn out(&mut self, text: &str);
    /// Writes to stderr.
    fn err(&mut self, text: &str);
    /// The local time.
    fn now(&self) -> DateTime;
    /// Reads a file, or stdin if it is `-`.
    fn read(&mut self, path: &str) -> io::Result<String>;
    /// Finds an aws-auth.
    fn connect(&mut self, loaded: &Loaded) -> Result<Box<dyn World>, Failure>;
}

/// Derives what to write from a state of aws-auth; `None`, and nothing is written.
/// The second argument says that an earlier write had no answer: what is wanted may
/// be there already.
pub type Derive<'a> = dyn FnMut(&State, bool) -> Result<Option<Touched>, Failure> + 'a;

/// The cluster or file that holds aws-auth.
pub trait World {
    /// aws-auth; without data if it is absent.
    fn read(&mut self) -> Result<State, Failure>;
    /// aws-auth, and what the lock-out guard asks of the world around it.
    fn look(&mut self) -> Result<(State, mappings::Surroundings), Failure>;
    /// Asks AWS which roles the nodes run under.
    fn ask_for_roles(&mut self, surroundings: &mut mappings::Surroundings);
    /// Derives an edit from aws-auth and writes it, as often as it takes.
    fn edit(&mut self, start: State, derive: &mut Derive<'_>) -> Result<(), Failure>;
    /// Creates an object, or makes it what it should be.
    fn apply(&mut self, object: &RbacObject) -> Result<Applied, Failure>;
    /// Where the cluster lives, as far as EKS was asked.
    fn home(&self) -> Option<ClusterAccount>;
    /// Where the cluster lives, if it has a name in EKS.
    fn account(&mut self) -> Result<Option<ClusterAccount>, Failure>;
    /// Whether EKS does not consult aws-auth on this cluster.
    fn ignores_aws_auth(&self) -> bool;
}
