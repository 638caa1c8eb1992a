//! Mappings that count beside those of aws-auth, and are written elsewhere.

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use hashbrown::HashSet;

use super::{Listed, ShadowedBy, Source, Status, Subject};
use crate::arn::Arn;
use crate::aws_auth::{MappingRow, Principal, Rows};
use crate::change::{PrincipalKey, canonical};

/// Puts the break-glass file before the mappings of aws-auth. kube-iam reads it
/// first, so it counts in place of whatever aws-auth says of the same principals.
pub fn break_glass(listed: &mut Vec<Listed>, sections: &[Rows]) {
    let rows: Vec<_> = sections.iter().flat_map(|rows| &rows.mappings).map(of_row).collect();
    let keys: HashSet<_, foldhash::fast::FixedState> = rows.iter().filter_map(|row| row.key.clone()).collect();
    for row in listed.iter_mut().filter(|row| row.status == Status::Active) {
        if row.key.as_ref().is_some_and(|key| keys.contains(key)) {
            (row.status, row.shadowed_by) = (Status::Shadowed, Some(ShadowedBy::BreakGlass));
        }
    }
    listed.splice(0..0, rows);
}

fn of_row(row: &MappingRow) -> Listed {
    let (subject, canonical) = match &row.principal {
        Principal::Arn(arn) => (Subject::Arn(arn.to_string()), Some(canonical(arn).into_owned())),
        Principal::Sso(set) => (Subject::Sso(set.into()), None),
    };
    Listed {
        subject,
        canonical,
        username: row.username.clone(),
        groups: row.groups.clone(),
        source: Source::BreakGlass,
        section: Some(row.section),
        line: Some(row.mark.line),
        owners: Vec::new(),
        status: Status::Active,
        shadowed_by: None,
        problem: None,
        key: Some(PrincipalKey::of(&row.principal)),
    }
}

/// Puts the creator of an EKS cluster before all: it is an administrator
/// without any row, unless a row says something else of it.
pub fn cluster_creator(listed: &mut Vec<Listed>, creator: &Arn) {
    let key = PrincipalKey::of(&Principal::Arn(creator.clone()));
    let row = listed.iter().find(|row| row.status == Status::Active && row.key.as_ref() == Some(&key));
    let shadowed_by = row.and_then(|row| match (row.source, row.section, row.line) {
        (Source::AwsAuth, Some(section), Some(line)) => Some(ShadowedBy::Row { section, line }),
        _ => None,
    });
    let creator = Listed {
        subject: Subject::Arn(creator.to_string()),
        canonical: Some(canonical(creator).into_owned()),
        username: None,
        groups: Vec::from([String::from("system:masters")]),
        source: Source::ClusterCreator,
        section: None,
        line: None,
        owners: Vec::new(),
        status: if shadowed_by.is_some() { Status::Shadowed } else { Status::Active },
        shadowed_by,
        problem: None,
        key: Some(key),
    };
    listed.insert(0, creator);
}
