//! `nodes apply`.

use std::fs;

use serde_json::Value;

use super::{ROLE, STOCK};
use crate::mappings::{SEED, control_plane, kubectl, run, seeded, stored, write_at_once};
use crate::process::{finish, kube_iam};

const MANIFEST: &str = "\
apiVersion: v1
kind: ConfigMap
metadata:
  name: aws-auth
  namespace: kube-system
data:
  mapRoles: |
    - rolearn: arn:aws:iam::111122223333:role/my-node-role
      username: system:node:{{EC2PrivateDNSName}}
      groups:
        - system:bootstrappers
        - system:nodes
";

const WITH_PATH: &str = "arn:aws:iam::111122223333:role/my-team/developers/my-node-role";

#[tokio::test]
async fn an_absent_aws_auth_becomes_the_stock_one_and_stays_it() {
    let Some(control_plane) = control_plane().await else { return };
    let apply = ["nodes", "apply", "--role-arn", WITH_PATH, "--yes"];
    let dry = run(&control_plane, &[&apply[..4], &["--dry-run=client"]].concat()).await;
    assert_eq!(dry.success(), format!("mapping/{ROLE} created (client dry run)\n"));
    let created = run(&control_plane, &apply).await;
    assert!(created.stderr.contains("note: ") && created.stderr.contains("without its path"), "{created:?}");
    assert_eq!(created.success(), format!("mapping/{ROLE} created\n"));
    let get = ["get", "configmap", "aws-auth", "-n", "kube-system", "-o", "json"];
    let object = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let first = object(&kubectl(&control_plane, &get, "").await.success());
    assert_eq!(first["data"], serde_json::json!({ "mapRoles": STOCK }));
    assert_eq!(first["metadata"]["annotations"], Value::Null);

    let again = run(&control_plane, &["nodes", "apply", "--role-arn", ROLE, "--yes"]).await;
    assert_eq!(again.success(), format!("mapping/{ROLE} unchanged\n"));
    let second = object(&kubectl(&control_plane, &get, "").await.success());
    assert_eq!(second["metadata"]["resourceVersion"], first["metadata"]["resourceVersion"]);

    // The file that the user guide has people download, edit and apply says the same.
    let printed = finish(kube_iam().args(["nodes", "apply", "--role-arn", ROLE, "--print"])).await;
    assert!(printed.stderr.contains("\nwarning: "), "{printed:?}");
    let printed = printed.success();
    assert_eq!(printed, MANIFEST);
    let applied = kubectl(&control_plane, &["apply", "-f", "-"], &printed).await.success();
    assert!(applied.contains("configmap/aws-auth"), "{applied}");
    assert_eq!(stored(&control_plane).await["mapRoles"], STOCK);
    control_plane.stop().await;
}

#[tokio::test]
async fn nothing_but_the_row_is_touched_whatever_stands_around_it() {
    let Some(control_plane) = seeded().await else { return };
    let apply = ["nodes", "apply", "--role-arn", ROLE, "--yes"];
    run(&control_plane, &apply).await.success();
    let data = stored(&control_plane).await;
    assert_eq!(data["mapRoles"], SEED.replace("# the end\n", &format!("{STOCK}# the end\n")));
    assert_eq!(data["other"], "stays");
    // Windows nodes of the same role need one group more.
    let windows = run(&control_plane, &[&apply[..], &["--kind", "windows"]].concat()).await;
    assert_eq!(windows.success(), format!("mapping/{ROLE} configured\n"));
    let stock = format!("{STOCK}    - eks:kube-proxy-windows\n");
    assert_eq!(stored(&control_plane).await["mapRoles"], SEED.replace("# the end\n", &format!("{stock}# the end\n")));
    assert_eq!(run(&control_plane, &apply).await.success(), format!("mapping/{ROLE} unchanged\n"));
    // A role that is somebody else's stays theirs.
    let admin = "arn:aws:iam::111122223333:role/Admin";
    let refused = run(&control_plane, &["nodes", "apply", "--role-arn", admin, "--yes"]).await.failure(1);
    assert!(refused.contains("with username `admin`") && refused.contains("hint: give the nodes a role"), "{refused}");
    let other = "arn:aws-cn:iam::111122223333:role/n";
    let refused = run(&control_plane, &["nodes", "apply", "--role-arn", other, "--yes"]).await.failure(1);
    assert!(refused.contains("is of partition `aws-cn`"), "{refused}");
    // What kube-apiserver does not let anybody change.
    let patch = ["patch", "configmap", "aws-auth", "-n", "kube-system", "-p", r#"{"immutable":true}"#];
    kubectl(&control_plane, &patch, "").await.success();
    let other = "arn:aws:iam::111122223333:role/n";
    let refused = run(&control_plane, &["nodes", "apply", "--role-arn", other, "--yes"]).await.failure(1);
    assert!(refused.contains("hint: the object is marked `immutable`: save it"), "{refused}");
    control_plane.stop().await;
}

#[tokio::test]
async fn twenty_at_once_from_nothing_end_with_one_object_and_all_rows() {
    let Some(control_plane) = control_plane().await else { return };
    let apply = |number: usize| {
        let own = format!("arn:aws:iam::111122223333:role/nodes-{number}");
        vec![format!("nodes apply --role-arn {ROLE} --role-arn {own} --yes --timeout 5m")]
    };
    write_at_once(&control_plane, (0..20).map(apply)).await;
    let data = stored(&control_plane).await;
    assert_eq!(data.keys().collect::<Vec<_>>(), ["mapRoles"]);
    let mut rows: Vec<&str> = data["mapRoles"].split("- rolearn: ").skip(1).collect();
    assert_eq!(rows.len(), 21, "{}", data["mapRoles"]);
    rows.sort_unstable();
    rows.dedup();
    assert_eq!(rows.len(), 21);
    for number in 0..20 {
        let row = STOCK.replace("my-node-role", &format!("nodes-{number}"));
        assert!(data["mapRoles"].contains(&row), "{number}: {}", data["mapRoles"]);
    }
    assert!(data["mapRoles"].contains(STOCK));
    control_plane.stop().await;
}

#[tokio::test]
async fn a_new_file_is_the_stock_manifest() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("aws-auth.yaml");
    let apply = |role: &str| {
        let mut command = kube_iam();
        command.args(["nodes", "apply", "--yes", "--role-arn", role, "--manifest"]).arg(&file);
        command
    };
    finish(&mut apply(WITH_PATH)).await.success();
    assert_eq!(fs::read_to_string(&file).unwrap(), MANIFEST);
    assert_eq!(finish(&mut apply(ROLE)).await.success(), format!("mapping/{ROLE} unchanged\n"));
    assert_eq!(fs::read_to_string(&file).unwrap(), MANIFEST);
    // Names are the same whether something changes or not.
    let other = ROLE.replace("my-node-role", "n");
    let added = finish(apply(ROLE).args(["--role-arn", &other, "-o", "name"])).await.success();
    assert_eq!(added, format!("{other}\n"));
    let both = finish(apply(ROLE).args(["--role-arn", &other, "-o", "name"])).await.success();
    assert_eq!(both, format!("{ROLE}\n{other}\n"));
    let both = finish(apply(ROLE).args(["--role-arn", &other])).await.success();
    assert_eq!(both, format!("mapping/{ROLE} unchanged\nmapping/{other} unchanged\n"));
    // Where AWS is not asked, that is said.
    let mut get = kube_iam();
    get.args(["get", "mappings", "-o", "name", "--region", "us-east-1", "--manifest"]).arg(&file);
    let got = finish(&mut get).await;
    assert!(got.stderr.contains("warning: nothing is asked of AWS for a file"), "{got:?}");
    assert_eq!(got.success(), format!("{ROLE}\n{other}\n"));
}

#[tokio::test]
async fn whatever_is_no_role_is_refused_before_anything_is_asked() {
    for (args, part) in [
        (&["--role-arn", "arn:aws:iam::111122223333:instance-profile/nodes"][..], "aws iam get-instance-profile"),
        (&["--role-arn", "arn:aws:iam::111122223333:user/ann"], "is a user, and nodes log in by a role"),
        (&["--role-arn", "arn:aws:iam::111122223333:root"], "is the root user of an account"),
        (&["--role-arn", "111122223333"], "is an account"),
        (&["--role-arn", "<ARN of instance role (not instance profile)>"], "is not the ARN of a role or user"),
        (&["--role-arn", ROLE, "--kind", "mac"], "`linux`, `windows`, `fargate` and `hybrid`"),
        (&["--role-arn", ROLE, "--print", "--manifest", "x"], "cannot be used with"),
        (&["--role-arn", ROLE, "--print", "-o", "json"], "cannot be used with"),
        (&["--stack", ""], "is not the name or ARN of a stack"),
        (&["--nodegroup", "ng"], "--cluster"),
        (&[], "--role-arn"),
    ] {
        let refused = finish(kube_iam().args(["nodes", "apply"]).args(args)).await.failure(2);
        assert!(refused.starts_with("error: ") && refused.contains(part), "{args:?}: {refused}");
    }
}
