//! What a command is going to do and say.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::go_text::quoted;
use super::line::Line;
use super::stored;
use crate::aws_auth::{Data, Document, EditError, NewPrincipal, Operation, Section, SectionError};
use crate::yaml::Mark;

/// What a command does to aws-auth and what it says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// The edit; none, and nothing is to be written.
    pub operations: Vec<Operation>,
    /// Lines that lead to the edit.
    pub log: Vec<Line>,
    /// Lines that are true once the edit is made.
    pub after: Vec<Line>,
    /// Why the command fails, after the edit if there is one.
    pub refusal: Option<Refusal>,
    /// How many mappings were looked at, the refused one included.
    pub reached: usize,
}

impl Plan {
    pub(super) fn refused(refusal: Refusal) -> Self {
        Self { refusal: Some(refusal), ..Self::default() }
    }

    /// Makes the edit: the sections that change, with their new text. Only the
    /// sections concerned are read.
    ///
    /// # Errors
    ///
    /// A text that can't be changed without touching more than its rows.
    pub fn edit(&self, data: &Data) -> Result<Data, EditError> {
        let concerned = |key: &str| self.operations.iter().any(|operation| operation.section().as_str() == key);
        let sections = data.iter().filter(|(key, _)| concerned(key));
        let sections: Data = sections.map(|(key, text)| (key.clone(), text.clone())).collect();
        // What can't be read has been refused when the operations were planned.
        let unreadable = |problems: Vec<SectionError>| {
            EditError::Unsafe(problems.first().map_or(Section::MapRoles, |problem| problem.section))
        };
        let document = Document::parse(&sections).map_err(unreadable)?;
        Ok(document.edit(&self.operations)?.changed)
    }

    /// Whether all that the plan adds is there, and it takes nothing out: it was
    /// made before, by a write whose answer got lost.
    pub fn is_made(&self, data: &Data) -> bool {
        let (Ok(identities), Ok(accounts)) = (stored::identities(data), stored::accounts(data, true)) else {
            return false;
        };
        self.operations.iter().all(|operation| match operation {
            Operation::Insert { section, row, .. } => match &row.principal {
                NewPrincipal::Arn(arn) => identities.iter().any(|identity| {
                    identity.section == *section
                        && identity.arn == *arn
                        && Some(&identity.username).filter(|username| !username.is_empty()) == row.username.as_ref()
                        && identity.groups == row.groups
                }),
                NewPrincipal::Account(account) => accounts.contains(account),
                NewPrincipal::Sso(_) => false,
            },
            Operation::Remove { .. } | Operation::Change { .. } => false,
        })
    }
}

/// Why eksctl refuses, in its words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A mapping with no principal.
    #[error("expected a valid arn but got empty string")]
    EmptyArn,
    /// A mapping to nobody.
    #[error("neither username nor group are set for iam identity")]
    NobodyToBe,
    /// An ARN that does not begin as one.
    #[error("arn: invalid prefix")]
    ArnPrefix,
    /// An ARN with too few parts.
    #[error("arn: not enough sections")]
    ArnSections,
    /// An ARN of something else.
    #[error("arn is neither user nor role")]
    NeitherUserNorRole(String),
    /// A service beside an ARN, a username and groups.
    #[error("cannot use arn, username, and groups with serviceName")]
    ServiceWithArn,
    /// A service without its namespace.
    #[error("namespace is required when using serviceName")]
    ServiceWithoutNamespace,
    /// A namespace without a service.
    #[error("serviceName is required when using namespace")]
    NamespaceWithoutService,
    /// An account beside anything else.
    #[error("account cannot be configured with any other options")]
    AccountWithOthers,
    /// A service nobody knows.
    #[error("invalid service name {}", quoted(.0))]
    UnknownService(String),
    /// A service on a cluster whose account is not known.
    #[error("the account of the cluster is not known, and a service mapping needs it")]
    AccountUnknown,
    /// `--no-duplicate-arns`, and the ARN is mapped to something else.
    #[error("found existing mapping with the same arn {} and shadowing is disabled", quoted(.0))]
    Shadowing(String),
    /// Nothing to delete.
    #[error("instance identity ARN {} not found in auth ConfigMap", quoted(.0))]
    ArnNotFound(String),
    /// Nothing to delete.
    #[error("account {} not found in auth ConfigMap", quoted(.0))]
    AccountNotFound(String),
    /// Nothing to show.
    #[error("no iamidentitymapping with arn {} found", quoted(.0))]
    NoMapping(String),
    /// Neither or both of what to delete.
    #[error("either --arn or --account must be set")]
    NoTarget,
    /// A section that can't be read.
    #[error("unmarshalling {}: {mark}: {reason}", name(*section, *alone))]
    Unreadable {
        /// The section.
        section: Section,
        /// Whether only this section was to be read.
        alone: bool,
        /// Where, counted from the first line of the section.
        mark: Mark,
        /// What is wrong.
        reason: String,
    },
}

impl Refusal {
    /// The form that will match, where an ARN of a session or of an instance
    /// profile was typed.
    pub fn hint(&self) -> Option<String> {
        let Self::NeitherUserNorRole(arn) = self else { return None };
        let mut parts = arn.splitn(6, ':');
        let (partition, account, resource) = (parts.nth(1)?, parts.nth(2)?, parts.next()?);
        let (kind, rest) = resource.split_once('/')?;
        match kind {
            "assumed-role" => {
                let role = rest.split_once('/').map_or(rest, |(role, _)| role);
                Some(format!("name the role of the session: `arn:{partition}:iam::{account}:role/{role}`"))
            }
            "instance-profile" => Some("name the role in the instance profile; AWS never reports the profile".into()),
            _ => None,
        }
    }
}

/// eksctl names mapAccounts without quotes where it reads nothing else.
fn name(section: Section, alone: bool) -> String {
    match alone {
        true => section.as_str().into(),
        false => quoted(section.as_str()),
    }
}
