//! A fast reader of lists and maps in brackets: JSON, and words without blanks.
//!
//! As the reader of plain lists, it leaves whatever it is not sure of to the
//! general parser.

use alloc::borrow::Cow;
use alloc::rc::Rc;
use alloc::vec::Vec;

use super::{Mark, Node, Place, ScalarKind, Style, Value};
use crate::limits;

/// Where reading stands in a text.
pub(super) struct Flow<'a> {
    text: &'a str,
    /// Offset of the next byte.
    pub(super) at: usize,
    /// Its line, counted from 1.
    line: usize,
    /// Offset from which columns of the line are counted: later than the line
    /// begins by the bytes that wide characters have beyond their first.
    line_start: usize,
    /// Whether line ends may stand between values: indentation has a say in that
    /// within lists and maps without brackets.
    breaks: bool,
    /// Values read, those that others read before included.
    pub(super) nodes: usize,
}

/// Reads a text that is one list or map in brackets.
pub(super) fn read(text: &str, depth: usize) -> Option<Rc<Node>> {
    let mut flow = Flow { text, at: 0, line: 1, line_start: 0, breaks: true, nodes: 0 };
    flow.gap();
    let node = flow.collection(depth)?;
    flow.gap();
    (flow.at == text.len()).then_some(node)
}

impl<'a> Flow<'a> {
    /// From an offset of a line that holds no wide characters before it; nothing
    /// beyond the line is read.
    pub(super) fn within_line(text: &'a str, at: usize, mark: Mark, nodes: usize) -> Self {
        Self { text, at, line: mark.line, line_start: (at + 1).saturating_sub(mark.column), breaks: false, nodes }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Takes a byte if it is the next.
    fn takes(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Goes over blanks, and line ends where they may stand.
    fn gap(&mut self) {
        while let Some(byte) = self.peek() {
            match byte {
                b' ' => self.at += 1,
                b'\r' if self.breaks => self.at += 1,
                b'\n' if self.breaks => {
                    self.at += 1;
                    (self.line, self.line_start) = (self.line + 1, self.at);
                }
                _ => return,
            }
        }
    }

    fn mark(&self) -> Mark {
        Mark { line: self.line, column: self.at - self.line_start + 1 }
    }

    fn node(&mut self, mark: Mark, start: usize, style: Style, value: Value) -> Option<Rc<Node>> {
        self.nodes += 1;
        let place = Place { start, end: self.at, style };
        (self.nodes <= limits::YAML_NODES).then(|| Rc::new(Node { mark, place, value }))
    }

    /// A list or map in brackets.
    pub(super) fn collection(&mut self, depth: usize) -> Option<Rc<Node>> {
        let depth = depth.checked_sub(1)?;
        let (mark, start) = (self.mark(), self.at);
        let value = if self.takes(b'[') {
            let mut items = Vec::new();
            self.parts(b']', |flow| {
                items.push(flow.value(depth)?);
                Some(())
            })?;
            Value::Sequence(items)
        } else if self.takes(b'{') {
            let mut pairs = Vec::new();
            self.parts(b'}', |flow| {
                let key = flow.key()?;
                flow.gap();
                pairs.push((key, flow.value(depth)?));
                Some(())
            })?;
            Value::Mapping(pairs)
        } else {
            return None;
        };
        self.node(mark, start, Style::Flow, value)
    }

    /// What stands between commas until a closing bracket.
    fn parts(&mut self, close: u8, mut part: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.gap();
        if self.takes(close) {
            return Some(());
        }
        loop {
            part(self)?;
            self.gap();
            if self.takes(close) {
                return Some(());
            }
            if !self.takes(b',') {
                return None;
            }
            self.gap();
        }
    }

    fn value(&mut self, depth: usize) -> Option<Rc<Node>> {
        match self.peek()? {
            b'[' | b'{' => self.collection(depth),
            b'"' | b'\'' => self.quoted(),
            _ => {
                let word = self.word()?;
                (!word.ends_with(':')).then_some(())?;
                self.plain(word)
            }
        }
    }

    /// A key and the colon after it.
    fn key(&mut self) -> Option<Rc<Node>> {
        if matches!(self.peek()?, b'"' | b'\'') {
            let key = self.quoted()?;
            while self.takes(b' ') {}
            return self.takes(b':').then_some(key);
        }
        let word = self.word()?.strip_suffix(':').filter(|word| !word.ends_with(':'))?;
        let key = self.plain(word)?;
        self.at += 1;
        (self.peek() == Some(b' ')).then_some(key)
    }

    /// The word that begins here, a colon at its end included.
    fn word(&self) -> Option<&'a str> {
        let rest = self.text.get(self.at..)?;
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_./:@+=-".contains(&byte);
        let len = rest.bytes().position(|byte| !is_plain(byte)).unwrap_or(rest.len());
        rest.get(..len).filter(|word| word.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric()))
    }

    fn plain(&mut self, word: &str) -> Option<Rc<Node>> {
        let (mark, start) = (self.mark(), self.at);
        self.at += word.len();
        let value = Value::Scalar { text: word.into(), kind: ScalarKind::of_plain(word) };
        self.node(mark, start, Style::Plain, value)
    }

    /// A text in quotes, on one line.
    fn quoted(&mut self) -> Option<Rc<Node>> {
        let (mark, start) = (self.mark(), self.at);
        let rest = self.text.get(start + 1..)?;
        let (text, len, style) = match self.peek()? {
            b'"' => {
                let (text, len) = double_quoted(rest)?;
                (text, len, Style::DoubleQuoted)
            }
            _ => {
                let len = rest.bytes().position(|byte| matches!(byte, b'\'' | b'\n'))?;
                (Cow::Borrowed(rest.get(..len)?), len, Style::SingleQuoted)
            }
        };
        let written = rest.get(..len)?;
        // Two quotes in single quotes stand for one.
        let ends = match style {
            Style::DoubleQuoted => true,
            _ => rest.as_bytes().get(len) == Some(&b'\'') && rest.as_bytes().get(len + 1) != Some(&b'\''),
        };
        ends.then_some(())?;
        self.at += len + 2;
        self.line_start += written.bytes().filter(|byte| byte & 0xC0 == 0x80).count();
        self.node(mark, start, style, Value::Scalar { text: text.into(), kind: ScalarKind::Text })
    }
}

/// A text up to the quote that ends it, escapes of JSON resolved, and how many bytes it takes.
fn double_quoted(rest: &str) -> Option<(Cow<'_, str>, usize)> {
    let stop = |from: usize| {
        let tail = rest.as_bytes().get(from..)?;
        Some(from + tail.iter().position(|byte| matches!(byte, b'"' | b'\\' | b'\n'))?)
    };
    let (mut text, mut from) = (Cow::Borrowed(""), 0);
    loop {
        let at = stop(from)?;
        let piece = rest.get(from..at)?;
        match rest.as_bytes().get(at)? {
            b'"' if from == 0 => return Some((Cow::Borrowed(piece), at)),
            b'"' => {
                text.to_mut().push_str(piece);
                return Some((text, at));
            }
            b'\\' => {
                let (char, len) = escape(rest.get(at + 1..)?)?;
                text.to_mut().push_str(piece);
                text.to_mut().push(char);
                from = at + 1 + len;
            }
            _ => return None,
        }
    }
}

/// What JSON and YAML both take an escape for, and its bytes after the backslash. Halves of
/// surrogate pairs mean something in JSON only.
fn escape(rest: &str) -> Option<(char, usize)> {
    let char = match rest.bytes().next()? {
        b'"' => '"',
        b'\\' => '\\',
        b'/' => '/',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => {
            let digits = rest.get(1..5).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
            return Some((char::from_u32(u32::from_str_radix(digits, 16).ok()?)?, 5));
        }
        _ => return None,
    };
    Some((char, 1))
}

#[cfg(test)]
mod tests;
