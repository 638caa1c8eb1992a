//! What a change breaks in the text itself, and whom it lets in.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use hashbrown::HashMap;

use super::standing::MASTERS;
use super::text::{self, block, finding, place};
use super::{Change, FixedSet, Lost};
use crate::authenticator::{Deciding, Grant, Mappings, Who, only_kube_iam};
use crate::aws_auth::{MappingRow, Principal, RowError, RowProblem, Rows, Section};
use crate::finding::{Finding, Severity};

/// Sections that become unreadable, or readable.
pub(super) fn unreadable_sections(change: &Change<'_>) -> Vec<Finding> {
    let (before, after) = change.texts;
    let judge = |section: Section| match (before.section(section), after.section(section)) {
        (Ok(_), Err(error)) => Some(block(
            "section-unreadable",
            Some((section, Some(error.mark))),
            format!("`{section}` could no longer be read and would let nobody in: {}", error.reason),
            "correct the text at that place",
        )),
        (Err(_), Ok(rows)) if !rows.mappings.is_empty() || !rows.accounts.is_empty() => {
            let masters = rows.mappings.iter().filter(|row| gives_masters(&row.groups)).count();
            let count = rows.mappings.len() + rows.accounts.len();
            Some(finding(
                "grants-access",
                Severity::Warn,
                Some((section, None)),
                format!("`{section}` becomes readable: {count} rows take effect, {masters} of them with `{MASTERS}`"),
                "read the rows: nothing could be compared with what was there before",
            ))
        }
        (Ok(_) | Err(_), _) => None,
    };
    Section::ALL.into_iter().filter_map(judge).collect()
}

/// Rows that can't be read and were not there before.
pub(super) fn unreadable_rows(change: &Change<'_>) -> Vec<Finding> {
    let name = |section: Section, problem: &RowProblem| (section, format!("{}/{:?}", problem.error, problem.principal));
    let problems = |mappings: &Mappings| -> Vec<_> {
        let of = |(section, rows): (Section, &Rows)| {
            rows.problems.iter().map(|problem| (name(section, problem), problem.clone())).collect::<Vec<_>>()
        };
        mappings.readable().flat_map(of).collect()
    };
    let mut known: HashMap<_, usize, foldhash::fast::FixedState> = HashMap::default();
    for (name, _) in problems(change.texts.0) {
        *known.entry(name).or_default() += 1;
    }
    let mut findings = Vec::new();
    for (name, problem) in problems(change.texts.1) {
        let section = name.0;
        match known.get_mut(&name) {
            Some(count) if *count > 0 => *count -= 1,
            Some(_) | None => findings.push(unreadable_row(change, section, &problem)),
        }
    }
    findings
}

/// The Go authenticator keeps what it can of a row with a value of the wrong
/// type: groups without a username, for example.
fn unreadable_row(change: &Change<'_>, section: Section, problem: &RowProblem) -> Finding {
    let half = matches!(problem.error, RowError::Type { .. }) && problem.principal.is_some();
    let (severity, rest) = match half && change.others_may_decide() {
        true => (Severity::Block, "other authenticators than kube-iam keep the rest of the row"),
        false => (Severity::Warn, "the row counts for nothing"),
    };
    let message = format!("a row of `{section}` can't be read: {}; {rest}", problem.error);
    finding("row-unreadable", severity, Some((section, Some(problem.mark))), message, "correct the row")
}

/// Rows written in a form that only kube-iam matches.
pub(super) fn only_kube_iam_rows(change: &Change<'_>, lost: &Lost<'_>) -> Vec<Finding> {
    if !change.others_may_decide() {
        return Vec::new();
    }
    let rows = |mappings| Mappings::readable(mappings).flat_map(|(_, rows)| &rows.mappings);
    let special = |row: &&MappingRow| only_kube_iam(&row.principal).is_some();
    let content = |row: &MappingRow| (row.principal.clone(), row.username.clone(), row.groups.clone());
    let known: FixedSet<_> = rows(change.texts.0).filter(special).map(content).collect();
    let judge = |row: &MappingRow| {
        let reason = only_kube_iam(&row.principal).filter(|_| !known.contains(&content(row)))?;
        let severity = if lost.concerns(&row.principal) { Severity::Block } else { Severity::Warn };
        let (name, hint) = match (&row.principal, Who::of_principal(&row.principal)) {
            (Principal::Arn(arn), who) => (format!("`{arn}`"), format!("write {who}, which all of them match")),
            (Principal::Sso(_), who) => {
                (format!("{who}"), "write the ARN of the role that the permission set has in this account today".into())
            }
        };
        let whose = if change.facts.deciding == Deciding::Unknown { "may match nobody" } else { "matches nobody" };
        let message = format!("the row about {name} {whose} here: {reason}, and only kube-iam matches that");
        Some(finding("only-kube-iam-matches", severity, Some((row.section, Some(row.mark))), message, &hint))
    };
    rows(change.texts.1).filter_map(judge).collect()
}

/// Principals that newly become administrators, or whose dead rows come alive.
pub(super) fn granted(change: &Change<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for &who in &change.changed {
        let (mut masters, mut admins, mut revived, mut grants) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for &view in change.views().iter().filter(|view| **view != Deciding::Unknown) {
            let (before, after) = (change.before.grant(view, who), change.after.grant(view, who));
            let Some(after) = after.filter(|grant| grant.mark.is_some() && was_readable(change, grant.section)) else {
                continue;
            };
            if gives_masters(&after.groups) && !before.as_ref().is_some_and(|grant| gives_masters(&grant.groups)) {
                masters.push(view);
            } else if change.admins.standing(Some(&after)).is_admin()
                && !change.admins.standing(before.as_ref()).is_admin()
            {
                admins.push(view);
            }
            if is_revived(change, who, before.as_ref(), &after) {
                revived.push(view);
            }
            grants.push(after);
        }
        let Some(grant) = grants.first() else { continue };
        let (at, row) = (Some((grant.section, grant.mark)), place(grant.section, grant.mark));
        let warn = |rule, message, hint| finding(rule, Severity::Warn, at, message, hint);
        if !masters.is_empty() {
            let under = text::under(change.facts.deciding, &masters);
            let message = format!("{who} would get `{MASTERS}` by {row}{under}");
            findings.push(warn("grants-masters", message, "nothing can be taken from that group by RBAC"));
        }
        if !admins.is_empty() {
            let under = text::under(change.facts.deciding, &admins);
            let message = format!(
                "{who} would be an administrator by {row}, whose group or username is bound to `cluster-admin`{under}"
            );
            findings.push(warn("grants-admin", message, "give a group that is bound to less, if that is not meant"));
        }
        if !revived.is_empty() {
            let under = text::under(change.facts.deciding, &revived);
            let groups = if grant.groups.is_empty() { String::from("no group") } else { text::list(&grant.groups) };
            let message = format!("{who} would get {groups} by {row}, where a row has no effect now{under}");
            findings.push(warn("grants-access", message, "make sure that this principal is meant to get in"));
        }
    }
    findings
}

fn gives_masters(groups: &[String]) -> bool {
    groups.iter().any(|group| group == MASTERS)
}

fn was_readable(change: &Change<'_>, section: Section) -> bool {
    change.texts.0.section(section).is_ok()
}

/// Whether somebody gets what a row promised in vain before: it matched nobody,
/// could not be read, or was hidden by another.
fn is_revived(change: &Change<'_>, who: Who<'_>, before: Option<&Grant<'_>>, after: &Grant<'_>) -> bool {
    match before.filter(|grant| grant.mark.is_some()) {
        None => change.before.mentions(who),
        Some(before) => {
            let same = |grant: &Grant<'_>| grant.username == after.username && grant.groups == after.groups;
            !same(before) && change.before.rows(who).any(|row| same(&Grant::of(row)))
        }
    }
}

/// Accounts that are newly let in whole.
pub(super) fn accounts(change: &Change<'_>) -> Vec<Finding> {
    if !was_readable(change, Section::MapAccounts) {
        return Vec::new();
    }
    let mut new: Vec<_> = change.after.accounts().difference(change.before.accounts()).collect();
    new.sort();
    let judge = |account| {
        let message = format!("everybody in account {account} who may call STS would be let in, under their own ARN");
        let hint = "RBAC decides what they may do; map single principals if that is not meant";
        finding("grants-account", Severity::Warn, Some((Section::MapAccounts, None)), message, hint)
    };
    new.into_iter().map(judge).collect()
}
