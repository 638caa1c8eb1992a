//! A fast reader of lists and maps in brackets: JSON in place of YAML, and words
//! in brackets.
//!
//! Like the reader of plain lists it gives the very tree that the parser's events
//! would give, and leaves whatever it is not sure of to them. The parser looks at
//! all of a bracket before it builds anything, which costs it several times more.

use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;

use super::{Mark, Node, Place, ScalarKind, Style, Value};
use crate::limits;

/// Deepest nesting read here: a list of rows with a list of groups, in a
/// configuration, and some more.
const DEPTH: usize = 8;

/// Longest key read here; YAML allows 1024.
const KEY_BYTES: usize = 128;

/// Reads the text if it is one list or map in brackets.
pub(super) fn read(text: &str) -> Option<Rc<Node>> {
    let mut reader = Reader { text, at: 0, mark: Mark { line: 1, column: 1 }, nodes: &mut 0 };
    reader.skip_blanks()?;
    let root = reader.brackets()?;
    reader.skip_blanks()?;
    reader.peek().is_none().then_some(root)
}

/// Reads the list or map in brackets that begins at an offset, and adds its nodes
/// to `nodes`. It must end before the text does or with it.
pub(super) fn read_at(text: &str, at: usize, mark: Mark, nodes: &mut usize) -> Option<Rc<Node>> {
    Reader { text, at, mark, nodes }.brackets()
}

struct Reader<'a> {
    text: &'a str,
    /// Offset of the next character.
    at: usize,
    /// Line and column of the next character.
    mark: Mark,
    nodes: &'a mut usize,
}

impl<'a> Reader<'a> {
    fn brackets(&mut self) -> Option<Rc<Node>> {
        matches!(self.peek(), Some('[' | '{')).then_some(())?;
        self.value(DEPTH)
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Goes past text without line ends.
    fn pass(&mut self, passed: &str) {
        self.at += passed.len();
        self.mark.column += if passed.is_ascii() { passed.len() } else { passed.chars().count() };
    }

    fn take(&mut self, wanted: &str) -> Option<()> {
        let found = self.rest().starts_with(wanted);
        found.then(|| self.pass(wanted))
    }

    /// Goes past spaces and line ends. Tabs and comments have rules of their own.
    fn skip_blanks(&mut self) -> Option<()> {
        loop {
            let rest = self.rest();
            if rest.starts_with(' ') {
                self.pass(" ");
            } else if rest.starts_with('\n') || rest.starts_with("\r\n") {
                self.at += if rest.starts_with('\n') { 1 } else { 2 };
                self.mark = Mark { line: self.mark.line + 1, column: 1 };
            } else {
                return (!rest.starts_with(['\t', '\r', '#'])).then_some(());
            }
        }
    }

    fn value(&mut self, depth: usize) -> Option<Rc<Node>> {
        match self.peek()? {
            '[' => self.list(depth),
            '{' => self.map(depth),
            _ => self.scalar(),
        }
    }

    fn list(&mut self, depth: usize) -> Option<Rc<Node>> {
        let depth = depth.checked_sub(1)?;
        let (mark, start) = (self.mark, self.at);
        let mut items = Vec::new();
        self.take("[")?;
        self.skip_blanks()?;
        while self.take("]").is_none() {
            if !items.is_empty() {
                self.comma()?;
            }
            items.push(self.value(depth)?);
            self.skip_blanks()?;
        }
        self.node(mark, start, Style::Flow, Value::Sequence(items))
    }

    fn map(&mut self, depth: usize) -> Option<Rc<Node>> {
        let depth = depth.checked_sub(1)?;
        let (mark, start) = (self.mark, self.at);
        let mut pairs = Vec::new();
        self.take("{")?;
        self.skip_blanks()?;
        while self.take("}").is_none() {
            if !pairs.is_empty() {
                self.comma()?;
            }
            let key = self.scalar()?;
            let is_short = key.place.end - key.place.start <= KEY_BYTES;
            // A quoted key may have its value right behind the colon, a word not.
            (is_short && self.take(":").is_some()).then_some(())?;
            let beside = self.peek().is_some_and(|next| !matches!(next, ' ' | '\r' | '\n'));
            (!beside || key.place.style != Style::Plain).then_some(())?;
            self.skip_blanks()?;
            let value = self.value(depth)?;
            pairs.push((key, value));
            self.skip_blanks()?;
        }
        self.node(mark, start, Style::Flow, Value::Mapping(pairs))
    }

    /// A comma, with something behind it.
    fn comma(&mut self) -> Option<()> {
        self.take(",")?;
        self.skip_blanks()
    }

    /// A text in quotes on one line, or a word.
    fn scalar(&mut self) -> Option<Rc<Node>> {
        let (mark, start, rest) = (self.mark, self.at, self.rest());
        let style = match rest.chars().next()? {
            '"' => Style::DoubleQuoted,
            '\'' => Style::SingleQuoted,
            _ => return self.word(),
        };
        let (quote, quoted) = rest.split_at_checked(1)?;
        let inner = quoted.get(..quoted.find(|c: char| matches!(c, '"' | '\'' | '\\') || !is_printed(c))?)?;
        let written = rest.get(..inner.len() + 2).filter(|written| written.ends_with(quote))?;
        self.pass(written);
        (!self.rest().starts_with(quote)).then_some(())?;
        self.node(mark, start, style, Value::Scalar { text: String::from(inner), kind: ScalarKind::Text })
    }

    fn word(&mut self) -> Option<Rc<Node>> {
        let (mark, start, rest) = (self.mark, self.at, self.rest());
        let word = rest.get(..rest.find(|c: char| !is_in_word(c)).unwrap_or(rest.len()))?;
        // A colon at its end belongs to what follows.
        let word = word.strip_suffix(':').unwrap_or(word);
        word.starts_with(|first: char| first.is_alphanumeric()).then_some(())?;
        self.pass(word);
        matches!(self.peek(), None | Some(' ' | ',' | ':' | ']' | '}' | '\r' | '\n')).then_some(())?;
        let value = Value::Scalar { text: String::from(word), kind: ScalarKind::of_plain(word) };
        self.node(mark, start, Style::Plain, value)
    }

    fn node(&mut self, mark: Mark, start: usize, style: Style, value: Value) -> Option<Rc<Node>> {
        *self.nodes += 1;
        let place = Place { start, end: self.at, style };
        (*self.nodes <= limits::YAML_NODES).then(|| Rc::new(Node { mark, place, value }))
    }
}

/// A character that stands for itself within quotes on one line.
pub(super) fn is_printed(char: char) -> bool {
    matches!(char, ' '..='~' | '\u{a0}'..='\u{2027}' | '\u{202a}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}')
}

fn is_in_word(char: char) -> bool {
    match char.is_ascii() {
        true => char.is_ascii_alphanumeric() || matches!(char, '_' | '.' | '/' | ':' | '@' | '-'),
        false => is_printed(char) && char.is_alphanumeric(),
    }
}

#[cfg(test)]
mod tests;
