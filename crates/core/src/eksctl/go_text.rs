//! Texts as Go writes them.

use alloc::format;
use alloc::string::String;

/// A text in double quotes as Go's `%q` writes it.
pub fn quoted(text: &str) -> String {
    let mut written = String::from("\"");
    for char in text.chars() {
        match char {
            '"' => written.push_str("\\\""),
            '\\' => written.push_str("\\\\"),
            '\u{7}' => written.push_str("\\a"),
            '\u{8}' => written.push_str("\\b"),
            '\u{c}' => written.push_str("\\f"),
            '\n' => written.push_str("\\n"),
            '\r' => written.push_str("\\r"),
            '\t' => written.push_str("\\t"),
            '\u{b}' => written.push_str("\\v"),
            char if is_printable(char) => written.push(char),
            char => {
                let code = u32::from(char);
                written.push_str(&match code {
                    0..0x80 => format!("\\x{code:02x}"),
                    0x80..0x1_0000 => format!("\\u{code:04x}"),
                    _ => format!("\\U{code:08x}"),
                });
            }
        }
    }
    written.push('"');
    written
}

/// Texts in brackets as Go's `%q` writes a list of them.
pub(super) fn quoted_list(texts: &[String]) -> String {
    let texts: alloc::vec::Vec<_> = texts.iter().map(|text| quoted(text)).collect();
    format!("[{}]", texts.join(" "))
}

/// Whether a character is a letter, mark, number, symbol, punctuation or the
/// ASCII blank: what Go's `strconv.IsPrint` says, and Rust's debug form too.
fn is_printable(char: char) -> bool {
    if char.is_ascii() {
        return matches!(char, ' '..='~');
    }
    // Alone, a combining mark would be escaped for another reason.
    let mut text = String::from("a");
    text.push(char);
    text.escape_debug().count() == 2
}

/// A text as Go's JSON encoder writes it: safe inside HTML too.
pub(super) fn json(text: &str) -> String {
    let mut written = String::from("\"");
    for char in text.chars() {
        match char {
            '"' => written.push_str("\\\""),
            '\\' => written.push_str("\\\\"),
            '\u{8}' => written.push_str("\\b"),
            '\u{c}' => written.push_str("\\f"),
            '\n' => written.push_str("\\n"),
            '\r' => written.push_str("\\r"),
            '\t' => written.push_str("\\t"),
            '\0'..='\u{1f}' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                written.push_str(&format!("\\u{:04x}", u32::from(char)));
            }
            char => written.push(char),
        }
    }
    written.push('"');
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_as_go_does() {
        assert_eq!(quoted("arn:aws:iam::1:role/x"), "\"arn:aws:iam::1:role/x\"");
        assert_eq!(quoted("a\"b\\c\td\u{1}\u{7f}"), "\"a\\\"b\\\\c\\td\\x01\\x7f\"");
        assert_eq!(quoted("é e\u{301} \u{a0} \u{200b} \u{feff}"), "\"é e\u{301} \\u00a0 \\u200b \\ufeff\"");
        assert_eq!(quoted("😀 \u{e0001}"), "\"😀 \\U000e0001\"");
        assert_eq!(quoted_list(&[]), "[]");
        assert_eq!(quoted_list(&["a".into(), "b c".into()]), "[\"a\" \"b c\"]");
    }

    #[test]
    fn json_is_safe_in_html() {
        assert_eq!(json("<a&b>\u{1}\n\"\u{2028}é"), "\"\\u003ca\\u0026b\\u003e\\u0001\\n\\\"\\u2028é\"");
    }
}
