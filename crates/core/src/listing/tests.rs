use std::borrow::ToOwned;
use std::format;
use std::string::String;
use std::vec::Vec;

use insta::assert_snapshot;
use proptest::prelude::*;

use super::*;
use crate::authenticator::Authenticator;
use crate::aws_auth::{Data, read_section};
use crate::desired::{Desired, Options, plan_desired};

const EKS: Deciding = Deciding::Known(Authenticator::Eks);
const OURS: Deciding = Deciding::Known(Authenticator::KubeIam);

fn document(roles: &str, users: &str, accounts: &str) -> Document {
    let texts = [("mapRoles", roles), ("mapUsers", users), ("mapAccounts", accounts)];
    let data: Data = texts.into_iter().map(|(key, text)| (key.to_owned(), text.to_owned())).collect();
    Document::parse(&data).unwrap()
}

fn ugly() -> Document {
    document(
        "\
- rolearn: arn:aws:iam::111122223333:role/node
  username: system:node:{{EC2PrivateDNSName}}
  groups: [system:bootstrappers, system:nodes]
- {rolearn: 'arn:aws:iam::111122223333:role/dev', username: old, groups: [a]}
- rolearn: arn:aws:iam::111122223333:role/team/path
  username: path
- rolearn: arn:aws:iam::111122223333:role/DEV
  username: \"dev\\e[2J\\n\"
  groups: [a, 'b c']
- sso: {permissionSetName: Admin, accountID: 111122223333}
  groups: [ops]
- rolearn: arn:aws:iam::111122223333:role/half
  username: 5
- rolearn: nonsense
- rolearn: arn:aws:iam::111122223333:root
  username: root
- text
",
        "\
- userarn: arn:aws:iam::111122223333:user/div/bob
- userarn: arn:aws:iam::111122223333:role/dev
  username: lost
",
        "['444455556666', \"x\", {}, 012345678901]",
    )
}

fn owned() -> Owners {
    let mut owners = Owners::default();
    let key = Whom::of_arn("arn:aws:iam::111122223333:role/node").unwrap().key();
    owners.claim(&"platform".parse().unwrap(), Section::MapRoles, &key);
    owners
}

#[test]
fn every_row_is_shown_with_what_comes_of_it() {
    let listed = listing(&ugly(), &owned(), EKS);
    assert_snapshot!("table", table(&listed, Columns::Usual));
    assert_snapshot!("wide", table(&listed, Columns::Wide));
    assert_snapshot!("json", json(&listed));
    assert_snapshot!("yaml", yaml(&listed));
    assert_snapshot!("names", names(&listed));
    // Where kube-iam decides, paths and permission sets match.
    let never =
        |deciding| listing(&ugly(), &owned(), deciding).iter().filter(|row| row.status == Status::NeverMatches).count();
    assert_eq!((never(EKS), never(Deciding::Unknown), never(OURS)), (2, 2, 0));
}

#[test]
fn nothing_is_shown_as_nothing() {
    assert_eq!(table(&[], Columns::Wide), "");
    assert_eq!(json(&[]), "[]\n");
    assert_eq!(names(&[]), "");
    assert_snapshot!(yaml(&[]), @"
    apiVersion: kube-iam.dev/v1alpha1
    kind: MappingList
    mappings: []
    ");
    assert!(Desired::parse(&yaml(&[])).unwrap().mappings().is_empty());
}

#[test]
fn what_counts_beside_aws_auth_comes_first() {
    let rows = read_section(
        Section::MapRoles,
        "- {rolearn: 'arn:aws:iam::111122223333:role/x/node', username: rescue, groups: ['system:masters']}",
    )
    .unwrap();
    let mut listed = listing(
        &document(
            "- rolearn: arn:aws:iam::111122223333:role/node\n- rolearn: arn:aws:iam::111122223333:role/maker\n  username: m\n",
            "",
            "",
        ),
        &Owners::default(),
        OURS,
    );
    break_glass(&mut listed, &[rows]);
    cluster_creator(&mut listed, &"arn:aws:sts::111122223333:assumed-role/maker/me".parse().unwrap());
    assert_snapshot!(table(&listed, Columns::Effective), @"
    PRINCIPAL                                         USERNAME   GROUPS           STATUS     SOURCE            CANONICAL-ARN                          SHADOWED-BY
    arn:aws:sts::111122223333:assumed-role/maker/me   <none>     system:masters   Shadowed   cluster-creator   arn:aws:iam::111122223333:role/maker   line 2 of mapRoles
    arn:aws:iam::111122223333:role/x/node             rescue     system:masters   Active     break-glass       arn:aws:iam::111122223333:role/node    <none>
    arn:aws:iam::111122223333:role/node               <none>     <none>           Shadowed   aws-auth          arn:aws:iam::111122223333:role/node    break-glass
    arn:aws:iam::111122223333:role/maker              m          <none>           Active     aws-auth          arn:aws:iam::111122223333:role/maker   <none>
    ");
    assert!(Desired::parse(&yaml(&listed)).unwrap().mappings().len() == 1);
}

#[test]
fn rows_on_one_line_hide_each_other_too() {
    let row = "{rolearn: 'arn:aws:iam::111122223333:role/x'}";
    let listed = listing(&document(&format!("[{row}, {row}]"), "", ""), &Owners::default(), EKS);
    let statuses: Vec<_> = listed.iter().map(|row| row.status).collect();
    assert_eq!(statuses, [Status::Shadowed, Status::Active]);
}

#[test]
fn filters_narrow_the_choice() {
    let count = |filter: Filter| {
        let mut listed = listing(&ugly(), &owned(), EKS);
        filter.apply(&mut listed);
        listed.len()
    };
    let text = |text: &str| Some(text.to_owned());
    let all = count(Filter::default());
    assert_eq!(all, 15);
    assert_eq!(
        count(Filter { principal: text("arn:aws:sts::111122223333:assumed-role/Dev/me"), ..Filter::default() }),
        3
    );
    assert_eq!(count(Filter { principal: text("nonsense"), ..Filter::default() }), 1);
    assert_eq!(count(Filter { principal: text("444455556666"), ..Filter::default() }), 1);
    assert_eq!(count(Filter { username: text("lost"), ..Filter::default() }), 1);
    assert_eq!(count(Filter { group: text("a"), ..Filter::default() }), 2);
    assert_eq!(count(Filter { owner: text("platform"), ..Filter::default() }), 1);
    assert_eq!(count(Filter { owner: text("platform"), group: text("a"), ..Filter::default() }), 0);
}

/// Applies the YAML of a document to itself.
fn applied_to_itself(document: &Document, deciding: Deciding) -> usize {
    let text = yaml(&listing(document, &Owners::default(), deciding));
    let desired = Desired::parse(&text).unwrap_or_else(|problems| panic!("{problems:?} in\n{text}"));
    let options = Options { deciding, ..Options::default() };
    let plan = plan_desired(document, &Owners::default(), &desired, &options);
    plan.unwrap_or_else(|error| panic!("{error}\n{text}")).planned.operations.len()
}

#[test]
fn the_yaml_of_a_document_changes_nothing_in_it() {
    for deciding in [EKS, OURS, Deciding::Unknown, Deciding::NotConsulted] {
        assert_eq!(applied_to_itself(&ugly(), deciding), 0);
    }
}

fn word() -> impl Strategy<Value = String> {
    prop_oneof!["[a-c]", "\\PC{0,6}", Just("yes".to_owned()), Just("0x1".to_owned()), Just("a: b #c".to_owned())]
}

proptest! {
    #[test]
    fn the_yaml_of_any_document_changes_nothing_in_it(
        rows in proptest::collection::vec(
            (prop_oneof!["role/[ab]", "role/p/[ab]", "user/[ab]", "root"], word(), proptest::collection::vec(word(), 0..3)),
            0..5,
        ),
        users in 0..3_usize,
        ours: bool,
    ) {
        let text = |key: &str, rows: &[(String, String, Vec<String>)]| -> String {
            let row = |(name, username, groups): &(String, String, Vec<String>)| {
                let row = serde_json::json!({key: format!("arn:aws:iam::111122223333:{name}"), "username": username, "groups": groups});
                format!("- {row}\n")
            };
            rows.iter().map(row).collect()
        };
        let (users, roles) = rows.split_at(users.min(rows.len()));
        let document = document(&text("rolearn", roles), &text("userarn", users), "");
        prop_assert_eq!(applied_to_itself(&document, if ours { OURS } else { EKS }), 0);
    }
}
