//! Patterns in usernames and groups.
//!
//! A pattern is taken apart once, when its mapping is read. Values are put in
//! once: a value that itself looks like a placeholder stays as it is.

use alloc::borrow::ToOwned as _;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::identity::Identity;
use crate::ids::InstanceId;
use crate::node_instance::PrivateDnsName;

/// A value that a pattern can ask for, spelt as in the Go authenticator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placeholder {
    /// The private DNS name of the EC2 instance whose ID is the session name.
    Ec2PrivateDnsName,
    /// The account of the caller.
    AccountId,
    /// The session name, every `@` turned into `-`.
    SessionName,
    /// The session name as it is.
    SessionNameRaw,
    /// The access key the caller signed with.
    AccessKeyId,
}

impl Placeholder {
    pub(crate) const ALL: [(Self, &'static str); 5] = [
        (Self::Ec2PrivateDnsName, "{{EC2PrivateDNSName}}"),
        (Self::AccountId, "{{AccountID}}"),
        (Self::SessionName, "{{SessionName}}"),
        (Self::SessionNameRaw, "{{SessionNameRaw}}"),
        (Self::AccessKeyId, "{{AccessKeyID}}"),
    ];
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Literal(String),
    Value(Placeholder),
}

/// A parsed pattern. Every text is one: what is no placeholder is literal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

/// Why a pattern has no value for a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// `{{EC2PrivateDNSName}}` needs an instance ID as session name.
    #[error("the session name is not an EC2 instance ID, which `{{{{EC2PrivateDNSName}}}}` needs")]
    NotAnInstance,
    /// Nobody looked the name up.
    #[error("`{{{{EC2PrivateDNSName}}}}` needs a look-up in EC2, which was not made")]
    NoPrivateDns,
}

/// What STS does not tell of a caller, and was looked up.
#[derive(Debug, Clone, Copy, Default)]
pub struct Values<'a> {
    /// For [`Placeholder::Ec2PrivateDnsName`].
    pub private_dns_name: Option<&'a PrivateDnsName>,
}

impl Template {
    /// Takes a pattern apart.
    pub fn parse(text: &str) -> Self {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((literal, placeholder, after)) = next_placeholder(rest) {
            if !literal.is_empty() {
                pieces.push(Piece::Literal(literal.to_owned()));
            }
            pieces.push(Piece::Value(placeholder));
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Literal(rest.to_owned()));
        }
        Self(pieces)
    }

    /// Whether the pattern asks for a value.
    pub fn needs(&self, placeholder: Placeholder) -> bool {
        self.0.iter().any(|piece| matches!(piece, Piece::Value(value) if *value == placeholder))
    }

    /// Whether the pattern asks for nothing: it then gives its own text.
    pub fn is_literal(&self) -> bool {
        self.0.iter().all(|piece| matches!(piece, Piece::Literal(_)))
    }

    /// The pattern with the values that are known in their places; the others stay open.
    pub(crate) fn filled(&self, value: impl Fn(Placeholder) -> Option<String>) -> Self {
        let mut pieces: Vec<Piece> = Vec::new();
        for piece in &self.0 {
            let piece = match piece {
                Piece::Value(open) => value(*open).map_or(Piece::Value(*open), Piece::Literal),
                Piece::Literal(text) => Piece::Literal(text.clone()),
            };
            match (pieces.last_mut(), piece) {
                (Some(Piece::Literal(before)), Piece::Literal(text)) => before.push_str(&text),
                (_, piece) => pieces.push(piece),
            }
        }
        Self(pieces)
    }

    /// Whether some caller could get this text: a placeholder may stand for
    /// anything.
    pub fn could_give(&self, text: &str) -> bool {
        let (mut rest, mut open) = (text, false);
        let last = self.0.len().saturating_sub(1);
        for (index, piece) in self.0.iter().enumerate() {
            let Piece::Literal(literal) = piece else {
                open = true;
                continue;
            };
            let after = match (open, index == last) {
                (false, _) => rest.strip_prefix(literal.as_str()),
                (true, true) => rest.strip_suffix(literal.as_str()).map(|_| ""),
                (true, false) => rest.split_once(literal.as_str()).map(|(_, after)| after),
            };
            let Some(after) = after else { return false };
            (rest, open) = (after, false);
        }
        open || rest.is_empty()
    }

    /// Braces in a text around what is no placeholder, with what stands between
    /// them: they stay as they are, and are hardly meant to.
    pub(crate) fn unknown_placeholder(text: &str) -> Option<&str> {
        Self::parse_borrowed(text).find_map(|literal| {
            let start = literal.find("{{")?;
            let rest = literal.get(start..)?;
            Some(rest.find("}}").and_then(|end| rest.get(..end + 2)).unwrap_or(rest))
        })
    }

    /// The literal pieces of a text.
    fn parse_borrowed(text: &str) -> impl Iterator<Item = &str> {
        let mut rest = Some(text);
        core::iter::from_fn(move || {
            let text = rest?;
            match next_placeholder(text) {
                Some((literal, _, after)) => {
                    rest = Some(after);
                    Some(literal)
                }
                None => rest.take(),
            }
        })
    }

    /// Puts a caller's values in.
    pub fn render(&self, identity: &Identity, values: &Values<'_>) -> Result<String, TemplateError> {
        let mut text = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Literal(literal) => text.push_str(literal),
                Piece::Value(Placeholder::AccountId) => text.push_str(identity.account.as_str()),
                Piece::Value(Placeholder::SessionName) => {
                    text.extend(identity.session_name.as_str().chars().map(|c| if c == '@' { '-' } else { c }));
                }
                Piece::Value(Placeholder::SessionNameRaw) => text.push_str(identity.session_name.as_str()),
                Piece::Value(Placeholder::AccessKeyId) => text.push_str(identity.access_key_id.as_str()),
                Piece::Value(Placeholder::Ec2PrivateDnsName) => {
                    let name = match (values.private_dns_name, identity.session_name.as_str().parse::<InstanceId>()) {
                        (_, Err(_)) => return Err(TemplateError::NotAnInstance),
                        (None, Ok(_)) => return Err(TemplateError::NoPrivateDns),
                        (Some(name), Ok(_)) => name,
                    };
                    text.push_str(name.as_str());
                }
            }
        }
        Ok(text)
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|piece| match piece {
            Piece::Literal(text) => f.write_str(text),
            Piece::Value(value) => {
                let name = Placeholder::ALL.into_iter().find(|(known, _)| known == value).map(|(_, name)| name);
                f.write_str(name.unwrap_or_default())
            }
        })
    }
}

/// The first placeholder of a text, with what stands before and after it.
fn next_placeholder(text: &str) -> Option<(&str, Placeholder, &str)> {
    let mut from = 0;
    while let Some(found) = text.get(from..)?.find("{{") {
        let start = from + found;
        let rest = text.get(start..)?;
        if let Some((placeholder, name)) = Placeholder::ALL.into_iter().find(|(_, name)| rest.starts_with(name)) {
            return Some((text.get(..start)?, placeholder, rest.get(name.len()..)?));
        }
        from = start + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use std::string::ToString as _;

    use super::*;
    use crate::testing::identity;

    fn render(template: &str, session: &str) -> Result<String, TemplateError> {
        render_with(template, session, None)
    }

    fn render_with(template: &str, session: &str, name: Option<&str>) -> Result<String, TemplateError> {
        let name = name.map(|name| name.parse().unwrap());
        let identity = identity("arn:aws:sts::123456789012:assumed-role/R/x", session);
        Template::parse(template).render(&identity, &Values { private_dns_name: name.as_ref() })
    }

    #[test]
    fn placeholders_take_their_values() {
        assert_eq!(render("admin:{{SessionName}}", "bob@example.com").unwrap(), "admin:bob-example.com");
        assert_eq!(render("{{SessionNameRaw}}", "bob@example.com").unwrap(), "bob@example.com");
        assert_eq!(render("{{AccountID}}/{{AccessKeyID}}", "s").unwrap(), "123456789012/ASIAIOSFODNN7EXAMPLE");
        assert_eq!(render("x{{{SessionName}}}", "s").unwrap(), "x{s}");
    }

    #[test]
    fn what_is_no_placeholder_stays_literal() {
        for text in ["{{ SessionName }}", "{{Nope}}", "{{sessionname}}", "{SessionName}", "{{", "}}{{SessionName", ""] {
            assert_eq!(render(text, "s").unwrap(), text);
        }
    }

    #[test]
    fn values_are_not_expanded_again() {
        assert_eq!(render("{{SessionName}}", "{{AccountID}}").unwrap(), "{{AccountID}}");
    }

    #[test]
    fn what_a_pattern_could_give() {
        let could = |pattern: &str, text: &str| Template::parse(pattern).could_give(text);
        for (pattern, text) in [
            ("a", "a"),
            ("", ""),
            ("{{SessionName}}", ""),
            ("admin:{{SessionName}}", "admin:bob"),
            ("{{AccountID}}:{{SessionName}}:x", "111122223333:bob:x:x"),
            ("{{SessionName}}{{AccountID}}", "bob"),
        ] {
            assert!(could(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("a", "ab"),
            ("a", ""),
            ("admin:{{SessionName}}", "dev:bob"),
            ("{{SessionName}}-x", "x"),
            ("a{{SessionName}}a", "a"),
            ("{{AccountID}}:{{SessionName}}:x", "111122223333:x"),
        ] {
            assert!(!could(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn node_names_need_an_instance_and_a_look_up() {
        let node = "system:node:{{EC2PrivateDNSName}}";
        assert_eq!(render(node, "alice"), Err(TemplateError::NotAnInstance));
        assert_eq!(render(node, "i-0123456789abcdef0"), Err(TemplateError::NoPrivateDns));
        let named = |session| render_with(node, session, Some("ip-10-0-0-1.ec2.internal"));
        assert_eq!(named("i-0123456789abcdef0").unwrap(), "system:node:ip-10-0-0-1.ec2.internal");
        assert_eq!(named("alice"), Err(TemplateError::NotAnInstance));
    }

    proptest! {
        #[test]
        fn a_pattern_prints_as_it_was_written(text in ".{0,60}") {
            prop_assert_eq!(Template::parse(&text).to_string(), text);
        }
    }
}
