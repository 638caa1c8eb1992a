//! No output of any program in these tests may hold a secret.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use crate::people::PEOPLE;

/// Fails if a text holds a fixture's secret in any of its usual spellings, a
/// token, or the signature of one.
pub(crate) fn assert_none_in(what: &str, text: &str) {
    for secret in PEOPLE.into_iter().flat_map(crate::people::Person::secrets) {
        for spelling in spellings(secret) {
            assert!(!text.contains(&spelling), "{what} holds a secret, spelt `{spelling}`:\n{text}");
        }
    }
    for mark in ["k8s-aws-v1.aHR0", "X-Amz-Signature", "X-Amz-Security-Token"] {
        assert!(!text.contains(mark), "{what} holds `{mark}`:\n{text}");
    }
}

fn spellings(secret: &str) -> [String; 4] {
    let percent = secret.bytes().map(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    });
    [secret.to_string(), percent.collect(), STANDARD.encode(secret), URL_SAFE_NO_PAD.encode(secret)]
}

#[test]
fn a_leak_is_found_in_every_spelling() {
    let secret = crate::people::ADMIN.secrets().next().unwrap();
    for spelling in spellings(secret) {
        let leak = std::panic::catch_unwind(|| assert_none_in("a log", &format!("x{spelling}y")));
        assert!(leak.is_err(), "{spelling}");
    }
    assert_none_in("a log", "nothing to see");
}
