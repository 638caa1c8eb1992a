//! A running `kube-iam server`.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::aws::Aws;
use crate::people::CLUSTER;
use crate::process::kube_iam;
use crate::secrets;

/// How long to wait for what must happen; nothing is measured with it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until a condition holds, looking again and again.
pub(crate) async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let look = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    };
    tokio::time::timeout(PATIENCE, look).await.unwrap_or_else(|_| panic!("never happened: {what}"))
}

/// A directory with a configuration, key, certificate and webhook kubeconfig.
pub(crate) struct Home {
    pub(crate) directory: TempDir,
}

impl Home {
    /// Lays out a home for a server with these keys under `server:`.
    pub(crate) fn new(server_keys: &str) -> Self {
        let home = Self { directory: TempDir::new().unwrap() };
        home.configure(server_keys);
        home
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes the configuration file anew.
    pub(crate) fn configure(&self, server_keys: &str) {
        let mut text = format!("clusterID: {CLUSTER}\nserver:\n");
        for line in server_keys.lines() {
            writeln!(text, "  {line}").unwrap();
        }
        let (new, config) = (self.path("config.yaml.new"), self.path("config.yaml"));
        std::fs::write(&new, text).unwrap();
        std::fs::rename(new, config).unwrap();
    }

    /// Says something to whoever runs the tests with `--nocapture`.
    #[expect(clippy::print_stderr, reason = "tests have no other way to tell a figure")]
    pub(crate) fn note(&self, text: &str) {
        eprintln!("{text}");
    }

    /// The server's command line, with every path inside this home.
    pub(crate) fn command(&self, aws: &Aws) -> Command {
        let mut command = kube_iam();
        command.envs(aws.server_environment()).arg("server").arg("--config").arg(self.path("config.yaml"));
        command.arg("--state-dir").arg(self.directory.path());
        command.arg("--generate-kubeconfig").arg(self.path("webhook.kubeconfig"));
        command.args(["--health-address", "127.0.0.1:0", "--log-format", "json", "--log-verbosity", "trace"]);
        command
    }
}

/// A running server process.
pub(crate) struct Webhook {
    child: Child,
    log: Arc<Mutex<String>>,
    port: u16,
    pub(crate) health: String,
    certificate: PathBuf,
}

impl Webhook {
    /// Starts a server on a free port in a home.
    pub(crate) async fn start(home: &Home, aws: &Aws) -> Self {
        Self::run(home, home.command(aws).args(["--port", "0"])).await
    }

    /// Starts a server with these mappings, in a home and an AWS of its own.
    pub(crate) async fn with_mappings(server_keys: &str) -> (Aws, Home, Self) {
        let aws = Aws::start().await;
        let home = Home::new(server_keys);
        let webhook = Self::start(&home, &aws).await;
        (aws, home, webhook)
    }

    /// Starts a server as the command says, and waits until it listens.
    pub(crate) async fn run(home: &Home, command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let sink = Arc::clone(&log);
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                let mut sink = sink.lock().unwrap();
                sink.push_str(&line);
                sink.push('\n');
            }
        });
        let found = eventually("the server listens", async || {
            let text = log.lock().unwrap().clone();
            if let Ok(Some(status)) = child.try_wait() {
                panic!("the server ended with {status}:\n{text}");
            }
            let address = |message: &str| {
                let line = text
                    .lines()
                    .filter_map(|line| serde_json::from_str::<Value>(line).ok())
                    .find(|line| line["message"].as_str().is_some_and(|text| text.starts_with(message)))?;
                line["message"].as_str()?.rsplit(' ').next().map(str::to_string)
            };
            let webhook = address("listening on ")?;
            Some((webhook.rsplit(':').next()?.parse().ok()?, address("health on ")?))
        });
        let (port, health) = found.await;
        Self { child, log, port, health, certificate: home.path("cert.pem") }
    }

    /// A server that somebody else has started, and whose log they read.
    pub(crate) fn at(home: &Home, child: Child, port: u16) -> Self {
        Self { child, log: Arc::default(), port, health: String::new(), certificate: home.path("cert.pem") }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// Everything logged so far, searched for secrets.
    pub(crate) fn log(&self) -> String {
        let log = self.log.lock().unwrap().clone();
        secrets::assert_none_in("the server's log", &log);
        log
    }

    /// Waits for a line in the log.
    pub(crate) async fn logged(&self, text: &str) -> String {
        eventually(&format!("`{text}` is logged"), async || {
            self.log().lines().find(|line| line.contains(text)).map(str::to_string)
        })
        .await
    }

    /// Asks about a token as kube-apiserver does, with curl.
    pub(crate) async fn review(&self, token: &str) -> Answer {
        let body = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token}});
        self.post("/authenticate", &body.to_string()).await
    }

    /// Posts a body to a path.
    pub(crate) async fn post(&self, path: &str, body: &str) -> Answer {
        self.post_by(&["--http1.1"], path, body).await
    }

    /// Posts a body to a path, with more options for curl.
    pub(crate) async fn post_by(&self, options: &[&str], path: &str, body: &str) -> Answer {
        let mut curl = self.curl(path);
        curl.args(options);
        let finished = crate::process::finish_with_input(curl.args(["--data-binary", "@-"]), body).await;
        Answer::parse(&finished.stdout)
    }

    /// Fetches a path.
    pub(crate) async fn fetch(&self, path: &str) -> Answer {
        Answer::parse(&crate::process::finish(self.curl(path).arg("--http1.1")).await.stdout)
    }

    fn curl(&self, path: &str) -> Command {
        let mut command = Command::new("curl");
        command.args(["--silent", "--show-error", "--include", "--max-time", "30", "--noproxy", "*"]);
        command.arg("--cacert").arg(&self.certificate).arg(format!("https://localhost:{}{path}", self.port));
        command.kill_on_drop(true);
        command
    }

    /// Ends it as an init system does, and gives the exit code.
    pub(crate) async fn terminate(mut self) -> Option<i32> {
        self.signal("TERM").await;
        let status = tokio::time::timeout(PATIENCE, self.child.wait()).await.expect("it ends").unwrap();
        secrets::assert_none_in("the server's log", &self.log.lock().unwrap());
        status.code()
    }

    /// Sends a signal by its name.
    pub(crate) async fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().await.unwrap().success());
    }

    /// Kills it, as a power cut would.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }
}

/// An HTTP answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) reason: Option<String>,
    pub(crate) body: String,
}

impl Answer {
    fn parse(text: &str) -> Self {
        let text = text.strip_prefix("HTTP/1.1 100 Continue\r\n\r\n").unwrap_or(text);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no HTTP answer: {text:?}"));
        let reason = head.lines().find_map(|line| line.strip_prefix("x-kube-iam-reason: "));
        Self {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            reason: reason.map(str::to_string),
            body: body.to_string(),
        }
    }

    /// The user of a review that was answered with yes.
    pub(crate) fn user(&self) -> Value {
        let review: Value = serde_json::from_str(&self.body).unwrap();
        assert_eq!((self.status, &review["status"]["authenticated"]), (200, &json!(true)), "{self:?}");
        review["status"]["user"].clone()
    }

    /// The reason code of a review that was answered with no.
    pub(crate) fn refusal(&self) -> &str {
        assert!(!self.body.contains("\"authenticated\":true"), "{self:?}");
        self.reason.as_deref().unwrap_or_else(|| panic!("no reason: {self:?}"))
    }
}
