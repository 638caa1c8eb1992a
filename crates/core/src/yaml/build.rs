//! From parser events to a tree, within bounds.

use alloc::borrow::Cow;
use alloc::rc::Rc;
use alloc::string::ToString as _;
use alloc::vec::Vec;

use hashbrown::HashMap;
use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span, Tag};

use super::{Mark, Node, Place, ScalarKind, Style, Value, YamlError, plain_list};
use crate::limits;

/// Where people meet it, a text once in plain form has got something odd.
const TOO_MANY_SEPARATORS: &str = "the text holds more than 40,000 separators of values, and is neither JSON nor a list \
                                   in the usual form (one key in a line, no anchors, tags or blocks of text)";

/// Reads the first document of a text; `None` if there is none.
pub fn parse(text: &str) -> Result<Option<Rc<Node>>, YamlError> {
    if text.len() > limits::YAML_BYTES {
        return Err(refuse(Mark { line: 1, column: 1 }, "the text is longer than 1 MiB"));
    }
    if let Some(list) = plain_list::read(text) {
        return Ok(Some(list));
    }
    if separators(text) > limits::YAML_SEPARATORS {
        return Err(refuse(Mark { line: 1, column: 1 }, TOO_MANY_SEPARATORS));
    }
    parse_events(text)
}

/// How much work the text can make for the general parser, in separators: what
/// costs more counts for several.
fn separators(text: &str) -> usize {
    let bytes = text.as_bytes();
    let is_blank = |byte: u8| b" \t\r\n".contains(&byte);
    let (mut previous, mut count) = (b'\n', 0);
    let mut closed = Closed::default();
    for (index, &byte) in bytes.iter().enumerate() {
        let next = bytes.get(index + 1).copied().unwrap_or(b'\n');
        count += match byte {
            b',' | b'[' | b']' | b'&' | b'*' | b'!' | b'?' => 1,
            // Two as around placeholders count for one.
            b'{' | b'}' => usize::from(previous != byte),
            // Not those inside an ARN.
            b':' => usize::from(is_blank(next) || b",]}\"'".contains(&next) || b"\"']}".contains(&previous)),
            b'-' => usize::from(is_blank(previous) && is_blank(next)),
            // A directive is kept and copied as a whole.
            b'%' if matches!(previous, b'\r' | b'\n') => {
                bytes.iter().skip(index).take_while(|byte| !matches!(byte, b'\r' | b'\n')).count()
            }
            _ => 0,
        };
        if closed.leads_to_key(byte) {
            count += KEY_IN_BRACKETS;
        }
        previous = byte;
    }
    count
}

/// A list or map in brackets as a key makes the parser move up to half of all
/// tokens that it has looked ahead.
const KEY_IN_BRACKETS: usize = 256;

/// Whether a bracket was closed just before, but for blanks and comments. What
/// looks like a comment may be none, so brackets in it count.
#[derive(Default)]
struct Closed {
    before_blanks: bool,
    before_comments: bool,
    in_comment: bool,
}

impl Closed {
    /// Takes the next byte; whether it is a colon that makes a key of what was closed.
    fn leads_to_key(&mut self, byte: u8) -> bool {
        match byte {
            b'\r' | b'\n' => self.in_comment = false,
            b' ' | b'\t' => {}
            _ => {
                let is_key = self.before_blanks || (self.before_comments && !self.in_comment);
                let closes = matches!(byte, b']' | b'}');
                self.before_blanks = closes;
                self.in_comment |= byte == b'#' && self.before_comments;
                self.before_comments = closes || self.in_comment;
                return is_key && byte == b':';
            }
        }
        false
    }
}

/// Reads the first document of any text.
pub(super) fn parse_events(text: &str) -> Result<Option<Rc<Node>>, YamlError> {
    let mut builder = Builder { text, offsets: Offsets::of(text), ..Builder::default() };
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| unreadable(&error))?;
        if builder.take(event, &span)? {
            break;
        }
    }
    Ok(builder.root)
}

/// Reads all documents of a text of up to [`limits::MANIFEST_BYTES`]; those that hold nothing are left out.
pub fn parse_all(text: &str) -> Result<Vec<Rc<Node>>, YamlError> {
    if text.len() > limits::MANIFEST_BYTES {
        return Err(refuse(Mark { line: 1, column: 1 }, "the text is longer than 4 MiB"));
    }
    if separators(text) > limits::MANIFEST_SEPARATORS {
        return Err(refuse(Mark { line: 1, column: 1 }, "the text holds more than 240,000 separators of values"));
    }
    let mut builder = Builder { text, offsets: Offsets::of(text), ..Builder::default() };
    let mut documents = Vec::new();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| unreadable(&error))?;
        if builder.take(event, &span)? {
            documents.extend(builder.root.take());
            builder.anchors.clear();
        }
    }
    Ok(documents)
}

fn unreadable(error: &ScanError) -> YamlError {
    YamlError { mark: mark_of(error.marker()), reason: Cow::Owned(error.info().to_string()) }
}

fn mark_of(marker: &Marker) -> Mark {
    Mark { line: marker.line(), column: marker.col() + 1 }
}

fn refuse(mark: Mark, reason: &'static str) -> YamlError {
    YamlError { mark, reason: Cow::Borrowed(reason) }
}

/// From positions in characters, as the parser counts them, to positions in bytes.
#[derive(Default)]
struct Offsets {
    /// Offsets of the characters and of the end; none if all are one byte long.
    of_chars: Vec<usize>,
}

impl Offsets {
    fn of(text: &str) -> Self {
        if text.is_ascii() {
            return Self::default();
        }
        let ends = core::iter::once(text.len());
        Self { of_chars: text.char_indices().map(|(offset, _)| offset).chain(ends).collect() }
    }

    fn byte(&self, char: usize) -> usize {
        self.of_chars.get(char).or(self.of_chars.last()).copied().unwrap_or(char)
    }

    fn place(&self, span: &Span, style: Style) -> Place {
        Place { start: self.byte(span.start.index()), end: self.byte(span.end.index()), style }
    }
}

/// A list or map that is not complete yet.
struct Open {
    mark: Mark,
    /// Ends with the last child until a closing bracket is seen.
    place: Place,
    anchor: usize,
    children: Vec<Rc<Node>>,
    /// Levels of the deepest child.
    height: usize,
    is_map: bool,
}

#[derive(Default)]
struct Builder<'a> {
    text: &'a str,
    offsets: Offsets,
    open: Vec<Open>,
    /// Values by their anchors, with the levels of each.
    anchors: HashMap<usize, (Rc<Node>, usize), foldhash::fast::FixedState>,
    nodes: usize,
    root: Option<Rc<Node>>,
}

impl Builder<'_> {
    /// Takes one event; `true` once the first document is complete.
    fn take(&mut self, event: Event<'_>, span: &Span) -> Result<bool, YamlError> {
        let mark = mark_of(&span.start);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let kind = kind_of(&text, style, tag.as_deref(), mark)?;
                let place = settled(self.text, self.offsets.place(span, style_of(style)));
                let node = Node { mark, place, value: Value::Scalar { text: text.into(), kind } };
                self.close(node, 0, anchor)?;
            }
            Event::SequenceStart(anchor, _) => self.start(span, anchor, false)?,
            Event::MappingStart(anchor, _) => self.start(span, anchor, true)?,
            Event::SequenceEnd | Event::MappingEnd => self.end(span)?,
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor).cloned();
                let (node, height) =
                    node.ok_or_else(|| refuse(mark, "an alias points into a value that contains it"))?;
                self.add(node, height, mark, self.offsets.byte(span.end.index()))?;
            }
            Event::DocumentEnd | Event::StreamEnd => return Ok(true),
            Event::Nothing | Event::StreamStart | Event::DocumentStart(_) => {}
        }
        Ok(false)
    }

    fn start(&mut self, span: &Span, anchor: usize, is_map: bool) -> Result<(), YamlError> {
        let mark = mark_of(&span.start);
        self.check_depth(1, mark)?;
        let place = self.offsets.place(span, Style::Block);
        self.open.push(Open { mark, place, anchor, children: Vec::new(), height: 0, is_map });
        Ok(())
    }

    fn end(&mut self, span: &Span) -> Result<(), YamlError> {
        let Some(mut open) = self.open.pop() else {
            return Err(refuse(mark_of(&span.start), "a list or map ends that never began"));
        };
        // Only brackets have an end that can be seen, and blanks may follow it.
        if !span.is_empty() {
            let end = self.offsets.byte(span.start.index()) + 1;
            open.place = Place { end, style: Style::Flow, ..open.place };
        }
        let value = if open.is_map {
            let mut children = open.children.into_iter();
            let pairs = core::iter::from_fn(|| Some((children.next()?, children.next()?)));
            Value::Mapping(pairs.collect())
        } else {
            Value::Sequence(open.children)
        };
        self.close(Node { mark: open.mark, place: open.place, value }, open.height + 1, open.anchor)
    }

    /// A node is complete: remembers it under its anchor and hands it on.
    fn close(&mut self, node: Node, height: usize, anchor: usize) -> Result<(), YamlError> {
        let (mark, end) = (node.mark, node.place.end);
        let node = Rc::new(node);
        if anchor != 0 {
            self.anchors.insert(anchor, (Rc::clone(&node), height));
        }
        self.add(node, height, mark, end)
    }

    fn add(&mut self, node: Rc<Node>, height: usize, mark: Mark, end: usize) -> Result<(), YamlError> {
        self.check_depth(height, mark)?;
        self.nodes += 1;
        if self.nodes > limits::YAML_NODES {
            return Err(refuse(mark, "the text holds more than 100,000 values"));
        }
        match self.open.last_mut() {
            Some(open) => {
                open.place.end = end;
                open.height = open.height.max(height);
                open.children.push(node);
            }
            None => self.root = Some(node),
        }
        Ok(())
    }

    /// A value of so many levels must have room here. Aliases count: what goes
    /// through the tree later, and be it to drop it, goes through them too.
    fn check_depth(&self, height: usize, mark: Mark) -> Result<(), YamlError> {
        match self.open.len() + height > limits::YAML_DEPTH {
            true => Err(refuse(mark, "lists and maps are nested more than 32 deep")),
            false => Ok(()),
        }
    }
}

/// The parser lets a quoted text end after the comment behind it, and a block of
/// text after the indentation of the line below it.
fn settled(text: &str, place: Place) -> Place {
    let quote = match place.style {
        Style::SingleQuoted => '\'',
        Style::DoubleQuoted => '"',
        Style::Literal | Style::Folded => {
            let written = text.get(..place.end).unwrap_or_default().trim_end_matches(' ');
            let end = if written.ends_with('\n') { written.len().max(place.start) } else { place.end };
            return Place { end, ..place };
        }
        _ => return place,
    };
    let written = text.get(place.start..place.end).unwrap_or_default();
    let Some(open) = written.find(quote) else { return place };
    let mut inner = written.char_indices().skip_while(|(offset, _)| *offset <= open).peekable();
    while let Some((offset, char)) = inner.next() {
        let twice = quote == '\'' && char == quote && inner.peek().is_some_and(|(_, next)| *next == quote);
        if twice || (quote == '"' && char == '\\') {
            inner.next();
        } else if char == quote {
            return Place { end: place.start + offset + 1, ..place };
        }
    }
    place
}

fn style_of(style: ScalarStyle) -> Style {
    match style {
        ScalarStyle::Plain => Style::Plain,
        ScalarStyle::SingleQuoted => Style::SingleQuoted,
        ScalarStyle::DoubleQuoted => Style::DoubleQuoted,
        ScalarStyle::Literal => Style::Literal,
        ScalarStyle::Folded => Style::Folded,
    }
}

fn kind_of(text: &str, style: ScalarStyle, tag: Option<&Tag>, mark: Mark) -> Result<ScalarKind, YamlError> {
    let tag = tag.filter(|tag| tag.is_yaml_core_schema()).map(|tag| tag.suffix.as_str());
    match (tag, style) {
        (Some("str"), _) => Ok(ScalarKind::Text),
        (Some("binary"), _) => Err(refuse(mark, "a value tagged `!!binary` is not read")),
        (_, ScalarStyle::Plain) => Ok(ScalarKind::of_plain(text)),
        (_, ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted | ScalarStyle::Literal | ScalarStyle::Folded) => {
            Ok(ScalarKind::Text)
        }
    }
}
