//! A new row as YAML, and as the tree that this YAML must be read as.

use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::row::{NewPrincipal, NewRow, arn_key};
use crate::aws_auth::Section;
use crate::partition::Partition;
use crate::yaml::edit::{BlockStyle, Context, ItemText, scalar};
use crate::yaml::{Mark, Node, Place, ScalarKind, Value};

/// A row bound for a section and the brackets it may stand between.
pub(super) struct RowText<'a> {
    pub(super) section: Section,
    pub(super) row: &'a NewRow,
    pub(super) flow: Context,
}

/// A group bound for a list of groups.
pub(super) struct GroupText<'a> {
    pub(super) group: &'a str,
    pub(super) flow: Context,
}

/// A value under a key of a row.
enum Field {
    Text(String),
    Texts(Vec<String>),
    Map(Vec<(&'static str, String)>),
}

impl RowText<'_> {
    fn fields(&self) -> Vec<(&'static str, Field)> {
        let mut fields = Vec::new();
        match &self.row.principal {
            NewPrincipal::Arn(arn) => fields.push((arn_key(self.section), Field::Text(arn.clone()))),
            NewPrincipal::Sso(set) => {
                let mut pairs =
                    Vec::from([("permissionSetName", set.name.clone()), ("accountID", set.account.to_string())]);
                if set.partition != Partition::Aws {
                    pairs.push(("partition", set.partition.to_string()));
                }
                fields.push(("sso", Field::Map(pairs)));
            }
            NewPrincipal::Account(_) => {}
        }
        fields.extend(self.row.username.clone().map(|username| ("username", Field::Text(username))));
        if !self.row.groups.is_empty() {
            fields.push(("groups", Field::Texts(self.row.groups.clone())));
        }
        fields
    }

    /// What the written row must be read as.
    pub(super) fn node(&self) -> Node {
        if let NewPrincipal::Account(account) = &self.row.principal {
            return text_node(account);
        }
        let pair = |(key, field): (&'static str, Field)| {
            let value = match field {
                Field::Text(text) => text_node(&text),
                Field::Texts(texts) => texts_node(&texts),
                Field::Map(pairs) => {
                    let pairs = pairs.iter().map(|(key, text)| (Rc::new(text_node(key)), Rc::new(text_node(text))));
                    node(Value::Mapping(pairs.collect()))
                }
            };
            (Rc::new(text_node(key)), Rc::new(value))
        };
        node(Value::Mapping(self.fields().into_iter().map(pair).collect()))
    }
}

fn node(value: Value) -> Node {
    Node { mark: Mark::default(), place: Place::default(), value }
}

pub(super) fn text_node(text: &str) -> Node {
    node(Value::Scalar { text: text.into(), kind: ScalarKind::Text })
}

pub(super) fn texts_node(texts: &[String]) -> Node {
    node(Value::Sequence(texts.iter().map(|text| Rc::new(text_node(text))).collect()))
}

impl ItemText for RowText<'_> {
    fn lines(&self, style: &BlockStyle) -> Vec<String> {
        let block = |text: &str| scalar(text, Context::Block);
        if let NewPrincipal::Account(account) = &self.row.principal {
            return Vec::from([double_quoted_if_number(account)]);
        }
        let mut lines = Vec::new();
        for (key, field) in self.fields() {
            match field {
                Field::Text(text) => lines.push(format!("{key}: {}", block(&text))),
                Field::Texts(texts) => lines.extend(text_lines(key, &texts, style)),
                Field::Map(pairs) => {
                    lines.push(format!("{key}:"));
                    lines.extend(pairs.iter().map(|(key, text)| format!("  {key}: {}", double_quoted_if_number(text))));
                }
            }
        }
        lines
    }

    fn flow(&self) -> String {
        let text = |text: &str| scalar(text, self.flow);
        if let NewPrincipal::Account(account) = &self.row.principal {
            return text(account);
        }
        let pair = |(key, field): (&'static str, Field)| {
            let value = match field {
                Field::Text(value) => text(&value),
                Field::Texts(texts) => flow_texts(&texts, self.flow),
                Field::Map(pairs) => {
                    let pairs: Vec<_> =
                        pairs.iter().map(|(key, value)| format!("{}: {}", text(key), text(value))).collect();
                    format!("{{{}}}", pairs.join(", "))
                }
            };
            format!("{}: {value}", text(key))
        };
        let pairs: Vec<_> = self.fields().into_iter().map(pair).collect();
        format!("{{{}}}", pairs.join(", "))
    }
}

impl ItemText for GroupText<'_> {
    fn lines(&self, _: &BlockStyle) -> Vec<String> {
        Vec::from([scalar(self.group, Context::Block)])
    }

    fn flow(&self) -> String {
        scalar(self.group, self.flow)
    }
}

/// Account IDs are known in double quotes.
fn double_quoted_if_number(text: &str) -> String {
    let is_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    scalar(text, if is_digits { Context::Json } else { Context::Block })
}

/// A key with a list below it.
pub(super) fn text_lines(key: &str, texts: &[String], style: &BlockStyle) -> Vec<String> {
    let item = |text: &String| format!("{:1$}- {2}", "", style.nested, scalar(text, Context::Block));
    core::iter::once(format!("{key}:")).chain(texts.iter().map(item)).collect()
}

/// A list between brackets.
pub(super) fn flow_texts(texts: &[String], flow: Context) -> String {
    let items: Vec<_> = texts.iter().map(|text| scalar(text, flow)).collect();
    format!("[{}]", items.join(", "))
}
