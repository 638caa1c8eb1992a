use std::format;
use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::authenticator::Authenticator;
use crate::aws_auth::Row;

const NODES: &str = "arn:aws:iam::111122223333:role/my-node-role";
const STOCK: &str = "\
- rolearn: arn:aws:iam::111122223333:role/my-node-role
  username: system:node:{{EC2PrivateDNSName}}
  groups:
    - system:bootstrappers
    - system:nodes
";
const PERSON: &str =
    "- rolearn: arn:aws:iam::111122223333:role/Admin # first\n  username: admin\n  groups: [system:masters]\n";

fn role(arn: &str, kind: Kind) -> NodeRole {
    NodeRole::parse(arn, kind, None).unwrap()
}

fn document(roles: &str) -> Document {
    Document::parse(&Data::from([("mapRoles".to_owned(), roles.to_owned())])).unwrap()
}

/// The text of mapRoles afterwards.
fn applied(before: &str, roles: &[NodeRole]) -> Result<String, ApplyError> {
    applied_where(before, roles, Deciding::Unknown)
}

fn applied_where(before: &str, roles: &[NodeRole], deciding: Deciding) -> Result<String, ApplyError> {
    let document = document(before);
    let planned = plan(&document, roles, deciding)?;
    let text = |document: &Document| document.list(Section::MapRoles).unwrap().text().to_owned();
    let after = document.edit(&planned.operations).unwrap().document;
    let again = plan(&after, roles, deciding).unwrap();
    assert_eq!(again.operations, [], "a second time there is nothing to do");
    Ok(text(&after))
}

#[test]
fn without_aws_auth_it_is_the_file_that_aws_offers() {
    let manifest = "\
apiVersion: v1
kind: ConfigMap
metadata:
  name: aws-auth
  namespace: kube-system
data:
  mapRoles: |
    - rolearn: arn:aws:iam::111122223333:role/my-node-role
      username: system:node:{{EC2PrivateDNSName}}
      groups:
        - system:bootstrappers
        - system:nodes
";
    assert_eq!(stock(&[role(NODES, Kind::Linux)]).unwrap(), manifest);
    let with_path = role("arn:aws:iam::111122223333:role/my-team/developers/my-node-role", Kind::Linux);
    assert_eq!(stock(&[with_path]).unwrap(), manifest);
}

#[test]
fn every_kind_has_its_row() {
    let row = |kind| applied("", &[role(NODES, kind)]).unwrap().replace(NODES, "X");
    insta::assert_snapshot!(Kind::ALL.map(row).concat(), @"
    - rolearn: X
      username: system:node:{{EC2PrivateDNSName}}
      groups:
        - system:bootstrappers
        - system:nodes
    - rolearn: X
      username: system:node:{{EC2PrivateDNSName}}
      groups:
        - system:bootstrappers
        - system:nodes
        - eks:kube-proxy-windows
    - rolearn: X
      username: system:node:{{SessionName}}
      groups:
        - system:bootstrappers
        - system:nodes
        - system:node-proxier
    - rolearn: X
      username: system:node:{{SessionName}}
      groups:
        - system:bootstrappers
        - system:nodes
    ");
}

#[test]
fn nothing_but_the_row_is_added_and_each_once() {
    let team = "arn:aws:iam::111122223333:role/team/my-node-role";
    let roles =
        [role(NODES, Kind::Linux), role(team, Kind::Linux), role("arn:aws:iam::111122223333:role/b", Kind::Linux)];
    let second = STOCK.replace("my-node-role", "b");
    assert_eq!(applied(PERSON, &roles).unwrap(), format!("{PERSON}{STOCK}{second}"));
    assert_eq!(applied(&format!("{STOCK}{PERSON}"), &roles[..2]).unwrap(), format!("{STOCK}{PERSON}"));
}

#[test]
fn what_a_row_lacks_is_added_and_nothing_taken_away() {
    let head = "- rolearn: arn:aws:iam::111122223333:role/my-node-role\n";
    let name = "  username: system:node:{{EC2PrivateDNSName}}\n";
    for (before, kind, after) in [
        (
            format!("{head}{name}  groups: [system:nodes, team] # ours\n"),
            Kind::Linux,
            format!("{head}{name}  groups: [system:nodes, team, system:bootstrappers] # ours\n"),
        ),
        (
            format!("{head}  groups: [system:bootstrappers, system:nodes]\n"),
            Kind::Linux,
            format!("{head}  groups: [system:bootstrappers, system:nodes]\n{name}"),
        ),
        (
            format!("{head}{name}  groups:\n  - system:bootstrappers\n  - system:nodes\n"),
            Kind::Windows,
            format!("{head}{name}  groups:\n  - system:bootstrappers\n  - system:nodes\n  - eks:kube-proxy-windows\n"),
        ),
        (
            format!("{head}{name}  groups: [eks:kube-proxy-windows, system:nodes, system:bootstrappers]\n"),
            Kind::Linux,
            format!("{head}{name}  groups: [eks:kube-proxy-windows, system:nodes, system:bootstrappers]\n"),
        ),
        (STOCK.replace("role/my", "role/team/my"), Kind::Linux, STOCK.to_owned()),
    ] {
        assert_eq!(applied(&before, &[role(NODES, kind)]).unwrap(), after, "{before}");
    }
}

#[test]
fn a_path_stays_where_it_matches() {
    let with_path = STOCK.replace("role/my", "role/team/my");
    let ours = Deciding::Known(Authenticator::KubeIam);
    assert_eq!(applied_where(&with_path, &[role(NODES, Kind::Linux)], ours).unwrap(), with_path);
}

#[test]
fn a_role_of_somebody_else_is_refused() {
    let row = |rest: &str| format!("- {{rolearn: 'arn:aws:iam::111122223333:role/my-node-role', {rest}}}\n");
    let right = "username: 'system:node:{{EC2PrivateDNSName}}', groups: [system:bootstrappers, system:nodes]";
    let refused = |before: &str, kind| {
        let error = applied(before, &[role(NODES, kind)]).unwrap_err();
        format!("{error}\nhint: {}\n", error.hint().unwrap_or_default())
    };
    let cases = [
        refused(&row("username: admin, groups: [system:masters]"), Kind::Linux),
        refused(&row("groups: [view]"), Kind::Linux),
        refused(&row("username: 'system:node:{{SessionName}}', groups: [system:nodes]"), Kind::Linux),
        refused(&row(right), Kind::Fargate),
        refused(&(row(right) + &row("username: admin, groups: [system:masters]")), Kind::Linux),
        refused(&row("username: [x]"), Kind::Linux),
        refused(
            &(row("username: 'system:node:{{EC2PrivateDNSName}}', groups: [system:nodes]")
                + &row("groups: [system:nodes]")),
            Kind::Linux,
        ),
        refused("- {rolearn: 'arn:aws-cn:iam::111122223333:role/a', username: x}\n", Kind::Linux),
    ];
    insta::assert_snapshot!(cases.concat(), @"
    `arn:aws:iam::111122223333:role/my-node-role` is already mapped in line 1 of `mapRoles`, with username `admin`; linux nodes need username `system:node:{{EC2PrivateDNSName}}`
    hint: give the nodes a role of their own, or first take the row out with `kube-iam delete mapping --arn arn:aws:iam::111122223333:role/my-node-role`
    `arn:aws:iam::111122223333:role/my-node-role` is already mapped in line 1 of `mapRoles`, without username; linux nodes need username `system:node:{{EC2PrivateDNSName}}`
    hint: give the nodes a role of their own, or first take the row out with `kube-iam delete mapping --arn arn:aws:iam::111122223333:role/my-node-role`
    `arn:aws:iam::111122223333:role/my-node-role` is already mapped in line 1 of `mapRoles`, with username `system:node:{{SessionName}}`; linux nodes need username `system:node:{{EC2PrivateDNSName}}`
    hint: give nodes of each kind a role of their own
    `arn:aws:iam::111122223333:role/my-node-role` is already mapped in line 1 of `mapRoles`, with username `system:node:{{EC2PrivateDNSName}}`; fargate nodes need username `system:node:{{SessionName}}`
    hint: give nodes of each kind a role of their own
    `arn:aws:iam::111122223333:role/my-node-role` is already mapped in line 2 of `mapRoles`, with username `admin`; linux nodes need username `system:node:{{EC2PrivateDNSName}}`
    hint: give the nodes a role of their own, or first take the row out with `kube-iam delete mapping --arn arn:aws:iam::111122223333:role/my-node-role`
    the row of `arn:aws:iam::111122223333:role/my-node-role` in line 1 of `mapRoles` can't be read: `username` must be a text, this is a list
    hint: `kube-iam check --fix` or `kube-iam edit` mends it
    `arn:aws:iam::111122223333:role/my-node-role` is mapped more than once, and not alike: line 1 of `mapRoles`; line 2 of `mapRoles`
    hint: only the last one counts; take the others out with `kube-iam edit`, or all with `kube-iam delete mapping`
    `arn:aws:iam::111122223333:role/my-node-role` is of partition `aws`, and the rows that are there are of `aws-cn`
    hint: check that the role and the kubeconfig are of the same cluster
    ");
}

#[test]
fn roles_of_one_cluster_are_of_one_partition() {
    let roles = [role(NODES, Kind::Linux), role("arn:aws-cn:iam::111122223333:role/team/n", Kind::Linux)];
    for error in [applied("", &roles).unwrap_err(), stock(&roles).unwrap_err()] {
        let words = "`arn:aws-cn:iam::111122223333:role/n` is of partition `aws-cn`, and `arn:aws:iam::111122223333:role/my-node-role` is of `aws`";
        assert_eq!(error.to_string(), words);
        assert!(error.hint().is_some());
    }
}

#[test]
fn of_two_rows_the_one_that_counts_decides() {
    let before = format!("{}{STOCK}", STOCK.replace("    - system:nodes\n", ""));
    assert_eq!(applied(&before, &[role(NODES, Kind::Linux)]).unwrap(), before);
}

#[test]
fn there_is_a_word_about_paths_and_other_accounts() {
    let planned =
        plan(&document(STOCK), &[role("arn:aws:iam::444455556666:role/team/n", Kind::Linux)], Deciding::Unknown)
            .unwrap();
    let rules: Vec<_> = planned.findings.iter().map(|finding| (finding.rule, finding.severity)).collect();
    assert_eq!(rules, [("canonical-arn", Severity::Note), ("foreign-account", Severity::Warn)]);
    let planned =
        plan(&document(""), &[role("arn:aws:iam::444455556666:role/n", Kind::Linux)], Deciding::Unknown).unwrap();
    assert_eq!(planned.findings, []);
}

/// Rows about few roles, right, wrong and in between.
fn rows() -> impl Strategy<Value = String> {
    let role = prop::sample::select(Vec::from(["my-node-role", "team/my-node-role", "My-Node-Role", "other"]));
    let username = prop::sample::select(Vec::from([
        "",
        "username: '', ",
        "username: 'system:node:{{EC2PrivateDNSName}}', ",
        "username: 'system:node:{{SessionName}}', ",
        "username: dev, ",
        "username: [x], ",
    ]));
    let groups = prop::sample::subsequence(
        Vec::from(["system:bootstrappers", "system:nodes", "eks:kube-proxy-windows", "system:masters"]),
        0..=4,
    );
    let row = (role, username, groups).prop_map(|(role, username, groups)| {
        format!("- {{rolearn: 'arn:aws:iam::111122223333:role/{role}', {username}groups: [{}]}}\n", groups.join(", "))
    });
    prop::collection::vec(row, 0..4).prop_map(|rows| rows.concat())
}

proptest! {
    #[test]
    fn no_row_loses_anything_and_none_is_written_twice(text in rows(), kind in prop::sample::select(Kind::ALL.to_vec())) {
        let before = document(&text);
        let Ok(planned) = plan(&before, &[role(NODES, kind)], Deciding::Unknown) else { return Ok(()) };
        let after = before.edit(&planned.operations).unwrap().document;
        prop_assert_eq!(&plan(&after, &[role(NODES, kind)], Deciding::Unknown).unwrap().operations, &[]);
        let (old, new): (Vec<Row<'_>>, Vec<Row<'_>>) =
            (before.rows(Section::MapRoles).collect(), after.rows(Section::MapRoles).collect());
        for (old, new) in old.iter().zip(&new) {
            prop_assert!(old.groups().iter().all(|group| new.groups().contains(group)));
            prop_assert!(old.username().is_none_or(|name| name.is_empty() || Some(name) == new.username()));
        }
        let is_node_role = |row: &&Row<'_>| row.arn().unwrap().to_ascii_lowercase().ends_with("/my-node-role");
        let count = |rows: &[Row<'_>]| rows.iter().filter(is_node_role).count();
        prop_assert_eq!(count(&new), count(&old).max(1));
        prop_assert_eq!(new.len() - old.len(), count(&new) - count(&old));
    }
}
