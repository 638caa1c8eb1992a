//! The certificate of STS is verified against the roots of the host.
//!
//! Where these lie can't be told to a program that is to find them itself, so it
//! runs in a mount namespace in which they are others.

use kube_iam_standin::{Certificate, Settings};
use tokio::process::Command;

use crate::aws::Aws;
use crate::exec_plugin::token_of;
use crate::people::{ADMIN, CLUSTER};
use crate::process::{Finished, finish};

/// Whether mount namespaces can be had; said loudly if not.
#[expect(clippy::print_stderr, reason = "a skipped test must be heard of")]
async fn namespaces() -> bool {
    let made = Command::new("unshare").args(["--mount", "true"]).output().await;
    let allowed = made.as_ref().is_ok_and(|output| output.status.success());
    if !allowed {
        assert!(std::env::var_os("CI").is_none(), "mount namespaces need root and `unshare`: {made:?}");
        eprintln!("SKIPPED: mount namespaces need root and `unshare` (package util-linux)");
    }
    allowed
}

/// Verifies a token at an STS, on a host whose only root is the authority of the stand-in.
async fn verify(sts: &Aws) -> Finished {
    let roots = tempfile::TempDir::new().unwrap();
    std::fs::copy(sts.ca(), roots.path().join("ca-certificates.crt")).unwrap();
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", "mount --bind \"$0\" /etc/ssl/certs && exec \"$@\""]).arg(roots.path());
    command.args([env!("CARGO_BIN_EXE_kube-iam"), "verify", "-i", CLUSTER, "-t", &token_of(ADMIN).await]);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).kill_on_drop(true);
    command.env("HTTPS_PROXY", format!("http://{}", sts.standin.proxy_address()));
    finish(&mut command).await
}

#[tokio::test]
async fn the_certificate_of_sts_is_verified_against_the_roots_of_the_host() {
    if !namespaces().await {
        return;
    }
    let showing = |certificate| Aws::start_with(Settings { certificate, ..Settings::default() });
    let answer = verify(&showing(Certificate::Trusted).await).await.success();
    assert!(answer.contains("yes, by STS"), "{answer}");
    for (certificate, reason) in
        [(Certificate::UntrustedAuthority, "UnknownIssuer"), (Certificate::WrongName, "not valid for name")]
    {
        let sts = showing(certificate).await;
        let error = verify(&sts).await.failure(3);
        assert!(error.contains("sts_unavailable") && error.contains(reason), "{error}");
        assert!(error.contains("\nhint: check the network"), "{error}");
        assert_eq!(sts.standin.calls().len(), 0, "nothing is sent to somebody who is not trusted");
    }
}
