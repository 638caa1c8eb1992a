//! `edit`: aws-auth in an editor, like visudo.

use std::ffi::OsString;
use std::fs;
use std::io::IsTerminal as _;
use std::path::Path;
use std::process::Command;

use kube_iam_cluster::Touched;
use kube_iam_core::aws_auth::{Data, Document};
use kube_iam_core::manifest::{Manifest, ManifestError};
use kube_iam_core::yaml::Mark;

use super::{report, usage};
use crate::args::EditArgs;
use crate::compose;
use crate::mappings::{self, Edit, State, Target, Wanted};
use crate::report::Failure;

/// Lines that begin so are ours: they tell what is wrong, and go before the text is read.
const OURS: &str = "#!";

/// How often a wrong text comes back: an editor that is a script may never get it right.
const TRIES: usize = 50;

const HEAD: &str = "\
#! Save and leave to change aws-auth; leave without a change to stop.
#! Lines that begin with `#!` are left out.
";

/// Opens an editor until the text is right, then changes aws-auth.
pub fn run(args: &EditArgs) -> Result<(), Failure> {
    compose::runtime()?.block_on(async {
        let target = Target::open(&args.target).await?;
        if !target.leaves_stdin() {
            return Err(usage(Failure::new("stdin can't be edited; name the file with `--manifest FILE`")));
        }
        let state = target.read().await?;
        let draft = tempfile::Builder::new().prefix("aws-auth-").suffix(".yaml").tempfile();
        let draft = draft.map_err(|error| Failure::new("could not make a draft").because(&error))?;
        let start = if state.exists() { Manifest::fresh(&state.data) } else { Manifest::fresh(&stock()) };
        let done = match edited(&start, draft.path()) {
            Ok(None) => crate::output::data(&format!("{} unchanged\n", target.name())),
            Ok(Some(data)) => write(&target, args, &state, &data).await,
            Err(failure) => Err(failure),
        };
        // Whoever typed much shall not lose it.
        if done.is_err() && typed(draft.path()).is_ok_and(|text| !text.is_empty() && text != start) {
            keep(draft, &target.flag());
        }
        done
    })
}

fn keep(draft: tempfile::NamedTempFile, target: &str) {
    if let Ok((_, path)) = draft.keep() {
        let path = path.display();
        let again = format!("KUBE_EDITOR='cp {path}' kube-iam edit{target}");
        crate::output::warn(&format!("your text is kept in `{path}`; `{again}` takes it up again"));
    }
}

/// What stands in the draft, without our lines.
fn typed(draft: &Path) -> std::io::Result<String> {
    let text = fs::read_to_string(draft)?;
    Ok(text.split_inclusive('\n').filter(|line| !line.starts_with(OURS)).collect())
}

/// The text in the editor until it can be read; `None` if it is left as it was.
fn edited(start: &str, draft: &Path) -> Result<Option<Data>, Failure> {
    let mut shown = format!("{HEAD}{start}");
    let (mut last, mut attempt) = (start.to_owned(), 0);
    loop {
        attempt += 1;
        let trouble = |error: &std::io::Error| Failure::new("could not use the draft").because(error);
        fs::write(draft, &shown).map_err(|error| trouble(&error))?;
        open(draft)?;
        let text = typed(draft).map_err(|error| trouble(&error))?;
        if text == start {
            return Ok(None);
        }
        let problems = match read(&text) {
            Ok(data) => return Ok(Some(data)),
            Err(problems) => problems,
        };
        if text == last || attempt == TRIES {
            let failure = Failure::new("aws-auth is not changed: the text is still wrong");
            return Err(problems.into_iter().fold(usage(failure), |failure, (mark, why)| {
                failure.cause(mark.map_or(why.clone(), |mark| format!("line {}: {why}", mark.line)))
            }));
        }
        shown = marked(&text, &problems);
        last = text;
    }
}

/// The data in a text, or what is wrong and where.
fn read(text: &str) -> Result<Data, Vec<(Option<Mark>, String)>> {
    let manifest = Manifest::parse(text).map_err(|error| {
        let mark = match &error {
            ManifestError::Yaml(error) => Some(error.mark),
            ManifestError::NoText { mark, .. } | ManifestError::Repeated(_, mark) | ManifestError::Twice(_, mark) => {
                Some(*mark)
            }
            _ => None,
        };
        vec![(mark, error.to_string())]
    })?;
    if let Some((key, mark)) = manifest.beside_the_data() {
        let why = format!("only `data` is changed here; take `{key}` out, and write it with kubectl");
        return Err(vec![(Some(mark), why)]);
    }
    let data = manifest.data();
    let unreadable = |problem: &kube_iam_core::aws_auth::SectionError| {
        (Some(manifest.locate(problem.section, problem.mark)), format!("`{}`: {}", problem.section, problem.reason))
    };
    match Document::parse(&data) {
        Err(problems) => Err(problems.iter().map(unreadable).collect()),
        Ok(document) => {
            let sections = kube_iam_core::aws_auth::Section::ALL;
            let problems: Vec<_> = sections
                .into_iter()
                .flat_map(|section| {
                    document.reading(section).problems.into_iter().map(move |problem| (section, problem))
                })
                .map(|(section, problem)| (Some(manifest.locate(section, problem.mark)), problem.error.to_string()))
                .collect();
            if problems.is_empty() { Ok(data) } else { Err(problems) }
        }
    }
}

/// The text with what is wrong above the line that is.
fn marked(text: &str, problems: &[(Option<Mark>, String)]) -> String {
    let mut shown = HEAD.to_owned();
    let say = |shown: &mut String, why: &str| shown.push_str(&format!("{OURS} error: {}\n", why.replace('\n', " ")));
    for (_, why) in problems.iter().filter(|(mark, _)| mark.is_none()) {
        say(&mut shown, why);
    }
    let count = text.lines().count();
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let is_here = |mark: &Mark| mark.line == number + 1 || (mark.line > count && number + 1 == count);
        for (_, why) in problems.iter().filter(|(mark, _)| mark.as_ref().is_some_and(is_here)) {
            say(&mut shown, why);
        }
        shown.push_str(line);
    }
    shown
}

/// What an absent aws-auth is begun with.
fn stock() -> Data {
    Data::from([("mapRoles".to_owned(), "[]\n".to_owned())])
}

fn open(draft: &Path) -> Result<(), Failure> {
    let named = ["KUBE_EDITOR", "VISUAL", "EDITOR"]
        .into_iter()
        .find_map(|name| std::env::var_os(name).filter(|value| !value.is_empty()));
    if !std::io::stdin().is_terminal() && named.is_none() {
        return Err(usage(Failure::new("there is no terminal to edit in").hint("set `EDITOR`".to_string())));
    }
    let editor = named.unwrap_or_else(|| OsString::from("vi"));
    // By a shell, since an editor is named with its flags.
    let mut command = OsString::from("exec ");
    command.push(&editor);
    command.push(" \"$1\"");
    let name = editor.to_string_lossy().into_owned();
    let status = Command::new("/bin/sh").arg("-c").arg(command).arg("editor").arg(draft).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failure::new(format!("the editor `{name}` failed ({status}); aws-auth is not changed"))),
        Err(error) => Err(Failure::new(format!("could not start the editor `{name}`")).because(&error)),
    }
}

fn elsewhere(key: &str) -> Failure {
    let failure = Failure::new(format!("somebody else has changed the same lines of `{key}`, nothing is written"));
    failure.hint("run `kube-iam edit` again".to_string())
}

/// Writes what was edited; what others did elsewhere in the meantime stays.
async fn write(target: &Target, args: &EditArgs, start: &State, data: &Data) -> Result<(), Failure> {
    let keys: Vec<&String> = start.data.keys().chain(data.keys()).collect();
    let edit = Edit { target, args: &args.target, write: &args.write, needs: &[] };
    let done = mappings::run(edit, |state, maybe_written| {
        let mut touched = Touched::default();
        for key in &keys {
            let (old, new, now) = (start.data.get(*key), data.get(*key), state.data.get(*key));
            if old == new || now == new {
                continue;
            }
            let merged = match (old, new, now) {
                _ if now == old || maybe_written => new.cloned(),
                (Some(old), Some(new), Some(now)) => Some(diffy::merge(old, new, now).map_err(|_| elsewhere(key))?),
                _ => return Err(elsewhere(key)),
            };
            touched.data.insert((*key).clone(), merged);
        }
        let is_changed = !touched.data.is_empty();
        Ok(is_changed.then_some(Wanted { touched, document: None, findings: Vec::new() }))
    });
    report(&done.await?, &args.write, &["aws-auth".to_owned()], true)
}
