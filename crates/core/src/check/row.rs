//! A row as the rules look at it.

use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

use super::Fix;
use crate::aws_auth::{MappingRow, Principal, RepeatedKey, RowProblem, Section, Typing, read_section_node};
use crate::yaml::edit::{after_line, line_start, own_column};
use crate::yaml::{Entry, Mark, Node, ScalarKind, Style, Value};

/// The text that nodes are places in.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub section: Section,
    pub text: &'a str,
}

/// Letters that stand for themselves in any style of YAML.
fn is_safe(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b":/+=,.@_-{}".contains(&byte))
}

impl<'a> Source<'a> {
    /// The bytes of a value.
    pub(super) fn written(self, node: &Node) -> &'a str {
        self.text.get(node.place.start..node.place.end).unwrap_or_default()
    }

    /// Another text in place of a scalar, in the same style.
    pub(super) fn respell(self, node: &Node, new: &str, grants: bool) -> Option<Fix> {
        let Value::Scalar { text, .. } = &node.value else { return None };
        let quote = match node.place.style {
            Style::Plain => "",
            Style::SingleQuoted => "'",
            Style::DoubleQuoted => "\"",
            Style::Literal | Style::Folded | Style::Block | Style::Flow => return None,
        };
        let exact = self.written(node) == format!("{quote}{text}{quote}") && is_safe(new);
        exact.then(|| self.splice(node.place.start..node.place.end, format!("{quote}{new}{quote}"), grants))
    }

    /// A plain value in quotes.
    pub(super) fn quote(self, node: &Node, grants: bool) -> Option<Fix> {
        let written = self.written(node);
        let is_plain = node.place.style == Style::Plain && node.as_written() == Some(written);
        let is_braced = node.place.style == Style::Flow && written.starts_with("{{") && written.ends_with("}}");
        let exact = (is_plain || is_braced) && is_safe(written);
        exact.then(|| self.splice(node.place.start..node.place.end, format!("\"{written}\""), grants))
    }

    pub(super) fn splice(self, range: Range<usize>, replacement: String, grants: bool) -> Fix {
        Fix { section: self.section, range, replacement, grants }
    }
}

/// How much a row costs its readers, aliases and merges expanded.
pub(super) fn weight(node: &Node) -> usize {
    let of_value = |value: &Node| match &value.value {
        Value::Scalar { .. } => 1,
        Value::Sequence(items) => 1 + items.len(),
        Value::Mapping(pairs) => 1 + pairs.len(),
    };
    node.entries().map_or(1, |entries| entries.iter().map(|entry| 1 + of_value(entry.value)).sum())
}

/// One row of mapRoles or mapUsers.
pub(super) struct Row<'a> {
    pub source: Source<'a>,
    pub node: &'a Rc<Node>,
    /// The row below it in the list.
    next: Option<&'a Rc<Node>>,
    /// Whether a part of it is also written elsewhere, by alias or merge.
    is_shared: bool,
    pub entries: Vec<Entry<'a>>,
    /// The row, if kube-iam takes it.
    pub mapping: Option<MappingRow>,
    /// Why it doesn't.
    pub problem: Option<RowProblem>,
    pub repeated: Vec<RepeatedKey>,
}

impl<'a> Row<'a> {
    pub(super) fn read(source: Source<'a>, node: &'a Rc<Node>, next: Option<&'a Rc<Node>>) -> Self {
        let alone = Node { mark: node.mark, place: node.place, value: Value::Sequence(Vec::from([Rc::clone(node)])) };
        let mut rows = read_section_node(source.section, &alone, Typing::Strict).unwrap_or_default();
        drop(alone);
        let is_shared = is_shared(node);
        let entries = node.entries().unwrap_or_default();
        let (mapping, problem) = (rows.mappings.pop(), rows.problems.pop());
        Self { source, node, next, is_shared, entries, mapping, problem, repeated: rows.repeated }
    }

    pub(super) fn section(&self) -> Section {
        self.source.section
    }

    /// The key of the principal in this section.
    pub(super) fn principal_key(&self) -> &'static str {
        if self.section() == Section::MapUsers { "userarn" } else { "rolearn" }
    }

    /// The value that counts for a key: the same choice as the reader's.
    pub(super) fn find(&self, key: &str) -> Option<&'a Node> {
        let spelt = self.entries.iter().filter(|entry| entry.key.eq_ignore_ascii_case(key));
        spelt.max_by_key(|entry| entry.key).map(|entry| entry.value)
    }

    /// Whom it is about, also if the rest of it can't be read.
    pub(super) fn principal(&self) -> Option<&Principal> {
        let of_problem = || self.problem.as_ref().and_then(|problem| problem.principal.as_ref());
        self.mapping.as_ref().map(|mapping| &mapping.principal).or_else(of_problem)
    }

    /// Where the principal stands.
    pub(super) fn principal_mark(&self) -> Mark {
        self.find(self.principal_key()).or_else(|| self.find("sso")).map_or(self.node.mark, |node| node.mark)
    }

    pub(super) fn username(&self) -> &'a str {
        self.find("username").and_then(Node::as_text).unwrap_or_default()
    }

    /// The items of its groups.
    pub(super) fn groups(&self) -> &'a [Rc<Node>] {
        self.find("groups").and_then(Node::as_sequence).unwrap_or_default()
    }

    pub(super) fn has_group(&self, name: &str) -> bool {
        self.groups().iter().any(|group| group.as_text() == Some(name))
    }

    /// A repair of one value, if nothing else is written by it.
    pub(super) fn respell(&self, node: &Node, new: &str, grants: bool) -> Option<Fix> {
        if self.is_shared { None } else { self.source.respell(node, new, grants) }
    }

    pub(super) fn quote(&self, node: &Node, grants: bool) -> Option<Fix> {
        if self.is_shared { None } else { self.source.quote(node, grants) }
    }

    /// The row taken out: from its dash to the end of its last line, with
    /// comments below that are indented deeper. Only of rows that have their
    /// lines for themselves.
    pub(super) fn removal(&self) -> Option<Fix> {
        if self.is_shared || ends_with_nothing(self.node) {
            return None;
        }
        let (text, place) = (self.source.text, self.node.place);
        let start = line_start(text, place.start);
        let before = text.get(start..place.start)?;
        let column = before.strip_suffix(' ')?.trim_end_matches(' ').strip_suffix('-')?.len();
        let mut end = after_line(text, place.end);
        let rest = text.get(place.end..end)?;
        let is_clear = rest.trim().is_empty() || (rest.starts_with([' ', '\t']) && rest.trim().starts_with('#'));
        while let Some(line) = text.get(end..).and_then(|below| below.split_inclusive('\n').next()) {
            let content = line.trim_start_matches(' ');
            if !content.starts_with('#') || line.len() - content.len() <= column {
                break;
            }
            end += line.len();
        }
        let has_own_lines = own_column(text, start + column) == Some(column);
        let fits = self.next.is_none_or(|next| line_start(text, next.place.start) >= end);
        (has_own_lines && is_clear && fits).then(|| self.source.splice(start..end, String::new(), false))
    }
}

/// Whether a part of the value is also written elsewhere.
fn is_shared(node: &Rc<Node>) -> bool {
    if Rc::strong_count(node) > 1 {
        return true;
    }
    match &node.value {
        Value::Scalar { kind, .. } => *kind == ScalarKind::Merge,
        Value::Sequence(items) => items.iter().any(is_shared),
        Value::Mapping(pairs) => pairs.iter().any(|(key, value)| is_shared(key) || is_shared(value)),
    }
}

/// Whether the last value is not written, so that its place is not sure.
fn ends_with_nothing(node: &Node) -> bool {
    match &node.value {
        Value::Scalar { .. } => node.is_null() || node.place.end <= node.place.start,
        Value::Sequence(items) => {
            node.place.style != Style::Flow && items.last().is_none_or(|item| ends_with_nothing(item))
        }
        Value::Mapping(pairs) => {
            node.place.style != Style::Flow && pairs.last().is_none_or(|(_, value)| ends_with_nothing(value))
        }
    }
}
