//! The commands on aws-auth.

pub mod bind;
pub mod change;
pub mod check;
pub mod desired;
pub mod edit;
pub mod get;

use std::collections::BTreeMap;

use kube_iam_cluster::Touched;
use kube_iam_core::aws_auth::{Document, EditError, Edited, Operation};
use kube_iam_core::change::Planned;
use kube_iam_core::diff::{self, Difference};
use kube_iam_core::finding::Finding;
use kube_iam_core::owners::{ANNOTATION, Owners};
use serde::Serialize;

use crate::args::{DryRun, ResultForm, WriteArgs};
use crate::exit::Exit;
use crate::mappings::{Done, State, Wanted};
use crate::output;
use crate::report::Failure;

/// The record of owners in a state.
fn owners(state: &State) -> Result<Owners, Failure> {
    Owners::parse(state.annotations.get(ANNOTATION).map(String::as_str))
        .map_err(|error| Failure::of(&error).hint(error.hint()))
}

/// The change of texts and of the record of owners that operations make.
fn wanted(
    document: &Document,
    operations: &[Operation],
    before: &Owners,
    kept: impl FnOnce(&Document) -> Owners,
    findings: Vec<Finding>,
) -> Result<Wanted, Failure> {
    let Edited { changed, document: after } = document.edit(operations).map_err(|error| {
        let hint = match error {
            EditError::TooLong(..) => "take out rows that nobody needs, or give rights by group instead of by row",
            _ => "change it by hand with `kube-iam edit`; nothing was written",
        };
        Failure::of(&error).hint(hint.to_string())
    })?;
    let kept = kept(&after);
    let mut annotations = BTreeMap::new();
    if *before != kept {
        let text = match kept.is_empty() {
            true => None,
            false => Some(kept.encode().map_err(|error| Failure::of(&error).hint(error.hint()))?),
        };
        annotations.insert(ANNOTATION.to_owned(), text);
    }
    let data = changed.into_iter().map(|(key, text)| (key, Some(text))).collect();
    Ok(Wanted { touched: Touched { data, annotations }, document: Some(after), findings })
}

/// What a plan makes of the mappings; nothing if all is as wanted.
pub(super) fn planned(state: &State, document: &Document, planned: Planned) -> Result<Option<Wanted>, Failure> {
    if planned.operations.is_empty() {
        return Ok(None);
    }
    let owners = owners(state)?;
    // Whoever takes a row out ends what others have claimed: one of the same principal
    // that comes later is not theirs.
    let alive = owners.kept_in(document);
    let mut findings = planned.findings;
    findings.extend(alive.findings(document, &planned.operations));
    wanted(document, &planned.operations, &owners, |after| alive.kept_in(after), findings).map(Some)
}

/// What a change came to, for programs.
#[derive(Serialize)]
struct Report<'a> {
    changed: bool,
    dry_run: Option<&'static str>,
    differences: &'a [Difference],
    findings: &'a [Finding],
}

/// Prints the result: a line for each mapping, or a document for programs. The subjects are
/// what there was to change.
pub(super) fn report(done: &Done, write: &WriteArgs, subjects: &[String], is_data: bool) -> Result<(), Failure> {
    let differences = match (done.before.rows(), done.after.rows()) {
        (Ok(before), Ok(after)) => diff::diff(before, after, &owners(&done.before).unwrap_or_default()),
        _ => Vec::new(),
    };
    let dry_run = dry_run(write);
    let document = Report { changed: done.is_changed(), dry_run, differences: &differences, findings: &done.findings };
    let text = match write.output {
        Some(ResultForm::Json) => format!("{}\n", serde_json::to_string_pretty(&document).unwrap_or_default()),
        Some(ResultForm::Yaml) => serde_saphyr::to_string(&document).unwrap_or_default(),
        Some(ResultForm::Name) if differences.is_empty() => subjects
            .iter()
            .map(|subject| format!("{}\n", subject.strip_prefix("mapping/").unwrap_or(subject)))
            .collect(),
        Some(ResultForm::Name) => differences.iter().map(|one| format!("{}\n", one.mapping().subject.text())).collect(),
        None => sentences(done, &differences, dry_run, subjects),
    };
    say(&text, is_data)
}

/// Where a dry run ends, in a word.
fn dry_run(write: &WriteArgs) -> Option<&'static str> {
    write.dry_run.map(|dry_run| match dry_run {
        DryRun::Client => "client",
        DryRun::Server => "server",
    })
}

/// Prints the result. On stdout stands the document already, if it came from stdin.
fn say(text: &str, is_data: bool) -> Result<(), Failure> {
    match is_data {
        true => output::data(text),
        false => output::tell(text),
    }
}

fn sentences(done: &Done, differences: &[Difference], dry_run: Option<&str>, subjects: &[String]) -> String {
    let after = dry_run.map(|dry_run| format!(" ({dry_run} dry run)")).unwrap_or_default();
    let sentence = |difference: &Difference| {
        let word = match difference {
            Difference::Added { .. } => "created",
            Difference::Removed { .. } => "deleted",
            Difference::Changed { .. } => "configured",
        };
        format!("mapping/{} {word}{after}\n", difference.mapping().subject.text())
    };
    match (differences, done.is_changed()) {
        ([], false) => subjects.iter().map(|subject| format!("{subject} unchanged{after}\n")).collect(),
        ([], true) => subjects.iter().map(|subject| format!("{subject} configured{after}\n")).collect(),
        (differences, _) => differences.iter().map(sentence).collect(),
    }
}

/// Whatever a person typed that can't be meant.
pub(super) fn usage(failure: Failure) -> Failure {
    failure.exit(Exit::Usage)
}
