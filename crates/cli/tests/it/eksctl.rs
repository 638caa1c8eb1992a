//! `get|create|delete iamidentitymapping`: eksctl's commands by their own name.

mod bad_input;

use std::time::Duration;

use kube_iam_standin::Cluster;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::cluster::{Plan, World};
use crate::people::{ADMIN, CLUSTER, Person, STRANGER};
use crate::process::{Finished, finish, finish_with_input, kube_iam};

const ROLE: &str = "arn:aws:iam::111122223333:role/dev";

const MAPPINGS: &str = "\
mapRoles:
- {rolearn: 'arn:aws:iam::111122223333:role/Admin', username: admin, groups: [system:masters]}
mapUsers:
- {userarn: 'arn:aws:iam::111122223333:user/team/dev', username: dev, groups: [readers]}";

/// One line of the log without its time, whose form is checked.
fn without_time(line: &str) -> String {
    let (time, rest) = line.split_at(19);
    let shape: String = time.chars().map(|char| if char.is_ascii_digit() { '9' } else { char }).collect();
    assert_eq!(shape, "9999-99-99 99:99:99", "{line}");
    rest.to_owned()
}

fn log(stdout: &str) -> Vec<String> {
    stdout.lines().map(without_time).collect()
}

/// A world whose API server EKS knows as `web`, in two accounts.
async fn world() -> Option<World> {
    let world = World::start(Plan { server_keys: MAPPINGS, ..Plan::default() }).await?;
    for account in ["111122223333", "444455556666"] {
        let cluster = Cluster::creating("web", "us-east-1", account);
        let cluster = cluster.active(world.control_plane.url(), world.control_plane.ca_pem());
        // Tokens of the webhook's cluster.
        world.aws.standin.add_cluster(Cluster { outpost_id: Some(CLUSTER.into()), ..cluster });
    }
    world.aws.standin.add_cluster(Cluster::creating("young", "us-east-1", "111122223333"));
    Some(world)
}

async fn run(world: &World, person: Person, line: &str) -> Finished {
    let mut command = kube_iam();
    command.args(line.split(' ')).envs(person.environment()).envs(world.aws.client_environment());
    command.env("NO_PROXY", "127.0.0.1,localhost");
    finish(&mut command).await
}

async fn stored(world: &World) -> Value {
    let object = world.admin(&["get", "configmap", "aws-auth", "-n", "kube-system", "-o", "json"]).await;
    serde_json::from_str::<Value>(&object).unwrap()["data"].clone()
}

#[tokio::test]
async fn a_cluster_is_found_through_eks_and_edited() {
    let Some(world) = world().await else { return };
    let empty = run(&world, ADMIN, "get iamidentitymapping --cluster web --region us-east-1").await;
    assert_eq!(empty.success(), "No iamidentitymappings found\n");

    let line = format!("create iamidentitymapping web --arn {ROLE} --username dev --group a,b");
    let created = run(&world, ADMIN, &line).await;
    let unbound =
        |line, group| format!("warning: mapRoles, line {line}: no binding names group `{group}` [unbound-group]\n");
    assert_eq!(created.stderr, unbound(4, "a") + &unbound(5, "b"));
    let lines = [
        format!(" [ℹ]  checking arn {ROLE} against entries in the auth ConfigMap"),
        format!(" [ℹ]  adding identity \"{ROLE}\" to auth ConfigMap"),
    ];
    assert_eq!(log(&created.success()), lines);
    let data = stored(&world).await;
    assert_eq!(data.as_object().unwrap().len(), 1, "{data}");

    let shown = run(&world, ADMIN, "get iamidentitymapping -c web -o yaml").await;
    assert_eq!(shown.success(), format!("- groups:\n  - a\n  - b\n  rolearn: {ROLE}\n  username: dev\n"));

    let again = run(&world, ADMIN, &format!("{line} --no-duplicate-arns")).await.success();
    assert!(again.contains("[!]  found existing mapping that matches"), "{again}");
    let other =
        run(&world, ADMIN, &format!("create iamidentitymapping web --arn {ROLE} --group c --no-duplicate-arns")).await;
    assert_eq!(other.code, Some(1));
    let refusal = format!("Error: found existing mapping with the same arn \"{ROLE}\" and shadowing is disabled\n");
    assert_eq!(other.stderr, refusal);

    let deleted = run(&world, ADMIN, &format!("delete iamidentitymapping --cluster web --arn {ROLE}")).await;
    assert_eq!(log(&deleted.success()).len(), 1);
    assert_eq!(stored(&world).await, json!({ "mapRoles": "[]\n" }));
    world.stop().await;
}

#[tokio::test]
async fn a_lock_out_is_refused_until_its_rule_is_named() {
    let Some(world) = world().await else { return };
    let admin = "arn:aws:iam::111122223333:role/Admin";
    let create = format!("create iamidentitymapping -c web --arn {admin} --username admin --group system:masters");
    run(&world, ADMIN, &create).await.success();
    let before = stored(&world).await;
    // EKS decides there, and the row is the caller's own and the last administrator's.
    let delete = format!("delete iamidentitymapping -c web --arn {admin}");
    let refused = run(&world, ADMIN, &delete).await;
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(1), ""));
    insta::assert_snapshot!(refused.stderr, @"
    block: you would be locked out: nothing would let `arn:aws:iam::111122223333:role/Admin` in any more; now `mapRoles` line 1 maps you [caller-loses-access]
      hint: keep a row for your own principal, or let somebody else make this change
    block: no administrator would be left: `arn:aws:iam::111122223333:role/Admin` is the last; now `mapRoles` line 1 maps it [last-admin]
      hint: map another administrator first, or give one an access entry
    Error: the change is refused for 2 reasons, and nothing is written
    hint: if that is meant, repeat with `--override caller-loses-access --override last-admin`
    ");
    assert_eq!(stored(&world).await, before);
    let demote = format!("create iamidentitymapping -c web --arn {admin} --username admin --group readers");
    assert!(run(&world, ADMIN, &demote).await.failure(1).contains("[caller-demoted-by-duplicate]"));
    assert_eq!(stored(&world).await, before);
    let meant = format!("{delete} --override caller-loses-access --override last-admin");
    assert_eq!(log(&run(&world, ADMIN, &meant).await.success()).len(), 1);
    assert_eq!(stored(&world).await, json!({ "mapRoles": "[]\n" }));
    world.stop().await;
}

#[tokio::test]
async fn rights_of_a_service_are_made_and_made_again() {
    let Some(world) = world().await else { return };
    world.admin(&["create", "namespace", "emr"]).await;
    let line = "create iamidentitymapping -c web --service-name emr-containers --namespace emr";
    let role = "arn:aws:iam::111122223333:role/AWSServiceRoleForAmazonEMRContainers";
    let object =
        |done: &str, kind: &str| format!(" [ℹ]  {done} \"emr:{kind}.rbac.authorization.k8s.io/emr-containers\"");
    assert_eq!(
        log(&run(&world, ADMIN, line).await.success()),
        [
            object("created", "Role"),
            object("created", "RoleBinding"),
            format!(" [ℹ]  adding identity \"{role}\" to auth ConfigMap")
        ]
    );
    let again = run(&world, ADMIN, line).await.success();
    assert_eq!(log(&again), [object("replaced", "Role"), object("replaced", "RoleBinding")]);
    let can = ["auth", "can-i", "create", "jobs.batch", "-n", "emr", "--as", "emr-containers"];
    assert_eq!(world.admin(&can).await, "yes\n");
    assert!(stored(&world).await["mapRoles"].as_str().unwrap().contains(role));
    let nowhere = run(&world, ADMIN, &line.replace("--namespace emr", "--namespace none")).await;
    assert!(nowhere.stderr.starts_with("Error: error applying resource: "), "{nowhere:?}");
    world.stop().await;
}

#[tokio::test]
async fn eight_at_once_all_succeed() {
    let Some(world) = world().await else { return };
    let kubeconfig = world.control_plane.admin_kubeconfig().to_owned();
    let create = |index: usize| {
        let kubeconfig = kubeconfig.clone();
        async move {
            let mut command = kube_iam();
            command.args(["create", "iamidentitymapping", "--arn", &format!("{ROLE}{index}"), "--username", "u"]);
            finish(command.arg("--kubeconfig").arg(kubeconfig)).await
        }
    };
    for finished in (0..8).map(create).collect::<JoinSet<_>>().join_all().await {
        assert_eq!(log(&finished.success()).len(), 2);
    }
    let mut command = kube_iam();
    command.args(["get", "iamidentitymapping", "-o", "json", "--kubeconfig"]).arg(&kubeconfig);
    let rows: Vec<Value> = serde_json::from_str(&finish(&mut command).await.success()).unwrap();
    assert_eq!(rows.len(), 8);
    world.stop().await;
}

#[tokio::test]
async fn an_unmapped_caller_is_told_so() {
    let Some(world) = world().await else { return };
    let stranger = run(&world, STRANGER, "get iamidentitymapping -c web").await.failure(1);
    assert!(stranger.starts_with("Error: getting auth ConfigMap: Unauthorized\n"), "{stranger}");
    a_named_profile_comes_first(&world).await;
    let none = run(&world, ADMIN, "get iamidentitymapping -c none").await.failure(1);
    assert!(none.starts_with("Error: unable to describe cluster control plane: "), "{none}");
    assert!(none.contains("\nhint: "), "{none}");
    let young = run(&world, ADMIN, "get iamidentitymapping -c young").await.failure(1);
    let words = "Error: cannot perform Kubernetes API operations on cluster \"young\" in \"us-east-1\" region due to status \"CREATING\"\n\
        hint: run `aws eks wait cluster-active --name young --region us-east-1` first\n";
    assert_eq!(young, words);
    let mut command = kube_iam();
    command.args(["get", "iamidentitymapping", "web"]).env("AWS_EC2_METADATA_DISABLED", "true");
    let nowhere = finish(&mut command).await.failure(1);
    assert!(nowhere.starts_with("Error: AWS Region must be set, please set the AWS Region"), "{nowhere}");
    world.stop().await;
}

/// Keys that somebody left in the environment are not taken for those of `--profile`.
async fn a_named_profile_comes_first(world: &World) {
    let keys: String =
        ADMIN.environment().iter().map(|(name, value)| format!("{}={value}\n", name.to_lowercase())).collect();
    let path = world.home.path("credentials");
    std::fs::write(&path, format!("[admin]\n{keys}")).unwrap();
    let mut command = kube_iam();
    command.args(["get", "iamidentitymapping", "-c", "web", "--profile", "admin"]);
    command.envs(STRANGER.environment()).envs(world.aws.client_environment()).env("AWS_SHARED_CREDENTIALS_FILE", path);
    assert_eq!(
        finish(command.env("NO_PROXY", "127.0.0.1,localhost")).await.success(),
        "No iamidentitymappings found\n"
    );
}

const MANIFEST: &str = "\
apiVersion: v1
kind: ConfigMap
metadata: {name: aws-auth, namespace: kube-system}
data:
  mapRoles: |
    # ours
    - rolearn: arn:aws:iam::111122223333:role/ops
      username: ops
";

#[tokio::test]
async fn a_file_is_edited_in_place() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("aws-auth.yaml");
    std::fs::write(&path, MANIFEST).unwrap();
    let line = format!("create iamidentitymapping --arn {ROLE} --username dev --manifest");
    let mut command = kube_iam();
    let finished = finish(command.args(line.split(' ')).arg(&path)).await;
    assert_eq!(log(&finished.success()).len(), 2);
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text, format!("{MANIFEST}    - rolearn: {ROLE}\n      username: dev\n"));

    let absent = directory.path().join("absent.yaml");
    let mut command = kube_iam();
    finish(command.args(line.split(' ')).arg(&absent)).await.success();
    assert!(std::fs::read_to_string(&absent).unwrap().starts_with("apiVersion: v1\nkind: ConfigMap\n"));

    let mut command = kube_iam();
    command.args(["delete", "iamidentitymapping", "--manifest", "-", "--arn", ROLE]);
    let finished = finish_with_input(&mut command, &text).await;
    assert_eq!(log(&finished.stderr).len(), 1, "the log stands aside");
    assert_eq!(finished.success(), MANIFEST);

    let mut command = kube_iam();
    let finished = finish_with_input(command.args(["get", "iamidentitymapping", "--manifest", "-"]), "a: b\n").await;
    assert!(finished.failure(1).starts_with("Error: `-` is no manifest of aws-auth: "));
}

#[tokio::test]
async fn an_unknown_resource_is_told_on_both_streams() {
    let finished = finish(kube_iam().args(["get", "iamidentitymappings"])).await;
    let error = "Error: unknown resource type \"iamidentitymappings\"\n";
    assert_eq!((finished.code, finished.stderr.as_str()), (Some(1), error));
    assert!(finished.stdout.starts_with(error) && finished.stdout.contains("iamidentitymapping "), "{finished:?}");
    let unknown = finish(kube_iam().args(["-v", "4", "delete", "iamidentitymapping", "--invalid"])).await;
    assert_eq!(unknown.failure(1), "Error: unknown flag: --invalid\n");
    let help = finish(kube_iam().args(["create", "iamidentitymapping", "--help"])).await.success();
    assert!(help.contains("--no-duplicate-arns"), "{help}");
}

#[tokio::test]
async fn a_time_zone_is_honoured() {
    let mut command = kube_iam();
    let two_names = ["get", "iamidentitymapping", "one", "two"];
    let zoned = finish(command.args(two_names).env("TZ", "<+14>-14")).await.stdout;
    let mut command = kube_iam();
    let utc = finish(command.args(two_names).env("TZ", "UTC0")).await.stdout;
    let time = |line: &str| line[..19].replace(' ', "T").parse::<jiff::civil::DateTime>().unwrap();
    let between = time(&utc).duration_until(time(&zoned)).unsigned_abs();
    let hours = Duration::from_hours(14);
    assert!(between.abs_diff(hours) < Duration::from_mins(10), "{utc}{zoned}");
}
