//! Query strings and forms: decoding them, and encoding them the one way that
//! Signature Version 4 is computed over.

use std::borrow::Cow;

use crate::limits;

/// Decoded name-value pairs in the order received.
#[derive(Debug, Default)]
pub(crate) struct Parameters<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

/// The text is no query string: a bad `%` escape, bytes that are not UTF-8, or too many
/// pairs.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

impl<'a> Parameters<'a> {
    /// Reads a query string, or a form, which is written the same way.
    pub(crate) fn parse(text: &'a str) -> Result<Self, Malformed> {
        let mut pairs = Vec::with_capacity(10);
        for piece in text.split('&').filter(|piece| !piece.is_empty()) {
            if pairs.len() == limits::PARAMETERS {
                return Err(Malformed);
            }
            let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
            pairs.push((decode(name)?, decode(value)?));
        }
        Ok(Self(pairs))
    }

    /// Adds the pairs of `others` behind these.
    pub(crate) fn append(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// The first value of `name`; names are case-sensitive, as at AWS.
    pub(crate) fn first(&self, name: &str) -> Option<&str> {
        self.iter().find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// True if `name` is given more than once.
    pub(crate) fn repeats(&self, name: &str) -> bool {
        self.iter().filter(|(key, _)| *key == name).count() > 1
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), value.as_ref()))
    }

    /// Writes the canonical query string: every pair but `except` encoded, sorted by
    /// encoded name and then value, and joined with `&`.
    pub(crate) fn write_canonical(&self, except: Option<&str>, out: &mut Vec<u8>) {
        let mut pairs: Vec<_> = self
            .iter()
            .filter(|(name, _)| Some(*name) != except)
            .map(|(name, value)| (encode(name), encode(value)))
            .collect();
        pairs.sort_unstable();
        for (index, (name, value)) in pairs.iter().enumerate() {
            if index > 0 {
                out.push(b'&');
            }
            out.extend_from_slice(name.as_bytes());
            out.push(b'=');
            out.extend_from_slice(value.as_bytes());
        }
    }
}

/// Undoes `%XX` and reads `+` as a blank.
pub(crate) fn decode(text: &str) -> Result<Cow<'_, str>, Malformed> {
    if !text.bytes().any(|byte| matches!(byte, b'%' | b'+')) {
        return Ok(Cow::Borrowed(text));
    }
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let high = bytes.next().and_then(hex_digit).ok_or(Malformed)?;
                let low = bytes.next().and_then(hex_digit).ok_or(Malformed)?;
                high * 16 + low
            }
            other => other,
        });
    }
    String::from_utf8(decoded).map(Cow::Owned).map_err(|_| Malformed)
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// AWS's `UriEncode`: all but RFC 3986's unreserved characters, with upper-case digits.
pub(crate) fn encode(text: &str) -> Cow<'_, str> {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    if text.bytes().all(is_unreserved) {
        return Cow::Borrowed(text);
    }
    let mut encoded = String::with_capacity(text.len() + 32);
    for byte in text.bytes() {
        if is_unreserved(byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            for digit in [byte >> 4, byte & 15] {
                encoded.extend(DIGITS.get(usize::from(digit)).map(|digit| char::from(*digit)));
            }
        }
    }
    Cow::Owned(encoded)
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(query: &str) -> String {
        let mut out = Vec::new();
        Parameters::parse(query).unwrap().write_canonical(Some("X-Amz-Signature"), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_canonical_form_is_sorted_and_encoded_once() {
        assert_eq!(canonical(""), "");
        assert_eq!(canonical("b=2&a=1&&a=0"), "a=0&a=1&b=2");
        assert_eq!(canonical("k=a/b;c%2fd%7e+e"), "k=a%2Fb%3Bc%2Fd~%20e");
        assert_eq!(canonical("k=%C3%A9&j"), "j=&k=%C3%A9");
        assert_eq!(canonical("X-Amz-Signature=ab&Z=1&a=2"), "Z=1&a=2");
        // Sorting is by the encoded text: `%` comes before every letter.
        assert_eq!(canonical("a=1&%C3%A9=2"), "%C3%A9=2&a=1");
    }

    #[test]
    fn bad_escapes_and_too_many_pairs_are_malformed() {
        for query in ["a=%", "a=%4", "a=%gh", "a=%ff", "%=1"] {
            assert_eq!(Parameters::parse(query).unwrap_err(), Malformed, "{query}");
        }
        let most = vec!["a=1"; limits::PARAMETERS].join("&");
        assert!(Parameters::parse(&most).is_ok());
        assert!(Parameters::parse(&format!("{most}&a=1")).is_err());
    }

    #[test]
    fn names_are_case_sensitive_and_the_first_value_counts() {
        let parameters = Parameters::parse("action=a&Action=b&Action=c").unwrap();
        assert_eq!(parameters.first("Action"), Some("b"));
        assert!(parameters.repeats("Action"));
        assert!(!parameters.repeats("action"));
    }
}
