//! Reading the file. Keys must be spelt exactly, and every problem is told.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::error::Error as _;

use super::DesiredMapping;
use crate::change::{Wanted, Whom, WhomError};
use crate::config::Problem;
use crate::limits;
use crate::shown::excerpt;
use crate::yaml::{self, Entry, Mark, Node, Value};

/// The `apiVersion` of the file.
pub const API_VERSION: &str = "kube-iam.dev/v1alpha1";

/// The `kind` of the file.
pub const KIND: &str = "MappingList";

/// Reads the mappings of a file, as far as they can be read.
pub(super) fn mappings(text: &str, problems: &mut Vec<Problem>) -> Vec<DesiredMapping> {
    let start = Mark { line: 1, column: 1 };
    let documents = match yaml::parse_all(text) {
        Ok(documents) => documents,
        Err(error) => {
            problems.push(problem(error.mark, format!("the file is not valid YAML: {}", error.reason), None));
            return Vec::new();
        }
    };
    match documents.as_slice() {
        // An empty file is rather a slip than the wish to have nobody.
        [] => problems.push(problem(start, "the file is empty".to_owned(), Some("nobody at all is `mappings: []`"))),
        [root] if root.fits(limits::DESIRED_ROOM) => return list(root, problems),
        [root] => problems.push(problem(
            root.mark,
            "with its aliases written out the file is larger than 4 MiB".to_owned(),
            Some("use fewer aliases, or put the mappings into several files, each with an `--owner`"),
        )),
        [_, second, ..] => {
            problems.push(problem(
                second.mark,
                "the file holds a second document".to_owned(),
                Some("put all mappings into one list"),
            ));
        }
    }
    Vec::new()
}

fn problem(mark: Mark, text: String, hint: Option<&str>) -> Problem {
    Problem { mark, text, hint: hint.map(ToOwned::to_owned) }
}

fn list(root: &Node, problems: &mut Vec<Problem>) -> Vec<DesiredMapping> {
    let Some(mut keys) = Keys::of(root, "the file", problems) else { return Vec::new() };
    for (key, wanted) in [("apiVersion", API_VERSION), ("kind", KIND)] {
        let Some(node) = keys.find(key).filter(|node| node.as_text() != Some(wanted)) else { continue };
        let hint = matches!(node.as_text(), Some("ConfigMap"))
            .then_some("`kube-iam get mappings --manifest FILE -o yaml` makes a list of mappings from it");
        problems.push(problem(node.mark, format!("`{key}` must be `{wanted}`"), hint));
        if key == "kind" {
            // Of another kind of object no key makes sense.
            return Vec::new();
        }
    }
    let list = keys.find("mappings");
    keys.finish(problems);
    let Some(list) = list else {
        problems.push(problem(root.mark, "`mappings` is missing".to_owned(), Some("nobody at all is `mappings: []`")));
        return Vec::new();
    };
    let Some(items) = list.as_sequence() else {
        problems.push(problem(list.mark, format!("`mappings` must be a list, this is {}", list.describe()), None));
        return Vec::new();
    };
    items.iter().filter_map(|item| mapping(item, problems)).collect()
}

fn mapping(node: &Node, problems: &mut Vec<Problem>) -> Option<DesiredMapping> {
    let mut keys = Keys::of(node, "a mapping", problems)?;
    let whom = whom(node, &mut keys, problems);
    let username = keys.text("username", problems);
    let username_mark = keys.find("username").map(|node| node.mark);
    let groups = keys.find("groups").filter(|node| !node.is_null());
    let groups_mark = groups.map(|node| node.mark);
    let groups = groups.map(|node| texts("groups", node, problems)).unwrap_or_default();
    keys.finish(problems);
    let whom = whom?;
    if matches!(whom, Whom::Account(_)) {
        let marks = [username.is_some().then_some(username_mark), groups_mark.map(Some)];
        if let Some(mark) = marks.into_iter().flatten().flatten().next() {
            let text = "a mapping of a whole account has neither username nor groups".to_owned();
            problems.push(problem(mark, text, None));
        }
    }
    Some(DesiredMapping { mark: node.mark, wanted: Wanted { whom, username, groups } })
}

fn whom(node: &Node, keys: &mut Keys<'_>, problems: &mut Vec<Problem>) -> Option<Whom> {
    let named: Vec<_> = ["arn", "sso", "account"].into_iter().filter_map(|key| Some((key, keys.find(key)?))).collect();
    let (key, value) = match named.as_slice() {
        [one] => *one,
        [] => {
            let text = "the mapping names nobody: `arn`, `sso` or `account` is missing".to_owned();
            problems.push(problem(node.mark, text, None));
            return None;
        }
        [(first, _), (second, value), ..] => {
            let text = format!("the mapping has both `{first}` and `{second}`; only one can be meant");
            problems.push(problem(value.mark, text, None));
            return None;
        }
    };
    let read = match key {
        "sso" => return permission_set(value, problems),
        "arn" => Whom::of_arn(keys.text(key, problems)?.as_str()),
        _ => Whom::of_account(keys.text(key, problems)?.as_str()),
    };
    read.map_err(|error| problems.push(unnamed(value.mark, &error))).ok()
}

fn unnamed(mark: Mark, error: &WhomError) -> Problem {
    let source = error.source().map(|source| format!(": {source}")).unwrap_or_default();
    Problem { mark, text: format!("{error}{source}"), hint: error.hint() }
}

fn permission_set(node: &Node, problems: &mut Vec<Problem>) -> Option<Whom> {
    let mut keys = Keys::of(node, "`sso`", problems)?;
    let name = keys.text("permissionSetName", problems);
    let account = keys.text("accountID", problems);
    let partition = keys.text("partition", problems);
    keys.finish(problems);
    let missing = [("permissionSetName", &name), ("accountID", &account)].into_iter().find(|(_, text)| text.is_none());
    if let Some((key, _)) = missing {
        problems.push(problem(node.mark, format!("`sso` needs `{key}`"), None));
    }
    let read = Whom::of_permission_set(&name?, &account?, partition.as_deref());
    read.map_err(|error| problems.push(unnamed(node.mark, &error))).ok()
}

fn texts(key: &str, node: &Node, problems: &mut Vec<Problem>) -> Vec<String> {
    let Value::Sequence(items) = &node.value else {
        let text = format!("`{key}` must be a list, this is {}", node.describe());
        problems.push(problem(node.mark, text, Some("write one group per line, each after `- `")));
        return Vec::new();
    };
    let mut texts = Vec::with_capacity(items.len());
    for item in items {
        match item.as_written() {
            Some(text) => texts.push(text.to_owned()),
            None => {
                problems.push(problem(
                    item.mark,
                    format!("`{key}` must hold texts, this is {}", item.describe()),
                    None,
                ));
            }
        }
    }
    texts
}

/// The keys of one map, and which of them were asked for.
struct Keys<'n> {
    entries: Vec<Entry<'n>>,
    known: Vec<&'static str>,
}

impl<'n> Keys<'n> {
    fn of(node: &'n Node, what: &str, problems: &mut Vec<Problem>) -> Option<Self> {
        let Some(entries) = node.entries() else {
            let hint =
                matches!(node.value, Value::Sequence(_)).then_some("begin with `mappings:` and put the list below");
            let text = format!("{what} must be a map of keys and values, this is {}", node.describe());
            problems.push(problem(node.mark, text, hint.filter(|_| what == "the file")));
            return None;
        };
        Some(Self { entries, known: Vec::new() })
    }

    fn find(&mut self, key: &'static str) -> Option<&'n Node> {
        self.known.push(key);
        self.entries.iter().find(|entry| entry.key == key).map(|entry| entry.value)
    }

    /// A text. What YAML takes for a number or word is the text that is written.
    fn text(&mut self, key: &'static str, problems: &mut Vec<Problem>) -> Option<String> {
        let node = self.find(key).filter(|node| !node.is_null())?;
        let text = node.as_written();
        if text.is_none() {
            problems.push(problem(node.mark, format!("`{key}` must be a text, this is {}", node.describe()), None));
        }
        text.map(ToOwned::to_owned)
    }

    /// Tells every key that nobody asked for, or that stands there twice.
    fn finish(self, problems: &mut Vec<Problem>) {
        for (index, entry) in self.entries.iter().enumerate().take(MOST_KEYS) {
            if self.entries.iter().take(index).any(|earlier| earlier.key == entry.key) {
                problems.push(problem(entry.mark, format!("`{}` is set twice", excerpt(entry.key)), None));
            }
            if !self.known.contains(&entry.key) {
                let hint = nearest(entry.key, &self.known).map(|key| format!("did you mean `{key}`?"));
                problems.push(Problem {
                    mark: entry.mark,
                    text: format!("unknown key `{}`", excerpt(entry.key)),
                    hint,
                });
            }
        }
        if let Some(entry) = self.entries.get(MOST_KEYS) {
            problems.push(problem(entry.mark, format!("there are more than {MOST_KEYS} keys"), None));
        }
    }
}

/// Keys of one map that are looked at; six are known.
const MOST_KEYS: usize = 64;

fn nearest(key: &str, known: &[&'static str]) -> Option<&'static str> {
    let lower = key.to_ascii_lowercase();
    if known.contains(&"arn") && matches!(lower.as_str(), "rolearn" | "userarn") {
        return Some("arn");
    }
    if key.len() > 2 * MOST_KEYS {
        return None;
    }
    let distance = |known: &&&'static str| strsim::osa_distance(&known.to_ascii_lowercase(), &lower);
    known.iter().min_by_key(distance).filter(|known| distance(known) <= 1 + known.len() / 3).copied()
}
