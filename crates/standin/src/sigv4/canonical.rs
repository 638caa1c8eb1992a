//! The canonical request: the text both sides hash.

use hyper::HeaderMap;

use super::{Claim, Received, hex, sha256};
use crate::parameters;

/// The canonical request of what was received; none if a signed header is absent.
///
/// The body's hash is always computed: neither STS nor EKS has an unsigned payload.
pub(crate) fn request(received: &Received<'_>, claim: &Claim<'_>) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(2048);
    out.extend_from_slice(received.method.as_str().as_bytes());
    out.push(b'\n');
    write_path(received.path, &mut out);
    out.push(b'\n');
    let except = claim.presigned.then_some("X-Amz-Signature");
    received.query.write_canonical(except, &mut out);
    out.push(b'\n');
    for name in claim.signed_headers.split(';') {
        out.extend_from_slice(name.as_bytes());
        out.push(b':');
        write_values(received.headers, received.host, name, &mut out)?;
        out.push(b'\n');
    }
    out.push(b'\n');
    out.extend_from_slice(claim.signed_headers.as_bytes());
    out.push(b'\n');
    out.extend_from_slice(&hex(&sha256(received.body)));
    Some(out)
}

/// Writes the path as every service but S3 has it signed: what was sent, encoded once more.
fn write_path(path: &str, out: &mut Vec<u8>) {
    for (index, segment) in path.split('/').enumerate() {
        if index > 0 {
            out.push(b'/');
        }
        out.extend_from_slice(parameters::encode(segment).as_bytes());
    }
}

/// Writes all values of a header, trimmed, inner blanks collapsed, joined by commas.
fn write_values(headers: &HeaderMap, host: &str, name: &str, out: &mut Vec<u8>) -> Option<()> {
    if name == "host" {
        out.extend_from_slice(host.as_bytes());
        return Some(());
    }
    let mut values = headers.get_all(name).iter();
    write_collapsed(values.next()?.as_bytes(), out);
    for value in values {
        out.push(b',');
        write_collapsed(value.as_bytes(), out);
    }
    Some(())
}

fn write_collapsed(value: &[u8], out: &mut Vec<u8>) {
    let words = value.split(|byte| matches!(byte, b' ' | b'\t')).filter(|word| !word.is_empty());
    for (index, word) in words.enumerate() {
        if index > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(word);
    }
}
