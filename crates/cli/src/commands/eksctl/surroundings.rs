//! What eksctl's commands need of the world, so that tests can be the world.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use jiff::civil::DateTime;
use kube_iam_core::aws_auth::Data;
use kube_iam_core::eksctl::{Applied, ClusterAccount, RbacObject};

/// A failure in eksctl's form: the whole chain on one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    text: String,
    hint: Option<String>,
}

impl Trouble {
    /// An error with its sources.
    pub fn of(error: &dyn Error) -> Self {
        let chain = std::iter::successors(Some(error), |error| (*error).source());
        let texts: Vec<_> = chain.map(ToString::to_string).collect();
        Self { text: texts.join(": "), hint: None }
    }

    /// Adds what to do about it.
    pub fn hint(self, hint: impl Into<Option<String>>) -> Self {
        Self { hint: hint.into(), ..self }
    }

    /// Says what failed before why.
    pub fn within(self, what: &str) -> Self {
        Self { text: format!("{what}: {}", self.text), ..self }
    }
}

impl<T: Into<String>> From<T> for Trouble {
    fn from(text: T) -> Self {
        Self { text: text.into(), hint: None }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Error: {}", self.text)?;
        self.hint.iter().try_for_each(|hint| writeln!(f, "hint: {hint}"))
    }
}

/// Which aws-auth is meant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Target {
    /// Name of the cluster in EKS; empty if it is not found there.
    pub cluster: String,
    /// Its region; empty for the one of the AWS configuration.
    pub region: String,
    /// The AWS profile; empty for that of the environment.
    pub profile: String,
    /// A kubeconfig that leads to the cluster.
    pub kubeconfig: Option<PathBuf>,
    /// A context in it.
    pub context: Option<String>,
    /// A file that holds aws-auth, instead of a cluster.
    pub manifest: Option<PathBuf>,
    /// How long a write may take, conflicts included.
    pub timeout: Duration,
}

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
    fn connect(&mut self, target: &Target) -> Result<Box<dyn World>, Trouble>;
}

/// One state of aws-auth to derive an edit from.
#[derive(Debug, Clone, Copy)]
pub struct Attempt<'a> {
    /// Its data; empty if it is absent.
    pub data: &'a Data,
    /// An earlier write had no answer: what is wanted may be there already.
    pub maybe_written: bool,
}

/// Derives the sections that change; none, and nothing is written.
pub type Derive<'a> = dyn FnMut(&Attempt<'_>) -> Result<Data, Trouble> + 'a;

/// The cluster or file that holds aws-auth.
pub trait World {
    /// The data of aws-auth; empty if it is absent.
    fn read(&mut self) -> Result<Data, Trouble>;
    /// Derives an edit from aws-auth and writes it, as often as it takes.
    fn edit(&mut self, derive: &mut Derive<'_>) -> Result<(), Trouble>;
    /// Creates an object, or makes it what it should be.
    fn apply(&mut self, object: &RbacObject) -> Result<Applied, Trouble>;
    /// Where the cluster lives, if that is known.
    fn account(&mut self) -> Result<Option<ClusterAccount>, Trouble>;
    /// Whether EKS does not consult aws-auth on this cluster.
    fn ignores_aws_auth(&self) -> bool;
}
