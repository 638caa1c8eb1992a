//! The rules of last known good (D4) through the server, restarts included.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use kube_iam_core::last_good::OnBadConfig;

use crate::client::Client;
use crate::scripted::Act;
use crate::stage::{Stage, eventually, log_lines, roles};
use crate::tokens::{review, token};

const HOUR: Duration = Duration::from_secs(3600);

/// The username that a review gives now, if any.
async fn username(stage: &Stage) -> Option<String> {
    let client = stage.http2().await;
    let answer = client.review(review(&token(1))).await;
    let (_, rest) = answer.body.split_once(r#""username":""#)?;
    Some(rest.split_once('"').unwrap().0.to_owned())
}

async fn becomes(stage: &Stage, expected: Option<&str>) {
    let what = format!("the login gives {expected:?}");
    eventually(&what, || async { username(stage).await.as_deref() == expected }).await;
}

/// How many mappings of aws-auth can match: works also when the token has ended.
async fn mappings(stage: &Stage, expected: u64) {
    let what = format!("{expected} mappings are in force");
    eventually(&what, || async { stage.metric(r#"kube_iam_mappings{backend="EKSConfigMap"}"#).await == expected })
        .await;
}

async fn readiness(client: &Client) -> (u16, String) {
    let answer = client.get("/readyz").await;
    (answer.status, answer.body)
}

async fn good(change: impl FnOnce(&mut kube_iam_server::Settings)) -> Stage {
    let stage = Stage::with_aws_auth(change).await;
    stage.aws_auth.present("7", &[("mapRoles", &roles(&[("Dev", "dev")]))]);
    becomes(&stage, Some("dev")).await;
    stage
}

#[tokio::test]
async fn a_section_that_reads_is_obeyed_at_once_also_when_empty() {
    for emptied in ["[]", ""] {
        let stage = good(|_| {}).await;
        stage.aws_auth.present("8", &[("mapRoles", &roles(&[("Dev", "dev2")]))]);
        becomes(&stage, Some("dev2")).await;
        stage.aws_auth.present("9", &[("mapRoles", emptied)]);
        becomes(&stage, None).await;
        assert_eq!(stage.metric(r#"kube_iam_stale{section="mapRoles"}"#).await, 0);
    }
}

#[tokio::test]
async fn a_section_that_cannot_be_read_keeps_its_rows() {
    let stage = good(|_| {}).await;
    let user = "- {userarn: 'arn:aws:iam::111122223333:user/u', username: u}";
    stage.aws_auth.present("8", &[("mapRoles", "- [broken"), ("mapUsers", user)]);
    // The other section is obeyed, this one is kept and said to be stale.
    mappings(&stage, 2).await;
    becomes(&stage, Some("dev")).await;
    assert_eq!(stage.metric(r#"kube_iam_stale{section="mapRoles"}"#).await, 1);
    let (status, body) = readiness(&stage.health().await).await;
    assert!(
        status == 200 && body.contains(r#""section":"mapRoles""#) && body.contains(r#""resourceVersion":"8""#),
        "{body}"
    );
    assert!(!log_lines(&["ERROR", "`mapRoles` can't be read", "previous mappings stay"]).is_empty());
}

#[tokio::test]
async fn a_section_that_cannot_be_read_is_dropped_where_that_is_asked_for() {
    let stage = good(|settings| settings.last_good.on_bad_config = OnBadConfig::Drop).await;
    stage.aws_auth.present("8", &[("mapRoles", "- [broken")]);
    becomes(&stage, None).await;
}

#[tokio::test]
async fn a_row_that_cannot_be_read_keeps_the_previous_row_of_its_arn() {
    let stage = good(|_| {}).await;
    let broken =
        "- {rolearn: 'arn:aws:iam::111122223333:role/Dev', username: [no]}\n".to_owned() + &roles(&[("B", "b")]);
    stage.aws_auth.present("8", &[("mapRoles", &broken)]);
    mappings(&stage, 2).await;
    becomes(&stage, Some("dev")).await;
}

#[tokio::test]
async fn what_vanished_is_served_for_its_grace() {
    for gone in ["the object", "the key"] {
        let stage = good(|_| {}).await;
        match gone {
            "the object" => stage.aws_auth.absent(),
            _ => stage.aws_auth.present("8", &[]),
        }
        eventually("the alarm is raised", || async {
            stage.metric(r#"kube_iam_stale{section="mapRoles"}"#).await == 1
        })
        .await;
        becomes(&stage, Some("dev")).await;
        stage.advance(Duration::from_secs(299));
        becomes(&stage, Some("dev")).await;
        stage.advance(Duration::from_secs(1));
        becomes(&stage, None).await;
        assert!(!log_lines(&["ERROR", "`mapRoles` vanished"]).is_empty());
    }
}

#[tokio::test]
async fn the_grace_goes_on_over_a_restart() {
    let stage = good(|_| {}).await;
    stage.aws_auth.absent();
    eventually("the alarm is raised", || async { stage.metric(r#"kube_iam_stale{section="mapRoles"}"#).await == 1 })
        .await;
    stage.advance(Duration::from_secs(200));
    let stage = stage.restart(|_| {}).await;
    becomes(&stage, Some("dev")).await;
    stage.aws_auth.absent();
    stage.advance(Duration::from_secs(100));
    becomes(&stage, None).await;
}

#[tokio::test]
async fn a_restart_knows_the_last_good_state_until_it_can_read() {
    let stage = good(|_| {}).await;
    let saved = stage.dir.path().join("aws-auth-last-good.json");
    eventually("the state is saved", || async { saved.exists() }).await;
    assert_eq!(saved.metadata().unwrap().permissions().mode() & 0o777, 0o600);

    // Before anything was read, and while nothing can be.
    let stage = stage.restart(|_| {}).await;
    becomes(&stage, Some("dev")).await;
    let health = stage.health().await;
    assert!(readiness(&health).await.1.contains("it was not read since the restart"));
    stage.aws_auth.unreachable();
    eventually("the failure is told", || async { readiness(&health).await.1.contains("connection refused") }).await;
    assert_eq!(readiness(&health).await.0, 200);
    becomes(&stage, Some("dev")).await;
    assert_eq!(stage.metric("aws_iam_authenticator_configmap_watch_failures_total").await, 1);

    // The first successful read counts, and is what the next start knows.
    stage.aws_auth.present("9", &[("mapRoles", &roles(&[("Dev", "dev9")]))]);
    becomes(&stage, Some("dev9")).await;
    eventually("the new state is saved", || async { std::fs::read_to_string(&saved).unwrap().contains("dev9") }).await;
    let stage = stage.restart(|_| {}).await;
    becomes(&stage, Some("dev9")).await;
}

#[tokio::test]
async fn a_saved_state_is_trusted_for_a_day() {
    let stage = good(|_| {}).await;
    let saved = stage.dir.path().join("aws-auth-last-good.json");
    eventually("the state is saved", || async { saved.exists() }).await;
    let stage = stage.restart(|_| {}).await;
    stage.advance(23 * HOUR);
    mappings(&stage, 1).await;
    stage.advance(HOUR);
    mappings(&stage, 0).await;
    // And not at all by a start after that.
    let stage = good(|_| {}).await;
    let saved = stage.dir.path().join("aws-auth-last-good.json");
    eventually("the state is saved", || async { saved.exists() }).await;
    stage.advance(25 * HOUR);
    let stage = stage.restart(|_| {}).await;
    mappings(&stage, 0).await;
}

#[tokio::test]
async fn a_saved_state_that_is_not_ours_keeps_nobody_from_starting() {
    for (content, link) in [("{", false), ("\0\u{ffff}", false), ("{}", true)] {
        let stage = good(|_| {}).await;
        let saved = stage.dir.path().join("aws-auth-last-good.json");
        eventually("the state is saved", || async { saved.exists() }).await;
        if link {
            let elsewhere = stage.dir.path().join("elsewhere");
            std::fs::rename(&saved, &elsewhere).unwrap();
            std::os::unix::fs::symlink(&elsewhere, &saved).unwrap();
        } else {
            std::fs::write(&saved, content).unwrap();
        }
        let stage = stage.restart(|_| {}).await;
        mappings(&stage, 0).await;
        stage.aws_auth.present("9", &[("mapRoles", &roles(&[("Dev", "dev")]))]);
        becomes(&stage, Some("dev")).await;
        eventually("the state is a plain file again", || async {
            std::fs::symlink_metadata(&saved).is_ok_and(|metadata| metadata.is_file())
        })
        .await;
    }
}

#[tokio::test]
async fn an_unwritable_directory_is_a_warning() {
    let stage = good(|_| {}).await;
    let saved = stage.dir.path().join("aws-auth-last-good.json");
    eventually("the state is saved", || async { saved.exists() }).await;
    // A directory in its place can't be replaced by anybody, root included.
    std::fs::remove_file(&saved).unwrap();
    std::fs::create_dir_all(saved.join("x")).unwrap();
    stage.aws_auth.present("8", &[("mapRoles", &roles(&[("Dev", "dev8")]))]);
    becomes(&stage, Some("dev8")).await;
    let path = saved.display().to_string();
    eventually("the warning is given", || async { !log_lines(&["WARN", "can't be saved", &path]).is_empty() }).await;
    stage.aws_auth.present("9", &[("mapRoles", &roles(&[("Dev", "dev9")]))]);
    becomes(&stage, Some("dev9")).await;
    assert_eq!(log_lines(&["can't be saved", &path]).len(), 1);
}

#[tokio::test]
async fn ready_after_the_first_word_of_the_cluster_good_or_bad() {
    for first in [crate::scripted::Director::unreachable, crate::scripted::Director::absent] {
        let stage = Stage::with_aws_auth(|_| {}).await;
        let health = stage.health().await;
        let (status, body) = readiness(&health).await;
        assert!(status == 503 && body.contains("EKSConfigMap has not been read yet"), "{body}");
        first(&stage.aws_auth);
        eventually("the server is ready", || async { readiness(&health).await.0 == 200 }).await;
    }
}

#[tokio::test]
async fn conflicts_and_rows_that_need_more_are_told() {
    let stage = good(|_| {}).await;
    let rows = roles(&[("Dev", "first"), ("Dev", "second"), ("Node", "system:node:{{EC2PrivateDNSName}}")]);
    stage.aws_auth.present("8", &[("mapRoles", &rows), ("maproles", "x")]);
    becomes(&stage, Some("second")).await;
    assert_eq!(stage.metric(r#"kube_iam_mapping_conflicts{backend="EKSConfigMap"}"#).await, 1);
    assert!(!log_lines(&["WARN", "role/Dev` is mapped again"]).is_empty());
    assert!(!log_lines(&["ERROR", "which this server does not look up"]).is_empty());
    assert!(!log_lines(&["WARN", "data key `maproles` is ignored"]).is_empty());
}

#[tokio::test]
async fn the_order_of_the_backends_decides() {
    use kube_iam_core::mapping::Backend::{EksConfigMap, MountedFile};
    for (order, expected) in [([MountedFile, EksConfigMap], "file"), ([EksConfigMap, MountedFile], "map")] {
        let stage = Stage::with(
            |_| Act::role("Dev", "bob"),
            |settings| {
                settings.backends = order.to_vec();
                settings.mappings = crate::stage::mounted_file(&[("Dev", "file")]);
            },
        )
        .await;
        becomes(&stage, Some("file")).await;
        stage.aws_auth.present("1", &[("mapRoles", &roles(&[("Dev", "map")]))]);
        mappings(&stage, 1).await;
        becomes(&stage, Some(expected)).await;
    }
}
