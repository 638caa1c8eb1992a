//! Putting items into a list and taking items out.

use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

use super::{Refusal, Splice, after_line, indent_of, line_end_of, line_start, own_column};
use crate::yaml::{Node, Style};

/// How a new item is written in either form of list.
pub trait ItemText {
    /// The item as lines; the first stands after `- `, the others are indented
    /// from the column of that first one.
    fn lines(&self, style: &BlockStyle) -> Vec<String>;
    /// The item on one line, between brackets.
    fn flow(&self) -> String;
}

/// How the list that is edited is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockStyle {
    /// Columns from a dash to its item.
    pub gap: usize,
    /// Columns from a key to the dashes of a list below it.
    pub nested: usize,
}

impl Default for BlockStyle {
    /// As EKS's own aws-auth is laid out.
    fn default() -> Self {
        Self { gap: 2, nested: 2 }
    }
}

/// What shall happen to one list.
pub struct ListEdit<'a, T> {
    /// The text that holds the list.
    pub text: &'a str,
    /// The list.
    pub list: &'a Node,
    /// From where its first dash is searched.
    pub from: usize,
    /// Layout of new items.
    pub style: BlockStyle,
    /// Items to take out, ascending.
    pub removed: &'a [usize],
    /// Items to put in, each before the item with that index; the count of
    /// items stands for the end.
    pub inserted: &'a [(usize, T)],
}

impl<T: ItemText> ListEdit<'_, T> {
    /// The replacements that do it. What is left is never empty in block form:
    /// the last item taken out leaves `[]` in its place.
    pub fn splices(&self) -> Result<Vec<Splice>, Refusal> {
        match self.list.place.style {
            Style::Block => self.in_block(),
            _ => self.in_flow(),
        }
    }

    fn count(&self) -> usize {
        self.list.as_sequence().map_or(0, <[_]>::len)
    }

    fn removes(&self, index: usize) -> bool {
        self.removed.binary_search(&index).is_ok()
    }

    /// Indices of the items at the end that are all taken out begin here.
    fn kept_until(&self) -> usize {
        (0..self.count()).rev().find(|&index| !self.removes(index)).map_or(0, |last| last + 1)
    }

    fn in_block(&self) -> Result<Vec<Splice>, Refusal> {
        if !self.inserted.is_empty() && self.text.ends_with('\r') {
            return Err(Refusal::LoneReturn);
        }
        let items = block_items(self.text, self.list, self.from)?;
        let column = items.first().map_or(0, |item| item.dash - item.lines.start);
        let mut splices: Vec<Splice> = Vec::with_capacity(self.removed.len() + self.inserted.len());
        let lines = |index: &usize| items.get(*index).map(|item| item.lines.clone());
        splices.extend(self.removed.iter().filter_map(lines).map(Splice::remove));
        if self.inserted.is_empty() && self.removed.len() == 1 {
            splices.iter_mut().for_each(|splice| self.take_line_end_before(&mut splice.range));
        }
        if let (0, true, Some(first)) = (self.kept_until(), self.inserted.is_empty(), splices.first_mut()) {
            let whole = items.first().map_or(0..0, |item| item.lines.clone());
            let ends = self.text.get(whole).is_some_and(|lines| lines.ends_with('\n'));
            first.text = alloc::format!("{:column$}[]{}", "", if ends { line_end_of(self.text) } else { "" });
        }
        for (before, item) in self.inserted {
            let at = match before.min(&self.kept_until()) {
                0 => items.first().map_or(self.list.place.end, |first| first.lines.start),
                &index => items.get(index - 1).map_or(self.list.place.end, |previous| previous.lines.end),
            };
            splices.push(Splice::insert(at, block_lines(self.text, at, column, self.style, item)));
        }
        Ok(splices)
    }

    /// A text without a last line end shall have none afterwards.
    fn take_line_end_before(&self, lines: &mut Range<usize>) {
        let before = self.text.get(..lines.start).unwrap_or_default();
        let is_unended = lines.end == self.text.len() && !self.text.ends_with('\n');
        if is_unended && self.kept_until() > 0 {
            let stripped = before.strip_suffix("\r\n").or_else(|| before.strip_suffix('\n')).unwrap_or(before);
            lines.start = stripped.len();
        }
    }

    fn in_flow(&self) -> Result<Vec<Splice>, Refusal> {
        let places = flow_items(self.list)?;
        let joined = |separator: &str| {
            let texts: Vec<_> = self.inserted.iter().map(|(_, item)| item.flow()).collect();
            texts.join(separator)
        };
        let (Some(first), Some(last)) = (places.first(), places.last()) else {
            let open = self.text.get(self.list.place.start..).and_then(|rest| rest.find('['));
            let open = self.list.place.start + open.ok_or(Refusal::NoDash)? + 1;
            return Ok(alloc::vec![Splice::insert(open, joined(", "))]);
        };
        let kept = self.kept_until();
        if kept == 0 && !self.removed.is_empty() {
            // A comma after the last item goes with it.
            let inner_end = self.list.place.end - 1;
            let end = if self.inserted.is_empty() { inner_end.max(last.end) } else { last.end };
            return Ok(alloc::vec![Splice { range: first.start..end, text: joined(", ") }]);
        }
        let mut splices = Vec::new();
        for &index in self.removed.iter().filter(|&&index| index < kept) {
            let next = places.get(index + 1).map(|next| next.start);
            splices.extend(places.get(index).zip(next).map(|(item, next)| Splice::remove(item.start..next)));
        }
        let end = places.get(kept.wrapping_sub(1)).map_or(last.end, |item| item.end);
        if kept < places.len() {
            splices.push(Splice::remove(end..last.end));
        }
        let separator = match own_column(self.text, last.start) {
            Some(column) if places.len() > 1 || line_start(self.text, last.start) > self.list.place.start => {
                alloc::format!(",{}{:column$}", line_end_of(self.text), "")
            }
            _ => ", ".into(),
        };
        for (before, item) in self.inserted {
            splices.push(match places.get(*before).filter(|_| *before < kept) {
                Some(next) => Splice::insert(next.start, alloc::format!("{}{separator}", item.flow())),
                None => Splice::insert(end, alloc::format!("{separator}{}", item.flow())),
            });
        }
        Ok(splices)
    }
}

/// A new item as whole lines, to be put in at `at`, the beginning of a line or
/// the end of a text without a last line end.
pub fn block_lines(text: &str, at: usize, column: usize, style: BlockStyle, item: &impl ItemText) -> String {
    let end = line_end_of(text);
    let unended = at > 0 && text.as_bytes().get(at - 1) != Some(&b'\n');
    let gap = style.gap.max(2);
    let mut lines = String::new();
    for (number, line) in item.lines(&style).iter().enumerate() {
        let before = if unended { end } else { "" };
        let after = if unended { "" } else { end };
        let (dash, inner) = if number == 0 { ("-", gap - 1) } else { ("", gap) };
        lines.push_str(&alloc::format!("{before}{:column$}{dash}{:inner$}{line}{after}", "", ""));
    }
    lines
}

/// An item of a list by indentation.
pub(super) struct BlockItem {
    /// Offset of its dash.
    pub(super) dash: usize,
    /// Its lines, with comments below it that are indented deeper than its dash.
    pub(super) lines: Range<usize>,
}

/// Finds the lines of every item.
pub(super) fn block_items(text: &str, list: &Node, from: usize) -> Result<Vec<BlockItem>, Refusal> {
    let items = list.as_sequence().unwrap_or_default();
    let mut found: Vec<BlockItem> = Vec::with_capacity(items.len());
    let mut at = after_properties(text, from);
    for item in items {
        let dash = next_dash(text, at)?;
        let column = own_column(text, dash).ok_or(Refusal::SharedLine)?;
        if item.place.start < dash {
            return Err(Refusal::AliasItem);
        }
        let mut end = after_line(text, item.place.end.max(dash + 1));
        while let Some(line) = text.get(end..).and_then(|rest| rest.split_inclusive('\n').next()) {
            let (indent, content) = indent_of(line);
            if !content.starts_with('#') || indent <= column {
                break;
            }
            end += line.len();
        }
        found.push(BlockItem { dash, lines: line_start(text, dash)..end });
        at = end;
    }
    Ok(found)
}

/// Skips an anchor and a tag before a list.
fn after_properties(text: &str, mut at: usize) -> usize {
    while let Some(rest) = text.get(at..).filter(|rest| rest.starts_with(['&', '!'])) {
        let token = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let blanks = rest.get(token..).map_or(0, |after| after.len() - after.trim_start_matches(' ').len());
        at += token + blanks;
    }
    at
}

/// The next dash, over blank lines and comments.
fn next_dash(text: &str, mut at: usize) -> Result<usize, Refusal> {
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let line = rest.split_inclusive('\n').next().unwrap_or(rest);
        let (indent, content) = indent_of(line);
        if content.starts_with('-') {
            return Ok(at + indent);
        }
        if !(content.starts_with('#') || content.trim().is_empty()) {
            break;
        }
        at += line.len();
    }
    Err(Refusal::NoDash)
}

/// Places of the items between brackets.
fn flow_items(list: &Node) -> Result<Vec<Range<usize>>, Refusal> {
    let mut end = list.place.start;
    let mut places = Vec::new();
    for item in list.as_sequence().unwrap_or_default() {
        let place = item.place.start..item.place.end;
        if place.start < end || place.end > list.place.end {
            return Err(Refusal::AliasItem);
        }
        end = place.end;
        places.push(place);
    }
    Ok(places)
}
