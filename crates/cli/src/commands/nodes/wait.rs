//! `nodes wait`: until nodes are ready.

use std::error::Error;
use std::time::Duration;

use kube_iam_cluster::{ApiError, NodeSource, NodesObservation};
use kube_iam_core::arn::Arn;
use kube_iam_core::nodes::{Event, Goal, Kind, NodeRole, Progress, State};
use kube_iam_core::partition::Partition;
use kube_iam_core::ports::AwsFailure;
use rustix::process::Signal;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::unread;
use super::view::View;
use super::watched::Watched;
use crate::args::{ClusterArgs, NodesWaitArgs, WaitFor};
use crate::commands::mappings::usage;
use crate::compose;
use crate::exit::Exit;
use crate::mappings::{Cluster, exit_of};
use crate::report::Failure;

/// How often the clock of the view moves.
const TICK: Duration = Duration::from_secs(1);

/// Waits; fails if the time is up before.
pub fn run(args: &NodesWaitArgs) -> Result<(), Failure> {
    let roles = args.role_arns.iter().map(|text| role(text, &args.cluster)).collect::<Result<_, _>>()?;
    let goal = Goal {
        count: args.count.and_then(|count| usize::try_from(count).ok()),
        state: match args.state {
            WaitFor::Ready => State::Ready,
            WaitFor::Joined => State::Joined,
        },
        roles,
    };
    compose::runtime()?.block_on(async {
        let cluster = Cluster::open(&args.cluster).await?;
        let mut view = View::new(args.output);
        let fleet = (!goal.roles.is_empty()).then(|| cluster.fleet(&args.cluster));
        let mut source = Watched::new(NodeSource::new(cluster.client.clone()), fleet);
        let mut waiting = Waiting { progress: Progress::new(goal), answered: false, outage: None };
        let end = waiting.until_reached(&mut source, args.timeout, &mut view).await;
        view.clear()?;
        match end? {
            End::Reached => view.reached(&waiting.progress),
            End::Interrupted => {
                view.ended("interrupted", &waiting.progress)?;
                let what = format!("interrupted: {}", waiting.progress.summary());
                Err(Failure::new(what).exit(Exit::Interrupted))
            }
            End::TimeUp => {
                view.ended("timeout", &waiting.progress)?;
                Err(waiting.time_up(args.timeout))
            }
        }
    })
}

/// A role whose nodes are waited for.
fn role(text: &str, cluster: &ClusterArgs) -> Result<Arn, Failure> {
    // Of the kind of nodes nothing is asked here.
    let role = NodeRole::parse(text, Kind::Linux, cluster.region.as_deref().map(Partition::of_region));
    role.map(|role| role.arn().clone()).map_err(|error| usage(Failure::of(&error).hint(error.hint())))
}

/// How waiting ended.
enum End {
    Reached,
    Interrupted,
    TimeUp,
}

struct Waiting {
    progress: Progress,
    /// Whether kube-apiserver, and AWS where it is asked, have answered at all.
    answered: bool,
    /// Who does not answer now, and why.
    outage: Option<Outage>,
}

enum Outage {
    Api(ApiError),
    Aws(AwsFailure),
}

impl Outage {
    fn cause(&self) -> &dyn Error {
        match self {
            Self::Api(error) => error,
            Self::Aws(failure) => failure,
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Api(error) => exit_of(error),
            Self::Aws(AwsFailure::Throttled(_) | AwsFailure::Unavailable(_) | AwsFailure::Unasked { .. }) => {
                Exit::Unreachable
            }
            Self::Aws(_) => Exit::Failed,
        }
    }
}

/// What to do where AWS does not say which roles nodes run under.
fn advice(failure: &AwsFailure) -> String {
    let first = match failure {
        AwsFailure::Denied(_) => {
            "the caller's policy must allow `ec2:DescribeInstances` and `iam:GetInstanceProfile`; without these, "
        }
        AwsFailure::Expired(_) => "renew the credentials, as by `aws sso login`; without them, ",
        AwsFailure::Unasked { .. } => {
            "`aws sts get-caller-identity` shows whether there are credentials and a way to AWS; without these, "
        }
        AwsFailure::Throttled(_) => "wait a minute and run the command again, or ",
        AwsFailure::Unavailable(_) => {
            "`aws sts get-caller-identity` shows whether AWS answers; run the command again, or "
        }
        AwsFailure::UnknownInstances(_) | AwsFailure::UnknownProfile(_) | AwsFailure::Refused(_) => "",
    };
    format!("{first}wait for a number of nodes with `--count` and without `--role-arn`")
}

impl Waiting {
    async fn until_reached(&mut self, source: &mut Watched, within: Duration, view: &mut View) -> Result<End, Failure> {
        let began = Instant::now();
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut resumed = signal(SignalKind::from_raw(Signal::CONT.as_raw()))
            .map_err(|error| Failure::new("could not listen for signals").because(&error))?;
        let mut interrupt = std::pin::pin!(tokio::signal::ctrl_c());
        loop {
            tokio::select! {
                biased;
                _ = &mut interrupt => return Ok(End::Interrupted),
                // The shell had the terminal meanwhile.
                Some(()) = resumed.recv() => view.forget(),
                // One look is taken, however short the time.
                () = sleep_until(began + within), if self.answered => return Ok(End::TimeUp),
                observation = source.observe() => {
                    self.take_in(observation, view)?;
                    if self.answered && self.progress.is_reached() {
                        return Ok(End::Reached);
                    }
                    view.draw(&self.progress, began.elapsed())?;
                }
                _ = tick.tick(), if self.answered => view.draw(&self.progress, began.elapsed())?,
            }
        }
    }

    fn take_in(&mut self, observation: Result<NodesObservation, AwsFailure>, view: &mut View) -> Result<(), Failure> {
        let observation = match observation {
            Ok(observation) => observation,
            Err(failure) => return self.unasked(failure, view),
        };
        if matches!(self.outage, Some(Outage::Aws(_))) {
            self.outage = None;
        }
        let events: Vec<Event> = match observation {
            NodesObservation::All(nodes) => {
                self.answered = true;
                self.outage = None;
                self.progress.listed(nodes)
            }
            NodesObservation::One(node) => self.progress.seen(*node).into_iter().collect(),
            NodesObservation::Gone(name) => self.progress.deleted(&name).into_iter().collect(),
            // A server that has answered before is waited for.
            NodesObservation::Failed(error) if self.answered => {
                view.outage(&error)?;
                self.outage = Some(Outage::Api(error));
                Vec::new()
            }
            NodesObservation::Failed(error) => return Err(unread(&error)),
        };
        events.iter().try_for_each(|event| view.event(event))
    }

    /// AWS did not say which role nodes run under.
    fn unasked(&mut self, failure: AwsFailure, view: &mut View) -> Result<(), Failure> {
        let (passes, hint) = (failure.is_passing(), advice(&failure));
        let outage = Outage::Aws(failure);
        // As with kube-apiserver: who has answered before is waited for.
        if !self.answered || !passes {
            let failure = Failure::new("could not find out under which roles nodes run").because(outage.cause());
            return Err(failure.hint(hint).exit(outage.exit()));
        }
        // Said once, and not each time it is tried.
        if !matches!(self.outage, Some(Outage::Aws(_))) {
            view.outage(outage.cause())?;
        }
        self.outage = Some(outage);
        Ok(())
    }

    fn time_up(self, within: Duration) -> Failure {
        let what = format!("the time is up after {} s: {}", within.as_secs(), self.progress.summary());
        let mut failure = self.progress.missing().into_iter().fold(Failure::new(what), Failure::cause);
        if let Some(outage) = &self.outage {
            failure = failure.because(outage.cause()).exit(outage.exit());
        }
        failure.hint("`kube-iam nodes why` says what keeps nodes out".to_owned())
    }
}
