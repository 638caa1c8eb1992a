//! A full login, measured: the server against the stand-in, beside the floor.
//!
//! `cargo build --release --workspace && target/release/bench [LOGINS]` prints the table of
//! `docs/performance.md`. Server, floor and load share the machine; the CPU time is the
//! measured process's alone.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use hyper::body::Bytes;
use jiff::{SignedDuration, Timestamp};
use kube_iam_aws::credentials::Credentials;
use kube_iam_aws::presign::{Target, presign};
use kube_iam_core::ids::ClusterId;
use kube_iam_core::partition::StsEndpoint;
use kube_iam_core::secret::Secret;
use kube_iam_dev::{load, process};
use kube_iam_standin::{Key, Principal, Recording, Settings, StandIn};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

const CONNECTIONS: usize = 32;
const KEYS: usize = 64;
const TOKENS: usize = 200;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let logins = std::env::args().nth(1).map_or(Ok(20_000), |text| text.parse()).context("LOGINS is no number")?;
    let directory = tempfile::tempdir()?;
    let standin = StandIn::start(Settings {
        keys: (0..KEYS).map(key).collect(),
        recording: Recording::Off,
        ..Settings::default()
    })
    .await?;
    standin.write_ca(directory.path().join("ca.pem"))?;
    let bodies = bodies(logins)?;

    let (server, address) = start_server(directory.path(), &standin).await?;
    let tls = load::trusting(&std::fs::read(directory.path().join("cert.pem"))?)?;
    // One round to open connections and fill caches of the processor.
    load::run(address, tls.clone(), bodies[..logins / 10].to_vec(), CONNECTIONS).await?;
    let fresh = measure("server, every token at STS", &server, address, &tls, &bodies[logins / 10..]).await?;
    let last = bodies[bodies.len() - 2000..].iter().cycle().take(logins).cloned().collect::<Vec<_>>();
    let cached = measure("server, token known", &server, address, &tls, &last).await?;
    drop(server);

    let (floor, address) = start_floor(directory.path(), &standin).await?;
    load::run(address, tls.clone(), bodies[..logins / 10].to_vec(), CONNECTIONS).await?;
    let least = measure("floor", &floor, address, &tls, &bodies[logins / 10..]).await?;
    say(&format!(
        "\nCPU per login / floor: {:.2} with STS, {:.2} with a known token\n",
        fresh.as_secs_f64() / least.as_secs_f64(),
        cached.as_secs_f64() / least.as_secs_f64(),
    ));
    drop(floor);

    let token = wall_time(Command::new(beside("kube-iam")?).args(["token", "-i", "bench"])).await?;
    let nothing = wall_time(&mut Command::new("true")).await?;
    say(&format!(
        "kube-iam token, credentials in the environment: {token:.2?}; a program that does nothing: {nothing:.2?}\n"
    ));
    Ok(())
}

fn key(number: usize) -> Key {
    let principal = Principal::new(
        format!("arn:aws:sts::111122223333:assumed-role/Bench/s{number}"),
        format!("AROABENCH:s{number}"),
    );
    Key {
        session_token: Some(session_token()),
        ..Key::long_term(format!("ASIABENCHMARK{number:07}"), "bench-secret", principal)
    }
}

/// As long as those that STS hands out.
fn session_token() -> String {
    "IQoJb3JpZ2luX2VjEXAMPLE/".repeat(30)
}

/// Reviews of distinct tokens: keys and seconds of the last ten minutes, combined.
fn bodies(count: usize) -> anyhow::Result<Vec<Bytes>> {
    let target = Target::regional("us-east-1", StsEndpoint::default())?;
    let cluster: ClusterId = "bench".parse()?;
    anyhow::ensure!(count <= KEYS * 600, "at most {} logins", KEYS * 600);
    (0..count)
        .map(|index| {
            let credentials = Credentials {
                access_key_id: format!("ASIABENCHMARK{:07}", index % KEYS),
                secret_access_key: Secret::new("bench-secret"),
                session_token: Some(Secret::new(session_token())),
                expires: None,
            };
            let at = Timestamp::now() - SignedDuration::from_secs(i64::try_from(index / KEYS)?);
            let token = presign(&credentials, &target, &cluster, at)?;
            let review = serde_json::json!({
                "kind": "TokenReview", "apiVersion": "authentication.k8s.io/v1",
                "metadata": {"creationTimestamp": null}, "spec": {"token": token.expose()}, "status": {"user": {}},
            });
            Ok(serde_json::to_vec(&review)?.into())
        })
        .collect()
}

/// Puts a load on a process, prints its row, and returns the CPU time per login.
async fn measure(
    what: &str,
    child: &Child,
    address: SocketAddr,
    tls: &rustls::ClientConfig,
    bodies: &[Bytes],
) -> anyhow::Result<Duration> {
    let pid = child.id().context("the process has ended")?;
    let before = process::cpu_time(pid)?;
    let outcome = load::run(address, tls.clone(), bodies.to_vec(), CONNECTIONS).await?;
    let cpu = (process::cpu_time(pid)? - before) / u32::try_from(bodies.len())?;
    anyhow::ensure!(outcome.refused == 0, "{what}: {} of {} were refused", outcome.refused, bodies.len());
    say(&format!(
        "{what:<28} {:>6.1} µs CPU per login  {:>7.0} logins/s  p50 {:>5.2} ms  p99 {:>6.2} ms  peak {:>5.1} MiB\n",
        cpu.as_secs_f64() * 1e6,
        outcome.rate(),
        outcome.within(500).as_secs_f64() * 1e3,
        outcome.within(990).as_secs_f64() * 1e3,
        process::peak_memory(pid)? as f64 / f64::from(1 << 20),
    ));
    Ok(cpu)
}

/// The median time of a process from its start to its end.
async fn wall_time(command: &mut Command) -> anyhow::Result<Duration> {
    let keys = [("AWS_ACCESS_KEY_ID", "ASIABENCHMARK0000000"), ("AWS_SECRET_ACCESS_KEY", "bench-secret")];
    command.env_clear().envs(keys).env("AWS_SESSION_TOKEN", session_token()).env("AWS_REGION", "us-east-1");
    command.stdout(Stdio::null());
    let mut times = Vec::with_capacity(TOKENS);
    for _ in 0..TOKENS {
        let start = Instant::now();
        let status = command.status().await?;
        times.push(start.elapsed());
        anyhow::ensure!(status.success(), "{command:?} failed");
    }
    times.sort_unstable();
    Ok(times[TOKENS / 2])
}

fn beside(name: &str) -> anyhow::Result<PathBuf> {
    Ok(std::env::current_exe()?.with_file_name(name))
}

async fn start_server(directory: &Path, standin: &StandIn) -> anyhow::Result<(Child, SocketAddr)> {
    let config = directory.join("config.yaml");
    std::fs::write(
        &config,
        "clusterID: bench\nserver:\n  mapRoles:\n  - {rolearn: 'arn:aws:iam::111122223333:role/Bench', username: 'b:{{SessionName}}', groups: [g]}\n",
    )?;
    let mut child = Command::new(beside("kube-iam")?)
        .args(["server", "--port", "0", "--health-address", "127.0.0.1:0", "--log-format", "json", "--config"])
        .arg(&config)
        .arg("--state-dir")
        .arg(directory)
        .arg("--generate-kubeconfig")
        .arg(directory.join("webhook.kubeconfig"))
        .env("HTTPS_PROXY", format!("http://{}", standin.proxy_address()))
        .env("SSL_CERT_FILE", directory.join("ca.pem"))
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("build it first: cargo build --release --workspace")?;
    let mut lines = BufReader::new(child.stderr.take().context("no log")?).lines();
    while let Some(line) = lines.next_line().await? {
        if let Some((_, rest)) = line.split_once("listening on ") {
            let address = rest.split('"').next().unwrap_or_default().parse()?;
            // The log is read to the end, as a collector of logs would.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Ok((child, address));
        }
    }
    anyhow::bail!("the server ended")
}

async fn start_floor(directory: &Path, standin: &StandIn) -> anyhow::Result<(Child, SocketAddr)> {
    let file = |name: &str| directory.join(name);
    let mut child = Command::new(beside("floor")?)
        .args([file("cert.pem"), file("key.pem"), file("ca.pem")])
        .arg(standin.address().to_string())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut lines = BufReader::new(child.stdout.take().context("no output")?).lines();
    let port: u16 = lines.next_line().await?.context("the floor ended")?.parse()?;
    Ok((child, ([127, 0, 0, 1], port).into()))
}

#[expect(clippy::print_stdout, reason = "the table is what this program is for")]
fn say(text: &str) {
    print!("{text}");
}
