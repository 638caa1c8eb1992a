//! Our check of tokens, held against what the Go authenticator makes of them: where
//! we say yes, Go says yes and reads the very same; where only Go says yes, the
//! reason is one of a list.

use std::collections::BTreeSet;

use jiff::Timestamp;
use kube_iam_control_plane::{GoServer, Sent, TokenOracle, required_in_ci};
use kube_iam_core::limits;
use kube_iam_core::partition::{GLOBAL_STS_HOST, GLOBAL_STS_REGION, Partition, StsHosts};
use kube_iam_core::secret::Token;
use kube_iam_core::sts::StsRequest;
use kube_iam_core::token::{PREFIX, TokenError, TokenPolicy, check};

use self::spellings::{Dice, Draft, NOW, any_token, token};

mod oddities;
mod spellings;

/// Tokens of one run; a few seconds' worth.
const TOKENS: usize = 30_000;

const SEED: u64 = 19;

/// A token that Go accepts.
struct Seen<'a> {
    text: &'a str,
    sent: &'a Sent,
    policy: &'a TokenPolicy,
    now: i64,
}

impl Seen<'_> {
    /// The value that Go reads, whatever the case of the name; empty if there is none.
    fn value(&self, name: &str) -> &str {
        self.find(name).unwrap_or_default()
    }

    fn find(&self, name: &str) -> Option<&str> {
        let mut parameters = self.sent.parameters.iter();
        parameters.find(|(spelt, _)| spelt.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The query as it is written, cut at each `&`; one at the end means nothing.
    fn pieces(&self) -> impl Iterator<Item = &str> {
        let url = self.sent.url.split('#').next().unwrap_or_default();
        let (_, query) = url.split_once('?').unwrap_or_default();
        query.strip_suffix('&').unwrap_or(query).split('&')
    }

    /// Whether the host is that of a region of the partition, or the global one.
    fn region_is_served(&self) -> bool {
        let region = self.sent.host.split('.').nth(1).unwrap_or_default();
        self.sent.host == GLOBAL_STS_HOST || self.policy.hosts.partition().regions().contains(&region)
    }

    /// `KEY/DATE/REGION/sts/aws4_request` as host and date want it.
    fn scope_fits(&self) -> bool {
        let region = self.policy.hosts.find(&self.sent.host).map_or("", |host| host.signing_region());
        let (key, day) = (&self.sent.access_key_id, &self.value("x-amz-date")[..8]);
        let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let key_fits = (16..=128).contains(&key.len()) && key.bytes().all(word);
        key_fits && self.value("x-amz-credential") == format!("{key}/{day}/{region}/sts/aws4_request")
    }
}

fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Where Go accepts and we refuse on purpose: with which refusal, when, and why.
type Strictness = (TokenError, fn(&Seen<'_>) -> bool, &'static str);

const STRICTER: &[Strictness] = &[
    (
        TokenError::Base64,
        |seen| seen.text.contains(['\r', '\n']),
        "Go skips line ends, and one signature would have many texts",
    ),
    (
        TokenError::Base64,
        |seen| {
            let encoded: String = seen.text[PREFIX.len()..].replace(['\r', '\n'], "");
            match encoded.len() % 4 {
                2 => !encoded.ends_with(['A', 'Q', 'g', 'w']),
                3 => !"AEIMQUYcgkosw048".contains(encoded.chars().last().unwrap()),
                _ => false,
            }
        },
        "Go ignores the spare bits of the last character: again one signature in many texts",
    ),
    (
        TokenError::ControlCharacter,
        |seen| !is_plain(&seen.sent.url),
        "no signer leaves a blank or text outside ASCII as it is",
    ),
    (
        TokenError::ControlCharacter,
        |seen| !seen.sent.parameters.iter().all(|(name, value)| is_plain(name) && is_plain(value)),
        "no parameter has a blank, a control character or text outside ASCII, also not behind escapes",
    ),
    (TokenError::Scheme, |seen| !seen.sent.url.starts_with("https://"), "a scheme has one spelling"),
    (TokenError::Host, |seen| !seen.sent.authorization.is_empty(), "Go forwards a user to STS as a header"),
    (
        TokenError::Host,
        |seen| !seen.region_is_served(),
        "regions are a closed list: made-up ones, those of other partitions and other spellings are not on it",
    ),
    (TokenError::Fragment, |seen| seen.sent.url.contains('#'), "it is not sent, so nothing has signed it"),
    (TokenError::Query, |seen| seen.pieces().any(|piece| piece.contains('+')), "a plus means itself or a blank"),
    (
        TokenError::Query,
        |seen| seen.pieces().any(|piece| !piece.contains('=')),
        "no signer writes a parameter without `=` or two `&` in a row",
    ),
    (
        TokenError::UnknownParameter,
        |seen| seen.pieces().any(|piece| piece.split('=').next().is_some_and(|name| name.contains('%'))),
        "an escaped letter in a name is a disguise",
    ),
    (
        TokenError::Version,
        |seen| seen.find("version").is_some_and(|version| version != "2011-06-15"),
        "STS has one version",
    ),
    (
        TokenError::Algorithm,
        |seen| seen.value("x-amz-algorithm") != "AWS4-HMAC-SHA256",
        "STS would refuse it, after a call",
    ),
    (
        TokenError::SignedHeaders,
        |seen| seen.value("x-amz-signedheaders") != "host;x-k8s-aws-id",
        "we send these two headers and no others, so no other signature can hold",
    ),
    (
        TokenError::Expires,
        |seen| seen.value("x-amz-expires") != "0" && seen.value("x-amz-expires").starts_with(['+', '-', '0']),
        "a number has one spelling",
    ),
    (
        TokenError::Signature,
        |seen| {
            let signature = seen.value("x-amz-signature");
            signature.len() != 64 || !signature.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        },
        "STS would refuse it, after a call",
    ),
    (
        TokenError::SecurityToken,
        |seen| seen.find("x-amz-security-token") == Some(""),
        "STS would refuse it, after a call",
    ),
    (TokenError::Date, |seen| seen.value("x-amz-date").len() != 16, "SigV4 has no fractions of seconds"),
    (
        TokenError::Date,
        |seen| seen.sent.signed_at > Timestamp::MAX.as_second(),
        "our calendar ends a day before the year 10000",
    ),
    (TokenError::Scope, |seen| !seen.scope_fits(), "STS would refuse it, after a call"),
    (
        TokenError::Future,
        |seen| seen.sent.signed_at > seen.now + 300,
        "a token from more than 5 minutes ahead would hold for longer than it should",
    ),
];

/// What came out of a comparison.
#[derive(Default)]
struct Tally {
    accepted: usize,
    /// Rules of Go by which both refused.
    rules: BTreeSet<String>,
    /// Which of [`STRICTER`] was met.
    stricter: BTreeSet<usize>,
}

/// Both servers judge `tokens`, and the law is asserted for each.
fn compare(oracle: &TokenOracle, partition: Partition, tokens: &[String]) -> Tally {
    let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let policy = TokenPolicy { hosts: StsHosts::of(partition), cluster_id: "a cluster".parse().unwrap() };
    let server =
        GoServer { partition: partition.as_str(), cluster_id: policy.cluster_id.to_string(), now: now.as_second() };
    let mut tally = Tally::default();
    let mut both = Vec::new();
    for (text, verdict) in tokens.iter().zip(oracle.judge(&server, tokens).unwrap()) {
        match (check(&Token::new(text.clone()), &policy, now), verdict) {
            (Ok(request), Err(rule)) => panic!("Go refuses by `{rule}` what we accept: {}", request.url().expose()),
            (Err(_), Err(rule)) => drop(tally.rules.insert(rule)),
            (Ok(request), Ok(sent)) => {
                let seen = Seen { text, sent: &sent, policy: &policy, now: now.as_second() };
                if let Some((error, _, reason)) = STRICTER.iter().find(|(_, applies, _)| applies(&seen)) {
                    panic!("accepted, not refused as `{error}` because {reason}: {}", sent.url);
                }
                both.push((request, sent));
            }
            (Err(error), Ok(sent)) => {
                let seen = Seen { text, sent: &sent, policy: &policy, now: now.as_second() };
                let reasons = STRICTER.iter().enumerate();
                let reasons = reasons.filter(|(_, (listed, applies, _))| *listed == error && applies(&seen));
                let met: Vec<_> = reasons.map(|(index, _)| index).collect();
                assert!(!met.is_empty(), "`{error}` is no listed reason to refuse what Go accepts: {}", sent.url);
                tally.stricter.extend(met);
            }
        }
    }
    tally.accepted = both.len();
    assert_read_alike(oracle, &server, &both);
    tally
}

/// Go reads the same from what we send as from what came.
fn assert_read_alike(oracle: &TokenOracle, server: &GoServer, both: &[(StsRequest, Sent)]) {
    let rebuilt: Vec<_> = both.iter().map(|(request, _)| token(request.url().expose())).collect();
    for (((request, came), verdict), rebuilt) in both.iter().zip(oracle.judge(server, &rebuilt).unwrap()).zip(&rebuilt)
    {
        assert_eq!(came.host, request.host().name());
        assert_eq!(came.cluster_id, request.cluster_id().as_str());
        assert_eq!(came.access_key_id, request.access_key_id().as_str());
        assert_eq!(came.signed_at, request.signed_at().as_second());
        assert_eq!(came.authorization, "");
        // The bound is for the token that came; encoded as SigV4 wants, it may be longer.
        if rebuilt.len() > limits::TOKEN_BYTES {
            continue;
        }
        let url = request.url().expose().to_owned();
        let path_and_query = request.path_and_query().expose().to_owned();
        assert_eq!(verdict, Ok(Sent { url, path_and_query, ..came.clone() }), "came as {}", came.url);
    }
}

#[test]
fn what_we_accept_go_accepts_and_reads_alike() {
    let Some(oracle) = required_in_ci(TokenOracle::build_or_find()) else { return };
    let mut dice = Dice(SEED);
    let tokens: Vec<_> = (0..TOKENS).map(|_| any_token(&mut dice)).collect();
    let tally = compare(&oracle, Partition::Aws, &tokens);

    // The tokens reach everything there is to compare.
    assert!(tally.accepted >= TOKENS / 10, "only {} were accepted", tally.accepted);
    let rules: Vec<_> = tally.rules.iter().map(String::as_str).collect();
    assert_eq!(
        rules,
        [
            "action",
            "base64",
            "date",
            "expired",
            "expires",
            "host",
            "many values",
            "no date",
            "partition",
            "path",
            "prefix",
            "query",
            "region",
            "scheme",
            "signed headers",
            "size",
            "spelt twice",
            "unknown parameter",
            "url",
        ]
    );
    for (index, (error, _, reason)) in STRICTER.iter().enumerate() {
        assert!(tally.stricter.contains(&index), "no token is refused as `{error}` because {reason}");
    }
}

/// The domains of all partitions.
const DOMAINS: [&str; 10] = [
    "amazonaws.com",
    "api.aws",
    "amazonaws.com.cn",
    "api.amazonwebservices.com.cn",
    "amazonaws.eu",
    "api.amazonwebservices.eu",
    "c2s.ic.gov",
    "sc2s.sgov.gov",
    "cloud.adc-e.uk",
    "csp.hci.ic.gov",
];

#[test]
fn the_hosts_of_our_regions_are_those_of_go() {
    let Some(oracle) = required_in_ci(TokenOracle::build_or_find()) else { return };
    // Each region of each partition in every form and with every domain there is.
    let mut hosts = vec![token(Draft::new(GLOBAL_STS_HOST, GLOBAL_STS_REGION, NOW).url())];
    for region in Partition::ALL.iter().flat_map(|partition| partition.regions()) {
        for (name, domain) in
            ["sts", "sts-fips"].iter().flat_map(|name| DOMAINS.iter().map(move |domain| (name, domain)))
        {
            hosts.push(token(Draft::new(&format!("{name}.{region}.{domain}"), region, NOW).url()));
        }
    }
    for partition in Partition::ALL {
        let tally = compare(&oracle, partition, &hosts);
        assert_eq!(tally.accepted, StsHosts::of(partition).iter().count(), "{partition}");
    }
}

/// The corpus of the fuzz target: each input is a URL, and a token as it stands.
#[test]
fn the_corpus_is_judged_as_by_go() {
    let Some(oracle) = required_in_ci(TokenOracle::build_or_find()) else { return };
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/token_check");
    let inputs = std::fs::read_dir(folder).unwrap().map(|entry| std::fs::read(entry.unwrap().path()).unwrap());
    let tokens: Vec<_> =
        inputs.flat_map(|input| [Some(token(&input)), String::from_utf8(input).ok()]).flatten().collect();
    let tally = compare(&oracle, Partition::Aws, &tokens);
    assert!(tally.accepted >= 10 && tally.rules.len() >= 10 && tally.stricter.len() >= 10, "a small corpus");
}
