//! Credentials of a process that runs for long.

use std::sync::Arc;

use kube_iam_aws::ec2::{Ec2Instances, Ec2Role, Ec2Settings, OnBehalfOf};
use kube_iam_core::ports::{AwsFailure, Instances as _};
use kube_iam_standin::{Key, MovableClock, Principal, Role, Settings, Trust};

use super::{IDS, ec2_settings, ids, settings, world};
use crate::world::{USER, World};

const SOURCE: &str = "arn:aws:eks:eu-west-1:444455556666:cluster/prod";

/// A world whose clock is moved, with credentials of a process that are good for an hour and counted.
struct Renewed {
    world: World,
    clock: MovableClock,
    client: Ec2Instances,
}

impl Renewed {
    async fn new() -> Self {
        let clock = MovableClock::at("2026-01-02T12:00:00Z".parse().unwrap());
        let mut world = World::with(Settings { clock: clock.clock(), ..settings() }).await;
        let home = world.home.path().display().to_string();
        world.set("HOME", &home);
        world.config(&format!(
            "[default]\ncredential_process = sh -c \"echo >> {home}/runs; cat {home}/credentials.json\"\n"
        ));
        let now = clock.clone();
        let settings = Ec2Settings { clock: Arc::new(move || now.now()), ..ec2_settings(&world) };
        let renewed = Self { world, clock, client: Ec2Instances::new(settings) };
        renewed.give("ASIAEXAMPLEFIRST0001", 60);
        renewed
    }

    /// The process gives this key from now on, until so many minutes from now.
    fn give(&self, access_key_id: &str, minutes: i64) {
        let expires = self.clock.now() + jiff::SignedDuration::from_mins(minutes);
        let mut key = Key::long_term(access_key_id, "a secret", Principal::new(USER, "AIDA"));
        key.session_token = Some("a token".to_owned());
        key.expires = Some(expires);
        self.world.standin.add_key(key);
        let text = format!(
            "{{\"Version\": 1, \"AccessKeyId\": \"{access_key_id}\", \"SecretAccessKey\": \"a secret\", \
             \"SessionToken\": \"a token\", \"Expiration\": \"{expires}\"}}"
        );
        self.world.write("credentials.json", &text);
    }

    async fn describe(&self) -> Result<usize, AwsFailure> {
        self.client.describe(&ids(&IDS)).await.map(|found| found.len())
    }

    fn runs(&self) -> usize {
        std::fs::read_to_string(self.world.path("runs")).unwrap_or_default().lines().count()
    }
}

#[tokio::test]
async fn nothing_is_found_before_it_is_needed() {
    let renewed = Renewed::new().await;
    assert_eq!((renewed.runs(), renewed.client.describe(&[]).await), (0, Ok(Vec::new())));
    assert_eq!(renewed.runs(), 0);
}

#[tokio::test]
async fn credentials_are_replaced_before_they_end() {
    let renewed = Renewed::new().await;
    for minutes in [0, 54] {
        renewed.clock.advance(minutes * 60);
        assert_eq!((renewed.describe().await, renewed.runs()), (Ok(3), 1));
    }
    renewed.give("ASIAEXAMPLESECOND002", 60);
    renewed.clock.advance(2 * 60);
    // Calls go on with the old ones until the new ones are there.
    until(async || {
        assert_eq!(renewed.describe().await, Ok(3));
        let call = renewed.world.standin.calls().pop().unwrap();
        call.access_key_id.as_deref() == Some("ASIAEXAMPLESECOND002")
    })
    .await;
    assert_eq!(renewed.runs(), 2);
}

#[tokio::test]
async fn old_credentials_are_used_to_their_end_when_there_are_no_new_ones() {
    let renewed = Renewed::new().await;
    assert_eq!(renewed.describe().await, Ok(3));
    renewed.world.write("credentials.json", "");
    renewed.clock.advance(57 * 60);
    until(async || {
        assert_eq!(renewed.describe().await, Ok(3));
        renewed.runs() == 2
    })
    .await;
    renewed.clock.advance(3 * 60);
    let before = renewed.runs();
    for _ in 0..3 {
        let failure = renewed.describe().await.unwrap_err();
        assert!(
            matches!(&failure, AwsFailure::Unasked { told, passing: true } if told.contains("credential_process")),
            "{failure:?}"
        );
    }
    assert!(renewed.runs() <= before + 1, "what has just failed is not tried again");
    renewed.give("ASIAEXAMPLESECOND002", 60);
    renewed.clock.advance(2);
    assert_eq!(renewed.describe().await, Ok(3));
}

/// Waits for a condition.
async fn until(mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..1000 {
        if holds().await {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("it never holds");
}

#[tokio::test]
async fn credentials_that_aws_refuses_are_not_used_again() {
    let renewed = Renewed::new().await;
    assert_eq!(renewed.describe().await, Ok(3));
    renewed.give("ASIAEXAMPLESECOND002", 60);
    assert!(renewed.world.standin.revoke_key("ASIAEXAMPLEFIRST0001"));
    assert!(matches!(renewed.describe().await, Err(AwsFailure::Denied(_))));
    assert_eq!((renewed.describe().await, renewed.runs()), (Ok(3), 2));
}

#[tokio::test]
async fn those_who_come_together_look_once() {
    let renewed = Renewed::new().await;
    let calls = (renewed.describe(), renewed.describe(), renewed.describe());
    let (one, two, three) = tokio::join!(calls.0, calls.1, calls.2);
    assert_eq!((one, two, three, renewed.runs()), (Ok(3), Ok(3), Ok(3), 1));
}

fn by_role(world: &World, arn: &str, on_behalf_of: Option<OnBehalfOf>) -> Ec2Instances {
    let role = Ec2Role { arn: arn.to_owned(), on_behalf_of };
    Ec2Instances::new(Ec2Settings { role: Some(role), ..ec2_settings(world) })
}

#[tokio::test]
async fn a_role_is_assumed_once_and_on_behalf_of_a_cluster() {
    let arn = "arn:aws:iam::111122223333:role/ec2";
    let mut settings = settings();
    settings.roles.push(Role { source_arn: Some(SOURCE.to_owned()), ..Role::new(arn, "AROAEC2") });
    let world = world(settings).await;
    let behalf = OnBehalfOf { arn: SOURCE.to_owned(), account: "444455556666".parse().unwrap() };
    let client = by_role(&world, arn, Some(behalf));
    for _ in 0..2 {
        assert_eq!(client.describe(&ids(&IDS)).await.unwrap().len(), 3);
    }
    assert_eq!((world.standin.count_of("AssumeRole"), world.standin.call_count()), (1, 3));
    let calls = world.standin.calls();
    assert!(calls[0].header_names.contains(&"x-amz-source-account".to_owned()), "{:?}", calls[0].header_names);
    assert!(calls[1].access_key_id.as_ref().unwrap().starts_with("ASIA"));

    let failure = by_role(&world, arn, None).describe(&ids(&IDS)).await.unwrap_err();
    assert!(matches!(&failure, AwsFailure::Denied(told) if told.contains("may not assume role")), "{failure:?}");
}

#[tokio::test]
async fn without_credentials_or_a_role_the_reason_is_told() {
    let mut settings = settings();
    let closed = "arn:aws:iam::111122223333:role/closed";
    settings.roles.push(Role { trust: Trust::Principals(Vec::new()), ..Role::new(closed, "AROACLOSED") });
    let mut world = world(settings).await;
    assert!(matches!(by_role(&world, closed, None).describe(&ids(&IDS)).await, Err(AwsFailure::Denied(_))));

    world.set("AWS_SESSION_TOKEN", "two\nlines");
    let client = Ec2Instances::new(ec2_settings(&world));
    let failure = client.describe(&ids(&IDS)).await.unwrap_err();
    assert!(matches!(&failure, AwsFailure::Unasked { told, .. } if !told.contains("lines")), "{failure:?}");

    world.unset("AWS_SESSION_TOKEN").unset("AWS_ACCESS_KEY_ID");
    let failure = Ec2Instances::new(ec2_settings(&world)).describe(&ids(&IDS)).await.unwrap_err();
    assert!(
        matches!(&failure, AwsFailure::Unasked { told, passing: false } if told.contains("no AWS credentials")),
        "{failure:?}"
    );
    world.set("AWS_PROFILE", "none");
    let failure = Ec2Instances::new(ec2_settings(&world)).describe(&ids(&IDS)).await.unwrap_err();
    assert!(matches!(failure, AwsFailure::Unasked { passing: false, .. }), "{failure:?}");
}
