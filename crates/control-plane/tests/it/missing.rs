//! Where there is no control plane, its tests fail under CI and are skipped loudly
//! elsewhere.

use std::env;
use std::process::{Command, Output};

/// Runs a test that needs the control plane in a process that finds no programs.
fn test_without_programs(ci: Option<&str>) -> Output {
    let empty = tempfile::tempdir().unwrap();
    let mut test = Command::new(env::current_exe().unwrap());
    test.args(["running::the_administrator_is_let_in", "--exact"])
        .env("KUBEBUILDER_ASSETS", empty.path())
        .env_remove("CI");
    test.envs(ci.map(|ci| ("CI", ci))).output().unwrap()
}

#[test]
fn under_ci_a_test_fails() {
    let output = test_without_programs(Some("true"));
    assert!(!output.status.success());
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(printed.contains("no control plane, and CI needs one"), "{printed}");
    assert!(printed.contains("`etcd` was not found in"), "{printed}");
}

#[test]
fn elsewhere_it_is_skipped_and_says_so() {
    let output = test_without_programs(None);
    assert!(output.status.success());
    // The harness keeps back what a passing test prints; this gets through.
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("SKIPPED running::the_administrator_is_let_in: "), "{said}");
    assert!(said.contains("hint: `cargo test -p kube-iam-control-plane` builds etcd"), "{said}");
}
