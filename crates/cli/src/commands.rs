//! The commands: each one file, an ordinary function from arguments to an outcome.

mod init;
mod quickstart;
mod server;
mod token;
mod verify;

use crate::args::{Command, CommandLine};
use crate::report::Failure;

/// Runs what was typed; `None` is a command line that was answered already.
pub fn run(line: Option<CommandLine>) -> Result<(), Failure> {
    let Some(CommandLine { global, command }) = line else { return Ok(()) };
    match command {
        Command::Token(args) => token::run(&global, &args),
        Command::Server(args) => server::run(&global, &args),
        Command::Init(args) => init::run(&global, &args),
        Command::Verify(args) => verify::run(&global, &args),
        Command::Quickstart(args) => quickstart::run(&global, &args),
    }
}
