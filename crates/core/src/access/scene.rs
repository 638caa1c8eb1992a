//! All that answers are found in, and as whom principals get in.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::{Doubt, Name};
use crate::arn::{Arn, PrincipalKind};
use crate::authenticator::{Authenticator, Deciding, Grant, Judge, Mappings, Who};
use crate::aws_auth::{Principal, Rows, Section};
use crate::change::canonical;
use crate::rbac::{Policy, Requester, Subject};
use crate::template::Placeholder;

const NO_ROWS: Rows = Rows { mappings: Vec::new(), accounts: Vec::new(), problems: Vec::new(), repeated: Vec::new() };
static NOTHING: Mappings = Mappings { roles: Ok(NO_ROWS), users: Ok(NO_ROWS), accounts: Ok(NO_ROWS) };

/// A cluster: its mappings, who decides by them, and its RBAC.
#[derive(Debug)]
pub struct Scene<'a> {
    /// The roles and bindings.
    pub policy: &'a Policy,
    pub(super) mappings: Result<&'a Mappings, &'a str>,
    pub(super) judge: Judge<'a>,
    pub(super) deciding: Deciding,
    pub(super) has_entries: bool,
}

/// As whom somebody gets in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// The section of the row.
    pub section: Section,
    /// The line in the section; accounts have none.
    pub line: Option<usize>,
    /// The username.
    pub username: Name,
    /// The groups, without those that kube-apiserver adds.
    pub groups: Vec<Name>,
}

impl Way {
    /// The user, by what is known of it.
    pub(super) fn requester(&self) -> Requester {
        let groups = self.groups.iter().filter_map(Name::known);
        Requester::authenticated(self.username.known().unwrap_or_default(), groups)
    }

    /// Whether everything of it is known.
    pub(super) fn is_known(&self) -> bool {
        self.open().next().is_none()
    }

    /// The names that only a login tells.
    pub(super) fn open(&self) -> impl Iterator<Item = &Name> {
        core::iter::once(&self.username).chain(&self.groups).filter(|name| name.known().is_none())
    }

    /// By which of its names that only a login tells it may be this subject.
    pub(super) fn could_be(&self, subject: &Subject) -> Option<&Name> {
        let open = |name: &&Name| name.known().is_none();
        match subject {
            Subject::Group(group) => self.groups.iter().filter(open).find(|name| name.could_be(group)),
            Subject::User(_) | Subject::ServiceAccount { .. } => {
                let username = subject.username()?;
                Some(&self.username).filter(open).filter(|name| name.could_be(&username))
            }
        }
    }
}

impl<'a> Scene<'a> {
    /// Puts together what was read. Instead of mappings there may be the reason why
    /// they were not read; `has_entries` says that EKS has access entries too, of which
    /// nothing was read.
    pub fn new(
        mappings: Result<&'a Mappings, &'a str>,
        deciding: Deciding,
        has_entries: bool,
        policy: &'a Policy,
    ) -> Self {
        let judge = Judge::new(mappings.unwrap_or(&NOTHING));
        Self { policy, mappings, judge, deciding, has_entries }
    }

    /// As whom somebody gets in, under each authenticator that may decide; one answer
    /// where they agree.
    pub(super) fn ways(&self, who: Who<'_>, arn: Option<&Arn>) -> Vec<Option<Way>> {
        let one = |authenticator| {
            let grant = self.judge.grant(Deciding::Known(authenticator), who)?;
            Some(way(&grant, authenticator, who, arn))
        };
        match self.deciding {
            Deciding::Known(authenticator) => [one(authenticator)].into(),
            Deciding::NotConsulted => [None].into(),
            Deciding::Unknown => {
                // EKS gives what the Go program gives.
                let mut ways = Vec::from([Authenticator::KubeIam, Authenticator::AwsIamAuthenticator].map(one));
                ways.dedup();
                ways
            }
        }
    }

    /// Why nobody, or somebody, may get in by what was not read. With nobody named, it
    /// is about any principal.
    pub(super) fn doubts(&self, who: Option<Who<'_>>) -> Vec<Doubt<'a>> {
        let mut doubts = Vec::new();
        match (self.deciding, self.mappings) {
            (Deciding::NotConsulted, _) => return [Doubt::NotConsulted].into(),
            (_, Err(why)) => doubts.push(Doubt::AwsAuth(why)),
            (_, Ok(mappings)) => {
                let sections = Section::ALL.into_iter().filter_map(|section| mappings.section(section).as_ref().err());
                doubts.extend(sections.map(Doubt::Section));
                doubts.extend(who.into_iter().flat_map(|who| self.doubts_about_rows(mappings, who)));
            }
        }
        if self.has_entries {
            doubts.push(Doubt::AccessEntries);
        }
        doubts
    }

    fn doubts_about_rows(&self, mappings: &'a Mappings, who: Who<'_>) -> Vec<Doubt<'a>> {
        let mut doubts = Vec::new();
        for (section, rows) in mappings.readable() {
            let about = |principal: &Principal| Who::of_principal(principal) == who;
            let half = rows.problems.iter().filter(|problem| problem.principal.as_ref().is_some_and(about));
            doubts.extend(half.map(|problem| Doubt::HalfRow { section, line: problem.mark.line }));
        }
        let mut rows = self.judge.rows(who).filter(|row| Judge::is_alive(row, self.deciding));
        let first = rows.next();
        let is_user = |section| section != Section::MapRoles;
        if let (Some(first), false) = (first, self.deciding == Deciding::Known(Authenticator::KubeIam)) {
            let rest: Vec<_> = rows.collect();
            if is_user(first.section)
                && rest.iter().all(|row| is_user(row.section))
                && rest.iter().any(|row| row.principal != first.principal)
            {
                doubts.push(Doubt::Spellings);
            }
        }
        if self.judge.is_overlaid(who) {
            doubts.push(Doubt::Overlaid);
        }
        doubts
    }
}

/// What a row makes of somebody under one authenticator.
fn way(grant: &Grant<'_>, authenticator: Authenticator, who: Who<'_>, arn: Option<&Arn>) -> Way {
    let value = |placeholder| value(placeholder, who, arn);
    // Without a username kube-iam gives the ARN, others an empty one; for accounts all
    // give the ARN.
    let by_arn = grant.section == Section::MapAccounts || authenticator == Authenticator::KubeIam;
    let username = match (grant.username, by_arn, who) {
        (Some(pattern), ..) => Name::of_pattern(pattern, value),
        (None, false, _) => Name::Known(String::new()),
        (None, true, Who::Holders(set)) => Name::ArnOf(set.clone()),
        (None, true, who) => Name::Known(arn.map_or_else(|| principal(who), |arn| canonical(arn).into_owned())),
    };
    let groups = grant.groups.iter().map(|pattern| Name::of_pattern(pattern, value)).collect();
    Way { section: grant.section, line: grant.mark.map(|mark| mark.line), username, groups }
}

/// What is known of a placeholder before the login.
fn value(placeholder: Placeholder, who: Who<'_>, arn: Option<&Arn>) -> Option<String> {
    let session = match (arn, who) {
        (Some(arn), _) if arn.kind() == PrincipalKind::AssumedRole => arn.as_str().rsplit('/').next(),
        // Only sessions of roles have names.
        (_, Who::Other { .. }) => Some(""),
        (_, Who::Role { .. } | Who::Holders(_)) => None,
    };
    match placeholder {
        Placeholder::AccountId => Some(who.account().to_string()),
        Placeholder::SessionName => session.map(|name| name.replace('@', "-")),
        Placeholder::SessionNameRaw => session.map(String::from),
        Placeholder::AccessKeyId | Placeholder::Ec2PrivateDnsName => None,
    }
}

/// One text for somebody: an ARN, or `sso/PARTITION/ACCOUNT/NAME`.
pub(super) fn principal(who: Who<'_>) -> String {
    match who {
        Who::Role { partition, account, name } => format!("arn:{partition}:iam::{account}:role/{name}"),
        Who::Other { text, .. } => text.into(),
        Who::Holders(set) => format!("sso/{}/{}/{}", set.partition, set.account, set.name),
    }
}
