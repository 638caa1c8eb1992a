//! Somebody else's text in a text of ours.
//!
//! Whoever may edit aws-auth chooses the texts in it. On a terminal they must
//! not move the cursor, start a new line or turn the direction of writing.

use alloc::borrow::Cow;
use alloc::string::String;
use core::fmt::{self, Display, Formatter, Write as _};

use crate::limits;

/// The text with control characters and marks of direction escaped.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for char in text.chars() {
        match is_unsafe(char) {
            // Writing to a String does not fail.
            true => drop(write!(safe, "{}", char.escape_default())),
            false => safe.push(char),
        }
    }
    Cow::Owned(safe)
}

/// The same, of the beginning of a long text.
pub(crate) fn excerpt(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(limits::EXCERPT_CHARS) {
        Some((end, _)) => Cow::Owned(printable(text.get(..end).unwrap_or_default()).into_owned() + "…"),
        None => printable(text),
    }
}

/// An [`excerpt`] that costs nothing until it is written.
#[derive(Clone, Copy)]
pub(crate) struct Shown<'a>(&'a str);

impl Display for Shown<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&excerpt(self.0))
    }
}

/// Somebody else's text for a message that may never be made.
pub(crate) const fn shown(text: &str) -> Shown<'_> {
    Shown(text)
}

fn is_unsafe(char: char) -> bool {
    let turns = matches!(char, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    char.is_control() || turns || matches!(char, '\u{2028}' | '\u{2029}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_moves_the_cursor() {
        assert_eq!(printable("dev:{{SessionName}} ü"), "dev:{{SessionName}} ü");
        assert_eq!(printable("a\x1b[2J\nb\u{202e}c\u{9b}"), "a\\u{1b}[2J\\nb\\u{202e}c\\u{9b}");
    }

    #[test]
    fn excerpts_are_bounded() {
        let text = "é".repeat(limits::EXCERPT_CHARS);
        assert_eq!(excerpt(&text), text);
        assert_eq!(excerpt(&(text.clone() + "é")), text + "…");
    }
}
