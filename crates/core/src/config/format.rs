//! The file formats, all read into the same tree.

use alloc::rc::Rc;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use toml_edit::{Item, TableLike, Value as TomlValue};

use super::Problem;
use crate::yaml::{self, Mark, Node, Place, ScalarKind, Value};

/// Format of a configuration file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// YAML, or JSON, which is YAML too.
    Yaml,
    /// TOML.
    Toml,
}

impl Format {
    /// The format that a file extension stands for.
    pub fn of_extension(extension: &str) -> Option<Self> {
        match extension.to_ascii_lowercase().as_str() {
            "yaml" | "yml" | "json" => Some(Self::Yaml),
            "toml" => Some(Self::Toml),
            _ => None,
        }
    }

    /// Reads a text into a tree.
    pub(super) fn read(self, text: &str) -> Result<Option<Rc<Node>>, Problem> {
        match self {
            Self::Yaml => yaml::parse(text).map_err(|error| Problem {
                mark: error.mark,
                text: alloc::format!("the file is not valid YAML: {}", error.reason),
                hint: None,
            }),
            Self::Toml => {
                let document = toml_edit::Document::parse(text).map_err(|error| Problem {
                    mark: mark_at(text, error.span().map(|span| span.start)),
                    text: alloc::format!("the file is not valid TOML: {}", error.message()),
                    hint: None,
                })?;
                Ok(Some(Rc::new(table(text, document.as_table(), Mark { line: 1, column: 1 }))))
            }
        }
    }
}

fn mark_at(text: &str, offset: Option<usize>) -> Mark {
    let before = text.get(..offset.unwrap_or(0)).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
    Mark { line: before.matches('\n').count() + 1, column }
}

fn table(text: &str, table: &dyn TableLike, mark: Mark) -> Node {
    let mut pairs = Vec::new();
    for (key, item) in table.iter() {
        let at = table.key(key).and_then(toml_edit::Key::span).map_or(mark, |span| mark_at(text, Some(span.start)));
        let name = Node {
            mark: at,
            place: Place::default(),
            value: Value::Scalar { text: key.to_string(), kind: ScalarKind::Text },
        };
        pairs.extend(node(text, item, at).map(|value| (Rc::new(name), Rc::new(value))));
    }
    Node { mark, place: Place::default(), value: Value::Mapping(pairs) }
}

fn node(text: &str, item: &Item, mark: Mark) -> Option<Node> {
    let at = item.span().map_or(mark, |span| mark_at(text, Some(span.start)));
    match item {
        Item::None => None,
        Item::Value(found) => Some(value(text, found, at)),
        Item::Table(found) => Some(table(text, found, at)),
        Item::ArrayOfTables(tables) => {
            let items = tables.iter().map(|found| Rc::new(table(text, found, at))).collect();
            Some(Node { mark: at, place: Place::default(), value: Value::Sequence(items) })
        }
    }
}

fn value(text: &str, found: &TomlValue, mark: Mark) -> Node {
    let scalar = |text: String, kind| Value::Scalar { text, kind };
    let value = match found {
        TomlValue::String(string) => scalar(string.value().clone(), ScalarKind::Text),
        TomlValue::Integer(number) => scalar(number.value().to_string(), ScalarKind::Number),
        TomlValue::Float(number) => scalar(number.value().to_string(), ScalarKind::Number),
        TomlValue::Boolean(word) => scalar(word.value().to_string(), ScalarKind::Bool),
        TomlValue::Datetime(time) => scalar(time.value().to_string(), ScalarKind::Text),
        TomlValue::InlineTable(inline) => return table(text, inline, mark),
        TomlValue::Array(items) => {
            let at = |item: &TomlValue| item.span().map_or(mark, |span| mark_at(text, Some(span.start)));
            Value::Sequence(items.iter().map(|item| Rc::new(value(text, item, at(item)))).collect())
        }
    };
    Node { mark, place: Place::default(), value }
}
