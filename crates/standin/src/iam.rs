//! IAM: `GetRole` and `GetInstanceProfile`, in the query shapes of its API (version 2010-05-08).

use hyper::StatusCode;

use crate::arns;
use crate::refusal::Refusal;
use crate::render::{Format, Value};
use crate::reply::Reply;
use crate::settings::Role;
use crate::sigv4;
use crate::standin::Shared;
use crate::sts::{Asked, Members};

pub(crate) const VERSION: &str = "2010-05-08";

pub(crate) const NAMESPACE: &str = "https://iam.amazonaws.com/doc/2010-05-08/";

const CREATED: &str = "2026-01-01T00:00:00Z";

/// An instance profile as `GetInstanceProfile` tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceProfile {
    /// `arn:PARTITION:iam::ACCOUNT:instance-profile/PATH/NAME`; the path is optional.
    pub arn: String,
    /// The ARN of the role in it, with the role's path.
    pub role_arn: Option<String>,
}

impl InstanceProfile {
    /// An instance profile that holds a role.
    pub fn new(arn: impl Into<String>, role_arn: impl Into<String>) -> Self {
        Self { arn: arn.into(), role_arn: Some(role_arn.into()) }
    }
}

/// Answers a request; with the error code if it is refused.
pub(crate) fn answer(shared: &Shared, asked: &Asked<'_>, request_id: &str) -> (Reply, Option<&'static str>) {
    match result(shared, asked) {
        Ok((action, members)) => (Format::Xml.success(NAMESPACE, action, &members, request_id), None),
        Err(refusal) => (Format::Xml.refusal(NAMESPACE, &refusal, request_id), Some(refusal.code)),
    }
}

fn result(shared: &Shared, asked: &Asked<'_>) -> Result<(&'static str, Members), Refusal> {
    let caller = asked.caller(sigv4::IAM, shared.clock.now(), &shared.keys)?;
    let action = asked.check_action(&["GetRole", "GetInstanceProfile"], VERSION)?;
    let parameter = if action == "GetRole" { "RoleName" } else { "InstanceProfileName" };
    let name = asked.form.first(parameter).filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| Refusal::validation(format!("Value at '{parameter}' must not be null")))?;
    let kind = if action == "GetRole" { "role" } else { "instance profile" };
    shared.world.check(&caller, &format!("iam:{action}"), &format!(" on resource: {kind} {name}"))?;
    let account = caller.principal.account.as_str();
    let is = |arn: &str| arns::account(arn) == Some(account) && arn.rsplit('/').next() == Some(name);
    let missing = |what: String| Refusal::new(StatusCode::NOT_FOUND, "NoSuchEntity", what);
    if action == "GetRole" {
        let role = shared.roles.iter().find(|role| is(&role.arn));
        let role = role.ok_or_else(|| missing(format!("The role with name {name} cannot be found.")))?;
        return Ok((action, vec![("Role", written(&role.arn, Some(role)))]));
    }
    let profile = shared.world.profiles.find(|profile| is(&profile.arn));
    let profile = profile.ok_or_else(|| missing(format!("Instance Profile {name} cannot be found.")))?;
    let roles = profile.role_arn.iter().map(|arn| written(arn, shared.role(arn))).collect();
    let (path, name) = path_and_name(&profile.arn, "instance-profile");
    let members = vec![
        ("Path", Value::text(path)),
        ("InstanceProfileName", Value::text(name)),
        ("InstanceProfileId", Value::text("AIPAIOSFODNN7EXAMPLE")),
        ("Arn", Value::text(&profile.arn)),
        ("CreateDate", Value::text(CREATED)),
        ("Roles", Value::List("member", roles)),
    ];
    Ok((action, vec![("InstanceProfile", Value::Group(members))]))
}

fn written(arn: &str, role: Option<&Role>) -> Value {
    // IAM writes policies percent-encoded.
    const POLICY: &str = "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%5D%7D";
    let (path, name) = path_and_name(arn, "role");
    Value::Group(vec![
        ("Path", Value::text(path)),
        ("RoleName", Value::text(name)),
        ("RoleId", Value::text(role.map_or("AROAIOSFODNN7EXAMPLE", |role| role.role_id.as_str()))),
        ("Arn", Value::text(arn)),
        ("CreateDate", Value::text(CREATED)),
        ("AssumeRolePolicyDocument", Value::text(POLICY)),
        ("MaxSessionDuration", Value::text(role.map_or(3600, |role| role.max_session_seconds).to_string())),
    ])
}

/// `/PATH/` and the name behind it, of the ARN of a thing of this kind.
fn path_and_name<'a>(arn: &'a str, kind: &str) -> (&'a str, &'a str) {
    let resource = arn.splitn(6, ':').nth(5).unwrap_or_default();
    let path = resource.strip_prefix(kind).unwrap_or_default();
    path.rfind('/').and_then(|last| path.split_at_checked(last + 1)).unwrap_or((path, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_slashes_around() {
        assert_eq!(path_and_name("arn:aws:iam::111122223333:role/n", "role"), ("/", "n"));
        let arn = "arn:aws:iam::111122223333:instance-profile/a/b/n";
        assert_eq!(path_and_name(arn, "instance-profile"), ("/a/b/", "n"));
    }
}
