use std::borrow::ToOwned as _;
use std::format;
use std::string::{String, ToString as _};
use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::arn::Arn;
use crate::aws_auth::Data;
use crate::mapping::{Backend, Resolution, RolePaths, Snapshot, resolve};
use crate::testing::{identity, mappings};

const OURS: Deciding = Deciding::Known(Authenticator::KubeIam);
const GO: Deciding = Deciding::Known(Authenticator::AwsIamAuthenticator);
const EKS: Deciding = Deciding::Known(Authenticator::Eks);

const CALLER: &str = "arn:aws:sts::111122223333:assumed-role/x/session";

/// What a caller gets, as `username/group,group`, or `none`.
fn gets(mappings: &Mappings, deciding: Deciding, caller: &str) -> String {
    match Judge::new(mappings).lets_in(deciding, &caller.parse().unwrap()) {
        Some(grant) => format!("{}/{}", grant.username.unwrap_or("-"), grant.groups.join(",")),
        None => "none".into(),
    }
}

fn role(arn: &str, username: &str, groups: &str) -> String {
    format!("- {{rolearn: '{arn}', username: {username}, groups: [{groups}]}}\n")
}

#[test]
fn a_document_has_the_mappings_of_its_texts() {
    let bad = "- {rolearn: nonsense}\n- 7\n- {rolearn: 'arn:aws:iam::111122223333:role/a', username: [x]}\n";
    let good = role("arn:aws:iam::111122223333:role/a", "a", "g, h");
    for roles in ["", " \n", "\"\"", "''", "``", "~", "[]", "# none\n", bad, &good, &(good.clone() + bad)] {
        let data = Data::from([("mapRoles".to_owned(), roles.to_owned()), ("mapAccounts".into(), "[1, x]".into())]);
        let read = Mappings::read(|section| data.get(section.as_str()).map(String::as_str));
        assert_eq!(Mappings::of(&Document::parse(&data).unwrap()), read, "{roles}");
    }
}

#[test]
fn flag_values_are_read_and_printed() {
    for authenticator in Authenticator::ALL {
        assert_eq!(authenticator.to_string().parse(), Ok(Deciding::Known(authenticator)));
    }
    assert_eq!("auto".parse(), Ok(Deciding::Unknown));
    for bad in ["", "go", "EKS", "Auto", "eks "] {
        assert_eq!(bad.parse::<Deciding>(), Err(AuthenticatorError), "{bad}");
    }
}

#[test]
fn forms_that_only_kube_iam_matches() {
    let set = "AWSReservedSSO_Dev_0123456789abcdef";
    let holder = format!("arn:aws:sts::111122223333:assumed-role/{set}/bob");
    let sso = "- {sso: {permissionSetName: Dev, accountID: '111122223333'}, username: u}\n".to_owned();
    let cases = [
        (role("arn:aws:iam::111122223333:role/x", "u", ""), CALLER, ["u/", "u/", "u/", "u/"]),
        (role("arn:aws:iam::111122223333:role/X", "u", ""), CALLER, ["u/", "u/", "u/", "u/"]),
        (role("arn:aws:iam::111122223333:role/team/x", "u", ""), CALLER, ["u/", "none", "none", "none"]),
        (role("arn:aws:sts::111122223333:assumed-role/x/other", "u", ""), CALLER, ["u/", "none", "none", "none"]),
        (role("arn:aws:iam:us-east-1:111122223333:role/x", "u", ""), CALLER, ["none"; 4]),
        (role("arn:aws:iam::444455556666:role/x", "u", ""), CALLER, ["none"; 4]),
        (role("arn:aws-cn:iam::111122223333:role/x", "u", ""), CALLER, ["none"; 4]),
        (sso, &holder, ["u/", "none", "none", "none"]),
        (role(&format!("arn:aws:iam::111122223333:role/{set}"), "u", ""), &holder, ["u/", "u/", "u/", "u/"]),
    ];
    for (roles, caller, wanted) in cases {
        let mappings = mappings(&roles, "", "");
        let found = [OURS, GO, EKS, Deciding::Unknown].map(|deciding| gets(&mappings, deciding, caller));
        assert_eq!(found, wanted, "{roles}");
        assert_eq!(gets(&mappings, Deciding::NotConsulted, caller), "none");
    }
}

#[test]
fn the_last_row_wins_among_those_that_match() {
    let plain = role("arn:aws:iam::111122223333:role/x", "plain", "a, b");
    let path = role("arn:aws:iam::111122223333:role/team/x", "path", "b, c");
    let both = mappings(&(plain.clone() + &path), "", "");
    assert_eq!([OURS, GO].map(|one| gets(&both, one, CALLER)), ["path/b,c", "plain/a,b"]);
    // Sure is only what both would give.
    assert_eq!(gets(&both, Deciding::Unknown, CALLER), "-/b");
    let both = mappings(&(path + &plain), "", "");
    assert_eq!(gets(&both, Deciding::Unknown, CALLER), "plain/a,b");
}

#[test]
fn rows_of_map_roles_come_before_those_of_map_users() {
    let users = "- {userarn: 'arn:aws:iam::111122223333:role/x', username: user}\n";
    let both = mappings(&role("arn:aws:iam::111122223333:role/x", "role", ""), users, "");
    let alone = mappings("", users, "");
    for deciding in [OURS, GO, EKS, Deciding::Unknown] {
        assert_eq!(gets(&both, deciding, CALLER), "role/");
        assert_eq!(gets(&alone, deciding, CALLER), "user/");
    }
}

#[test]
fn go_chooses_by_chance_between_spellings_of_a_user() {
    let user = |name: &str, username: &str, groups: &str| {
        format!("- {{userarn: 'arn:aws:iam::111122223333:user/{name}', username: {username}, groups: [{groups}]}}\n")
    };
    let users = user("bob", "old", "z") + &user("Bob", "one", "a, b") + &user("bob", "two", "b, c");
    let mappings = mappings("", &users, "");
    let caller = "arn:aws:iam::111122223333:user/bob";
    assert_eq!(gets(&mappings, OURS, caller), "two/b,c");
    assert_eq!(gets(&mappings, GO, caller), "-/b");
    assert_eq!(gets(&mappings, Deciding::Unknown, caller), "-/b");
}

#[test]
fn a_half_read_row_hides_earlier_ones_from_go_alone() {
    let good = role("arn:aws:iam::111122223333:role/x", "good", "a");
    let half = "- {rolearn: 'arn:aws:iam::111122223333:role/x', username: 5, groups: [b]}\n";
    for (rows, wanted) in [
        (good.clone() + half, ["good/a", "none", "none"]),
        (half.to_owned() + &good, ["good/a", "good/a", "good/a"]),
        (half.to_owned(), ["-/", "none", "none"]),
    ] {
        // The account does not rescue whom a half-read row is about, in Go.
        let mappings = mappings(&rows, "", "- '111122223333'\n");
        assert_eq!([OURS, GO, Deciding::Unknown].map(|one| gets(&mappings, one, CALLER)), wanted, "{rows}");
    }
}

#[test]
fn a_section_that_cant_be_read_lets_nobody_in_and_leaves_the_others() {
    let mappings = mappings("- {rolearn: [", "- {userarn: 'arn:aws:iam::111122223333:user/bob', username: bob}\n", "");
    assert!(mappings.roles.is_err());
    for deciding in [OURS, GO, EKS, Deciding::Unknown] {
        assert_eq!(gets(&mappings, deciding, CALLER), "none");
        assert_eq!(gets(&mappings, deciding, "arn:aws:iam::111122223333:user/bob"), "bob/");
    }
}

#[test]
fn accounts_let_in_whoever_has_no_row() {
    let mappings = mappings(&role("arn:aws:iam::111122223333:role/x", "u", "a"), "", "- '111122223333'\n");
    for deciding in [OURS, GO, EKS, Deciding::Unknown] {
        assert_eq!(gets(&mappings, deciding, CALLER), "u/a");
        assert_eq!(gets(&mappings, deciding, "arn:aws:sts::111122223333:assumed-role/y/session"), "-/");
        assert_eq!(gets(&mappings, deciding, "arn:aws:sts::444455556666:assumed-role/y/session"), "none");
    }
}

/// Rows that get in one another's way, and callers whom they are about.
fn row() -> impl Strategy<Value = String> {
    let arns = [
        "iam::111122223333:role/x",
        "iam::111122223333:role/X",
        "iam::111122223333:role/team/x",
        "sts::111122223333:assumed-role/x/s",
        "iam::111122223333:role/AWSReservedSSO_Dev_0123456789abcdef",
        "iam::111122223333:user/bob",
        "iam::111122223333:user/Bob",
        "iam::111122223333:user/team/bob",
        "iam::111122223333:root",
    ];
    let arn = prop::sample::select(arns.to_vec());
    let sso = "- {sso: {permissionSetName: Dev, accountID: '111122223333'}, username: sso}\n";
    prop_oneof![
        8 => (arn.clone(), "[a-c]").prop_map(|(arn, name)| format!("- {{KEY: 'arn:aws:{arn}', username: {name}}}\n")),
        1 => arn.prop_map(|arn| format!("- {{KEY: 'arn:aws:{arn}', username: 5}}\n")),
        1 => Just(sso.to_owned()),
    ]
}

fn document() -> impl Strategy<Value = Mappings> {
    let rows = || prop::collection::vec(row(), 0..6).prop_map(|rows| rows.concat());
    (rows(), rows(), any::<bool>()).prop_map(|(roles, users, account)| {
        let accounts = if account { "- '111122223333'\n" } else { "" };
        mappings(&roles.replace("KEY", "rolearn"), &users.replace("KEY", "userarn"), accounts)
    })
}

proptest! {
    /// The judge foresees what the webhook will answer.
    #[test]
    fn under_kube_iam_the_judge_agrees_with_the_webhook(mappings in document()) {
        let rows: Vec<_> = mappings.readable().map(|(_, rows)| rows).collect();
        let snapshot = Snapshot::new(Backend::EksConfigMap, rows, RolePaths::Match);
        let judge = Judge::new(&mappings);
        for caller in [
            CALLER,
            "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Dev_0123456789abcdef/s",
            "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Dev_fedcba9876543210/s",
            "arn:aws:iam::111122223333:user/bob",
            "arn:aws:iam::111122223333:user/team/bob",
            "arn:aws:iam::111122223333:root",
            "arn:aws:iam::444455556666:user/bob",
        ] {
            let arn: Arn = caller.parse().unwrap();
            let grant = judge.lets_in(OURS, &arn).map(|grant| (grant.section, grant.mark));
            let wanted = match resolve([&snapshot], &identity(caller, "s")) {
                Resolution::Mapped { mapping, .. } => Some((mapping.section, Some(mapping.mark))),
                Resolution::AccountAllowed { .. } => Some((Section::MapAccounts, None)),
                Resolution::NotMapped => None,
            };
            prop_assert_eq!(grant, wanted, "{}", caller);
        }
    }

    /// What counts while it is unknown who decides, counts under everybody.
    #[test]
    fn unknown_gives_no_more_than_each_authenticator(mappings in document()) {
        let judge = Judge::new(&mappings);
        for caller in [CALLER, "arn:aws:iam::111122223333:user/bob"] {
            let arn: Arn = caller.parse().unwrap();
            let known = Authenticator::ALL.map(|one| judge.lets_in(Deciding::Known(one), &arn));
            let sure = judge.lets_in(Deciding::Unknown, &arn);
            prop_assert_eq!(sure.is_some(), known.iter().all(Option::is_some));
            for grant in known.iter().flatten() {
                let Some(sure) = &sure else { continue };
                prop_assert!(sure.groups.iter().all(|group| grant.groups.contains(group)));
                prop_assert!(sure.username.is_none_or(|name| grant.username == Some(name)));
            }
        }
    }
}
