//! Which authenticator decides in a cluster, and what each of them makes of one
//! document.
//!
//! kube-iam matches rows that others do not. Whoever asks "is she let in?"
//! therefore has to say by whom.

mod judge;
mod who;

pub use judge::{Grant, Judge};
pub(crate) use who::Who;
pub use who::only_kube_iam;

use core::fmt;
use core::str::FromStr;

use crate::aws_auth::{Document, Rows, Section, SectionError, read_section};

/// A program that reads aws-auth and answers logins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Authenticator {
    /// This one.
    KubeIam,
    /// The Go program.
    AwsIamAuthenticator,
    /// The one that AWS runs for EKS. It is taken to read as the Go program
    /// does, from which it stems.
    Eks,
}

impl Authenticator {
    /// All three.
    pub const ALL: [Self; 3] = [Self::KubeIam, Self::AwsIamAuthenticator, Self::Eks];

    /// The name, as the flag `--authenticator` takes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::KubeIam => "kube-iam",
            Self::AwsIamAuthenticator => "aws-iam-authenticator",
            Self::Eks => "eks",
        }
    }
}

impl fmt::Display for Authenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is known about who decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Deciding {
    /// This one.
    Known(Authenticator),
    /// Any of the three: a row lets somebody in only if it does under all.
    #[default]
    Unknown,
    /// EKS in authentication mode `API`: nobody reads aws-auth.
    NotConsulted,
}

/// Why a text is no value of `--authenticator`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an authenticator is one of `kube-iam`, `aws-iam-authenticator`, `eks` and `auto`")]
pub struct AuthenticatorError;

impl FromStr for Deciding {
    type Err = AuthenticatorError;

    /// Reads the flag. `auto` is [`Deciding::Unknown`], for the cluster to tell.
    fn from_str(text: &str) -> Result<Self, AuthenticatorError> {
        if text == "auto" {
            return Ok(Self::Unknown);
        }
        let known = Authenticator::ALL.into_iter().find(|authenticator| authenticator.as_str() == text);
        known.map(Self::Known).ok_or(AuthenticatorError)
    }
}

impl fmt::Display for Deciding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Known(authenticator) => authenticator.as_str(),
            Self::Unknown => "unknown",
            Self::NotConsulted => "not consulted",
        })
    }
}

/// The three sections of one document, each read or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mappings {
    /// mapRoles.
    pub roles: Result<Rows, SectionError>,
    /// mapUsers.
    pub users: Result<Rows, SectionError>,
    /// mapAccounts.
    pub accounts: Result<Rows, SectionError>,
}

impl Default for Mappings {
    fn default() -> Self {
        Self { roles: Ok(Rows::default()), users: Ok(Rows::default()), accounts: Ok(Rows::default()) }
    }
}

impl Mappings {
    /// Reads the texts of the sections; one that is absent is empty.
    pub fn read<'t>(text: impl Fn(Section) -> Option<&'t str>) -> Self {
        let read = |section| text(section).map_or_else(|| Ok(Rows::default()), |text| read_section(section, text));
        Self { roles: read(Section::MapRoles), users: read(Section::MapUsers), accounts: read(Section::MapAccounts) }
    }

    /// The mappings of a document, whose sections can all be read.
    pub fn of(document: &Document) -> Self {
        let read = |section| Ok(document.reading(section));
        Self { roles: read(Section::MapRoles), users: read(Section::MapUsers), accounts: read(Section::MapAccounts) }
    }

    /// One section.
    pub fn section(&self, section: Section) -> &Result<Rows, SectionError> {
        match section {
            Section::MapRoles => &self.roles,
            Section::MapUsers => &self.users,
            Section::MapAccounts => &self.accounts,
        }
    }

    /// The sections that can be read.
    pub fn readable(&self) -> impl Iterator<Item = (Section, &Rows)> {
        Section::ALL.into_iter().filter_map(|section| Some((section, self.section(section).as_ref().ok()?)))
    }
}

#[cfg(test)]
mod tests;
