//! What AWS knows of nodes: roles by stacks, node groups and instance profiles, and
//! the instances behind nodes.

use kube_iam_standin::{Cluster, Ec2Instance, Fault, InstanceProfile, Nodegroup, Times};
use serde_json::Value;

use super::{
    ACCOUNT, OTHER_PROFILE, OTHER_ROLE, PATH, PROFILE, REGION, ROLE, STOCK, account, instance, join, report, run_alone,
    run_asking,
};
use crate::cluster::{Plan, World};
use crate::mappings::{control_plane, kubectl, on, stored};
use crate::people::{ADMIN, CLUSTER};
use crate::process::{finish, kube_iam};

const NODE: &str = "ip-10-0-0-1.ec2.internal";
const OTHER_NODE: &str = "ip-10-0-0-2.ec2.internal";
const ID: &str = "i-0123456789abcdef0";
const OTHER_ID: &str = "i-1123456789abcdef0";

fn provider_id(id: &str) -> String {
    format!("aws:///us-east-1a/{id}")
}

#[tokio::test]
async fn stacks_and_instance_profiles_lead_to_roles() {
    let Some(control_plane) = control_plane().await else { return };
    let aws = account().await;
    let apply = run_asking(&control_plane, &aws, "nodes apply --stack my-nodes --yes").await;
    assert!(
        apply.stderr.contains(&format!("note: output `NodeInstanceRole` of stack `my-nodes` is `{PATH}`\n")),
        "{apply:?}"
    );
    assert_eq!(apply.success(), format!("mapping/{ROLE} created\n"));
    assert_eq!(stored(&control_plane).await["mapRoles"], STOCK);
    // The role's own ARN and its instance profile are the same once more.
    for same in [format!("--role-arn {PROFILE}"), format!("--role-arn {PATH}"), "--stack my-nodes".to_owned()] {
        let again = run_asking(&control_plane, &aws, &format!("nodes apply {same} --yes")).await;
        assert!(!again.stderr.contains("is not known"), "{again:?}");
        assert_eq!(again.success(), format!("mapping/{ROLE} unchanged\n"), "{same}");
    }
    // All of them, over several pages; what is no role is left out.
    let all = run_asking(&control_plane, &aws, "nodes apply --all-stacks --yes --region us-east-1").await;
    for part in [
        format!("note: output `NodeInstanceRole` of stack `my-nodes` is `{PATH}`\n"),
        format!("note: output `InstanceRoleARN` of stack `eksctl-c-nodegroup-n` is `{OTHER_ROLE}`\n"),
        "warning: output `InstanceRoleARN` of stack `odd` is left out: `none` is not the ARN of a role".to_owned(),
    ] {
        assert!(all.stderr.contains(&part), "{part}: {all:?}");
    }
    assert_eq!(all.success(), format!("mapping/{OTHER_ROLE} created\n"));
    let both = format!("{STOCK}{}", STOCK.replace(ROLE, OTHER_ROLE));
    assert_eq!(stored(&control_plane).await["mapRoles"], both);
    assert!(aws.standin.count_of("DescribeStacks") >= 5, "pages are read");
    // The manifest needs no cluster.
    let printed = run_alone(&aws, &format!("nodes apply --all-stacks --role-arn {PROFILE} --print")).await;
    let profile = format!("note: `{PROFILE}` is an instance profile; the role in it is `{PATH}`\n");
    assert!(printed.stderr.starts_with(&profile), "{printed:?}");
    let printed = printed.success();
    assert_eq!(printed.matches("- rolearn: ").count(), 2, "{printed}");
    assert!(printed.contains(ROLE) && printed.contains(OTHER_ROLE), "{printed}");
    control_plane.stop().await;
}

#[tokio::test]
async fn a_node_group_leads_to_its_role() {
    let keys =
        "mapRoles:\n- {rolearn: 'arn:aws:iam::111122223333:role/Admin', username: admin, groups: [system:masters]}";
    let Some(world) = World::start(Plan { server_keys: keys, ..Plan::default() }).await else { return };
    let cluster = Cluster::creating("web", REGION, ACCOUNT);
    let cluster = cluster.active(world.control_plane.url(), world.control_plane.ca_pem());
    world.aws.standin.add_cluster(Cluster { outpost_id: Some(CLUSTER.into()), ..cluster });
    world.aws.standin.add_nodegroup(Nodegroup::new("ng", "web", REGION, ACCOUNT, PATH));
    let apply = run_alone(&world.aws, "nodes apply --cluster web --region us-east-1 --nodegroup ng --yes").await;
    assert!(apply.stderr.contains(&format!("note: node group `ng` runs under `{PATH}`\n")), "{apply:?}");
    assert_eq!(apply.success(), format!("mapping/{ROLE} created\n"));
    assert_eq!(stored(&world.control_plane).await["mapRoles"], STOCK);
    world.stop().await;
}

#[tokio::test]
async fn only_nodes_of_the_role_are_waited_for() {
    let Some(control_plane) = control_plane().await else { return };
    let aws = account().await;
    aws.standin.add_instance(instance(ID, NODE, PROFILE));
    aws.standin.add_instance(instance(OTHER_ID, OTHER_NODE, OTHER_PROFILE));
    join(&control_plane, OTHER_NODE, &provider_id(OTHER_ID)).await;
    join(&control_plane, "elsewhere", &provider_id("i-2123456789abcdef0")).await;
    report(&control_plane, OTHER_NODE, "True", "").await;
    let wait = format!("nodes wait --role-arn {ROLE}");
    let late = run_asking(&control_plane, &aws, &format!("{wait} --timeout 1s")).await.failure(1);
    assert!(late.contains("the time is up after 1 s: 0 of 1 node ready"), "{late}");
    assert!(late.contains("the role of a node that is there is not known, so it does not count"), "{late}");
    assert!(!late.contains(OTHER_NODE), "{late}");
    join(&control_plane, NODE, &provider_id(ID)).await;
    report(&control_plane, NODE, "True", "").await;
    let waited = run_asking(&control_plane, &aws, &wait).await;
    assert_eq!(waited.stderr, format!("{NODE} is there, and ready\n"));
    assert_eq!(waited.success(), "1 of 1 node ready\n");
    let both = run_asking(&control_plane, &aws, &format!("{wait} --role-arn {OTHER_ROLE} --count 2 -o json")).await;
    assert_eq!(both.success().lines().count(), 3);
    // All instances in one call, less the one that EC2 does not know.
    let before = aws.standin.call_count();
    run_asking(&control_plane, &aws, &wait).await.success();
    let actions: Vec<_> = aws.standin.calls_since(before).iter().map(|call| call.action.clone()).collect();
    let count = |action: &str| actions.iter().filter(|one| *one == action).count();
    assert_eq!((count("DescribeInstances"), count("GetInstanceProfile")), (2, 2), "{actions:?}");

    for (permission, code) in [("ec2:DescribeInstances", 1), ("iam:GetInstanceProfile", 1)] {
        aws.standin.deny(permission);
        let denied = run_asking(&control_plane, &aws, &wait).await.failure(code);
        let words = "error: could not find out under which roles nodes run\nCaused by: AWS denies the call: ";
        assert!(denied.starts_with(words) && denied.contains(permission), "{denied}");
        assert!(denied.contains("hint: the caller's policy must allow `ec2:DescribeInstances`"), "{denied}");
        aws.standin.allow(permission);
    }
    let nobody =
        finish(on(&control_plane, &["nodes", "wait", "--role-arn", ROLE]).env("AWS_EC2_METADATA_DISABLED", "true"))
            .await;
    let nobody = nobody.failure(3);
    assert!(nobody.contains("Caused by: AWS can't be asked: found no AWS credentials"), "{nobody}");
    assert!(nobody.contains("hint: `aws sts get-caller-identity` shows"), "{nobody}");
    // Each trouble has its own words, and only a denial is about a policy.
    let body = "<Response><Errors><Error><Code>RequestExpired</Code><Message>Request has expired.</Message></Error></Errors></Response>";
    let expired = Fault::Body { status: 400, content_type: "text/xml".to_owned(), bytes: body.into() };
    for (fault, code, cause, hint) in [
        (expired, 1, "the AWS credentials have expired: RequestExpired", "hint: renew the credentials"),
        (
            Fault::Status(503),
            3,
            "AWS did not answer: ",
            "hint: `aws sts get-caller-identity` shows whether AWS answers",
        ),
        (Fault::Throttling, 3, "AWS throttles: ", "hint: wait a minute"),
    ] {
        aws.standin.inject(fault, Times::UntilCleared);
        let failed = run_asking(&control_plane, &aws, &wait).await.failure(code);
        assert!(failed.contains(cause) && failed.contains(hint) && !failed.contains("policy"), "{failed}");
        aws.standin.clear_faults();
    }
    control_plane.stop().await;
}

#[tokio::test]
async fn a_role_that_aws_tells_of_later_is_believed() {
    let Some(control_plane) = control_plane().await else { return };
    let aws = account().await;
    // Its profile is empty, as long as IAM does not tell of what was just put into it.
    let late = PROFILE.replace("nodes", "late");
    aws.standin.add_profile(InstanceProfile { arn: late.clone(), role_arn: None });
    aws.standin.add_instance(instance(ID, NODE, &late));
    // Another node names a region that there is not.
    join(&control_plane, "a", "aws:///evil#-1a/i-2123456789abcdef0").await;
    join(&control_plane, "b", "aws:///evil-1a/i-3123456789abcdef0").await;
    join(&control_plane, NODE, &provider_id(ID)).await;
    report(&control_plane, NODE, "True", "").await;
    let before = aws.standin.count_of("GetInstanceProfile");
    let line = format!("nodes wait --role-arn {ROLE} --timeout 90s");
    let waiting = run_asking(&control_plane, &aws, &line);
    let give = async {
        while aws.standin.count_of("GetInstanceProfile") == before {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        aws.standin.add_profile(InstanceProfile::new(&late, PATH));
    };
    let (waited, ()) = tokio::join!(waiting, give);
    assert_eq!(waited.success(), "1 of 1 node ready\n");
    control_plane.stop().await;
}

#[tokio::test]
async fn instances_and_roles_are_shown_and_judged_by() {
    let Some(control_plane) = control_plane().await else { return };
    let aws = account().await;
    aws.standin.add_instance(instance(ID, NODE, PROFILE));
    join(&control_plane, NODE, &provider_id(ID)).await;
    report(&control_plane, NODE, "True", "").await;
    run_asking(&control_plane, &aws, &format!("nodes apply --role-arn {ROLE} --role-arn {OTHER_ROLE} --yes"))
        .await
        .success();

    let listed = run_asking(&control_plane, &aws, "nodes list").await;
    assert_eq!(listed.stderr, "");
    let listed = listed.success();
    let words: Vec<&str> = listed.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(
        [&words[..2], &words[3..]].concat(),
        [NODE, "Ready", ID, ACCOUNT, "my-node-role", "mapRoles:1", "unknown"]
    );
    assert!(listed.contains("\nUNUSED-ROW") && listed.lines().last().unwrap().ends_with(OTHER_ROLE), "{listed}");
    let json: Value =
        serde_json::from_str(&run_asking(&control_plane, &aws, "nodes list -o json").await.success()).unwrap();
    let node = &json["nodes"][0];
    assert_eq!((&node["letInBy"], &node["role"], &node["account"]), (&"role".into(), &ROLE.into(), &ACCOUNT.into()));

    // The row that no node uses may go, and the other one not.
    let kept = run_asking(&control_plane, &aws, &format!("delete mapping --arn {ROLE} --yes")).await.failure(1);
    assert!(
        kept.contains(&format!("a node runs under it: `{NODE}`")) && kept.contains("--override node-role"),
        "{kept}"
    );
    let set = format!("set mapping --arn {ROLE} --username system:node:{{{{SessionName}}}} --yes");
    let kept = run_asking(&control_plane, &aws, &set).await.failure(1);
    assert!(kept.contains("would lose its username `system:node:{{EC2PrivateDNSName}}`"), "{kept}");
    // Unless it is not known whose nodes there are.
    let delete = ["delete", "mapping", "--arn", OTHER_ROLE, "--yes"];
    let blind = finish(on(&control_plane, &delete).env("AWS_EC2_METADATA_DISABLED", "true")).await.failure(1);
    assert!(blind.contains("note: the roles of nodes are not known: "), "{blind}");
    assert!(blind.contains("and the role of a node is not known [node-role]"), "{blind}");
    let before = aws.standin.call_count();
    run_asking(&control_plane, &aws, &delete.join(" ")).await.success();
    assert!(aws.standin.call_count() > before);
    // A change that no node depends on does not ask AWS.
    let before = aws.standin.call_count();
    let dev = "set mapping --arn arn:aws:iam::111122223333:role/dev --username dev --group view --yes";
    run_asking(&control_plane, &aws, dev).await.success();
    assert_eq!(aws.standin.call_count(), before);
    assert_eq!(
        run_asking(&control_plane, &aws, &format!("nodes why {NODE}")).await.success(),
        format!("nothing keeps {NODE} out\n")
    );

    // Where AWS does not tell, that is said once, and the rest is there.
    for permission in ["ec2:DescribeInstances", "iam:GetInstanceProfile"] {
        aws.standin.deny(permission);
        let unknown = run_asking(&control_plane, &aws, "nodes list").await;
        assert!(
            unknown.stderr.starts_with("note: accounts and roles of nodes are not known: AWS denies the call: "),
            "{unknown:?}"
        );
        assert_eq!(unknown.stderr.lines().count(), 1, "{unknown:?}");
        assert!(unknown.success().contains("unknown"));
        aws.standin.allow(permission);
    }
    // The same where IAM makes no sense, after EC2 has.
    for (status, text) in
        [(200, "<html>"), (400, "<ErrorResponse><Error><Code>ValidationError</Code></Error></ErrorResponse>")]
    {
        let before = aws.standin.count_of("GetInstanceProfile");
        let described = aws.standin.call_count();
        aws.standin.inject(Fault::Slow(std::time::Duration::ZERO), Times::Next(1));
        let fault = Fault::Body { status, content_type: "text/xml".to_owned(), bytes: text.into() };
        aws.standin.inject(fault, Times::UntilCleared);
        let unknown = run_asking(&control_plane, &aws, "nodes list").await;
        assert!(
            unknown.stderr.starts_with("note: accounts and roles of nodes are not known: AWS answered with an error: "),
            "{unknown:?}"
        );
        assert!(aws.standin.call_count() > described && aws.standin.count_of("GetInstanceProfile") > before);
        aws.standin.clear_faults();
    }
    control_plane.stop().await;
}

#[tokio::test]
async fn instances_that_never_join_are_told_what_they_lack() {
    let Some(control_plane) = control_plane().await else { return };
    let aws = account().await;
    let rows = format!(
        "- {{rolearn: {ROLE}, username: 'system:node:{{{{EC2PrivateDNSName}}}}', groups: [system:bootstrappers, system:nodes]}}\n\
         - {{rolearn: 'arn:aws:iam::444455556666:role/other-nodes', username: 'system:node:{{{{EC2PrivateDNSName}}}}', groups: [system:bootstrappers, system:nodes]}}\n"
    );
    let put = async |rows: &str| {
        let object = serde_json::json!({
            "kind": "ConfigMap", "apiVersion": "v1", "metadata": { "name": "aws-auth", "namespace": "kube-system" },
            "data": { "mapRoles": rows },
        });
        kubectl(&control_plane, &["apply", "-f", "-"], &object.to_string()).await.success();
    };
    put(&rows).await;
    let nameless = Ec2Instance { private_dns_name: None, ..instance(ID, "", PROFILE) };
    let stopped = Ec2Instance { state: "stopped".to_owned(), ..instance(ID, NODE, PROFILE) };
    let bare = Ec2Instance { profile_arn: None, ..instance(ID, NODE, PROFILE) };
    let unknown_profile = instance(ID, NODE, "arn:aws:iam::111122223333:instance-profile/gone");
    let mut said = String::new();
    for instance in
        [nameless, stopped, bare, unknown_profile, instance(ID, NODE, OTHER_PROFILE), instance(ID, NODE, PROFILE)]
    {
        aws.standin.add_instance(instance);
        let why = run_asking(&control_plane, &aws, &format!("nodes why {ID}")).await;
        said += &format!("{}{}exit {}\n--\n", why.stdout, why.stderr, why.code.unwrap());
    }
    // The role is right, and its row is not: a path, or a later row of the same role.
    put(&rows.replace(ROLE, PATH)).await;
    let path = run_asking(&control_plane, &aws, &format!("nodes why {ID}")).await;
    put(&format!("{rows}- {{rolearn: {ROLE}, username: dev, groups: [view]}}\n")).await;
    let shadowed = run_asking(&control_plane, &aws, &format!("nodes why {ID}")).await;
    // What EC2 says counts, whatever IAM does not.
    put(&rows).await;
    aws.standin.deny("iam:GetInstanceProfile");
    let roleless = run_asking(&control_plane, &aws, &format!("nodes why {ID}")).await;
    aws.standin.add_instance(Ec2Instance { state: "terminated".to_owned(), ..instance(ID, NODE, PROFILE) });
    let ended = run_asking(&control_plane, &aws, &format!("nodes why {ID}")).await;
    aws.standin.remove_instance(ID);
    let gone = run_asking(&control_plane, &aws, &format!("nodes why {ID}")).await;
    for why in [path, shadowed, roleless, ended, gone] {
        said += &format!("{}{}exit {}\n--\n", why.stdout, why.stderr, why.code.unwrap());
    }
    insta::assert_snapshot!(said, @"
    block: i-0123456789abcdef0: EC2 has no private DNS name for i-0123456789abcdef0, which mapRoles:1 needs [no-private-dns-name]
      next: `aws ec2 describe-instances --instance-ids i-0123456789abcdef0 --query 'Reservations[].Instances[].[State.Name,PrivateDnsName,IamInstanceProfile.Arn]'`
    error: one thing keeps i-0123456789abcdef0 out
    exit 1
    --
    block: i-0123456789abcdef0: i-0123456789abcdef0 does not run [instance-stopped]
      next: `aws ec2 describe-instances --instance-ids i-0123456789abcdef0 --query 'Reservations[].Instances[].[State.Name,PrivateDnsName,IamInstanceProfile.Arn]'`
    error: one thing keeps i-0123456789abcdef0 out
    exit 1
    --
    block: i-0123456789abcdef0: i-0123456789abcdef0 has no instance profile, so its kubelet has no credentials [no-instance-profile]
      next: `aws ec2 associate-iam-instance-profile --instance-id i-0123456789abcdef0 --iam-instance-profile Name=NAME`
    error: one thing keeps i-0123456789abcdef0 out
    exit 1
    --
    block: i-0123456789abcdef0: the instance profile of i-0123456789abcdef0 has no role, or IAM does not show it [profile-without-role]
      next: `aws iam get-instance-profile --instance-profile-name gone --query 'InstanceProfile.Roles[0].Arn'` shows the role
    error: one thing keeps i-0123456789abcdef0 out
    exit 1
    --
    block: i-0123456789abcdef0: no row lets `arn:aws:iam::111122223333:role/other-nodes` in; mapRoles:2 is about a role of that name in another account [wrong-account]
      next: `kube-iam nodes apply --role-arn arn:aws:iam::111122223333:role/other-nodes`
    error: one thing keeps i-0123456789abcdef0 out
    exit 1
    --
    note: i-0123456789abcdef0: mapRoles:1 lets i-0123456789abcdef0 in, and it has not registered: its kubelet does not run, can't reach kube-apiserver, or has the name or certificate of another cluster [not-registered]
      next: `aws ssm start-session --target i-0123456789abcdef0`, and there `journalctl -u kubelet`
    exit 0
    --
    block: mapRoles:1: `arn:aws:iam::111122223333:role/my-team/my-node-role` matches nobody, unless kube-iam decides: its ARN shows the path of the role [role-path]
      next: `kube-iam check --fix`
    block: i-0123456789abcdef0: no row lets `arn:aws:iam::111122223333:role/my-node-role` in [row-missing]
      next: `kube-iam nodes apply --role-arn arn:aws:iam::111122223333:role/my-node-role`
    error: 2 things keep i-0123456789abcdef0 out
    exit 1
    --
    block: mapRoles:1: the row has no effect: of those of `arn:aws:iam::111122223333:role/my-node-role` the row in mapRoles:3 counts, which is none for nodes [row-shadowed]
      next: `kube-iam delete mapping --arn arn:aws:iam::111122223333:role/my-node-role`, then `kube-iam nodes apply --role-arn arn:aws:iam::111122223333:role/my-node-role`
    block: i-0123456789abcdef0: mapRoles:3 lets `arn:aws:iam::111122223333:role/my-node-role` in, but not as a node [row-of-others]
      next: `kube-iam delete mapping --arn arn:aws:iam::111122223333:role/my-node-role`, then `kube-iam nodes apply --role-arn arn:aws:iam::111122223333:role/my-node-role`
    error: 2 things keep i-0123456789abcdef0 out
    exit 1
    --
    note: i-0123456789abcdef0: no node runs on i-0123456789abcdef0, and which role its instance profile has is not known [role-unknown]
      next: `aws iam get-instance-profile --instance-profile-name nodes --query 'InstanceProfile.Roles[0].Arn'` shows the role
    note: not all is known of i-0123456789abcdef0: AWS denies the call: AccessDenied: User: arn:aws:sts::111122223333:assumed-role/Admin/alice is not authorized to perform: iam:GetInstanceProfile on resource: instance profile nodes because no identity-based policy allows the iam:GetInstanceProfile action
    error: what keeps i-0123456789abcdef0 out is not known
    exit 2
    --
    block: i-0123456789abcdef0: i-0123456789abcdef0 does not run [instance-stopped]
      next: `aws ec2 describe-instances --instance-ids i-0123456789abcdef0 --query 'Reservations[].Instances[].[State.Name,PrivateDnsName,IamInstanceProfile.Arn]'`
    note: not all is known of i-0123456789abcdef0: AWS denies the call: AccessDenied: User: arn:aws:sts::111122223333:assumed-role/Admin/alice is not authorized to perform: iam:GetInstanceProfile on resource: instance profile nodes because no identity-based policy allows the iam:GetInstanceProfile action
    error: one thing keeps i-0123456789abcdef0 out
    exit 1
    --
    note: i-0123456789abcdef0: no node runs on i-0123456789abcdef0, and EC2 knows no such instance: it is gone, or of another region or account than was asked [instance-unknown]
      next: `aws ec2 describe-instances --instance-ids i-0123456789abcdef0 --query 'Reservations[].Instances[].[State.Name,PrivateDnsName,IamInstanceProfile.Arn]'`
    error: what keeps i-0123456789abcdef0 out is not known
    exit 2
    --
    ");
    control_plane.stop().await;
}

#[tokio::test]
async fn a_named_profile_is_asked_with() {
    let aws = account().await;
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config");
    let keys: std::collections::BTreeMap<_, _> = ADMIN.environment().into_iter().collect();
    let text = format!(
        "[profile nodes]\nregion = {REGION}\naws_access_key_id = {}\naws_secret_access_key = {}\naws_session_token = {}\n",
        keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"], keys["AWS_SESSION_TOKEN"]
    );
    std::fs::write(&config, text).unwrap();
    let mut command = kube_iam();
    command.args(["nodes", "apply", "--stack", "my-nodes", "--profile", "nodes", "--print"]);
    command.envs(aws.client_environment()).env("AWS_CONFIG_FILE", &config).env("AWS_ACCESS_KEY_ID", "AKIAOTHER");
    assert!(finish(&mut command).await.success().contains(ROLE));
    let unknown = run_alone(&aws, "nodes apply --stack my-nodes --profile none --print");
    assert!(unknown.await.failure(3).contains("there is no AWS profile `none`"));
}
