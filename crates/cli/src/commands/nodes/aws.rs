//! Which roles nodes run under, as AWS has it.

use std::time::Duration;

use jiff::Timestamp;
use kube_iam_aws::cloudformation::{StackError, StackRole, check_name};
use kube_iam_aws::eks::NodegroupError;
use kube_iam_aws::environment::Environment;
use kube_iam_aws::error::CredentialError;
use kube_iam_aws::iam::IamError;
use kube_iam_aws::mfa::{MfaPrompt, NobodyToAsk};
use kube_iam_aws::session::{CallError, Session};
use kube_iam_core::arn::{Arn, InstanceProfileArn};
use kube_iam_core::nodes::{NodeRole, RoleError};
use kube_iam_core::partition::Partition;
use tokio::sync::OnceCell;
use tokio::time::timeout;

use crate::args::NodesApplyArgs;
use crate::commands::mappings::usage;
use crate::compose;
use crate::exit::Exit;
use crate::output;
use crate::report::Failure;
use crate::terminal::Terminal;

/// How long it may take to find out whether a role exists that was given by its ARN.
/// Without an answer the ARN is taken at its word.
const CHECK: Duration = Duration::from_secs(5);

/// All roles that were named, in whatever way, each one checked.
pub async fn roles(args: &NodesApplyArgs) -> Result<Vec<NodeRole>, Failure> {
    let environment = compose::aws_environment(args.target.cluster.profile.as_deref());
    let at_hand = environment.clone().with("AWS_EC2_METADATA_DISABLED", "true");
    let aws = Aws {
        args,
        environment: &environment,
        session: OnceCell::new(),
        at_hand: &at_hand,
        at_hand_session: OnceCell::new(),
    };
    // What can be refused without asking anybody is refused first.
    let given: Vec<_> = args.role_arns.iter().map(|text| (text, aws.parse(text))).collect();
    for (_, parsed) in &given {
        match parsed {
            Ok(_) | Err(RoleError::InstanceProfile(_)) => {}
            Err(error) => return Err(unfit(error)),
        }
    }
    args.stacks.iter().try_for_each(|stack| check_name(stack)).map_err(|error| of_stack(&error))?;
    let mut roles = Vec::new();
    for (text, parsed) in given {
        roles.push(match parsed {
            Ok(role) => aws.checked(role).await?,
            Err(error) => aws.inside(text, &error).await?,
        });
    }
    for stack in &args.stacks {
        let found = aws.session().await?.node_roles_of_stack(stack, Timestamp::now()).await;
        for output in found.map_err(|error| of_stack(&error))? {
            let of_output = |failure: Failure| {
                failure.exit(Exit::Failed).within(&format!("{} holds no role of nodes", named(stack, &output)))
            };
            roles.push(aws.output(stack, &output).await.map_err(of_output)?);
        }
    }
    for nodegroup in &args.nodegroups {
        roles.push(aws.of_nodegroup(nodegroup).await?);
    }
    if args.all_stacks {
        roles.extend(aws.of_all_stacks().await?);
    }
    Ok(roles)
}

/// The way to AWS, opened when it is needed.
struct Aws<'a> {
    args: &'a NodesApplyArgs,
    environment: &'a Environment,
    session: OnceCell<Session<'a>>,
    /// The environment with nothing in it that has to be waited for.
    at_hand: &'a Environment,
    at_hand_session: OnceCell<Session<'a>>,
}

impl<'a> Aws<'a> {
    async fn session(&self) -> Result<&Session<'a>, Failure> {
        self.open().await.map_err(|error| Failure::of(&error).hint(error.hint()).exit(Exit::Unreachable))
    }

    async fn open(&self) -> Result<&Session<'a>, CredentialError> {
        let region = self.args.target.cluster.region.as_deref();
        let prompt = Terminal { interactive: None };
        self.session
            .get_or_try_init(async || Session::open(self.environment, region, Timestamp::now(), &prompt).await)
            .await
    }

    /// A role that was typed is checked with what is at hand: nobody is asked for a code,
    /// and instance metadata, which is not there in most places, is not waited for.
    async fn open_at_hand(&self, now: Timestamp) -> Result<&Session<'a>, CredentialError> {
        if let Some(session) = self.session.get() {
            return Ok(session);
        }
        let region = self.args.target.cluster.region.as_deref();
        self.at_hand_session.get_or_try_init(async || Session::open(self.at_hand, region, now, &Nobody).await).await
    }

    fn parse(&self, text: &str) -> Result<NodeRole, RoleError> {
        NodeRole::parse(text, self.args.kind, self.partition())
    }

    /// The partition of the cluster, by the region that was given, or else by that in which
    /// AWS is asked.
    fn partition(&self) -> Option<Partition> {
        let session = self.session.get().or_else(|| self.at_hand_session.get());
        let region = self.args.target.cluster.region.as_deref().or(session.map(Session::region));
        region.map(Partition::of_region)
    }

    /// The role in an instance profile that was given in place of one.
    async fn inside(&self, text: &str, error: &RoleError) -> Result<NodeRole, Failure> {
        let Ok(profile) = text.parse::<InstanceProfileArn>() else { return Err(unfit(error)) };
        let session = self.open().await.map_err(|cause| unfit(error).because(&cause))?;
        if let Some(cluster) = self.partition().filter(|cluster| *cluster != profile.partition()) {
            return Err(unfit(&RoleError::Partition { text: text.to_owned(), of: profile.partition(), cluster }));
        }
        let role = match session.role_of_instance_profile(profile.name(), Timestamp::now()).await {
            Ok(role) => role,
            Err(IamError::Call(cause)) => return Err(unfit(error).because(&cause).exit(exit_of(&cause))),
            Err(cause) => return Err(Failure::of(&cause).hint(cause.hint())),
        };
        // IAM looks by name, in the account of the credentials.
        if role.account() != profile.account() {
            let what = format!("`{text}` is of another account than `{role}`, which IAM shows for that name");
            return Err(Failure::new(what).hint("use credentials of the account that the nodes run in".to_owned()));
        }
        let parsed = self.parse(role.as_str()).map_err(|error| unfit(&error))?;
        output::note(&format!("`{text}` is an instance profile; the role in it is `{role}`"));
        Ok(parsed)
    }

    /// Refuses a role of which IAM says that there is none. Where IAM can't be asked,
    /// or not at once, that is only noted.
    async fn checked(&self, role: NodeRole) -> Result<NodeRole, Failure> {
        let doubt = match timeout(CHECK, self.existence(role.arn())).await {
            Ok(Existence::Known) => return Ok(role),
            Ok(Existence::Not(failure)) => return Err(failure),
            Ok(Existence::Unknown(why)) => why,
            Err(_) => format!("AWS did not answer within {} s", CHECK.as_secs()),
        };
        output::note(&format!("whether `{}` exists is not known: {doubt}", role.written()));
        Ok(role)
    }

    async fn existence(&self, role: &Arn) -> Existence {
        let Some(name) = role.role_name() else { return Existence::Known };
        let now = Timestamp::now();
        let session = match self.open_at_hand(now).await {
            Ok(session) => session,
            Err(error) => return Existence::Unknown(error.to_string()),
        };
        if let Err(error) = self.parse(role.as_str()) {
            return Existence::Not(unfit(&error));
        }
        let missing = match session.role(name, now).await {
            Ok(found) if found.account() == role.account() => return Existence::Known,
            Ok(found) => return Existence::Unknown(format!("the credentials are of account {}", found.account())),
            Err(error @ IamError::UnknownRole { .. }) => error,
            Err(error) => return Existence::Unknown(error.to_string()),
        };
        // Other accounts have other roles.
        match session.caller().await.map(|caller| caller.account) {
            Ok(account) if account == role.account().as_str() => {
                let what = format!("there is no role `{name}` in account {account}");
                Existence::Not(Failure::new(what).hint(missing.hint()))
            }
            Ok(account) => Existence::Unknown(format!("the credentials are of account {account}")),
            Err(error) => Existence::Unknown(error.to_string()),
        }
    }

    async fn of_nodegroup(&self, nodegroup: &str) -> Result<NodeRole, Failure> {
        // The command line has one where it has node groups.
        let cluster = self.args.target.cluster.cluster.as_deref().unwrap_or_default();
        let role = self.session().await?.node_role_of_nodegroup(cluster, nodegroup, Timestamp::now()).await;
        let role = role.map_err(|error| {
            let exit = match &error {
                NodegroupError::Name(_) => Exit::Usage,
                NodegroupError::Call(error) => exit_of(error),
                _ => Exit::Failed,
            };
            Failure::of(&error).hint(error.hint()).exit(exit)
        })?;
        let parsed = self.parse(&role).map_err(|error| unfit(&error).exit(Exit::Failed))?;
        output::note(&format!("node group `{nodegroup}` runs under `{}`", parsed.arn()));
        Ok(parsed)
    }

    /// The roles of all stacks. Other stacks may use the names of the outputs for
    /// something else: what is no role is left out, and that is said.
    async fn of_all_stacks(&self) -> Result<Vec<NodeRole>, Failure> {
        let session = self.session().await?;
        let stacks = session.node_roles_of_all_stacks(Timestamp::now()).await.map_err(|error| of_stack(&error))?;
        let mut roles = Vec::new();
        for stack in &stacks {
            for output in &stack.roles {
                match self.output(&stack.stack, output).await {
                    Ok(role) => roles.push(role),
                    Err(failure) => {
                        output::warn(&format!("{} is left out: {}", named(&stack.stack, output), failure.line()));
                    }
                }
            }
        }
        if roles.is_empty() {
            let what = format!(
                "no stack in region `{}` has the role of nodes as output `NodeInstanceRole` or `InstanceRoleARN`",
                session.region()
            );
            let hint = "name another region with `--region`, another account by `--profile`, or the role itself with `--role-arn`";
            return Err(Failure::new(what).hint(hint.to_owned()));
        }
        Ok(roles)
    }

    /// The role in an output of a stack.
    async fn output(&self, stack: &str, output: &StackRole) -> Result<NodeRole, Failure> {
        let role = match self.parse(&output.arn) {
            Ok(role) => self.checked(role).await?,
            Err(error) => self.inside(&output.arn, &error).await?,
        };
        output::note(&format!("{} is `{}`", named(stack, output), role.arn()));
        Ok(role)
    }
}

/// Whether a role exists, as far as it can be told.
enum Existence {
    Known,
    Unknown(String),
    Not(Failure),
}

/// What is not needed is not asked for.
struct Nobody;

impl MfaPrompt for Nobody {
    fn ask(&self, _: &str) -> Result<String, NobodyToAsk> {
        Err(NobodyToAsk("nobody is asked for it".to_owned()))
    }
}

fn named(stack: &str, output: &StackRole) -> String {
    format!("output `{}` of stack `{stack}`", output.output)
}

fn unfit(error: &RoleError) -> Failure {
    usage(Failure::of(error).hint(error.hint()))
}

fn of_stack(error: &StackError) -> Failure {
    let exit = match error {
        StackError::Name(_) => Exit::Usage,
        StackError::Call(error) => exit_of(error),
        StackError::Unknown { .. } | StackError::NoRole { .. } => Exit::Failed,
    };
    Failure::of(error).hint(error.hint()).exit(exit)
}

fn exit_of(error: &CallError) -> Exit {
    if error.is_unreachable() { Exit::Unreachable } else { Exit::Failed }
}
