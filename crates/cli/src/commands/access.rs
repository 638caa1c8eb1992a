//! `access`: who can do what, from IAM principal to RBAC rule.

use kube_iam_cluster::{ApiError, is_eks, read_policy, resources};
use kube_iam_core::access::{Asked, Resources, Scene, Verdict};
use kube_iam_core::arn::Arn;
use kube_iam_core::authenticator::{Authenticator, Deciding, Mappings};
use kube_iam_core::change::WhomError;
use kube_iam_core::listing::{Filter, Listed, listing};
use kube_iam_core::owners::Owners;
use kube_iam_core::rbac::{Policy, Request};

use crate::args::{
    AccessCommand, AccessListArgs, AnswerForm, CanIArgs, ExplainArgs, QuestionArgs, RightsForm, SourceArgs, WhoCanArgs,
};
use crate::compose;
use crate::exit::Exit;
use crate::mappings::{Cluster, State, Target, exit_of, unread};
use crate::output;
use crate::report::Failure;

/// Runs what was typed.
pub fn run(command: &AccessCommand) -> Result<(), Failure> {
    match command {
        AccessCommand::CanI(args) => match can_i(args).map_err(Failure::no_answer)? {
            Verdict::Yes => Ok(()),
            Verdict::No => Err(Failure::answered(Exit::Failed)),
            Verdict::Unknown => Err(Failure::answered(Exit::Unknown)),
        },
        AccessCommand::WhoCan(args) => who_can(args),
        AccessCommand::Explain(args) => explain(args),
        AccessCommand::List(args) => list(args),
    }
}

/// What the answers are found in.
struct Read {
    /// aws-auth, or why it was not read.
    state: Result<State, String>,
    policy: Policy,
    deciding: Deciding,
    has_entries: bool,
    /// What is asked, if that is a request.
    request: Option<Request>,
}

impl Read {
    fn mappings(&self) -> Result<Mappings, &str> {
        self.state.as_ref().map(State::mappings).map_err(String::as_str)
    }

    /// All of it together.
    fn scene<'a>(&'a self, mappings: &'a Result<Mappings, &'a str>) -> Scene<'a> {
        Scene::new(mappings.as_ref().map_err(|why| *why), self.deciding, self.has_entries, &self.policy)
    }

    /// The rows about somebody, as far as aws-auth can be read.
    fn rows(&self, arn: &Arn) -> Vec<Listed> {
        let document = self.state.as_ref().ok().and_then(|state| state.rows().ok());
        let mut listed =
            document.map(|document| listing(document, &Owners::default(), self.deciding)).unwrap_or_default();
        Filter { principal: Some(arn.to_string()), ..Filter::default() }.apply(&mut listed);
        listed
    }
}

async fn read(args: &SourceArgs, asked: Option<(&Asked, &QuestionArgs)>, only: Option<&str>) -> Result<Read, Failure> {
    let file = args.manifest.as_deref().map(Target::file);
    let from_file = match &file {
        Some(target) => {
            let state = target.read().await?;
            if !state.exists() {
                return Err(Failure::new(format!("{} does not exist", target.name())).exit(Exit::Usage));
            }
            Some(state)
        }
        None => None,
    };
    let cluster = Cluster::open(&args.cluster).await?;
    let namespace = asked.map(|(_, words)| match words.all_namespaces {
        true => None,
        false => Some(words.namespace.as_deref().unwrap_or(cluster.client.default_namespace())),
    });
    let request = async {
        let (asked, _) = asked?;
        Some(request(&cluster, asked, namespace.flatten()).await)
    };
    let (state, read, is_eks, request) = tokio::join!(
        async {
            match from_file {
                Some(state) => Ok(state),
                None => cluster.read().await,
            }
        },
        read_policy(&cluster.client, namespace.flatten().or(only)),
        is_eks(&cluster.client),
        request,
    );
    let state = state.map_err(|error| reachable(&error).map(|()| error.to_string()));
    let state = match state {
        Ok(state) => Ok(state),
        Err(outcome) => Err(outcome?),
    };
    for unread in &read.unread {
        reachable(&unread.error)?;
    }
    let deciding = match (cluster.deciding(args.authenticator), &is_eks) {
        (Deciding::Unknown, Ok(true)) => Deciding::Known(Authenticator::Eks),
        (deciding, _) => deciding,
    };
    let is_eks = deciding == Deciding::Known(Authenticator::Eks) || is_eks.unwrap_or(false);
    let has_entries = is_eks && !cluster.is_without_entries();
    Ok(Read { state, policy: read.policy, deciding, has_entries, request })
}

/// Whoever can't be reached answers nothing.
fn reachable(error: &ApiError) -> Result<(), Failure> {
    if exit_of(error) == Exit::Unreachable { Err(unread(error)) } else { Ok(()) }
}

/// The request that words ask about; the cluster is only asked about names that not
/// every cluster knows.
async fn request(cluster: &Cluster, asked: &Asked, namespace: Option<&str>) -> Request {
    let known = Resources::known();
    if asked.is_known(&known) {
        return asked.request(&known, namespace);
    }
    let served = resources(&cluster.client).await;
    match &served {
        Ok(served) if asked.is_known(served) => {}
        Ok(_) => output::warn("the cluster serves no such resource; rules are searched for it as it was typed"),
        Err(error) => output::warn(&format!("the resource is taken as it was typed: {error}")),
    }
    asked.request(served.as_ref().unwrap_or(&known), namespace)
}

fn arn(text: &str) -> Result<Arn, Failure> {
    text.parse().map_err(|error| {
        let error = WhomError::Arn { text: text.to_owned(), error };
        Failure::of(&error).hint(error.hint()).exit(Exit::Usage)
    })
}

fn asked(args: &QuestionArgs) -> Result<Asked, Failure> {
    Asked::parse(&args.verb, &args.resource, args.name.as_deref())
        .map_err(|error| Failure::of(&error).exit(Exit::Usage))
}

/// A request that was read together with what answers it.
fn taken(read: &Read) -> Result<&Request, Failure> {
    read.request.as_ref().ok_or_else(|| Failure::new("nothing is asked"))
}

fn can_i(args: &CanIArgs) -> Result<Verdict, Failure> {
    let (arn, asked) = (arn(&args.arn)?, asked(&args.question)?);
    let read = compose::runtime()?.block_on(read(&args.source, Some((&asked, &args.question)), None))?;
    let mappings = read.mappings();
    let scene = read.scene(&mappings);
    let answer = scene.can_i(&arn, taken(&read)?);
    output::data(&match args.output {
        AnswerForm::Table => answer.text(),
        AnswerForm::Json => answer.json(),
    })?;
    Ok(answer.verdict)
}

fn who_can(args: &WhoCanArgs) -> Result<(), Failure> {
    let asked = asked(&args.question)?;
    let read = compose::runtime()?.block_on(read(&args.source, Some((&asked, &args.question)), None))?;
    let mappings = read.mappings();
    let scene = read.scene(&mappings);
    let answer = scene.who_can(taken(&read)?);
    output::data(&match args.output {
        AnswerForm::Table => answer.text(),
        AnswerForm::Json => answer.json(),
    })
}

fn explain(args: &ExplainArgs) -> Result<(), Failure> {
    let arn = arn(&args.arn)?;
    let read = compose::runtime()?.block_on(read(&args.source, None, None))?;
    let mappings = read.mappings();
    let scene = read.scene(&mappings);
    let explanation = scene.explain(&arn, read.rows(&arn));
    output::data(&match args.output {
        AnswerForm::Table => explanation.text(),
        AnswerForm::Json => explanation.json(),
    })
}

fn list(args: &AccessListArgs) -> Result<(), Failure> {
    let arn = args.arn.as_deref().map(arn).transpose()?;
    let namespace = args.namespace.as_deref();
    let read = compose::runtime()?.block_on(read(&args.source, None, namespace))?;
    let mappings = read.mappings();
    let scene = read.scene(&mappings);
    let rights = scene.list(arn.as_ref(), namespace);
    let unknown = rights.unknown();
    match args.output {
        RightsForm::Json => return output::data(&rights.json()),
        _ if unknown.is_empty() => {}
        _ => output::tell(&unknown)?,
    }
    match args.output {
        RightsForm::Csv => output::data(&rights.csv()),
        form => output::data(&rights.table(form == RightsForm::Wide)),
    }
}
