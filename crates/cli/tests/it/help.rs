//! The reference of commands, written from their own help.
//!
//! `UPDATE_DOCS=1 cargo test -p kube-iam --test it help` writes it anew.

use std::fs;
use std::path::Path;

use crate::process::{finish, kube_iam};

const COMMANDS: &[&str] = &[
    "",
    "token",
    "server",
    "init",
    "verify",
    "get mappings",
    "create mapping",
    "set mapping",
    "delete mapping",
    "apply",
    "diff",
    "edit",
    "check",
    "nodes",
    "nodes apply",
    "nodes wait",
    "nodes list",
    "nodes why",
    "access",
    "access can-i",
    "access who-can",
    "access explain",
    "access list",
    "get iamidentitymapping",
    "create iamidentitymapping",
    "delete iamidentitymapping",
    "quickstart",
    "completion",
    "man",
];

#[tokio::test]
async fn the_reference_is_what_the_commands_say() {
    let mut page = String::from("# Commands\n");
    for command in COMMANDS {
        let words: Vec<_> = command.split_whitespace().collect();
        let help = finish(kube_iam().args(&words).arg("--help")).await.success();
        let name = format!("kube-iam {command}");
        assert!(
            command.is_empty()
                || ["access", "nodes"].contains(command)
                || help.contains("Examples:")
                || command.contains("iamidentitymapping"),
            "{name}"
        );
        let help: String = help.lines().map(|line| format!("{}\n", line.trim_end())).collect();
        page += &format!("\n## `{}`\n\n```\n{}\n```\n", name.trim(), help.trim());
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/commands.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&file, &page).unwrap();
    }
    let written = fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(
        written, page,
        "docs/commands.md is not up to date: UPDATE_DOCS=1 cargo test -p kube-iam --test it help"
    );
}
