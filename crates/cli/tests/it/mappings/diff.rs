//! `diff -f`: what `apply` would change.

use std::fs;

use insta::assert_snapshot;
use tempfile::TempDir;

use super::{run, seeded, stored};
use crate::process::{finish, finish_with_input, kube_iam};

const MAPPINGS: &str = "\
mappings:
- arn: arn:aws:iam::111122223333:role/Admin
  username: admin
  groups: [system:masters, ops]
- arn: arn:aws:iam::111122223333:role/team/dev
  groups: [viewers]
";

const HELD: &str = "\
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/Admin
    username: admin
    groups: [system:masters]
  - rolearn: arn:aws:iam::111122223333:role/old
    username: old
";

#[tokio::test]
async fn differences_are_told_and_end_with_one() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("mappings.yaml"), MAPPINGS).unwrap();
    fs::write(folder.path().join("broken.yaml"), "mappings:\n- arn: role/x\n- groups: g\n").unwrap();
    fs::write(folder.path().join("aws-auth.yaml"), HELD).unwrap();
    let mut shown = String::new();
    for args in [
        &["diff", "-f", "mappings.yaml"][..],
        &["diff", "-f", "mappings.yaml", "--prune"],
        &["apply", "-f", "mappings.yaml", "--prune", "--yes"],
        &["diff", "-f", "mappings.yaml", "--prune"],
        &["diff", "-f", "broken.yaml"],
        &["diff", "-f", "absent.yaml"],
    ] {
        let mut command = kube_iam();
        command.current_dir(folder.path()).args(args).args(["--manifest", "aws-auth.yaml"]);
        let finished = finish(&mut command).await;
        shown += &format!("$ kube-iam {}\n{}{}", args.join(" "), finished.stdout, finished.stderr);
        shown += &format!("exit {}\n", finished.code.unwrap());
    }
    assert_snapshot!(shown, @"
    $ kube-iam diff -f mappings.yaml
    mapRoles:
      ~ arn:aws:iam::111122223333:role/Admin  groups +`ops`
      + arn:aws:iam::111122223333:role/dev  username `arn:aws:iam::111122223333:role/dev`  groups `viewers`
    note: `arn:aws:iam::111122223333:role/team/dev` is written as `arn:aws:iam::111122223333:role/dev`: AWS reports the role of a caller without its path [canonical-arn]
    error: `apply` would change 2 of the mappings
    exit 1
    $ kube-iam diff -f mappings.yaml --prune
    mapRoles:
      ~ arn:aws:iam::111122223333:role/Admin  groups +`ops`
      + arn:aws:iam::111122223333:role/dev  username `arn:aws:iam::111122223333:role/dev`  groups `viewers`
      - arn:aws:iam::111122223333:role/old  username `old`
    note: `arn:aws:iam::111122223333:role/team/dev` is written as `arn:aws:iam::111122223333:role/dev`: AWS reports the role of a caller without its path [canonical-arn]
    error: `apply` would change 3 of the mappings
    exit 1
    $ kube-iam apply -f mappings.yaml --prune --yes
    mapping/arn:aws:iam::111122223333:role/Admin configured
    mapping/arn:aws:iam::111122223333:role/dev created
    mapping/arn:aws:iam::111122223333:role/old deleted
    mapRoles
    @@ -1,5 +1,7 @@
     - rolearn: arn:aws:iam::111122223333:role/Admin
       username: admin
    -  groups: [system:masters]
    -- rolearn: arn:aws:iam::111122223333:role/old
    -  username: old
    +  groups: [system:masters, ops]
    +- rolearn: arn:aws:iam::111122223333:role/dev
    +  username: arn:aws:iam::111122223333:role/dev
    +  groups:
    +    - viewers
    note: only the rows were judged, under each `--authenticator` [unchecked]
    note: `arn:aws:iam::111122223333:role/team/dev` is written as `arn:aws:iam::111122223333:role/dev`: AWS reports the role of a caller without its path [canonical-arn]
    exit 0
    $ kube-iam diff -f mappings.yaml --prune
    exit 0
    $ kube-iam diff -f broken.yaml
    error: `broken.yaml` can't be applied, nothing was changed
    Caused by: line 2: `role/x` is not the ARN of a role or user: an ARN starts with `arn:` (it looks like `arn:aws:iam::111122223333:role/NAME`; `aws sts get-caller-identity` shows your own)
    Caused by: line 3: the mapping names nobody: `arn`, `sso` or `account` is missing
    Caused by: line 3: `groups` must be a list, this is a text (write one group per line, each after `- `)
    exit 2
    $ kube-iam diff -f absent.yaml
    error: `absent.yaml` can't be read
    Caused by: No such file or directory (os error 2)
    exit 2
    ");
}

#[tokio::test]
async fn a_cluster_is_compared_and_not_touched() {
    let Some(control_plane) = seeded().await else { return };
    let before = stored(&control_plane).await;
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("mappings.yaml");
    fs::write(&file, MAPPINGS).unwrap();
    let diff = ["diff", "-f", file.to_str().unwrap()];
    let differs = run(&control_plane, &diff).await;
    assert_eq!(differs.code, Some(1), "{differs:?}");
    assert!(differs.stdout.contains("role/dev") && differs.stdout.contains("role/Admin"), "{differs:?}");
    assert_eq!(stored(&control_plane).await, before);
    // By stdin, once it is applied.
    run(&control_plane, &["apply", "-f", file.to_str().unwrap(), "--yes"]).await.success();
    let mut command = super::on(&control_plane, &["diff", "-f", "-"]);
    assert_eq!(finish_with_input(&mut command, MAPPINGS).await.success(), "");
    control_plane.stop().await;
}

#[tokio::test]
async fn what_may_not_be_read_is_no_answer() {
    let Some(control_plane) = seeded().await else { return };
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("wanted.yaml");
    fs::write(&file, "mappings: []\n").unwrap();
    let mut shown = String::new();
    for words in [&["check"][..], &["diff", "-f", file.to_str().unwrap()]] {
        let args = [words, &["--as", "nobody-special"]].concat();
        shown += &run(&control_plane, &args).await.failure(2);
    }
    assert_snapshot!(shown, @r#"
    error: could not read aws-auth
    Caused by: `get` on `configmaps` `kube-system/aws-auth` is not allowed: configmaps "aws-auth" is forbidden: User "nobody-special" cannot get resource "configmaps" in API group "" in the namespace "kube-system"
    hint: ask an administrator to allow `get` on `configmaps` `kube-system/aws-auth`
    error: could not read aws-auth
    Caused by: `get` on `configmaps` `kube-system/aws-auth` is not allowed: configmaps "aws-auth" is forbidden: User "nobody-special" cannot get resource "configmaps" in API group "" in the namespace "kube-system"
    hint: ask an administrator to allow `get` on `configmaps` `kube-system/aws-auth`
    "#);
    control_plane.stop().await;
}
