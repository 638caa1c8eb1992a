//! Giving a key of a map another text, in whatever form the map is written.

use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;

use super::literal::{Block, header_of};
use super::{is_block_map, pair_of};
use crate::yaml::edit::{Context, Refusal, Splice, after_line, line_end_of, line_start, own_column, scalar};
use crate::yaml::{Mark, Node, Place, ScalarKind, Style, Value};

/// How a text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// After `|` where it can be, so that it is easy on the eye.
    Readable,
    /// In double quotes, where nothing around it can be mistaken for it.
    Quoted,
}

/// The replacements that give the key at the end of `path` a text. Maps that
/// are missing on the way are put in.
pub(super) fn set(text: &str, map: &Node, path: &[&str], value: &str, form: Form) -> Result<Vec<Splice>, Refusal> {
    let Some((key, rest)) = path.split_first() else { return Ok(Vec::new()) };
    match (pair_of(map, key), rest) {
        (Some((key_node, old)), []) => set_text(text, map, key_node, old, value, form),
        (Some((_, inner)), rest)
            if matches!(inner.value, Value::Mapping(_)) && inner.place.start >= map.place.start =>
        {
            set(text, inner, rest, value, form)
        }
        (Some((key_node, null)), rest) if null.is_null() => fill_null(text, map, key_node, null, rest, value),
        (Some(_), _) => Err(Refusal::Merged),
        (None, _) => add(text, map, path, value),
    }
}

fn set_text(text: &str, map: &Node, key: &Node, old: &Node, value: &str, form: Form) -> Result<Vec<Splice>, Refusal> {
    if old.as_text() == Some(value) {
        return Ok(Vec::new());
    }
    if !is_block_map(map) {
        return Ok(Vec::from([Splice { range: old.place.start..old.place.end, text: scalar(value, Context::Json) }]));
    }
    if let (Form::Readable, Ok(block), Some(before)) = (form, Block::find(text, key, old), old.as_text())
        && let Some(splice) = block.change(text, before, value)
    {
        return Ok(Vec::from([splice]));
    }
    let column = own_column(text, key.place.start).unwrap_or(0);
    let end = line_end_of(text);
    let is_block = matches!(old.place.style, Style::Literal | Style::Folded);
    let whole = if is_block {
        header_of(text, key).ok_or(Refusal::Property)?..old.place.end
    } else {
        old.place.start..old.place.end
    };
    let blank = if whole.is_empty() { " " } else { "" };
    if form == Form::Quoted || !fits_block(value) || (value.lines().count() <= 1 && !is_block) {
        let after =
            if is_block && text.get(..whole.end).is_some_and(|written| written.ends_with('\n')) { end } else { "" };
        return Ok(Vec::from([Splice {
            range: whole,
            text: format!("{blank}{}{after}", scalar(value, Context::Block)),
        }]));
    }
    if is_block {
        // A comment behind the old `>` goes with it.
        let text = format!("{}{end}{}", header(value), block_lines(column + 2, value, end));
        return Ok(Vec::from([Splice { range: whole, text }]));
    }
    let below = after_line(text, whole.end);
    let unended = below == text.len() && !text.ends_with('\n');
    let lines = block_lines(column + 2, value, end);
    let lines = if unended { format!("{end}{lines}") } else { lines };
    Ok(Vec::from([Splice { range: whole, text: format!("{blank}{}", header(value)) }, Splice::insert(below, lines)]))
}

/// A key without a value becomes a map.
fn fill_null(
    text: &str,
    map: &Node,
    key: &Node,
    null: &Node,
    path: &[&str],
    value: &str,
) -> Result<Vec<Splice>, Refusal> {
    if !is_block_map(map) {
        return Ok(Vec::from([Splice { range: null.place.start..null.place.end, text: flow_value(path, value) }]));
    }
    let column = own_column(text, key.place.start).unwrap_or(0) + 2;
    let below = after_line(text, null.place.end.max(key.place.end));
    Ok(Vec::from([
        Splice::remove(null.place.start..null.place.end),
        Splice::insert(below, unended(text, below, &block_path(column, path, value, line_end_of(text)))),
    ]))
}

/// A key that is not there yet, after all others.
fn add(text: &str, map: &Node, path: &[&str], value: &str) -> Result<Vec<Splice>, Refusal> {
    let Value::Mapping(pairs) = &map.value else { return Err(Refusal::Merged) };
    let (Some((first, _)), Some((_, last))) = (pairs.first(), pairs.last()) else {
        let open = text.get(map.place.start..).and_then(|rest| rest.find('{')).ok_or(Refusal::NoDash)?;
        let inner = flow_value(path, value);
        let inner = inner.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')).unwrap_or_default();
        return Ok(Vec::from([Splice::insert(map.place.start + open + 1, inner.into())]));
    };
    if !is_block_map(map) {
        let inner = flow_value(path, value);
        let inner = inner.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')).unwrap_or_default();
        let separator = match own_column(text, first.place.start) {
            Some(column) => format!(",{}{:column$}", line_end_of(text), ""),
            None => ", ".into(),
        };
        return Ok(Vec::from([Splice::insert(last.place.end.max(map.place.start), format!("{separator}{inner}"))]));
    }
    // An object in a list has its first key beside the dash.
    let column = first.place.start - line_start(text, first.place.start);
    let at = after_line(text, map.place.end);
    Ok(Vec::from([Splice::insert(at, unended(text, at, &block_path(column, path, value, line_end_of(text))))]))
}

/// Lines put in at the end of a text that lacks its last line end.
fn unended(text: &str, at: usize, lines: &str) -> String {
    let end = line_end_of(text);
    if at == text.len() && !text.is_empty() && !text.ends_with('\n') { format!("{end}{lines}") } else { lines.into() }
}

/// Maps in maps, by indentation, with a text at the end.
fn block_path(column: usize, path: &[&str], value: &str, end: &str) -> String {
    match path {
        [] => String::new(),
        [key] => block_entry(column, key, value, end),
        [key, rest @ ..] => {
            format!("{:column$}{}:{end}{}", "", scalar(key, Context::Block), block_path(column + 2, rest, value, end))
        }
    }
}

/// A key with a text: on its line if it is one line, after `|` if not.
pub(super) fn block_entry(column: usize, key: &str, value: &str, end: &str) -> String {
    let key = scalar(key, Context::Block);
    if value.contains('\n') && fits_block(value) {
        format!("{:column$}{key}: {}{end}{}", "", header(value), block_lines(column + 2, value, end))
    } else {
        format!("{:column$}{key}: {}{end}", "", scalar(value, Context::Block))
    }
}

fn flow_value(path: &[&str], value: &str) -> String {
    match path.split_first() {
        None => scalar(value, Context::Json),
        Some((key, rest)) => format!("{{{}: {}}}", scalar(key, Context::Json), flow_value(rest, value)),
    }
}

/// Whether a text can stand after `|` byte by byte.
pub(super) fn fits_block(value: &str) -> bool {
    let is_odd = |char: char| {
        (char.is_control() && char != '\n' && char != '\t')
            || matches!(char, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}')
    };
    let blank = |line: &str| !line.is_empty() && line.trim_matches([' ', '\t']).is_empty();
    let starts_oddly = value.starts_with(['\n', '\t']);
    !value.trim().is_empty() && !value.contains(is_odd) && !value.split('\n').any(blank) && !starts_oddly
}

/// What stands behind the key: how the text begins and ends.
fn header(value: &str) -> String {
    let indicator = if value.starts_with(' ') { "2" } else { "" };
    let chomping = match value.len() - value.trim_end_matches('\n').len() {
        0 => "-",
        1 => "",
        _ => "+",
    };
    format!("|{indicator}{chomping}")
}

fn block_lines(column: usize, value: &str, end: &str) -> String {
    let lines = value.strip_suffix('\n').unwrap_or(value).split('\n');
    let written = |line: &str| match line {
        "" => String::from(end),
        line => format!("{:column$}{line}{end}", ""),
    };
    lines.map(written).collect()
}

/// The document with one text set, or removed, as it must be read afterwards.
pub(super) fn with(document: &Rc<Node>, object: &Rc<Node>, path: &[&str], value: Option<&str>) -> Node {
    let changed = |map: &Node| match value {
        Some(value) => with_path(map, path, value),
        None => without_path(map, path),
    };
    if Rc::ptr_eq(document, object) {
        return changed(document);
    }
    let mut node = Node::clone(document);
    if let Value::Mapping(pairs) = &mut node.value {
        for (_, items) in pairs.iter_mut().filter(|(key, _)| key.as_written() == Some("items")) {
            let Value::Sequence(list) = &items.value else { continue };
            let set = |item: &Rc<Node>| {
                if Rc::ptr_eq(item, object) { Rc::new(changed(item)) } else { Rc::clone(item) }
            };
            *items = Rc::new(Node { value: Value::Sequence(list.iter().map(set).collect()), ..Node::clone(items) });
        }
    }
    node
}

fn with_path(map: &Node, path: &[&str], value: &str) -> Node {
    let text = |text: &str| node(Value::Scalar { text: text.into(), kind: ScalarKind::Text });
    let Some((key, rest)) = path.split_first() else { return text(value) };
    let mut pairs = match &map.value {
        Value::Mapping(pairs) => pairs.clone(),
        _ => Vec::new(),
    };
    match pairs.iter_mut().find(|(name, _)| name.as_written() == Some(key)) {
        Some((_, old)) => *old = Rc::new(with_path(old, rest, value)),
        None => pairs.push((Rc::new(text(key)), Rc::new(with_path(&node(Value::Mapping(Vec::new())), rest, value)))),
    }
    node(Value::Mapping(pairs))
}

fn without_path(map: &Node, path: &[&str]) -> Node {
    let (Value::Mapping(pairs), [key, rest @ ..]) = (&map.value, path) else { return map.clone() };
    let mut pairs = pairs.clone();
    if rest.is_empty() {
        pairs.retain(|(name, _)| name.as_written() != Some(key));
    } else if let Some((_, inner)) = pairs.iter_mut().find(|(name, _)| name.as_written() == Some(key)) {
        *inner = Rc::new(without_path(inner, rest));
    }
    node(Value::Mapping(pairs))
}

fn node(value: Value) -> Node {
    Node { mark: Mark::default(), place: Place::default(), value }
}
