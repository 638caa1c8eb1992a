//! What the pure parts of a login cost: `cargo bench -p kube-iam-core`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use divan::{Bencher, black_box};
use jiff::Timestamp;
use kube_iam_core::arn::{Arn, PrincipalKind};
use kube_iam_core::authenticator::{Authenticator, Deciding, Mappings};
use kube_iam_core::aws_auth::{Data, Document, Section, read_section};
use kube_iam_core::change::{Change, Wanted, Whom, plan};
use kube_iam_core::desired::{Desired, Options, plan_desired};
use kube_iam_core::diff::diff;
use kube_iam_core::guard::{Facts, assess};
use kube_iam_core::identity::{Identity, UserId};
use kube_iam_core::listing::{Columns, listing, table};
use kube_iam_core::mapping::{Backend, Resolution, RolePaths, Snapshot, resolve};
use kube_iam_core::owners::Owners;
use kube_iam_core::partition::{Partition, StsHosts};
use kube_iam_core::secret::Token;
use kube_iam_core::token::{TokenPolicy, check};

fn main() {
    divan::main();
}

/// A token as long as those with a session token.
fn token() -> Token {
    let session = "IQoJb3JpZ2luX2VjEXAMPLE%2F".repeat(30);
    let url = format!(
        "https://sts.us-east-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Algorithm=AWS4-HMAC-SHA256\
         &X-Amz-Credential=ASIAIOSFODNN7EXAMPLE%2F20260101%2Fus-east-1%2Fsts%2Faws4_request&X-Amz-Date=20260101T000000Z\
         &X-Amz-Expires=60&X-Amz-Security-Token={session}&X-Amz-SignedHeaders=host%3Bx-k8s-aws-id&X-Amz-Signature={}",
        "0123456789abcdef".repeat(4)
    );
    Token::new(format!("k8s-aws-v1.{}", URL_SAFE_NO_PAD.encode(url)))
}

#[divan::bench]
fn token_check(bencher: Bencher<'_, '_>) {
    let (token, now) = (token(), "2026-01-01T00:00:00Z".parse::<Timestamp>().unwrap());
    let policy = TokenPolicy { hosts: StsHosts::of(Partition::Aws), cluster_id: "bench".parse().unwrap() };
    bencher.bench(|| check(black_box(&token), &policy, now).unwrap());
}

/// mapRoles with this many rows.
fn rows(count: usize) -> String {
    let row = |n| {
        format!(
            "- rolearn: arn:aws:iam::111122223333:role/r{n:05}\n  username: 'u:{{{{SessionName}}}}'\n  groups: [g]\n"
        )
    };
    (0..count).map(row).collect()
}

fn snapshot(count: usize) -> Snapshot {
    let rows = read_section(Section::MapRoles, &rows(count)).unwrap();
    assert_eq!(rows.mappings.len(), count);
    Snapshot::new(Backend::EksConfigMap, [&rows], RolePaths::Match)
}

fn identity(role: &str) -> Identity {
    let arn: Arn = format!("arn:aws:sts::111122223333:assumed-role/{role}/alice").parse().unwrap();
    let (user_id, session_name) =
        UserId::parse("AROAEXAMPLE:alice", PrincipalKind::AssumedRole, arn.account()).unwrap();
    Identity {
        key: arn.canonical().key(),
        canonical: arn.canonical(),
        account: arn.account(),
        user_id,
        session_name,
        access_key_id: "ASIAIOSFODNN7EXAMPLE".parse().unwrap(),
        sts_host: StsHosts::of(Partition::Aws).iter().next().unwrap().clone(),
        arn,
    }
}

#[divan::bench(args = [10, 1_000, 10_000])]
fn resolve_last_row(bencher: Bencher<'_, '_>, count: usize) {
    let (snapshots, identity) = ([snapshot(count)], identity(&format!("r{:05}", count - 1)));
    assert!(matches!(resolve(&snapshots, &identity), Resolution::Mapped { .. }));
    bencher.bench(|| resolve(black_box(&snapshots), black_box(&identity)));
}

#[divan::bench(args = [10, 1_000, 10_000])]
fn resolve_nobody(bencher: Bencher<'_, '_>, count: usize) {
    let (snapshots, identity) = ([snapshot(count)], identity("stranger"));
    assert_eq!(resolve(&snapshots, &identity), Resolution::NotMapped);
    bencher.bench(|| resolve(black_box(&snapshots), black_box(&identity)));
}

/// Somebody whose permission set is mapped, among this many roles.
#[divan::bench(args = [10, 1_000, 10_000])]
fn resolve_permission_set(bencher: Bencher<'_, '_>, count: usize) {
    let text = rows(count) + "- {sso: {permissionSetName: Dev, accountID: '111122223333'}, username: d}\n";
    let rows = read_section(Section::MapRoles, &text).unwrap();
    let snapshots = [Snapshot::new(Backend::EksConfigMap, [&rows], RolePaths::Match)];
    let identity = identity("AWSReservedSSO_Dev_0123456789abcdef");
    assert!(matches!(resolve(&snapshots, &identity), Resolution::Mapped { .. }));
    bencher.bench(|| resolve(black_box(&snapshots), black_box(&identity)));
}

/// About a mebibyte of mapRoles, parsed and made into a snapshot.
#[divan::bench]
fn read_one_mebibyte(bencher: Bencher<'_, '_>) {
    let text = rows(10_900);
    assert!((1_000_000..=1 << 20).contains(&text.len()), "{}", text.len());
    bencher.bench(|| {
        let rows = read_section(Section::MapRoles, black_box(&text)).unwrap();
        Snapshot::new(Backend::EksConfigMap, [&rows], RolePaths::Match)
    });
}

/// The same text, parsed only.
#[divan::bench]
fn parse_one_mebibyte(bencher: Bencher<'_, '_>) {
    let text = rows(10_900);
    bencher.bench(|| kube_iam_core::yaml::parse(black_box(&text)).unwrap().map(|node| node.mark));
}

/// A text of aliases on aliases, as long as a ConfigMap may be.
#[divan::bench]
fn read_a_bomb(bencher: Bencher<'_, '_>) {
    let mut text = String::from("- &a0 [x, x, x, x, x, x, x, x]\n");
    for level in 1.. {
        let line = format!("- &a{level} [{}]\n", vec![format!("*a{}", level - 1); 8].join(", "));
        if text.len() + line.len() > 1 << 20 {
            break;
        }
        text.push_str(&line);
    }
    bencher.bench(|| read_section(Section::MapRoles, black_box(&text)).map(|rows| rows.problems.len()));
}

/// One row more than this many, judged by the guard. Nobody is an administrator
/// and all else is unknown, which makes it look at every row.
#[divan::bench(args = [(600, Deciding::Unknown), (6_000, Deciding::Unknown), (6_000, Deciding::Known(Authenticator::Eks))])]
fn guard(bencher: Bencher<'_, '_>, (count, deciding): (usize, Deciding)) {
    let document = |count| {
        let text = rows(count);
        Mappings::read(|section| (section == Section::MapRoles).then_some(text.as_str()))
    };
    let (before, after, facts) = (document(count), document(count + 1), Facts { deciding, ..Facts::default() });
    bencher.bench(|| assess(black_box(&before), black_box(&after), &facts));
}

/// All rows replaced: every principal is a suspect.
#[divan::bench]
fn guard_all_changed(bencher: Bencher<'_, '_>) {
    let text = rows(6_000).replace("[g]", "[system:masters, 'system:nodes']");
    let before = Mappings::read(|section| (section == Section::MapRoles).then_some(text.as_str()));
    let after = Mappings::read(|section| (section == Section::MapUsers).then_some(""));
    bencher.bench(|| assess(black_box(&before), black_box(&after), &Facts::default()));
}

/// A document with this many rows, and the same as a declared list.
fn document(count: usize) -> (Document, Desired) {
    let text = rows(count).replace("groups: [g]", "groups:\n  - g");
    let list = text.replace("- rolearn:", "- arn:");
    let data = Data::from([("mapRoles".to_owned(), text)]);
    (Document::parse(&data).unwrap(), Desired::parse(&format!("mappings:\n{list}")).unwrap())
}

/// One mapping created in a document of this many rows: planned, edited, compared.
#[divan::bench(args = [600, 6_000])]
fn create_mapping(bencher: Bencher<'_, '_>, count: usize) {
    let (document, _) = document(count);
    let whom = Whom::of_arn("arn:aws:iam::111122223333:role/new").unwrap();
    let change = Change::Create(Wanted { whom, username: Some("new".to_owned()), groups: vec!["g".to_owned()] });
    bencher.bench_local(|| {
        let planned = plan(black_box(&document), &change, Deciding::Unknown).unwrap();
        let edited = document.edit(&planned.operations).unwrap();
        assert_eq!(diff(&document, &edited.document, &Owners::default()).len(), 1);
    });
}

/// All that one `create mapping` decides, on a document of rows as wide as eksctl
/// writes them: 6,000 rows are just under the mebibyte that a ConfigMap may have.
#[divan::bench(args = [750, 1_500, 3_000, 6_000])]
fn whole_edit(bencher: Bencher<'_, '_>, count: usize) {
    let row = |n| {
        format!(
            "- groups:\n  - team-{n:05}-developers\n  - team-{n:05}-viewers\n  \
             rolearn: arn:aws:iam::111122223333:role/team-{n:05}-developers\n  \
             username: team-{n:05}-developer:{{{{SessionName}}}}\n"
        )
    };
    let data = Data::from([("mapRoles".to_owned(), (0..count).map(row).collect())]);
    let bytes: usize = data.values().map(String::len).sum();
    assert!(bytes < 1 << 20 && bytes > count * 170, "{bytes}");
    let whom = Whom::of_arn("arn:aws:iam::111122223333:role/new").unwrap();
    let change = Change::Create(Wanted { whom, username: Some("new".to_owned()), groups: vec!["g".to_owned()] });
    bencher.bench_local(|| {
        let document = Document::parse(black_box(&data)).unwrap();
        let planned = plan(&document, &change, Deciding::Unknown).unwrap();
        let edited = document.edit(&planned.operations).unwrap();
        assert_eq!(diff(&document, &edited.document, &Owners::default()).len(), 1);
        assess(&Mappings::of(&document), &Mappings::of(&edited.document), &Facts::default()).len()
    });
}

/// A mapping planned, and no more.
#[divan::bench(args = [600, 6_000])]
fn plan_mapping(bencher: Bencher<'_, '_>, count: usize) {
    let (document, _) = document(count);
    let whom = Whom::of_arn("arn:aws:iam::111122223333:role/new").unwrap();
    let change = Change::Create(Wanted { whom, username: None, groups: Vec::new() });
    bencher.bench_local(|| plan(black_box(&document), &change, Deciding::Unknown).unwrap());
}

/// A declared list applied to the document that it is.
#[divan::bench(args = [600, 6_000])]
fn apply_unchanged(bencher: Bencher<'_, '_>, count: usize) {
    let (document, desired) = document(count);
    let options = Options { owner: "bench".parse().ok(), prune: true, ..Options::default() };
    bencher.bench_local(|| plan_desired(black_box(&document), &Owners::default(), &desired, &options).unwrap());
}

/// Two documents that share no row.
#[divan::bench(args = [600, 6_000])]
fn diff_of_all(bencher: Bencher<'_, '_>, count: usize) {
    let (before, _) = document(count);
    let after =
        Document::parse(&Data::from([("mapRoles".to_owned(), rows(count).replace("groups: [g]", "groups:\n  - h"))]))
            .unwrap();
    bencher.bench_local(|| assert_eq!(diff(black_box(&before), &after, &Owners::default()).len(), count));
}

/// All mappings as a table.
#[divan::bench(args = [600, 6_000])]
fn show_table(bencher: Bencher<'_, '_>, count: usize) {
    let (document, _) = document(count);
    bencher.bench_local(|| {
        table(&listing(black_box(&document), &Owners::default(), Deciding::Unknown), Columns::Usual).len()
    });
}
