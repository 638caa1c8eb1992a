use hmac::{Hmac, KeyInit as _, Mac as _};
use kube_iam_core::partition::{Partition, StsEndpoint, StsHosts};
use kube_iam_core::secret::Secret;
use kube_iam_core::token::{TokenPolicy, check};
use sha2::{Digest as _, Sha256};

use super::*;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

fn credentials(session_token: Option<&str>) -> Credentials {
    Credentials {
        access_key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
        secret_access_key: Secret::new(SECRET),
        session_token: session_token.map(Secret::new),
        expires: None,
    }
}

fn cluster() -> ClusterId {
    "my cluster/eu".parse().unwrap()
}

fn at() -> Timestamp {
    "2026-11-24T10:11:12.9Z".parse().unwrap()
}

fn url(token: &Token) -> String {
    let encoded = token.expose().strip_prefix("k8s-aws-v1.").unwrap();
    String::from_utf8(URL_SAFE_NO_PAD.decode(encoded).unwrap()).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// Computes the signature anew from the URL alone, step by step as AWS documents Signature Version 4
/// (IAM user guide, "Create a signed AWS API request").
fn expected_signature(url: &str, host: &str, cluster_id: &str, date: &str, region: &str) -> String {
    let query = url.split_once('?').unwrap().1;
    let mut pairs: Vec<&str> = query.split('&').filter(|pair| !pair.starts_with("X-Amz-Signature=")).collect();
    pairs.sort_unstable();
    let empty = hex(&Sha256::digest(b""));
    let canonical =
        format!("GET\n/\n{}\nhost:{host}\nx-k8s-aws-id:{cluster_id}\n\nhost;x-k8s-aws-id\n{empty}", pairs.join("&"));
    let day = &date[..8];
    let scope = format!("{day}/{region}/sts/aws4_request");
    let to_sign = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", hex(&Sha256::digest(canonical.as_bytes())));
    let mut key = hmac(format!("AWS4{SECRET}").as_bytes(), day);
    for part in [region, "sts", "aws4_request"] {
        key = hmac(&key, part);
    }
    hex(&hmac(&key, &to_sign))
}

#[test]
fn the_url_is_the_one_go_makes() {
    let target = Target::regional("eu-west-1", StsEndpoint::default()).unwrap();
    let token = presign(&credentials(Some("Fwo+/=tok")), &target, &cluster(), at()).unwrap();
    let url = url(&token);
    let signature =
        expected_signature(&url, "sts.eu-west-1.amazonaws.com", "my cluster/eu", "20261124T101112Z", "eu-west-1");
    assert_eq!(
        url,
        format!(
            "https://sts.eu-west-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15\
             &X-Amz-Algorithm=AWS4-HMAC-SHA256\
             &X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20261124%2Feu-west-1%2Fsts%2Faws4_request\
             &X-Amz-Date=20261124T101112Z&X-Amz-Expires=60&X-Amz-Security-Token=Fwo%2B%2F%3Dtok\
             &X-Amz-SignedHeaders=host%3Bx-k8s-aws-id&X-Amz-Signature={signature}"
        )
    );
}

#[test]
fn without_session_token_there_is_no_such_parameter() {
    let target = Target::regional("aws-global", StsEndpoint::default()).unwrap();
    let url = url(&presign(&credentials(None), &target, &cluster(), at()).unwrap());
    let signature = expected_signature(&url, "sts.amazonaws.com", "my cluster/eu", "20261124T101112Z", "us-east-1");
    assert!(url.ends_with(&format!("&X-Amz-Signature={signature}")), "{url}");
    assert!(!url.contains("Security-Token"));
}

#[test]
fn our_own_server_accepts_every_form_of_every_partition() {
    for partition in Partition::ALL {
        let policy = TokenPolicy { hosts: StsHosts::of(partition), cluster_id: cluster() };
        for region in partition.regions() {
            for form in [(false, false), (true, false), (false, true), (true, true)] {
                let form = StsEndpoint { fips: form.0, dual_stack: form.1 };
                let Ok(target) = Target::regional(region, form) else {
                    assert!(form.dual_stack, "{region}");
                    continue;
                };
                let token = presign(&credentials(Some("token")), &target, &cluster(), at()).unwrap();
                let request = check(&token, &policy, at()).unwrap();
                assert_eq!(request.url().expose(), url(&token), "{region}");
            }
        }
    }
}
