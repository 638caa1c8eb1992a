//! `nodes wait`: until nodes are ready.

use std::time::Duration;

use kube_iam_cluster::{ApiError, NodeSource, NodesObservation};
use kube_iam_core::nodes::{Event, Goal, Progress, State};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::unread;
use super::view::View;
use crate::args::{NodesWaitArgs, WaitFor};
use crate::commands::mappings::usage;
use crate::compose;
use crate::exit::Exit;
use crate::mappings::{Cluster, exit_of};
use crate::report::Failure;

/// How often the clock of the view moves.
const TICK: Duration = Duration::from_secs(1);

/// Waits; fails if the time is up before.
pub fn run(args: &NodesWaitArgs) -> Result<(), Failure> {
    if !args.role_arns.is_empty() {
        let failure = Failure::new("EC2 is not asked for the roles of nodes by this version");
        return Err(usage(failure.hint("wait for a number of nodes, with `--count`".to_owned())));
    }
    let goal = Goal {
        count: args.count.and_then(|count| usize::try_from(count).ok()),
        state: match args.state {
            WaitFor::Ready => State::Ready,
            WaitFor::Joined => State::Joined,
        },
        roles: Vec::new(),
    };
    compose::runtime()?.block_on(async {
        let cluster = Cluster::open(&args.cluster).await?;
        let mut view = View::new(args.output);
        let mut waiting = Waiting { progress: Progress::new(goal), answered: false, outage: None };
        let end = waiting.until_reached(&cluster, args.timeout, &mut view).await;
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

/// How waiting ended.
enum End {
    Reached,
    Interrupted,
    TimeUp,
}

struct Waiting {
    progress: Progress,
    /// Whether kube-apiserver has answered at all.
    answered: bool,
    /// Why it does not answer now.
    outage: Option<ApiError>,
}

impl Waiting {
    async fn until_reached(&mut self, cluster: &Cluster, within: Duration, view: &mut View) -> Result<End, Failure> {
        let mut source = NodeSource::new(cluster.client.clone());
        let began = Instant::now();
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut interrupt = std::pin::pin!(tokio::signal::ctrl_c());
        loop {
            tokio::select! {
                biased;
                _ = &mut interrupt => return Ok(End::Interrupted),
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

    fn take_in(&mut self, observation: NodesObservation, view: &mut View) -> Result<(), Failure> {
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
                self.outage = Some(error);
                Vec::new()
            }
            NodesObservation::Failed(error) => return Err(unread(&error)),
        };
        events.iter().try_for_each(|event| view.event(event))
    }

    fn time_up(self, within: Duration) -> Failure {
        let what = format!("after {} s there are only {}", within.as_secs(), self.progress.summary());
        let mut failure = self.progress.missing().into_iter().fold(Failure::new(what), Failure::cause);
        if let Some(error) = &self.outage {
            failure = failure.because(error).exit(exit_of(error));
        }
        failure.hint("`kube-iam nodes why` says what keeps nodes out".to_owned())
    }
}
