//! The files of the project, searched as text.

use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Files that git tracks or would, relative to the root, with their text.
fn texts(extension: &str) -> Vec<(String, String)> {
    let output = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .unwrap();
    let names = String::from_utf8(output.stdout).unwrap();
    let names = names.lines().filter(|name| name.ends_with(extension));
    let read = |name: &str| Some((name.to_string(), std::fs::read_to_string(root().join(name)).ok()?));
    let texts: Vec<_> = names.filter_map(read).collect();
    assert!(!texts.is_empty(), "git lists no {extension} file");
    texts
}

fn is_test(name: &str) -> bool {
    name.contains("/tests/") || name.ends_with("tests.rs") || name.contains("/benches/")
}

#[test]
fn files_stay_readable() {
    for (name, text) in texts(".rs") {
        assert!(text.lines().count() <= 800, "{name} has more than 800 lines");
        assert!(!name.ends_with("/mod.rs"), "{name}: a module `foo` is `foo.rs`");
    }
    let (_, architecture) = texts("ARCHITECTURE.md").pop().unwrap();
    assert!(architecture.lines().count() <= 150);
}

#[test]
fn every_test_file_is_part_of_a_test() {
    let files = texts(".rs");
    for (name, _) in
        files.iter().filter(|(name, _)| is_test(name) && !name.ends_with("main.rs") && !name.contains("/benches/"))
    {
        let path = Path::new(name);
        let module = format!("mod {};", path.file_stem().unwrap().to_str().unwrap());
        let folder = path.parent().unwrap().to_str().unwrap();
        let beside = |other: &str| {
            other == format!("{folder}.rs")
                || other == format!("{folder}/main.rs")
                || other == format!("{folder}/lib.rs")
        };
        let named = files.iter().any(|(other, text)| beside(other) && text.contains(&module));
        assert!(named, "{name} is named by no `mod`");
    }
}

#[test]
fn every_crate_takes_the_lints_of_the_workspace() {
    for (name, text) in texts("Cargo.toml").iter().filter(|(name, _)| name.starts_with("crates/")) {
        assert!(text.contains("[lints]\nworkspace = true"), "{name}");
    }
    for (name, text) in texts(".rs") {
        let banned = ["#[all", "ow("].concat();
        assert!(!text.contains(&banned), "{name}: say `#[expect(…, reason = …)]`");
    }
}

/// Where something may be printed, or a process be ended, and why.
const WRITERS: &[(&str, &str)] = &[
    ("crates/cli/src/output.rs", "the one writer to the terminal"),
    ("crates/control-plane/src/", "says that it builds, or that a test is skipped"),
    ("crates/dev/src/bin/", "prints what it measures"),
];

#[test]
fn there_is_one_writer_to_the_terminal() {
    let (print, eprint, exit) =
        (["println", "!("].concat(), ["eprint", "ln!("].concat(), ["process::", "exit("].concat());
    for (name, text) in texts(".rs").iter().filter(|(name, _)| !is_test(name)) {
        let excepted = WRITERS.iter().any(|(place, _)| name.starts_with(place));
        let prints = [&print, &eprint, &exit].iter().any(|call| text.contains(call.as_str()));
        assert!(excepted || !prints, "{name} writes to the terminal or ends the process itself");
    }
}

#[test]
fn core_is_without_std() {
    let text = std::fs::read_to_string(root().join("crates/core/src/lib.rs")).unwrap();
    assert!(text.contains("#![no_std]"));
    let bans = std::fs::read_to_string(root().join("crates/core/clippy.toml")).unwrap();
    assert!(bans.contains("jiff::Timestamp::now"));
}

#[test]
fn secrets_have_no_derived_debug() {
    let fields =
        ["secret_access_key: String", "session_token: String", "session_token: Option<String>", "token: String"];
    for (name, text) in texts(".rs").iter().filter(|(name, _)| !is_test(name)) {
        for block in text.split("\n}").filter(|block| fields.iter().any(|field| block.contains(field))) {
            let Some((before, _)) = block.rsplit_once("struct ") else { continue };
            let attributes = before.rsplit("\n\n").next().unwrap_or_default();
            let derives =
                attributes.lines().filter(|line| line.starts_with("#[derive(")).any(|line| line.contains("Debug"));
            assert!(!derives, "{name}: a struct with a secret derives Debug:\n{block}");
        }
    }
}

#[test]
fn links_lead_somewhere() {
    for (name, text) in texts(".md") {
        let folder = root().join(Path::new(&name).parent().unwrap());
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = target.split('#').next().unwrap();
            if file.is_empty() || file.contains("://") {
                continue;
            }
            assert!(folder.join(file).exists(), "{name}: `{target}` leads nowhere");
        }
    }
}

#[test]
fn no_file_names_a_place_of_somebodys_machine() {
    let places = [["/ho", "me/"].concat(), ["/ro", "ot/"].concat(), ["/wo", "rk/"].concat()];
    for extension in [".rs", ".md", ".toml", ".go", ".py", "run", ".json"] {
        for (name, text) in texts(extension) {
            assert!(!places.iter().any(|place| text.contains(place.as_str())), "{name} names a place of a machine");
        }
    }
}
