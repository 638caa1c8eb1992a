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

/// What could not be found out, in one line. Without anything known of a cluster
/// it is a file that was judged.
pub(super) fn unchecked(facts: &Facts) -> Option<Finding> {
    let unnamed = facts.nodes.iter().flatten().filter(|node| node.role.is_none()).count();
    let decides = facts.deciding == Deciding::Unknown;
    let unknown = [
        (facts.caller.is_none(), String::from("who you are")),
        (facts.admins.is_none(), String::from("who is bound to `cluster-admin`")),
        (facts.nodes.is_none(), String::from("which nodes there are")),
        (unnamed == 1, String::from("the role of the node")),
        (unnamed > 1, format!("the roles of the {unnamed} nodes")),
        (decides, String::from("which authenticator decides (see `--authenticator`)")),
    ];
    let unknown: Vec<_> = unknown.into_iter().filter_map(|(is_unknown, what)| is_unknown.then_some(what)).collect();
    let is_file = facts.caller.is_none() && facts.admins.is_none() && facts.nodes.is_none();
    let message = match (unknown.split_last()?, is_file) {
        (_, true) if decides => String::from("only the rows were judged, under each `--authenticator`"),
        (_, true) => String::from("only the rows were judged"),
        ((last, []), false) => format!("the guard could not find out {last}"),
        ((last, rest), false) => format!("the guard could not find out {} and {last}", rest.join(", ")),
    };
    Some(Finding { rule: "unchecked", severity: Severity::Note, section: None, mark: None, message, hint: None })
}
