//! Instance metadata and container credentials, step by step.

use jiff::SignedDuration;
use kube_iam_standin::{Container, Instance, Key, MovableClock, Principal, Role, Service, Settings, StandIn};

use crate::client::{Asked, Told, send, send_plain};
use crate::signer::Signer;
use crate::{at_noon, noon};

const NODE: &str = "arn:aws:iam::111122223333:role/nodes/Worker";
const ROLES: &str = "/latest/meta-data/iam/security-credentials/";

async fn machine() -> (StandIn, MovableClock) {
    at_noon(Settings {
        roles: vec![Role::new(NODE, "AROANODEEXAMPLE")],
        instance: Some(Instance {
            instance_id: "i-0123456789abcdef0".to_owned(),
            region: "eu-west-1".to_owned(),
            role_arn: NODE.to_owned(),
        }),
        container: Some(Container {
            role_arn: NODE.to_owned(),
            session_name: "task".to_owned(),
            authorization: Some("open sesame".to_owned()),
        }),
        ..Settings::default()
    })
    .await
}

async fn get(standin: &StandIn, path: &str, headers: &[(&str, &str)]) -> Told {
    send_plain(standin, &Asked::get(path, "169.254.169.254").with(headers)).await
}

async fn token(standin: &StandIn, seconds: &str) -> Told {
    let mut asked = Asked::get("/latest/api/token", "169.254.169.254");
    asked.method = "PUT".to_owned();
    send_plain(standin, &asked.with(&[("x-aws-ec2-metadata-token-ttl-seconds", seconds)])).await
}

/// The key in a metadata reply.
fn key_of(told: &Told) -> Key {
    let json = told.json();
    let text = |name: &str| json[name].as_str().unwrap().to_owned();
    Key {
        session_token: Some(text("Token")),
        ..Key::long_term(text("AccessKeyId"), text("SecretAccessKey"), Principal::new("", ""))
    }
}

#[tokio::test]
async fn metadata_needs_a_token_that_lasts() {
    let (standin, clock) = machine().await;
    assert_eq!(get(&standin, ROLES, &[]).await.status, 401);
    assert_eq!(get(&standin, ROLES, &[("x-aws-ec2-metadata-token", "made up")]).await.status, 401);
    for seconds in ["", "0", "21601", "many"] {
        assert_eq!(token(&standin, seconds).await.status, 400, "{seconds}");
    }
    assert_eq!(get(&standin, "/latest/api/token", &[]).await.status, 405);
    let told = token(&standin, "60").await;
    assert_eq!(told.header("x-aws-ec2-metadata-token-ttl-seconds"), "60");
    let token = [("x-aws-ec2-metadata-token", told.body.as_str())];
    clock.advance(59);
    assert_eq!(get(&standin, ROLES, &token).await.body, "Worker");
    clock.advance(1);
    assert_eq!(get(&standin, ROLES, &token).await.status, 401);
}

#[tokio::test]
async fn an_instance_has_a_region_an_identity_and_credentials_that_are_renewed() {
    let (standin, clock) = machine().await;
    let told = token(&standin, "21600").await;
    let token = [("x-aws-ec2-metadata-token", told.body.as_str())];
    let document = get(&standin, "/latest/dynamic/instance-identity/document", &token).await.json();
    assert_eq!(document["region"], "eu-west-1");
    assert_eq!(document["accountId"], "111122223333");
    assert_eq!(get(&standin, "/latest/meta-data/placement/region", &token).await.body, "eu-west-1");
    assert_eq!(get(&standin, "/latest/meta-data/instance-id", &token).await.body, "i-0123456789abcdef0");
    assert_eq!(get(&standin, "/latest/meta-data/nothing", &token).await.status, 404);
    assert_eq!(get(&standin, &format!("{ROLES}Other"), &token).await.status, 404);

    let path = format!("{ROLES}Worker");
    let first = get(&standin, &path, &token).await;
    assert_eq!(first.json()["Code"], "Success");
    assert_eq!(first.json()["Expiration"], "2026-01-02T18:30:00Z");
    let key = key_of(&first);
    let arn = "arn:aws:sts::111122223333:assumed-role/Worker/i-0123456789abcdef0";
    assert_eq!(send(&standin, &Signer::new(&key, noon()).token("prod")).await.arn(), arn);

    clock.set(noon() + SignedDuration::from_secs(6 * 3600 - 301));
    assert_eq!(key_of(&get(&standin, &path, &token).await).access_key_id, key.access_key_id);
    clock.advance(1);
    let renewed = key_of(&get(&standin, &path, &token).await);
    assert_ne!(renewed.access_key_id, key.access_key_id);
    assert_eq!(send(&standin, &Signer::new(&renewed, clock.now()).token("prod")).await.arn(), arn);
    assert!(standin.calls().iter().any(|call| call.service == Service::InstanceMetadata && call.action == path));
}

#[tokio::test]
async fn a_container_shows_its_authorization() {
    let (standin, _) = machine().await;
    for headers in [[].as_slice(), &[("authorization", "guess")]] {
        assert_eq!(get(&standin, "/v2/credentials", headers).await.status, 401);
    }
    let told = get(&standin, "/v2/credentials", &[("authorization", "open sesame")]).await;
    assert_eq!(told.json()["RoleArn"], NODE);
    let asked = Signer::new(&key_of(&told), noon()).token("prod");
    assert_eq!(send(&standin, &asked).await.arn(), "arn:aws:sts::111122223333:assumed-role/Worker/task");
}

#[tokio::test]
async fn without_a_machine_there_is_nothing() {
    let (standin, _) = at_noon(Settings::default()).await;
    assert_eq!(get(&standin, "/v2/credentials", &[]).await.status, 404);
    assert_eq!(token(&standin, "60").await.status, 404);
}
