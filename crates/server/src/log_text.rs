//! Texts on their way into the log. What somebody else chose is bounded and
//! can't begin a line of its own.

use std::error::Error;
use std::fmt::{self, Write as _};

use kube_iam_core::aws_auth::{Principal, Rows, Section};
use kube_iam_core::last_good::{Remark, Severity, path_remark};
use tracing::{error, info, warn};

use crate::limits;

/// Logs a remark as loudly as it is serious.
pub(crate) fn remark(remark: &Remark) {
    let text = Plain(&remark.text);
    match remark.severity {
        Severity::Note => info!("{text}"),
        Severity::Warn => warn!("{text}"),
        Severity::Alarm => error!("{text}"),
    }
}

/// Logs the mappings of a file one by one, as the Go authenticator does at its
/// start, with remarks on those that it would not match.
pub(crate) fn rows(rows: &Rows) {
    for row in &rows.mappings {
        let principal = row.principal.to_string();
        let (principal, username) = (Plain(&principal), Plain(row.username.as_deref().unwrap_or_default()));
        let groups = List(&row.groups);
        match (row.section, &row.principal) {
            (Section::MapUsers, _) => info!(user = %principal, %username, %groups, "mapping IAM user"),
            (_, Principal::Sso(_)) => info!(sso = %principal, %username, %groups, "mapping IAM role"),
            (_, Principal::Arn(_)) => info!(role = %principal, %username, %groups, "mapping IAM role"),
        }
        path_remark(row).iter().for_each(remark);
    }
    for account in &rows.accounts {
        info!(accountID = %account, "mapping IAM Account");
    }
}

/// An error and its causes in one line.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}

/// Somebody else's text: what could break a line is escaped, and the end is cut
/// off beyond [`limits::LOG_TEXT_CHARS`].
pub(crate) struct Plain<'a>(pub(crate) &'a str);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_plain(f, self.0, &mut { limits::LOG_TEXT_CHARS })
    }
}

/// Texts in brackets, bounded together.
pub(crate) struct List<'a>(pub(crate) &'a [String]);

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut room = limits::LOG_TEXT_CHARS;
        f.write_char('[')?;
        for (i, text) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_char(' ')?;
            }
            write_plain(f, text, &mut room)?;
            if room == 0 {
                break;
            }
        }
        f.write_char(']')
    }
}

fn write_plain(f: &mut fmt::Formatter<'_>, text: &str, room: &mut usize) -> fmt::Result {
    let harmless = |byte: u8| byte == b' ' || (byte.is_ascii_graphic() && byte != b'\\');
    if text.len() <= *room && text.bytes().all(harmless) {
        *room -= text.len();
        return f.write_str(text);
    }
    for c in text.chars() {
        let Some(left) = room.checked_sub(1) else { return f.write_char('…') };
        *room = left;
        match c {
            // Quotes are no danger, and `escape_debug` would escape them.
            '"' | '\'' => f.write_char(c)?,
            _ => write!(f, "{}", c.escape_debug())?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_others_stays_on_its_line() {
        let evil = "a\nb\r\x1b[31m\u{202e}\\ \"q\" ü";
        assert_eq!(Plain(evil).to_string(), r#"a\nb\r\u{1b}[31m\u{202e}\\ "q" ü"#);
    }

    #[test]
    fn text_of_others_is_bounded() {
        let at = "x".repeat(limits::LOG_TEXT_CHARS);
        assert_eq!(Plain(&at).to_string(), at);
        assert_eq!(Plain(&(at.clone() + "y")).to_string(), at.clone() + "…");
        assert_eq!(List(&["a".into(), at.clone()]).to_string().chars().count(), limits::LOG_TEXT_CHARS + 4);
        assert_eq!(List(&["a".into(), "b c".into()]).to_string(), "[a b c]");
    }
}
