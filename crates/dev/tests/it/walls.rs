//! Walls that clippy can't build, or that somebody could take down by the way.

use std::collections::BTreeSet;

use crate::tree::{is_test, root, texts};

/// Joins the halves of a word that this file must not hold itself.
fn word(halves: [&str; 2]) -> String {
    halves.concat()
}

#[test]
fn every_crate_takes_the_lints_of_the_workspace() {
    for (name, text) in texts("Cargo.toml").iter().filter(|(name, _)| name.starts_with("crates/")) {
        assert!(text.contains("[lints]\nworkspace = true\n"), "{name}");
    }
}

#[test]
fn exceptions_from_lints_are_expected_and_have_a_reason() {
    let allows = [["#[all", "ow("], ["#![all", "ow("], [", all", "ow(clippy"]].map(word);
    let expect = word(["#[exp", "ect("]);
    for (name, text) in texts(".rs") {
        assert!(!allows.iter().any(|allow| text.contains(allow)), "{name}: say `#[expect(…, reason = …)]`");
        for attribute in text.split(&expect).skip(1).filter_map(|rest| rest.split(")]").next()) {
            assert!(attribute.contains("reason ="), "{name}: an exception without reason: {attribute}");
        }
    }
}

/// Where something is printed or a process ended, and why.
const WRITERS: &[(&str, &str)] = &[
    ("crates/cli/src/output.rs", "the one writer to the terminal"),
    ("crates/cli/src/logging.rs", "hands stderr to the log"),
    (
        "crates/control-plane/src/binaries/build.rs",
        "says that it builds, which takes minutes, and that a test is skipped",
    ),
    ("crates/dev/src/bin/bench.rs", "prints what it measures"),
    ("crates/dev/src/bin/floor.rs", "tells its port"),
];

#[test]
fn there_is_one_writer_to_the_terminal_and_one_exit() {
    let calls = [
        ["pri", "nt!("],
        ["print", "ln!("],
        ["std", "out()"],
        ["std", "err()"],
        ["io::std", "err"],
        ["process::", "exit("],
    ];
    let calls = calls.map(word);
    let writers: BTreeSet<_> = texts(".rs")
        .into_iter()
        .filter(|(name, text)| !is_test(name) && calls.iter().any(|call| text.contains(call)))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(writers, WRITERS.iter().map(|(name, _)| (*name).to_string()).collect());
}

#[test]
fn core_is_without_std_and_without_a_clock() {
    let text = std::fs::read_to_string(root().join("crates/core/src/lib.rs")).unwrap();
    assert!(text.lines().any(|line| line == "#![no_std]"));
    for (name, text) in texts(".rs").iter().filter(|(name, _)| name.starts_with("crates/core/src/") && !is_test(name)) {
        let shipped = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        assert!(!shipped.contains("use std::") || name.ends_with("/testing.rs"), "{name} uses std");
    }
    let bans = std::fs::read_to_string(root().join("crates/core/clippy.toml")).unwrap();
    assert!(bans.contains("jiff::Timestamp::now") && bans.contains("jiff::Zoned::now"));
    // The file of core replaces the one of the workspace, and so must repeat it.
    let shared = std::fs::read_to_string(root().join("clippy.toml")).unwrap();
    for ban in shared.lines().filter(|line| line.trim_start().starts_with("{ path")) {
        assert!(bans.contains(ban), "crates/core/clippy.toml lacks {ban}");
    }
}

/// Names of fields that hold a secret, and types that print it.
const SECRET_FIELDS: &[&str] =
    &["secret", "secret_key", "secret_access_key", "session_token", "token", "password", "signature", "private_key"];
const PRINTING_TYPES: &[&str] = &["String", "str", "Vec<u8>", "Bytes", "[u8; 32]"];

/// Fields of structs and enums that derive `Debug` and would print a secret.
fn printed_secrets(text: &str) -> Vec<String> {
    let (mut found, mut derives, mut inside) = (Vec::new(), false, false);
    for line in text.lines() {
        let line = line.trim();
        if line.starts_with("#[derive(") {
            derives = line.contains("Debug");
        } else if line.contains("struct ") || line.contains("enum ") {
            inside = derives && line.ends_with('{');
            derives = false;
        } else if line == "}" {
            inside = false;
        } else if let Some((name, kind)) = line.trim_end_matches(',').split_once(": ").filter(|_| inside) {
            let name = name.rsplit(' ').next().unwrap_or_default();
            let prints = kind.split(|c: char| "<>&() ".contains(c)).any(|part| PRINTING_TYPES.contains(&part))
                || PRINTING_TYPES.contains(&kind);
            if SECRET_FIELDS.contains(&name) && prints {
                found.push(line.to_string());
            }
        }
    }
    found
}

#[test]
fn secrets_have_no_derived_debug() {
    for (name, text) in texts(".rs").iter().filter(|(name, _)| !is_test(name)) {
        let found = printed_secrets(text);
        assert!(found.is_empty(), "{name}: a type that derives Debug holds {found:?}; see kube_iam_core::secret");
    }
}

#[test]
fn a_secret_that_prints_is_found() {
    let found = |text: &str| printed_secrets(text).len();
    assert_eq!(found("#[derive(Clone, Debug)]\npub struct Key {\n    pub secret_access_key: String,\n}\n"), 1);
    assert_eq!(found("#[derive(Debug)]\n#[serde(x)]\nstruct K<'a> {\n    a: u8,\n    token: Option<&'a str>,\n}\n"), 1);
    assert_eq!(
        found("#[derive(Debug)]\nenum E {\n    A {\n        pub(crate) session_token: Vec<u8>,\n    },\n}\n"),
        1
    );
    assert_eq!(found("#[derive(Clone)]\nstruct Key {\n    secret: String,\n}\n"), 0);
    assert_eq!(
        found("#[derive(Debug)]\nstruct Key {\n    secret: Secret,\n    token: Token,\n    name: String,\n}\n"),
        0
    );
}
