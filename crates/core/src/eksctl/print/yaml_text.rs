//! A text as Go's YAML library (version 2) writes it.

use alloc::format;
use alloc::string::String;

use crate::yaml::ScalarKind;

/// The column after which a text goes on in the next line.
const WIDTH: usize = 80;

/// A text as a value that begins at `column` and goes on at `indent`.
pub(super) fn scalar(text: &str, column: usize, indent: usize) -> String {
    let traits = Traits::of(text);
    let has_breaks = text.contains('\n');
    if has_breaks && traits.literal_allowed() {
        return literal(text, indent);
    }
    let mut writer = Writer { written: String::new(), column, indent };
    if has_breaks || is_read_as_something_else(text) || traits.special {
        writer.double_quoted(text);
    } else if traits.plain_allowed() {
        writer.folded(text, false);
    } else {
        writer.raw('\'');
        writer.folded(text, true);
        writer.raw('\'');
    }
    writer.written
}

/// What decides about the style of a text.
#[derive(Default)]
struct Traits {
    /// Something in it would be read as syntax.
    indicators: bool,
    /// A character that must be escaped.
    special: bool,
    /// Blanks before a line end.
    space_break: bool,
    edge_space: bool,
    trailing_space: bool,
}

impl Traits {
    fn of(text: &str) -> Self {
        let is_blank = |char: Option<char>| char.is_none_or(|char| matches!(char, ' ' | '\t'));
        let mut traits = Self {
            indicators: text.starts_with("---") || text.starts_with("..."),
            edge_space: text.starts_with(' ') || text.ends_with(' '),
            trailing_space: text.ends_with(' '),
            space_break: text.contains(" \n"),
            special: !text.chars().all(is_printable),
        };
        let mut before = None;
        let mut chars = text.chars().peekable();
        while let Some(char) = chars.next() {
            let ends_word = is_blank(chars.peek().copied());
            traits.indicators |= match char {
                ':' => ends_word,
                '?' | '-' => before.is_none() && ends_word,
                '#' => matches!(before, None | Some(' ' | '\t' | '\n')),
                _ => before.is_none() && ",[]{}&*!|>'\"%@`".contains(char),
            };
            before = Some(char);
        }
        traits
    }

    fn plain_allowed(&self) -> bool {
        !(self.indicators || self.edge_space)
    }

    fn literal_allowed(&self) -> bool {
        !(self.special || self.space_break || self.trailing_space)
    }
}

/// Printable by that library, which knows no characters past U+FFFD.
fn is_printable(char: char) -> bool {
    matches!(char, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}') && char != '\u{feff}'
}

/// Whether the bare text would be a number, a word or a date.
fn is_read_as_something_else(text: &str) -> bool {
    let is_text = matches!(ScalarKind::of_plain(text), ScalarKind::Text | ScalarKind::Merge);
    !is_text || is_sexagesimal(text) || is_timestamp(text)
}

/// `1:20`, a number in YAML 1.1 that nobody reads as one any more.
fn is_sexagesimal(text: &str) -> bool {
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut parts = whole.split(':');
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    let first = parts.next().unwrap_or_default();
    let is_minutes = |part: &str| match part.as_bytes() {
        [unit] => unit.is_ascii_digit(),
        [ten, unit] => matches!(ten, b'0'..=b'5') && unit.is_ascii_digit(),
        _ => false,
    };
    whole.contains(':')
        && first.starts_with(|char: char| char.is_ascii_digit())
        && digits(first)
        && digits(fraction)
        && parts.all(is_minutes)
}

/// `2001-01-01`, with or without a time of day.
fn is_timestamp(text: &str) -> bool {
    let (date, time) = match text.split_once([' ', 'T', 't']) {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let number = |text: &str| {
        let is_number = matches!(text.len(), 1 | 2) && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| text.parse::<i8>().ok()).flatten()
    };
    let is_date = || {
        let (year, rest) = date.split_once('-')?;
        let (month, day) = rest.split_once('-')?;
        let is_year = year.len() == 4 && year.bytes().all(|byte| byte.is_ascii_digit());
        let year = is_year.then(|| year.parse().ok()).flatten()?;
        jiff::civil::Date::new(year, number(month)?, number(day)?).ok()
    };
    let is_time = |time: &str| {
        let (clock, zone) = match time.find(['Z', '+', '-']) {
            Some(at) => time.split_at(at),
            None => (time, ""),
        };
        let is_zone = match (text.contains(' '), zone.as_bytes()) {
            (true, zone) => zone.is_empty(),
            (false, [b'Z']) => true,
            (false, [b'+' | b'-', a, b, b':', c, d]) => [a, b, c, d].iter().all(|byte| byte.is_ascii_digit()),
            _ => false,
        };
        let (whole, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
        let mut parts = whole.split(':').map(number);
        let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
        let is_fraction = !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
        (parts.next().is_none() && hour < 24 && minute < 60 && second < 60 && is_fraction && is_zone).then_some(())
    };
    is_date().is_some() && time.is_none_or(|time| is_time(time).is_some())
}

/// After `|`, with the hints that it needs.
fn literal(text: &str, indent: usize) -> String {
    let hint = if text.starts_with([' ', '\n']) { "2" } else { "" };
    let chomp = match text.strip_suffix('\n') {
        None => "-",
        Some(rest) if rest.is_empty() || rest.ends_with('\n') => "+",
        Some(_) => "",
    };
    let mut written = format!("|{hint}{chomp}");
    for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
        written.push('\n');
        if !line.is_empty() {
            written.push_str(&format!("{:indent$}{line}", ""));
        }
    }
    written
}

/// Writes a text that may go on in the next line.
struct Writer {
    written: String,
    column: usize,
    indent: usize,
}

impl Writer {
    fn raw(&mut self, char: char) {
        self.written.push(char);
        self.column += 1;
    }

    fn next_line(&mut self) {
        self.written.push_str(&format!("\n{:width$}", "", width = self.indent));
        self.column = self.indent;
    }

    /// Plain, or between single quotes.
    fn folded(&mut self, text: &str, quoted: bool) {
        let mut after_space = false;
        let mut chars = text.char_indices().peekable();
        while let Some((at, char)) = chars.next() {
            let next = chars.peek().map(|(_, next)| *next);
            let inside = !quoted || (at > 0 && next.is_some());
            if char == ' ' && !after_space && self.column > WIDTH && inside && next != Some(' ') {
                self.next_line();
            } else {
                if quoted && char == '\'' {
                    self.raw('\'');
                }
                self.raw(char);
            }
            after_space = char == ' ';
        }
    }

    fn double_quoted(&mut self, text: &str) {
        self.raw('"');
        let mut after_space = false;
        let mut chars = text.char_indices().peekable();
        while let Some((at, char)) = chars.next() {
            let next = chars.peek().map(|(_, next)| *next);
            if char == ' ' && !after_space && self.column > WIDTH && at > 0 && next.is_some() {
                self.next_line();
                if next == Some(' ') {
                    self.raw('\\');
                }
            } else if char == '\n' || char == '"' || char == '\\' || !is_printable(char) {
                escape(char).chars().for_each(|char| self.raw(char));
            } else {
                self.raw(char);
            }
            after_space = char == ' ';
        }
        self.raw('"');
    }
}

fn escape(char: char) -> String {
    let short = match char {
        '\0' => '0',
        '\u{7}' => 'a',
        '\u{8}' => 'b',
        '\t' => 't',
        '\n' => 'n',
        '\u{b}' => 'v',
        '\u{c}' => 'f',
        '\r' => 'r',
        '\u{1b}' => 'e',
        '"' | '\\' => char,
        '\u{85}' => 'N',
        _ => {
            let code = u32::from(char);
            return match code {
                0..=0xff => format!("\\x{code:02X}"),
                0x100..=0xffff => format!("\\u{code:04X}"),
                _ => format!("\\U{code:08X}"),
            };
        }
    };
    String::from_iter(['\\', short])
}
