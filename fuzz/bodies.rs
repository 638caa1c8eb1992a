//! What each fuzz target does with its input, and what must hold. The targets
//! call these under libFuzzer; an ordinary test replays the corpora with them.
//!
//! Each says whether the input was accepted, so that the replay can tell that a
//! corpus reaches both outcomes.

use std::collections::BTreeSet;
use std::error::Error;
use std::str::from_utf8;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use kube_iam_core::arn::{Arn, PrincipalKind};
use kube_iam_core::aws_auth::{
    Data, Document, MappingRow, NewRow, Operation, Principal, Section, SsoPermissionSet, read_section,
};
use kube_iam_core::decision::{self, DenialStatus};
use kube_iam_core::desired::{Desired, Options, plan_desired};
use kube_iam_core::identity::{Identity, UserId};
use kube_iam_core::ids::InstanceId;
use kube_iam_core::last_good::{LastGood, LastGoodPolicy};
use kube_iam_core::limits;
use kube_iam_core::manifest::{Changes, Manifest};
use kube_iam_core::mapping::{Backend, Resolution, RolePaths, Snapshot, resolve};
use kube_iam_core::owners::Owners;
use kube_iam_core::partition::{Partition, StsHosts};
use kube_iam_core::ports::{Observation, StsReply};
use kube_iam_core::rbac::{
    Answer, Binding, Fault, Given, List, Policy, Problem, RbacKind, Request, Requester, ResourceRequest, Rule, Subject,
};
use kube_iam_core::reason::{Class, Reason};
use kube_iam_core::review::{self, ReviewVersion};
use kube_iam_core::secret::Token;
use kube_iam_core::sts::{StsRequest, conclude};
use kube_iam_core::template::{Placeholder, Template, Values};
use kube_iam_core::token::{PREFIX, TokenPolicy, check};
use kube_iam_core::yaml;
use serde_json::Value;

/// A target: takes an input, panics if something does not hold.
pub type Body = fn(&[u8]) -> bool;

/// Every target by its name.
pub const TARGETS: [(&str, Body); 10] = [
    ("token_check", token_check),
    ("sts_reply", sts_reply),
    ("review_decode", review_decode),
    ("arn", arn),
    ("template", template),
    ("aws_auth_sections", aws_auth_sections),
    ("aws_auth_edits", aws_auth_edits),
    ("desired", desired),
    ("owners", owners),
    ("rbac_lists", rbac_lists),
];

const GOOD_URL: &str = "https://sts.us-east-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15\
&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20260101%2Fus-east-1%2Fsts%2Faws4_request\
&X-Amz-Date=20260101T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host%3Bx-k8s-aws-id\
&X-Amz-Signature=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

static NOW: LazyLock<Timestamp> = LazyLock::new(|| "2026-01-01T00:00:00Z".parse().unwrap());

static POLICY: LazyLock<TokenPolicy> =
    LazyLock::new(|| TokenPolicy { hosts: StsHosts::of(Partition::Aws), cluster_id: "fuzz".parse().unwrap() });

static REQUEST: LazyLock<StsRequest> = LazyLock::new(|| check(&token(GOOD_URL.as_bytes()), &POLICY, *NOW).unwrap());

fn token(url: &[u8]) -> Token {
    Token::new(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(url)))
}

/// An error may be logged: its chain is short and holds no control characters.
fn assert_loggable(error: &dyn Error) {
    let text = error.to_string();
    assert!(!text.chars().any(char::is_control), "{text:?}");
    assert!(text.len() <= 2 * limits::ARN_BYTES, "{} bytes", text.len());
    error.source().into_iter().for_each(assert_loggable);
}

/// The input is the URL inside a token, and once more a whole token. What is
/// accepted asks a host of the list for exactly what was signed, each parameter
/// once, and can be checked again to the same.
pub fn token_check(input: &[u8]) -> bool {
    let whole = from_utf8(input).map(Token::new);
    let mut accepted = false;
    for token in [token(input)].into_iter().chain(whole) {
        let request = match check(&token, &POLICY, *NOW) {
            Ok(request) => request,
            Err(error) => {
                assert_loggable(&error);
                continue;
            }
        };
        accepted = true;
        assert!(token.expose().len() <= limits::TOKEN_BYTES);
        let host = POLICY.hosts.find(request.host().name()).unwrap();
        let url = request.url();
        let query = url.expose().strip_prefix(&format!("https://{}/?", host.name())).unwrap();
        assert_strict(query);
        assert_eq!(request.expires_at(), request.signed_at() + SignedDuration::from_secs(limits::TOKEN_AGE_SECONDS));
        assert!(*NOW < request.expires_at() || *NOW == request.expires_at());
        assert!(!format!("{request:?}").contains("ignature"));

        let again = check(&self::token(url.expose().as_bytes()), &POLICY, *NOW).unwrap();
        assert_eq!((again.url(), again.access_key_id()), (url, request.access_key_id()));
    }
    accepted
}

/// Nothing in a rebuilt query can be read in two ways.
fn assert_strict(query: &str) {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%=&".contains(&byte);
    assert!(query.bytes().all(allowed), "{query}");
    let names: Vec<_> = query.split('&').map(|part| part.split_once('=').unwrap().0.to_ascii_lowercase()).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{query}");
    assert!(names.iter().any(|name| name == "action") && query.contains("=GetCallerIdentity"), "{query}");
}

/// The input is the body of a reply. Only with status 200 it gives an identity,
/// which is what another JSON reader finds at the documented places.
pub fn sts_reply(input: &[u8]) -> bool {
    let reply = StsReply { status: 200, content_type: "application/json".into(), body: input.to_vec() };
    for status in [201, 302, 400, 403, 429, 500] {
        let error = conclude(&REQUEST, Partition::Aws, Ok(StsReply { status, ..reply.clone() })).unwrap_err();
        assert_loggable(&error);
    }
    let identity = match conclude(&REQUEST, Partition::Aws, Ok(reply)) {
        Ok(identity) => identity,
        Err(error) => {
            assert_loggable(&error);
            return false;
        }
    };
    assert_eq!((identity.arn.partition(), identity.arn.account()), (Partition::Aws, identity.account));
    assert_eq!(
        (identity.arn.canonical(), identity.canonical.key()),
        (identity.canonical.clone(), identity.key.clone())
    );
    assert!(!identity.uid().chars().any(char::is_control));
    if let Ok(Value::Object(envelope)) = serde_json::from_slice(input) {
        assert_eq!(envelope.len(), 1);
        let result = &envelope["GetCallerIdentityResponse"]["GetCallerIdentityResult"];
        assert_eq!(result["Arn"], identity.arn.as_str());
        assert_eq!(result["Account"], identity.account.as_str());
        assert!(result["UserId"].as_str().unwrap().starts_with(&identity.user_id.to_string()));
    }
    true
}

/// The input is the body of a TokenReview. What is read is what another JSON
/// reader finds, and reads the same when it is written again; what is refused
/// is answered as malformed.
pub fn review_decode(input: &[u8]) -> bool {
    let review = match review::decode(input) {
        Ok(review) => review,
        Err(reason) => {
            let answer = decision::deny(ReviewVersion::V1, reason, "r", DenialStatus::ByClass);
            assert!(reason.class() == Class::Malformed && (400..500).contains(&answer.status), "{reason:?}");
            return false;
        }
    };
    assert!(input.len() <= limits::REVIEW_BYTES);
    if let Ok(read) = serde_json::from_slice::<Value>(input) {
        assert_eq!(read["spec"]["token"].as_str().unwrap_or_default(), review.token.expose());
    }
    let written = serde_json::json!({
        "apiVersion": review.version.as_str(),
        "kind": "TokenReview",
        "spec": {"token": review.token.expose(), "audiences": review.audiences},
    });
    let written = serde_json::to_vec(&written).unwrap();
    if written.len() <= limits::REVIEW_BYTES {
        let again = review::decode(&written).unwrap();
        assert_eq!((again.version, &again.token, &again.audiences), (review.version, &review.token, &review.audiences));
    }
    // The answer is a TokenReview too, in the same version, and never says the token.
    let answer = decision::deny(review.version, Reason::NotMapped, "r", DenialStatus::ByClass);
    let answer = review::decode(&answer.body).unwrap();
    assert_eq!((answer.version, answer.token.expose()), (review.version, ""));
    true
}

/// The input is an ARN. Its canonical forms are ARNs of the same principal, and
/// stay as they are.
pub fn arn(input: &[u8]) -> bool {
    let Ok(text) = from_utf8(input) else { return false };
    let arn: Arn = match text.parse() {
        Ok(arn) => arn,
        Err(error) => {
            assert_loggable(&error);
            return false;
        }
    };
    assert_eq!(arn.to_string(), text);
    for canonical in [arn.canonical(), arn.without_role_path()] {
        let again: Arn = canonical.as_str().parse().unwrap();
        assert_eq!((again.partition(), again.account()), (arn.partition(), arn.account()));
        assert_eq!((again.canonical(), again.role_name()), (canonical.clone(), arn.role_name()));
        assert_ne!(again.kind(), PrincipalKind::AssumedRole);
        assert_eq!(canonical.key().as_str(), canonical.as_str().to_ascii_lowercase());
    }
    let stripped: Arn = arn.without_role_path().as_str().parse().unwrap();
    assert!(!stripped.has_role_path() && stripped.without_role_path() == arn.without_role_path());
    assert_eq!(SsoPermissionSet::of_role(&stripped), SsoPermissionSet::of_role(&arn));
    true
}

fn identity(arn: &str, session: &str) -> Option<Identity> {
    let arn: Arn = arn.parse().unwrap();
    let user_id = match arn.kind() {
        PrincipalKind::Root => arn.account().to_string(),
        PrincipalKind::User => "AIDAEXAMPLE".into(),
        PrincipalKind::FederatedUser => format!("{}:bob", arn.account()),
        PrincipalKind::Role | PrincipalKind::AssumedRole => format!("AROAEXAMPLE:{session}"),
    };
    let (user_id, session_name) = UserId::parse(&user_id, arn.kind(), arn.account()).ok()?;
    Some(Identity {
        key: arn.canonical().key(),
        canonical: arn.canonical(),
        account: arn.account(),
        user_id,
        session_name,
        access_key_id: "ASIAIOSFODNN7EXAMPLE".parse().unwrap(),
        sts_host: REQUEST.host().clone(),
        arn,
    })
}

/// The input is a session name and a pattern, separated by a line end. The
/// result is what putting in each value by search and replace gives, in which
/// no value is looked at again.
pub fn template(input: &[u8]) -> bool {
    /// Characters for private use stand for values that a caller chose.
    const CHOSEN: [&str; 2] = ["\u{e000}", "\u{e001}"];
    const NAMES: [(Placeholder, &str, &str); 5] = [
        (Placeholder::AccountId, "{{AccountID}}", "111122223333"),
        (Placeholder::AccessKeyId, "{{AccessKeyID}}", "ASIAIOSFODNN7EXAMPLE"),
        (Placeholder::SessionName, "{{SessionName}}", CHOSEN[0]),
        (Placeholder::SessionNameRaw, "{{SessionNameRaw}}", CHOSEN[1]),
        (Placeholder::Ec2PrivateDnsName, "{{EC2PrivateDNSName}}", ""),
    ];
    let Ok(text) = from_utf8(input) else { return false };
    let (session, pattern) = text.split_once('\n').unwrap_or(("alice", text));
    let template = Template::parse(pattern);
    assert_eq!(template.to_string(), pattern);
    for (placeholder, name, _) in NAMES {
        assert_eq!(template.needs(placeholder), pattern.contains(name), "{name} in {pattern:?}");
    }
    let Some(identity) = identity("arn:aws:sts::111122223333:assumed-role/R/s", session) else { return false };
    let rendered = template.render(&identity, &Values::default());
    assert_eq!(rendered.is_err(), template.needs(Placeholder::Ec2PrivateDnsName));
    let name = "node.ec2.internal".parse().ok();
    let named = template.render(&identity, &Values { private_dns_name: name.as_ref() });
    assert_eq!(named.is_ok(), rendered.is_ok() || session.parse::<InstanceId>().is_ok());
    let Ok(rendered) = rendered else { return false };
    if CHOSEN.iter().all(|mark| !text.contains(mark)) {
        let fixed = NAMES.iter().fold(pattern.to_string(), |text, (_, name, value)| text.replace(name, value));
        let wanted = fixed.replace(CHOSEN[0], &session.replace('@', "-")).replace(CHOSEN[1], session);
        assert_eq!(rendered, wanted, "{pattern:?} for {session:?}");
    }
    true
}

/// The input is the text of mapRoles, or a manifest of aws-auth. A row put in and
/// taken out again leaves the bytes as they were, unless the list was empty; a
/// manifest reads as it was edited.
pub fn aws_auth_edits(input: &[u8]) -> bool {
    let Ok(text) = from_utf8(input) else { return false };
    if let Ok(manifest) = Manifest::parse(text) {
        let data = Changes::from([("mapRoles".to_owned(), Some("- rolearn: a\n".to_owned()))]);
        let Ok(after) = manifest.edit(&data, &Changes::new()) else { return false };
        assert_eq!(Manifest::parse(&after).unwrap().data()["mapRoles"], "- rolearn: a\n");
        return true;
    }
    let Ok(document) = Document::parse(&Data::from([("mapRoles".to_owned(), text.to_owned())])) else { return false };
    let (section, before) = (Section::MapRoles, document.rows(Section::MapRoles).count());
    let row = NewRow::arn("arn:aws:iam::111122223333:role/new", Some("new".to_owned()), vec!["g".to_owned()]);
    let Ok(grown) = document.edit(&[Operation::Insert { section, before, row }]) else { return false };
    assert_eq!(grown.document.rows(section).count(), before + 1);
    if let (true, Ok(shrunk)) = (before > 0, grown.document.edit(&[Operation::Remove { section, index: before }])) {
        assert_eq!(shrunk.changed.get("mapRoles").map(String::as_str), Some(text));
    }
    true
}

/// The input is a declared list. What is wrong with it is told in order, in short texts. Applied to an
/// aws-auth without rows, it is in force: applied once more, nothing is left to do.
pub fn desired(input: &[u8]) -> bool {
    let Ok(text) = from_utf8(input) else { return false };
    let desired = match Desired::parse(text) {
        Ok(desired) => desired,
        Err(problems) => {
            assert!(!problems.is_empty() && problems.is_sorted_by_key(|problem| problem.mark));
            for problem in problems {
                assert!(!problem.to_string().chars().any(char::is_control), "{problem:?}");
                assert!(problem.to_string().len() <= 2 * limits::ARN_BYTES, "{problem:?}");
            }
            return false;
        }
    };
    let empty = Document::parse(&Data::new()).unwrap();
    let options = Options { owner: "fuzz".parse().ok(), prune: true, ..Options::default() };
    let Ok(plan) = plan_desired(&empty, &Owners::default(), &desired, &options) else { return false };
    let Ok(edited) = empty.edit(&plan.planned.operations) else { return false };
    let owners = plan.owners_in(&edited.document);
    let again = plan_desired(&edited.document, &owners, &desired, &options).unwrap();
    assert_eq!((again.planned.operations.as_slice(), &again.owners_in(&edited.document)), (&[][..], &owners));
    true
}

/// The input is the record of owners. What is read is what is written again, in no more bytes.
pub fn owners(input: &[u8]) -> bool {
    let Ok(text) = from_utf8(input) else { return false };
    let owners = match Owners::parse(Some(text)) {
        Ok(owners) => owners,
        Err(error) => {
            assert_loggable(&error);
            return false;
        }
    };
    let written = owners.encode().unwrap();
    assert!(written.len() <= text.len());
    assert_eq!(Owners::parse(Some(&written)).as_ref(), Ok(&owners));
    true
}

/// Each line of the input is a page of a list of roles or bindings. Every item becomes an object or a
/// problem; whoever is bound to a role may do what its rules say, and while bindings are not read, nobody is
/// told no.
pub fn rbac_lists(input: &[u8]) -> bool {
    let mut accepted = false;
    let lists = RbacKind::ALL.map(|kind| {
        let mut list = List::of(kind);
        for page in input.split(|byte| *byte == b'\n') {
            let before = items(&list);
            match list.read(page) {
                Ok(_) => accepted = true,
                Err(error) => {
                    assert_loggable(&error);
                    continue;
                }
            }
            if let Ok(read) = serde_json::from_slice::<Value>(page) {
                assert_eq!(items(&list) - before, read["items"].as_array().map_or(0, Vec::len));
            }
        }
        list
    });
    let policy = Policy::new(lists);
    for problem in policy.problems() {
        assert!(!problem.to_string().chars().any(char::is_control), "{problem:?}");
    }
    // A few show as much as all.
    for binding in policy.bindings().iter().take(32) {
        binding.subjects.iter().take(8).for_each(|subject| assert_bound(&policy, binding, subject));
    }
    let nobody = Requester { username: "nobody".into(), groups: Vec::new() };
    let asked = Request::Path { verb: "get".into(), path: "/nothing".into() };
    let hides = |problem: &Problem| problem.fault.hides() && problem.object.kind == RbacKind::ClusterRoleBinding;
    if policy.unread(RbacKind::ClusterRoleBinding, None).is_some() || policy.problems().iter().any(hides) {
        assert_ne!(policy.can(&nobody, &asked), Answer::NotGranted);
    }
    accepted
}

/// How many items were read; an odd subject makes no binding unreadable.
fn items(list: &List) -> usize {
    let odd = |problem: &&Problem| matches!(problem.fault, Fault::SubjectKind(_));
    list.len() - list.problems().iter().filter(odd).count()
}

fn assert_bound(policy: &Policy, binding: &Binding, subject: &Subject) {
    let requester = match (subject, subject.username()) {
        (Subject::Group(name), _) => Requester { username: String::new(), groups: vec![name.to_string()] },
        (_, Some(username)) => Requester { username: username.into_owned(), groups: Vec::new() },
        // A service account of no namespace is nobody.
        (_, None) => return,
    };
    let Given::Found(role) = policy.given(binding) else { return };
    for rule in role.rules.iter().take(8) {
        let request = request_of(rule, binding);
        let counts = binding.namespace.is_none() || request.namespace() == binding.namespace.as_deref();
        if rule.allows(&request) && counts {
            assert!(matches!(policy.can(&requester, &request), Answer::Granted(_)), "{binding:?} {request:?}");
            assert!(policy.who_can(&request).allowed.iter().any(|allowed| allowed.subject == *subject));
        }
    }
}

fn request_of(rule: &Rule, binding: &Binding) -> Request {
    let first = |texts: &[std::sync::Arc<str>]| texts.first().map(ToString::to_string).unwrap_or_default();
    match rule.non_resource_urls.first() {
        Some(path) => Request::Path { verb: first(&rule.verbs), path: path.to_string() },
        None => Request::Resource(ResourceRequest {
            verb: first(&rule.verbs),
            group: first(&rule.api_groups),
            resource: first(&rule.resources),
            subresource: None,
            namespace: binding.namespace.as_deref().map(str::to_owned),
            name: Some(first(&rule.resource_names)),
        }),
    }
}

/// The input is the text of a section, read as each of the three. Every item is
/// a row, an account or a problem; every row that was read lets its principal
/// in; and the state survives being saved. Both readers of YAML see the same.
pub fn aws_auth_sections(input: &[u8]) -> bool {
    let Ok(text) = from_utf8(input) else { return false };
    assert_read_alike(text);
    let mut accepted = false;
    for section in Section::ALL {
        let Ok(rows) = read_section(section, text) else { continue };
        let read = rows.mappings.len() + rows.accounts.len();
        let items = yaml::parse(text).ok().flatten().and_then(|node| Some(node.as_sequence()?.len()));
        assert_eq!(read + rows.problems.len(), items.unwrap_or(0), "{section}");
        accepted |= read > 0;

        let snapshot = Snapshot::new(Backend::EksConfigMap, [&rows], RolePaths::Match);
        let distinct = rows.accounts.iter().collect::<BTreeSet<_>>().len();
        assert_eq!(snapshot.len() + snapshot.shadowed().len(), rows.mappings.len() + distinct);
        // The search is linear only here; a few rows show as much as all.
        rows.mappings.iter().take(32).for_each(|row| assert_lets_in(&snapshot, row));
        assert_survives(section, text);
    }
    accepted
}

/// A text in plain form is read by a reader of its own, but not where several documents are looked for.
fn assert_read_alike(text: &str) {
    let Ok(Some(node)) = yaml::parse(text) else { return };
    match yaml::parse_all(text) {
        Ok(documents) => assert_eq!(documents.first(), Some(&node)),
        // Only what comes after the first document may be wrong.
        Err(error) => assert!(["---", "..."].iter().any(|mark| text.contains(mark)), "{error}"),
    }
}

fn assert_lets_in(snapshot: &Snapshot, row: &MappingRow) {
    let arn = match &row.principal {
        Principal::Arn(arn) => arn.without_role_path().to_string(),
        Principal::Sso(set) => format!(
            "arn:{}:sts::{}:assumed-role/AWSReservedSSO_{}_0123456789abcdef/s",
            set.partition, set.account, set.name
        ),
    };
    let identity = identity(&arn, "s").unwrap();
    assert!(matches!(resolve([snapshot], &identity), Resolution::Mapped { .. }), "{arn}");
}

/// A state that is saved is restored to the same.
fn assert_survives(section: Section, text: &str) {
    let mut state = LastGood::new(LastGoodPolicy::default());
    let data = [(section.as_str().to_string(), text.to_string())].into();
    state.observe(&Observation::Present { data, resource_version: "1".into() }, *NOW);
    let saved = state.save();
    let restored = LastGood::restore(LastGoodPolicy::default(), &saved).unwrap();
    assert_eq!(restored.save(), saved);
    assert_eq!(restored.snapshot().len(), state.snapshot().len());
}
