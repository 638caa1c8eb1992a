//! Rows that are about the same principal.

use alloc::format;
use alloc::string::String;
use core::cmp::Ordering;

use hashbrown::HashMap;

use super::row::Row;
use super::{Context, Remark, Remarks, rules, shown};
use crate::authenticator::{Authenticator, Deciding, Judge, Who, only_kube_iam};
use crate::aws_auth::{MappingRow, Principal, Section};

type FixedState = foldhash::fast::FixedState;

pub(super) fn lint(rows: &[Row<'_>], context: &Context, remarks: &mut Remarks) {
    // While it is unknown who decides, kube-iam sees the most overlaps.
    let view = match context.deciding {
        Deciding::Known(authenticator) => authenticator,
        Deciding::Unknown | Deciding::NotConsulted => Authenticator::KubeIam,
    };
    let alive = |mapping: &MappingRow| Judge::is_alive(mapping, Deciding::Known(view));
    let taken = || rows.iter().filter_map(|row| Some((row, row.mapping.as_ref().filter(|mapping| alive(mapping))?)));
    // The last row wins, and those of mapRoles over those of mapUsers.
    let of_users = taken().filter(|(row, _)| row.section() == Section::MapUsers);
    let of_roles = taken().filter(|(row, _)| row.section() != Section::MapUsers);
    let winners: HashMap<Who<'_>, (&Row<'_>, &MappingRow), FixedState> = of_users
        .chain(of_roles)
        .map(|(row, mapping)| (Who::of_principal(&mapping.principal), (row, mapping)))
        .collect();
    for (row, mapping) in taken() {
        let who = Who::of_principal(&mapping.principal);
        if let Some((winner, by)) = winners.get(&who).filter(|(winner, _)| !core::ptr::eq(*winner, row)) {
            remarks.push(duplicate(row, mapping, winner, by));
        }
        let set = who.permission_set();
        if let Some((other, _)) = set.as_ref().and_then(|set| winners.get(&Who::Holders(set))) {
            let message = format!("the permission set of this role has an `sso` row too, {}", place_of(other, row));
            remarks.push(Remark::at(&rules::SSO_OVERLAP, row.section(), row.principal_mark(), message));
        }
    }
}

/// Where a row is, seen from another: lines of a section are others in a file.
fn place_of(row: &Row<'_>, from: &Row<'_>) -> String {
    let (line, own) = (row.node.mark.line, from.node.mark.line);
    let lines = if line.abs_diff(own) == 1 { "line" } else { "lines" };
    match line.cmp(&own) {
        _ if row.section() != from.section() => format!("in line {line} of `{}`", row.section()),
        Ordering::Less => format!("{} {lines} above", own - line),
        Ordering::Equal => String::from("in the same line"),
        Ordering::Greater => format!("{} {lines} below", line - own),
    }
}

fn duplicate(row: &Row<'_>, mapping: &MappingRow, winner: &Row<'_>, by: &MappingRow) -> Remark {
    let whom = match &mapping.principal {
        Principal::Arn(arn) => format!("`{}`", shown(arn.as_str())),
        sso @ Principal::Sso(_) => format!("{sso}"),
    };
    let place = format!("the one {}", place_of(winner, row));
    let is_same = mapping.username == by.username && mapping.groups == by.groups && mapping.user_id == by.user_id;
    if !is_same {
        let differs = only_kube_iam(&by.principal).is_some() && only_kube_iam(&mapping.principal).is_none();
        let whose = if differs { " in kube-iam" } else { "" };
        let message = format!("this row about {whom} has no effect{whose}: {place} takes its place");
        return Remark::at(&rules::SHADOWED_ROW, row.section(), row.node.mark, message);
    }
    // The row that stays must match wherever the one that goes did.
    let is_covered = mapping.principal == by.principal || Judge::is_alive(by, Deciding::Unknown);
    let message = format!("this row about {whom} says the same as {place}");
    let fix = if is_covered { row.removal() } else { None };
    Remark::at(&rules::DUPLICATE_ROW, row.section(), row.node.mark, message).fix(fix)
}
