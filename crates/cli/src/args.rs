//! The command line: what was typed, nothing more.

mod access;
pub mod eksctl;
pub mod go_flags;
mod init;
mod mappings;
mod nodes;
mod quickstart;
mod server;
mod target;
mod token;
pub mod verbs;
mod verify;

pub use access::{
    AccessArgs, AccessCommand, AccessListArgs, AnswerForm, CanIArgs, ExplainArgs, QuestionArgs, RightsForm, SourceArgs,
    WhoCanArgs,
};
pub use init::InitArgs;
pub use mappings::{
    ApplyArgs, BindArgs, CheckArgs, CheckForm, CreateMappingArgs, DeleteMappingArgs, DesiredArgs, DiffArgs, EditArgs,
    GetMappingsArgs, ListForm, Preset, SetMappingArgs, SubjectArgs,
};
pub use nodes::{
    NodesApplyArgs, NodesArgs, NodesListArgs, NodesResource, NodesWaitArgs, NodesWhyArgs, WaitFor, WaitForm, WhyForm,
};
pub use quickstart::QuickstartArgs;
pub use server::ServerArgs;
pub use target::{ClusterArgs, DryRun, ResultForm, TargetArgs, WriteArgs, rule};
pub use token::TokenArgs;
pub use verify::{VerifyArgs, VerifyOutput};

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use kube_iam_core::ids::ClusterId;

use crate::exit::Exit;
use crate::logging::{LogFormat, Verbosity};
use crate::output;
use crate::report::Failure;

/// Lets AWS IAM users and roles into Kubernetes clusters.
#[derive(Debug, Parser)]
#[command(name = "kube-iam", version, max_term_width = 100, propagate_version = false, arg_required_else_help = true)]
#[command(after_help = "Examples:
  kube-iam quickstart                        watch identities being let in and turned away, here and now
  kube-iam token -i my-cluster               make a token, as kubectl's exec plugin
  kube-iam server -c /etc/kube-iam.yaml      answer kube-apiserver's token reviews")]
pub struct CommandLine {
    /// Flags of every command
    #[command(flatten)]
    pub global: Global,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// Flags of every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Token and webhook")]
pub struct Global {
    /// Configuration file (YAML, JSON or TOML by its extension)
    #[arg(short, long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Refuse a configuration file with unknown keys instead of warning
    #[arg(long, global = true)]
    pub strict_config: bool,
    /// ID of the cluster: tokens are good for this one only [config: clusterID]
    #[arg(short = 'i', long, global = true, value_name = "ID", env = "KUBERNETES_AWS_AUTHENTICATOR_CLUSTER_ID")]
    cluster_id: Option<String>,
    /// Whether that stands on the command line itself, not in the environment.
    #[arg(skip)]
    cluster_id_is_typed: bool,
    /// Form of log lines, text or json [default: text on a terminal, json otherwise]
    #[arg(short = 'l', long, global = true, value_name = "FORMAT")]
    pub log_format: Option<LogFormat>,
    /// Least level to log: panic, fatal, error, warning, info, debug or trace [default: info]
    #[arg(short = 'v', long, global = true, value_name = "LEVEL", env = "AWS_IAM_AUTHENTICATOR_LOG_VERBOSITY")]
    pub log_verbosity: Option<Verbosity>,
    /// Feature gates of aws-iam-authenticator, as `name=true,…`
    #[arg(long, global = true, value_name = "GATES", value_delimiter = ',', value_parser = gate)]
    pub feature_gates: Vec<(Gate, bool)>,
}

impl Global {
    /// The cluster ID from flag, environment or file; it must be somewhere. A flag
    /// that was typed counts also when it is empty, as in the Go authenticator.
    pub fn cluster_id(&self, config: Option<ClusterId>) -> Result<ClusterId, Failure> {
        if self.cluster_id_is_typed && self.cluster_id.as_deref() == Some("") {
            return Err(Failure::new("cluster ID not specified").hint(
                "`--cluster-id` is empty: give it a value, or leave it out to use the configuration file".to_string(),
            ));
        }
        let typed = self.cluster_id.as_deref().filter(|text| !text.is_empty());
        let typed = typed
            .map(str::parse)
            .transpose()
            .map_err(|error| Failure::new("the cluster ID can't be used").because(&error))?;
        typed.or(config).ok_or_else(|| {
            Failure::new("cluster ID not specified")
                .hint("add `--cluster-id ID`, or set `clusterID` in the configuration file".to_string())
        })
    }

    /// Flags of a command that runs inside another, with a file of its own.
    pub fn inner(&self, config: PathBuf) -> Self {
        Self {
            config: Some(config),
            strict_config: true,
            cluster_id: None,
            cluster_id_is_typed: false,
            log_format: self.log_format.clone(),
            log_verbosity: self.log_verbosity,
            feature_gates: Vec::new(),
        }
    }

    /// Whether a gate was opened.
    pub fn gate(&self, gate: Gate) -> bool {
        self.given(gate) == Some(true)
    }

    /// Whether a gate was opened or closed; `None` if it was not mentioned.
    pub fn given(&self, gate: Gate) -> Option<bool> {
        self.feature_gates.iter().rev().find(|(given, _)| *given == gate).map(|(_, open)| *open)
    }
}

/// The feature gates of aws-iam-authenticator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// `init` writes into the configured directories.
    ConfiguredInitDirectories,
    /// `sso` in rows of mappings is obeyed; it always is here.
    SsoRoleMatch,
    /// Gates without an effect here: what they bring comes later.
    WithoutEffect,
}

fn gate(text: &str) -> Result<(Gate, bool), String> {
    let (name, value) = text.split_once('=').ok_or("a gate is written `name=true` or `name=false`")?;
    let open = value.parse().map_err(|_| format!("the value of gate `{name}` must be `true` or `false`"))?;
    match name {
        "ConfiguredInitDirectories" => Ok((Gate::ConfiguredInitDirectories, open)),
        "SSORoleMatch" => Ok((Gate::SsoRoleMatch, open)),
        "IAMIdentityMappingCRD" | "AllAlpha" | "AllBeta" => Ok((Gate::WithoutEffect, open)),
        _ => Err(format!("unrecognized feature gate: {name}")),
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a token for kubectl: the exec plugin
    Token(TokenArgs),
    /// Answer kube-apiserver's token reviews: the webhook
    Server(Box<ServerArgs>),
    /// Write key, certificate and webhook kubeconfig before the server's first start
    Init(InitArgs),
    /// Decode and verify a token, and say what it maps to and why
    Verify(VerifyArgs),
    /// Show the mappings of aws-auth
    Get(verbs::GetArgs),
    /// Add mappings to aws-auth
    Create(verbs::CreateArgs),
    /// Add mappings to aws-auth, or change them
    Set(verbs::SetArgs),
    /// Take mappings out of aws-auth
    Delete(verbs::DeleteArgs),
    /// Change the mappings in an editor; nothing is written until it is right
    Edit(Box<EditArgs>),
    /// Make the mappings what a file says
    Apply(Box<ApplyArgs>),
    /// Show what `apply` would change
    Diff(Box<DiffArgs>),
    /// Find mistakes in aws-auth
    Check(Box<CheckArgs>),
    /// Let worker nodes join, wait for them, and find out why one does not
    Nodes(NodesArgs),
    /// See who can do what, and why not: from IAM principal to RBAC rule
    Access(AccessArgs),
    /// Print a script that completes commands and flags in a shell
    Completion(CompletionArgs),
    /// Write the man pages into a folder
    Man(ManArgs),
    /// See it work: a local AWS, the webhook and sample identities, in one command
    Quickstart(QuickstartArgs),
}

/// Completion for a shell.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kube-iam completion bash > /etc/bash_completion.d/kube-iam
  kube-iam completion zsh > \"${fpath[1]}/_kube-iam\"
  kube-iam completion fish > ~/.config/fish/completions/kube-iam.fish")]
pub struct CompletionArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Shells that completion is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Shell {
    /// GNU bash.
    Bash,
    /// Z shell.
    Zsh,
    /// fish.
    Fish,
}

/// Man pages.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kube-iam man /usr/local/share/man/man1")]
pub struct ManArgs {
    /// The folder
    #[arg(value_name = "FOLDER")]
    pub folder: PathBuf,
}

/// Commands that aws-iam-authenticator has too. The flags of [`Global`] are theirs.
const SHARED: [&str; 4] = ["token", "server", "init", "verify"];

/// The whole command line, for those who describe it.
///
/// The flags of [`Global`] may stand anywhere, as in aws-iam-authenticator; commands
/// that do nothing with them don't show them.
pub fn command_line() -> clap::Command {
    let line = CommandLine::command();
    let global: Vec<_> = line.get_arguments().filter(|arg| arg.is_global_set()).cloned().collect();
    line.mut_subcommands(|command| {
        let name = command.get_name();
        let shows = |id: &str| SHARED.contains(&name) || name == "quickstart" && id.starts_with("log_");
        let hidden = global.iter().filter(|arg| !shows(arg.get_id().as_str()));
        let hidden: Vec<_> = hidden.map(|arg| arg.clone().hide(true)).collect();
        command.args(hidden)
    })
}

/// Reads the command line; started as `kubectl-iam` it is kubectl's plugin. Help and
/// version are printed here, and are no failure.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Option<CommandLine>, Failure> {
    let args: Vec<OsString> = args.into_iter().collect();
    let mut line = command_line();
    if args.first().and_then(|name| PathBuf::from(name).file_name().map(|name| name == "kubectl-iam")) == Some(true) {
        line = line.bin_name("kubectl iam");
    }
    let error = match line.try_get_matches_from(&args).and_then(|matches| read(&matches)) {
        Ok(line) => return Ok(Some(line)),
        Err(error) => error,
    };
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            output::data(&error.render().ansi().to_string())?;
            Ok(None)
        }
        _ => Err(Failure::usage(&error.render().to_string()).exit(usage_exit(&args))),
    }
}

fn read(matches: &ArgMatches) -> Result<CommandLine, clap::Error> {
    let mut line = CommandLine::from_arg_matches(matches)?;
    line.global.cluster_id_is_typed = matches.value_source("cluster_id") == Some(ValueSource::CommandLine);
    Ok(line)
}

/// What eksctl says, on both streams, about a resource that no verb of its has:
/// what belongs on stdout and what on stderr.
pub fn unknown_resource(args: &[String]) -> Option<(String, String)> {
    let (verb, resource) = verbs::verb_and_resource(args)?;
    let mut line = command_line();
    let verb = line.find_subcommand_mut(verb)?;
    if resource == "help" || verb.find_subcommand(resource).is_some() {
        return None;
    }
    let error = format!("Error: unknown resource type {}\n", kube_iam_core::eksctl::quoted(resource));
    Some((format!("{error}\n{}", verb.render_help()), error))
}

/// Commands that aws-iam-authenticator has too end with 1 on a wrong command
/// line, as there; our own with 2.
fn usage_exit(args: &[OsString]) -> Exit {
    match args.iter().any(|arg| SHARED.iter().any(|name| arg == name)) {
        true => Exit::Failed,
        false => Exit::Usage,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        command_line().debug_assert();
    }

    #[test]
    fn flags_of_every_command_stand_anywhere_and_are_shown_where_they_do_something() {
        const FLAGS: [&str; 5] = ["--cluster-id", "--config", "--feature-gates", "--log-format", "--log-verbosity"];
        let words = |text: &str| text.split(' ').map(OsString::from).collect::<Vec<_>>();
        for text in [
            "kube-iam -i c -l json -c f get mappings",
            "kube-iam get -i c mappings -l json -c f",
            "kube-iam get mappings --cluster-id c --log-format json --config f",
            "kube-iam check -i c -l json -c f",
            "kube-iam nodes -i c list -l json -c f",
            "kube-iam quickstart -i c -l json -c f",
            "kube-iam token -i c -l json -c f",
        ] {
            let global = parse(words(text)).unwrap().unwrap().global;
            assert_eq!(global.cluster_id.as_deref(), Some("c"), "{text}");
            assert_eq!((global.log_format, global.config), (Some(LogFormat::Json), Some("f".into())), "{text}");
        }
        for (path, shown) in [
            (&["token"][..], &FLAGS[..]),
            (&["quickstart"], &["--log-format", "--log-verbosity"]),
            (&["get", "mappings"], &[]),
            (&["create", "mapping"], &[]),
            (&["nodes", "why"], &[]),
        ] {
            let mut line = command_line();
            line.build();
            let command = path.iter().fold(&mut line, |line, name| line.find_subcommand_mut(name).unwrap());
            let help = command.render_long_help().to_string();
            for flag in FLAGS {
                assert_eq!(help.contains(&format!("{flag} ")), shown.contains(&flag), "{path:?} {flag}\n{help}");
            }
        }
    }
}
