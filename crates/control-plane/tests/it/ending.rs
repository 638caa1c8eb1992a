//! However a control plane or its owner ends, nothing is left behind.

#![cfg(target_os = "linux")] // looks into /proc

use std::env;
use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use kube_iam_control_plane::ControlPlane;

use crate::{binaries, own_plane, shared_plane};

/// Long enough for a busy machine; no test waits for it unless it fails.
const LIMIT: Duration = Duration::from_secs(60);

/// The directory with all files of a control plane.
fn directory(control_plane: &ControlPlane) -> &Path {
    control_plane.admin_kubeconfig().parent().unwrap()
}

/// Command lines of the processes that were given a path in `directory`.
fn processes(directory: &Path) -> Vec<String> {
    let directory = directory.to_str().unwrap();
    let entries = fs::read_dir("/proc").unwrap();
    entries
        .filter_map(|entry| fs::read(entry.ok()?.path().join("cmdline")).ok())
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .filter(|line| line.contains(directory))
        .collect()
}

fn runs(processes: &[String], program: &str) -> bool {
    // The supervisors' lines begin with the shell's name.
    processes.iter().any(|line| line.split(' ').next().is_some_and(|name| name.ends_with(program)))
}

fn wait_until_nothing_is_left(directory: &Path) {
    let deadline = Instant::now() + LIMIT;
    while directory.exists() || !processes(directory).is_empty() {
        assert!(
            Instant::now() < deadline,
            "left behind: {directory:?} ({}), {:#?}",
            if directory.exists() { "there" } else { "removed" },
            processes(directory)
        );
        thread::sleep(Duration::from_millis(20));
    }
}

#[tokio::test]
async fn after_stop_nothing_is_left() {
    let Some(plane) = own_plane().await else {
        return;
    };
    let directory = directory(&plane).to_owned();
    let running = processes(&directory);
    assert!(runs(&running, "/etcd") && runs(&running, "/kube-apiserver"), "{running:#?}");
    plane.stop().await;
    assert_eq!(processes(&directory), [""; 0]);
    assert!(!directory.exists());
}

#[tokio::test]
async fn after_drop_nothing_is_left() {
    let Some(plane) = own_plane().await else {
        return;
    };
    let directory = directory(&plane).to_owned();
    drop(plane);
    assert_eq!(processes(&directory), [""; 0]);
    assert!(!directory.exists());
}

/// Set for the process that [`owner`] runs in.
const OWNER: &str = "KUBE_IAM_TEST_CONTROL_PLANE_OWNER";

/// Not a test of its own: a process that has the shared control plane, says where its
/// files are, and returns when its input ends.
#[tokio::test]
#[ignore = "run by the tests below, in a process of its own"]
async fn owner() {
    assert!(env::var_os(OWNER).is_some(), "this is no test of its own");
    let plane = shared_plane().await.expect("the test above has programs");
    writeln!(io::stdout(), "directory={}", directory(&plane).display()).unwrap();
    io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

/// Starts [`owner`] and waits until its control plane runs.
fn start_owner() -> (Child, PathBuf) {
    let mut owner = Command::new(env::current_exe().unwrap())
        .args(["ending::owner", "--exact", "--ignored", "--nocapture"])
        .env(OWNER, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(owner.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("directory=") {
        line.clear();
        assert_ne!(output.read_line(&mut line).unwrap(), 0, "the owner ended without naming its directory");
    }
    // It may still write, and must not find its output closed.
    owner.stdout = Some(output.into_inner());
    let (_, directory) = line.trim_end().split_once("directory=").unwrap();
    let directory = PathBuf::from(directory);
    let running = processes(&directory);
    assert!(runs(&running, "/etcd") && runs(&running, "/kube-apiserver"), "{running:#?}");
    (owner, directory)
}

#[tokio::test]
async fn after_the_owner_is_killed_nothing_is_left() {
    let Some(_) = binaries().await else { return };
    let (mut owner, directory) = start_owner();
    owner.kill().unwrap(); // SIGKILL: the owner can do nothing about it
    owner.wait().unwrap();
    wait_until_nothing_is_left(&directory);
}

#[tokio::test]
async fn after_the_owner_returns_nothing_is_left() {
    let Some(_) = binaries().await else { return };
    let (mut owner, directory) = start_owner();
    drop(owner.stdin.take());
    assert!(owner.wait().unwrap().success());
    wait_until_nothing_is_left(&directory);
}
