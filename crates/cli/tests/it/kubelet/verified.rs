//! Instances that are held against the roles of their callers, with `verifyNodeInstance`.

use kube_iam_standin::{Ec2Instance, InstanceProfile, Outcome, Role, Service, Settings};
use serde_json::json;

use super::{ACCOUNT, instance, session, token, webhook};
use crate::aws::Aws;

/// Two groups of nodes, and nodes that are named after their instance.
const MAPPINGS: &str = "\
mapRoles:
- {rolearn: 'arn:aws:iam::111122223333:role/nodes-a', username: 'system:node:{{EC2PrivateDNSName}}', groups: [system:nodes]}
- {rolearn: 'arn:aws:iam::111122223333:role/nodes-b', username: 'system:node:{{EC2PrivateDNSName}}', groups: [system:nodes]}
- {rolearn: 'arn:aws:iam::111122223333:role/by-id', username: 'system:node:{{SessionName}}', groups: [system:nodes]}";

const VICTIM: &str = "i-0123456789abcdef0";
const STOPPED: &str = "i-1123456789abcdef0";
const BARE: &str = "i-2123456789abcdef0";

/// The role that describes instances, taken on behalf of the cluster.
const DESCRIBER: &str = "arn:aws:iam::111122223333:role/describer";
const ON_BEHALF_OF: &str = "arn:aws:eks:us-east-1:111122223333:cluster/it";

fn profile(name: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:instance-profile/{name}")
}

/// Instances of `nodes-a`, one of them stopped, and one without a profile.
async fn aws() -> Aws {
    let of_a = |id: &str, number| Ec2Instance { profile_arn: Some(profile("a")), ..instance(id, number) };
    let describer = Role { source_arn: Some(ON_BEHALF_OF.to_owned()), ..Role::new(DESCRIBER, "AROAEXAMPLEDESCRIBER1") };
    Aws::start_with(Settings {
        roles: vec![describer],
        instances: vec![
            of_a(VICTIM, 1),
            Ec2Instance { state: "stopped".to_owned(), ..of_a(STOPPED, 2) },
            instance(BARE, 3),
        ],
        profiles: vec![InstanceProfile::new(profile("a"), format!("arn:aws:iam::{ACCOUNT}:role/nodes/nodes-a"))],
        ..Settings::default()
    })
    .await
}

/// Whoever may assume a node's role names any instance: that is why there is the other mode.
#[tokio::test]
async fn by_default_the_session_name_is_believed() {
    let aws = aws().await;
    let (_home, webhook) = webhook(&aws, MAPPINGS).await;
    for role in ["nodes-a", "nodes-b"] {
        let key = session(role, VICTIM);
        aws.standin.add_key(key.clone());
        let user = webhook.review(&token(&key).await).await.user();
        assert_eq!(user["username"], "system:node:ip-10-0-0-1.ec2.internal", "{role}");
    }
    assert_eq!(aws.standin.count_of("GetInstanceProfile"), 0);
    assert_eq!(webhook.terminate().await, Some(0));
}

#[tokio::test]
async fn an_instance_with_another_role_is_denied_where_nodes_are_verified() {
    let aws = aws().await;
    let keys = format!("verifyNodeInstance: true\nec2DescribeInstancesRoleARN: {DESCRIBER}\nsourceARN: {ON_BEHALF_OF}");
    let (_home, webhook) = webhook(&aws, &format!("{keys}\n{MAPPINGS}")).await;
    let review = async |role: &str, instance: &str| {
        let key = session(role, instance);
        aws.standin.add_key(key.clone());
        webhook.review(&token(&key).await).await
    };
    assert_eq!(review("nodes-a", VICTIM).await.user()["username"], "system:node:ip-10-0-0-1.ec2.internal");
    for (role, instance) in [("nodes-b", VICTIM), ("nodes-a", STOPPED), ("nodes-a", BARE), ("by-id", VICTIM)] {
        let answer = review(role, instance).await;
        assert_eq!(answer.refusal(), "node_role_mismatch", "{role} as {instance}");
    }
    // Other names of sessions are those of Fargate and hybrid nodes, which have no instance.
    assert_eq!(review("by-id", "mi-0123456789abcdef0").await.user()["username"], "system:node:mi-0123456789abcdef0");

    // Both services are asked by the role that was assumed, once, on behalf of the cluster.
    assert_eq!(aws.standin.count_of("AssumeRole"), 1);
    let asks = |service| move |call: &kube_iam_standin::Call| call.service == service;
    for service in [Service::Ec2, Service::Iam] {
        let calls: Vec<_> = aws.standin.calls().into_iter().filter(asks(service)).collect();
        assert!(!calls.is_empty() && calls.iter().all(|call| call.outcome == Outcome::Accepted), "{calls:?}");
        assert!(calls.iter().all(|call| call.access_key_id.as_deref() != Some(crate::people::ADMIN.access_key_id())));
    }
    assert_eq!(webhook.terminate().await, Some(0));
}

#[tokio::test]
async fn nobody_is_let_in_unverified_where_iam_does_not_tell() {
    let aws = aws().await;
    let (_home, webhook) = webhook(&aws, &format!("verifyNodeInstance: true\n{MAPPINGS}")).await;
    aws.standin.deny("iam:GetInstanceProfile");
    let key = session("nodes-a", VICTIM);
    aws.standin.add_key(key.clone());
    let token = token(&key).await;
    assert_eq!(webhook.review(&token).await.refusal(), "node_lookup_failed");
    webhook.logged("iam:GetInstanceProfile").await;
    aws.standin.allow("iam:GetInstanceProfile");
    assert_eq!(webhook.review(&token).await.user()["groups"], json!(["system:nodes"]));
    assert_eq!(webhook.terminate().await, Some(0));
}
