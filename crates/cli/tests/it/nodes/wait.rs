//! `nodes wait`.

use std::process::Stdio;
use std::time::Duration;

use kube_iam_control_plane::ControlPlane;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::{join, report};
use crate::mappings::{control_plane, kubectl, on, run};
use crate::process::{Finished, finish, kube_iam};

/// Longer than anything takes here.
const PATIENCE: Duration = Duration::from_secs(120);

/// A command that waits, line by line.
struct Waiting {
    child: Child,
    lines: tokio::io::Lines<BufReader<tokio::process::ChildStdout>>,
}

impl Waiting {
    fn start(control_plane: &ControlPlane, args: &[&str]) -> Self {
        let mut command = on(control_plane, &[&["nodes", "wait", "-o", "json"], args].concat());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// The next event; its time is looked at and left out.
    async fn event(&mut self) -> Value {
        let line = timeout(PATIENCE, self.lines.next_line()).await.expect("an event").unwrap().expect("an event");
        let mut event: Value = serde_json::from_str(&line).unwrap();
        let time = event.as_object_mut().unwrap().remove("time").unwrap();
        assert!(time.as_str().unwrap().parse::<jiff::Timestamp>().is_ok(), "{time}");
        event
    }

    async fn end(mut self) -> Finished {
        assert_eq!(self.lines.next_line().await.unwrap(), None);
        Finished::from(timeout(PATIENCE, self.child.wait_with_output()).await.expect("an end").unwrap())
    }
}

fn event(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[tokio::test]
async fn nodes_are_seen_as_they_come_go_and_turn_ready() {
    let Some(control_plane) = control_plane().await else { return };
    join(&control_plane, "a", "aws:///eu-west-1a/i-0123456789abcdef0").await;
    let mut waiting = Waiting::start(&control_plane, &["--count", "2"]);
    assert_eq!(waiting.event().await, event(r#"{"type":"joined","node":"a","ready":false}"#));
    report(&control_plane, "a", "True", "").await;
    assert_eq!(waiting.event().await, event(r#"{"type":"ready","node":"a"}"#));
    join(&control_plane, "b", "aws:///eu-west-1a/i-1123456789abcdef0").await;
    assert_eq!(waiting.event().await, event(r#"{"type":"joined","node":"b","ready":false}"#));
    report(&control_plane, "a", "False", "cni plugin not initialized").await;
    assert_eq!(waiting.event().await, event(r#"{"type":"notReady","node":"a"}"#));
    kubectl(&control_plane, &["delete", "node", "b"], "").await.success();
    assert_eq!(waiting.event().await, event(r#"{"type":"deleted","node":"b"}"#));
    join(&control_plane, "c", "aws:///eu-west-1a/i-2123456789abcdef0").await;
    assert_eq!(waiting.event().await, event(r#"{"type":"joined","node":"c","ready":false}"#));
    report(&control_plane, "c", "True", "").await;
    assert_eq!(waiting.event().await, event(r#"{"type":"ready","node":"c"}"#));

    // Who waits for all of them learns at the end which one is missing, and why.
    let late = run(&control_plane, &["nodes", "wait", "--timeout", "1s"]).await;
    let said = late.failure(1);
    assert!(said.contains("a is there, and not ready\nc is there, and ready\n"), "{said}");
    assert!(said.contains("error: the time is up after 1 s: 1 of 2 nodes ready\n"), "{said}");
    assert!(said.contains("Caused by: a is not ready: cni plugin not initialized\n"), "{said}");
    assert!(said.contains("hint: `kube-iam nodes why`"), "{said}");
    let joined = run(&control_plane, &["nodes", "wait", "--for", "joined"]).await;
    assert_eq!(joined.success(), "2 of 2 nodes joined\n");
    let late = Waiting::start(&control_plane, &["--count", "5", "--timeout", "0s"]);
    let mut late = late;
    assert_eq!(late.event().await["type"], "joined");
    assert_eq!(late.event().await["type"], "joined");
    let last = late.event().await;
    assert_eq!((&last["type"], &last["come"], &last["wanted"]), (&"timeout".into(), &1.into(), &5.into()));
    assert_eq!(last["missing"][0], "3 nodes have not joined");
    assert_eq!(late.end().await.code, Some(1));

    report(&control_plane, "a", "True", "").await;
    assert_eq!(waiting.event().await, event(r#"{"type":"ready","node":"a"}"#));
    assert_eq!(waiting.event().await, event(r#"{"type":"reached","come":2,"wanted":2}"#));
    assert_eq!(waiting.end().await.code, Some(0));

    let forbidden = run(&control_plane, &["nodes", "wait", "--as", "nobody"]).await.failure(1);
    assert!(forbidden.contains("could not read the nodes") && forbidden.contains("`list` on `nodes`"), "{forbidden}");

    // A server that goes away is waited for, and then it is the reason.
    let mut left_alone = Waiting::start(&control_plane, &["--count", "9", "--timeout", "30s"]);
    assert_eq!(left_alone.event().await["type"], "joined");
    assert_eq!(left_alone.event().await["type"], "joined");
    control_plane.stop().await;
    assert_eq!(left_alone.event().await["type"], "unreachable");
    while left_alone.event().await["type"] != "timeout" {}
    let said = left_alone.end().await;
    assert_eq!(said.code, Some(3), "{said:?}");
    assert!(said.stderr.contains("can't be reached") && said.stderr.contains("7 nodes have not joined"), "{said:?}");
}

#[tokio::test]
async fn a_cluster_that_is_not_there_is_said_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("kubeconfig");
    let port = crate::cluster::free_port();
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters:\n- name: c\n  cluster: {{server: 'https://127.0.0.1:{port}'}}\ncontexts:\n- name: c\n  context: {{cluster: c, user: u}}\nusers:\n- name: u\n  user: {{token: x}}\n"
    );
    std::fs::write(&kubeconfig, text).unwrap();
    for command in ["wait", "list", "why", "apply"] {
        let mut command_line = kube_iam();
        let flags: &[&str] = if command == "apply" { &["--yes", "--role-arn", super::ROLE] } else { &[] };
        command_line
            .args(["nodes", command])
            .args(flags)
            .arg("--kubeconfig")
            .arg(&kubeconfig)
            .env("NO_PROXY", "127.0.0.1");
        let said = finish(&mut command_line).await.failure(3);
        assert!(said.contains("can't be reached") && said.contains("hint: "), "{command}: {said}");
    }
}

/// The command line of a command that waits.
fn waits(control_plane: &ControlPlane, flags: &str) -> String {
    let kubeconfig = control_plane.admin_kubeconfig().display();
    format!("{} nodes wait --kubeconfig {kubeconfig} {flags}", env!("CARGO_BIN_EXE_kube-iam"))
}

/// A line for the shell, in a terminal of its own.
fn in_terminal(line: &str) -> Command {
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--command", line, "/dev/null"]);
    script.env("TERM", "xterm").env("NO_PROXY", "127.0.0.1,localhost").env_remove("NO_COLOR").kill_on_drop(true);
    script.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    script
}

#[tokio::test]
async fn the_view_is_drawn_in_place_however_low_the_terminal_is() {
    let Some(control_plane) = control_plane().await else { return };
    for number in 0..7 {
        join(&control_plane, &format!("n{number}"), &format!("aws:///eu-west-1a/i-{number}123456789abcdef0")).await;
    }
    let mut seen = Vec::new();
    let wait = waits(&control_plane, "--count 9 --timeout 4s");
    let resumed = format!("6 cols 40; {wait} & sleep 2; kill -CONT $!; wait $!");
    for line in [format!("6 cols 40; {wait}"), format!("3 cols 40; {wait}"), resumed] {
        let mut command = in_terminal(&format!("stty rows {line}"));
        seen.push(timeout(PATIENCE, command.output()).await.expect("it ends").unwrap());
    }
    let seen: Vec<_> = seen.iter().map(|output| String::from_utf8_lossy(&output.stdout)).collect();
    assert!(seen[0].contains("0 of 9 nodes ready after 2 s") && seen[0].contains("  and 5 more\r\n"), "{seen:?}");
    // Four lines are drawn, and taken back before the next ones.
    let erased: Vec<&str> = seen[0]
        .split("\x1b[")
        .filter_map(|text| text.split_once('F'))
        .map(|(lines, _)| lines)
        .filter(|lines| lines.parse::<u8>().is_ok())
        .collect();
    assert!(erased.len() >= 2 && erased.iter().all(|lines| *lines == "4"), "{seen:?}");
    // Whatever was drawn before the shell had the terminal stays.
    let left = |seen: &str| seen.matches("\x1b[?7l").count() - seen.matches("\x1b[4F").count();
    assert_eq!((left(&seen[0]), left(&seen[2])), (0, 1), "{seen:?}");
    // In three rows there are plain lines alone.
    assert!(seen[1].contains("n6 is there, and not ready\r\n") && !seen[1].contains("\x1b[?7l"), "{seen:?}");
    control_plane.stop().await;
}

#[tokio::test]
async fn ctrl_c_ends_it_with_130_and_leaves_the_terminal_as_it_was() {
    let Some(control_plane) = control_plane().await else { return };
    join(&control_plane, "a", "aws:///eu-west-1a/i-0123456789abcdef0").await;
    // The modes of the terminal before and after, as the terminal's driver has them. Ctrl-C reaches the shell
    // as well; with a trap it goes on, and a trap with a command is not handed down to the program.
    let wait = waits(&control_plane, "--count 2");
    let line = format!("trap : INT; echo modes $(stty -g); {wait}; echo ended with $?; echo modes $(stty -g)");
    let mut child = in_terminal(&line).spawn().unwrap();
    let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut seen = String::new();
    let read = async |stdout: &mut tokio::process::ChildStdout, seen: &mut String| {
        let mut bytes = [0; 4096];
        let count = stdout.read(&mut bytes).await.unwrap();
        seen.push_str(&String::from_utf8_lossy(&bytes[..count]));
        count > 0
    };
    let until_second_drawing = async {
        while !seen.contains("0 of 2 nodes ready after 2 s") {
            assert!(read(&mut stdout, &mut seen).await, "{seen}");
        }
    };
    timeout(PATIENCE, until_second_drawing).await.expect("the view is drawn anew");
    assert!(seen.contains("a is there, and not ready"), "{seen:?}");
    stdin.write_all(b"\x03").await.unwrap();
    let to_the_end = async { while read(&mut stdout, &mut seen).await {} };
    timeout(PATIENCE, to_the_end).await.expect("it ends");
    child.wait().await.unwrap();
    assert!(seen.contains("error: interrupted: 0 of 2 nodes ready\r\nended with 130\r\n"), "{seen:?}");
    // Every drawing turns wrapping on again, and no other mode is touched.
    assert_eq!(seen.matches("\x1b[?7l").count(), seen.matches("\x1b[?7h").count());
    assert!(seen.rfind("\x1b[?7l") < seen.rfind("\x1b[?7h") && !seen.contains("\x1b[?25l"), "{seen:?}");
    let modes: Vec<_> = seen.lines().filter_map(|line| line.strip_prefix("modes ")).collect();
    assert!(modes.len() == 2 && !modes[0].is_empty() && modes[0] == modes[1], "{seen:?}");
    control_plane.stop().await;
}
