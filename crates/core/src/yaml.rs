//! YAML with positions, and scalars as Go's `sigs.k8s.io/yaml` understands them.
//!
//! The parser below gives events in which nothing is resolved. This module
//! builds the tree and answers what a plain scalar means under YAML 1.1. A list
//! in the plain form that nearly every aws-auth has is read by a reader of its
//! own, several times faster, into the very same tree.
//! Aliases share their node, so that a text of aliases on aliases costs what
//! its bytes cost.

mod build;
pub mod edit;
mod plain_flow;
mod plain_list;
mod scalar;

pub use build::{parse, parse_all};
pub use scalar::ScalarKind;

use alloc::borrow::Cow;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::fmt;

use compact_str::CompactString;
use serde::Serialize;

use crate::limits;

/// A place in a text; both numbers count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
pub struct Mark {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// Why a text is not readable YAML.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{mark}: {reason}")]
pub struct YamlError {
    /// Where.
    pub mark: Mark,
    /// What is wrong.
    pub reason: Cow<'static, str>,
}

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Style {
    /// A scalar without quotes.
    #[default]
    Plain,
    /// A scalar in single quotes.
    SingleQuoted,
    /// A scalar in double quotes.
    DoubleQuoted,
    /// A scalar after `|`.
    Literal,
    /// A scalar after `>`.
    Folded,
    /// A list or map by indentation.
    Block,
    /// A list or map in brackets, as in JSON.
    Flow,
}

/// Where a value stands in its text, in bytes, and how it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place {
    /// Its first byte: of the anchor or tag, if it has one; of the content after `|` and `>`.
    pub start: usize,
    /// The byte after its last. A value after `|` or `>` reaches to the end of a line.
    pub end: usize,
    /// How it is written.
    pub style: Style,
}

/// One value of a YAML text and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Where it begins, for people.
    pub mark: Mark,
    /// Where it stands, for edits. Of an alias: where the value it names stands.
    pub place: Place,
    /// What it is.
    pub value: Value,
}

/// The three shapes a value can have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A text, number, word or null.
    Scalar {
        /// The text with quoting and escapes removed. Keys and most values are short, and a
        /// document has tens of thousands.
        text: CompactString,
        /// What it means.
        kind: ScalarKind,
    },
    /// A list.
    Sequence(Vec<Rc<Node>>),
    /// Keys and values in the order written, repeated keys included.
    Mapping(Vec<(Rc<Node>, Rc<Node>)>),
}

impl Node {
    /// Whether both mean the same, wherever and however they are written. Two
    /// values that aliases make larger than any text could are taken to differ.
    pub fn means(&self, other: &Self) -> bool {
        self.means_within(other, &mut limits::YAML_COMPARISONS.clone())
    }

    fn means_within(&self, other: &Self, budget: &mut usize) -> bool {
        let Some(left) = budget.checked_sub(1) else { return false };
        *budget = left;
        match (&self.value, &other.value) {
            (Value::Scalar { text: a, kind: kind_a }, Value::Scalar { text: b, kind: kind_b }) => {
                a == b && kind_a == kind_b
            }
            (Value::Sequence(a), Value::Sequence(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.means_within(b, budget))
            }
            (Value::Mapping(a), Value::Mapping(b)) => {
                let mut pairs = a.iter().zip(b);
                a.len() == b.len()
                    && pairs.all(|((key, value), (other, its))| {
                        key.means_within(other, budget) && value.means_within(its, budget)
                    })
            }
            _ => false,
        }
    }

    /// Whether keys, values and texts, aliases expanded, take no more than `room`: a value
    /// takes one, and its text one for each byte. The time it takes to tell is bounded by `room`.
    pub fn fits(&self, mut room: usize) -> bool {
        self.takes_from(&mut room).is_some()
    }

    fn takes_from(&self, room: &mut usize) -> Option<()> {
        let own = if let Value::Scalar { text, .. } = &self.value { text.len() } else { 0 };
        *room = room.checked_sub(own + 1)?;
        match &self.value {
            Value::Scalar { .. } => Some(()),
            Value::Sequence(items) => items.iter().try_for_each(|item| item.takes_from(room)),
            Value::Mapping(pairs) => pairs.iter().try_for_each(|(key, value)| {
                key.takes_from(room)?;
                value.takes_from(room)
            }),
        }
    }

    /// Whether the value is null, or there is none.
    pub fn is_null(&self) -> bool {
        matches!(self.value, Value::Scalar { kind: ScalarKind::Null, .. })
    }

    /// The text, if YAML 1.1 reads the value as text.
    pub fn as_text(&self) -> Option<&str> {
        match &self.value {
            // As a value the merge key is a text like any other.
            Value::Scalar { text, kind: ScalarKind::Text | ScalarKind::Merge } => Some(text),
            Value::Scalar { .. } | Value::Sequence(_) | Value::Mapping(_) => None,
        }
    }

    /// The text as written, whatever YAML takes it for: `012345678901` stays so.
    pub fn as_written(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, kind } if *kind != ScalarKind::Null => Some(text),
            Value::Scalar { .. } | Value::Sequence(_) | Value::Mapping(_) => None,
        }
    }

    /// The items, if this is a list.
    pub fn as_sequence(&self) -> Option<&[Rc<Self>]> {
        match &self.value {
            Value::Sequence(items) => Some(items),
            Value::Scalar { .. } | Value::Mapping(_) => None,
        }
    }

    /// What a reader calls this value.
    pub fn describe(&self) -> &'static str {
        match &self.value {
            Value::Scalar { kind, .. } => kind.describe(),
            Value::Sequence(_) => "a list",
            Value::Mapping(_) => "a map",
        }
    }

    /// Keys and values, if this is a map: merge keys (`<<`) are taken in, and a
    /// key that is written here beats a merged one.
    ///
    /// Keys that are no text are left out; nothing we read has any.
    pub fn entries(&self) -> Option<Vec<Entry<'_>>> {
        let Value::Mapping(pairs) = &self.value else { return None };
        let mut entries: Vec<Entry<'_>> = Vec::with_capacity(pairs.len());
        let mut merged = Vec::new();
        for (key, value) in pairs {
            match &key.value {
                Value::Scalar { kind: ScalarKind::Merge, .. } => merged.push(value),
                Value::Scalar { text, .. } => entries.push(Entry { key: text, mark: key.mark, value }),
                Value::Sequence(_) | Value::Mapping(_) => {}
            }
        }
        let mut budget = limits::YAML_MERGED_KEYS;
        merged.iter().for_each(|value| value.merge_into(&mut entries, &mut budget));
        Some(entries)
    }

    /// Adds the keys of a merged map that are not there yet. The budget bounds
    /// how much merges of merges can cost.
    fn merge_into<'a>(&'a self, entries: &mut Vec<Entry<'a>>, budget: &mut usize) {
        match &self.value {
            Value::Sequence(maps) => maps.iter().for_each(|map| map.merge_into(entries, budget)),
            Value::Mapping(pairs) => {
                for (key, value) in pairs {
                    let Some(left) = budget.checked_sub(1) else { return };
                    *budget = left;
                    match &key.value {
                        Value::Scalar { kind: ScalarKind::Merge, .. } => value.merge_into(entries, budget),
                        Value::Scalar { text, .. } if entries.iter().all(|entry| entry.key != text) => {
                            entries.push(Entry { key: text, mark: key.mark, value });
                        }
                        Value::Scalar { .. } | Value::Sequence(_) | Value::Mapping(_) => {}
                    }
                }
            }
            Value::Scalar { .. } => {}
        }
    }
}

/// One key of a map with its value.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// The key as written.
    pub key: &'a str,
    /// Where the key begins.
    pub mark: Mark,
    /// The value.
    pub value: &'a Node,
}

#[cfg(test)]
mod node_limit_tests;
#[cfg(test)]
mod tests;
