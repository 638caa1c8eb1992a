//! `kube-iam get|create|delete iamidentitymapping`: eksctl's commands.
//!
//! Words, streams and exit codes are eksctl's: the log on stdout, `Error: …` on
//! stderr, 1 for every failure. What we add of our own goes to stderr.

mod cluster;
mod create;
mod delete;
mod get;
mod load;
mod manifest;
mod process;
mod surroundings;
#[cfg(test)]
mod tests;

use kube_iam_core::eksctl::{Line, Plan};

use crate::args::eksctl::{EksctlLine, Verb};
use crate::args::go_flags::{self, Typed};
use load::Loaded;
use process::Process;
use surroundings::{Attempt, Surroundings, Trouble, World};

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
    With(Trouble),
    /// All is said.
    Silently,
}

impl<T: Into<Trouble>> From<T> for Ended {
    fn from(trouble: T) -> Self {
        Self::With(trouble.into())
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
        Err(error) => Err(error.into()),
    };
    match outcome {
        Ok(()) => return true,
        Err(Ended::With(trouble)) => surroundings.err(&trouble.to_string()),
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
        Verb::Create => create::run(typed, loaded, &mut voice),
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

/// What an edit is derived as, for one state of aws-auth.
struct Derived {
    plan: Plan,
    advice: Vec<String>,
}

/// Makes an edit and says what there is to say about it. Nothing of what was
/// derived from a state that was not written is heard.
fn edit(world: &mut dyn World, voice: &mut Voice<'_>, derive: impl Fn(&Attempt<'_>) -> Derived) -> Result<(), Ended> {
    let mut last = None;
    let written = world.edit(&mut |attempt| {
        let derived = derive(attempt);
        let changed = match attempt.maybe_written && derived.plan.is_made(attempt.data) {
            true => Ok(Default::default()),
            false => derived.plan.edit(attempt.data).map_err(|error| Trouble::of(&error)),
        };
        last = Some(derived);
        changed
    });
    let Some(Derived { plan, advice }) = last else { return Ok(written?) };
    voice.log(&plan.log);
    written?;
    voice.log(&plan.after);
    voice.advise(&advice);
    plan.refusal.map_or(Ok(()), |refusal| Err(Trouble::of(&refusal).into()))
}
