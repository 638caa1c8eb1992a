//! Writing a text so that it is read as that text.

use alloc::string::String;
use core::fmt::Write as _;

use crate::yaml::ScalarKind;

/// Where a text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Context {
    /// In a list or map by indentation.
    Block,
    /// Between brackets.
    Flow,
    /// Between brackets in a text that is JSON: always in double quotes.
    Json,
}

/// Writes a text as a scalar on one line.
pub fn scalar(text: &str, context: Context) -> String {
    let is_printable = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if context != Context::Json && is_printable {
        if is_plain(text, context) {
            return text.into();
        }
        if !text.contains('\'') {
            return alloc::format!("'{text}'");
        }
    }
    double_quoted(text)
}

/// Whether the text may stand without quotes. Narrower than YAML: all readers agree on it.
fn is_plain(text: &str, context: Context) -> bool {
    let first = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'/');
    let brackets = || text.contains([',', '[', ']', '{', '}']);
    first
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !text.contains(" #")
        && ScalarKind::of_plain(text) == ScalarKind::Text
        && !looks_like_time(text)
        && (context == Context::Block || !brackets())
}

/// Dates and sexagesimal numbers are texts to Go but not to every reader.
fn looks_like_time(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b'-' | b'.' | b'T' | b'Z' | b'+' | b' ' | b'_'))
}

/// JSON's quoting, which YAML reads too.
fn double_quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for char in text.chars() {
        match char {
            '"' | '\\' => quoted.extend(['\\', char]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            // Controls, and the marks and line ends that YAML treats as its own.
            '\0'..='\u{1f}' | '\u{7f}'..='\u{a0}' | '\u{2028}' | '\u{2029}' | '\u{fffe}' | '\u{ffff}' | '\u{feff}' => {
                // Writing to a String does not fail.
                let _ = write!(quoted, "\\u{:04x}", u32::from(char));
            }
            _ => quoted.push(char),
        }
    }
    quoted.push('"');
    quoted
}
