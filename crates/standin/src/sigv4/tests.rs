use hyper::header::{AUTHORIZATION, HeaderName, HeaderValue};

use super::*;
use crate::settings::{Key, Principal};

/// The secret of AWS's published examples.
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())).collect()
}

fn without(headers: &HeaderMap, name: &str) -> HeaderMap {
    let mut headers = headers.clone();
    headers.remove(name);
    headers
}

fn hex_text(hash: [u8; 32]) -> String {
    String::from_utf8(hex(&hash).to_vec()).unwrap()
}

fn signature(secret: &str, claim: &Claim<'_>, request: &[u8]) -> String {
    let scope = &claim.scope;
    let key = signing_key(secret, scope.date, scope.region, scope.service);
    let mac = hmac(&key, &string_to_sign(claim, request)).finalize();
    hex_text(mac.into_bytes().into())
}

/// "Examples of how to derive a signing key", once in the AWS General Reference.
#[test]
fn signing_keys_are_those_of_the_documentation() {
    let key = signing_key(SECRET, "20150830", "us-east-1", "iam");
    assert_eq!(hex_text(key), "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9");
    let key = signing_key(SECRET, "20120215", "us-east-1", "iam");
    assert_eq!(hex_text(key), "f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d");
}

/// RFC 4231, test cases 2 and 6: a key shorter and one longer than a block.
#[test]
fn hmac_takes_keys_of_any_length() {
    let mac = |key: &[u8], message: &[u8]| hex_text(hmac(key, message).finalize().into_bytes().into());
    assert_eq!(
        mac(b"Jefe", b"what do ya want for nothing?"),
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    );
    assert_eq!(
        mac(&[0xaa; 131], b"Test Using Larger Than Block-Size Key - Hash Key First"),
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
    );
}

/// The worked example of the documentation: `ListUsers` with an `Authorization` header.
#[test]
fn the_worked_example_has_its_documented_hash_and_signature() {
    let query = Parameters::parse("Action=ListUsers&Version=2010-05-08").unwrap();
    let headers = headers(&[
        ("host", "iam.amazonaws.com"),
        ("content-type", "application/x-www-form-urlencoded; charset=utf-8"),
        ("x-amz-date", "20150830T123600Z"),
        (
            "authorization",
            "AWS4-HMAC-SHA256 \
             Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, \
             SignedHeaders=content-type;host;x-amz-date, \
             Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
        ),
    ]);
    let claim = Claim::read(&query, &headers).unwrap().unwrap();
    let received = Received {
        method: &Method::GET,
        path: "/",
        query: &query,
        headers: &headers,
        host: "iam.amazonaws.com",
        body: b"",
    };
    let request = canonical::request(&received, &claim).unwrap();
    assert_eq!(hex_text(sha256(&request)), "f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59");
    assert_eq!(signature(SECRET, &claim, &request), claim.signature);
}

/// `get-vanilla` of the published test suite.
#[test]
fn the_plainest_case_of_the_test_suite_has_its_signature() {
    let query = Parameters::default();
    let headers = headers(&[
        ("x-amz-date", "20150830T123600Z"),
        (
            "authorization",
            "AWS4-HMAC-SHA256 \
             Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
             SignedHeaders=host;x-amz-date, \
             Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        ),
    ]);
    let claim = Claim::read(&query, &headers).unwrap().unwrap();
    let received = Received {
        method: &Method::GET,
        path: "/",
        query: &query,
        headers: &headers,
        host: "example.amazonaws.com",
        body: b"",
    };
    let request = canonical::request(&received, &claim).unwrap();
    assert_eq!(signature(SECRET, &claim, &request), claim.signature);
}

#[test]
fn header_values_are_trimmed_collapsed_and_joined() {
    let query = Parameters::default();
    let mut headers = headers(&[("one", "  a   b\t c "), ("x-amz-date", "20150830T123600Z")]);
    headers.append("two", HeaderValue::from_static("1"));
    headers.append("two", HeaderValue::from_static(" 2 "));
    headers.insert(
        AUTHORIZATION,
        HeaderValue::from_static(
            "AWS4-HMAC-SHA256 Credential=A/20150830/r/s/aws4_request,\
             SignedHeaders=host;one;two,Signature=00",
        ),
    );
    let received =
        |headers| Received { method: &Method::POST, path: "/", query: &query, headers, host: "h", body: b"" };
    let claim = Claim::read(&query, &headers).unwrap().unwrap();
    let request = canonical::request(&received(&headers), &claim).unwrap();
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(
        String::from_utf8(request).unwrap(),
        format!("POST\n/\n\nhost:h\none:a b c\ntwo:1,2\n\nhost;one;two\n{empty}")
    );
    // Without one that is signed there is nothing to compare.
    let without = without(&headers, "one");
    assert_eq!(canonical::request(&received(&without), &claim), None);
}

#[test]
fn only_64_lower_case_digits_are_a_signature() {
    let digits = "0123456789abcdef".repeat(4);
    assert_eq!(hex_text(from_hex(&digits).unwrap()), digits);
    for text in [
        String::new(),
        digits.to_uppercase(),
        digits.replace('0', "g"),
        digits.replace("01", "+1"),
        format!("{digits}00"),
    ] {
        assert_eq!(from_hex(&text), None, "{text}");
    }
}

fn claim_of(query: &str, authorization: Option<&str>) -> Result<bool, &'static str> {
    let query = Parameters::parse(query).unwrap();
    let mut headers = headers(&[("x-amz-date", "20150830T123600Z")]);
    if let Some(authorization) = authorization {
        headers.insert(AUTHORIZATION, authorization.parse().unwrap());
    }
    Claim::read(&query, &headers).map(|claim| claim.is_some()).map_err(|refusal| refusal.code)
}

#[test]
fn a_signature_with_a_part_missing_or_doubled_is_incomplete() {
    const WHOLE: &str = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=A/20150830/r/sts/aws4_request\
                         &X-Amz-Date=20150830T123600Z&X-Amz-SignedHeaders=host&X-Amz-Signature=00";
    assert_eq!(claim_of("", None), Ok(false));
    assert_eq!(claim_of(WHOLE, None), Ok(true));
    for part in WHOLE.split('&') {
        let name = part.split('=').next().unwrap();
        // Without an algorithm nothing pretends to be a signature.
        let without = WHOLE.replace(part, "a=b");
        let expected = if name == "X-Amz-Algorithm" { Ok(false) } else { Err("IncompleteSignature") };
        assert_eq!(claim_of(&without, None), expected, "without {name}");
        if name != "X-Amz-Algorithm" {
            let twice = format!("{WHOLE}&{part}");
            assert_eq!(claim_of(&twice, None), Err("IncompleteSignature"), "{twice}");
        }
    }
    for bad in [
        WHOLE.replace("SHA256", "SHA1"),
        WHOLE.replace("A/20150830/r/sts", "A/20150830/sts"),
        WHOLE.replace("A/20150830/r/sts", "A/20150830/r/sts/more"),
        format!("{WHOLE}&X-Amz-Security-Token="),
    ] {
        assert_eq!(claim_of(&bad, None), Err("IncompleteSignature"), "{bad}");
    }
    for unsorted in ["z;host", "host;host", "Host", "host;", ""] {
        let query = WHOLE.replace("SignedHeaders=host", &format!("SignedHeaders={unsorted}"));
        assert!(claim_of(&query, None).is_err(), "{unsorted}");
    }
    const HEADER: &str = "AWS4-HMAC-SHA256 Credential=A/20150830/r/sts/aws4_request, \
                          SignedHeaders=host, Signature=00";
    assert_eq!(claim_of("", Some(HEADER)), Ok(true));
    assert_eq!(claim_of(WHOLE, Some(HEADER)), Err("IncompleteSignature"));
    for bad in [
        HEADER.replace("Credential", "C"),
        HEADER.replace("SignedHeaders", "S"),
        HEADER.replace("Signature", "S"),
        HEADER.replace("Signature=00", "Signature="),
        HEADER.replace("AWS4-HMAC-SHA256", "AWS4"),
        format!("{HEADER}, Signature=01"),
        "Basic YTpi".to_owned(),
    ] {
        assert_eq!(claim_of("", Some(&bad)), Err("IncompleteSignature"), "{bad}");
    }
}

#[test]
fn a_signing_key_is_remembered_per_day_region_and_service() {
    let keys = Keys::default();
    keys.add(Key::long_term("AKIA", SECRET, Principal::new("arn:aws:iam::111122223333:user/jo", "AIDA")));
    let key = keys.find("AKIA").unwrap();
    let regions: Vec<_> = (0..40).map(|number| format!("r-{number}")).collect();
    for _ in 0..2 {
        for region in &regions {
            for (date, service) in [("20150830", STS), ("20150831", STS), ("20150831", EKS)] {
                let expected = signing_key(SECRET, date, region, service);
                assert_eq!(key.signing_key(date, region, service), expected);
            }
        }
    }
}
