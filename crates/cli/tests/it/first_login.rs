//! A real kube-apiserver lets IAM identities in through kube-iam.

use kube_iam_control_plane::WebhookVersion;
use serde_json::{Value, json};

use crate::cluster::{Plan, World};
use crate::people::{ADMIN, DEV, STRANGER};

const MAPPINGS: &str = "\
mapRoles:
- {rolearn: 'arn:aws:iam::111122223333:role/platform/Admin', username: 'admin:{{SessionName}}', groups: [system:masters]}
mapUsers:
- {userarn: 'arn:aws:iam::111122223333:user/team/dev', username: dev, groups: [readers]}";

const READERS: &str = "\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: readers}
rules: [{apiGroups: [''], resources: [configmaps], verbs: [list]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: readers}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: readers}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: readers}]
";

#[tokio::test]
async fn kubectl_signs_in_by_v1() {
    signs_in(WebhookVersion::V1).await;
}

#[tokio::test]
async fn kubectl_signs_in_by_v1beta1() {
    signs_in(WebhookVersion::V1beta1).await;
}

async fn signs_in(version: WebhookVersion) {
    let plan = Plan { version, server_keys: MAPPINGS, ..Plan::default() };
    let Some(world) = World::start(plan).await else { return };
    world.apply(READERS).await;

    let whoami = world.kubectl(ADMIN, &["auth", "whoami", "-o", "json"]).await.success();
    let review: Value = serde_json::from_str(&whoami).unwrap();
    assert_eq!(
        review["status"]["userInfo"],
        json!({
            "username": "admin:alice",
            "uid": "aws-iam-authenticator:111122223333:AROAEXAMPLEADMIN00001",
            "groups": ["system:masters", "system:authenticated"],
            "extra": {
                "accessKeyId": ["ASIAEXAMPLEADMIN0001"],
                "arn": ["arn:aws:sts::111122223333:assumed-role/Admin/alice"],
                "canonicalArn": ["arn:aws:iam::111122223333:role/Admin"],
                "principalId": ["AROAEXAMPLEADMIN00001"],
                "sessionName": ["alice"],
                "sigs.k8s.io/aws-iam-authenticator/principalId": ["AROAEXAMPLEADMIN00001"],
            },
        })
    );
    world.kubectl(ADMIN, &["get", "secrets", "-A"]).await.success();

    world.kubectl(DEV, &["get", "configmaps", "-n", "default"]).await.success();
    let forbidden = world.kubectl(DEV, &["get", "secrets", "-n", "default"]).await.failure(1);
    assert!(forbidden.contains("Forbidden") && forbidden.contains("User \"dev\""), "{forbidden}");

    let unauthorized = world.kubectl(STRANGER, &["get", "configmaps"]).await.failure(1);
    assert!(unauthorized.contains("Unauthorized"), "{unauthorized}");
    let denied = world.webhook.logged("not_mapped").await;
    assert!(denied.contains("arn:aws:iam::444455556666:role/Stranger"), "{denied}");
    world.stop().await;
}

#[tokio::test]
async fn audiences_are_confirmed_only_where_they_are_configured() {
    let plan = Plan {
        server_keys: &format!("{MAPPINGS}\napiAudiences: [one, two]"),
        api_audiences: &["one", "two"],
        version: WebhookVersion::V1,
        ..Plan::default()
    };
    let Some(world) = World::start(plan).await else { return };
    world.kubectl(ADMIN, &["auth", "whoami"]).await.success();

    // A review for another audience: kube-apiserver asks the webhook, which refuses.
    let token = crate::exec_plugin::token_of(ADMIN).await;
    let review = |audience: &str| {
        json!({
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview",
            "spec": {"token": token, "audiences": [audience]},
        })
    };
    let foreign = world.webhook.post("/authenticate", &review("vault").to_string()).await;
    assert_eq!(foreign.refusal(), "audience");
    let own = world.webhook.post("/authenticate", &review("two").to_string()).await;
    own.user();
    assert!(own.body.contains("\"audiences\":[\"two\"]"), "{own:?}");
    world.stop().await;
}
