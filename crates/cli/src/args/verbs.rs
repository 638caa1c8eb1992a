//! Verbs and what they are about: `get RESOURCE`, `create RESOURCE`, `delete RESOURCE`.
//!
//! Our own resources are clap's. eksctl's one is taken out before clap sees it:
//! its flags follow Go's rules and share letters with ours.

use clap::{Args, Subcommand};

use super::eksctl::{EksctlLine, RESOURCE, Verb};
use super::mappings::{CreateMappingArgs, DeleteMappingArgs, GetMappingsArgs, SetMappingArgs};

/// Show something.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
pub struct GetArgs {
    /// What to show
    #[command(subcommand)]
    pub resource: GetResource,
}

/// What can be shown.
#[derive(Debug, Subcommand)]
pub enum GetResource {
    /// Who is mapped to what
    #[command(visible_alias = "mapping")]
    Mappings(Box<GetMappingsArgs>),
    /// The mappings of aws-auth, as eksctl shows them
    #[command(name = RESOURCE, disable_help_flag = true)]
    IamIdentityMapping,
}

/// Make something.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
pub struct CreateArgs {
    /// What to make
    #[command(subcommand)]
    pub resource: CreateResource,
}

/// What can be made.
#[derive(Debug, Subcommand)]
pub enum CreateResource {
    /// Let somebody in
    Mapping(Box<CreateMappingArgs>),
    /// Mappings in aws-auth, as eksctl adds them
    #[command(name = RESOURCE, disable_help_flag = true)]
    IamIdentityMapping,
}

/// Take something away.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
pub struct DeleteArgs {
    /// What to take away
    #[command(subcommand)]
    pub resource: DeleteResource,
}

/// What can be taken away.
#[derive(Debug, Subcommand)]
pub enum DeleteResource {
    /// Take out every row of somebody
    #[command(visible_alias = "mappings")]
    Mapping(Box<DeleteMappingArgs>),
    /// Mappings of aws-auth, as eksctl takes them out
    #[command(name = RESOURCE, disable_help_flag = true)]
    IamIdentityMapping,
}

/// Make something what it should be.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
pub struct SetArgs {
    /// What to change
    #[command(subcommand)]
    pub resource: SetResource,
}

/// What can be changed.
#[derive(Debug, Subcommand)]
pub enum SetResource {
    /// Let somebody in, or change as whom
    Mapping(Box<SetMappingArgs>),
}

/// Flags without a value that may stand before a verb: eksctl's and ours.
const LONE_FLAGS: [&str; 5] = ["--dumpLogs", "-d", "--help", "-h", "--strict-config"];

/// Finds eksctl's command among the arguments after the program's name, as cobra
/// finds it: flags may stand before verb and resource.
pub fn eksctl_line(args: &[String]) -> Option<EksctlLine> {
    let mut words = words(args);
    let (verb_at, resource_at) = (words.next()?, words.next()?);
    let verb = Verb::named(args.get(verb_at)?)?;
    if args.get(resource_at)? != RESOURCE {
        return None;
    }
    let rest = args.iter().enumerate().filter(|(at, _)| *at != verb_at && *at != resource_at);
    Some(EksctlLine { verb, args: rest.map(|(_, arg)| arg.clone()).collect() })
}

/// A verb that eksctl has too, and the resource after it.
pub fn verb_and_resource(args: &[String]) -> Option<(&str, &str)> {
    let mut words = words(args).filter_map(|at| args.get(at));
    let (verb, resource) = (words.next()?, words.next()?);
    Verb::named(verb).map(|_| (verb.as_str(), resource.as_str()))
}

/// Where the arguments stand that are neither flags nor values of flags. A flag
/// that is not known takes the next argument for its value.
fn words(args: &[String]) -> impl Iterator<Item = usize> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let arg = args.get(at).filter(|arg| *arg != "--")?;
            at += 1;
            let is_short = arg.chars().count() == 2;
            let takes_next = !arg.contains('=') && (arg.starts_with("--") || (arg.starts_with('-') && is_short));
            if takes_next && !LONE_FLAGS.contains(&arg.as_str()) {
                at += 1;
            } else if !arg.starts_with('-') && !arg.is_empty() {
                return Some(at - 1);
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn eksctls_command_is_found_wherever_its_flags_stand() {
        for (line, verb, rest) in [
            ("get iamidentitymapping --arn x", Verb::Get, "--arn x"),
            ("-v 4 create iamidentitymapping -c y", Verb::Create, "-v 4 -c y"),
            (
                "delete --cluster iamidentitymapping -d iamidentitymapping z",
                Verb::Delete,
                "--cluster iamidentitymapping -d z",
            ),
            ("--verbose=4 get -cx iamidentitymapping one two", Verb::Get, "--verbose=4 -cx one two"),
        ] {
            assert_eq!(eksctl_line(&args(line)), Some(EksctlLine { verb, args: args(rest) }), "{line}");
        }
    }

    #[test]
    fn other_commands_are_left_to_clap() {
        for line in [
            "",
            "get",
            "get mappings",
            "token get iamidentitymapping",
            "get --",
            "get -- iamidentitymapping",
            "-c get iamidentitymapping",
        ] {
            assert_eq!(eksctl_line(&args(line)), None, "{line}");
        }
        assert_eq!(verb_and_resource(&args("get -v 4 iamidentitymappings")), Some(("get", "iamidentitymappings")));
        assert_eq!(verb_and_resource(&args("token get")), None);
    }
}
