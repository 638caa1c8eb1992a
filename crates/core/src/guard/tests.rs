mod properties;

use std::borrow::ToOwned as _;
use std::format;
use std::string::String;
use std::vec::Vec;

use super::*;
use crate::finding::Severity;
use crate::testing::mappings;

const OURS: Deciding = Deciding::Known(Authenticator::KubeIam);
const GO: Deciding = Deciding::Known(Authenticator::AwsIamAuthenticator);
const EKS: Deciding = Deciding::Known(Authenticator::Eks);
const ALL: [Deciding; 4] = [OURS, GO, EKS, Deciding::Unknown];

const NODE: &str = "username: 'system:node:{{EC2PrivateDNSName}}', groups: [system:bootstrappers, system:nodes]";
const MASTERS: &str = "username: admin, groups: [system:masters]";
const VIEW: &str = "username: viewer, groups: [view]";
const ADMINS: &str = "username: ann, groups: [ops]";

fn row(role: &str, rest: &str) -> String {
    format!("- {{rolearn: 'arn:aws:iam::111122223333:role/{role}', {rest}}}\n")
}

/// The caller is role `Me`, a node runs under role `Node`, and all else is known.
fn facts(deciding: Deciding) -> Facts {
    Facts {
        caller: Some(Caller {
            arn: Some("arn:aws:sts::111122223333:assumed-role/Me/alice".parse().unwrap()),
            username: "admin".into(),
            groups: ["system:masters", "system:authenticated"].map(String::from).to_vec(),
        }),
        admins: Some(Admins { groups: ["ops".into()].to_vec(), usernames: ["root".into(), "su:bob".into()].to_vec() }),
        nodes: Some(
            [LiveNode {
                name: "ip-10-0-0-1".into(),
                role: Some("arn:aws:iam::111122223333:role/Node".parse().unwrap()),
            }]
            .to_vec(),
        ),
        deciding,
        break_glass: false,
    }
}

/// Rules of the findings of a severity, each once.
fn rules(findings: &[Finding], severity: Severity) -> Vec<&'static str> {
    let mut rules: Vec<_> = findings.iter().filter(|finding| finding.severity == severity).map(|f| f.rule).collect();
    rules.sort_unstable();
    rules.dedup();
    rules
}

fn change(before: &str, after: &str, facts: &Facts) -> Vec<Finding> {
    assess(&mappings(before, "", ""), &mappings(after, "", ""), facts)
}

/// Before the change: me, another administrator and the nodes.
fn usual() -> String {
    row("Me", MASTERS) + &row("Other", MASTERS) + &row("Node", NODE)
}

struct LockOut {
    name: &'static str,
    before: String,
    after: String,
    deciding: &'static [Deciding],
    blocks: &'static [&'static str],
}

fn lock_outs() -> Vec<LockOut> {
    let others: &[_] = &[GO, EKS, Deciding::Unknown];
    let alone = row("Other", MASTERS) + &row("Node", NODE);
    let lock_out = |name, after, deciding, blocks| LockOut { name, before: usual(), after, deciding, blocks };
    Vec::from([
        lock_out("the caller's row removed", alone.clone(), &ALL, &["caller-loses-access"]),
        lock_out("the caller's row demoted", row("Me", VIEW) + &alone, &ALL, &["caller-loses-admin"]),
        lock_out(
            "the caller demoted by a duplicate",
            usual() + &row("Me", VIEW),
            &ALL,
            &["caller-demoted-by-duplicate"],
        ),
        lock_out(
            "another administrator demoted by a duplicate",
            usual() + &row("Other", VIEW),
            &ALL,
            &["admin-demoted-by-duplicate"],
        ),
        lock_out("all administrators removed", row("Node", NODE), &ALL, &["caller-loses-access", "last-admin"]),
        LockOut {
            name: "the last administrator removed by somebody else",
            before: row("Other", MASTERS) + &row("Node", NODE),
            after: row("Node", NODE),
            deciding: &ALL,
            blocks: &["last-admin"],
        },
        LockOut {
            name: "the last group bound to cluster-admin removed",
            before: row("Other", "username: o, groups: [ops]") + &row("Third", VIEW),
            after: row("Other", "username: o, groups: [dev]") + &row("Third", VIEW),
            deciding: &ALL,
            blocks: &["last-admin"],
        },
        LockOut {
            name: "the last username bound to cluster-admin removed",
            before: row("Other", "username: root"),
            after: row("Other", "username: toor"),
            deciding: &ALL,
            blocks: &["last-admin"],
        },
        LockOut {
            name: "the last pattern of a username bound to cluster-admin removed",
            before: row("Other", "username: 'su:{{SessionName}}'"),
            after: row("Other", "username: 'user:{{SessionName}}'"),
            deciding: &ALL,
            blocks: &["last-admin"],
        },
        lock_out(
            "the row of a live node role removed",
            row("Me", MASTERS) + &row("Other", MASTERS),
            &ALL,
            &["node-role"],
        ),
        lock_out(
            "a live node role without system:bootstrappers",
            usual().replace("system:bootstrappers, ", ""),
            &ALL,
            &["node-role"],
        ),
        lock_out(
            "a live node role with the username of a person",
            usual().replace("system:node:{{", "node-{{"),
            &ALL,
            &["node-role"],
        ),
        lock_out(
            "a live node role with another username of nodes",
            usual().replace("EC2PrivateDNSName", "SessionName"),
            &ALL,
            &["node-role"],
        ),
        lock_out("a live node role hidden by a later row", usual() + &row("Node", VIEW), &ALL, &["node-role"]),
        lock_out(
            "the caller's row with a path",
            row("team/Me", MASTERS) + &alone,
            others,
            &["caller-loses-access", "only-kube-iam-matches"],
        ),
        lock_out(
            "the caller's row as a session",
            usual().replacen("iam::111122223333:role/Me", "sts::111122223333:assumed-role/Me/alice", 1),
            others,
            &["caller-loses-access", "only-kube-iam-matches"],
        ),
        lock_out(
            "the node row with a path",
            row("Me", MASTERS) + &row("Other", MASTERS) + &row("eks/Node", NODE),
            others,
            &["node-role", "only-kube-iam-matches"],
        ),
        LockOut {
            name: "the last administrator as a permission set",
            before: row("AWSReservedSSO_Ops_0123456789abcdef", MASTERS),
            after: format!("- {{sso: {{permissionSetName: Ops, accountID: '111122223333'}}, {MASTERS}}}\n"),
            deciding: others,
            blocks: &["last-admin", "only-kube-iam-matches"],
        },
        lock_out(
            "a syntax error in the section",
            usual() + "- rolearn: [\n",
            &ALL,
            &["caller-loses-access", "last-admin", "node-role", "section-unreadable"],
        ),
        lock_out(
            "a section that is no list",
            "mapRoles: []".into(),
            &ALL,
            &["caller-loses-access", "last-admin", "node-role", "section-unreadable"],
        ),
        lock_out(
            "a type error in a row of the caller's",
            usual() + &row("Me", "username: 5, groups: [system:masters]"),
            others,
            &["caller-demoted-by-duplicate", "row-unreadable"],
        ),
        lock_out(
            "a type error in a new row",
            usual() + &row("New", "username: yes, groups: [system:masters]"),
            others,
            &["row-unreadable"],
        ),
    ])
}

#[test]
fn every_lock_out_is_refused_and_can_be_overridden_by_name() {
    for LockOut { name, before, after, deciding, blocks } in lock_outs() {
        for &deciding in deciding {
            let findings = change(&before, &after, &facts(deciding));
            assert_eq!(rules(&findings, Severity::Block), blocks, "{name}, {deciding}: {findings:#?}");
            assert!(blocked(&findings, blocks).unwrap().is_empty(), "{name}");
            for rule in blocks {
                let left = blocked(&findings, &[rule]).unwrap();
                assert!(left.iter().all(|finding| finding.rule != *rule), "{name}");
                assert_eq!(left.is_empty(), blocks.len() == 1, "{name}: {rule} overrides no other rule");
            }
        }
    }
}

#[test]
fn what_only_kube_iam_matches_is_fine_where_it_decides() {
    for LockOut { name, before, after, deciding, .. } in lock_outs() {
        if !deciding.contains(&OURS) {
            let findings = change(&before, &after, &facts(OURS));
            assert_eq!(rules(&findings, Severity::Block), [""; 0], "{name}: {findings:#?}");
        }
    }
}

#[test]
fn messages_name_the_principal_and_the_lines() {
    let lines: Vec<String> = lock_outs()
        .into_iter()
        .flat_map(|case| {
            let findings = change(&case.before, &case.after, &facts(*case.deciding.last().unwrap()));
            let line = |finding: &Finding| {
                let mark = finding.mark.map(|mark| format!(" {}:{}", mark.line, mark.column)).unwrap_or_default();
                format!("  {}{mark}: {}", finding.rule, finding.message)
            };
            let blocks = findings.iter().filter(|finding| finding.severity == Severity::Block).map(line);
            core::iter::once(format!("{}:", case.name)).chain(blocks).collect::<Vec<_>>()
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn what_was_bad_before_does_not_block() {
    let mut facts = facts(Deciding::Unknown);
    let nobody = row("Third", VIEW);
    for (before, after) in [
        (nobody.clone(), String::new()),
        (nobody.clone(), nobody.clone() + &row("New", VIEW)),
        ("- rolearn: [".into(), "- rolearn: {".into()),
        ("- rolearn: [".into(), nobody.clone()),
        (row("a/Me", MASTERS) + &nobody, row("a/Me", MASTERS)),
    ] {
        let findings = change(&before, &after, &facts);
        assert_eq!(rules(&findings, Severity::Block), [""; 0], "{before} -> {after}: {findings:#?}");
    }
    // Neither does what nobody uses.
    facts.nodes = Some(Vec::new());
    let findings = change(&usual(), &(row("Me", MASTERS) + &row("Other", MASTERS)), &facts);
    assert_eq!(rules(&findings, Severity::Block), [""; 0]);
}

#[test]
fn a_row_that_lets_the_caller_in_under_one_authenticator_may_be_the_one_that_counts() {
    let before = row("team/Me", MASTERS) + &row("Other", MASTERS);
    let findings = change(&before, &row("Other", MASTERS), &facts(Deciding::Unknown));
    assert_eq!(rules(&findings, Severity::Block), ["caller-loses-access"]);
    assert!(findings[0].message.contains(", if kube-iam decides here"), "{findings:?}");
    assert_eq!(rules(&change(&before, &row("Other", MASTERS), &facts(GO)), Severity::Block), [""; 0]);
}

#[test]
fn unknown_facts_are_noted_and_block_only_what_they_concern() {
    let unknown = Facts::default();
    let harmless = change(&usual(), &(usual() + &row("New", VIEW)), &unknown);
    assert_eq!(rules(&harmless, Severity::Block), [""; 0]);
    assert_eq!(harmless.len(), 1);
    for (gone, rule) in [("Node", "node-role"), ("Other", "last-admin")] {
        let before = row("Other", MASTERS) + &row("Node", NODE);
        let after: String =
            before.lines().filter(|line| !line.contains(gone)).map(|line| line.to_owned() + "\n").collect();
        let findings = change(&before, &after, &unknown);
        assert_eq!(rules(&findings, Severity::Block), [rule]);
    }
    // One node of unknown role may run under any.
    let mut facts = facts(OURS);
    facts.nodes = Some([LiveNode { name: "n".into(), role: None }].to_vec());
    let findings = change(&usual(), &(row("Me", MASTERS) + &row("Other", MASTERS)), &facts);
    assert_eq!(rules(&findings, Severity::Block), ["node-role"]);
}

#[test]
fn the_username_of_nodes_stays_unless_it_made_none_of_them() {
    let node = |username: &str| {
        row("Node", &format!("username: 'system:node:{username}', groups: [system:bootstrappers, system:nodes]"))
    };
    let blocks = |before: &str, after: &str, facts: &Facts| {
        let findings = change(&node(before), &node(after), facts);
        findings.into_iter().find(|finding| finding.severity == Severity::Block).map(|finding| finding.message)
    };
    let right = "{{EC2PrivateDNSName}}";
    for other in ["{{SessionName}}", "other", "{{AccountID}}", "{{EC2PrivateDNSName}}x"] {
        let message = blocks(right, other, &facts(OURS)).unwrap();
        assert!(message.contains("would lose its username `system:node:{{EC2PrivateDNSName}}`"), "{other}: {message}");
        assert!(blocks(right, other, &Facts::default()).is_some(), "{other}");
    }
    for mended in ["other", "{{EC2PrivateDNSName}}x"] {
        assert_eq!(blocks(mended, right, &facts(OURS)), None, "{mended}");
        assert!(blocks(mended, right, &Facts::default()).is_some(), "{mended}");
    }
}

#[test]
fn what_is_unknown_is_said_in_one_line() {
    let rows = usual();
    let said = |facts: &Facts| change(&rows, &rows, facts).pop().map(|finding| finding.message);
    let node = || LiveNode { name: "n".into(), role: None };
    let file = |deciding| Facts { deciding, ..Facts::default() };
    let unbound = Facts { admins: None, ..facts(Deciding::Unknown) };
    let nodes = |nodes| Facts { nodes: Some(nodes), ..facts(GO) };
    let lines = [
        said(&facts(GO)),
        said(&file(GO)),
        said(&file(Deciding::Unknown)),
        said(&facts(Deciding::Unknown)),
        said(&unbound),
        said(&nodes([node()].to_vec())),
        said(&Facts { caller: None, ..nodes([node(), node()].to_vec()) }),
    ];
    let lines: Vec<_> = lines.map(Option::unwrap_or_default).into_iter().collect();
    insta::assert_snapshot!(lines.join("\n"), @"

    only the rows were judged
    only the rows were judged, under each `--authenticator`
    the guard could not find out which authenticator decides (see `--authenticator`)
    the guard could not find out who is bound to `cluster-admin` and which authenticator decides (see `--authenticator`)
    the guard could not find out the role of the node
    the guard could not find out who you are and the roles of the 2 nodes
    ");
}

#[test]
fn a_caller_without_arn_is_known_by_the_user_it_became() {
    let mut facts = facts(OURS);
    facts.caller = Some(Caller { arn: None, username: "admin".into(), groups: ["system:masters".into()].to_vec() });
    let before = row("Me", MASTERS) + &row("Other", "username: other, groups: [system:masters]");
    let after = row("Other", "username: other, groups: [system:masters]");
    assert_eq!(rules(&change(&before, &after, &facts), Severity::Block), ["caller-loses-access"]);
    // Another user of the cluster, by certificate for example, is nobody's row.
    facts.caller.as_mut().unwrap().username = "system:serviceaccount:ci:deploy".into();
    assert_eq!(rules(&change(&before, &after, &facts), Severity::Block), [""; 0]);
}

#[test]
fn a_row_for_the_creator_takes_the_creators_rights() {
    let findings = change(&row("Other", MASTERS), &(row("Other", MASTERS) + &row("Me", VIEW)), &facts(EKS));
    assert_eq!(rules(&findings, Severity::Block), ["caller-loses-admin"]);
    assert!(findings[0].message.contains("without a row"), "{findings:?}");
    for harmless in [row("Other", MASTERS) + &row("Me", MASTERS), row("Other", MASTERS) + &row("New", VIEW)] {
        assert_eq!(rules(&change(&row("Other", MASTERS), &harmless, &facts(EKS)), Severity::Block), [""; 0]);
    }
}

#[test]
fn a_permission_set_is_no_administrator_if_its_role_has_a_lesser_row() {
    let set = format!("- {{sso: {{permissionSetName: Ops, accountID: '111122223333'}}, {MASTERS}}}\n");
    let role = row("AWSReservedSSO_Ops_0123456789abcdef", VIEW);
    let findings = change(&set, &(set.clone() + &role), &facts(OURS));
    assert_eq!(rules(&findings, Severity::Block), ["last-admin"]);
    // The role may have been provisioned anew, under another suffix.
    let findings = change(&(set + &role), &role, &facts(OURS));
    assert_eq!(rules(&findings, Severity::Block), ["last-admin"]);
}

#[test]
fn callers_let_in_by_their_account_lose_it_with_the_account() {
    let with = mappings("", "", "- '111122223333'\n- '444455556666'\n");
    let without = mappings("", "", "- '444455556666'\n");
    let findings = assess(&with, &without, &facts(GO));
    assert_eq!(rules(&findings, Severity::Block), ["caller-loses-access"]);
    let granted = assess(&without, &with, &facts(GO));
    assert_eq!(rules(&granted, Severity::Block), [""; 0]);
    assert_eq!(rules(&granted, Severity::Warn), ["grants-account"]);
}

#[test]
fn a_break_glass_administrator_is_an_administrator_of_kube_iam_alone() {
    let (before, after) = (row("Other", MASTERS), row("Other", VIEW));
    for (deciding, wanted) in [(OURS, &[][..]), (GO, &["last-admin"]), (Deciding::Unknown, &["last-admin"])] {
        let facts = Facts { break_glass: true, ..facts(deciding) };
        assert_eq!(rules(&change(&before, &after, &facts), Severity::Block), wanted, "{deciding}");
    }
}

#[test]
fn what_lets_somebody_in_is_shown() {
    let third = "- {rolearn: 'arn:aws:iam::111122223333:role/Third', username: 5}\n";
    let hidden = row("Third", "username: t, groups: [edit]");
    for (what, before, after, deciding, wanted) in [
        ("a new row is no repair", String::new(), row("Third", VIEW), OURS, &[][..]),
        ("masters", row("Third", VIEW), row("Third", MASTERS), OURS, &["grants-masters"]),
        ("new masters", String::new(), row("Third", MASTERS), GO, &["grants-masters"]),
        ("a group of administrators", row("Third", VIEW), row("Third", ADMINS), OURS, &["grants-admin"]),
        ("a new administrator", String::new(), row("Third", ADMINS), GO, &["grants-admin"]),
        ("administrator as before", row("Third", MASTERS), row("Third", ADMINS), GO, &[]),
        ("any group", String::new(), row("Third", "groups: ['{{SessionName}}']"), OURS, &["grants-admin"]),
        ("a path taken away", row("a/Third", VIEW), row("Third", VIEW), GO, &["grants-access"]),
        ("a path taken away, unknown", row("a/Third", VIEW), row("Third", VIEW), Deciding::Unknown, &["grants-access"]),
        ("a path that counted already", row("a/Third", VIEW), row("Third", VIEW), OURS, &[]),
        ("masters by repair", row("a/Third", MASTERS), row("Third", MASTERS), GO, &["grants-access", "grants-masters"]),
        ("an unreadable row", third.to_owned(), row("Third", VIEW), OURS, &["grants-access"]),
        ("a hidden row", hidden.clone() + &row("Third", VIEW), hidden.clone(), OURS, &["grants-access"]),
        ("a hidden row removed", hidden.clone() + &row("Third", VIEW), row("Third", VIEW), OURS, &[]),
        ("a section", "- rolearn: [".into(), row("Third", MASTERS), OURS, &["grants-access"]),
        ("nothing", row("Third", MASTERS), row("Third", MASTERS), GO, &[]),
        ("a path written", String::new(), row("a/Third", VIEW), GO, &["only-kube-iam-matches"]),
        ("a path written, unknown", String::new(), row("a/Third", VIEW), Deciding::Unknown, &["only-kube-iam-matches"]),
        ("a path kept", row("a/Third", VIEW), row("a/Third", VIEW), GO, &[]),
        ("a bad row", String::new(), "- {rolearn: x}\n".into(), GO, &["row-unreadable"]),
    ] {
        let findings = change(&before, &after, &facts(deciding));
        assert_eq!(rules(&findings, Severity::Warn), wanted, "{what}: {findings:#?}");
        assert_eq!(rules(&findings, Severity::Block), [""; 0], "{what}");
    }
}

#[test]
fn where_nobody_reads_aws_auth_that_is_all_there_is_to_say() {
    let findings = change(&usual(), "", &facts(Deciding::NotConsulted));
    assert_eq!(findings.iter().map(|finding| finding.rule).collect::<Vec<_>>(), ["not-consulted"]);
    assert!(blocked(&findings, &[]).unwrap().is_empty());
}

#[test]
fn an_override_must_name_a_rule() {
    let findings = change(&usual(), "", &facts(OURS));
    let error = blocked(&findings, &["last-admin", "last_admin"]).unwrap_err();
    assert!(format!("{error}").starts_with("`last_admin` is no rule of the guard; known are `caller-loses-access`, "));
    assert_eq!(rule("node-role").unwrap().severity, Severity::Block);
}

#[test]
fn every_rule_is_listed_and_weighs_no_more_than_it_says() {
    let mut seen: Vec<&str> = Vec::new();
    let mut note = |findings: Vec<Finding>| {
        for finding in findings {
            assert!(finding.severity >= rule(finding.rule).unwrap().severity, "{finding:?}");
            let is_told = finding.hint.is_some() || finding.severity == Severity::Note;
            assert!(!finding.message.ends_with('.') && is_told, "{finding:?}");
            seen.push(finding.rule);
        }
    };
    for case in lock_outs() {
        note(change(&case.before, &case.after, &facts(case.deciding[0])));
        note(change(&case.after, &case.before, &Facts::default()));
    }
    note(assess(&mappings("", "", ""), &mappings("", "", "- '111122223333'\n"), &facts(GO)));
    note(change("", "", &facts(Deciding::NotConsulted)));
    note(change("", &row("Third", ADMINS), &facts(GO)));
    seen.sort_unstable();
    seen.dedup();
    let mut listed: Vec<_> = RULES.iter().map(|rule| rule.id).collect();
    listed.sort_unstable();
    assert_eq!(seen, listed);
}
