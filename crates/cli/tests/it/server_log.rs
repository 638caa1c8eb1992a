//! What the server says: in its log, in the log's form, and never at the cost of a login.

use std::net::TcpListener;
use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{ChildStderr, Command};

use crate::aws::Aws;
use crate::exec_plugin::token_of;
use crate::people::ADMIN;
use crate::process::{finish, kube_iam};
use crate::webhook::{Home, PATIENCE, Webhook};

const MAPPINGS: &str = "mapRoles:\n- {rolearn: 'arn:aws:iam::111122223333:role/Admin', username: admin}";

/// A server with something to warn of, that can't listen where it is told to.
fn doomed(home: &Home, port: u16) -> Vec<String> {
    let path = |name: &str| home.path(name).display().to_string();
    let words = ["server", "--config", &path("config.yaml"), "--state-dir", &path(""), "--kubeconfig-pregenerated"];
    let words = words.into_iter().map(str::to_string);
    words.chain(["--health-address".into(), "127.0.0.1:0".into(), format!("--port={port}")]).collect()
}

fn taken() -> (TcpListener, u16) {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    (taken, port)
}

#[tokio::test]
async fn in_a_pipe_everything_said_is_json() {
    let (home, (_taken, port)) = (Home::new("prot: 1"), taken());
    let stderr = finish(kube_iam().args(doomed(&home, port))).await.failure(1);
    let lines: Vec<Value> = stderr.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let at = |level: &str| lines.iter().filter(|line| line["level"] == level).collect::<Vec<_>>();
    let [warning] = at("WARN")[..] else { panic!("{stderr}") };
    assert!(warning["warning"].as_str().unwrap().contains("did you mean `server.port`?"), "{stderr}");
    let [error] = at("ERROR")[..] else { panic!("{stderr}") };
    assert_eq!(error["message"], format!("can't listen on 127.0.0.1:{port}"));
    assert_eq!(error["cause"], "Address already in use (os error 98)");
    assert!(error["hint"].as_str().unwrap().contains("`--port`"), "{stderr}");
    assert_eq!(lines.last(), Some(error), "nothing comes after it");
}

#[tokio::test]
async fn on_a_terminal_everything_said_is_text() {
    let (home, (_taken, port)) = (Home::new("prot: 1"), taken());
    // `script` gives its child a terminal of its own.
    let mut script = Command::new("script");
    let line = format!("{} {}", env!("CARGO_BIN_EXE_kube-iam"), doomed(&home, port).join(" "));
    script.args(["--quiet", "--return", "--command", &line, "/dev/null"]).stdin(Stdio::null());
    let finished = finish(&mut script).await;
    assert_eq!(finished.code, Some(1), "{finished:?}");
    let lines: Vec<_> = finished.stdout.lines().collect();
    let one = |level: &str| {
        let found: Vec<_> = lines.iter().filter(|line| line.contains(level)).collect();
        assert_eq!(found.len(), 1, "{finished:?}");
        *found[0]
    };
    assert!(one("WARN").contains("did you mean `server.port`?"), "{finished:?}");
    let error = one("ERROR");
    assert!(error.contains(&format!("can't listen on 127.0.0.1:{port}")) && error.contains("--port"), "{finished:?}");
    assert!(lines.iter().all(|line| !line.starts_with('{') && !line.starts_with("error:")), "{finished:?}");
}

#[tokio::test]
async fn an_unknown_log_format_is_a_warning_and_text() {
    let (home, (_taken, port)) = (Home::new(""), taken());
    let stderr = finish(kube_iam().args(doomed(&home, port)).args(["-l", "xml"])).await.failure(1);
    let (warning, log) = stderr.split_once('\n').unwrap();
    assert_eq!(warning, "warning: unknown log format `xml`; logs are text (known are `text` and `json`)");
    let error = log.lines().last().unwrap();
    assert!(error.contains("ERROR") && error.contains("can't listen on"), "{stderr}");
    assert!(!stderr.contains('{'), "{stderr}");
}

/// More lines than the log keeps for a reader, and than fit into the pipe.
const LINES: usize = 12_000;

#[tokio::test]
async fn a_reader_of_the_log_that_stalls_stops_no_login() {
    let (aws, home) = (Aws::start().await, Home::new(MAPPINGS));
    let mut command = home.command(&aws);
    let mut child = command.args(["--port", "0"]).stderr(Stdio::piped()).spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let port = port_of(&mut log).await;
    // From here on nobody reads.
    let mut curl = Command::new("curl");
    let url = format!("https://localhost:{port}/authenticate?[1-{LINES}]");
    curl.args(["--silent", "--output", "/dev/null", "--noproxy", "*", "--max-time", "30", "--fail-early", "--cacert"])
        .arg(home.path("cert.pem"))
        .arg(url);
    finish(&mut curl).await.success();
    let webhook = Webhook::at(&home, child, port);
    webhook.review(&token_of(ADMIN).await).await.user();

    let end = webhook.terminate();
    let mut rest = String::new();
    let (code, read) = tokio::join!(end, log.read_to_string(&mut rest));
    read.unwrap();
    assert_eq!(code, Some(0));
    crate::secrets::assert_none_in("the server's log", &rest);
    let written = rest.lines().filter(|line| line.contains("review_method")).count();
    assert!(0 < written && written < LINES, "{written} of {LINES} lines were written: the reader has not stalled");
}

async fn port_of(log: &mut BufReader<ChildStderr>) -> u16 {
    let mut line = String::new();
    loop {
        line.clear();
        let read = tokio::time::timeout(PATIENCE, log.read_line(&mut line)).await.unwrap().unwrap();
        assert!(read > 0, "the server ended");
        if let Some((_, port)) = line.trim_end().split_once("listening on 127.0.0.1:") {
            return port.split('"').next().unwrap().parse().unwrap();
        }
    }
}
