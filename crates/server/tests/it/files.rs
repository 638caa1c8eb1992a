//! What the start reads and writes, and how it says that it can't.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use kube_iam_server::{InitSettings, StartError, init};

use crate::client::Client;
use crate::scripted::Act;
use crate::stage::{Stage, eventually, log_lines, settings};
use crate::tokens::{START, review, token};

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

async fn start_error(change: impl FnOnce(&Path, &mut kube_iam_server::Settings)) -> (String, String) {
    let dir = tempfile::tempdir().unwrap();
    let mut settings = settings(&dir);
    change(dir.path(), &mut settings);
    let path = dir.path().display().to_string();
    let error: StartError = Stage::start(dir, settings, |_| Act::Hang).await.err().expect("it started");
    let hint = error.hint().unwrap_or_default();
    assert!(!error.to_string().contains('\n') && !error.to_string().ends_with('.'), "{error}");
    (error.to_string().replace(&path, "DIR"), hint.replace(&path, "DIR"))
}

#[tokio::test]
async fn the_first_start_makes_key_certificate_and_kubeconfig() {
    let stage = Stage::new().await;
    let at = |name: &str| stage.dir.path().join(name);
    assert_eq!((mode(&at("key.pem")), mode(&at("cert.pem")), mode(&at("webhook.yaml"))), (0o600, 0o644, 0o644));
    let kubeconfig = fs::read_to_string(at("webhook.yaml")).unwrap();
    let port = stage.running.address().port();
    assert!(kubeconfig.contains(&format!("server: https://localhost:{port}/authenticate")), "{kubeconfig}");
}

#[tokio::test]
async fn init_makes_the_same_files_and_the_server_keeps_the_pair() {
    let dir = tempfile::tempdir().unwrap();
    let wanted = InitSettings {
        state_dir: dir.path().to_owned(),
        kubeconfig: dir.path().join("webhook.yaml"),
        hostname: "localhost".to_owned(),
        address: [127, 0, 0, 1].into(),
        port: 21362,
    };
    let now = START.parse().unwrap();
    let done = init(&wanted, now).unwrap();
    assert!(done.made_pair);
    let (certificate, kubeconfig) = (fs::read(&done.certificate).unwrap(), fs::read(&done.kubeconfig).unwrap());
    assert!(!init(&wanted, now).unwrap().made_pair);
    assert_eq!(fs::read(&done.kubeconfig).unwrap(), kubeconfig);

    let mut settings = settings(&dir);
    // Made beforehand: the server leaves it alone.
    settings.generate_kubeconfig = None;
    let stage = Stage::start(dir, settings, |_| Act::Hang).await.unwrap();
    assert_eq!(fs::read(stage.certificate()).unwrap(), certificate);
    assert_eq!(fs::read(&done.kubeconfig).unwrap(), kubeconfig);
    assert_eq!(stage.http2().await.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn a_key_that_others_may_read_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let first = settings(&dir);
    let stage = Stage::start(dir, first, |_| Act::Hang).await.unwrap();
    let key = stage.dir.path().join("key.pem");
    let line = key.display().to_string();
    assert!(log_lines(&["WARN", "may read the key", &line]).is_empty());
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
    let stage = stage.restart(|_| {}).await;
    assert_eq!(log_lines(&["WARN", "may read the key", &line]).len(), 1);
    assert_eq!(stage.http2().await.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let other = Stage::new().await;
    let (webhook, health) = (other.running.address(), other.running.health_address().unwrap());
    let (error, hint) = start_error(|_, settings| settings.port = webhook.port()).await;
    assert_eq!(error, format!("can't listen on {webhook}"));
    assert!(hint.contains("another process listens there") && hint.contains("`--port`"), "{hint}");
    let (error, hint) = start_error(|_, settings| settings.health_address = Some(health)).await;
    assert_eq!(error, format!("can't listen on {health}"));
    assert!(hint.contains("`--health-address`"), "{hint}");
}

#[tokio::test]
async fn what_cannot_be_used_is_named_and_nothing_is_started() {
    let (error, hint) = start_error(|_, settings| settings.address = [192, 0, 2, 1].into()).await;
    assert!(error.starts_with("can't listen on 192.0.2.1:") && hint.contains("address of this host"), "{error} {hint}");

    let (_, hint) = start_error(|dir, settings| settings.state_dir = dir.join("missing")).await;
    assert!(hint.contains("directory `DIR/missing` exists"), "{hint}");

    let (error, hint) = start_error(|dir, settings| settings.generate_kubeconfig = Some(dir.join("no/k.yaml"))).await;
    assert_eq!(error, "the webhook kubeconfig `DIR/no/k.yaml` can't be written");
    assert!(hint.contains("directory `DIR/no` exists"), "{hint}");

    let (error, _) = start_error(|_, settings| settings.hostname = "no host".to_owned()).await;
    assert_eq!(error, "`no host` is neither a host name nor an IP address");

    let (_, hint) = start_error(|dir, _| {
        fs::write(dir.join("cert.pem"), "x").unwrap();
        fs::write(dir.join("key.pem"), "x").unwrap();
    })
    .await;
    assert!(hint.contains("mend `DIR/cert.pem`"), "{hint}");
}

#[tokio::test]
async fn a_replaced_pair_is_served_without_restart() {
    let stage = Stage::new().await;
    let old = stage.dir.path().join("old.pem");
    fs::copy(stage.certificate(), &old).unwrap();
    let not_after = stage.metric("kube_iam_certificate_not_after_seconds").await;
    assert!(not_after > 4_000_000_000, "{not_after}");

    // Bad files: the old pair stays.
    fs::write(stage.certificate(), "nonsense").unwrap();
    let path = stage.certificate().display().to_string();
    eventually("the bad certificate is told", || async { !log_lines(&["ERROR", "old one stays", &path]).is_empty() })
        .await;
    assert!(Client::http2(stage.running.address(), &old).await.review(review(&token(1))).await.lets_in());

    // A good pair made elsewhere.
    let other = Stage::new().await;
    for name in ["key.pem", "cert.pem"] {
        let (draft, path) = (stage.dir.path().join("draft"), stage.dir.path().join(name));
        fs::copy(other.dir.path().join(name), &draft).unwrap();
        fs::rename(draft, path).unwrap();
    }
    eventually("the new pair is served", || async {
        Client::try_http1(stage.running.address(), &stage.certificate()).await.is_ok()
    })
    .await;
    assert!(Client::try_http1(stage.running.address(), &old).await.is_err());
    let authority = |text: &str| text.split_once("authority-data: ").unwrap().1.lines().next().unwrap().to_owned();
    let theirs = fs::read_to_string(other.dir.path().join("webhook.yaml")).unwrap();
    eventually("the kubeconfig follows", || async {
        let ours = fs::read_to_string(stage.dir.path().join("webhook.yaml")).unwrap();
        authority(&ours) == authority(&theirs)
    })
    .await;
}
