//! Texts in blocks after `|`, changed line by line.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

use crate::yaml::edit::{Refusal, Splice, line_end_of};
use crate::yaml::{Node, Style};

/// Where a text after `|` stands.
pub(super) struct Block {
    /// Blanks before every line of it.
    pub(super) indent: usize,
    /// Its lines, the one with `|` left out.
    pub(super) lines: Range<usize>,
}

impl Block {
    /// Finds the block of a key and makes sure that it is understood.
    pub(super) fn find(text: &str, key: &Node, value: &Node) -> Result<Self, Refusal> {
        let content = value.as_text().filter(|_| value.place.style == Style::Literal).ok_or(Refusal::BlockText)?;
        let header = header_of(text, key).ok_or(Refusal::Property)?;
        let start = header + text.get(header..).and_then(|rest| rest.find('\n')).ok_or(Refusal::SharedLine)? + 1;
        let lines = start..value.place.end.max(start);
        let written = text.get(lines.clone()).ok_or(Refusal::BlockText)?;
        let first_line = content.split('\n').find(|line| !line.trim().is_empty()).ok_or(Refusal::BlockText)?;
        let first_written = written.lines().find(|line| !line.trim().is_empty()).ok_or(Refusal::BlockText)?;
        let indent =
            first_written.trim_end_matches('\r').len().checked_sub(first_line.len()).ok_or(Refusal::BlockText)?;
        let stripped = |line: &'_ str| String::from(line.get(indent..).unwrap_or(""));
        let decoded: Vec<String> = written.lines().map(stripped).collect();
        let same = decoded.iter().map(String::as_str).eq(content_lines(content, decoded.len()));
        if same { Ok(Self { indent, lines }) } else { Err(Refusal::BlockText) }
    }

    /// The replacement of the lines that differ.
    pub(super) fn change(&self, text: &str, before: &str, after: &str) -> Option<Splice> {
        // How the text ends is said behind the `|`, which stays as it is.
        let tail = |text: &str| text.len() - text.trim_end_matches('\n').len();
        let fits = tail(before) == tail(after) && super::write::fits_block(after);
        let first =
            |text: &str| text.split('\n').find(|line| !line.is_empty()).is_some_and(|line| line.starts_with(' '));
        if !fits || first(before) != first(after) {
            return None;
        }
        let (old, new): (Vec<_>, Vec<_>) = (body(before), body(after));
        let ahead = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
        let (old_rest, new_rest) = (old.get(ahead..)?, new.get(ahead..)?);
        let behind = old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(|(a, b)| a == b).count();
        let changed = old_rest.get(..old_rest.len() - behind)?.len();
        let new = new_rest.get(..new_rest.len() - behind)?;
        let starts = self.line_starts(text);
        let place = *starts.get(ahead)?..*starts.get(ahead + changed)?;
        let end = line_end_of(text);
        // The last line of a file may lack its end.
        let unended = place.end == text.len() && !text.ends_with('\n');
        let line = |line: &&str| match (line.is_empty(), self.indent) {
            (true, _) => end.into(),
            (false, indent) => format!("{:indent$}{line}{end}", ""),
        };
        let mut lines: String = new.iter().map(line).collect();
        if unended && place.start == place.end {
            lines = format!("{end}{}", lines.strip_suffix(end).unwrap_or(&lines));
        } else if unended {
            lines.truncate(lines.len() - end.len().min(lines.len()));
        }
        Some(Splice { range: place, text: lines })
    }

    /// Offsets of the lines, and of the end.
    fn line_starts(&self, text: &str) -> Vec<usize> {
        let written = text.get(self.lines.clone()).unwrap_or_default();
        let mut at = self.lines.start;
        let mut starts = Vec::from([at]);
        for line in written.split_inclusive('\n') {
            at += line.len();
            starts.push(at);
        }
        starts
    }
}

/// The lines of a text without the empty ones that end it.
fn body(text: &str) -> Vec<&str> {
    match text.trim_end_matches('\n') {
        "" => Vec::new(),
        body => body.split('\n').collect(),
    }
}

/// As many lines as are written: those that chomping removed are empty.
fn content_lines(content: &str, count: usize) -> impl Iterator<Item = &str> {
    body(content).into_iter().chain(core::iter::repeat("")).take(count)
}

/// Offset of the `|` or `>` of a key.
pub(super) fn header_of(text: &str, key: &Node) -> Option<usize> {
    let after = text.get(key.place.end..)?;
    let colon = after.find(':')?;
    let rest = after.get(colon + 1..)?;
    let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
    rest.trim_start_matches([' ', '\t']).starts_with(['|', '>']).then_some(key.place.end + colon + 1 + blanks)
}
