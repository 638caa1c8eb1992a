//! A Signature Version 4 signer for requests to STS and EKS, as plain as can be. That it and the
//! stand-in do not share an error is shown with AWS's own clients in `aws_clients`.

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use kube_iam_standin::Key;
use sha2::{Digest, Sha256};

use crate::client::Asked;

/// Who signs, for where and when. Each part can be set wrong.
#[derive(Clone)]
pub(crate) struct Signer {
    pub(crate) access_key_id: String,
    pub(crate) secret: String,
    pub(crate) session_token: Option<String>,
    pub(crate) host: String,
    /// As it is sent.
    pub(crate) path: String,
    pub(crate) region: String,
    pub(crate) service: String,
    pub(crate) terminator: String,
    pub(crate) at: Timestamp,
    /// The scope's date; that of `at` if none.
    pub(crate) scope_date: Option<String>,
}

impl Signer {
    pub(crate) fn new(key: &Key, at: Timestamp) -> Self {
        Self {
            access_key_id: key.access_key_id.clone(),
            secret: key.secret_access_key.clone(),
            session_token: key.session_token.clone(),
            host: "sts.us-east-1.amazonaws.com".to_owned(),
            path: "/".to_owned(),
            region: "us-east-1".to_owned(),
            service: "sts".to_owned(),
            terminator: "aws4_request".to_owned(),
            at,
            scope_date: None,
        }
    }

    /// A presigned `GET` with these parameters, these headers signed beside the host.
    pub(crate) fn presign(&self, parameters: &[(&str, &str)], headers: &[(&str, &str)]) -> Asked {
        let mut headers = headers.to_vec();
        if !self.host.is_empty() {
            headers.push(("host", &self.host));
        }
        headers.sort();
        let names = names(&headers);
        let (credential, date) = (self.credential(), self.date());
        let mut pairs = parameters.to_vec();
        pairs.extend([
            ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
            ("X-Amz-Credential", &credential),
            ("X-Amz-Date", &date),
            ("X-Amz-Expires", "60"),
            ("X-Amz-SignedHeaders", &names),
        ]);
        if let Some(token) = &self.session_token {
            pairs.push(("X-Amz-Security-Token", token));
        }
        let query = query(&pairs);
        let signature = self.signature("GET", &query, &headers, b"");
        Asked::get(format!("{}?{query}&X-Amz-Signature={signature}", self.path), &self.host).with(&headers)
    }

    /// A presigned `GetCallerIdentity` for a cluster, as kubectl's tokens hold it.
    pub(crate) fn token(&self, cluster: &str) -> Asked {
        self.presign(&[("Action", "GetCallerIdentity"), ("Version", "2011-06-15")], &[("x-k8s-aws-id", cluster)])
    }

    /// A `POST` of these parameters as a form, signed in a header.
    pub(crate) fn post(&self, parameters: &[(&str, &str)]) -> Asked {
        self.signed("POST", "", &query(parameters))
    }

    /// A request with an `Authorization` header.
    pub(crate) fn signed(&self, method: &str, query: &str, body: &str) -> Asked {
        let date = self.date();
        let mut headers = vec![("host", self.host.as_str()), ("x-amz-date", &date)];
        if !body.is_empty() {
            headers.push(("content-type", "application/x-www-form-urlencoded"));
        }
        if let Some(token) = &self.session_token {
            headers.push(("x-amz-security-token", token));
        }
        headers.sort();
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={}, SignedHeaders={}, Signature={}",
            self.credential(),
            names(&headers),
            self.signature(method, query, &headers, body.as_bytes()),
        );
        let mut asked = Asked::get(format!("{}?{query}", self.path), &self.host).with(&headers);
        asked.method = method.to_owned();
        asked.body = body.as_bytes().to_vec();
        asked.with(&[("authorization", &authorization)])
    }

    fn date(&self) -> String {
        self.at.strftime("%Y%m%dT%H%M%SZ").to_string()
    }

    fn scope(&self) -> String {
        let day = self.at.strftime("%Y%m%d").to_string();
        let day = self.scope_date.as_ref().unwrap_or(&day);
        [day, &self.region, &self.service, &self.terminator].map(String::as_str).join("/")
    }

    fn credential(&self) -> String {
        format!("{}/{}", self.access_key_id, self.scope())
    }

    fn signature(&self, method: &str, query: &str, headers: &[(&str, &str)], body: &[u8]) -> String {
        let mut pairs: Vec<_> = query.split('&').filter(|pair| !pair.is_empty()).collect();
        pairs.sort_unstable();
        let path: Vec<_> = self.path.split('/').map(encode).collect();
        let path = path.join("/");
        let lines: String = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
        let request = format!(
            "{method}\n{path}\n{}\n{lines}\n{}\n{}",
            pairs.join("&"),
            names(headers),
            hex(&Sha256::digest(body))
        );
        let text = format!("AWS4-HMAC-SHA256\n{}\n{}\n{}", self.date(), self.scope(), hex(&Sha256::digest(request)));
        let mut key = format!("AWS4{}", self.secret).into_bytes();
        for part in self.scope().split('/') {
            key = mac(&key, part);
        }
        hex(&mac(&key, &text))
    }
}

fn names(headers: &[(&str, &str)]) -> String {
    let names: Vec<_> = headers.iter().map(|(name, _)| *name).collect();
    names.join(";")
}

/// A query string of these pairs.
pub(crate) fn query(pairs: &[(&str, &str)]) -> String {
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    pairs.join("&")
}

fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

fn mac(key: &[u8], message: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(message.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
