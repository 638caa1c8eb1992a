//! A fast reader of lists in plain form.
//!
//! Nearly every aws-auth is a list of maps, one key in a line, with plain or
//! simply quoted values. This reader takes exactly that and gives the very tree
//! that the parser's events would give. Whatever it is not sure of it leaves to
//! them: it never refuses and never guesses.

use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;

use super::plain_flow::{self, is_printed};
use super::{Mark, Node, Place, ScalarKind, Style, Value};
use crate::limits;

/// Deepest nesting read here: rows, their keys, and a list of groups.
const DEPTH: usize = 6;

/// Longest key read here; YAML allows 1024.
const KEY_BYTES: usize = 128;

/// Reads the text if it is a list in plain form.
pub(super) fn read(text: &str) -> Option<Rc<Node>> {
    let mut reader = Reader { text, next: 0, line_number: 0, line: None, nodes: 0 };
    reader.advance();
    let first = reader.line?;
    first.opens_item().then_some(())?;
    // Tabs and lone carriage returns have rules of their own.
    if !text.chars().all(|char| is_printed(char) || matches!(char, '\r' | '\n')) {
        return None;
    }
    if !text.split('\r').skip(1).all(|after| after.starts_with('\n')) {
        return None;
    }
    let list = reader.list(first.indent, DEPTH)?;
    reader.line.is_none().then_some(list)
}

/// A line with something on it.
#[derive(Clone, Copy)]
struct Line<'a> {
    number: usize,
    /// Offset of its first byte in the text.
    start: usize,
    indent: usize,
    /// From the first byte that is no blank to the last one of the line.
    content: &'a str,
}

impl Line<'_> {
    fn opens_item(self) -> bool {
        self.content.starts_with("- ")
    }
}

struct Reader<'a> {
    text: &'a str,
    /// Offset of the line after `line`.
    next: usize,
    line_number: usize,
    line: Option<Line<'a>>,
    nodes: usize,
}

impl<'a> Reader<'a> {
    /// Goes to the next line that is neither blank nor a comment.
    fn advance(&mut self) {
        self.line = None;
        while let Some(rest) = self.text.get(self.next..).filter(|rest| !rest.is_empty()) {
            let whole = rest.split_once('\n').map_or(rest, |(line, _)| line);
            let start = self.next;
            self.next = start + whole.len() + 1;
            self.line_number += 1;
            let line = whole.strip_suffix('\r').unwrap_or(whole);
            let content = line.trim_start_matches(' ');
            if !content.is_empty() && !content.starts_with('#') {
                let indent = line.len() - content.len();
                self.line = Some(Line { number: self.line_number, start, indent, content });
                return;
            }
        }
    }

    fn count(&mut self) -> Option<()> {
        self.nodes += 1;
        (self.nodes <= limits::YAML_NODES).then_some(())
    }

    /// A list whose dashes stand at `indent`.
    fn list(&mut self, indent: usize, depth: usize) -> Option<Rc<Node>> {
        let depth = depth.checked_sub(1)?;
        let first = self.line?;
        let mut items: Vec<Rc<Node>> = Vec::new();
        while let Some(line) = self.line.filter(|line| line.indent == indent && line.opens_item()) {
            let inner = line.content.get(1..)?.trim_start_matches(' ');
            // A dash with the item below it, or with a list beside it.
            if inner.is_empty() || inner.starts_with('#') || inner.starts_with("- ") || inner == "-" {
                return None;
            }
            let column = indent + line.content.len() - inner.len();
            let inner = Line { indent: column, content: inner, ..line };
            items.push(if split_key(inner.content).is_some() {
                self.line = Some(inner);
                self.map(column, depth)?
            } else {
                let item = self.scalar(inner, 0)?;
                self.advance();
                item
            });
            // What is indented deeper would belong to the item.
            if self.line.is_some_and(|line| line.indent > indent) {
                return None;
            }
        }
        let end = items.last()?.place.end;
        self.count()?;
        let place = Place { start: first.start + indent, end, style: Style::Block };
        let mark = Mark { line: first.number, column: indent + 1 };
        Some(Rc::new(Node { mark, place, value: Value::Sequence(items) }))
    }

    /// A map whose keys stand at `indent`.
    fn map(&mut self, indent: usize, depth: usize) -> Option<Rc<Node>> {
        let depth = depth.checked_sub(1)?;
        let first = self.line?;
        let mut pairs = Vec::new();
        let mut end = 0;
        while let Some(line) = self.line.filter(|line| line.indent == indent) {
            // Below a map only its own keys may stand as deep as it does.
            let Some((key, after)) = split_key(line.content) else { break };
            let key_node = self.node(line, 0, key, Style::Plain)?;
            let value = line.content.get(after..)?.trim_start_matches(' ');
            let offset = line.content.len() - value.len();
            let value = if value.is_empty() {
                self.advance();
                let below = self.line?;
                if below.opens_item() && below.indent > indent {
                    self.list(below.indent, depth)?
                } else if below.opens_item() && below.indent == indent {
                    beside_its_key(self.list(indent, depth)?)?
                } else if below.indent > indent && split_key(below.content).is_some() {
                    self.map(below.indent, depth)?
                } else {
                    return None;
                }
            } else {
                let node = self.scalar(line, offset)?;
                self.advance();
                node
            };
            if self.line.is_some_and(|line| line.indent > indent) {
                return None;
            }
            end = value.place.end;
            pairs.push((key_node, value));
        }
        if pairs.is_empty() {
            return None;
        }
        self.count()?;
        let place = Place { start: first.start + indent, end, style: Style::Block };
        let mark = Mark { line: first.number, column: indent + 1 };
        Some(Rc::new(Node { mark, place, value: Value::Mapping(pairs) }))
    }

    /// A value from `offset` of a line to its end, a comment after it left out.
    fn scalar(&mut self, line: Line<'a>, offset: usize) -> Option<Rc<Node>> {
        let rest = line.content.get(offset..)?;
        if let Some(quote) = rest.chars().next().filter(|first| matches!(first, '"' | '\'')) {
            let (inner, after) = rest.get(1..)?.split_once(quote)?;
            let is_comment = after.starts_with(' ') && after.trim_start_matches(' ').starts_with('#');
            if inner.contains('\\') || !(after.trim_end_matches(' ').is_empty() || is_comment) {
                return None;
            }
            let style = if quote == '"' { Style::DoubleQuoted } else { Style::SingleQuoted };
            return self.node(line, offset, rest.get(..inner.len() + 2)?, style);
        }
        if rest.starts_with(['[', '{']) {
            return self.brackets(line, offset);
        }
        let value = rest.split_once(" #").map_or(rest, |(value, _)| value).trim_end_matches(' ');
        let starts_plainly = |first: char| first.is_alphanumeric() || matches!(first, '/' | '_' | '+' | '(' | '$');
        let is_plain = value.starts_with(starts_plainly) && !value.contains(": ") && !value.ends_with(':');
        if is_plain { self.node(line, offset, value, Style::Plain) } else { None }
    }

    /// A list or map in brackets, on one line.
    fn brackets(&mut self, line: Line<'a>, offset: usize) -> Option<Rc<Node>> {
        let start = line.start + line.indent + offset;
        let end = line.start + line.indent + line.content.len();
        let mark = Mark { line: line.number, column: line.indent + offset + 1 };
        let node = plain_flow::read_at(self.text.get(..end)?, start, mark, &mut self.nodes)?;
        let after = self.text.get(node.place.end..end)?;
        let is_comment = after.starts_with(' ') && after.trim_start_matches(' ').starts_with('#');
        (is_comment || after.trim_end_matches(' ').is_empty()).then_some(node)
    }

    fn node(&mut self, line: Line<'_>, offset: usize, written: &str, style: Style) -> Option<Rc<Node>> {
        self.count()?;
        let (mark, place) = place(line, offset, written, style);
        let (text, kind) = match style {
            Style::Plain => (written, ScalarKind::of_plain(written)),
            _ => (written.get(1..written.len() - 1)?, ScalarKind::Text),
        };
        Some(Rc::new(Node { mark, place, value: Value::Scalar { text: String::from(text), kind } }))
    }
}

/// Of a list whose dashes stand below the first letter of its key the parser
/// gives the place of the first item.
fn beside_its_key(list: Rc<Node>) -> Option<Rc<Node>> {
    let mut list = Rc::into_inner(list)?;
    let first = list.as_sequence()?.first()?;
    (list.mark, list.place.start) = (first.mark, first.place.start);
    Some(Rc::new(list))
}

fn place(line: Line<'_>, offset: usize, written: &str, style: Style) -> (Mark, Place) {
    let column = line.indent + offset;
    let start = line.start + column;
    (Mark { line: line.number, column: column + 1 }, Place { start, end: start + written.len(), style })
}

/// The key that a line begins with and the offset after its colon.
fn split_key(content: &str) -> Option<(&str, usize)> {
    let colon = content.bytes().take(KEY_BYTES).position(|byte| byte == b':')?;
    let key = content.get(..colon)?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let starts_plainly = key.bytes().next()?.is_ascii_alphanumeric();
    let ends = matches!(content.as_bytes().get(colon + 1), None | Some(b' '));
    (starts_plainly && ends && key.bytes().all(is_plain)).then_some((key, colon + 1))
}

#[cfg(test)]
mod tests;
