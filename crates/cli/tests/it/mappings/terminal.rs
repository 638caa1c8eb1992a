//! `edit` in a real terminal.

use std::os::unix::fs::PermissionsExt as _;

use insta::assert_snapshot;
use kube_iam_control_plane::ControlPlane;
use tempfile::TempDir;
use tokio::process::Command;

use super::{SEED, seeded, stored};
use crate::process::{Finished, finish_with_input};

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

/// `edit` in a terminal, with an editor of our own and what is typed at the questions.
async fn edit(control_plane: &ControlPlane, folder: &TempDir, editor: &str, typed: &str) -> Finished {
    let path = folder.path().join("editor");
    std::fs::write(&path, editor).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    let (program, kubeconfig) = (env!("CARGO_BIN_EXE_kube-iam"), control_plane.admin_kubeconfig());
    // `script` gives its child a terminal of its own, and types what it reads.
    let mut script = Command::new("script");
    let line = format!("{program} edit --kubeconfig {}", kubeconfig.display());
    script.args(["--quiet", "--return", "--command", &line, "/dev/null"]);
    script.env("EDITOR", &path).env_remove("KUBE_EDITOR").env_remove("VISUAL").env("TERM", "xterm");
    script.env("PROGRAM", program).env("KUBECONFIG", kubeconfig).env("TMPDIR", folder.path());
    finish_with_input(&mut script, typed).await
}

#[tokio::test]
async fn a_broken_text_comes_back_with_the_error_at_its_line() {
    let Some(control_plane) = seeded().await else { return };
    let folder = TempDir::new().unwrap();
    let finished = edit(&control_plane, &folder, EDITOR, "y\n").await;
    assert!(finished.stdout.contains("change aws-auth?"), "{finished:?}");
    let seen = std::fs::read_to_string(folder.path().join("editor.seen")).unwrap();
    assert_snapshot!(seen, @"
    #! Save and leave to change aws-auth; leave without a change to stop.
    #! Lines that begin with `#!` are left out.
    apiVersion: v1
    kind: ConfigMap
    metadata:
      name: aws-auth
      namespace: kube-system
    data:
      mapRoles: |
        # the first administrators
        - rolearn: arn:aws:iam::111122223333:role/Admin # never remove
          username: admin
          groups: [system:masters
    #! error: `mapRoles`: illegal placement of ':' indicator
          note: {kept: yes}
        # the end
      other: stays
    ");
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let wanted = SEED.replace("[system:masters]", "[system:masters, ops]");
    assert_eq!(stored(&control_plane).await["mapRoles"], wanted);
    control_plane.stop().await;
}

/// Changes one row; meanwhile another program adds one.
const RACING_EDITOR: &str = r#"#!/bin/sh
sed -i 's/groups: \[system:masters\]/groups: [system:masters, ops]/; s/the first/THE FIRST/' "$1"
"$PROGRAM" create mapping --arn arn:aws:iam::111122223333:role/dev --username dev --yes >&2
"#;

#[tokio::test]
async fn what_others_write_while_the_editor_is_open_stays() {
    let Some(control_plane) = seeded().await else { return };
    let folder = TempDir::new().unwrap();
    let finished = edit(&control_plane, &folder, RACING_EDITOR, "y\n").await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let row = "- rolearn: arn:aws:iam::111122223333:role/dev\n  username: dev\n";
    let both = SEED.replace("[system:masters]", "[system:masters, ops]").replace("the first", "THE FIRST");
    assert_eq!(stored(&control_plane).await["mapRoles"], both.replace("# the end", &format!("{row}# the end")));

    let clash = r#"#!/bin/sh
sed -i 's/username: admin/username: boss/' "$1"
"$PROGRAM" set mapping --arn arn:aws:iam::111122223333:role/Admin --username chief --yes >&2
"#;
    let finished = edit(&control_plane, &folder, clash, "y\n").await;
    assert_eq!(finished.code, Some(1), "{finished:?}");
    assert!(finished.stdout.contains("somebody else has changed the same lines of `mapRoles`"), "{finished:?}");
    assert!(stored(&control_plane).await["mapRoles"].contains("username: chief\n"));
    control_plane.stop().await;
}

#[tokio::test]
async fn what_was_typed_is_never_lost() {
    let Some(control_plane) = seeded().await else { return };
    let folder = TempDir::new().unwrap();
    let broken = "#!/bin/sh\nsed -i 's/groups: \\[system:masters\\]/groups: [system:masters/' \"$1\"\n";
    let locked_out = "#!/bin/sh\nsed -i 's/\\[system:masters\\]/[nobody]/' \"$1\"\n";
    let crashes = "#!/bin/sh\nsed -i 's/username: admin/username: boss/' \"$1\"\nexit 7\n";
    for (editor, code) in [(broken, 2), (locked_out, 1), (crashes, 1)] {
        let finished = edit(&control_plane, &folder, editor, "").await;
        assert_eq!(finished.code, Some(code), "{finished:?}");
        let (_, rest) = finished.stdout.split_once("EDITOR='cp ").expect("a way to take it up again");
        let (draft, rest) = rest.split_once("' ").unwrap();
        assert!(rest.starts_with("kube-iam edit` takes it up again"), "{rest}");
        assert!(std::fs::read_to_string(draft).unwrap().contains("the first administrators"), "{draft}");
        assert_eq!(stored(&control_plane).await["mapRoles"], SEED);
        if editor == crashes {
            let again = format!("#!/bin/sh\nexec cp {draft} \"$1\"\n");
            assert_eq!(edit(&control_plane, &folder, &again, "y\n").await.code, Some(0));
            assert_eq!(stored(&control_plane).await["mapRoles"], SEED.replace("username: admin", "username: boss"));
        }
    }
    control_plane.stop().await;
}

#[tokio::test]
async fn mistakes_are_shown_before_they_are_written() {
    let Some(control_plane) = seeded().await else { return };
    let folder = TempDir::new().unwrap();
    let editor = "#!/bin/sh\nsed -i 's/# the end/- {rolearn: \"arn:aws:iam::111122223333:role\\/dev\", usrname: dev, groups: [veiwers]}/' \"$1\"\n";
    let finished = edit(&control_plane, &folder, editor, "n\n").await;
    let plain = anstream::adapter::strip_str(&finished.stdout).to_string().replace('\r', "");
    let (_, shown) = plain.split_once("mapRoles\n").unwrap();
    let (shown, _) = shown.split_once("warning: your text is kept").unwrap();
    assert_snapshot!(shown, @r#"
    @@ -3,4 +3,4 @@
       username: admin
       groups: [system:masters]
       note: {kept: yes}
    -# the end
    +- {rolearn: "arn:aws:iam::111122223333:role/dev", usrname: dev, groups: [veiwers]}
    warning: mapRoles, line 6: the row has no username [username-missing]
    warning: mapRoles, line 6: unknown key `usrname`: it has no effect [key-misspelt]
      hint: did you mean `username`?
    warning: mapRoles, line 6: no binding names group `veiwers` [unbound-group]
    note: the guard could not find out which authenticator decides (see `--authenticator`) [unchecked]
    change aws-auth? [y/N] 
    "#);
    control_plane.stop().await;
}
