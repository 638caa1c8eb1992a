//! `kube-iam get|create|delete iamidentitymapping`: eksctl's commands.
//!
//! Words, streams and exit codes are eksctl's: the log on stdout, `Error: …` on
//! stderr, 1 for every failure. What we add of our own goes to stderr.

mod create;
mod delete;
mod edit;
mod get;
mod load;
mod process;
mod surroundings;
#[cfg(test)]
mod tests;
mod world;

use kube_iam_core::eksctl::Line;

use crate::args::eksctl::{EksctlLine, Verb};
use crate::args::go_flags::{self, Typed};
use crate::report::Failure;
use load::Loaded;
use process::Process;
use surroundings::{Surroundings, World};

/// Runs one of eksctl's commands; `false` if it failed.
pub fn run(line: &EksctlLine) -> bool {
    run_in(line, &mut Process)
}

/// Says that a command can't be run.
pub fn refuse(stdout: &str, stderr: &str) -> bool {
    let mut process = Process;
    process.out(stdout);
    process.err(stderr);
    false
}

/// How a command ends that fails.
#[derive(Debug)]
enum Ended {
    /// With a reason.
    With(Failure),
    /// All is said.
    Silently,
}

impl From<Failure> for Ended {
    fn from(failure: Failure) -> Self {
        Self::With(failure)
    }
}

fn run_in(line: &EksctlLine, surroundings: &mut dyn Surroundings) -> bool {
    let mut notices = Vec::new();
    let typed = go_flags::parse(&line.verb.flags(), &line.args, &mut notices);
    for notice in notices {
        surroundings.err(&format!("{notice}\n"));
    }
    let outcome = match typed {
        Ok(typed) if typed.bool("help") => {
            surroundings.out(&line.verb.help());
            Ok(())
        }
        Ok(typed) => run_typed(line.verb, &typed, surroundings),
        Err(error) => Err(Failure::new(error).into()),
    };
    match outcome {
        Ok(()) => return true,
        Err(Ended::With(failure)) => surroundings.err(&failure.as_go_prints_it()),
        Err(Ended::Silently) => {}
    }
    false
}

fn run_typed(verb: Verb, typed: &Typed, surroundings: &mut dyn Surroundings) -> Result<(), Ended> {
    let verbosity = typed.int("verbose").unwrap_or(3);
    // Where stdout is the file, nothing else may stand there.
    let aside = typed.text("manifest") == "-";
    let mut voice = Voice { surroundings, verbosity, aside };
    if typed.positional.len() > 1 {
        voice.log(&[Line::critical("only one argument is allowed to be used as a name")]);
        return Err(Ended::Silently);
    }
    let loaded = Loaded::of(verb, typed, voice.surroundings)?;
    match verb {
        Verb::Get => get::run(typed, &loaded, &mut voice),
        Verb::Create => create::run(typed, &loaded, &mut voice),
        Verb::Delete => delete::run(typed, &loaded, &mut voice),
    }
}

/// The surroundings with a verbosity.
struct Voice<'a> {
    surroundings: &'a mut dyn Surroundings,
    verbosity: i64,
    /// The log goes to stderr.
    aside: bool,
}

impl Voice<'_> {
    fn log(&mut self, lines: &[Line]) {
        for line in lines.iter().filter(|line| line.level.is_shown(self.verbosity)) {
            let printed = line.printed(self.surroundings.now());
            match self.aside {
                true => self.surroundings.err(&printed),
                false => self.surroundings.out(&printed),
            }
        }
    }

    fn advise(&mut self, advice: &[String]) {
        for text in advice {
            self.surroundings.err(&format!("warning: {text}\n"));
        }
    }

    fn advise_about_mode(&mut self, world: &dyn World) {
        if world.ignores_aws_auth() {
            let text = "the authentication mode of the cluster is `API`: EKS does not consult aws-auth there";
            self.advise(&[text.to_owned()]);
        }
    }
}
