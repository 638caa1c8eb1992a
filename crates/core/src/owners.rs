//! Who keeps which mapping, recorded in one annotation of aws-auth.
//!
//! ```json
//! {"version":1,"owners":{"ci":["0123456789abcdef"],"platform":["89abcdef01234567"]}}
//! ```
//!
//! A row is named by the first 16 hexadecimal digits of the SHA-256 of its
//! section and the key of its principal. Tools that write rows anew, in another
//! order or with other comments, leave that as it is. Several owners may keep
//! one row. What can't be understood is an error and never written over.

use alloc::borrow::ToOwned as _;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use hashbrown::HashSet;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use sha2::{Digest as _, Sha256};

use crate::aws_auth::{Document, Operation, Section};
use crate::change::{PrincipalKey, RowPlace};
use crate::finding::{Finding, Severity};
use crate::json::Object;
use crate::limits;
use crate::shown::excerpt;

/// The annotation that holds the record.
pub const ANNOTATION: &str = "kube-iam.dev/owners";

const VERSION: u64 = 1;

/// The name of an owner: 1 to 63 letters, digits and `._-/`, a letter or digit
/// first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OwnerName(String);

/// A text that can't name an owner.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is no name of an owner: it must be 1 to 63 letters, digits and `._-/`, a letter or digit first", excerpt(.0))]
pub struct OwnerNameError(String);

impl FromStr for OwnerName {
    type Err = OwnerNameError;

    fn from_str(text: &str) -> Result<Self, OwnerNameError> {
        let first = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
        let all = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte));
        let fits = first && all && text.len() <= limits::OWNER_NAME_BYTES;
        if fits { Ok(Self(text.to_owned())) } else { Err(OwnerNameError(text.to_owned())) }
    }
}

impl OwnerName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OwnerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What stands for a row in the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RowDigest([u8; 8]);

impl RowDigest {
    pub(crate) fn of(section: Section, key: &PrincipalKey) -> Self {
        let hash =
            Sha256::new().chain_update(section.as_str()).chain_update("\n").chain_update(key.as_str()).finalize();
        let mut digest = [0; 8];
        digest.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
        Self(digest)
    }

    fn parse(text: &str) -> Option<Self> {
        let is_digest = text.len() == 16 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let number = u64::from_str_radix(text, 16).ok().filter(|_| is_digest)?;
        Some(Self(number.to_be_bytes()))
    }
}

impl fmt::Display for RowDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

/// Why a record can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OwnersError {
    /// Longer than we would write it.
    #[error("the record of owners has more than {} bytes", limits::OWNERS_BYTES)]
    TooLong,
    /// More owners than we would write.
    #[error("the record of owners names more than {} of them", limits::OWNERS)]
    TooMany,
    /// It is not of the known form.
    #[error("the record of owners can't be read: {0}")]
    Form(String),
    /// A later version of this program wrote it.
    #[error("the record of owners has version {0}, which this program does not know")]
    Version(u64),
}

impl OwnersError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Version(_) => "use the version of kube-iam that wrote it".to_owned(),
            Self::TooLong | Self::TooMany | Self::Form(_) => format!(
                "`kubectl annotate -n kube-system configmap aws-auth {ANNOTATION}-` forgets all owners; no mapping is lost"
            ),
        }
    }
}

/// The record.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Owners {
    by_name: BTreeMap<OwnerName, BTreeSet<RowDigest>>,
}

impl Owners {
    /// Reads the annotation; without one nobody owns anything.
    pub fn parse(annotation: Option<&str>) -> Result<Self, OwnersError> {
        let Some(text) = annotation else { return Ok(Self::default()) };
        if text.len() > limits::OWNERS_BYTES {
            return Err(OwnersError::TooLong);
        }
        let form = |error: serde_json::Error| OwnersError::Form(excerpt(&error.to_string()).into_owned());
        // The version is looked at first: a later one may look quite different.
        let Object(Versioned { version }) = serde_json::from_str(text).map_err(form)?;
        if version != VERSION {
            return Err(OwnersError::Version(version));
        }
        let Object(Written { owners: Unique(owners), .. }) = serde_json::from_str(text).map_err(form)?;
        if owners.len() > limits::OWNERS {
            return Err(OwnersError::TooMany);
        }
        Ok(Self { by_name: owners })
    }

    /// The annotation to be written: compact, and always in the same order.
    ///
    /// # Errors
    ///
    /// More than the record may hold.
    pub fn encode(&self) -> Result<String, OwnersError> {
        if self.by_name.len() > limits::OWNERS {
            return Err(OwnersError::TooMany);
        }
        let mut text = format!("{{\"version\":{VERSION},\"owners\":{{");
        for (index, (name, digests)) in self.by_name.iter().enumerate() {
            let digests: Vec<_> = digests.iter().map(|digest| format!("\"{digest}\"")).collect();
            let comma = if index == 0 { "" } else { "," };
            text += &format!("{comma}\"{name}\":[{}]", digests.join(","));
        }
        text += "}}";
        if text.len() > limits::OWNERS_BYTES { Err(OwnersError::TooLong) } else { Ok(text) }
    }

    /// Whether nobody owns anything: then no annotation is needed.
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// Who keeps a row, by name.
    pub fn of(&self, section: Section, key: &PrincipalKey) -> Vec<&OwnerName> {
        if self.is_empty() {
            return Vec::new();
        }
        let digest = RowDigest::of(section, key);
        self.by_name.iter().filter(|(_, digests)| digests.contains(&digest)).map(|(name, _)| name).collect()
    }

    /// The record for a document that is about to be written: rows that are
    /// not in it any more have no owner.
    #[must_use]
    pub fn kept_in(&self, document: &Document) -> Self {
        if self.is_empty() {
            return self.clone();
        }
        let rows = Section::ALL.into_iter().flat_map(|section| document.rows(section));
        let digests = rows.filter_map(|row| Some(RowDigest::of(row.section, &PrincipalKey::of_row(&row)?)));
        let present: HashSet<RowDigest, foldhash::fast::FixedState> = digests.collect();
        let mut kept = self.clone();
        kept.by_name.retain(|_, digests| {
            digests.retain(|digest| present.contains(digest));
            !digests.is_empty()
        });
        kept
    }

    /// Gives a row one more owner.
    pub(crate) fn claim(&mut self, name: &OwnerName, section: Section, key: &PrincipalKey) {
        self.by_name.entry(name.clone()).or_default().insert(RowDigest::of(section, key));
    }

    /// Takes an owner from a row.
    pub(crate) fn release(&mut self, name: &OwnerName, section: Section, key: &PrincipalKey) {
        let digest = RowDigest::of(section, key);
        if let Some(digests) = self.by_name.get_mut(name) {
            digests.remove(&digest);
            if digests.is_empty() {
                self.by_name.remove(name);
            }
        }
    }

    /// What there is to say when a change that is not `apply` touches rows that
    /// somebody keeps.
    pub fn findings(&self, document: &Document, operations: &[Operation]) -> Vec<Finding> {
        let touched: BTreeSet<(Section, usize)> = operations.iter().filter_map(touched).collect();
        let rows = Section::ALL.into_iter().flat_map(|section| document.rows(section));
        let touched = rows.filter(|row| !self.is_empty() && touched.contains(&(row.section, row.index)));
        let finding = |row: crate::aws_auth::Row<'_>| {
            let owners = self.of(row.section, &PrincipalKey::of_row(&row)?);
            let owners: Vec<_> = owners.iter().map(|name| format!("`{name}`")).collect();
            (!owners.is_empty()).then(|| Finding {
                rule: "kept-by-owner",
                severity: Severity::Warn,
                section: Some(row.section),
                mark: Some(row.mark()),
                message: format!("the row in {} is kept by {}", RowPlace::from(&row), owners.join(" and ")),
                hint: Some("change it there too, or the next `apply` undoes this".to_owned()),
            })
        };
        touched.filter_map(finding).collect()
    }
}

fn touched(operation: &Operation) -> Option<(Section, usize)> {
    match operation {
        Operation::Insert { .. } => None,
        Operation::Remove { section, index } | Operation::Change { section, index, .. } => Some((*section, *index)),
    }
}

#[derive(serde::Deserialize)]
struct Versioned {
    version: u64,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(rename = "version")]
    _version: serde::de::IgnoredAny,
    owners: Unique,
}

/// Owners and their rows; a name that stands twice is an error, not a loss.
struct Unique(BTreeMap<OwnerName, BTreeSet<RowDigest>>);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;

        impl<'de> Visitor<'de> for Names {
            type Value = Unique;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("owners with their rows")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Unique, A::Error> {
                use serde::de::Error as _;
                let mut owners = BTreeMap::new();
                while let Some((name, texts)) = map.next_entry::<String, Vec<String>>()? {
                    let name: OwnerName = name.parse().map_err(A::Error::custom)?;
                    let digest = |text: &String| {
                        RowDigest::parse(text).ok_or_else(|| A::Error::custom("a row must be 16 hexadecimal digits"))
                    };
                    let digests = texts.iter().map(digest).collect::<Result<BTreeSet<_>, _>>()?;
                    if owners.insert(name, digests).is_some() {
                        return Err(A::Error::custom("an owner stands there twice"));
                    }
                }
                Ok(Unique(owners))
            }
        }

        deserializer.deserialize_map(Names)
    }
}

#[cfg(test)]
mod tests;
