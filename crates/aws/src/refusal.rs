//! Errors as AWS's services write them, read the same way whatever the protocol.

use http::Response;
use hyper::body::Bytes;

use crate::limits;
use crate::xml::Element;

/// Why a service did not do what it was asked.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) message: String,
}

/// What a refusal means, whatever the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// The caller lacks the permission.
    Denied,
    /// The access key is unknown, or its secret another.
    Key,
    /// The session has ended.
    Expired,
    /// Too many calls.
    Throttled,
    /// The service itself failed; another time it may not.
    Failure,
    /// Something that only the service's own reference explains.
    Other,
}

impl Refusal {
    /// Of a service that speaks REST-JSON. The code is in a header or in the body, with a namespace before `#` or a URL behind `:`
    /// (Smithy, "AWS restJson1 protocol", operation error serialization).
    pub(crate) fn of_json(response: &Response<Bytes>) -> Self {
        let header = response.headers().get("x-amzn-errortype").and_then(|value| value.to_str().ok());
        let body: serde_json::Value = serde_json::from_slice(response.body()).unwrap_or_default();
        let text = |names: [&str; 2]| names.iter().find_map(|name| body.get(name)?.as_str());
        let code = header.or_else(|| text(["code", "__type"])).unwrap_or_default();
        let code = code.split(':').next().unwrap_or_default();
        let code = code.rsplit('#').next().unwrap_or_default();
        Self::new(response, code, text(["message", "Message"]))
    }

    /// Of a service that speaks the query protocol, `ErrorResponse/Error`, or EC2's kind of it, `Response/Errors/Error` (Smithy, "AWS
    /// query protocol" and "AWS EC2 query protocol", operation error serialization).
    pub(crate) fn of_query(response: &Response<Bytes>) -> Self {
        let root = Element::parse(response.body()).unwrap_or_default();
        let error = root.at(&["Error"]).or_else(|| root.at(&["Errors", "Error"]));
        let text = |name: &str| error.and_then(|error| error.text_at(&[name]));
        Self::new(response, text("Code").unwrap_or_default(), text("Message"))
    }

    fn new(response: &Response<Bytes>, code: &str, message: Option<&str>) -> Self {
        Self {
            status: response.status().as_u16(),
            code: code.to_owned(),
            message: message.unwrap_or_default().to_owned(),
        }
    }

    /// The codes are those that the services' references share ("Common errors"), and what EC2 calls the same.
    pub(crate) fn meaning(&self) -> Meaning {
        match self.code.as_str() {
            "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" => Meaning::Denied,
            "AuthFailure"
            | "InvalidClientTokenId"
            | "InvalidSignatureException"
            | "SignatureDoesNotMatch"
            | "UnrecognizedClientException" => Meaning::Key,
            "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" => Meaning::Expired,
            "EC2ThrottledException"
            | "RequestLimitExceeded"
            | "RequestThrottled"
            | "RequestThrottledException"
            | "Throttling"
            | "ThrottlingException"
            | "TooManyRequestsException" => Meaning::Throttled,
            _ if self.status == 429 => Meaning::Throttled,
            _ if self.status >= 500 => Meaning::Failure,
            _ => Meaning::Other,
        }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.code.as_str(), self.message.as_str()) {
            ("", _) => write!(formatter, "status {}", self.status),
            (code, "") => formatter.write_str(code),
            (code, message) => {
                let message: String = message.chars().take(limits::REFUSAL_CHARS).collect();
                write!(formatter, "{code}: {message}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(header: Option<&str>, body: &'static str) -> Response<Bytes> {
        let mut response = Response::builder().status(400);
        if let Some(header) = header {
            response = response.header("x-amzn-errortype", header);
        }
        response.body(Bytes::from_static(body.as_bytes())).unwrap()
    }

    #[test]
    fn an_error_in_json_is_read_in_every_form() {
        let read = |header, body| Refusal::of_json(&response(header, body)).to_string();
        assert_eq!(read(Some("ThrottlingException"), r#"{"message":"slow"}"#), "ThrottlingException: slow");
        assert_eq!(read(Some("A:http://internal/b"), r#"{"Message":"b"}"#), "A: b");
        assert_eq!(read(None, r#"{"__type":"com.amazon#A","message":null}"#), "A");
        assert_eq!(read(None, r#"{"code":"aws#A:x"}"#), "A");
        for body in ["", "<html/>", "[]", r#"{"message":"b"}"#, r#"{"code":1}"#] {
            assert_eq!(read(None, body), "status 400", "{body}");
        }
    }

    #[test]
    fn an_error_in_xml_is_read_in_both_forms() {
        let read = |body| Refusal::of_query(&response(None, body)).to_string();
        let query = "<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><Error><Type>Sender</Type>\
                     <Code>NoSuchEntity</Code><Message>&lt;a&gt;</Message></Error><RequestId>1</RequestId></ErrorResponse>";
        assert_eq!(read(query), "NoSuchEntity: <a>");
        let ec2 =
            "<?xml version=\"1.0\"?><Response><Errors><Error><Code>AuthFailure</Code></Error></Errors></Response>";
        assert_eq!(read(ec2), "AuthFailure");
        for body in ["", "{}", "<html>", "<a><Code>b</Code></a>", "<Response><Errors/></Response>"] {
            assert_eq!(read(body), "status 400", "{body}");
        }
    }

    #[test]
    fn a_long_message_is_cut() {
        let message = "é".repeat(limits::REFUSAL_CHARS + 1);
        let refusal = Refusal { status: 403, code: "A".to_owned(), message };
        assert_eq!(refusal.to_string(), format!("A: {}", "é".repeat(limits::REFUSAL_CHARS)));
    }

    #[test]
    fn meanings_go_by_code_and_then_by_status() {
        let of = |status, code: &str| Refusal { status, code: code.to_owned(), message: String::new() }.meaning();
        for (status, code, meaning) in [
            (403, "UnauthorizedOperation", Meaning::Denied),
            (401, "AuthFailure", Meaning::Key),
            (400, "RequestExpired", Meaning::Expired),
            (503, "RequestLimitExceeded", Meaning::Throttled),
            (429, "", Meaning::Throttled),
            (500, "InternalError", Meaning::Failure),
            (404, "NoSuchEntity", Meaning::Other),
        ] {
            assert_eq!(of(status, code), meaning, "{code}");
        }
    }
}
