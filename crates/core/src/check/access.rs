//! What rows give, and whom they forget.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use hashbrown::{HashMap, HashSet};

use super::principals::Account;
use super::row::Row;
use super::{Context, Remark, Remarks, rules, shown};
use crate::authenticator::{Authenticator, Deciding, Grant, Judge, Mappings};
use crate::aws_auth::{Principal, Rows, Section};
use crate::ids::AccountId;
use crate::node_instance::NODE_USERNAME_PREFIX;
use crate::partition::Partition;

type FixedState = foldhash::fast::FixedState;

const NODE_GROUPS: [&str; 2] = ["system:bootstrappers", "system:nodes"];

pub(super) fn lint(rows: &[Row<'_>], accounts: &[Account], context: &Context, remarks: &mut Remarks) {
    foreign(rows, context, remarks);
    rows.iter().for_each(|row| node_row(row, remarks));
    whole_accounts(rows, accounts, context, remarks);
    forgotten(rows, accounts, context, remarks);
}

/// Where a principal belongs to.
fn home(principal: &Principal) -> (Partition, AccountId) {
    match principal {
        Principal::Arn(arn) => (arn.partition(), arn.account()),
        Principal::Sso(set) => (set.partition, set.account),
    }
}

fn foreign(rows: &[Row<'_>], context: &Context, remarks: &mut Remarks) {
    let homes = || rows.iter().filter_map(|row| Some((row, home(row.principal()?))));
    // Where nothing is known of the cluster, its partition is that of the first row.
    let partition = context.partition.or_else(|| homes().next().map(|(_, (partition, _))| partition));
    for (row, (of_row, account)) in homes() {
        let at = |rule, message| Remark::at(rule, row.section(), row.principal_mark(), message);
        if let Some(partition) = partition.filter(|partition| *partition != of_row) {
            let whose = if context.partition.is_some() { "the cluster is" } else { "other rows are" };
            let message = format!("the principal is of partition `{of_row}`, {whose} of `{partition}`");
            remarks.push(at(&rules::FOREIGN_PARTITION, message));
        } else if context.account.is_some_and(|home| home != account) {
            remarks.push(at(&rules::FOREIGN_ACCOUNT, format!("account {account} is not the cluster's own")));
        }
    }
}

/// What a row lacks to be one for nodes; nothing if it looks like none.
fn node_row(row: &Row<'_>, remarks: &mut Remarks) {
    let is_named = row.username().starts_with(NODE_USERNAME_PREFIX);
    if !is_named && !NODE_GROUPS.into_iter().any(|group| row.has_group(group)) {
        return;
    }
    let missing: Vec<String> = NODE_GROUPS
        .into_iter()
        .filter(|group| !row.has_group(group))
        .map(|group| format!("group `{group}`"))
        .chain((!is_named).then(|| format!("a username that begins with `{NODE_USERNAME_PREFIX}`")))
        .collect();
    if !missing.is_empty() {
        let message = format!("nodes need {} too", missing.join(" and "));
        let mark = row.find("groups").or(row.find("username")).map_or(row.node.mark, |node| node.mark);
        remarks.push(Remark::at(&rules::NODE_ROW, row.section(), mark, message));
    }
}

fn is_node_grant(grant: &Grant<'_>) -> bool {
    let is_named = grant.username.is_some_and(|name| name.starts_with(NODE_USERNAME_PREFIX));
    is_named || grant.groups.iter().any(|group| NODE_GROUPS.contains(&group.as_str()))
}

fn whole_accounts(rows: &[Row<'_>], accounts: &[Account], context: &Context, remarks: &mut Remarks) {
    let mut dead: HashMap<AccountId, usize, FixedState> = HashMap::default();
    let matches =
        |row: &Row<'_>| row.mapping.as_ref().is_some_and(|mapping| Judge::is_alive(mapping, context.deciding));
    for row in rows.iter().filter(|row| !matches(row)) {
        if let Some(principal) = row.principal() {
            *dead.entry(home(principal).1).or_default() += 1;
        }
    }
    let mut seen = HashSet::with_hasher(FixedState::default());
    for (account, mark) in accounts.iter().filter(|(account, _)| seen.insert(*account)) {
        let hidden = match dead.get(account) {
            Some(count) => format!("; it hides that rows of it ({count}) don't match"),
            None => String::new(),
        };
        let message = format!("every user and role of account {account} is let in{hidden}");
        remarks.push(Remark::at(&rules::ACCOUNT_WIDE, Section::MapAccounts, *mark, message));
    }
}

/// Whoever must come in and doesn't.
fn forgotten(rows: &[Row<'_>], accounts: &[Account], context: &Context, remarks: &mut Remarks) {
    let Context { deciding, caller, node_roles, .. } = context;
    if (caller.is_none() && node_roles.is_none()) || *deciding == Deciding::NotConsulted {
        return;
    }
    let mappings = mappings(rows, accounts);
    let judge = Judge::new(&mappings);
    let on_eks = String::from("on EKS an access entry may let them in all the same");
    let hint = (*deciding != Deciding::Known(Authenticator::KubeIam)).then_some(on_eks);
    let mut seen = HashSet::with_hasher(FixedState::default());
    for role in node_roles.iter().flatten() {
        let name = role.without_role_path();
        if !seen.insert(name.key()) {
            continue;
        }
        let (section, mark, message) = match judge.lets_in(*deciding, role) {
            Some(grant) if is_node_grant(&grant) => continue,
            Some(Grant { section, mark: Some(mark), .. }) => {
                let message =
                    format!("running nodes have the role `{}`, whose row is none for nodes", shown(name.as_str()));
                (Some(section), Some(mark), message)
            }
            _ => (None, None, format!("no row lets in running nodes with the role `{}`", shown(name.as_str()))),
        };
        remarks.push(Remark::new(&rules::NODE_ROLE_MISSING, section, mark, message).hint(hint.clone()));
    }
    if let Some(caller) = caller.as_ref().filter(|caller| judge.lets_in(*deciding, caller).is_none()) {
        let message = format!("no row lets you in: you are `{}`", shown(caller.without_role_path().as_str()));
        let hint = String::from("make sure of another way in, such as an access entry or the break-glass list");
        remarks.push(Remark::new(&rules::CALLER_LOCKED_OUT, None, None, message).hint(hint));
    }
}

/// The rows as the judge of logins wants them.
fn mappings(rows: &[Row<'_>], accounts: &[Account]) -> Mappings {
    let of = |section: Section| {
        let of_section = || rows.iter().filter(move |row| row.section() == section);
        Ok(Rows {
            mappings: of_section().filter_map(|row| row.mapping.clone()).collect(),
            problems: of_section().filter_map(|row| row.problem.clone()).collect(),
            ..Rows::default()
        })
    };
    let accounts = accounts.iter().map(|(account, _)| *account).collect();
    Mappings {
        roles: of(Section::MapRoles),
        users: of(Section::MapUsers),
        accounts: Ok(Rows { accounts, ..Rows::default() }),
    }
}
