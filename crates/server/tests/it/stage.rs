//! A running server with scripted ports, a clock that is set by hand, and
//! everything that it logs.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use jiff::Timestamp;
use kube_iam_core::aws_auth::{Rows, Section, read_section};
use kube_iam_core::ids::ClusterId;
use kube_iam_core::mapping::Backend;
use kube_iam_core::ports::{Instances, StatusStore};
use kube_iam_server::{Ports, Running, Server, Settings, StartError, StaticMappings};
use tempfile::TempDir;

use crate::client::Client;
use crate::scripted::{Act, Asked, Director, ScriptedInstances, ScriptedSource, ScriptedStatus, ScriptedSts};
use crate::tokens::START;

/// A server and what is around it.
pub(crate) struct Stage {
    /// Removed at the end.
    pub(crate) dir: TempDir,
    /// STS.
    pub(crate) sts: Arc<ScriptedSts>,
    /// Directs aws-auth.
    pub(crate) aws_auth: Director,
    /// The server.
    pub(crate) running: Running,
    seconds: Arc<AtomicI64>,
}

/// Settings of a stage: everything in one directory, ports of the system's choice.
pub(crate) fn settings(dir: &TempDir) -> Settings {
    log_everything();
    let cluster_id: ClusterId = "my-cluster".parse().unwrap();
    let mut settings = Settings::new(cluster_id, dir.path());
    settings.port = 0;
    settings.health_address = Some(([127, 0, 0, 1], 0).into());
    settings.generate_kubeconfig = Some(dir.path().join("webhook.yaml"));
    settings
}

/// Rows of mapRoles that map each role of account 111122223333 to the username.
pub(crate) fn roles(rows: &[(&str, &str)]) -> String {
    let row = |(role, username): &(&str, &str)| {
        format!("- {{rolearn: 'arn:aws:iam::111122223333:role/{role}', username: '{username}', groups: [g]}}\n")
    };
    rows.iter().map(row).collect()
}

/// The same, as rows read from a configuration file.
pub(crate) fn rows(rows: &[(&str, &str)]) -> Vec<Rows> {
    vec![read_section(Section::MapRoles, &roles(rows)).unwrap()]
}

/// A configuration file with these rows.
pub(crate) fn mounted_file(list: &[(&str, &str)]) -> StaticMappings {
    StaticMappings { mounted_file: rows(list), ..StaticMappings::default() }
}

impl Stage {
    /// A server whose MountedFile lets role `Dev` in as `dev:{{SessionName}}`,
    /// with an STS that takes every token for a session of that role.
    pub(crate) async fn new() -> Self {
        Self::with(|_| Act::role("Dev", "bob"), |_| {}).await
    }

    /// The same with another STS and other settings.
    pub(crate) async fn with(
        sts: impl Fn(&Asked) -> Act + Send + Sync + 'static,
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut settings = settings(&dir);
        settings.mappings = mounted_file(&[("Dev", "dev:{{SessionName}}")]);
        change(&mut settings);
        Self::start(dir, settings, sts).await.unwrap()
    }

    /// A server that reads aws-auth alone.
    pub(crate) async fn with_aws_auth(change: impl FnOnce(&mut Settings)) -> Self {
        Self::with(
            |_| Act::role("Dev", "bob"),
            |settings| {
                settings.backends = vec![Backend::EksConfigMap];
                settings.mappings = StaticMappings::default();
                change(settings);
            },
        )
        .await
    }

    /// The same, of nodes whose sessions are those of role `Node`, with EC2 behind it.
    pub(crate) async fn of_nodes(
        instances: &Arc<ScriptedInstances>,
        sts: impl Fn(&Asked) -> Act + Send + Sync + 'static,
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut settings = settings(&dir);
        settings.mappings = mounted_file(&[("Node", "system:node:{{EC2PrivateDNSName}}")]);
        change(&mut settings);
        let instances: Arc<dyn Instances> = Arc::clone(instances) as _;
        Self::start_with(dir, settings, sts, |ports| ports.instances = Some(instances)).await.unwrap()
    }

    /// The same as [`Stage::with`], and it publishes the logins of nodes.
    pub(crate) async fn publishing(
        store: &Arc<ScriptedStatus>,
        sts: impl Fn(&Asked) -> Act + Send + Sync + 'static,
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut settings = settings(&dir);
        change(&mut settings);
        let status: Arc<dyn StatusStore> = Arc::clone(store) as _;
        Self::start_with(dir, settings, sts, |ports| ports.status = Some(status)).await.unwrap()
    }

    /// Any server.
    pub(crate) async fn start(
        dir: TempDir,
        settings: Settings,
        sts: impl Fn(&Asked) -> Act + Send + Sync + 'static,
    ) -> Result<Self, StartError> {
        Self::start_with(dir, settings, sts, |_| {}).await
    }

    async fn start_with(
        dir: TempDir,
        settings: Settings,
        sts: impl Fn(&Asked) -> Act + Send + Sync + 'static,
        change: impl FnOnce(&mut Ports),
    ) -> Result<Self, StartError> {
        let seconds = Arc::new(AtomicI64::new(START.parse::<Timestamp>().unwrap().as_second()));
        let sts = Arc::new(ScriptedSts::new(sts));
        let (source, aws_auth) = ScriptedSource::new();
        let mut ports = ports(&sts, source, &seconds);
        change(&mut ports);
        let running = Server::start(settings, ports).await?;
        Ok(Self { dir, sts, aws_auth, running, seconds })
    }

    /// Ends the server and starts another one on the same directory, the clock
    /// going on.
    pub(crate) async fn restart(self, change: impl FnOnce(&mut Settings)) -> Self {
        let Self { dir, sts, running, seconds, .. } = self;
        running.shutdown().await;
        let mut settings = settings(&dir);
        settings.backends = vec![Backend::EksConfigMap];
        change(&mut settings);
        let (source, aws_auth) = ScriptedSource::new();
        let running = Server::start(settings, ports(&sts, source, &seconds)).await.unwrap();
        Self { dir, sts, aws_auth, running, seconds }
    }

    /// Sets the clock forward.
    pub(crate) fn advance(&self, time: Duration) {
        self.seconds.fetch_add(time.as_secs() as i64, Ordering::Relaxed);
    }

    pub(crate) fn certificate(&self) -> PathBuf {
        self.dir.path().join("cert.pem")
    }

    pub(crate) async fn http1(&self) -> Client {
        Client::http1(self.running.address(), &self.certificate()).await
    }

    pub(crate) async fn http2(&self) -> Client {
        Client::http2(self.running.address(), &self.certificate()).await
    }

    /// A client of the listener for health.
    pub(crate) async fn health(&self) -> Client {
        Client::plain(self.running.health_address().unwrap()).await
    }

    /// The value of a series, 0 if there is none.
    pub(crate) async fn metric(&self, series: &str) -> u64 {
        let page = self.health().await.get("/metrics").await.body;
        let line = page.lines().find(|line| line.strip_prefix(series).is_some_and(|rest| rest.starts_with(' ')));
        line.map_or(0, |line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap() as u64)
    }
}

fn ports(sts: &Arc<ScriptedSts>, source: ScriptedSource, seconds: &Arc<AtomicI64>) -> Ports {
    let (sts, seconds) = (Arc::clone(sts), Arc::clone(seconds));
    Ports {
        sts,
        aws_auth: Some(Box::new(source)),
        instances: None,
        status: None,
        clock: Arc::new(move || Timestamp::from_second(seconds.load(Ordering::Relaxed)).unwrap()),
    }
}

/// Waits until a condition holds; fails after a time that is never needed.
pub(crate) async fn eventually<F: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> F) {
    for _ in 0..3000 {
        if condition().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it never came true that {what}");
}

/// Keeps this thread out of the log as long as the value lives: thousands of
/// requests at the most verbose level are slow.
pub(crate) fn quiet() -> tracing::subscriber::DefaultGuard {
    tracing::subscriber::set_default(tracing::subscriber::NoSubscriber::new())
}

static LOG: OnceLock<Arc<Mutex<Vec<u8>>>> = OnceLock::new();

/// Everything that was logged by this process at any level.
pub(crate) fn log() -> String {
    String::from_utf8_lossy(&log_everything().lock().unwrap()).into_owned()
}

/// The lines of the log that hold every one of these texts.
pub(crate) fn log_lines(texts: &[&str]) -> Vec<String> {
    let log = log();
    let lines = log.lines().filter(|line| texts.iter().all(|text| line.contains(text)));
    lines.map(str::to_owned).collect()
}

fn log_everything() -> &'static Arc<Mutex<Vec<u8>>> {
    LOG.get_or_init(|| {
        let log: Arc<Mutex<Vec<u8>>> = Arc::default();
        let writer = Arc::clone(&log);
        tracing_subscriber::fmt()
            .with_ansi(false)
            .with_max_level(tracing::level_filters::LevelFilter::TRACE)
            .with_writer(move || Pen(Arc::clone(&writer)))
            .init();
        log
    })
}

struct Pen(Arc<Mutex<Vec<u8>>>);

impl io::Write for Pen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
