//! The words of findings.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::Facts;
use crate::authenticator::{Authenticator, Deciding};
use crate::aws_auth::Section;
use crate::finding::{Finding, Severity};
use crate::limits;
use crate::yaml::Mark;

type Place = (Section, Option<Mark>);

pub(super) fn block(rule: &'static str, at: Option<Place>, message: String, hint: &str) -> Finding {
    finding(rule, Severity::Block, at, message, hint)
}

pub(super) fn finding(
    rule: &'static str,
    severity: Severity,
    at: Option<Place>,
    message: String,
    hint: &str,
) -> Finding {
    let (section, mark) = (at.map(|(section, _)| section), at.and_then(|(_, mark)| mark));
    Finding { rule, severity, section, mark, message, hint: Some(hint.into()) }
}

pub(super) fn place(section: Section, mark: Option<Mark>) -> String {
    match mark {
        Some(mark) => format!("`{section}` line {}", mark.line),
        None => format!("`{section}`"),
    }
}

/// Where a finding holds, as the end of a sentence.
pub(super) fn under(deciding: Deciding, views: &[Deciding]) -> &'static str {
    let holds = |one| views.contains(&Deciding::Known(one));
    match (deciding, holds(Authenticator::KubeIam), holds(Authenticator::AwsIamAuthenticator)) {
        (Deciding::Known(_) | Deciding::NotConsulted, ..) | (Deciding::Unknown, true, true) => "",
        (Deciding::Unknown, true, false) => ", if kube-iam decides here",
        (Deciding::Unknown, false, true) => ", if aws-iam-authenticator or EKS decides here",
        (Deciding::Unknown, false, false) => ", unless it is known which authenticator decides here",
    }
}

/// The first few of many names.
pub(super) fn list<T: AsRef<str>>(names: &[T]) -> String {
    const SHOWN: usize = 3;
    let excerpt = |name: &T| format!("`{}`", name.as_ref().chars().take(limits::EXCERPT_CHARS).collect::<String>());
    let shown = names.iter().take(SHOWN).map(excerpt).collect::<Vec<_>>().join(", ");
    match names.len().checked_sub(SHOWN) {
        None | Some(0) => shown,
        Some(more) => format!("{shown} and {more} more"),
    }
}

pub(super) fn not_consulted() -> Finding {
    finding(
        "not-consulted",
        Severity::Warn,
        None,
        "aws-auth is not consulted here: EKS is in authentication mode `API`".into(),
        "use access entries, or change the authentication mode of the cluster",
    )
}

/// What could not be checked, and why.
pub(super) fn unchecked(facts: &Facts) -> Vec<Finding> {
    let unnamed = facts.nodes.iter().flatten().filter(|node| node.role.is_none()).count();
    let notes = [
        (facts.caller.is_none(), "who you are is not known: whether you lock yourself out was not checked".into()),
        (
            facts.admins.is_none(),
            "who is bound to `cluster-admin` is not known: only `system:masters` counts as administrator".into(),
        ),
        (
            facts.nodes.is_none(),
            "the nodes could not be read: every node role that loses its mapping is taken for one in use".into(),
        ),
        (
            unnamed > 0,
            format!("the roles of {unnamed} nodes are not known: any node role that loses its mapping may be theirs"),
        ),
        (
            facts.deciding == Deciding::Unknown,
            "which authenticator decides here is not known: the change was judged under all of them".into(),
        ),
    ];
    let hint = "see `--authenticator`, and the rights that the guard needs to read nodes and bindings";
    notes
        .into_iter()
        .filter(|(unknown, _)| *unknown)
        .map(|(_, message)| finding("unchecked", Severity::Note, None, message, hint))
        .collect()
}
