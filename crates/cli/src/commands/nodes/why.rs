//! `nodes why`: what keeps nodes out, and what to do.

use anstyle::{AnsiColor, Style};
use jiff::Timestamp;
use kube_iam_core::finding::Severity;
use kube_iam_core::ids::InstanceId;
use kube_iam_core::nodes::{AwsAuth, Diagnosis, Scene, Stray, why};

use super::{Read, logins, read};
use crate::args::{NodesWhyArgs, WhyForm};
use crate::compose;
use crate::exit::Exit;
use crate::output;
use crate::report::Failure;

/// Prints what keeps a node out; fails if anything does, or if that is not known.
pub fn run(args: &NodesWhyArgs) -> Result<(), Failure> {
    let asked = args.node.as_deref();
    let (read, instance, logins) = compose::runtime()?.block_on(async {
        let mut read = read(&args.cluster).await?;
        let instance = stray(&mut read, asked).await;
        let logins = logins(&read.cluster, Timestamp::now()).await;
        Ok::<_, Failure>((read, instance, logins))
    })?;
    let Read { cluster, state, nodes, .. } = read;
    let aws_auth = match state.rows() {
        _ if !state.exists() => AwsAuth::Absent,
        Ok(document) => AwsAuth::Read(document),
        Err(problems) => AwsAuth::Unreadable(problems),
    };
    let deciding = cluster.deciding(args.authenticator);
    let scene = Scene { aws_auth, nodes: &nodes, instance: instance.as_ref(), logins: logins.as_ref(), deciding };
    let found = why(&scene, asked)
        .map_err(|error| Failure::of(&error).hint("`kube-iam nodes list` shows all nodes".to_owned()))?;
    let whom = asked.unwrap_or("any node");
    match args.output {
        WhyForm::Json => output::data(&format!("{}\n", serde_json::to_string_pretty(&found).unwrap_or_default()))?,
        WhyForm::Text if found.is_empty() => output::data(&format!("nothing keeps {whom} out\n"))?,
        WhyForm::Text => output::data(&found.iter().map(text).collect::<String>())?,
    }
    let blocks = found.iter().filter(|one| one.finding.severity == Severity::Block).count();
    match blocks {
        0 if found.iter().any(Diagnosis::is_open) => {
            Err(Failure::new(format!("what keeps {whom} out is not known")).exit(Exit::Unknown))
        }
        0 => Ok(()),
        1 => Err(Failure::new(format!("one thing keeps {whom} out"))),
        count => Err(Failure::new(format!("{count} things keep {whom} out"))),
    }
}

/// What AWS says of an instance that was asked about and that no node runs on.
async fn stray(read: &mut Read, asked: Option<&str>) -> Option<Stray> {
    let id: InstanceId = asked?.parse().ok()?;
    if read.nodes.iter().any(|node| node.instance_id().as_ref() == Some(&id)) {
        return None;
    }
    let (stray, failure) = read.fleet.instance(&id, &read.nodes).await;
    // Where nodes were asked about in vain the reason has been said.
    if let Some(failure) = failure.filter(|_| read.unasked.is_none()) {
        output::note(&format!("not all is known of {id}: {failure}"));
    }
    stray
}

/// One thing, with the next command below.
fn text(one: &Diagnosis) -> String {
    let finding = &one.finding;
    let style = match finding.severity {
        Severity::Block => AnsiColor::Red.on_default().bold(),
        Severity::Warn => AnsiColor::Yellow.on_default(),
        Severity::Note => Style::new().dimmed(),
    };
    let (word, hint) = (finding.severity.as_str(), finding.hint.as_deref().unwrap_or_default());
    format!("{style}{word}:{style:#} {}: {} [{}]\n  next: {hint}\n", one.about, finding.message, finding.rule)
}
