//! `nodes list` and `nodes why`.

use serde_json::Value;

use super::{ROLE, join, report};
use crate::mappings::{control_plane, run};

const NODE: &str = "ip-10-0-0-1.eu-west-1.compute.internal";
const FARGATE: &str = "fargate-ip-10-0-0-2.eu-west-1.compute.internal";

#[tokio::test]
async fn nodes_are_listed_with_their_rows_and_told_what_they_lack() {
    let Some(control_plane) = control_plane().await else { return };
    let empty = run(&control_plane, &["nodes", "list"]).await;
    assert_eq!((empty.stderr.as_str(), empty.stdout.as_str()), ("there are no nodes\n", ""));
    let absent = run(&control_plane, &["nodes", "why"]).await;
    assert_eq!(absent.code, Some(1));
    assert!(absent.stdout.contains("block: aws-auth: aws-auth does not exist"), "{absent:?}");
    assert!(absent.stdout.contains("next: `kube-iam nodes apply --role-arn ARN`"), "{absent:?}");

    run(&control_plane, &["nodes", "apply", "--role-arn", ROLE, "--yes"]).await.success();
    join(&control_plane, NODE, "aws:///eu-west-1a/i-0123456789abcdef0").await;
    join(&control_plane, FARGATE, "aws:///eu-west-1a/0a1b/fargate-ip-10-0-0-2").await;
    report(&control_plane, NODE, "True", "").await;
    report(&control_plane, FARGATE, "False", "cni plugin not\u{1b}[2J initialized").await;

    let listed = run(&control_plane, &["nodes", "list"]).await.success();
    let lines: Vec<Vec<&str>> = listed.lines().map(|line| line.split_whitespace().collect()).collect();
    let headers = ["NAME", "STATUS", "AGE", "INSTANCE", "ACCOUNT", "ROLE", "ROW", "LAST-LOGIN"];
    assert_eq!(lines[0], headers);
    let without_age = |line: &[&str]| [&line[..2], &line[3..]].concat().join(" ");
    assert_eq!(without_age(&lines[1]), format!("{FARGATE} NotReady <none> unknown unknown <none> unknown"));
    assert_eq!(without_age(&lines[2]), format!("{NODE} Ready i-0123456789abcdef0 unknown unknown mapRoles:1? unknown"));
    let json: Value =
        serde_json::from_str(&run(&control_plane, &["nodes", "list", "-o", "json"]).await.success()).unwrap();
    assert_eq!(json["nodes"][1]["rows"][0]["principal"], ROLE);
    assert_eq!((&json["nodes"][0]["kind"], &json["nodes"][0]["lastLogin"]), (&"fargate".into(), &Value::Null));
    assert_eq!(json["unusedRows"], Value::Array(Vec::new()));
    let names = run(&control_plane, &["nodes", "list", "-o", "name"]).await.success();
    assert_eq!(names, format!("node/{FARGATE}\nnode/{NODE}\n"));
    let yaml = run(&control_plane, &["nodes", "list", "-o", "yaml"]).await.success();
    assert!(yaml.contains("instanceID: i-0123456789abcdef0"), "{yaml}");

    for asked in [NODE, "i-0123456789abcdef0"] {
        let why = run(&control_plane, &["nodes", "why", asked]).await;
        assert_eq!(why.success(), format!("nothing keeps {asked} out\n"));
    }
    let why = run(&control_plane, &["nodes", "why", FARGATE]).await;
    assert_eq!(why.code, Some(1), "{why:?}");
    assert!(why.stdout.contains("not-ready") && why.stdout.contains("cni plugin not\\u{1b}[2J initialized"), "{why:?}");
    assert!(why.stdout.contains("next: `kube-iam nodes apply --kind fargate --role-arn ARN`"), "{why:?}");
    assert!(why.stderr.contains("error: 2 things keep"), "{why:?}");

    // What the hint says, done: only the network is missing now.
    let fargate = "arn:aws:iam::111122223333:role/pods";
    run(&control_plane, &["nodes", "apply", "--kind", "fargate", "--role-arn", fargate, "--yes"]).await.success();
    let why = run(&control_plane, &["nodes", "why", "-o", "json"]).await;
    let found: Value = serde_json::from_str(&why.stdout).unwrap();
    let rules: Vec<_> = found.as_array().unwrap().iter().map(|one| (&one["about"], &one["rule"])).collect();
    assert_eq!(rules, [(&Value::from(FARGATE), &Value::from("not-ready"))]);

    let stranger = run(&control_plane, &["nodes", "why", "i-2123456789abcdef0"]).await;
    assert!(stranger.stdout.contains("aws ec2 describe-instances --instance-ids i-2123456789abcdef0"), "{stranger:?}");
    let open = "error: what keeps i-2123456789abcdef0 out is not known\n";
    assert!(stranger.code == Some(2) && stranger.stderr.ends_with(open), "{stranger:?}");
    let nobody = run(&control_plane, &["nodes", "why", "nobody"]).await.failure(1);
    assert!(nobody.contains("there is no node `nobody`") && nobody.contains("hint: `kube-iam nodes list`"), "{nobody}");

    // A role that no node runs under.
    let unused = "arn:aws:iam::111122223333:role/literal";
    let set = ["set", "mapping", "--arn", unused, "--username", "system:node:gone", "--group", "system:nodes", "--yes"];
    run(&control_plane, &set).await.success();
    let listed = run(&control_plane, &["nodes", "list"]).await.success();
    assert!(listed.contains("\nUNUSED-ROW") && listed.lines().last().unwrap().ends_with(unused), "{listed}");
    control_plane.stop().await;
}
