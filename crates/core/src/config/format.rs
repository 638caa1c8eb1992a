//! The file formats, all read into the same tree.

use alloc::rc::Rc;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::ops::Range;

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
                let (marks, beginning) = (Marks::new(text), Mark { line: 1, column: 1 });
                let document = toml_edit::Document::parse(text).map_err(|error| Problem {
                    mark: marks.of(error.span(), beginning),
                    text: alloc::format!("the file is not valid TOML: {}", error.message()),
                    hint: None,
                })?;
                Ok(Some(Rc::new(marks.table(document.as_table(), beginning))))
            }
        }
    }
}

/// Finds where bytes of a text stand for people. A look-up costs the same however
/// long the text and its lines are.
struct Marks<'t> {
    text: &'t [u8],
    /// Where lines begin, in bytes.
    lines: Vec<usize>,
    /// How many characters stand before each [`BLOCK`] of bytes.
    blocks: Vec<usize>,
}

/// Bytes that are looked through to count the last characters before a mark.
const BLOCK: usize = 64;

impl<'t> Marks<'t> {
    fn new(text: &'t str) -> Self {
        let text = text.as_bytes();
        let ends = text.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
        let blocks = text.chunks(BLOCK).scan(0, |sum, block| {
            let before = *sum;
            *sum += characters(block);
            Some(before)
        });
        Self { text, lines: core::iter::once(0).chain(ends).collect(), blocks: blocks.collect() }
    }

    /// Where a span begins; `otherwise`, if it is not known.
    fn of(&self, span: Option<Range<usize>>, otherwise: Mark) -> Mark {
        let Some(start) = span.map(|span| span.start) else { return otherwise };
        let line = self.lines.partition_point(|begin| *begin <= start);
        let begin = line.checked_sub(1).and_then(|index| self.lines.get(index)).copied().unwrap_or_default();
        Mark { line, column: self.characters_before(start) - self.characters_before(begin) + 1 }
    }

    fn characters_before(&self, end: usize) -> usize {
        let block = end / BLOCK;
        let rest = self.text.get(block * BLOCK..end.min(self.text.len())).unwrap_or_default();
        self.blocks.get(block).or(self.blocks.last()).copied().unwrap_or_default() + characters(rest)
    }

    fn table(&self, table: &dyn TableLike, mark: Mark) -> Node {
        let mut pairs = Vec::new();
        for (key, item) in table.iter() {
            let at = self.of(table.key(key).and_then(toml_edit::Key::span), mark);
            let name = Node {
                mark: at,
                place: Place::default(),
                value: Value::Scalar { text: key.into(), kind: ScalarKind::Text },
            };
            pairs.extend(self.node(item, at).map(|value| (Rc::new(name), Rc::new(value))));
        }
        Node { mark, place: Place::default(), value: Value::Mapping(pairs) }
    }

    fn node(&self, item: &Item, mark: Mark) -> Option<Node> {
        let at = self.of(item.span(), mark);
        match item {
            Item::None => None,
            Item::Value(found) => Some(self.value(found, at)),
            Item::Table(found) => Some(self.table(found, at)),
            Item::ArrayOfTables(tables) => {
                let items = tables.iter().map(|found| Rc::new(self.table(found, self.of(found.span(), at)))).collect();
                Some(Node { mark: at, place: Place::default(), value: Value::Sequence(items) })
            }
        }
    }

    fn value(&self, found: &TomlValue, mark: Mark) -> Node {
        let scalar = |text: String, kind| Value::Scalar { text: text.into(), kind };
        let value = match found {
            TomlValue::String(string) => scalar(string.value().clone(), ScalarKind::Text),
            TomlValue::Integer(number) => scalar(number.value().to_string(), ScalarKind::Number),
            TomlValue::Float(number) => scalar(number.value().to_string(), ScalarKind::Number),
            TomlValue::Boolean(word) => scalar(word.value().to_string(), ScalarKind::Bool),
            TomlValue::Datetime(time) => scalar(time.value().to_string(), ScalarKind::Text),
            TomlValue::InlineTable(inline) => return self.table(inline, mark),
            TomlValue::Array(items) => Value::Sequence(
                items.iter().map(|item| Rc::new(self.value(item, self.of(item.span(), mark)))).collect(),
            ),
        };
        Node { mark, place: Place::default(), value }
    }
}

/// How many characters begin in these bytes of UTF-8.
fn characters(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte & 0xC0 != 0x80).count()
}

#[cfg(test)]
mod tests {
    use std::format;

    use super::*;
    use crate::limits;

    #[test]
    fn marks_count_lines_and_characters_wherever_they_lie() {
        let text = "a = 1\n\nä = \"ö\"\n".to_string() + &"é".repeat(3 * BLOCK) + "x\n\n";
        let marks = Marks::new(&text);
        let beginning = Mark { line: 1, column: 1 };
        for (offset, _) in text.char_indices().chain([(text.len(), ' ')]) {
            let before = &text[..offset];
            let column = before.rsplit('\n').next().unwrap().chars().count() + 1;
            let expected = Mark { line: before.matches('\n').count() + 1, column };
            assert_eq!(marks.of(Some(offset..offset), beginning), expected, "{offset}");
        }
        assert_eq!(Marks::new("").of(Some(0..0), beginning), beginning);
    }

    /// Were each mark counted from the beginning of the text, or of its line, this
    /// would take hours.
    #[test]
    fn a_full_file_is_read_in_linear_work() {
        let rows = |row: &str, room: usize| row.repeat((room - 40) / row.len());
        let full = limits::CONFIG_BYTES;
        for text in [
            format!("[server]\nmapAccounts = [{}]\n", rows("1,", full)),
            format!("[server]\nmapAccounts = [\n{}]\n", rows("1,\n", full)),
            rows("[[server.mapUsers]]\na=1\n", full),
        ] {
            assert!(text.len() <= full);
            assert!(Format::Toml.read(&text).unwrap().is_some());
        }
    }
}
