//! Edits: operations on rows, made by splicing, and held against what was wanted.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;

use super::render::{GroupText, RowText, flow_texts, text_lines, text_node, texts_node};
use super::row::{NewRow, arn_key};
use super::{Data, Document, List, Row};
use crate::aws_auth::{Section, row};
use crate::limits;
use crate::yaml::edit::{
    self, BlockStyle, Context, ListEdit, Refusal, Splice, after_line, block_lines, line_end_of, line_start, own_column,
    scalar,
};
use crate::yaml::{Node, Style, Value};

/// One step of an edit. Indices are those of the document before the edit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// Puts a row in before another; the count of rows stands for the end.
    Insert {
        /// The section.
        section: Section,
        /// Before which row.
        before: usize,
        /// The row.
        row: NewRow,
    },
    /// Takes a row out.
    Remove {
        /// The section.
        section: Section,
        /// Which row.
        index: usize,
    },
    /// Changes values of a row.
    Change {
        /// The section.
        section: Section,
        /// Which row.
        index: usize,
        /// To what.
        change: RowChange,
    },
}

impl Operation {
    /// The section concerned.
    pub fn section(&self) -> Section {
        match self {
            Self::Insert { section, .. } | Self::Remove { section, .. } | Self::Change { section, .. } => *section,
        }
    }
}

/// New values of a row; what is `None` stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RowChange {
    /// The ARN.
    pub arn: Option<String>,
    /// The pattern of the username.
    pub username: Option<String>,
    /// The patterns of all groups.
    pub groups: Option<Vec<String>>,
}

/// What an edit makes of a document.
#[derive(Debug, Clone)]
pub struct Edited {
    /// The sections whose text is another one now.
    pub changed: Data,
    /// The document afterwards.
    pub document: Document,
}

/// Why an edit was not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The text is written in a way that can't be changed in place.
    #[error("`{section}` can't be changed in place: {refusal}")]
    Refused {
        /// The section.
        section: Section,
        /// Why.
        refusal: Refusal,
    },
    /// The changed text would not be read as wanted.
    #[error("`{0}` would not be read as wanted after the change")]
    Unsafe(Section),
    /// The text would not fit into a ConfigMap.
    #[error("`{0}` would have {1} bytes; all data of a ConfigMap may have 1,048,576")]
    TooLong(Section, usize),
    /// No such row.
    #[error("`{0}` has no such row")]
    NoRow(Section),
}

impl Document {
    /// Makes all operations at once, or none.
    ///
    /// # Errors
    ///
    /// A text that can't be changed in place without touching more than the
    /// rows concerned. What was wanted is compared with what is read from the
    /// result, so a wrong splice ends here and not in the cluster.
    pub fn edit(&self, operations: &[Operation]) -> Result<Edited, EditError> {
        let mut edited = Edited { changed: Data::new(), document: self.clone() };
        for section in Section::ALL {
            let operations: Vec<_> = operations.iter().filter(|operation| operation.section() == section).collect();
            if operations.is_empty() {
                continue;
            }
            let empty = List { section, text: String::new(), root: None };
            let before = self.list(section).unwrap_or(&empty);
            let after = ListChange::of(before, &operations)?.make()?;
            if self.list(section).is_none_or(|list| list.text != after.text) {
                edited.changed.insert(section.as_str().into(), after.text.clone());
            }
            *edited.document.slot(section) = Some(after);
        }
        Ok(edited)
    }
}

/// The operations on one section, sorted by kind.
struct ListChange<'a> {
    list: &'a List,
    /// Whether the text reads as JSON, and must go on doing so.
    flow: Context,
    inserted: Vec<(usize, RowText<'a>)>,
    removed: Vec<usize>,
    changed: BTreeMap<usize, &'a RowChange>,
}

impl<'a> ListChange<'a> {
    fn of(list: &'a List, operations: &[&'a Operation]) -> Result<Self, EditError> {
        let section = list.section;
        let is_json = list.root.is_some() && serde_json::from_str::<serde::de::IgnoredAny>(&list.text).is_ok();
        let flow = if is_json { Context::Json } else { Context::Flow };
        let mut change = Self { list, flow, inserted: Vec::new(), removed: Vec::new(), changed: BTreeMap::new() };
        let count = list.items().len();
        for operation in operations {
            match operation {
                Operation::Insert { before, row, .. } if *before <= count => {
                    change.inserted.push((*before, RowText { section, row, flow }));
                }
                Operation::Remove { index, .. } if *index < count => change.removed.push(*index),
                Operation::Change { index, change: new, .. } if *index < count => {
                    if change.changed.insert(*index, new).is_some() {
                        return Err(EditError::Refused { section, refusal: Refusal::Overlap });
                    }
                }
                _ => return Err(EditError::NoRow(section)),
            }
        }
        change.inserted.sort_by_key(|(before, _)| *before);
        change.removed.sort_unstable();
        change.removed.dedup();
        Ok(change)
    }

    fn make(&self) -> Result<List, EditError> {
        let section = self.list.section;
        let refused = |refusal| EditError::Refused { section, refusal };
        let splices = self.splices().map_err(refused)?;
        let text = edit::apply(&self.list.text, splices).map_err(refused)?;
        if text.len() > limits::CONFIG_MAP_BYTES {
            return Err(EditError::TooLong(section, text.len()));
        }
        let after = List::parse(section, &text).map_err(|_| EditError::Unsafe(section))?;
        let wanted = self.wanted();
        let (is, wanted) = (after.items(), wanted.iter());
        if is.len() == wanted.len() && is.iter().zip(wanted).all(|(is, wanted)| is.means(wanted)) {
            Ok(after)
        } else {
            Err(EditError::Unsafe(section))
        }
    }

    /// The rows that the changed text must be read as.
    fn wanted(&self) -> Vec<Rc<Node>> {
        let items = self.list.items();
        let mut wanted = Vec::with_capacity(items.len() + self.inserted.len());
        let mut inserted = self.inserted.iter().peekable();
        for index in 0..=items.len() {
            while let Some((_, row)) = inserted.next_if(|(before, _)| *before == index) {
                wanted.push(Rc::new(row.node()));
            }
            let kept = items.get(index).filter(|_| self.removed.binary_search(&index).is_err());
            wanted.extend(kept.map(|node| match self.changed.get(&index) {
                Some(change) => Rc::new(changed_node(node, self.list.section, change)),
                None => Rc::clone(node),
            }));
        }
        wanted
    }

    fn splices(&self) -> Result<Vec<Splice>, Refusal> {
        // To Go such a text lacks a line end that it would have with a line below it.
        let is_unended = !self.list.text.ends_with('\n') && self.list.root.as_deref().is_some_and(ends_in_block_text);
        if is_unended && !(self.inserted.is_empty() && self.changed.is_empty()) {
            return Err(Refusal::UnendedText);
        }
        let mut splices = Vec::new();
        for (index, change) in &self.changed {
            let rows =
                self.list.items().get(*index).map(|node| Row { section: self.list.section, index: *index, node });
            let editor = rows.map(|row| RowEditor { text: &self.list.text, row, flow: self.flow });
            if let Some(editor) = editor {
                editor.change(change, &mut splices)?;
            }
        }
        match self.list.root.as_deref() {
            Some(list) if !self.list.items().is_empty() => {
                let edit = ListEdit {
                    text: &self.list.text,
                    list,
                    from: list.place.start,
                    style: layout(self.list),
                    removed: &self.removed,
                    inserted: &self.inserted,
                };
                if !(self.removed.is_empty() && self.inserted.is_empty()) {
                    splices.extend(edit.splices()?);
                }
            }
            empty => splices.extend(self.fill(empty)),
        }
        Ok(splices)
    }

    /// The first rows of a section that is empty in one way or another.
    fn fill(&self, root: Option<&Node>) -> Option<Splice> {
        let text = &self.list.text;
        if self.inserted.is_empty() {
            return None;
        }
        let rows = |at: usize, column: usize| -> String {
            let style = BlockStyle::default();
            self.inserted.iter().map(|(_, row)| block_lines(text, at, column, style, row)).collect()
        };
        let Some(root) = root else {
            // Only blanks and comments, or empty quotes that are no YAML at all.
            let place = if text.trim() == "``" { 0..text.len() } else { text.len()..text.len() };
            let lines = rows(place.end, 0);
            let lines = if place.start == 0 && place.end > 0 { rows(0, 0) } else { lines };
            let lines = if text.is_empty() || text.ends_with('\n') || place.start == 0 {
                lines
            } else {
                lines + line_end_of(text)
            };
            return Some(Splice { range: place, text: lines });
        };
        let place = root.place.start..root.place.end;
        let written = text.get(place.clone())?;
        let is_bare = matches!(written, "[]" | "~" | "null" | "Null" | "NULL" | "\"\"" | "''");
        match own_column(text, place.start).filter(|_| is_bare) {
            Some(column) => {
                let lines = rows(line_start(text, place.start), column);
                let lines = lines.trim_start_matches(' ').trim_end_matches(['\r', '\n']);
                Some(Splice { range: place, text: lines.into() })
            }
            // JSON, or something beside it: between its own brackets.
            None => {
                use crate::yaml::edit::ItemText as _;
                let rows: Vec<_> = self.inserted.iter().map(|(_, row)| row.flow()).collect();
                let rows = rows.join(", ");
                if written.ends_with(']') {
                    Some(Splice::insert(place.start + written.find('[')? + 1, rows))
                } else {
                    Some(Splice { range: place, text: format!("[{rows}]") })
                }
            }
        }
    }
}

/// Whether the last value is a text after `|` or `>`.
fn ends_in_block_text(node: &Node) -> bool {
    match &node.value {
        Value::Scalar { .. } => matches!(node.place.style, Style::Literal | Style::Folded),
        Value::Sequence(items) => items.last().is_some_and(|item| ends_in_block_text(item)),
        Value::Mapping(pairs) => pairs.last().is_some_and(|(_, value)| ends_in_block_text(value)),
    }
}

/// The layout of the last row that is a map by indentation.
fn layout(list: &List) -> BlockStyle {
    let default = BlockStyle::default();
    let Some(row) = list.items().iter().rev().find(|item| item.place.style == Style::Block) else { return default };
    // Of the first item the dash is where the list begins.
    let dash = |row: &Node| {
        let before = list.text.get(line_start(&list.text, row.place.start)..row.place.start)?;
        let indent = before.len() - before.trim_start_matches(' ').len();
        before.get(indent..)?.starts_with('-').then_some(indent)
    };
    let column = |node: &Node| node.place.start - line_start(&list.text, node.place.start);
    let gap = dash(row).map_or(default.gap, |dash| column(row) - dash);
    let nested = row::value_of(row, "groups").filter(|groups| groups.place.style == Style::Block).and_then(|groups| {
        let first = groups.as_sequence()?.first()?;
        dash(first)?.checked_sub(column(row))
    });
    BlockStyle { gap, nested: nested.unwrap_or(default.nested) }
}

/// Changes values inside one row.
struct RowEditor<'a> {
    text: &'a str,
    row: Row<'a>,
    flow: Context,
}

impl RowEditor<'_> {
    fn change(&self, change: &RowChange, splices: &mut Vec<Splice>) -> Result<(), Refusal> {
        let texts = [(arn_key(self.row.section), &change.arn), ("username", &change.username)];
        for (key, text) in texts {
            if let Some(text) = text {
                splices.extend(self.set_text(key, text)?);
            }
        }
        if let Some(groups) = &change.groups {
            splices.extend(self.set_groups(groups)?);
        }
        Ok(())
    }

    fn is_flow(&self) -> bool {
        self.row.node.place.style == Style::Flow
    }

    fn context(&self) -> Context {
        if self.is_flow() { self.flow } else { Context::Block }
    }

    fn set_text(&self, key: &str, text: &str) -> Result<Option<Splice>, Refusal> {
        let written = scalar(text, self.context());
        let Some((key_node, value)) = row::pair_of(self.row.node, key) else {
            return self.add_key(key, &format!("{key}: {written}"), &written).map(Some);
        };
        if value.as_text() == Some(text) {
            return Ok(None);
        }
        self.replace(key_node, value, &written).map(Some)
    }

    /// Replaces a value on one line, or the alias that stands for it.
    fn replace(&self, key: &Node, value: &Node, written: &str) -> Result<Splice, Refusal> {
        let place = self.written_place(key, value)?;
        let text = if place.is_empty() { format!(" {written}") } else { written.into() };
        Ok(Splice { range: place, text })
    }

    /// Where the value of a key is written. Of an alias the node tells only
    /// where the anchor is.
    fn written_place(&self, key: &Node, value: &Node) -> Result<core::ops::Range<usize>, Refusal> {
        let after_key = self.text.get(key.place.end..).unwrap_or_default();
        let colon = after_key.find(':').ok_or(Refusal::NoDash)?;
        let rest = after_key.get(colon + 1..).unwrap_or_default();
        let blanks = rest.len() - rest.trim_start().len();
        let start = key.place.end + colon + 1 + blanks;
        if rest.trim_start().starts_with('*') {
            let name = rest.trim_start();
            let length = name.find(|char: char| char.is_whitespace() || matches!(char, ',' | ']' | '}'));
            return Ok(start..start + length.unwrap_or(name.len()));
        }
        if rest.trim_start().starts_with(['&', '!']) {
            return Err(Refusal::Property);
        }
        if matches!(value.place.style, Style::Literal | Style::Folded) {
            return Err(Refusal::BlockText);
        }
        Ok(value.place.start..value.place.end)
    }

    /// A key that is not there yet: after all others.
    fn add_key(&self, key: &str, line: &str, value: &str) -> Result<Splice, Refusal> {
        let node = self.row.node;
        if self.is_flow() {
            let at = match &node.value {
                Value::Mapping(pairs) => pairs.last().map(|(_, value)| value.place.end).ok_or(Refusal::NoDash)?,
                _ => return Err(Refusal::NoDash),
            };
            return Ok(Splice::insert(at, format!(", {}: {value}", scalar(key, self.flow))));
        }
        Ok(self.insert_lines(after_line(self.text, node.place.end), &[line.into()]))
    }

    /// Lines at the column of the row's keys.
    fn insert_lines(&self, at: usize, lines: &[String]) -> Splice {
        let start = self.row.node.place.start;
        let column = start - line_start(self.text, start);
        let end = line_end_of(self.text);
        let unended = at > 0 && self.text.as_bytes().get(at - 1) != Some(&b'\n');
        let (before, after) = if unended { (end, "") } else { ("", end) };
        let lines = lines.iter().map(|line| format!("{before}{:column$}{line}{after}", ""));
        Splice::insert(at, lines.collect())
    }

    fn set_groups(&self, groups: &[String]) -> Result<Vec<Splice>, Refusal> {
        let Some((key, value)) = row::pair_of(self.row.node, "groups") else {
            let flow = flow_texts(groups, self.flow);
            if self.is_flow() || groups.is_empty() {
                return Ok(Vec::from([self.add_key("groups", &format!("groups: {flow}"), &flow)?]));
            }
            let at = after_line(self.text, self.row.node.place.end);
            return Ok(Vec::from([self.insert_lines(at, &text_lines("groups", groups, &BlockStyle::default()))]));
        };
        let current = value.as_sequence().unwrap_or_default();
        let is_here = value.place.start > key.place.end && value.place.end <= self.row.node.place.end;
        if current.is_empty() || !is_here {
            return Ok(Vec::from([self.replace(key, value, &flow_texts(groups, self.context_in_brackets()))?]));
        }
        if groups.is_empty() && value.place.style == Style::Block {
            return self.empty_block(key, value);
        }
        let (removed, inserted) = difference(current, groups);
        let inserted: Vec<_> = inserted
            .into_iter()
            .map(|(before, group)| (before, GroupText { group, flow: self.context_in_brackets() }))
            .collect();
        let from = match value.place.style {
            Style::Block => after_line_of_key(self.text, key, value)?,
            _ => value.place.start,
        };
        let edit = ListEdit {
            text: self.text,
            list: value,
            from,
            style: BlockStyle::default(),
            removed: &removed,
            inserted: &inserted,
        };
        edit.splices()
    }

    fn context_in_brackets(&self) -> Context {
        if self.flow == Context::Json { Context::Json } else { Context::Flow }
    }

    /// `[]` beside the key in place of all items below it.
    fn empty_block(&self, key: &Node, value: &Node) -> Result<Vec<Splice>, Refusal> {
        let lines = after_line_of_key(self.text, key, value)?;
        let colon =
            key.place.end + self.text.get(key.place.end..).and_then(|rest| rest.find(':')).ok_or(Refusal::NoDash)?;
        let end = after_line(self.text, value.place.end);
        Ok(Vec::from([Splice::insert(colon + 1, " []".into()), Splice::remove(lines..end)]))
    }
}

/// Offset of the line below a key whose list begins there.
fn after_line_of_key(text: &str, key: &Node, value: &Node) -> Result<usize, Refusal> {
    let after = text.get(key.place.end..value.place.start).ok_or(Refusal::AliasItem)?;
    let rest = after.trim_start_matches([' ', '?']).strip_prefix(':').ok_or(Refusal::NoDash)?.trim_start_matches(' ');
    if rest.starts_with(['&', '!']) {
        return Err(Refusal::Property);
    }
    let newline = after.find('\n').ok_or(Refusal::SharedLine)?;
    Ok(key.place.end + newline + 1)
}

/// What to take out of a list of texts and what to put in, and where, to get
/// another: the longest common beginning and whatever follows in order stays.
fn difference<'a>(current: &[Rc<Node>], wanted: &'a [String]) -> (Vec<usize>, Vec<(usize, &'a str)>) {
    let mut removed = Vec::new();
    let mut inserted = Vec::new();
    let mut wanted = wanted.iter().peekable();
    for (index, item) in current.iter().enumerate() {
        let text = item.as_text();
        // Whatever is wanted before this item, if this item is wanted at all.
        let position = wanted.clone().position(|wanted| Some(wanted.as_str()) == text);
        match position {
            Some(skipped) => {
                inserted.extend(wanted.by_ref().take(skipped).map(|wanted| (index, wanted.as_str())));
                wanted.next();
            }
            None => removed.push(index),
        }
    }
    inserted.extend(wanted.map(|wanted| (current.len(), wanted.as_str())));
    (removed, inserted)
}

/// What a row must be read as after a change.
fn changed_node(node: &Node, section: Section, change: &RowChange) -> Node {
    let mut node = node.clone();
    let mut set = |key: &str, value: Node| {
        let index = row::index_of(&node, key);
        let Value::Mapping(pairs) = &mut node.value else { return };
        match index.and_then(|index| pairs.get_mut(index)) {
            Some((_, old)) => *old = Rc::new(value),
            None => pairs.push((Rc::new(text_node(key)), Rc::new(value))),
        }
    };
    if let Some(arn) = &change.arn {
        set(arn_key(section), text_node(arn));
    }
    if let Some(username) = &change.username {
        set("username", text_node(username));
    }
    if let Some(groups) = &change.groups {
        set("groups", texts_node(groups));
    }
    node
}
