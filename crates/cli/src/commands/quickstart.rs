//! `kube-iam quickstart`: the whole of it on one machine, with nothing real but
//! the signatures, the checks and, where there is one, the control plane.

mod cast;
mod cluster;
mod door;
mod guide;
mod table;
mod webhook;

use std::fmt;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;

use anyhow::Context as _;
use jiff::{SignedDuration, Timestamp};
use kube_iam_aws::presign::{Target, presign};
use kube_iam_core::ids::ClusterId;
use kube_iam_core::partition::StsEndpoint;
use kube_iam_standin::StandIn;
use tokio::sync::watch;

use crate::args::{Global, QuickstartArgs};
use crate::compose;
use crate::logging::{self, Verbosity};
use crate::output;
use crate::report::Failure;
use cast::{SAMPLES, Sample, Staged};
use door::Door;
use webhook::{Answer, Webhook};

/// Runs the quickstart.
pub fn run(global: &Global, args: &QuickstartArgs) -> Result<(), Failure> {
    let _log = logging::start(global.log_format.as_ref(), global.log_verbosity.unwrap_or(Verbosity::ERROR));
    let outcome = compose::runtime()?.block_on(async {
        // From the first moment on, so that nothing is left behind whenever it comes.
        let mut stop = Box::pin(compose::stop_signal()?);
        show(global, args, stop.as_mut()).await
    });
    outcome.map_err(|error| match error.downcast::<Told>() {
        Ok(Told(failure)) => failure,
        Err(error) => Failure::of(error.as_ref()),
    })
}

/// A failure in our words on its way through `anyhow`.
#[derive(Debug)]
struct Told(Failure);

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.line())
    }
}

impl std::error::Error for Told {}

type Stop<'a> = Pin<&'a mut (dyn Future<Output = ()> + 'a)>;

async fn show(global: &Global, args: &QuickstartArgs, stop: Stop<'_>) -> anyhow::Result<()> {
    let directory = tempfile::Builder::new().prefix("kube-iam-quickstart-").tempdir().map_err(|error| {
        let failure = Failure::new("can't make a temporary directory").because(&error);
        Told(failure.hint("let `TMPDIR` name a directory that can be written to".to_string()))
    })?;
    let standin = kube_iam_standin::Settings { keys: SAMPLES.iter().map(Sample::key).collect(), ..Default::default() };
    let standin = StandIn::start(standin).await.context("the stand-in for AWS did not start")?;
    let door = Door::open(global, directory.path(), &standin).await?;

    let webhook = Webhook::new(door.address, &std::fs::read(directory.path().join("cert.pem"))?)?;
    let answers = sign_everybody_in(&webhook).await?;
    say(&table::draw(SAMPLES.iter().zip(&answers)))?;
    let surprises = table::surprises(&answers);
    anyhow::ensure!(surprises.is_empty(), "somebody was not answered as staged: {}", surprises.join("; "));

    let outcome = if args.once { Ok(()) } else { stay(directory.path(), &door, &webhook, answers, stop).await };
    door.close().await?;
    standin.stop().await;
    directory.close().context("the temporary directory could not be removed")?;
    outcome
}

/// Has each sample sign and present a token, honestly or as staged.
async fn sign_everybody_in(webhook: &Webhook) -> anyhow::Result<Vec<Answer>> {
    let target = Target::regional("us-east-1", StsEndpoint::default())?;
    let mut answers = Vec::new();
    for sample in SAMPLES {
        let cluster: ClusterId = match sample.staged {
            Staged::OtherCluster => "another-cluster".parse()?,
            Staged::Honest | Staged::Forged | Staged::Expired => cast::CLUSTER_ID.parse()?,
        };
        let age = if sample.staged == Staged::Expired { SignedDuration::from_mins(20) } else { SignedDuration::ZERO };
        let token = presign(&sample.credentials(), &target, &cluster, Timestamp::now() - age)?;
        answers.push(webhook.review(&token).await?);
    }
    Ok(answers)
}

/// Stays up until Ctrl-C, with a control plane if there can be one.
async fn stay(
    directory: &Path,
    door: &Door,
    webhook: &Webhook,
    answers: Vec<Answer>,
    mut stop: Stop<'_>,
) -> anyhow::Result<()> {
    output::talk("starting a control plane, if kube-apiserver and etcd are found …\n")?;
    let control_plane = tokio::select! {
        () = &mut stop => return Ok(()),
        started = cluster::start(&door.kubeconfig) => started?,
    };
    let guide = match &control_plane {
        Some(control_plane) => {
            let names = cluster::furnish(control_plane, directory).await?;
            guide::with_cluster(directory, control_plane, &names)
        }
        None => guide::without_cluster(directory),
    };
    say(&guide)?;
    let outcome = tokio::select! {
        () = stop => Ok(()),
        failed = show_changes(door.reloads.clone(), webhook, answers) => failed,
    };
    output::talk("\ncleaning up …\n")?;
    if let Some(control_plane) = control_plane {
        control_plane.stop().await;
    }
    outcome
}

/// Has everybody sign in again whenever the mappings have changed, and shows what
/// that changed.
async fn show_changes(
    mut reloads: watch::Receiver<()>,
    webhook: &Webhook,
    mut answers: Vec<Answer>,
) -> anyhow::Result<()> {
    loop {
        if reloads.changed().await.is_err() {
            // Nobody follows the file any more; why, is told when the webhook is closed.
            return Ok(());
        }
        let now = sign_everybody_in(webhook).await?;
        let changed: Vec<_> =
            SAMPLES.iter().zip(&now).zip(&answers).filter(|((_, now), before)| now != before).collect();
        say(&guide::changed(&match changed.is_empty() {
            true => String::new(),
            false => table::draw(changed.into_iter().map(|(row, _)| row)),
        }))?;
        answers = now;
    }
}

fn say(text: &str) -> anyhow::Result<()> {
    Ok(output::data(text).map_err(Told)?)
}
