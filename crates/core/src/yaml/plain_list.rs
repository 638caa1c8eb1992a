//! A fast reader of lists in plain form.
//!
//! Nearly every aws-auth is a list of maps, one key in a line, with plain or
//! simply quoted values. This reader takes exactly that and gives the very tree
//! that the parser's events would give. Whatever it is not sure of it leaves to
//! them: it never refuses and never guesses.

use alloc::rc::Rc;
use alloc::vec::Vec;

use super::plain_flow::{self, Flow};
use super::{Mark, Node, Place, ScalarKind, Style, Value};
use crate::limits;

/// Deepest nesting read here: rows, their keys, and a list of groups.
const DEPTH: usize = 6;

/// Longest key read here; YAML allows 1024.
const KEY_BYTES: usize = 128;

/// Reads the text if it is a list in plain form, or JSON.
pub(super) fn read(text: &str) -> Option<Rc<Node>> {
    if !has_plain_characters(text) {
        return None;
    }
    if text.trim_start_matches([' ', '\r', '\n']).starts_with(['[', '{']) {
        return plain_flow::read(text, DEPTH);
    }
    let mut reader = Reader { text, next: 0, line_number: 0, line: None, nodes: 0 };
    reader.advance();
    let first = reader.line?;
    first.opens_item().then_some(())?;
    let list = reader.list(first.indent, DEPTH)?;
    reader.line.is_none().then_some(list)
}

/// Tabs, lone carriage returns, and what is a line end to some readers, have
/// rules of their own.
fn has_plain_characters(text: &str) -> bool {
    // Without a way out in the middle this goes over many bytes at once.
    if text.bytes().fold(true, |plain, byte| plain & matches!(byte, b' '..=b'~' | b'\n')) {
        return true;
    }
    let (mut after_return, mut is_wide) = (false, false);
    for byte in text.bytes() {
        if !matches!(byte, b' '..=b'~' | b'\n' | b'\r' | 0x80..) || (after_return && byte != b'\n') {
            return false;
        }
        (after_return, is_wide) = (byte == b'\r', is_wide || byte >= 0x80);
    }
    let is_odd = |char: char| {
        matches!(char, '\u{80}'..'\u{a0}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
    };
    !after_return && (!is_wide || !text.contains(is_odd))
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
            let whole = whole.strip_suffix('\r').unwrap_or(whole);
            let content = whole.trim_start_matches(' ');
            if !content.is_empty() && !content.starts_with('#') {
                let indent = whole.len() - content.len();
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
                let item = self.value(inner, 0, depth)?;
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
                let node = self.value(line, offset, depth)?;
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
    fn value(&mut self, line: Line<'a>, offset: usize, depth: usize) -> Option<Rc<Node>> {
        let rest = line.content.get(offset..)?;
        if let Some(quote) = rest.chars().next().filter(|first| matches!(first, '"' | '\'')) {
            let (inner, after) = rest.get(1..)?.split_once(quote)?;
            if inner.contains('\\') || !is_blank_or_comment(after) {
                return None;
            }
            let style = if quote == '"' { Style::DoubleQuoted } else { Style::SingleQuoted };
            return self.node(line, offset, rest.get(..inner.len() + 2)?, style);
        }
        if rest.starts_with(['[', '{']) {
            return self.bracketed(line, offset, depth);
        }
        let (value, holds_pair) = plain_part(rest);
        let starts_plainly =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'_' | b'+' | b'(' | b'$' | 0x80..);
        let is_plain = value.bytes().next().is_some_and(starts_plainly) && !holds_pair && !value.ends_with(':');
        if is_plain { self.node(line, offset, value, Style::Plain) } else { None }
    }

    /// A list or map in brackets, on one line.
    fn bracketed(&mut self, line: Line<'a>, offset: usize, depth: usize) -> Option<Rc<Node>> {
        let (mark, Place { start, .. }) = place(line, offset, "", Style::Flow);
        let mut flow = Flow::within_line(self.text, start, mark, self.nodes);
        let node = flow.collection(depth)?;
        self.nodes = flow.nodes;
        let after = line.content.get(offset + flow.at - start..)?;
        is_blank_or_comment(after).then_some(node)
    }

    fn node(&mut self, line: Line<'_>, offset: usize, written: &str, style: Style) -> Option<Rc<Node>> {
        self.count()?;
        let (mark, place) = place(line, offset, written, style);
        let (text, kind) = match style {
            Style::Plain => (written, ScalarKind::of_plain(written)),
            _ => (written.get(1..written.len() - 1)?, ScalarKind::Text),
        };
        Some(Rc::new(Node { mark, place, value: Value::Scalar { text: text.into(), kind } }))
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

/// What stands before a comment, and whether a colon in it makes a key of what is before it.
fn plain_part(rest: &str) -> (&str, bool) {
    let (mut previous, mut holds_pair) = (0, false);
    for (at, byte) in rest.bytes().enumerate() {
        match (previous, byte) {
            (b' ', b'#') => return (rest.get(..at).unwrap_or(rest).trim_end_matches(' '), holds_pair),
            (b':', b' ') => holds_pair = true,
            _ => {}
        }
        previous = byte;
    }
    (rest.trim_end_matches(' '), holds_pair)
}

/// Whether nothing comes after a value that ends by itself.
fn is_blank_or_comment(after: &str) -> bool {
    let rest = after.trim_start_matches(' ');
    rest.is_empty() || (rest.starts_with('#') && rest.len() < after.len())
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
pub(super) mod tests;
