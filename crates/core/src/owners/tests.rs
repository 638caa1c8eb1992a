use std::format;
use std::string::String;
use std::vec::Vec;

use super::*;
use crate::aws_auth::Data;
use crate::change::Whom;

fn key(name: &str) -> PrincipalKey {
    Whom::of_arn(&format!("arn:aws:iam::111122223333:role/{name}")).unwrap().key()
}

fn name(text: &str) -> OwnerName {
    text.parse().unwrap()
}

fn document(names: &[&str]) -> Document {
    let row = |name: &&str| format!("- rolearn: arn:aws:iam::111122223333:role/{name}\n");
    let roles: String = names.iter().map(row).collect();
    Document::parse(&Data::from([("mapRoles".into(), roles)])).unwrap()
}

#[test]
fn the_record_reads_as_it_was_written() {
    let mut owners = Owners::default();
    assert_eq!(owners.encode().unwrap(), r#"{"version":1,"owners":{}}"#);
    owners.claim(&name("platform"), Section::MapRoles, &key("b"));
    owners.claim(&name("ci/main"), Section::MapRoles, &key("b"));
    owners.claim(&name("ci/main"), Section::MapRoles, &key("a"));
    let text = owners.encode().unwrap();
    insta::assert_snapshot!(text, @r#"{"version":1,"owners":{"ci/main":["372eaaed40f2034a","f42eb8cddd6cf04a"],"platform":["f42eb8cddd6cf04a"]}}"#);
    assert_eq!(Owners::parse(Some(&text)), Ok(owners.clone()));
    let who =
        |role: &str| owners.of(Section::MapRoles, &key(role)).iter().map(|name| name.as_str()).collect::<Vec<_>>();
    assert_eq!(who("x/B"), ["ci/main", "platform"]);
    assert_eq!(who("c"), [""; 0]);
    assert!(owners.of(Section::MapUsers, &key("b")).is_empty());
    assert!(Owners::parse(None).unwrap().is_empty());
}

#[test]
fn what_is_not_understood_is_an_error() {
    let mut report = String::new();
    for text in [
        "",
        "[]",
        "[1, {}]",
        "{}",
        r#"{"version":2,"rows":[]}"#,
        r#"{"version":1}"#,
        r#"{"version":1,"owners":{},"more":1}"#,
        r#"{"version":1,"owners":{"a":["0123456789abcdeF"]}}"#,
        r#"{"version":1,"owners":{"a":["0123"]}}"#,
        r#"{"version":1,"owners":{"a":["+123456789abcdef"]}}"#,
        r#"{"version":1,"owners":{"a":[],"a":[]}}"#,
        r#"{"version":1,"owners":{"a b":[]}}"#,
        r#"{"version":1,"owners":{"a":null}}"#,
    ] {
        report += &format!("{text}\n    {}\n", Owners::parse(Some(text)).unwrap_err());
    }
    insta::assert_snapshot!(report);
}

#[test]
fn rows_that_are_gone_have_no_owner() {
    let mut owners = Owners::default();
    owners.claim(&name("a"), Section::MapRoles, &key("x"));
    owners.claim(&name("a"), Section::MapRoles, &key("y"));
    owners.claim(&name("b"), Section::MapRoles, &key("y"));
    let kept = owners.kept_in(&document(&["team/X", "z"]));
    let mut only_x = Owners::default();
    only_x.claim(&name("a"), Section::MapRoles, &key("x"));
    assert_eq!(kept, only_x);
    only_x.release(&name("a"), Section::MapRoles, &key("x"));
    assert!(only_x.is_empty());
}

#[test]
fn touching_a_kept_row_is_said() {
    let document = document(&["x", "y", "z"]);
    let mut owners = Owners::default();
    owners.claim(&name("a"), Section::MapRoles, &key("y"));
    owners.claim(&name("b"), Section::MapRoles, &key("y"));
    let remove = |index| Operation::Remove { section: Section::MapRoles, index };
    let findings = owners.findings(&document, &[remove(0), remove(1)]);
    let messages: Vec<_> = findings.iter().map(|finding| finding.message.as_str()).collect();
    assert_eq!(messages, ["the row in line 2 of `mapRoles` is kept by `a` and `b`"]);
}

#[test]
fn the_record_is_bounded() {
    let owners = |count: usize| {
        let mut owners = Owners::default();
        (0..count).for_each(|n| owners.claim(&name(&format!("o{n}")), Section::MapRoles, &key("x")));
        owners
    };
    let text = owners(limits::OWNERS).encode().unwrap();
    assert!(Owners::parse(Some(&text)).is_ok());
    assert_eq!(owners(limits::OWNERS + 1).encode(), Err(OwnersError::TooMany));
    let one_more = text.replace("\"o0\":", "\"other\":[],\"o0\":");
    assert_eq!(Owners::parse(Some(&one_more)), Err(OwnersError::TooMany));

    let padded = |len: usize| format!("{text}{}", " ".repeat(len - text.len()));
    assert!(Owners::parse(Some(&padded(limits::OWNERS_BYTES))).is_ok());
    assert_eq!(Owners::parse(Some(&padded(limits::OWNERS_BYTES + 1))), Err(OwnersError::TooLong));
    // As many rows as a ConfigMap of usual rows can hold.
    let mut many = Owners::default();
    (0..8_000).for_each(|n| many.claim(&name("ci"), Section::MapRoles, &key(&format!("r{n}"))));
    assert!(many.encode().is_ok());
    (8_000..20_000).for_each(|n| many.claim(&name("ci"), Section::MapRoles, &key(&format!("r{n}"))));
    assert_eq!(many.encode(), Err(OwnersError::TooLong));

    for (text, valid) in [
        ("a", true),
        (&"n".repeat(limits::OWNER_NAME_BYTES), true),
        (&"n".repeat(limits::OWNER_NAME_BYTES + 1), false),
        ("", false),
        ("-a", false),
        ("a b", false),
        ("ä", false),
    ] {
        assert_eq!(text.parse::<OwnerName>().is_ok(), valid, "{text}");
    }
}
