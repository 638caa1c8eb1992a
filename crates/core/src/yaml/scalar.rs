//! What a plain scalar means under YAML 1.1, as Go's YAML library resolves it.

/// What a scalar is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScalarKind {
    /// Text.
    Text,
    /// Nothing: empty, `~` or `null`.
    Null,
    /// One of `true`, `yes`, `on`, `y` and their opposites.
    Bool,
    /// A number.
    Number,
    /// The merge key `<<`.
    Merge,
}

impl ScalarKind {
    /// What an unquoted text is taken for.
    pub(crate) fn of_plain(text: &str) -> Self {
        match text {
            "" | "~" | "null" | "Null" | "NULL" => Self::Null,
            "<<" => Self::Merge,
            "y" | "Y" | "yes" | "Yes" | "YES" | "n" | "N" | "no" | "No" | "NO" | "true" | "True" | "TRUE" | "false"
            | "False" | "FALSE" | "on" | "On" | "ON" | "off" | "Off" | "OFF" => Self::Bool,
            _ if is_number(text) => Self::Number,
            _ => Self::Text,
        }
    }

    /// What a reader calls it.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Text | Self::Merge => "a text",
            Self::Null => "nothing",
            Self::Bool => "a yes/no word (quote it to make it a text)",
            Self::Number => "a number (quote it to make it a text)",
        }
    }
}

fn is_number(text: &str) -> bool {
    let starts_like_one = text.bytes().next().is_some_and(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.'));
    if !starts_like_one {
        return false;
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    is_integer(unsigned) || is_float(text)
}

/// Go's `ParseInt` with base 0 after all underscores are dropped, and the
/// binary form that the library adds.
fn is_integer(unsigned: &str) -> bool {
    let digits_in = |digits: &str, radix: u32| {
        let mut digits = digits.chars().filter(|c| *c != '_').peekable();
        digits.peek().is_some() && digits.all(|c| c.is_digit(radix))
    };
    let lower = |prefix: &str| {
        let (head, tail) = unsigned.split_at_checked(2)?;
        head.eq_ignore_ascii_case(prefix).then_some(tail)
    };
    if let Some(digits) = lower("0x") {
        return digits_in(digits, 16);
    }
    if let Some(digits) = lower("0b") {
        return digits_in(digits, 2);
    }
    if let Some(digits) = lower("0o") {
        return digits_in(digits, 8);
    }
    unsigned.starts_with(|c: char| c.is_ascii_digit())
        && digits_in(unsigned, if unsigned.starts_with('0') { 8 } else { 10 })
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`, underscores allowed.
fn is_float(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    digits(whole)
        && digits(fraction)
        && mantissa.bytes().any(|b| b.is_ascii_digit())
        && exponent.is_none_or(|digits_of| !digits_of.is_empty() && digits(digits_of))
}
