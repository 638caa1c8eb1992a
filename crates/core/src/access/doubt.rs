//! Why an answer is not certain.

use alloc::string::String;
use core::fmt;

use crate::aws_auth::{Section, SectionError};
use crate::rbac::{Missing, Subject};
use crate::shown::{excerpt, printable};

/// Why something is not known: it was not read, or only a login tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doubt<'a> {
    /// aws-auth was not read, for this reason.
    AwsAuth(&'a str),
    /// A section of aws-auth can't be read.
    Section(&'a SectionError),
    /// A row about the principal can't be read whole, and authenticators differ about it.
    HalfRow {
        /// Its section.
        section: Section,
        /// Its line in the section.
        line: usize,
    },
    /// There are rows for several spellings of an ARN, and the authenticator takes any.
    Spellings,
    /// The authenticators differ, and which one decides is not known.
    Authenticator,
    /// A row about the role of a permission set may be in the way of this one.
    Overlaid,
    /// aws-auth is not consulted: access entries of EKS decide, and were not read.
    NotConsulted,
    /// EKS has access entries, which were not read. One of this principal would take
    /// the place of its row, and may give more.
    AccessEntries,
    /// A name may be that of a subject, who may do it.
    Pattern {
        /// The form of the name.
        name: String,
        /// The subject.
        subject: Subject,
    },
    /// Some of RBAC was not read.
    Rbac(Missing<'a>),
}

impl Doubt<'_> {
    /// Whether there may be rows about somebody that are not known.
    pub(super) fn hides_rows(&self) -> bool {
        matches!(self, Self::AwsAuth(_) | Self::Section(_) | Self::NotConsulted)
    }
}

impl fmt::Display for Doubt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AwsAuth(why) => write!(f, "aws-auth was not read: {}", printable(why)),
            Self::Section(error) => {
                let SectionError { section, mark, reason, .. } = error;
                write!(
                    f,
                    "{section} can't be read (line {}: {}); what is served instead is not known",
                    mark.line,
                    excerpt(reason)
                )
            }
            Self::HalfRow { section, line } => {
                write!(f, "the row in line {line} of {section} can't be read whole, and authenticators differ about it")
            }
            Self::Spellings => {
                f.write_str("aws-auth has rows for several spellings of the ARN, and any of them may count")
            }
            Self::Authenticator => f.write_str(
                "kube-iam and aws-iam-authenticator differ about its rows, and which of them decides is not known",
            ),
            Self::Overlaid => f.write_str("the role of the permission set has a row of its own"),
            Self::NotConsulted => {
                f.write_str("EKS does not consult aws-auth here: access entries decide, and were not read")
            }
            Self::AccessEntries => f.write_str(
                "access entries of EKS were not read; one would take the place of the row, and may give more",
            ),
            Self::Pattern { name, subject } => {
                write!(f, "`{}` may be {subject}, which only the login tells", printable(name))
            }
            Self::Rbac(missing) => missing.fmt(f),
        }
    }
}
