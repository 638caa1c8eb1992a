//! Certificates and proxies on the way to AWS.

use kube_iam_standin::{Certificate, Fault, Settings, Times};

use crate::child::Asked;
use crate::world::{Tripwire, World, role};

async fn world(certificate: Certificate) -> World {
    let settings = Settings { roles: vec![role("one")], certificate, ..Settings::default() };
    let mut world = World::with(settings).await;
    world.user();
    world
}

fn with_role() -> Asked {
    Asked { role: Some(role("one").arn), ..Asked::default() }
}

#[tokio::test]
async fn the_authority_may_be_named_by_variable_or_profile() {
    let mut world = world(Certificate::Trusted).await;
    world.ask(&with_role()).await.made();
    world.unset("AWS_CA_BUNDLE");
    world.config(&format!("[default]\nca_bundle = {}\n", world.ca().display()));
    world.ask(&with_role()).await.made();
    world.config("");
    let ca = world.ca().display().to_string();
    world.set("SSL_CERT_FILE", &ca).ask(&with_role()).await.made();
}

#[tokio::test]
async fn an_unknown_authority_is_refused_with_the_way_out() {
    let mut world = world(Certificate::Trusted).await;
    let failed = world.unset("AWS_CA_BUNDLE").ask(&with_role()).await.failed();
    assert_eq!(failed.error, "the AWS call `AssumeRole` failed");
    assert!(failed.hint.contains("export AWS_CA_BUNDLE="), "{}", failed.hint);
    let failed = world.set("AWS_CA_BUNDLE", "/nonexistent").ask(&with_role()).await.failed();
    assert!(failed.causes.concat().contains("/nonexistent"), "{failed:?}");
    assert_eq!(world.actions(), [""; 0]);
}

#[tokio::test]
async fn a_certificate_of_another_host_is_refused() {
    for certificate in [Certificate::WrongName, Certificate::UntrustedAuthority] {
        let world = world(certificate).await;
        let failed = world.ask(&with_role()).await.failed();
        assert!(failed.hint.contains("AWS_CA_BUNDLE"), "{certificate:?}: {failed:?}");
    }
}

#[tokio::test]
async fn a_proxy_that_is_gone_or_nonsense_is_said_so() {
    let mut world = world(Certificate::Trusted).await;
    let gone = Tripwire::new().url();
    let failed = world.set("HTTPS_PROXY", &gone).ask(&with_role()).await.failed();
    assert!(failed.hint.contains("HTTPS_PROXY"), "{}", failed.hint);
    let failed = world.set("HTTPS_PROXY", "ftp://proxy").ask(&with_role()).await.failed();
    assert_eq!(failed.error, "the proxy is not usable");
}

#[tokio::test]
async fn hosts_of_no_proxy_go_around_it() {
    let mut world = world(Certificate::Trusted).await;
    let proxy = Tripwire::new();
    // A name that leads nowhere: what matters is that the proxy is not asked for it.
    world.set("HTTPS_PROXY", &proxy.url()).set("NO_PROXY", "other.example,.invalid");
    world.set("AWS_ENDPOINT_URL_STS", "https://sts.standin.invalid");
    world.ask(&with_role()).await.failed();
    proxy.assert_untouched();
}

#[tokio::test]
async fn a_passing_failure_of_sts_is_retried() {
    let world = world(Certificate::Trusted).await;
    world.standin.inject(Fault::Status(503), Times::Next(1));
    world.standin.inject(Fault::Throttling, Times::Next(1));
    world.ask(&with_role()).await.made();
}
