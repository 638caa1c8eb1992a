//! From parser events to a tree, within bounds.

use alloc::borrow::Cow;
use alloc::rc::Rc;
use alloc::string::ToString as _;
use alloc::vec::Vec;

use hashbrown::HashMap;
use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span, Tag};

use super::{Mark, Node, ScalarKind, Value, YamlError};
use crate::limits;

/// Reads the first document of a text; `None` if there is none.
pub fn parse(text: &str) -> Result<Option<Rc<Node>>, YamlError> {
    if text.len() > limits::YAML_BYTES {
        return Err(refuse(Mark { line: 1, column: 1 }, "the text is longer than 1 MiB"));
    }
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| YamlError {
            mark: mark_of(error.marker()),
            reason: Cow::Owned(error.info().to_string()),
        })?;
        if builder.take(event, &span)? {
            break;
        }
    }
    Ok(builder.root)
}

fn mark_of(marker: &Marker) -> Mark {
    Mark { line: marker.line(), column: marker.col() + 1 }
}

fn refuse(mark: Mark, reason: &'static str) -> YamlError {
    YamlError { mark, reason: Cow::Borrowed(reason) }
}

/// A list or map that is not complete yet.
struct Open {
    mark: Mark,
    anchor: usize,
    children: Vec<Rc<Node>>,
    is_map: bool,
}

#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    anchors: HashMap<usize, Rc<Node>, foldhash::fast::FixedState>,
    nodes: usize,
    root: Option<Rc<Node>>,
}

impl Builder {
    /// Takes one event; `true` once the first document is complete.
    fn take(&mut self, event: Event<'_>, span: &Span) -> Result<bool, YamlError> {
        let mark = mark_of(&span.start);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let kind = kind_of(&text, style, tag.as_deref(), mark)?;
                let node = Node { mark, value: Value::Scalar { text: text.into_owned(), kind } };
                self.close(node, anchor)?;
            }
            Event::SequenceStart(anchor, _) => self.start(mark, anchor, false)?,
            Event::MappingStart(anchor, _) => self.start(mark, anchor, true)?,
            Event::SequenceEnd | Event::MappingEnd => self.end(mark)?,
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor).cloned();
                let node = node.ok_or_else(|| refuse(mark, "an alias points into a value that contains it"))?;
                self.add(node, mark)?;
            }
            Event::DocumentEnd | Event::StreamEnd => return Ok(true),
            Event::Nothing | Event::StreamStart | Event::DocumentStart(_) => {}
        }
        Ok(false)
    }

    fn start(&mut self, mark: Mark, anchor: usize, is_map: bool) -> Result<(), YamlError> {
        if self.open.len() >= limits::YAML_DEPTH {
            return Err(refuse(mark, "lists and maps are nested more than 32 deep"));
        }
        self.open.push(Open { mark, anchor, children: Vec::new(), is_map });
        Ok(())
    }

    fn end(&mut self, mark: Mark) -> Result<(), YamlError> {
        let Some(open) = self.open.pop() else { return Err(refuse(mark, "a list or map ends that never began")) };
        let value = if open.is_map {
            let mut children = open.children.into_iter();
            let pairs = core::iter::from_fn(|| Some((children.next()?, children.next()?)));
            Value::Mapping(pairs.collect())
        } else {
            Value::Sequence(open.children)
        };
        self.close(Node { mark: open.mark, value }, open.anchor)
    }

    /// A node is complete: remembers it under its anchor and hands it on.
    fn close(&mut self, node: Node, anchor: usize) -> Result<(), YamlError> {
        let mark = node.mark;
        let node = Rc::new(node);
        if anchor != 0 {
            self.anchors.insert(anchor, Rc::clone(&node));
        }
        self.add(node, mark)
    }

    fn add(&mut self, node: Rc<Node>, mark: Mark) -> Result<(), YamlError> {
        self.nodes += 1;
        if self.nodes > limits::YAML_NODES {
            return Err(refuse(mark, "the text holds more than 250,000 values"));
        }
        match self.open.last_mut() {
            Some(open) => open.children.push(node),
            None => self.root = Some(node),
        }
        Ok(())
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
