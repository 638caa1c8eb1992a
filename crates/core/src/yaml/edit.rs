//! Changing a YAML text by replacing as few of its bytes as possible.
//!
//! Nothing here is trusted to be right: whoever edits reads the result again
//! and compares it with what was wanted.

mod list;
mod quote;

pub use list::{BlockStyle, ItemText, ListEdit, block_lines};
pub use quote::{Context, scalar};

use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

/// One replacement of bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Splice {
    /// The bytes replaced; empty where something is only put in.
    pub range: Range<usize>,
    /// What stands there afterwards.
    pub text: String,
}

impl Splice {
    /// Puts a text in.
    pub fn insert(at: usize, text: String) -> Self {
        Self { range: at..at, text }
    }

    /// Takes bytes out.
    pub fn remove(range: Range<usize>) -> Self {
        Self { range, text: String::new() }
    }
}

/// Why a text can't be changed in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// An item of a list is an alias.
    #[error("an item of the list is an alias (`*name`)")]
    AliasItem,
    /// An item shares its line with something else.
    #[error("an item of the list does not begin on a line of its own")]
    SharedLine,
    /// The dash of an item was not found.
    #[error("the dash of an item was not found where it should be")]
    NoDash,
    /// A value carries an anchor or a tag.
    #[error("the value carries an anchor or a tag")]
    Property,
    /// A value is written over several lines.
    #[error("the value is written as a block of text (`|` or `>`)")]
    BlockText,
    /// The text ends in the middle of a value over several lines.
    #[error("the text ends within a block of text (`|` or `>`), without a line end")]
    UnendedText,
    /// Whatever is put in after a lone carriage return would make a line end of it.
    #[error("the text ends in a carriage return without a line feed")]
    LoneReturn,
    /// The key is not written in this map.
    #[error("the value comes from a merged map (`<<`)")]
    Merged,
    /// Two changes touch the same bytes.
    #[error("two changes touch the same bytes")]
    Overlap,
}

/// Makes all replacements at once. They may come in any order; those that put
/// something in at one place keep theirs.
pub fn apply(text: &str, mut splices: Vec<Splice>) -> Result<String, Refusal> {
    splices.sort_by_key(|splice| (splice.range.start, splice.range.end));
    let grown: usize = splices.iter().map(|splice| splice.text.len()).sum();
    let mut result = String::with_capacity(text.len() + grown);
    let mut done = 0;
    for splice in &splices {
        let kept = text.get(done..splice.range.start).ok_or(Refusal::Overlap)?;
        result.push_str(kept);
        result.push_str(&splice.text);
        done = splice.range.end.max(splice.range.start);
    }
    result.push_str(text.get(done..).ok_or(Refusal::Overlap)?);
    Ok(result)
}

/// The line end that a text uses.
pub fn line_end_of(text: &str) -> &'static str {
    let first = text.find('\n').and_then(|at| at.checked_sub(1)).and_then(|before| text.as_bytes().get(before));
    if first == Some(&b'\r') { "\r\n" } else { "\n" }
}

/// Offset of the first byte of the line that holds `at`.
pub fn line_start(text: &str, at: usize) -> usize {
    text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1)
}

/// Offset after the line on which a value ends at `end`; that of the text if
/// the line is its last.
pub fn after_line(text: &str, end: usize) -> usize {
    if end > 0 && text.as_bytes().get(end - 1) == Some(&b'\n') {
        return end;
    }
    text.get(end..).and_then(|rest| rest.find('\n')).map_or(text.len(), |newline| end + newline + 1)
}

/// Blanks at the beginning of a line, and what comes after them.
fn indent_of(line: &str) -> (usize, &str) {
    let content = line.trim_start_matches(' ');
    (line.len() - content.len(), content)
}

/// Column of `at`, if only blanks stand before it in its line.
pub fn own_column(text: &str, at: usize) -> Option<usize> {
    let before = text.get(line_start(text, at)..at)?;
    before.bytes().all(|byte| byte == b' ').then_some(before.len())
}

#[cfg(test)]
mod tests;
