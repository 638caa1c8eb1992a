//! What a request says about its own signature, in the query or in a header.

use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;

use super::ALGORITHM;
use crate::parameters::Parameters;
use crate::refusal::Refusal;

/// The parts of a signature, unverified. Not `Debug`: it holds the session token.
pub(crate) struct Claim<'a> {
    pub(crate) scope: Scope<'a>,
    /// Lower-case names, sorted, joined with `;`.
    pub(crate) signed_headers: &'a str,
    pub(crate) signature: &'a str,
    /// `X-Amz-Date`.
    pub(crate) date: &'a str,
    pub(crate) session_token: Option<&'a str>,
    /// True if the signature came in the query.
    pub(crate) presigned: bool,
}

/// The credential: `KEY/DATE/REGION/SERVICE/TERMINATOR`.
#[derive(Debug)]
pub(crate) struct Scope<'a> {
    pub(crate) access_key_id: &'a str,
    pub(crate) date: &'a str,
    pub(crate) region: &'a str,
    pub(crate) service: &'a str,
    pub(crate) terminator: &'a str,
}

impl<'a> Claim<'a> {
    /// Reads a claim; none if the request does not pretend to be signed.
    pub(crate) fn read(query: &'a Parameters<'_>, headers: &'a HeaderMap) -> Result<Option<Self>, Refusal> {
        let header = headers.get(AUTHORIZATION);
        match (query.first("X-Amz-Algorithm"), header) {
            (None, None) => Ok(None),
            (Some(_), Some(_)) => Err(Refusal::incomplete(
                "Only one of the Authorization header and the X-Amz-Algorithm query-string \
                 parameter may be given.",
            )),
            (Some(algorithm), None) => Self::from_query(algorithm, query).map(Some),
            (None, Some(header)) => {
                let text = header
                    .to_str()
                    .map_err(|_| Refusal::incomplete("Authorization header must be printable ASCII."))?;
                Self::from_header(text, headers).map(Some)
            }
        }
    }

    /// True if the header `name` is among those signed.
    pub(crate) fn signs(&self, name: &str) -> bool {
        self.signed_headers.split(';').any(|signed| signed == name)
    }

    fn from_query(algorithm: &str, query: &'a Parameters<'_>) -> Result<Self, Refusal> {
        check_algorithm(algorithm)?;
        let required = |name: &str| {
            if query.repeats(name) {
                return Err(Refusal::incomplete(format!("AWS query-string parameters must include '{name}' once.")));
            }
            query.first(name).filter(|value| !value.is_empty()).ok_or_else(|| {
                Refusal::incomplete(format!(
                    "AWS query-string parameters must include '{name}'. Re-examine the \
                     query-string parameters."
                ))
            })
        };
        Ok(Self {
            scope: Scope::parse(required("X-Amz-Credential")?)?,
            signed_headers: check_names(required("X-Amz-SignedHeaders")?)?,
            signature: required("X-Amz-Signature")?,
            date: required("X-Amz-Date")?,
            session_token: query
                .first("X-Amz-Security-Token")
                .is_some()
                .then(|| required("X-Amz-Security-Token"))
                .transpose()?,
            presigned: true,
        })
    }

    fn from_header(text: &'a str, headers: &'a HeaderMap) -> Result<Self, Refusal> {
        let (algorithm, parts) = text.split_once(' ').unwrap_or((text, ""));
        check_algorithm(algorithm)?;
        let required = |name: &str| {
            let mut values = parts
                .split(',')
                .filter_map(|part| part.trim().split_once('='))
                .filter(|(key, _)| *key == name)
                .map(|(_, value)| value);
            values.next().filter(|value| !value.is_empty() && values.next().is_none())
        };
        let missing = |name: &str| Refusal::incomplete(format!("Authorization header requires '{name}' parameter."));
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        Ok(Self {
            scope: Scope::parse(required("Credential").ok_or_else(|| missing("Credential"))?)?,
            signed_headers: check_names(required("SignedHeaders").ok_or_else(|| missing("SignedHeaders"))?)?,
            signature: required("Signature").ok_or_else(|| missing("Signature"))?,
            date: header("x-amz-date").ok_or_else(|| {
                Refusal::incomplete(
                    "Authorization header requires existence of either a 'X-Amz-Date' or a \
                     'Date' header.",
                )
            })?,
            session_token: header("x-amz-security-token"),
            presigned: false,
        })
    }
}

impl<'a> Scope<'a> {
    fn parse(credential: &'a str) -> Result<Self, Refusal> {
        let parts: Vec<&str> = credential.split('/').collect();
        let [access_key_id, date, region, service, terminator] = *parts.as_slice() else {
            return Err(Refusal::incomplete(format!(
                "Credential must have exactly 5 slash-delimited elements, e.g. \
                 keyid/date/region/service/term, got '{credential}'"
            )));
        };
        Ok(Self { access_key_id, date, region, service, terminator })
    }
}

fn check_algorithm(algorithm: &str) -> Result<(), Refusal> {
    if algorithm == ALGORITHM {
        return Ok(());
    }
    Err(Refusal::incomplete(format!("Unsupported AWS 'algorithm': '{algorithm}'.")))
}

/// Names must be as the canonical form has them, else nothing could match.
fn check_names(names: &str) -> Result<&str, Refusal> {
    let sorted = names.split(';').zip(names.split(';').skip(1)).all(|(one, next)| one < next);
    let lower = names.split(';').all(|name| !name.is_empty() && !name.bytes().any(|byte| byte.is_ascii_uppercase()));
    if sorted && lower {
        return Ok(names);
    }
    Err(Refusal::signature(super::MISMATCH))
}
