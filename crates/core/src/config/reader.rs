//! Reading the keys of a map, remembering which were asked for.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Display;
use core::str::FromStr;

use jiff::SignedDuration;

use super::{Problem, examples};
use crate::limits;
use crate::yaml::{Entry, Mark, Node, ScalarKind, Value};

/// The keys of one map.
pub(super) struct Reader<'n, 'p> {
    entries: Vec<Entry<'n>>,
    path: &'static str,
    known: Vec<&'static str>,
    problems: &'p mut Vec<Problem>,
    warnings: &'p mut Vec<Problem>,
}

impl<'n, 'p> Reader<'n, 'p> {
    /// A reader of a map; a problem if the node is none, or repeats a key.
    pub(super) fn new(
        node: &'n Node,
        path: &'static str,
        problems: &'p mut Vec<Problem>,
        warnings: &'p mut Vec<Problem>,
    ) -> Option<Self> {
        let Some(entries) = node.entries() else {
            let name = if path.is_empty() { "the file" } else { path.trim_end_matches('.') };
            let text = format!("`{name}` must be a map of keys and values, this is {}", node.describe());
            problems.push(Problem { mark: node.mark, text: text.replace("`the file`", "the file"), hint: None });
            return None;
        };
        if entries.len() > limits::CONFIG_KEYS {
            let text = format!("a map has more than {} keys", limits::CONFIG_KEYS);
            problems.push(Problem { mark: node.mark, text, hint: None });
            return None;
        }
        for (index, entry) in entries.iter().enumerate() {
            let twin = entries.iter().take(index).find(|earlier| earlier.key.eq_ignore_ascii_case(entry.key));
            problems.extend(twin.map(|twin| Problem {
                mark: entry.mark,
                text: format!("`{path}{}` is set twice, first in line {}", entry.key, twin.mark.line),
                hint: Some("remove one of them".to_string()),
            }));
        }
        Some(Self { entries, path, known: Vec::new(), problems, warnings })
    }

    /// The value of a key, whatever it is.
    pub(super) fn node(&mut self, key: &'static str) -> Option<&'n Node> {
        self.known.push(key);
        self.entries.iter().find(|entry| entry.key.eq_ignore_ascii_case(key)).map(|entry| entry.value)
    }

    /// Notes a problem.
    pub(super) fn problem(&mut self, mark: Mark, text: String, hint: Option<String>) {
        self.problems.push(Problem { mark, text, hint });
    }

    pub(super) fn warning(&mut self, mark: Mark, text: String, hint: Option<String>) {
        self.warnings.push(Problem { mark, text, hint });
    }

    /// Notes a value that can't be right, and hints at one that is.
    pub(super) fn wrong_value(&mut self, key: &str, mark: Mark, text: String) {
        self.problem(mark, text, examples::hint(key));
    }

    fn wrong_type(&mut self, key: &str, wanted: &str, node: &Node) {
        let text = format!("`{}{key}` must be {wanted}, this is {}", self.path, node.describe());
        self.wrong_value(key, node.mark, text);
    }

    /// A text; numbers and words become texts, as in Go.
    pub(super) fn text(&mut self, key: &'static str) -> Option<String> {
        let node = self.node(key).filter(|node| !node.is_null())?;
        let text = node.as_written().map(ToString::to_string);
        if text.is_none() {
            self.wrong_type(key, "a text", node);
        }
        text
    }

    /// A value of a type that reads itself.
    pub(super) fn parsed<T: FromStr<Err: Display>>(&mut self, key: &'static str) -> Option<T> {
        self.read(key, |text| text.parse::<T>().map_err(|error| error.to_string()))
    }

    /// The same, for types whose own words don't say what is wanted.
    pub(super) fn parsed_as<T: FromStr>(&mut self, key: &'static str, wanted: &str) -> Option<T> {
        self.read(key, |text| text.parse::<T>().map_err(|_| format!("it must be {wanted}")))
    }

    fn read<T>(&mut self, key: &'static str, read: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        let mark = self.node(key)?.mark;
        let text = self.text(key)?;
        match read(&text) {
            Ok(value) => Some(value),
            Err(error) => {
                let text = format!("`{}{key}`: {error}", self.path);
                self.wrong_value(key, mark, text);
                None
            }
        }
    }

    /// The same, where an empty text is as good as none.
    pub(super) fn parsed_if_set<T: FromStr<Err: Display>>(&mut self, key: &'static str) -> Option<T> {
        self.node(key).filter(|node| !is_off(node))?;
        self.parsed(key)
    }

    pub(super) fn boolean(&mut self, key: &'static str) -> Option<bool> {
        let node = self.node(key).filter(|node| !node.is_null())?;
        let found = match node.as_written().unwrap_or_default().to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "y" | "1" | "t" => Some(true),
            "false" | "no" | "off" | "n" | "0" | "f" => Some(false),
            _ => None,
        };
        if found.is_none() {
            self.wrong_type(key, "`true` or `false`", node);
        }
        found
    }

    /// A span of time such as `5m`, `90s` or `0`.
    pub(super) fn duration(&mut self, key: &'static str) -> Option<SignedDuration> {
        let node = self.node(key).filter(|node| !node.is_null())?;
        let found = node.as_written().and_then(super::server::duration);
        if found.is_none() {
            self.wrong_type(key, "a span of time such as `5m`, `90s` or `0`", node);
        }
        found
    }

    /// A list of texts with their places. One text stands for its words.
    pub(super) fn texts(&mut self, key: &'static str) -> Option<Vec<(Mark, String)>> {
        let node = self.node(key).filter(|node| !node.is_null())?;
        match &node.value {
            Value::Scalar { text, .. } => Some(
                text.split([' ', ',']).filter(|word| !word.is_empty()).map(|word| (node.mark, word.into())).collect(),
            ),
            Value::Sequence(items) => {
                let mut texts = Vec::new();
                for item in items {
                    match item.as_written() {
                        Some(text) => texts.push((item.mark, text.to_string())),
                        None => self.wrong_type(key, "a list of texts", item),
                    }
                }
                Some(texts)
            }
            Value::Mapping(_) => {
                self.wrong_type(key, "a list of texts", node);
                None
            }
        }
    }

    /// A list of values that read themselves.
    pub(super) fn list<T: FromStr<Err: Display>>(&mut self, key: &'static str) -> Option<Vec<T>> {
        let texts = self.texts(key)?;
        let mut values = Vec::new();
        for (mark, text) in texts {
            match text.parse() {
                Ok(value) => values.push(value),
                Err(error) => {
                    let text = format!("`{}{key}`: {error}", self.path);
                    self.wrong_value(key, mark, text);
                }
            }
        }
        Some(values)
    }

    /// A key of the Go authenticator that this version can't honour.
    pub(super) fn unsupported(&mut self, key: &'static str, hint: &str) {
        let Some(node) = self.node(key).filter(|node| !is_off(node)) else { return };
        let text = format!("`{}{key}` is not supported by this version", self.path);
        self.problem(node.mark, text, Some(hint.to_string()));
    }

    /// A key that has no effect in a file, there as here.
    pub(super) fn without_effect(&mut self, key: &'static str, hint: &str) {
        let Some(node) = self.node(key) else { return };
        let text = format!("`{}{key}` has no effect in a configuration file", self.path);
        self.warning(node.mark, text, Some(hint.to_string()));
    }

    /// Warns of every key that nobody asked for.
    pub(super) fn finish(self) {
        let Self { entries, path, known, warnings, .. } = self;
        for entry in entries.iter().filter(|entry| !known.iter().any(|key| key.eq_ignore_ascii_case(entry.key))) {
            let distance = |key: &&&str| strsim::damerau_levenshtein(&key.to_lowercase(), &entry.key.to_lowercase());
            // Nothing of that length is close to a key, and finding out would take long.
            let known = if entry.key.len() > limits::EXCERPT_CHARS { &[][..] } else { known.as_slice() };
            let nearest = known.iter().min_by_key(distance).filter(|key| distance(key) <= 1 + key.len() / 3);
            let shown: String = entry.key.chars().take(limits::EXCERPT_CHARS).collect();
            warnings.push(Problem {
                mark: entry.mark,
                text: format!("unknown key `{path}{shown}`"),
                hint: nearest.map(|key| format!("did you mean `{path}{key}`?")),
            });
        }
    }
}

/// Whether a value switches off what its key stands for.
fn is_off(node: &Node) -> bool {
    match &node.value {
        Value::Scalar { kind: ScalarKind::Null, .. } => true,
        Value::Scalar { text, kind } => {
            text.is_empty()
                || (*kind == ScalarKind::Bool
                    && matches!(text.to_ascii_lowercase().as_str(), "false" | "no" | "off" | "n"))
        }
        Value::Sequence(items) => items.is_empty(),
        Value::Mapping(pairs) => pairs.is_empty(),
    }
}
