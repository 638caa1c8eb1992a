//! `kube-iam completion` and `kube-iam man`: what the command line says about itself.

use clap_complete::aot::{self, generate};

use crate::args::{CompletionArgs, ManArgs, Shell, command_line};
use crate::output;
use crate::report::Failure;

/// Prints a completion script.
pub fn completion(args: &CompletionArgs) -> Result<(), Failure> {
    let shell = match args.shell {
        Shell::Bash => aot::Shell::Bash,
        Shell::Zsh => aot::Shell::Zsh,
        Shell::Fish => aot::Shell::Fish,
    };
    let mut script = Vec::new();
    generate(shell, &mut command_line(), "kube-iam", &mut script);
    let script = String::from_utf8_lossy(&script);
    // clap_complete spells our name, which has a dash, in two ways, and bash finds
    // none of the commands (seen with 4.6.11).
    output::data(&script.replace("kube__subcmd__iam", "kube__iam"))
}

/// Writes one page for each command.
pub fn man(args: &ManArgs) -> Result<(), Failure> {
    let written =
        std::fs::create_dir_all(&args.folder).and_then(|()| clap_mangen::generate_to(command_line(), &args.folder));
    written.map_err(|error| {
        Failure::new(format!("could not write man pages to `{}`", args.folder.display())).because(&error)
    })
}
