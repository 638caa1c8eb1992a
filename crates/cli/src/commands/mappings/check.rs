//! `check`: mistakes in aws-auth, and their repair.

use std::collections::BTreeMap;

use kube_iam_cluster::Touched;
use kube_iam_core::aws_auth::Data;
use kube_iam_core::check::report::{self, Report};
use kube_iam_core::check::{Context, Remark, fix, lint};
use kube_iam_core::finding::Severity;

use super::{dry_run, say};
use crate::args::{CheckArgs, CheckForm, WriteArgs};
use crate::compose;
use crate::exit::Exit;
use crate::mappings::{self, Edit, State, Surroundings, Target, Wanted};
use crate::output;
use crate::report::Failure;

/// Most passes of repairs: one repair may show what the next one is for.
const PASSES: usize = 8;

/// Prints what is wrong, or repairs what can be.
pub fn run(args: &CheckArgs) -> Result<(), Failure> {
    compose::runtime()?.block_on(async {
        let target = Target::open(&args.target).await.map_err(Failure::no_answer)?;
        let (state, mut surroundings) =
            tokio::join!(target.read(), Surroundings::read(&target, target.deciding(&args.target)));
        let (state, context) = (state.map_err(Failure::no_answer)?, surroundings.context());
        if !state.exists() {
            return Err(absent(&target));
        }
        if matches!(target, Target::Cluster(_)) && context.bound_groups.is_none() {
            output::note("bindings can't be read, so groups that nobody binds are not found");
        }
        match args.fix {
            true => repair(args, &target, state, &mut surroundings, &context).await,
            false => show(args, &target, &state, &lint(&state.data, &context)),
        }
    })
}

/// What is not there is not clean: whoever checks it named the wrong one, or lost it.
fn absent(target: &Target) -> Failure {
    let (place, hint) = match target.file_name() {
        Some(_) => ("", "`--manifest FILE` names the file that holds aws-auth"),
        None => (
            " in the cluster",
            "if it is the right cluster, `kube-iam nodes apply` or `kube-iam create mapping` makes it",
        ),
    };
    let failure = Failure::new(format!("there is no {}{place}, so nothing was checked", target.name()));
    failure.hint(hint.to_string()).exit(Exit::Usage)
}

fn show(args: &CheckArgs, target: &Target, state: &State, remarks: &[Remark]) -> Result<(), Failure> {
    let file = match target.file_name() {
        Some(_) if !target.leaves_stdin() => "stdin".to_owned(),
        Some(name) => name,
        None => "aws-auth".to_owned(),
    };
    let is_object = target.file_name().is_none();
    let report = Report { file: &file, is_object, remarks, locate: &|finding| state.place_of(finding) };
    output::data(&match args.form {
        CheckForm::Text => report::text(&report),
        CheckForm::Json => report::json(&report),
        CheckForm::Sarif => report::sarif(&report),
        CheckForm::Github => report::github(&report),
    })?;
    let repairs = || remarks.iter().filter_map(|remark| remark.fix.as_ref());
    let grants = if repairs().any(|fix| fix.grants) { " --grants" } else { "" };
    let command = format!("kube-iam check --fix{grants} --dry-run=client{}", target.flag());
    let hint = repairs().next().map(|_| format!("`{command}` shows what can be repaired"));
    verdict(target, state, remarks, "found", hint)
}

/// How the command ends: by what is wrong with the data.
fn verdict(
    target: &Target,
    state: &State,
    remarks: &[Remark],
    what: &str,
    hint: Option<String>,
) -> Result<(), Failure> {
    if state.rows().is_err() {
        let hint = target.leaves_stdin().then(|| format!("mend it with `kube-iam edit{}`", target.flag()));
        return Err(Failure::new(format!("{} can't be read", target.name())).hint(hint).exit(Exit::Usage));
    }
    match remarks.iter().filter(|remark| remark.finding.severity != Severity::Note).count() {
        0 => Ok(()),
        1 => Err(Failure::new(format!("1 mistake {what}")).hint(hint)),
        count => Err(Failure::new(format!("{count} mistakes {what}")).hint(hint)),
    }
}

async fn repair(
    args: &CheckArgs,
    target: &Target,
    state: State,
    surroundings: &mut Surroundings,
    context: &Context,
) -> Result<(), Failure> {
    let write = WriteArgs {
        yes: args.repair.yes,
        dry_run: args.repair.dry_run,
        overrides: args.repair.overrides.clone(),
        ..WriteArgs::default()
    };
    let edit = Edit { target, args: &args.target, write: &write, needs: &[] };
    let done = mappings::run_from(edit, state, surroundings, |state, _| {
        let data = repaired(&state.data, context, args.grants);
        let changed: BTreeMap<_, _> = data
            .into_iter()
            .filter(|(key, text)| state.data.get(key) != Some(text))
            .map(|(key, text)| (key, Some(text)))
            .collect();
        let touched = Touched { data: changed, ..Touched::default() };
        Ok((!touched.data.is_empty()).then_some(Wanted { touched, document: None, findings: Vec::new() }))
    });
    let done = done.await?;
    let word = if done.is_changed() { "repaired" } else { "unchanged" };
    let dry_run = dry_run(&write).map(|dry_run| format!(" ({dry_run} dry run)")).unwrap_or_default();
    say(&format!("aws-auth {word}{dry_run}\n"), target.leaves_stdin())?;
    let left = lint(&done.after.data, context);
    match left.iter().filter(|remark| remark.fix.as_ref().is_some_and(|fix| fix.grants)).count() {
        0 => {}
        1 => output::warn("1 more repair may let somebody in who is not let in today; `--grants` makes it too"),
        count => output::warn(&format!(
            "{count} more repairs may let somebody in who is not let in today; `--grants` makes them too"
        )),
    }
    let hint = format!("`kube-iam check{}` shows what is left", target.flag());
    verdict(target, &done.after, &left, "left", Some(hint))
}

/// The data after every repair that may be made: one may show what the next one is for.
fn repaired(data: &Data, context: &Context, grants: bool) -> Data {
    let mut data = data.clone();
    for _ in 0..PASSES {
        let remarks = lint(&data, context);
        let may_make = |remark: &&Remark| grants || remark.fix.as_ref().is_some_and(|fix| !fix.grants);
        let fixed = fix(&data, remarks.iter().filter(may_make));
        if fixed.applied.is_empty() {
            break;
        }
        data = fixed.data;
    }
    data
}
