//! The files of the project: where they are, and how large.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Files that git tracks or would, relative to the root, with their text; what
/// is no text is left out.
pub(crate) fn texts(extension: &str) -> Vec<(String, String)> {
    let mut git = Command::new("git");
    git.args(["ls-files", "--cached", "--others", "--exclude-standard"]).current_dir(root());
    let output = git.output().expect("git lists the files to check");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let names = String::from_utf8(output.stdout).unwrap();
    let names = names.lines().filter(|name| name.ends_with(extension));
    let read = |name: &str| Some((name.to_string(), std::fs::read_to_string(root().join(name)).ok()?));
    let texts: Vec<_> = names.filter_map(read).collect();
    assert!(!texts.is_empty(), "git lists no {extension} file");
    texts
}

/// Whether a Rust file is not shipped.
pub(crate) fn is_test(name: &str) -> bool {
    name.contains("/tests/") || name.ends_with("tests.rs") || name.contains("/benches/") || name.starts_with("fuzz/")
}

/// Whether cargo itself knows the file, as the root of a library or program.
fn is_target(name: &str) -> bool {
    let (folder, file) = name.rsplit_once('/').unwrap_or_default();
    matches!(file, "lib.rs" | "main.rs" | "build.rs")
        || ["src/bin", "benches", "fuzz_targets"].iter().any(|end| folder.ends_with(end))
        || name == "fuzz/bodies.rs"
}

/// Files that are part of no program, which is how a test is lost.
fn orphans(files: &[(String, String)]) -> Vec<&str> {
    let declares = |text: &str, module: &str| {
        text.lines().map(str::trim).any(|line| !line.starts_with("//") && line.ends_with(&format!("mod {module};")))
    };
    let is_orphan = |name: &str| {
        let (folder, file) = name.rsplit_once('/').unwrap_or_default();
        let module = file.trim_end_matches(".rs");
        let parents = [format!("{folder}.rs"), format!("{folder}/lib.rs"), format!("{folder}/main.rs")];
        !files.iter().any(|(other, text)| parents.contains(other) && declares(text, module))
    };
    files.iter().map(|(name, _)| name.as_str()).filter(|name| !is_target(name) && is_orphan(name)).collect()
}

#[test]
fn files_stay_readable() {
    for (name, text) in texts(".rs") {
        assert!(text.lines().count() <= 800, "{name} has more than 800 lines");
        assert!(!name.ends_with("/mod.rs"), "{name}: a module `foo` is `foo.rs`");
    }
    for (name, text) in texts("ARCHITECTURE.md") {
        assert!(text.lines().count() <= 150, "{name} has more than 150 lines");
    }
}

#[test]
fn every_file_is_part_of_a_program() {
    assert_eq!(orphans(&texts(".rs")), Vec::<&str>::new(), "named by no `mod`");
}

#[test]
fn an_orphan_is_found() {
    let file = |name: &str, text: &str| (name.to_string(), text.to_string());
    let files = [
        file("crates/x/src/lib.rs", "mod a;\n// mod lost;\n"),
        file("crates/x/src/a.rs", "#[cfg(test)]\nmod tests;\n"),
        file("crates/x/src/a/tests.rs", ""),
        file("crates/x/src/lost.rs", "pub(crate) mod deeper;\n"),
        file("crates/x/src/lost/deeper.rs", ""),
        file("crates/x/tests/it/main.rs", ""),
        file("crates/x/tests/it/forgotten.rs", ""),
        file("crates/x/tests/second_binary.rs", ""),
    ];
    assert_eq!(
        orphans(&files),
        ["crates/x/src/lost.rs", "crates/x/tests/it/forgotten.rs", "crates/x/tests/second_binary.rs"]
    );
}
