//! The one way in which aws-auth is changed: read, derive, judge, show, ask, write.

use std::collections::BTreeSet;
use std::io::IsTerminal as _;

use kube_iam_cluster::{RbacObject, Touched, WriteOptions};
use kube_iam_core::aws_auth::Document;
use kube_iam_core::finding::{Finding, Severity};
use kube_iam_core::guard;

use super::facts::Surroundings;
use super::needs::Needs;
use super::remarks::remarks;
use super::show;
use super::target::{State, Target};
use crate::args::{DryRun, TargetArgs, WriteArgs};
use crate::exit::Exit;
use crate::output;
use crate::report::Failure;
use crate::terminal;

/// What a command wants of aws-auth as it is.
pub struct Wanted {
    /// The texts to write.
    pub touched: Touched,
    /// All rows with those texts, where they were read already.
    pub document: Option<Document>,
    /// What the person should know, beside the guard's findings.
    pub findings: Vec<Finding>,
}

/// One change of aws-auth.
#[derive(Clone, Copy)]
pub struct Edit<'a> {
    /// Which aws-auth.
    pub target: &'a Target,
    /// The flags that say so.
    pub args: &'a TargetArgs,
    /// How it is written.
    pub write: &'a WriteArgs,
    /// What must be there before it is written.
    pub needs: &'a [RbacObject],
}

/// How a change ended.
pub struct Done {
    /// aws-auth as it was found.
    pub before: State,
    /// aws-auth as it is now, or would be.
    pub after: State,
    /// What was found about the change.
    pub findings: Vec<Finding>,
}

impl Done {
    /// Whether anything is another one now.
    pub fn is_changed(&self) -> bool {
        self.before.data != self.after.data || self.before.annotations != self.after.annotations
    }
}

/// Reads aws-auth and what is around it, and makes a change.
pub async fn run(
    edit: Edit<'_>,
    derive: impl FnMut(&State, bool) -> Result<Option<Wanted>, Failure>,
) -> Result<Done, Failure> {
    let Edit { target, args, .. } = edit;
    let (state, mut surroundings) = tokio::join!(target.read(), Surroundings::read(target, target.deciding(args)));
    run_from(edit, state?, &mut surroundings, derive).await
}

/// Makes a change of what was read. `derive` is asked anew whenever somebody else was faster; its
/// second argument says that an earlier write of ours may have arrived.
pub async fn run_from(
    edit: Edit<'_>,
    state: State,
    surroundings: &mut Surroundings,
    mut derive: impl FnMut(&State, bool) -> Result<Option<Wanted>, Failure>,
) -> Result<Done, Failure> {
    let Edit { target, args, write, needs } = edit;
    let wanted = derive(&state, false)?;
    let needs = Needs::look(target, needs).await?;
    let Some(wanted) = wanted else {
        output::tell(&needs.text())?;
        if !needs.are_met() && write.dry_run != Some(DryRun::Client) {
            if !write.yes && write.dry_run.is_none() {
                ask("create what is missing of these?")?;
            }
            needs.create(target, write).await?;
        }
        // What passes through to stdout passes through unchanged.
        if !target.leaves_stdin() {
            target.edit(state.clone(), &options(write), |_, _| Ok(None)).await?;
        }
        return Ok(Done { after: state.clone(), before: state, findings: Vec::new() });
    };
    let after = state.with(&wanted.touched, wanted.document);
    let mut context = surroundings.context();
    needs.add_to(&mut context, &mut surroundings.facts);
    let mut said = wanted.findings;
    said.extend(remarks(&state.data, &after.data, &context));
    let mut findings = found(&state, &after, &said, surroundings);
    if guard::hangs_on_roles(&findings) {
        surroundings.ask_for_roles(target, &args.cluster).await;
        findings = found(&state, &after, &said, surroundings);
    }
    let shown = show::diff(&state.data, &after.data);
    output::tell(&format!("{}{shown}{}", needs.text(), show::findings(&findings)))?;
    judged(&findings, write)?;
    if write.dry_run == Some(DryRun::Client) {
        return Ok(Done { before: state, after, findings });
    }
    if !write.yes && write.dry_run.is_none() && target.leaves_stdin() {
        let first = if needs.are_met() { "" } else { "create what is missing, and " };
        ask(&format!("{first}change {}?", target.name()))?;
    }
    needs.create(target, write).await?;
    let options = options(write);
    let written = target.edit(state.clone(), &options, |current, maybe_written| {
        // What was shown is written, as long as it was derived from the same.
        if !maybe_written && current.data == state.data && current.annotations == state.annotations {
            return Ok(Some(wanted.touched.clone()));
        }
        let Some(wanted) = derive(current, maybe_written)? else { return Ok(None) };
        if current.data != state.data {
            let after = current.with(&wanted.touched, wanted.document);
            judged(&found(current, &after, &wanted.findings, surroundings), write)?;
        }
        Ok(Some(wanted.touched))
    });
    let written = written.await.inspect_err(|_| needs.tell_left())?;
    let after = if written.data == after.data && written.annotations == after.annotations { after } else { written };
    Ok(Done { before: state, after, findings })
}

/// How a change is written.
pub fn options(write: &WriteArgs) -> WriteOptions {
    WriteOptions {
        field_manager: write.field_manager.clone(),
        dry_run: write.dry_run.is_some(),
        timeout: write.timeout,
    }
}

/// What there is to say about a change, the guard's findings first.
pub fn found(before: &State, after: &State, remarks: &[Finding], surroundings: &Surroundings) -> Vec<Finding> {
    let mut findings = guard::assess(&before.mappings(), &after.mappings(), &surroundings.facts);
    let guarded: BTreeSet<_> = findings.iter().map(|finding| finding.rule).collect();
    findings.extend(remarks.iter().filter(|remark| !guarded.contains(remark.rule)).cloned());
    findings.sort_by_key(|finding| finding.severity);
    findings
}

/// Refuses what the guard refuses, unless each rule was named.
pub fn judged(findings: &[Finding], write: &WriteArgs) -> Result<(), Failure> {
    let is_refused = |finding: &&Finding| {
        finding.severity == Severity::Block && write.overrides.iter().all(|rule| rule != finding.rule)
    };
    let mut rules: Vec<&str> = findings.iter().filter(is_refused).map(|finding| finding.rule).collect();
    let count = rules.len();
    rules.sort_unstable();
    rules.dedup();
    match rules.as_slice() {
        [] => Ok(()),
        rules => {
            let flags: Vec<_> = rules.iter().map(|rule| format!("--override {rule}")).collect();
            let what = match count {
                1 => "the change is refused, and nothing is written".to_owned(),
                count => format!("the change is refused for {count} reasons, and nothing is written"),
            };
            Err(Failure::new(what).hint(format!("if that is meant, repeat with `{}`", flags.join(" "))))
        }
    }
}

/// Asks the person at the terminal; whoever says no ends the command.
pub fn ask(question: &str) -> Result<(), Failure> {
    if !std::io::stdin().is_terminal() {
        let failure = Failure::new("nothing is changed: there is nobody to ask");
        return Err(failure.hint("add `--yes` to make the change without a question".to_string()).exit(Exit::Usage));
    }
    match terminal::confirm(question)? {
        true => Ok(()),
        false => Err(Failure::new("nothing is changed")),
    }
}
