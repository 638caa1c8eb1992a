//! A change of aws-auth that nobody is locked out by.

use kube_iam_cluster::Touched;
use kube_iam_core::aws_auth::Data;
use kube_iam_core::check::Context;
use kube_iam_core::eksctl::Plan;
use kube_iam_core::finding::Severity;
use kube_iam_core::guard;

use super::surroundings::World;
use super::{Ended, Voice};
use crate::args::WriteArgs;
use crate::mappings::{self, State, findings, found, judged, remarks};
use crate::report::Failure;

/// What a change is judged by.
pub(super) struct Judge<'a> {
    /// What the guard asks of the world.
    pub(super) surroundings: mappings::Surroundings,
    /// The rules that are overridden.
    pub(super) write: &'a WriteArgs,
    /// What is known of the cluster, where new rows are to be looked at.
    pub(super) context: Option<Context>,
}

/// A change and what is found about it.
struct Judged {
    touched: Option<Touched>,
    findings: String,
    verdict: Result<(), Failure>,
}

impl Judge<'_> {
    fn judge(&self, state: &State, plan: &Plan) -> Result<Judged, Failure> {
        let Some((touched, after)) = outcome(state, plan)? else {
            return Ok(Judged { touched: None, findings: String::new(), verdict: Ok(()) });
        };
        let context = self.context.as_ref();
        let remarks = context.map(|context| remarks(&state.data, &after.data, context)).unwrap_or_default();
        let mut all = found(state, &after, &remarks, &self.surroundings);
        let verdict = judged(&all, self.write);
        // What could not be checked matters to whoever is refused. That nobody reads
        // aws-auth is said of every command.
        all.retain(|finding| finding.severity != Severity::Note || verdict.is_err());
        all.retain(|finding| finding.rule != "not-consulted");
        Ok(Judged { touched: Some(touched), findings: findings(&all), verdict })
    }

    /// Asks AWS for the roles of nodes, if a plan is judged by them. It takes its
    /// time, so other plans don't wait for it.
    pub(super) fn find_out(&mut self, world: &mut dyn World, state: &State, plan: &Plan) -> Result<(), Failure> {
        let Some((_, after)) = outcome(state, plan)? else { return Ok(()) };
        if guard::hangs_on_roles(&found(state, &after, &[], &self.surroundings)) {
            world.ask_for_roles(&mut self.surroundings);
        }
        Ok(())
    }

    /// Refuses a plan that the guard refuses.
    pub(super) fn allow(&self, state: &State, plan: &Plan, voice: &mut Voice<'_>) -> Result<(), Ended> {
        let Judged { findings, verdict, .. } = self.judge(state, plan)?;
        verdict.map_err(|failure| {
            voice.surroundings.err(&findings);
            failure.into()
        })
    }
}

/// What a plan writes, and the state after it; nothing if it changes nothing.
fn outcome(state: &State, plan: &Plan) -> Result<Option<(Touched, State)>, Failure> {
    let changed = plan.edit(&state.data).map_err(|error| Failure::of(&error))?;
    if changed.is_empty() {
        return Ok(None);
    }
    let data = changed.into_iter().map(|(key, text)| (key, Some(text))).collect();
    let touched = Touched { data, ..Touched::default() };
    let after = state.with(&touched, None);
    Ok(Some((touched, after)))
}

/// What there is to say about one attempt.
struct Said {
    plan: Plan,
    advice: Vec<String>,
    findings: String,
    /// Nothing is sent.
    is_refused: bool,
}

/// Makes a change and says what there is to say about it. Nothing of what was
/// derived from a state that was not written is heard, and no line of the log tells
/// of a change that is refused.
pub(super) fn edit(
    world: &mut dyn World,
    voice: &mut Voice<'_>,
    judge: &Judge<'_>,
    start: State,
    derive: impl Fn(&Data, bool) -> (Plan, Vec<String>),
) -> Result<(), Ended> {
    let mut last = None;
    let written = world.edit(start, &mut |state, maybe_written| {
        let (plan, advice) = derive(&state.data, maybe_written);
        let said = last.insert(Said { plan, advice, findings: String::new(), is_refused: true });
        let is_made = maybe_written && said.plan.is_made(&state.data);
        let touched = match is_made {
            true => None,
            false => {
                let Judged { touched, findings, verdict } = judge.judge(state, &said.plan)?;
                said.findings = findings;
                verdict.map(|()| touched)?
            }
        };
        said.is_refused = false;
        Ok(touched)
    });
    let Some(Said { plan, advice, findings, is_refused }) = last else { return Ok(written?) };
    if !is_refused {
        voice.log(&plan.log);
    }
    voice.surroundings.err(&findings);
    written?;
    voice.log(&plan.after);
    voice.advise(&advice);
    plan.refusal.map_or(Ok(()), |refusal| Err(Failure::of(&refusal).into()))
}
