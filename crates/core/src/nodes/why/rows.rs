//! What is wrong with the rows for nodes.

use alloc::borrow::ToOwned as _;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::words::{apply, block, delete_and_apply, warn};
use super::{AWS_AUTH, Diagnosis, Search, of};
use crate::arn::{Arn, ArnError};
use crate::authenticator::{Judge, Who, only_kube_iam};
use crate::aws_auth::{Document, MappingRow, Principal, Row, RowError, RowProblem, Section};
use crate::finding::Finding;
use crate::node_instance::NODE_USERNAME_PREFIX;
use crate::nodes::role::show_role_of;
use crate::nodes::rows::{RowRef, is_for_nodes};
use crate::nodes::{Kind, kind};
use crate::shown::excerpt;

/// Rows for nodes that don't do what they were written for: those of one role, or all.
pub(super) fn wrong(search: &Search<'_>, document: &Document, role: Option<&Arn>) -> Vec<Diagnosis> {
    let mut found = Vec::new();
    let rows = [Section::MapRoles, Section::MapUsers].into_iter().flat_map(|section| document.rows(section));
    for row in rows {
        let finding = match row.reading() {
            Ok(mapping) if is_about(&mapping.principal, role) => of_row(search, &mapping),
            Ok(_) => None,
            Err(problem) if problem.principal.as_ref().is_none_or(|one| is_about(one, role)) => unread(&row, &problem),
            Err(_) => None,
        };
        let place = format!("{}:{}", row.section, row.mark().line);
        found.extend(of(&place, finding));
    }
    // With the role known, the node itself is told what it lacks.
    if found.is_empty() && role.is_none() && search.rows.counting.is_empty() {
        let message = "aws-auth has no row that lets nodes in".to_owned();
        found.extend(of(AWS_AUTH, [block("no-node-row", message, apply(None))]));
    }
    found
}

fn is_about(principal: &Principal, role: Option<&Arn>) -> bool {
    role.is_none_or(|role| Who::of_principal(principal) == Who::of(role))
}

/// A row that can't be read, if it may have been meant for nodes.
fn unread(row: &Row<'_>, problem: &RowProblem) -> Option<Finding> {
    let arn = row.arn().unwrap_or_default();
    if let RowError::Arn { error: ArnError::InstanceProfile, .. } = problem.error {
        let message = format!("`{}` is an instance profile, and no node logs in as one", excerpt(arn));
        let fix = format!("{}; then `kube-iam nodes apply --role-arn ARN` with it", show_role_of(arn));
        return Some(block("instance-profile", message, fix));
    }
    let named = row.username().is_some_and(|name| name.starts_with(NODE_USERNAME_PREFIX));
    let is_for_nodes = named || row.groups().contains(&kind::NODES);
    is_for_nodes.then(|| {
        let message = format!("a row for nodes can't be read: {}", excerpt(&problem.error.to_string()));
        block("row-unreadable", message, "`kube-iam check` shows what is wrong with it".to_owned())
    })
}

fn of_row(search: &Search<'_>, row: &MappingRow) -> Option<Finding> {
    if !is_for_nodes(row) {
        return None;
    }
    let deciding = search.scene.deciding;
    let principal = excerpt(&row.principal.to_string()).into_owned();
    if !Judge::is_alive(row, deciding) {
        let why = only_kube_iam(&row.principal).unwrap_or("its ARN shows a region");
        let message = format!("`{principal}` matches nobody, unless kube-iam decides: {why}");
        return Some(block("role-path", message, "`kube-iam check --fix`".to_owned()));
    }
    let Principal::Arn(role) = &row.principal else { return None };
    let counts = search.rows.counting.iter().any(|one| (one.section, one.mark) == (row.section, row.mark));
    if !counts {
        let grant = search.rows.judge.grant(deciding, Who::of(role));
        let by = grant.and_then(|grant| grant.mark.map(|mark| format!("the row in {}:{}", grant.section, mark.line)));
        let by = by.unwrap_or_else(|| "another one".to_owned());
        let same = search.rows.counting.iter().find(|one| Who::of_principal(&one.principal) == Who::of(role));
        return Some(match same {
            Some(_) => {
                let message = format!("the row has no effect: of those of `{principal}` {by} counts");
                warn("row-shadowed", message, "`kube-iam check --fix`".to_owned())
            }
            None => {
                let message =
                    format!("the row has no effect: of those of `{principal}` {by} counts, which is none for nodes");
                block("row-shadowed", message, delete_and_apply(role))
            }
        });
    }
    let lacking = lacking(row);
    (!lacking.is_empty()).then(|| {
        let message = format!("`{principal}` lacks {}", lacking.join(" and "));
        block("row-incomplete", message, apply(Some(role)))
    })
}

/// What every node needs and a row does not give.
fn lacking(row: &MappingRow) -> Vec<String> {
    let mut lacking = Vec::new();
    if !row.username.as_deref().is_some_and(|name| name.starts_with(NODE_USERNAME_PREFIX)) {
        lacking.push(format!("a username that begins with `{NODE_USERNAME_PREFIX}`"));
    }
    let missing = Kind::Linux.groups().iter().filter(|group| !row.groups.iter().any(|one| one == *group));
    lacking.extend(missing.map(|group| format!("group `{group}`")));
    lacking
}

/// A row of the same role name in another account.
pub(super) fn twin_elsewhere(search: &Search<'_>, role: &Arn) -> Option<RowRef> {
    let is_twin = |row: &&&MappingRow| match &row.principal {
        Principal::Arn(arn) => arn.account() != role.account() && arn.role_name() == role.role_name(),
        Principal::Sso(_) => false,
    };
    search.rows.counting.iter().find(is_twin).map(|row| RowRef::of(row))
}
