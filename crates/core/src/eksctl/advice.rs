//! What eksctl does not say: advice on mappings that will not do what their
//! author hopes, for stderr.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::create::create;
use super::delete::Target;
use super::mapping::{Kind, Mapping};
use super::stored;
use crate::aws_auth::{Data, Section};
use crate::ids::AccountId;

/// Warnings about mappings to create.
pub fn on_create(data: &Data, mappings: &[Mapping]) -> Vec<String> {
    let mut warnings = Vec::new();
    for mapping in mappings {
        match mapping.kind() {
            Kind::Principal => about_principal(data, mapping, &mut warnings),
            Kind::Account if mapping.account.parse::<AccountId>().is_err() => warnings.push(format!(
                "account `{}` is no account ID of twelve digits; it will not match anybody",
                mapping.account
            )),
            Kind::Account | Kind::Service => {}
        }
    }
    warnings
}

fn about_principal(data: &Data, mapping: &Mapping, warnings: &mut Vec<String>) {
    let arn = &mapping.arn;
    if let Some(path_less) = without_path(arn) {
        warnings
            .push(format!("`{arn}` has a path, which aws-iam-authenticator and EKS never match; write `{path_less}`"));
    }
    let account = arn.split(':').nth(4).unwrap_or_default();
    if account.parse::<AccountId>().is_err() {
        warnings.push(format!("`{arn}` names no account of twelve digits; it will not match anybody"));
    }
    if mapping.groups.iter().any(|group| group == "system:masters") {
        warnings.push(format!("`{arn}` gets every right there is: no RBAC rule binds `system:masters`"));
    }
    warnings.extend(about_duplicates(data, mapping));
}

/// Names both rows and says which one counts.
fn about_duplicates(data: &Data, mapping: &Mapping) -> Option<String> {
    let is_added = !create(data, core::slice::from_ref(mapping), None, &[]).operations.is_empty();
    let identities = stored::identities(data).ok().filter(|_| is_added)?;
    let twins: Vec<_> = identities.iter().filter(|identity| identity.arn == mapping.arn).collect();
    let last = twins.last()?;
    let section = mapping.section().ok()?;
    let new = row_name(section, stored::count(&identities, section));
    let olds: Vec<_> = twins.iter().map(|twin| row_name(twin.section, twin.index)).collect();
    Some(match last.section == section {
        true => {
            format!("{} will be without effect: of rows with the same ARN the last one counts, {new}", olds.join(", "))
        }
        false => format!("{} names the same ARN as {new} in the wrong section", olds.join(", ")),
    })
}

/// The ARN of a role without its path, if it has one.
fn without_path(arn: &str) -> Option<String> {
    let (head, path) = arn.split_once(":role/")?;
    let (_, name) = path.rsplit_once('/')?;
    Some(format!("{head}:role/{name}"))
}

/// Warnings about a deletion: what it leaves in force.
pub fn on_delete(data: &Data, target: Target<'_>) -> Vec<String> {
    let advice = match target {
        Target::Arn { arn, all: false } => shadowed(data, arn),
        Target::Arn { .. } => None,
        Target::Account(account) => {
            let rows = stored::accounts(data, true).unwrap_or_default();
            let is_twice = rows.iter().filter(|row| *row == account).count() > 1;
            is_twice.then(|| format!("account `{account}` stands in `mapAccounts` more than once; it is still let in"))
        }
    };
    advice.into_iter().collect()
}

/// Without `--all` the first row goes, and of several the last one counts.
fn shadowed(data: &Data, arn: &str) -> Option<String> {
    let identities = stored::identities(data).ok()?;
    let first = identities.iter().find(|identity| identity.arn == arn)?;
    let section = first.section;
    let last = identities.iter().rfind(|identity| identity.section == section && identity.arn == arn)?;
    (first.index != last.index).then(|| {
        format!(
            "{} was without effect; {} still lets `{arn}` in",
            row_name(section, first.index),
            row_name(section, last.index)
        )
    })
}

fn row_name(section: Section, index: usize) -> String {
    format!("row {} of `{section}`", index + 1)
}
