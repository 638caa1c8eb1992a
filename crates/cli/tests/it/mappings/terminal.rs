//! `edit` in a real terminal.

use std::os::unix::fs::PermissionsExt as _;

use tokio::process::Command;

use super::{SEED, seeded, stored};
use crate::process::finish_with_input;

/// An editor that breaks the text the first time and mends it the second.
const EDITOR: &str = r#"#!/bin/sh
if [ ! -e "$0.once" ]; then
  touch "$0.once"
  sed -i 's/groups: \[system:masters\]/groups: [system:masters/' "$1"
else
  cp "$1" "$0.seen"
  sed -i 's/groups: \[system:masters/groups: [system:masters, ops]/' "$1"
fi
"#;

#[tokio::test]
async fn a_broken_text_comes_back_with_the_error_at_its_line() {
    let Some(control_plane) = seeded().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let editor = folder.path().join("editor");
    std::fs::write(&editor, EDITOR).unwrap();
    std::fs::set_permissions(&editor, std::fs::Permissions::from_mode(0o755)).unwrap();
    let (program, kubeconfig) = (env!("CARGO_BIN_EXE_kube-iam"), control_plane.admin_kubeconfig());
    // `script` gives its child a terminal of its own, and types what it reads.
    let mut script = Command::new("script");
    let line = format!("{program} edit --kubeconfig {}", kubeconfig.display());
    script.args(["--quiet", "--return", "--command", &line, "/dev/null"]);
    script.env("EDITOR", &editor).env_remove("KUBE_EDITOR").env_remove("VISUAL").env("TERM", "xterm");
    let finished = finish_with_input(&mut script, "y\n").await;
    assert!(finished.stdout.contains("change aws-auth?"), "{finished:?}");
    let seen = std::fs::read_to_string(folder.path().join("editor.seen")).unwrap();
    let lines: Vec<_> = seen.lines().collect();
    let error = lines.iter().position(|line| line.starts_with("#! error:")).unwrap();
    assert!(seen.contains("groups: [system:masters\n") && error > 5, "{seen}");
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let wanted = SEED.replace("[system:masters]", "[system:masters, ops]");
    assert_eq!(stored(&control_plane).await["mapRoles"], wanted);
    control_plane.stop().await;
}
