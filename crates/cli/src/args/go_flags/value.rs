//! Values of flags, as Go reads them.

use std::time::Duration;

use kube_iam_core::eksctl::quoted;

/// What a flag takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A text.
    Text,
    /// Nothing, or `=true` or `=false`.
    Bool,
    /// A whole number.
    Int,
    /// A time such as `25m` or `1h30m`.
    Duration,
    /// Texts: values of all uses, each of them one line of CSV.
    Texts,
}

/// The value of a flag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Of [`Kind::Text`].
    Text(String),
    /// Of [`Kind::Bool`].
    Bool(bool),
    /// Of [`Kind::Int`].
    Int(i64),
    /// Of [`Kind::Duration`].
    Duration(Duration),
    /// Of [`Kind::Texts`].
    Texts(Vec<String>),
}

impl Kind {
    /// Reads a value; `before` is that of an earlier use.
    pub(super) fn read(self, text: &str, before: Option<&Value>) -> Result<Value, String> {
        let number = |function: &str, reason: &str| format!("strconv.{function}: parsing {}: {reason}", quoted(text));
        match self {
            Self::Text => Ok(Value::Text(text.to_owned())),
            Self::Bool => match text {
                "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(Value::Bool(true)),
                "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(Value::Bool(false)),
                _ => Err(number("ParseBool", "invalid syntax")),
            },
            Self::Int => match int(text) {
                Ok(value) => Ok(Value::Int(value)),
                Err(reason) => Err(number("ParseInt", reason)),
            },
            Self::Duration => duration(text).map(Value::Duration),
            Self::Texts => {
                let mut texts = match before {
                    Some(Value::Texts(texts)) => texts.clone(),
                    _ => Vec::new(),
                };
                texts.extend(csv_record(text)?);
                Ok(Value::Texts(texts))
            }
        }
    }
}

/// Go's `ParseInt` with base 0.
fn int(text: &str) -> Result<i64, &'static str> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let lower = unsigned.to_ascii_lowercase();
    let (digits, radix, prefixed) = match (lower.get(..2), lower.strip_prefix('0')) {
        (Some("0x"), _) => (&lower[2..], 16, true),
        (Some("0o"), _) => (&lower[2..], 8, true),
        (Some("0b"), _) => (&lower[2..], 2, true),
        (_, Some(rest)) if !rest.is_empty() => (rest, 8, true),
        _ => (lower.as_str(), 10, false),
    };
    // Underscores stand between digits, and after a prefix.
    let parts: Vec<&str> = digits.split('_').collect();
    let empty_parts = parts.iter().skip(usize::from(prefixed)).any(|part| part.is_empty());
    let digits = parts.concat();
    if digits.is_empty() || empty_parts || !digits.chars().all(|digit| digit.is_digit(radix)) {
        return Err("invalid syntax");
    }
    let sign = if text.starts_with('-') { "-" } else { "" };
    i64::from_str_radix(&format!("{sign}{digits}"), radix).map_err(|_| "value out of range")
}

/// Go's `ParseDuration`; a negative time is none.
fn duration(text: &str) -> Result<Duration, String> {
    let invalid = || format!("time: invalid duration {}", quoted(text));
    let mut rest = text.strip_prefix(['+', '-']).unwrap_or(text);
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let end = rest.find(|char: char| !char.is_ascii_digit() && char != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(end);
        let number: f64 = match number.bytes().any(|byte| byte.is_ascii_digit()) {
            true => number.parse().map_err(|_| invalid())?,
            false => return Err(invalid()),
        };
        let end = after.find(|char: char| char.is_ascii_digit() || char == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        seconds += number
            * match unit {
                "ns" => 1e-9,
                "us" | "µs" | "μs" => 1e-6,
                "ms" => 1e-3,
                "s" => 1.0,
                "m" => 60.0,
                "h" => 3600.0,
                "" => return Err(format!("time: missing unit in duration {}", quoted(text))),
                _ => return Err(format!("time: unknown unit {} in duration {}", quoted(unit), quoted(text))),
            };
        rest = after;
    }
    // Go counts nanoseconds in 63 bits.
    if seconds > 9_223_372_036.0 {
        return Err(invalid());
    }
    if text.starts_with('-') { Ok(Duration::ZERO) } else { Duration::try_from_secs_f64(seconds).map_err(|_| invalid()) }
}

/// The first record of a CSV text, as Go's `encoding/csv` reads it.
fn csv_record(text: &str) -> Result<Vec<String>, String> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    // Empty lines are skipped.
    let skipped = text.len() - text.trim_start_matches("\r\n").trim_start_matches('\n').len();
    let mut rest = &text[skipped..];
    if rest.is_empty() {
        return Err("EOF".to_owned());
    }
    let line_number = text[..skipped].matches('\n').count() + 1;
    let trouble = |rest: &str, reason: &str| {
        let column = text.len() - skipped - rest.len() + 1;
        Err(format!("parse error on line {line_number}, column {column}: {reason}"))
    };
    let mut fields = Vec::new();
    loop {
        let (field, after) = match rest.strip_prefix('"') {
            Some(inner) => match quoted_field(inner) {
                Ok(found) => found,
                Err(at) => return trouble(at, "extraneous or missing \" in quoted-field"),
            },
            None => {
                let end = rest.find([',', '\n']).unwrap_or(rest.len());
                let (field, after) = rest.split_at(end);
                if let Some(quote) = field.find('"') {
                    return trouble(&rest[quote..], "bare \" in non-quoted-field");
                }
                let ends_line = after.is_empty() || after.starts_with('\n');
                (field.strip_suffix('\r').filter(|_| ends_line).unwrap_or(field).to_owned(), after)
            }
        };
        fields.push(field);
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None => return Ok(fields),
        }
    }
}

/// A field after its opening quote, and what follows it; else where it breaks.
fn quoted_field(inner: &str) -> Result<(String, &str), &str> {
    let mut field = String::new();
    let mut rest = inner;
    loop {
        let Some(quote) = rest.find('"') else { return Err(&rest[rest.len()..]) };
        field.push_str(&rest[..quote]);
        let after = &rest[quote + 1..];
        match after.strip_prefix('"') {
            Some(next) => {
                field.push('"');
                rest = next;
            }
            None if after.is_empty() || after.starts_with([',', '\n']) || after.starts_with("\r\n") => {
                return Ok((field.replace("\r\n", "\n"), after));
            }
            None => return Err(&rest[quote..]),
        }
    }
}
