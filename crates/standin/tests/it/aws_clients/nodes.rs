//! AWS's own clients, and what nodes are made of: instances, profiles, roles, stacks and node groups.

use kube_iam_standin::{
    Cluster, Ec2Instance, Fault, InstanceProfile, Nodegroup, Role, Service, Settings, Stack, Times, TokenBucket,
};
use serde_json::{Value, json};

use super::{Clients, credentials, wrong_secret};
use crate::key;

const REGION: &str = "eu-west-1";
const ACCOUNT: &str = "111122223333";
const ROLE: &str = "arn:aws:iam::111122223333:role/eks/NodeRole";
const PROFILE: &str = "arn:aws:iam::111122223333:instance-profile/eks/nodes";
const ID: &str = "i-0123456789abcdef0";

fn nodes() -> Settings {
    let instance = Ec2Instance::running(ID, "ip-10-0-0-1.eu-west-1.compute.internal", REGION, ACCOUNT);
    let stack = |name: &str| Stack::new(name, REGION, ACCOUNT);
    Settings {
        roles: vec![Role::new(ROLE, "AROANODEEXAMPLE")],
        profiles: vec![
            InstanceProfile::new(PROFILE, ROLE),
            InstanceProfile { arn: PROFILE.replace("nodes", "empty"), role_arn: None },
        ],
        instances: vec![
            Ec2Instance { profile_arn: Some(PROFILE.to_owned()), ..instance },
            Ec2Instance {
                state: "pending".to_owned(),
                private_dns_name: None,
                ..Ec2Instance::running("i-0000000b", "", REGION, ACCOUNT)
            },
        ],
        stacks: vec![
            stack("network"),
            stack("nodes").with_output("NodeInstanceRole", ROLE).with_output("A<B", "&"),
            stack("more").with_output("InstanceRoleARN", ROLE),
        ],
        clusters: vec![Cluster::creating("prod", REGION, ACCOUNT)],
        nodegroups: ["a", "b", "c"].map(|name| Nodegroup::new(name, "prod", REGION, ACCOUNT, ROLE)).to_vec(),
        page_size: Some(2),
        ..Settings::default()
    }
}

impl Clients {
    async fn call(&self, service: &str, operation: &str, arguments: &Value) -> Value {
        self.script(&["call", service, operation, &arguments.to_string()], &credentials(&key())).await
    }

    #[track_caller]
    fn assert_asked(&self, service: Service, action: &str, host: &str) {
        let call = self.standin.calls().pop().unwrap();
        assert_eq!((call.service, call.action.as_str(), call.host.as_str()), (service, action, host));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn boto3_reads_instances_and_which_are_unknown() {
    let clients = clients!(nodes());
    let told = clients.call("ec2", "describe_instances", &json!({"InstanceIds": [ID]})).await;
    clients.assert_asked(Service::Ec2, "DescribeInstances", "ec2.eu-west-1.amazonaws.com");
    let reservation = &told["Reservations"][0];
    assert_eq!(reservation["OwnerId"], ACCOUNT);
    let instance = &reservation["Instances"][0];
    assert_eq!((&instance["InstanceId"], &instance["State"]), (&json!(ID), &json!({"Code": 16, "Name": "running"})));
    assert_eq!(instance["PrivateDnsName"], "ip-10-0-0-1.eu-west-1.compute.internal");
    assert_eq!(instance["IamInstanceProfile"]["Arn"], PROFILE);
    let told = clients.call("ec2", "describe_instances", &json!({"InstanceIds": ["i-0000000b"]})).await;
    assert_eq!(told["Reservations"][0]["Instances"][0]["PrivateDnsName"], "");

    let unknown = json!({"InstanceIds": [ID, "i-0000000c"]});
    let told = clients.call("ec2", "describe_instances", &unknown).await;
    let message = "The instance ID 'i-0000000c' does not exist";
    assert_eq!(told, json!({"error": "InvalidInstanceID.NotFound", "message": message, "status": 400}));
    let told = clients.call("ec2", "describe_instances", &json!({"InstanceIds": ["i-1"]})).await;
    assert_eq!(
        (&told["error"], &told["message"]),
        (&json!("InvalidInstanceID.Malformed"), &json!("Invalid id: \"i-1\""))
    );
    let both = json!({"InstanceIds": [ID], "MaxResults": 5});
    assert_eq!(clients.call("ec2", "describe_instances", &both).await["error"], "InvalidParameterCombination");

    let told = clients.script(&["call", "ec2", "describe_instances", "{}"], &credentials(&wrong_secret())).await;
    assert_eq!((&told["error"], &told["status"]), (&json!("AuthFailure"), &json!(401)));
    clients.standin.deny("ec2:DescribeInstances");
    let told = clients.call("ec2", "describe_instances", &json!({})).await;
    assert_eq!((&told["error"], &told["status"]), (&json!("UnauthorizedOperation"), &json!(403)));
    assert!(told["message"].as_str().unwrap().contains("is not authorized to perform: ec2:DescribeInstances"));
    clients.standin.allow("ec2:DescribeInstances");
    for (fault, error) in [(Fault::Throttling, "RequestLimitExceeded"), (Fault::Status(500), "InternalError")] {
        clients.standin.inject(fault, Times::Next(1));
        assert_eq!(clients.call("ec2", "describe_instances", &json!({})).await["error"], error);
    }
    assert_eq!(clients.standin.count_of("DescribeInstances"), 9);
    assert_eq!(clients.standin.proxy_refusals(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn boto3_reads_roles_and_instance_profiles() {
    let clients = clients!(nodes());
    let told = clients.call("iam", "get_role", &json!({"RoleName": "NodeRole"})).await;
    clients.assert_asked(Service::Iam, "GetRole", "iam.amazonaws.com");
    let role = &told["Role"];
    assert_eq!((&role["Arn"], &role["Path"], &role["RoleName"]), (&json!(ROLE), &json!("/eks/"), &json!("NodeRole")));
    assert_eq!(role["AssumeRolePolicyDocument"], json!({"Version": "2012-10-17", "Statement": []}));

    let told = clients.call("iam", "get_instance_profile", &json!({"InstanceProfileName": "nodes"})).await;
    let profile = &told["InstanceProfile"];
    assert_eq!((&profile["Arn"], &profile["Path"]), (&json!(PROFILE), &json!("/eks/")));
    assert_eq!((&profile["Roles"][0]["Arn"], profile["Roles"].as_array().unwrap().len()), (&json!(ROLE), 1));
    let told = clients.call("iam", "get_instance_profile", &json!({"InstanceProfileName": "empty"})).await;
    assert_eq!(told["InstanceProfile"]["Roles"], json!([]));

    for (operation, arguments, message) in [
        ("get_role", json!({"RoleName": "none"}), "The role with name none cannot be found."),
        ("get_instance_profile", json!({"InstanceProfileName": "none"}), "Instance Profile none cannot be found."),
    ] {
        let told = clients.call("iam", operation, &arguments).await;
        assert_eq!(told, json!({"error": "NoSuchEntity", "message": message, "status": 404}));
    }
    clients.standin.deny("iam:GetRole");
    let told = clients.call("iam", "get_role", &json!({"RoleName": "NodeRole"})).await;
    assert_eq!((&told["error"], &told["status"]), (&json!("AccessDenied"), &json!(403)));
    clients.standin.inject(Fault::Throttling, Times::Next(1));
    assert_eq!(clients.call("iam", "get_role", &json!({"RoleName": "NodeRole"})).await["error"], "Throttling");
}

#[tokio::test(flavor = "multi_thread")]
async fn boto3_reads_stacks_in_pages() {
    let clients = clients!(nodes());
    let told = clients.call("cloudformation", "describe_stacks", &json!({"StackName": "nodes"})).await;
    clients.assert_asked(Service::CloudFormation, "DescribeStacks", "cloudformation.eu-west-1.amazonaws.com");
    let stack = &told["Stacks"][0];
    assert_eq!((&stack["StackName"], &stack["StackStatus"]), (&json!("nodes"), &json!("CREATE_COMPLETE")));
    let outputs = json!([
        {"OutputKey": "NodeInstanceRole", "OutputValue": ROLE},
        {"OutputKey": "A<B", "OutputValue": "&"},
    ]);
    assert_eq!(stack["Outputs"], outputs);
    let by_id = clients.call("cloudformation", "describe_stacks", &json!({"StackName": stack["StackId"]})).await;
    assert_eq!(&by_id["Stacks"][0], stack);

    let pages = clients.script(&["pages", "cloudformation", "describe_stacks", "Stacks"], &credentials(&key())).await;
    let names = |page: &Value| -> Vec<String> {
        page.as_array().unwrap().iter().map(|stack| stack["StackName"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!((names(&pages[0]), names(&pages[1])), (vec!["network".into(), "nodes".into()], vec!["more".into()]));

    let told = clients.call("cloudformation", "describe_stacks", &json!({"StackName": "none"})).await;
    let message = "Stack with id none does not exist";
    assert_eq!(told, json!({"error": "ValidationError", "message": message, "status": 400}));
    clients.standin.deny("cloudformation:DescribeStacks");
    let told = clients.call("cloudformation", "describe_stacks", &json!({})).await;
    assert_eq!(told["error"], "AccessDenied");
}

#[tokio::test(flavor = "multi_thread")]
async fn boto3_reads_node_groups_in_pages() {
    let clients = clients!(nodes());
    let told = clients.call("eks", "describe_nodegroup", &json!({"clusterName": "prod", "nodegroupName": "b"})).await;
    clients.assert_asked(Service::Eks, "DescribeNodegroup", "eks.eu-west-1.amazonaws.com");
    let group = &told["nodegroup"];
    assert_eq!((&group["nodeRole"], &group["clusterName"]), (&json!(ROLE), &json!("prod")));
    let asked = ["pages", "eks", "list_nodegroups", "nodegroups", "{\"clusterName\": \"prod\"}"];
    let pages = clients.script(&asked, &credentials(&key())).await;
    assert_eq!(pages, json!([["a", "b"], ["c"]]));
    for (operation, arguments, message) in [
        ("list_nodegroups", json!({"clusterName": "none"}), "No cluster found for name: none."),
        (
            "describe_nodegroup",
            json!({"clusterName": "prod", "nodegroupName": "none"}),
            "No node group found for name: none.",
        ),
    ] {
        let told = clients.call("eks", operation, &arguments).await;
        assert_eq!(told, json!({"error": "ResourceNotFoundException", "message": message, "status": 404}));
    }
    clients.standin.deny("eks:ListNodegroups");
    let told = clients.call("eks", "list_nodegroups", &json!({"clusterName": "prod"})).await;
    assert_eq!(told["error"], "AccessDeniedException");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_client_reads_all_of_it() {
    let clients = clients!(Settings { ec2_bucket: Some(TokenBucket::DOCUMENTED), ..nodes() });
    let user = key();
    let cli = async |arguments: &[&str]| clients.cli(arguments, &credentials(&user)).await;
    let told = cli(&["ec2", "describe-instances", "--instance-ids", ID]).await.unwrap();
    assert_eq!(told["Reservations"][0]["Instances"][0]["IamInstanceProfile"]["Arn"], PROFILE);
    let told = cli(&["iam", "get-instance-profile", "--instance-profile-name", "nodes"]).await.unwrap();
    assert_eq!(told["InstanceProfile"]["Roles"][0]["Arn"], ROLE);
    let told = cli(&["iam", "get-role", "--role-name", "NodeRole"]).await.unwrap();
    assert_eq!(told["Role"]["Arn"], ROLE);
    let told = cli(&["cloudformation", "describe-stacks"]).await.unwrap();
    assert_eq!(told["Stacks"].as_array().unwrap().len(), 3);
    let told = cli(&["eks", "list-nodegroups", "--cluster-name", "prod"]).await.unwrap();
    assert_eq!(told["nodegroups"], json!(["a", "b", "c"]));
    let told = cli(&["eks", "describe-nodegroup", "--cluster-name", "prod", "--nodegroup-name", "a"]).await.unwrap();
    assert_eq!(told["nodegroup"]["nodeRole"], ROLE);

    for (arguments, said) in [
        (&["ec2", "describe-instances", "--instance-ids", "i-0000000c"][..], "(InvalidInstanceID.NotFound)"),
        (&["iam", "get-role", "--role-name", "none"], "(NoSuchEntity)"),
        (&["cloudformation", "describe-stacks", "--stack-name", "none"], "Stack with id none does not exist"),
    ] {
        let error = cli(arguments).await.unwrap_err();
        assert!(error.contains(said), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_client_finds_every_form_of_endpoint() {
    let clients = clients!(nodes());
    let user = key();
    let local = format!("https://localhost:{}", clients.standin.address().port());
    let own = local.trim_start_matches("https://");
    let fips = ("AWS_USE_FIPS_ENDPOINT", "true");
    let dual_stack = ("AWS_USE_DUALSTACK_ENDPOINT", "true");
    let endpoint = [("AWS_ENDPOINT_URL", &*local), ("NO_PROXY", "localhost")];
    let gov = ("AWS_DEFAULT_REGION", "us-gov-east-1");
    let role = &["iam", "get-role", "--role-name", "NodeRole"][..];
    let instances = &["ec2", "describe-instances"][..];
    let stacks = &["cloudformation", "describe-stacks"][..];
    for (arguments, variables, host) in [
        (role, &[fips][..], "iam-fips.amazonaws.com"),
        (role, &[dual_stack], "iam.global.api.aws"),
        (role, &[gov], "iam.us-gov.amazonaws.com"),
        (role, &endpoint, own),
        (instances, &[fips, dual_stack], "ec2-fips.eu-west-1.api.aws"),
        (instances, &endpoint, own),
        (stacks, &[fips], "cloudformation-fips.eu-west-1.amazonaws.com"),
        (stacks, &endpoint, own),
    ] {
        let environment = [&credentials(&user)[..], variables].concat();
        clients.cli(arguments, &environment).await.unwrap();
        assert_eq!(clients.standin.calls().last().unwrap().host, host);
    }
}
