//! A control plane that runs: who gets in, and what it keeps.

use std::fs;

use kube_iam_control_plane::{ControlPlane, ExecApiVersion, ExecUser, InteractiveMode, Options, StartError};
use serde_json::Value;

use crate::{binaries, own_plane, shared_plane, stdout};

#[tokio::test]
async fn the_administrator_is_let_in() {
    let Some(plane) = shared_plane().await else {
        return;
    };
    let namespace = plane.namespace("the_administrator_is_let_in").await;

    let label = "kube-iam-test=the-administrator-is-let-in";
    let found = stdout(plane.kubectl().unwrap().args(["get", "namespaces", "-o", "name", "-l", label])).await;
    assert_eq!(found, format!("namespace/{namespace}\n"));

    let may = ["auth", "can-i", "*", "*", "--all-namespaces"];
    assert_eq!(stdout(plane.kubectl().unwrap().args(may)).await, "yes\n");
}

#[tokio::test]
async fn tests_share_one_but_no_namespace() {
    let Some(plane) = shared_plane().await else {
        return;
    };
    let first = plane.namespace("tests_share_one_but_no_namespace").await;
    let second = plane.namespace("tests_share_one_but_no_namespace").await;
    assert_ne!(first, second);
    assert_eq!(plane.url(), shared_plane().await.unwrap().url());
}

#[tokio::test]
async fn an_exec_plugin_is_asked_in_its_version() {
    let Some(plane) = shared_plane().await else {
        return;
    };
    let admin: Value = serde_json::from_str(&fs::read_to_string(plane.admin_kubeconfig()).unwrap()).unwrap();
    let token = admin["users"][0]["user"]["token"].as_str().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("kubeconfig");

    for (api_version, spelled) in [
        (ExecApiVersion::V1, "client.authentication.k8s.io/v1"),
        (ExecApiVersion::V1beta1, "client.authentication.k8s.io/v1beta1"),
    ] {
        let credential =
            format!(r#"{{"apiVersion":"{spelled}","kind":"ExecCredential","status":{{"token":"'"$TOKEN"'"}}}}"#);
        let user = ExecUser {
            command: "/bin/sh".to_owned(),
            args: vec!["-c".to_owned(), format!("echo '{credential}'")],
            env: vec![("TOKEN".to_owned(), token.to_owned())],
            api_version,
            interactive_mode: InteractiveMode::Never,
        };
        plane.write_kubeconfig(&kubeconfig, &user).unwrap();
        let mut whoami = plane.kubectl().unwrap();
        let who = stdout(whoami.args(["auth", "whoami", "-o", "json"]).env("KUBECONFIG", &kubeconfig)).await;
        let who: Value = serde_json::from_str(&who).unwrap();
        assert_eq!(who["status"]["userInfo"]["username"], "kube-iam-administrator");
        assert_eq!(who["status"]["userInfo"]["groups"][0], "system:masters");
    }
}

#[tokio::test]
async fn a_restarted_apiserver_keeps_url_and_data() {
    let Some(plane) = own_plane().await else {
        return;
    };
    let namespace = plane.namespace("restart").await;
    let log_before = plane.apiserver_log().unwrap();

    plane.stop_apiserver().await;
    let output = plane.kubectl().unwrap().args(["get", "namespaces"]).output().await.unwrap();
    assert!(!output.status.success(), "kube-apiserver still answers");

    plane.restart_apiserver().await.unwrap();
    stdout(plane.kubectl().unwrap().args(["get", "namespace", &namespace])).await;
    assert!(plane.apiserver_log().unwrap().starts_with(&log_before));
    plane.stop().await;
}

#[tokio::test]
async fn two_run_side_by_side() {
    let Some(binaries) = binaries().await else {
        return;
    };
    let (first, second) = tokio::join!(
        ControlPlane::start(&binaries, Options::default()),
        ControlPlane::start(&binaries, Options::default()),
    );
    let (first, second) = (first.unwrap(), second.unwrap());
    let namespace = first.namespace("side_by_side").await;
    let all = ["get", "namespaces", "-o", "name"];
    let name = format!("namespace/{namespace}");
    assert!(stdout(first.kubectl().unwrap().args(all)).await.contains(&name));
    assert!(!stdout(second.kubectl().unwrap().args(all)).await.contains(&name));

    // The certificate of one is nothing to the clients of the other.
    let kubeconfig = fs::read_to_string(first.admin_kubeconfig()).unwrap().replace(first.url(), second.url());
    let folder = tempfile::tempdir().unwrap();
    let mixed = folder.path().join("kubeconfig");
    fs::write(&mixed, kubeconfig).unwrap();
    let output = first.kubectl().unwrap().args(all).env("KUBECONFIG", &mixed).output().await.unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("certificate signed by unknown authority"));
}

#[tokio::test]
async fn a_server_that_does_not_start_shows_its_log() {
    let Some(binaries) = binaries().await else {
        return;
    };
    let options = Options { extra_flags: vec!["--no-such-flag".to_owned()], ..Options::default() };
    match ControlPlane::start(&binaries, options).await {
        Err(StartError::Ended { program: "kube-apiserver", log_tail, .. }) => {
            assert!(log_tail.contains("unknown flag: --no-such-flag"), "{log_tail}");
        }
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("started with a flag that does not exist"),
    }
}

#[tokio::test]
async fn a_port_that_is_taken_is_told_from_other_failures() {
    let Some(plane) = own_plane().await else {
        return;
    };
    plane.stop_apiserver().await;
    let _taken = std::net::TcpListener::bind(plane.url().trim_start_matches("https://")).unwrap();
    let error = plane.start_apiserver().await.unwrap_err();
    // `start` looks for these words before it tries another port.
    assert!(error.to_string().contains("address already in use"), "{error}");
}
