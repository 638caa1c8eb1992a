//! A failure in words: what failed, why, and what to do.

use std::error::Error;
use std::fmt;
use std::path::Path;

use crate::exit::Exit;

/// A failed command. Printed as `error:`, `Caused by:` and `hint:` lines.
#[derive(Debug)]
pub struct Failure {
    what: String,
    causes: Vec<String>,
    hint: Option<String>,
    /// Whether it has been told already: it stands in the log, or is an answer.
    pub logged: bool,
    /// How the command ends.
    pub exit: Exit,
}

/// Commands that take `--manifest`.
const ON_MANIFESTS: [&str; 6] = [
    "kube-iam check",
    "kube-iam edit",
    "kube-iam get mappings",
    "kube-iam create mapping",
    "kube-iam set mapping",
    "kube-iam delete mapping",
];

impl Failure {
    /// A failure that is its own explanation.
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), causes: Vec::new(), hint: None, logged: false, exit: Exit::Failed }
    }

    /// No failure of the command, but the answer that it has printed.
    pub fn answered(exit: Exit) -> Self {
        Self { logged: true, exit, ..Self::new("the answer is not yes") }
    }

    /// A wrong command line, as clap words it.
    pub fn usage(text: &str) -> Self {
        let text = text.strip_prefix("error: ").unwrap_or(text).trim_end();
        // A token typed without its flag is repeated by the parser of flags.
        match text.contains("k8s-aws-v1.") {
            true => Self::new("unexpected token on the command line").hint("write it as `--token TOKEN`".to_string()),
            false => Self::new(text),
        }
    }

    /// A failure as an error and its sources tell it.
    pub fn of(error: &dyn Error) -> Self {
        let causes = std::iter::successors(error.source(), |cause| (*cause).source());
        Self { causes: causes.map(ToString::to_string).collect(), ..Self::new(error.to_string()) }
    }

    /// Adds why it failed.
    pub fn because(mut self, error: &dyn Error) -> Self {
        let chain = std::iter::successors(Some(error), |cause| (*cause).source());
        self.causes.extend(chain.map(ToString::to_string));
        self
    }

    /// Adds one reason among several.
    pub fn cause(mut self, text: String) -> Self {
        self.causes.push(text);
        self
    }

    /// Says what failed because of it.
    pub fn within(mut self, what: &str) -> Self {
        self.causes.insert(0, std::mem::replace(&mut self.what, what.to_owned()));
        self
    }

    /// Adds what to do about it.
    pub fn hint(mut self, hint: impl Into<Option<String>>) -> Self {
        self.hint = hint.into();
        self
    }

    /// Has the commands of the hint work on the file that this one was about.
    pub fn about(self, manifest: Option<&Path>) -> Self {
        let Some(manifest) = manifest.filter(|path| path.as_os_str() != "-") else { return self };
        let flag = format!(" --manifest {}", manifest.display());
        let aim = |hint: String| -> String {
            let part = |(index, part): (usize, &str)| {
                let is_ours = index % 2 == 1 && ON_MANIFESTS.iter().any(|words| part.starts_with(words));
                format!("{part}{}", if is_ours && !part.contains(&flag) { &flag } else { "" })
            };
            hint.split('`').enumerate().map(part).collect::<Vec<_>>().join("`")
        };
        Self { hint: self.hint.map(aim), ..self }
    }

    /// Says it in the log, and so not at the end of the command.
    pub fn logged(self) -> Self {
        let cause = Some(self.causes.join(": ")).filter(|cause| !cause.is_empty());
        tracing::error!(cause, hint = self.hint, "{}", self.what);
        Self { logged: true, ..self }
    }

    /// What failed and why, on one line.
    pub fn line(&self) -> String {
        // A list of problems stands below its heading.
        self.chain().replace(":\n  ", ": ").replace("\n  ", "; ")
    }

    fn chain(&self) -> String {
        std::iter::once(&self.what).chain(&self.causes).map(String::as_str).collect::<Vec<_>>().join(": ")
    }

    /// What to do about it.
    pub fn advice(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// As programs in Go print it, all on one line; the hint below is ours.
    pub fn as_go_prints_it(&self) -> String {
        let chain = self.chain();
        let hint = self.hint.iter().map(|hint| format!("hint: {hint}\n")).collect::<String>();
        format!("Error: {chain}\n{hint}")
    }

    /// Sets how the command ends.
    pub fn exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    /// For commands whose exit code 1 is an answer: this is none.
    pub fn no_answer(self) -> Self {
        match self.exit {
            Exit::Failed => self.exit(Exit::Usage),
            _ => self,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "error: {}", self.what)?;
        for cause in &self.causes {
            writeln!(f, "Caused by: {cause}")?;
        }
        self.hint.iter().try_for_each(|hint| writeln!(f, "hint: {hint}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_what_why_and_the_way_out() {
        let error = std::io::Error::other("no such file");
        let failure = Failure::new("could not read `x`").because(&error).hint("create `x`".to_string());
        assert_eq!(failure.to_string(), "error: could not read `x`\nCaused by: no such file\nhint: create `x`\n");
        let failure = failure.within("nothing is done");
        let go = "Error: nothing is done: could not read `x`: no such file\nhint: create `x`\n";
        assert_eq!(failure.as_go_prints_it(), go);
        let list = Failure::new("`x` can't be used, 2 problems:\n  line 1: a\n  line 2: b");
        assert_eq!(list.line(), "`x` can't be used, 2 problems: line 1: a; line 2: b");
    }
}
