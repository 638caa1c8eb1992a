//! Replies of the query protocol: XML, and STS's other way of writing the same.

use hyper::header::ACCEPT;
use hyper::{HeaderMap, StatusCode};
use jiff::Timestamp;

use crate::refusal::Refusal;
use crate::reply::Reply;

/// A value in a reply.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Text(String),
    /// ISO 8601 in XML, seconds since the epoch in JSON.
    Time(Timestamp),
    Group(Vec<(&'static str, Self)>),
    /// Values that XML puts into elements of this name.
    List(&'static str, Vec<Self>),
}

impl Value {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }
}

/// How a reply is written: XML unless `Accept` names JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Xml,
    Json,
}

impl Format {
    /// The format a request accepts.
    pub(crate) fn accepted(headers: &HeaderMap) -> Self {
        let json = headers
            .get_all(ACCEPT)
            .iter()
            .any(|value| value.to_str().is_ok_and(|text| text.contains("application/json")));
        if json { Self::Json } else { Self::Xml }
    }

    pub(crate) fn success(
        self,
        namespace: &str,
        action: &str,
        result: &[(&'static str, Value)],
        request_id: &str,
    ) -> Reply {
        let mut out = String::with_capacity(512);
        match self {
            Self::Xml => {
                push(&mut out, &["<", action, "Response xmlns=\"", namespace, "\">\n  <", action, "Result>\n"]);
                xml_members(result, 4, &mut out);
                push(
                    &mut out,
                    &[
                        "  </",
                        action,
                        "Result>\n  <ResponseMetadata>\n    <RequestId>",
                        request_id,
                        "</RequestId>\n  </ResponseMetadata>\n</",
                        action,
                        "Response>\n",
                    ],
                );
            }
            Self::Json => {
                push(&mut out, &["{\"", action, "Response\":{\"", action, "Result\":"]);
                json_members(result, &mut out);
                push(&mut out, &[",\"ResponseMetadata\":{\"RequestId\":\"", request_id, "\"}}}"]);
            }
        }
        Reply::new(StatusCode::OK, self.content_type(), out)
    }

    pub(crate) fn refusal(self, namespace: &str, refusal: &Refusal, request_id: &str) -> Reply {
        let mut out = String::with_capacity(512);
        match self {
            Self::Xml => {
                push(
                    &mut out,
                    &[
                        "<ErrorResponse xmlns=\"",
                        namespace,
                        "\">\n  <Error>\n    <Type>",
                        refusal.kind(),
                        "</Type>\n    <Code>",
                        refusal.code,
                        "</Code>\n    <Message>",
                    ],
                );
                xml_text(&refusal.message, &mut out);
                push(
                    &mut out,
                    &["</Message>\n  </Error>\n  <RequestId>", request_id, "</RequestId>\n</ErrorResponse>\n"],
                );
            }
            Self::Json => {
                push(&mut out, &["{\"Error\":{\"Code\":\"", refusal.code, "\",\"Message\":"]);
                json_text(&refusal.message, &mut out);
                push(&mut out, &[",\"Type\":\"", refusal.kind(), "\"},\"RequestId\":\"", request_id, "\"}"]);
            }
        }
        Reply::new(refusal.status, self.content_type(), out)
    }

    fn content_type(self) -> &'static str {
        match self {
            Self::Xml => "text/xml",
            Self::Json => "application/json",
        }
    }
}

pub(crate) fn push(out: &mut String, parts: &[&str]) {
    out.extend(parts.iter().copied());
}

/// Writes elements, each on lines of its own.
pub(crate) fn xml_members(members: &[(&'static str, Value)], indent: usize, out: &mut String) {
    for (name, value) in members {
        xml_member(name, value, indent, out);
    }
}

fn xml_member(name: &str, value: &Value, indent: usize, out: &mut String) {
    out.extend(std::iter::repeat_n(' ', indent));
    push(out, &["<", name, ">"]);
    match value {
        Value::Text(text) => xml_text(text, out),
        Value::Time(instant) => out.push_str(&iso(*instant)),
        Value::Group(members) => {
            out.push('\n');
            xml_members(members, indent + 2, out);
            out.extend(std::iter::repeat_n(' ', indent));
        }
        Value::List(item, values) => {
            out.push('\n');
            for value in values {
                xml_member(item, value, indent + 2, out);
            }
            out.extend(std::iter::repeat_n(' ', indent));
        }
    }
    push(out, &["</", name, ">\n"]);
}

pub(crate) fn xml_text(text: &str, out: &mut String) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            other => out.push(other),
        }
    }
}

fn json_members(members: &[(&'static str, Value)], out: &mut String) {
    out.push('{');
    for (index, (name, value)) in members.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        push(out, &["\"", name, "\":"]);
        json_value(value, out);
    }
    out.push('}');
}

fn json_value(value: &Value, out: &mut String) {
    match value {
        Value::Text(text) => json_text(text, out),
        Value::Time(instant) => out.push_str(&instant.as_second().to_string()),
        Value::Group(members) => json_members(members, out),
        Value::List(_, values) => {
            out.push('[');
            for (index, value) in values.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                json_value(value, out);
            }
            out.push(']');
        }
    }
}

fn json_text(text: &str, out: &mut String) {
    // A string always has a JSON form.
    out.push_str(&serde_json::to_string(text).unwrap_or_default());
}

/// ISO 8601 to the second, as AWS writes times.
pub(crate) fn iso(instant: Timestamp) -> String {
    instant.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
