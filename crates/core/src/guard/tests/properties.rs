//! Law 3, held against a plain reading of the rules: what the guard lets pass
//! locks nobody out.

use proptest::prelude::*;
use std::vec::Vec;

use super::*;
use crate::aws_auth::MappingRow;
use crate::mapping::{Backend, Resolution, RolePaths, Snapshot, resolve};
use crate::testing::identity;

const PEOPLE: [&str; 5] = ["Me", "Other", "Node", "AWSReservedSSO_Ops_0123456789abcdef", "Third"];

fn any_row() -> impl Strategy<Value = String> {
    let role =
        prop::sample::select(Vec::from(["Me", "me", "team/Me", "Other", "a/Other", "Node", "a/Node", PEOPLE[3]]));
    let grant = prop::sample::select(Vec::from([
        MASTERS,
        VIEW,
        NODE,
        "username: root",
        "username: 'su:{{SessionName}}', groups: [x]",
        "username: 5, groups: [system:masters]",
        "groups: [ops]",
    ]));
    let sso = format!("- {{sso: {{permissionSetName: Ops, accountID: '111122223333'}}, {MASTERS}}}\n");
    prop_oneof![12 => (role, grant).prop_map(|(role, rest)| row(role, rest)), 1 => Just(sso)]
}

fn any_document() -> impl Strategy<Value = Mappings> {
    let rows = prop::collection::vec(any_row(), 0..7).prop_map(|rows| rows.concat());
    let broken = prop_oneof![20 => Just(""), 1 => Just("- rolearn: [\n")];
    let account = prop_oneof![4 => Just(""), 1 => Just("- '111122223333'\n"), 1 => Just("- [")];
    (rows, any_row(), broken, account).prop_map(|(roles, user, broken, account)| {
        mappings(&(roles + broken), &user.replace("rolearn", "userarn"), account)
    })
}

fn any_facts() -> impl Strategy<Value = Facts> {
    let deciding = prop::sample::select(Vec::from([OURS, GO, EKS, Deciding::Unknown, Deciding::NotConsulted]));
    (deciding, any::<[bool; 4]>()).prop_map(|(deciding, [caller, admins, nodes, roles])| {
        let mut facts = facts(deciding);
        facts.caller = facts.caller.filter(|_| caller);
        facts.admins = facts.admins.filter(|_| admins);
        facts.nodes = facts.nodes.filter(|_| nodes);
        if !roles {
            facts.nodes.iter_mut().flatten().for_each(|node| node.role = None);
        }
        facts
    })
}

/// What a role gets from kube-iam, as the webhook finds it.
fn by_kube_iam(mappings: &Mappings, role: &str) -> Option<(Option<String>, Vec<String>)> {
    let rows: Vec<_> = mappings.readable().map(|(_, rows)| rows).collect();
    let snapshot = Snapshot::new(Backend::EksConfigMap, rows, RolePaths::Match);
    let caller = identity(&format!("arn:aws:sts::111122223333:assumed-role/{role}/bob"), "bob");
    match resolve([&snapshot], &caller) {
        Resolution::Mapped { mapping, .. } => {
            let text = |template: &crate::template::Template| format!("{template}");
            Some((mapping.username.as_ref().map(text), mapping.groups.iter().map(text).collect()))
        }
        Resolution::AccountAllowed { .. } => Some((None, Vec::new())),
        Resolution::NotMapped => None,
    }
}

/// The same from the Go program, by reading all rows in turn. A row that is
/// half read gives nothing to rely on.
fn by_go(mappings: &Mappings, role: &str) -> Option<(Option<String>, Vec<String>)> {
    let arn = format!("arn:aws:iam::111122223333:role/{role}");
    let is_him =
        |principal: &Principal| matches!(principal, Principal::Arn(a) if a.as_str().eq_ignore_ascii_case(&arn));
    for rows in [&mappings.roles, &mappings.users].into_iter().flatten() {
        let whole = rows.mappings.iter().filter(|row| is_him(&row.principal)).map(|row| (row.mark, Some(row)));
        let half = rows.problems.iter().filter(|p| p.principal.as_ref().is_some_and(is_him)).map(|p| (p.mark, None));
        match whole.chain(half).max_by_key(|(mark, _)| *mark) {
            Some((_, Some(MappingRow { username, groups, .. }))) => return Some((username.clone(), groups.clone())),
            Some((_, None)) => return None,
            None => {}
        }
    }
    mappings.accounts.as_ref().ok().filter(|rows| !rows.accounts.is_empty()).map(|_| (None, Vec::new()))
}

type Oracle = fn(&Mappings, &str) -> Option<(Option<String>, Vec<String>)>;

fn is_admin(grant: Option<&(Option<String>, Vec<String>)>, facts: &Facts) -> bool {
    let (groups, names) = facts.admins.iter().fold((Vec::from(["system:masters"]), Vec::new()), |(mut g, mut n), a| {
        g.extend(a.groups.iter().map(String::as_str));
        n.extend(a.usernames.iter().map(String::as_str));
        (g, n)
    });
    grant.is_some_and(|(name, has)| {
        has.iter().any(|group| groups.contains(&group.as_str())) || name.as_deref().is_some_and(|n| names.contains(&n))
    })
}

fn is_node(grant: Option<&(Option<String>, Vec<String>)>) -> bool {
    grant.is_some_and(|(name, groups)| {
        name.as_deref().is_some_and(|name| name.starts_with("system:node:"))
            && ["system:nodes", "system:bootstrappers"].iter().all(|wanted| groups.iter().any(|group| group == wanted))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn nothing_that_stays_the_same_blocks_or_grants(mappings in any_document(), facts in any_facts()) {
        let findings = assess(&mappings, &mappings.clone(), &facts);
        let harmless = |finding: &Finding| matches!(finding.rule, "unchecked" | "not-consulted");
        prop_assert!(findings.iter().all(harmless), "{:?}", findings);
    }

    #[test]
    fn what_passes_locks_nobody_out(before in any_document(), after in any_document(), facts in any_facts()) {
        let findings = assess(&before, &after, &facts);
        prop_assert_eq!(&findings, &assess(&before, &after, &facts));
        if facts.deciding == Deciding::NotConsulted || !blocked(&findings, &[]).unwrap().is_empty() {
            return Ok(());
        }
        let oracles: &[Oracle] = match facts.deciding {
            Deciding::Unknown => &[by_kube_iam, by_go],
            OURS => &[by_kube_iam],
            _ => &[by_go],
        };
        for get in oracles {
            let all = |mappings: &Mappings| PEOPLE.map(|role| get(mappings, role));
            let (was, is) = (all(&before), all(&after));
            let admin = |grants: &[Option<_>]| grants.iter().any(|grant| is_admin(grant.as_ref(), &facts));
            prop_assert!(!admin(&was) || admin(&is), "last administrator");
            if facts.caller.is_some() {
                prop_assert!(was[0].is_none() || is[0].is_some(), "caller's access");
                prop_assert!(!is_admin(was[0].as_ref(), &facts) || is_admin(is[0].as_ref(), &facts), "caller's rights");
            }
            prop_assert!(!is_node(was[2].as_ref()) || is_node(is[2].as_ref()), "nodes");
        }
    }
}
