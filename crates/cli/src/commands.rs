//! The commands: each one file, an ordinary function from arguments to an outcome.

mod access;
mod describe;
pub mod eksctl;
mod init;
mod mappings;
mod nodes;
mod quickstart;
mod server;
mod token;
mod verify;

use crate::args::verbs::{
    CreateArgs, CreateResource, DeleteArgs, DeleteResource, GetArgs, GetResource, SetArgs, SetResource,
};
use crate::args::{Command, CommandLine, TargetArgs};
use crate::exit::Exit;
use crate::logging::LogFormat;
use crate::output;
use crate::report::Failure;

/// Runs what was typed; `None` is a command line that was answered already.
pub fn run(line: Option<CommandLine>) -> Result<(), Failure> {
    let Some(CommandLine { global, command }) = line else { return Ok(()) };
    if let Some(LogFormat::Other(word)) = &global.log_format {
        output::warn(&format!("unknown log format `{word}`; logs are text (known are `text` and `json`)"));
    }
    match command {
        Command::Token(args) => token::run(&global, &args),
        Command::Server(args) => server::run(&global, &args),
        Command::Init(args) => init::run(&global, &args),
        Command::Verify(args) => verify::run(&global, &args),
        Command::Get(GetArgs { resource: GetResource::Mappings(args) }) => {
            mappings::get::run(&args).map_err(about(&args.target))
        }
        Command::Create(CreateArgs { resource: CreateResource::Mapping(args) }) => {
            mappings::change::create(&args).map_err(about(&args.target))
        }
        Command::Set(SetArgs { resource: SetResource::Mapping(args) }) => {
            mappings::change::set(&args).map_err(about(&args.target))
        }
        Command::Delete(DeleteArgs { resource: DeleteResource::Mapping(args) }) => {
            mappings::change::delete(&args).map_err(about(&args.target))
        }
        // Taken out before; only flags that nobody knows here lead to this place.
        Command::Get(_) | Command::Create(_) | Command::Delete(_) => {
            Err(Failure::new("flags of `iamidentitymapping` are written after it").exit(Exit::Usage))
        }
        Command::Edit(args) => mappings::edit::run(&args).map_err(about(&args.target)),
        Command::Apply(args) => mappings::desired::apply(&args).map_err(about(&args.target)),
        Command::Diff(args) => mappings::desired::diff(&args).map_err(about(&args.target)),
        Command::Check(args) => mappings::check::run(&args).map_err(about(&args.target)),
        Command::Nodes(args) => nodes::run(&args.command),
        Command::Access(args) => access::run(&args.command),
        Command::Completion(args) => describe::completion(&args),
        Command::Man(args) => describe::man(&args),
        Command::Quickstart(args) => quickstart::run(&global, &args),
    }
}

/// Aims hints at the file that a command is about.
fn about(target: &TargetArgs) -> impl FnOnce(Failure) -> Failure + '_ {
    |failure| failure.about(target.manifest.as_deref())
}
