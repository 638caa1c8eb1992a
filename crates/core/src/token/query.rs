//! The query of a presigned URL, read strictly and written anew.

use alloc::string::String;

use crate::token::TokenError;

/// The parameters of a presigned GetCallerIdentity request; no other is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parameter {
    Action,
    Version,
    Algorithm,
    Credential,
    Date,
    Expires,
    SecurityToken,
    SignedHeaders,
    Signature,
}

impl Parameter {
    const ALL: [(Self, &'static str); 9] = [
        (Self::Action, "action"),
        (Self::Version, "version"),
        (Self::Algorithm, "x-amz-algorithm"),
        (Self::Credential, "x-amz-credential"),
        (Self::Date, "x-amz-date"),
        (Self::Expires, "x-amz-expires"),
        (Self::SecurityToken, "x-amz-security-token"),
        (Self::SignedHeaders, "x-amz-signedheaders"),
        (Self::Signature, "x-amz-signature"),
    ];

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, known)| name.eq_ignore_ascii_case(known)).map(|(parameter, _)| parameter)
    }
}

/// One parameter: its name as the caller spelt it, since the signature covers
/// the spelling, and its value with the percent-encoding removed.
#[derive(Default)]
struct Pair<'a> {
    spelt: &'a str,
    value: Option<String>,
}

/// All parameters of a query, each at most once.
pub(super) struct Query<'a> {
    pairs: [Pair<'a>; Parameter::ALL.len()],
}

impl<'a> Query<'a> {
    /// Reads a query. Whatever two readers could understand differently is
    /// refused: `+`, `;`, bad escapes, nameless or repeated parameters.
    pub(super) fn parse(text: &'a str) -> Result<Self, TokenError> {
        let mut query = Self { pairs: Default::default() };
        // A trailing separator carries nothing; every signer drops it.
        let text = text.strip_suffix('&').unwrap_or(text);
        for part in text.split('&').filter(|_| !text.is_empty()) {
            let (spelt, value) = part.split_once('=').ok_or(TokenError::Query)?;
            query.insert(spelt, decode(value)?)?;
        }
        Ok(query)
    }

    fn insert(&mut self, spelt: &'a str, value: String) -> Result<(), TokenError> {
        let name = decode(spelt)?;
        let parameter = Parameter::named(&name).ok_or(TokenError::UnknownParameter)?;
        let pair = self.pairs.get_mut(parameter as usize).ok_or(TokenError::UnknownParameter)?;
        if pair.value.is_some() {
            return Err(TokenError::DuplicateParameter);
        }
        // An escaped letter in a name is the mark of a disguise.
        if name != spelt {
            return Err(TokenError::UnknownParameter);
        }
        *pair = Pair { spelt, value: Some(value) };
        Ok(())
    }

    /// The value of a parameter, if it is there.
    pub(super) fn value(&self, parameter: Parameter) -> Option<&str> {
        self.pairs.get(parameter as usize)?.value.as_deref()
    }

    /// `/?…` with every parameter that was there, each re-encoded by the rules
    /// of SigV4.
    pub(super) fn rebuild(&self) -> String {
        let present = self.pairs.iter().filter_map(|pair| Some((pair.spelt, pair.value.as_deref()?)));
        let mut text = String::with_capacity(1024);
        text.push_str("/?");
        for (index, (spelt, value)) in present.enumerate() {
            if index > 0 {
                text.push('&');
            }
            text.push_str(spelt);
            text.push('=');
            encode(value, &mut text);
        }
        text
    }
}

/// Removes percent-encoding. Only plain ASCII may come out.
fn decode(text: &str) -> Result<String, TokenError> {
    let mut decoded = String::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let byte = match byte {
            b'%' => {
                let high = bytes.next().and_then(hex_digit).ok_or(TokenError::Query)?;
                let low = bytes.next().and_then(hex_digit).ok_or(TokenError::Query)?;
                high << 4 | low
            }
            b'+' | b';' => return Err(TokenError::Query),
            other => other,
        };
        if !byte.is_ascii_graphic() {
            return Err(TokenError::ControlCharacter);
        }
        decoded.push(char::from(byte));
    }
    Ok(decoded)
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// Percent-encodes by the rules of SigV4: everything but RFC 3986's unreserved
/// characters, in upper-case hexadecimal.
fn encode(value: &str, out: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push('%');
            for nibble in [byte >> 4, byte & 15] {
                out.extend(HEX.get(usize::from(nibble)).map(|digit| char::from(*digit)));
            }
        }
    }
}
