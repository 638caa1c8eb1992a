//! `kube-iam init`: key, certificate and webhook kubeconfig.

use std::os::unix::fs::PermissionsExt as _;

use crate::process::{finish, kube_iam};

fn mode(path: &std::path::Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn it_writes_into_the_current_directory_and_keeps_what_is_there() {
    let home = tempfile::TempDir::new().unwrap();
    let init = || {
        let mut command = kube_iam();
        command.current_dir(home.path()).args([
            "init",
            "-i",
            "my-cluster",
            "--hostname",
            "door.example.com",
            "--log-format",
            "text",
        ]);
        command
    };
    let finished = finish(&mut init()).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert!(finished.stderr.contains("--authentication-token-webhook-config-file="), "{finished:?}");

    let (cert, key) = (home.path().join("cert.pem"), home.path().join("key.pem"));
    let kubeconfig = home.path().join("aws-iam-authenticator.kubeconfig");
    assert_eq!((mode(&key), mode(&cert)), (0o600, 0o644));
    let text = std::fs::read_to_string(&kubeconfig).unwrap();
    assert!(text.contains("server: https://door.example.com:21362/authenticate"), "{text}");
    assert!(text.contains("certificate-authority-data: ") && text.contains("current-context: webhook"), "{text}");

    let before = (std::fs::read(&cert).unwrap(), std::fs::read(&key).unwrap());
    finish(&mut init()).await.success();
    assert_eq!((std::fs::read(&cert).unwrap(), std::fs::read(&key).unwrap()), before);

    // Half a pair is neither used nor completed, and the hint leads on.
    std::fs::remove_file(&cert).unwrap();
    let stderr = finish(&mut init()).await.failure(1).replace(&home.path().display().to_string(), "DIR");
    insta::assert_snapshot!(stderr, @"
    error: no certificate to serve with
    Caused by: there is `./key.pem` but no `./cert.pem`
    hint: put `./cert.pem` there, or run `rm ./key.pem` and try again to have both made
    ");
    assert_eq!(std::fs::read(&key).unwrap(), before.1);
    std::fs::remove_file(&key).unwrap();
    finish(&mut init()).await.success();
    assert_eq!(mode(&key), 0o600);
    assert_ne!(std::fs::read(&cert).unwrap(), before.0);
}

#[tokio::test]
async fn an_unreadable_key_is_one_clear_error() {
    let home = tempfile::TempDir::new().unwrap();
    for name in ["cert.pem", "key.pem"] {
        std::fs::write(home.path().join(name), "not PEM\n").unwrap();
    }
    let mut command = kube_iam();
    let finished = finish(command.current_dir(home.path()).args(["init", "-i", "my-cluster"])).await;
    assert_eq!(finished.code, Some(1), "{finished:?}");
    assert!(finished.stderr.contains("error: ") && finished.stderr.contains("cert.pem"), "{finished:?}");
}

#[tokio::test]
async fn without_a_cluster_id_nothing_is_written() {
    let home = tempfile::TempDir::new().unwrap();
    let stderr = finish(kube_iam().current_dir(home.path()).arg("init")).await.failure(1);
    assert!(stderr.contains("cluster ID not specified"), "{stderr}");
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
}
