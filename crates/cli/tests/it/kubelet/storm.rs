//! A thousand nodes log in within ten seconds.

use std::time::Duration;

use jiff::Timestamp;
use kube_iam_aws::credentials::Credentials;
use kube_iam_aws::presign::{Target, presign};
use kube_iam_core::secret::Secret;
use kube_iam_standin::{Key, Outcome, Recording, Service, Settings, TokenBucket};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::apiserver::Apiserver;
use super::{BY_INSTANCE, REGION, instance, session};
use crate::aws::Aws;
use crate::people::{ADMIN, CLUSTER};
use crate::process::kube_iam;
use crate::webhook::{Home, Webhook};

const NODES: u32 = 1000;

/// Each logs in this much after the one before: a thousand in ten seconds.
const GAP: Duration = Duration::from_millis(10);

/// The token that `kube-iam token` makes; a thousand processes would take longer than the storm.
fn token(key: &Key) -> String {
    let credentials = Credentials {
        access_key_id: key.access_key_id.clone(),
        secret_access_key: Secret::new(key.secret_access_key.clone()),
        session_token: key.session_token.clone().map(Secret::new),
        expires: None,
    };
    let target = Target::regional(REGION, kube_iam_core::partition::StsEndpoint::default()).unwrap();
    presign(&credentials, &target, &CLUSTER.parse().unwrap(), Timestamp::now()).unwrap().expose().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_nodes_in_ten_seconds_get_in_by_sixty_calls_to_ec2() {
    let id = |number: u32| format!("i-{number:017x}");
    let keys: Vec<Key> = (0..NODES).map(|number| session("nodes", &id(number))).collect();
    let instances = (0..NODES).map(|number| instance(&id(number), number)).collect();
    let aws = Aws::start_with(Settings {
        keys: keys.clone(),
        instances,
        // 100 calls, refilled by 20 a second: the source is named there.
        ec2_bucket: Some(TokenBucket::DOCUMENTED),
        recording: Recording::Last(2 * NODES as usize),
        ..Settings::default()
    })
    .await;
    let home = Home::new(BY_INSTANCE);
    let mut command = kube_iam();
    command.arg("server").arg("--config").arg(home.path("config.yaml")).arg("--state-dir").arg(home.directory.path());
    command.arg("--generate-kubeconfig").arg(home.path("webhook.kubeconfig")).args(["--port", "0"]);
    // As it runs for users: the log is not at its most verbose.
    command.args(["--health-address", "127.0.0.1:0", "--log-format", "json"]);
    let webhook = Webhook::run(&home, command.envs(aws.server_environment()).envs(ADMIN.environment())).await;

    let apiserver = Apiserver::of(&home, &webhook);
    let reviews: Vec<_> =
        (0..NODES).zip(&keys).map(|(number, key)| (number, apiserver.review(number as usize, &token(key)))).collect();
    let mut logins = JoinSet::new();
    let start = Instant::now();
    for (number, review) in reviews {
        logins.spawn(async move {
            tokio::time::sleep_until(start + GAP * number).await;
            let asked = Instant::now();
            (number, review.await, asked.elapsed())
        });
    }
    let mut slowest = Duration::ZERO;
    while let Some(login) = logins.join_next().await {
        let (number, answer, took) = login.unwrap();
        let [_, a, b, c] = number.to_be_bytes();
        assert_eq!(answer.user()["username"], format!("system:node:ip-10-{a}-{b}-{c}.ec2.internal"));
        slowest = slowest.max(took);
    }
    let calls = aws.standin.count_of("DescribeInstances");
    home.note(&format!(
        "{NODES} nodes in {:?}: {calls} calls to EC2, the slowest login took {slowest:?}",
        start.elapsed()
    ));
    assert!(calls <= 60, "{calls} calls");
    assert_eq!(aws.standin.count_of("GetCallerIdentity"), u64::from(NODES), "each token is verified");
    let mut to_ec2 = aws.standin.calls().into_iter().filter(|call| call.service == Service::Ec2);
    assert!(to_ec2.all(|call| call.outcome == Outcome::Accepted), "EC2 throttles nothing");

    // By the server's own clock: how soon this machine lets the test see an answer is not its matter.
    let metrics = webhook.fetch("/metrics").await.body;
    let seconds = "aws_iam_authenticator_authenticate_latency_seconds";
    for counted in ["count{result=\"success\"}", "bucket{result=\"success\",le=\"5\"}"] {
        let line = format!("{seconds}_{counted} {NODES}");
        assert!(metrics.lines().any(|found| found == line), "all get in, and within 5 s: no `{line}` in\n{metrics}");
    }
    webhook.log();
    assert_eq!(webhook.terminate().await, Some(0));
}
