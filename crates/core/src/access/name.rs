//! Usernames and groups as far as they are known before a login.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString as _};

use crate::arn::Arn;
use crate::aws_auth::SsoPermissionSet;
use crate::ids::AccountId;
use crate::template::{Placeholder, Template};

/// A username or group that a principal gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Name {
    /// This one.
    Known(String),
    /// One of this form; what is between braces only the login tells.
    Pattern(Template),
    /// The ARN of whoever of this account logs in.
    ArnIn(AccountId),
    /// The ARN of the role that was provisioned for this permission set.
    ArnOf(SsoPermissionSet),
}

impl Name {
    /// A pattern with the values that are known in their places.
    pub(super) fn of_pattern(pattern: &str, value: impl Fn(Placeholder) -> Option<String>) -> Self {
        if !pattern.contains("{{") {
            return Self::Known(pattern.into());
        }
        let filled = Template::parse(pattern).filled(value);
        if filled.is_literal() { Self::Known(filled.to_string()) } else { Self::Pattern(filled) }
    }

    /// The name, if it is known.
    pub fn known(&self) -> Option<&str> {
        match self {
            Self::Known(name) => Some(name),
            Self::Pattern(_) | Self::ArnIn(_) | Self::ArnOf(_) => None,
        }
    }

    /// Whether it may be this one.
    pub fn could_be(&self, text: &str) -> bool {
        let arn = || text.parse::<Arn>().ok();
        match self {
            Self::Known(name) => name == text,
            Self::Pattern(pattern) => pattern.could_give(text),
            Self::ArnIn(account) => arn().is_some_and(|arn| arn.account() == *account),
            Self::ArnOf(set) => arn().is_some_and(|arn| {
                let held = |name| SsoPermissionSet::of_role_name(arn.partition(), arn.account(), name);
                arn.role_name().and_then(held).as_ref() == Some(set)
            }),
        }
    }

    /// The name, or its form. It may hold any character.
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Known(name) => Cow::Borrowed(name),
            Self::Pattern(pattern) => Cow::Owned(pattern.to_string()),
            Self::ArnIn(account) => Cow::Owned(format!("the ARN of whoever logs in of account {account}")),
            Self::ArnOf(set) => Cow::Owned(format!("the ARN of the role of permission set {}", set.name)),
        }
    }
}
