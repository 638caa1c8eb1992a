//! Whom rows and accounts are about.

use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::row::{Row, Source};
use super::{Context, Remark, Remarks, nearest, rules, shown};
use crate::arn::{Arn, ArnError, PrincipalKind};
use crate::authenticator::{Authenticator, Deciding};
use crate::aws_auth::{Principal, RowError, Section, SsoPermissionSet};
use crate::finding::Severity;
use crate::ids::AccountId;
use crate::partition::Partition;
use crate::yaml::{Mark, Node, ScalarKind, Value};

pub(super) fn lint(row: &Row<'_>, context: &Context, remarks: &mut Remarks) {
    if let Some(remark) = unread(row) {
        remarks.push(remark);
        return;
    }
    match row.principal() {
        Some(Principal::Arn(arn)) => {
            of_section(row, arn, remarks);
            form(row, arn, context, remarks);
            if let Some(remark) = odd_letters(arn.as_str(), row.section(), row.principal_mark()) {
                remarks.push(remark.severity(Severity::Block));
            }
        }
        Some(Principal::Sso(set)) => sso(row, set, context, remarks),
        None => {}
    }
}

/// A principal that can't be read.
fn unread(row: &Row<'_>) -> Option<Remark> {
    let problem = row.problem.as_ref().filter(|problem| problem.principal.is_none())?;
    let error = &problem.error;
    let (mark, message) = (problem.mark, error.to_string());
    let rule = match error {
        RowError::NoPrincipal(_) => {
            let elsewhere = if row.section() == Section::MapUsers { ["rolearn", "sso"] } else { ["userarn"; 2] };
            // Said already, by the key.
            if elsewhere.iter().any(|key| row.find(key).is_some()) {
                return None;
            }
            &rules::PRINCIPAL_MISSING
        }
        RowError::TwoPrincipals => &rules::TWO_PRINCIPALS,
        RowError::SsoKey(_) | RowError::SsoValue(_) => &rules::SSO_INVALID,
        RowError::Arn { error, .. } => return Some(bad_arn(row, mark, error)),
        RowError::Type { key, .. } => {
            let node = row.find(key);
            let rule = node.filter(|node| row.source.written(node).starts_with("{{"));
            if rule.is_some() { &rules::PLACEHOLDER_PLACE } else { &rules::WRONG_TYPE }
        }
        // Said by the rule on aliases, or by those on the kind of row.
        RowError::NotAMap(_) | RowError::Account | RowError::TooManyGroups | RowError::TooMuchText => return None,
    };
    Some(Remark::at(rule, row.section(), mark, message).severity(Severity::Block))
}

/// The usual mistakes first, then what the reader of ARNs says.
fn bad_arn(row: &Row<'_>, mark: Mark, error: &ArnError) -> Remark {
    let section = row.section();
    let text = row.find(row.principal_key()).and_then(Node::as_text).unwrap_or_default();
    let text_shown = shown(text);
    let block = |rule, message: String| Remark::at(rule, section, mark, message).severity(Severity::Block);
    if let Some(remark) = odd_letters(text, section, mark) {
        return remark.severity(Severity::Block);
    }
    let is_sts = text.split(':').nth(2) == Some("sts") || text.contains(":assumed-role");
    match error {
        ArnError::InstanceProfile => {
            block(&rules::INSTANCE_PROFILE, format!("`{text_shown}` is an instance profile, which is no principal"))
                .hint("write the ARN of the role inside it".to_string())
        }
        ArnError::Account(account) if account.is_empty() => {
            block(&rules::ARN_ACCOUNT, format!("`{text_shown}` has no account"))
        }
        ArnError::Account(account) => {
            block(&rules::ARN_ACCOUNT, format!("`{}` is not a twelve-digit account ID", shown(account)))
        }
        ArnError::Resource(_) | ArnError::Name if is_sts => {
            block(&rules::STS_ARN, format!("no caller has the ARN `{text_shown}`"))
                .hint("write `arn:aws:iam::ACCOUNT:role/NAME`".to_string())
        }
        ArnError::Partition(written) => {
            let known = nearest(written, Partition::ALL.map(Partition::as_str));
            block(&rules::ARN_INVALID, format!("`{}` is not an AWS partition", shown(written)))
                .hint(known.map(|name| format!("did you mean `{name}`?")))
        }
        ArnError::Character if text.trim() != text => {
            block(&rules::ARN_INVALID, format!("a blank stands at an end of `{text_shown}`"))
        }
        _ => block(
            &rules::ARN_INVALID,
            format!("`{text_shown}` is not the ARN of a principal: {}", shown(&error.to_string())),
        ),
    }
}

/// Letters in a name or ARN that were to be something else.
pub(super) fn odd_letters(text: &str, section: Section, mark: Mark) -> Option<Remark> {
    // Nearly every text ends here, and a document has thousands.
    if !text.bytes().any(|byte| b"*?<>'\"`{".contains(&byte)) {
        return None;
    }
    let text_shown = shown(text);
    let at = |rule, message| Some(Remark::at(rule, section, mark, message));
    let is_arn = text.contains("arn:");
    if is_arn && text.contains("{{") {
        return at(&rules::PLACEHOLDER_PLACE, format!("placeholders have no value in an ARN: `{text_shown}`"));
    }
    if text.contains('*') || (is_arn && text.contains('?')) {
        return at(&rules::WILDCARD, format!("`{text_shown}` holds a wildcard, which stands only for itself"));
    }
    if text.contains('<') || text.contains('>') {
        return at(&rules::ANGLE_BRACKETS, format!("`{text_shown}` still holds angle brackets"));
    }
    if text.starts_with(['\'', '"', '`']) || text.ends_with(['\'', '"', '`']) {
        return at(&rules::EXTRA_QUOTES, format!("the quotes are part of `{text_shown}`"));
    }
    None
}

fn of_section(row: &Row<'_>, arn: &Arn, remarks: &mut Remarks) {
    let (what, home) = match (row.section(), arn.kind()) {
        (Section::MapRoles, PrincipalKind::User) => ("a user", Section::MapUsers),
        (Section::MapUsers, PrincipalKind::Role | PrincipalKind::AssumedRole) => ("a role", Section::MapRoles),
        _ => return,
    };
    let message = format!("`{}` is {what}, in `{}`", shown(arn.as_str()), row.section());
    let remark = Remark::at(&rules::ARN_OTHER_SECTION, row.section(), row.principal_mark(), message);
    remarks.push(remark.hint(format!("move the row to `{home}`")));
}

/// Forms that name the right principal but don't match everywhere.
fn form(row: &Row<'_>, arn: &Arn, context: &Context, remarks: &mut Remarks) {
    let mark = row.principal_mark();
    let canonical = arn.without_role_path();
    let section = row.section();
    let has_region = arn.kind() != PrincipalKind::AssumedRole && arn.as_str().split(':').nth(3) != Some("");
    if has_region {
        let message = format!("`{}` names a region, which no caller's ARN does", shown(arn.as_str()));
        remarks.push(Remark::at(&rules::ARN_INVALID, section, mark, message));
        return;
    }
    let rule = match arn.kind() {
        PrincipalKind::AssumedRole => Some(&rules::ASSUMED_ROLE),
        _ if !arn.has_role_path() => None,
        _ if arn.as_str().contains(":role/aws-reserved/sso.amazonaws.com/") => Some(&rules::SSO_PATH),
        _ => Some(&rules::ROLE_PATH),
    };
    if let Some(rule) = rule {
        let what = if arn.kind() == PrincipalKind::AssumedRole { "a session" } else { "a role with its path" };
        let arn_shown = shown(arn.as_str());
        let (severity, effect) = match context.deciding {
            Deciding::Known(Authenticator::KubeIam) => (Severity::Note, "only kube-iam matches it"),
            Deciding::Known(_) => (Severity::Warn, "the row matches nobody"),
            Deciding::Unknown | Deciding::NotConsulted => {
                (Severity::Warn, "under the Go authenticator and EKS the row matches nobody")
            }
        };
        let fix = row.find(row.principal_key()).and_then(|node| row.respell(node, canonical.as_str(), true));
        let message = format!("`{arn_shown}` is {what}: {effect}");
        let remark = Remark::at(rule, section, mark, message).severity(severity).fix(fix);
        remarks.push(remark.hint(format!("write `{}`", shown(canonical.as_str()))));
    }
    if let Some(set) = SsoPermissionSet::of_role(arn) {
        let message = format!("the suffix of `{}` changes when its permission set is provisioned anew", set.name);
        let hint = (context.deciding == Deciding::Known(Authenticator::KubeIam)).then(|| {
            format!("write `sso: {{permissionSetName: {}, accountID: \"{}\"}}` in its place", set.name, set.account)
        });
        remarks.push(Remark::at(&rules::SSO_SUFFIX, section, mark, message).hint(hint));
    }
}

fn sso(row: &Row<'_>, set: &SsoPermissionSet, context: &Context, remarks: &mut Remarks) {
    let section = row.section();
    let Some(node) = row.find("sso") else { return };
    let keys = node.entries().unwrap_or_default();
    let account = keys.iter().rev().find(|entry| entry.key.eq_ignore_ascii_case("accountID"));
    if let Some(number) = account.map(|entry| entry.value).filter(|value| is_number(value)) {
        let message = format!("account {} is not in quotes", set.account);
        let remark = Remark::at(&rules::ACCOUNT_UNQUOTED, section, number.mark, message);
        remarks.push(remark.fix(row.quote(number, true)));
    }
    let has_partition = keys.iter().any(|entry| entry.key.eq_ignore_ascii_case("partition"));
    let effect = match context.deciding {
        Deciding::Known(Authenticator::KubeIam) => return,
        Deciding::Known(Authenticator::Eks) => "EKS does not match `sso` rows",
        Deciding::Known(Authenticator::AwsIamAuthenticator) if has_partition => {
            "the Go authenticator never matches an `sso` row with `partition`"
        }
        Deciding::Known(Authenticator::AwsIamAuthenticator) => {
            "the Go authenticator needs the feature gate `SSORoleMatch` for it"
        }
        Deciding::Unknown | Deciding::NotConsulted => {
            "EKS does not match `sso` rows, the Go authenticator only with a feature gate"
        }
    };
    let message = format!("permission set `{}`: {effect}", set.name);
    remarks.push(Remark::at(&rules::SSO_ROW, section, node.mark, message));
}

fn is_number(node: &Node) -> bool {
    matches!(node.value, Value::Scalar { kind: ScalarKind::Number, .. })
}

/// An account that is let in whole, and where that is written.
pub(super) type Account = (AccountId, Mark);

pub(super) fn lint_accounts(source: Source<'_>, items: &[Rc<Node>], remarks: &mut Remarks) -> Vec<Account> {
    let mut accounts = Vec::new();
    let mut seen = hashbrown::HashSet::with_hasher(foldhash::fast::FixedState::default());
    for (index, item) in items.iter().enumerate() {
        let written = item.as_written().unwrap_or_default();
        let Ok(account) = written.parse::<AccountId>() else {
            let message = match &item.value {
                Value::Scalar { .. } => format!("`{}` is not a twelve-digit account ID", shown(written)),
                Value::Sequence(_) | Value::Mapping(_) => {
                    format!("an account must be a text, this is {}", item.describe())
                }
            };
            let lost_zero = written.len() == 11 && written.bytes().all(|byte| byte.is_ascii_digit());
            let hint = lost_zero.then(|| String::from("was a leading zero lost?"));
            remarks.push(Remark::at(&rules::ACCOUNT_INVALID, source.section, item.mark, message).hint(hint));
            continue;
        };
        if is_number(item) {
            let fix = if Rc::strong_count(item) > 1 { None } else { source.quote(item, false) };
            let message = format!("account {account} is not in quotes");
            remarks.push(Remark::at(&rules::ACCOUNT_UNQUOTED, source.section, item.mark, message).fix(fix));
        }
        if !seen.insert(account) {
            let fix = Row::read(source, item, items.get(index + 1)).removal();
            let message = format!("account {account} is listed twice");
            remarks.push(Remark::at(&rules::ACCOUNT_REPEATED, source.section, item.mark, message).fix(fix));
        }
        accounts.push((account, item.mark));
    }
    accounts
}
