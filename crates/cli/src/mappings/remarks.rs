//! What the linter says of a change.

use std::collections::BTreeSet;

use kube_iam_core::aws_auth::Data;
use kube_iam_core::check::{Context, lint};
use kube_iam_core::finding::{Finding, Severity};

/// Rules of the linter that have nothing to add to the guard, which says the same of
/// the change.
const SAID_ALREADY: [&str; 11] = [
    "account-invalid",
    "account-wide",
    "arn-account",
    "arn-invalid",
    "caller-locked-out",
    "node-role-missing",
    "role-path",
    "section-missing",
    "sso-path",
    "sso-row",
    "system-masters",
];

/// What the linter says of the data after a change, and not of those before. It
/// warns, and refuses nothing.
pub fn remarks(before: &Data, after: &Data, context: &Context) -> Vec<Finding> {
    let mut found: Vec<_> = lint(after, context).into_iter().map(|remark| remark.finding).collect();
    found.retain(|finding| finding.severity != Severity::Note && !SAID_ALREADY.contains(&finding.rule));
    // Most changes end here: the data before them need not be read.
    if found.is_empty() {
        return found;
    }
    let said: BTreeSet<_> =
        lint(before, context).into_iter().map(|remark| (remark.finding.rule, remark.finding.message)).collect();
    let new = found.into_iter().filter(|finding| !said.contains(&(finding.rule, finding.message.clone())));
    new.map(|finding| Finding { severity: Severity::Warn, ..finding }).collect()
}
