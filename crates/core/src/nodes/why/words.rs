//! Findings and commands.
//!
//! Whoever wrote a row or named a node must not write a command that somebody
//! else runs: what does not look like a name is left out of them.

use alloc::format;
use alloc::string::{String, ToString as _};

use crate::arn::Arn;
use crate::change::Whom;
use crate::finding::{Finding, Severity};
use crate::ids::InstanceId;

pub(super) fn block(rule: &'static str, message: String, fix: String) -> Finding {
    finding(rule, Severity::Block, message, fix)
}

pub(super) fn warn(rule: &'static str, message: String, fix: String) -> Finding {
    finding(rule, Severity::Warn, message, fix)
}

pub(super) fn note(rule: &'static str, message: String, fix: String) -> Finding {
    finding(rule, Severity::Note, message, fix)
}

fn finding(rule: &'static str, severity: Severity, message: String, fix: String) -> Finding {
    Finding { rule, severity, section: None, mark: None, message, hint: Some(fix) }
}

/// A role in a command.
pub(super) fn role_word(role: Option<&Arn>) -> String {
    let role = role.map(|role| role.without_role_path().to_string());
    role.filter(|text| Whom::of_arn(text).is_ok()).unwrap_or_else(|| String::from("ARN"))
}

/// The name of a node in a command.
fn node_word(name: &str) -> &str {
    let is_name = |char: char| char.is_ascii_alphanumeric() || "-.".contains(char);
    if !name.is_empty() && !name.starts_with('-') && name.chars().all(is_name) { name } else { "NODE" }
}

pub(super) fn apply(role: Option<&Arn>) -> String {
    let command = format!("`kube-iam nodes apply --role-arn {}`", role_word(role));
    match role {
        Some(_) => command,
        None => format!("{command}, with the role of the nodes"),
    }
}

pub(super) fn set_username(role: Option<&Arn>, username: &str) -> String {
    format!("`kube-iam set mapping --arn {} --username '{username}'`", role_word(role))
}

pub(super) fn delete_and_apply(role: &Arn) -> String {
    format!("`kube-iam delete mapping --arn {}`, then {}", role_word(Some(role)), apply(Some(role)))
}

pub(super) fn access_entry(role: Option<&Arn>) -> String {
    format!("`aws eks create-access-entry --cluster-name CLUSTER --type EC2_LINUX --principal-arn {}`", role_word(role))
}

pub(super) fn describe_instance(id: &InstanceId) -> String {
    format!(
        "`aws ec2 describe-instances --instance-ids {id} --query 'Reservations[].Instances[].[State.Name,PrivateDnsName,IamInstanceProfile.Arn]'`"
    )
}

pub(super) fn describe_node(name: &str) -> String {
    format!("`kubectl describe node {}`", node_word(name))
}

/// Where the kubelet of a machine says what it does.
pub(super) fn kubelet_log(id: Option<&InstanceId>) -> String {
    match id {
        Some(id) => format!("`aws ssm start-session --target {id}`, and there `journalctl -u kubelet`"),
        None => String::from("`journalctl -u kubelet` on the machine"),
    }
}
