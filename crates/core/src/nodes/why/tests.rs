use std::borrow::ToOwned as _;
use std::format;
use std::string::String;
use std::vec::Vec;

use super::*;
use crate::authenticator::Authenticator;
use crate::aws_auth::Data;
use crate::nodes::{Condition, ConditionStatus};
use crate::ports::Instance;
use crate::reason::Reason;
use crate::testing::identity;

const ID: &str = "i-0123456789abcdef0";
const NAME: &str = "ip-10-0-0-1.eu-west-1.compute.internal";
const ROLE: &str = "arn:aws:iam::111122223333:role/nodes";
const RIGHT: &str = "username: 'system:node:{{EC2PrivateDNSName}}', groups: [system:bootstrappers, system:nodes]";
const SESSION: &str = "username: 'system:node:{{SessionName}}', groups: [system:bootstrappers, system:nodes]";

fn row(arn: &str, rest: &str) -> String {
    format!("- {{rolearn: '{arn}', {rest}}}\n")
}

fn document(roles: &str) -> Document {
    Document::parse(&Data::from([("mapRoles".to_owned(), roles.to_owned())])).unwrap()
}

fn instance(dns: Option<&str>, role: Option<&str>) -> NodeInstance {
    let described = Instance {
        id: ID.parse().unwrap(),
        private_dns_name: dns.map(str::to_owned),
        account: Some("111122223333".parse().unwrap()),
        runs: true,
        profile: None,
    };
    NodeInstance { described, role: role.map(|role| role.parse().unwrap()) }
}

fn condition(name: &str, status: ConditionStatus, reason: &str, message: &str) -> Condition {
    Condition { name: name.to_owned(), status, reason: reason.to_owned(), message: message.to_owned() }
}

fn not_ready(name: &str) -> Node {
    let unknown = condition("Ready", ConditionStatus::Unknown, "NodeStatusUnknown", "Kubelet stopped posting");
    Node {
        name: name.to_owned(),
        provider_id: Some(format!("aws:///eu-west-1a/{ID}")),
        conditions: Vec::from([unknown]),
        ..Node::default()
    }
}

fn ready(name: &str) -> Node {
    Node { conditions: Vec::from([condition("Ready", ConditionStatus::True, "KubeletReady", "")]), ..not_ready(name) }
}

/// What is said, without what conditions say of a node that does not report.
fn said(roles: &str, nodes: &[Node], asked: Option<&str>, instance: Option<&Stray>) -> String {
    let document = document(roles);
    let scene =
        Scene { aws_auth: AwsAuth::Read(&document), nodes, instance, logins: None, deciding: Deciding::Unknown };
    text(&why(&scene, asked).unwrap())
}

fn text(found: &[Diagnosis]) -> String {
    let others = found.iter().filter(|one| one.finding.rule != "not-reporting");
    let line = |one: &Diagnosis| {
        let Finding { rule, severity, message, hint, .. } = &one.finding;
        format!("{} {}: {message} [{rule}]\n  {}\n", severity.as_str(), one.about, hint.as_deref().unwrap())
    };
    others.map(line).collect()
}

fn with(node: Node, instance: NodeInstance) -> Node {
    Node { instance: Some(instance), ..node }
}

#[test]
fn a_node_with_its_row_has_nothing_against_it() {
    let known = with(ready(NAME), instance(Some(NAME), Some("arn:aws:iam::111122223333:role/team/nodes")));
    assert_eq!(said(&row(ROLE, RIGHT), &[known], Some(NAME), None), "");
    assert_eq!(said(&row(ROLE, RIGHT), &[ready(NAME)], Some(ID), None), "");
    assert_eq!(said(&row(ROLE, RIGHT), &[ready(NAME)], None, None), "");
}

#[test]
fn rows_that_let_no_node_in_are_named() {
    let path = "arn:aws:iam::111122223333:role/team/nodes";
    let profile = "arn:aws:iam::111122223333:instance-profile/nodes";
    let evil = "arn:aws:iam::111122223333:instance-profile/`reboot`";
    let cases = [
        said("", &[], None, None),
        said(&row(path, RIGHT), &[], None, None),
        said(&(row(profile, RIGHT) + &row(evil, RIGHT)), &[], None, None),
        said(&row(ROLE, "username: [x], groups: [system:nodes]"), &[], None, None),
        said(&row(ROLE, "username: 'system:node:{{EC2PrivateDNSName}}', groups: [system:nodes]"), &[], None, None),
        said(&(row(ROLE, RIGHT) + &row(ROLE, "username: dev, groups: [view]")), &[], None, None),
        said(&(row(ROLE, RIGHT) + &row(ROLE, RIGHT)), &[], None, None),
    ];
    insta::assert_snapshot!(cases.join("--\n"), @"
    block aws-auth: aws-auth has no row that lets nodes in [no-node-row]
      `kube-iam nodes apply --role-arn ARN`, with the role of the nodes
    --
    block mapRoles:1: `arn:aws:iam::111122223333:role/team/nodes` matches nobody, unless kube-iam decides: its ARN shows the path of the role [role-path]
      `kube-iam check --fix`
    --
    block mapRoles:1: `arn:aws:iam::111122223333:instance-profile/nodes` is an instance profile, and no node logs in as one [instance-profile]
      `aws iam get-instance-profile --instance-profile-name nodes --query 'InstanceProfile.Roles[0].Arn'` shows the role; then `kube-iam nodes apply --role-arn ARN` with it
    block mapRoles:2: `arn:aws:iam::111122223333:instance-profile/`reboot`` is an instance profile, and no node logs in as one [instance-profile]
      `aws iam get-instance-profile --instance-profile-name NAME --query 'InstanceProfile.Roles[0].Arn'` shows the role; then `kube-iam nodes apply --role-arn ARN` with it
    --
    block mapRoles:1: a row for nodes can't be read: `username` must be a text, this is a list [row-unreadable]
      `kube-iam check` shows what is wrong with it
    --
    block mapRoles:1: `arn:aws:iam::111122223333:role/nodes` lacks group `system:bootstrappers` [row-incomplete]
      `kube-iam nodes apply --role-arn arn:aws:iam::111122223333:role/nodes`
    --
    block mapRoles:1: the row has no effect: of those of `arn:aws:iam::111122223333:role/nodes` the row in mapRoles:2 counts, which is none for nodes [row-shadowed]
      `kube-iam delete mapping --arn arn:aws:iam::111122223333:role/nodes`, then `kube-iam nodes apply --role-arn arn:aws:iam::111122223333:role/nodes`
    --
    warn mapRoles:1: the row has no effect: of those of `arn:aws:iam::111122223333:role/nodes` the row in mapRoles:2 counts [row-shadowed]
      `kube-iam check --fix`
    ");
}

#[test]
fn a_role_without_a_row_is_named_with_the_reason() {
    let known = || with(not_ready(NAME), instance(Some(NAME), Some("arn:aws:iam::111122223333:role/team/nodes")));
    let elsewhere = ROLE.replace("111122223333", "444455556666");
    let other = ROLE.replace("nodes", "others");
    let ready = with(ready(NAME), instance(Some(NAME), Some(ROLE)));
    let cases = [
        said(&row(&other, RIGHT), &[known()], Some(NAME), None),
        said(&row(&elsewhere, RIGHT), &[known()], Some(ID), None),
        said(&(row(&other, RIGHT) + &row(ROLE, "username: dev, groups: [view]")), &[known()], Some(ID), None),
        said(&row(&other, RIGHT), &[ready], Some(NAME), None),
    ];
    insta::assert_snapshot!(cases.join("--\n"), @"
    block ip-10-0-0-1.eu-west-1.compute.internal: no row lets `arn:aws:iam::111122223333:role/nodes` in [row-missing]
      `kube-iam nodes apply --role-arn arn:aws:iam::111122223333:role/nodes`
    --
    block ip-10-0-0-1.eu-west-1.compute.internal: no row lets `arn:aws:iam::111122223333:role/nodes` in; mapRoles:1 is about a role of that name in another account [wrong-account]
      `kube-iam nodes apply --role-arn arn:aws:iam::111122223333:role/nodes`
    --
    block ip-10-0-0-1.eu-west-1.compute.internal: mapRoles:2 lets `arn:aws:iam::111122223333:role/nodes` in, but not as a node [row-of-others]
      `kube-iam delete mapping --arn arn:aws:iam::111122223333:role/nodes`, then `kube-iam nodes apply --role-arn arn:aws:iam::111122223333:role/nodes`
    --
    warn ip-10-0-0-1.eu-west-1.compute.internal: no row lets `arn:aws:iam::111122223333:role/nodes` in; it is ready all the same: an EKS access entry may let it in [row-missing]
      `kube-iam nodes apply --role-arn arn:aws:iam::111122223333:role/nodes`
    ");
}

#[test]
fn usernames_and_names_must_agree() {
    let fargate = Node {
        provider_id: Some("aws:///eu-west-1a/x/fargate-ip-10-0-0-1".to_owned()),
        ..not_ready("fargate-ip-10-0-0-1.ec2.internal")
    };
    let custom = "node-1.corp.example";
    let cases = [
        said(&row(ROLE, RIGHT), &[not_ready(custom)], Some(custom), None),
        said(&row(ROLE, RIGHT), &[with(not_ready(custom), instance(Some(NAME), Some(ROLE)))], Some(custom), None),
        said(&row(ROLE, RIGHT), &[with(not_ready(NAME), instance(None, Some(ROLE)))], Some(NAME), None),
        said(&row(ROLE, SESSION), &[not_ready(NAME)], Some(NAME), None),
        said(&row(ROLE, RIGHT), std::slice::from_ref(&fargate), Some(&fargate.name), None),
        said(&row(ROLE, &RIGHT.replace("{{EC2PrivateDNSName}}", "other")), &[not_ready(NAME)], Some(NAME), None),
    ];
    insta::assert_snapshot!(cases.join("--\n"), @"
    warn node-1.corp.example: `node-1.corp.example` is not a name that EC2 gives, and mapRoles:1 names nodes as EC2 does [node-name]
      `aws ec2 describe-instances --instance-ids i-0123456789abcdef0 --query 'Reservations[].Instances[].[State.Name,PrivateDnsName,IamInstanceProfile.Arn]'`
    --
    block node-1.corp.example: it is named `node-1.corp.example`, and mapRoles:1 makes it `system:node:ip-10-0-0-1.eu-west-1.compute.internal` [node-name]
      start its kubelet with `--hostname-override` and that name, or give the VPC's DHCP options AWS's own domain name
    --
    block ip-10-0-0-1.eu-west-1.compute.internal: EC2 has no private DNS name for i-0123456789abcdef0, which mapRoles:1 needs [no-private-dns-name]
      `aws ec2 describe-instances --instance-ids i-0123456789abcdef0 --query 'Reservations[].Instances[].[State.Name,PrivateDnsName,IamInstanceProfile.Arn]'`
    --
    block ip-10-0-0-1.eu-west-1.compute.internal: no row makes a node of this name: mapRoles:1 gives the username `system:node:{{SessionName}}` [node-name]
      `kube-iam set mapping --arn arn:aws:iam::111122223333:role/nodes --username 'system:node:{{EC2PrivateDNSName}}'`
    --
    block fargate-ip-10-0-0-1.ec2.internal: fargate nodes have no instance that `{{EC2PrivateDNSName}}` could name, and the rows for nodes use it, as mapRoles:1 [no-private-dns-name]
      `kube-iam nodes apply --kind fargate --role-arn ARN`, with the role of these nodes
    --
    block ip-10-0-0-1.eu-west-1.compute.internal: no row makes a node of this name: mapRoles:1 gives the username `system:node:other` [node-name]
      `kube-iam set mapping --arn arn:aws:iam::111122223333:role/nodes --username 'system:node:{{EC2PrivateDNSName}}'`
    ");
    assert_eq!(said(&row(ROLE, SESSION), &[not_ready(ID)], Some(ID), None), "");
}

#[test]
fn kubelets_say_why_they_are_not_ready_and_move_no_cursor() {
    let with_conditions = |conditions: &[Condition]| Node { conditions: conditions.to_vec(), ..not_ready(NAME) };
    let nodes = [
        with_conditions(&[]),
        with_conditions(&[condition(
            "Ready",
            ConditionStatus::False,
            "KubeletNotReady",
            "container runtime network not ready: cni plugin \u{1b}[2Jnot initialized",
        )]),
        with_conditions(&[
            condition("DiskPressure", ConditionStatus::True, "KubeletHasDiskPressure", ""),
            condition("Ready", ConditionStatus::False, "KubeletNotReady", "PLEG is not healthy"),
        ]),
    ];
    let cases = nodes.map(|node| said(&row(ROLE, RIGHT), &[node], None, None));
    insta::assert_snapshot!(cases.join("--\n"), @r"
    block ip-10-0-0-1.eu-west-1.compute.internal: its kubelet has registered it and reported nothing since [not-ready]
      `aws ssm start-session --target i-0123456789abcdef0`, and there `journalctl -u kubelet`
    --
    block ip-10-0-0-1.eu-west-1.compute.internal: it is not ready: container runtime network not ready: cni plugin \u{1b}[2Jnot initialized (KubeletNotReady) [not-ready]
      `kubectl -n kube-system get pods -l k8s-app=aws-node -o wide`
    --
    block ip-10-0-0-1.eu-west-1.compute.internal: it is not ready: PLEG is not healthy (KubeletNotReady) [not-ready]
      `kubectl describe node ip-10-0-0-1.eu-west-1.compute.internal`
    warn ip-10-0-0-1.eu-west-1.compute.internal: DiskPressure: KubeletHasDiskPressure [node-condition]
      `kubectl describe node ip-10-0-0-1.eu-west-1.compute.internal`
    ");
    let document = document(&row(ROLE, RIGHT));
    let nodes = [not_ready(NAME)];
    let scene = Scene {
        aws_auth: AwsAuth::Read(&document),
        nodes: &nodes,
        instance: None,
        logins: None,
        deciding: Deciding::Unknown,
    };
    let found = why(&scene, Some(NAME)).unwrap();
    assert_eq!(found.iter().map(|one| one.finding.rule).collect::<Vec<_>>(), ["not-reporting"]);
}

#[test]
fn an_instance_that_is_no_node_is_looked_at_by_what_aws_says() {
    let stopped = {
        let mut stopped = instance(None, Some(ROLE));
        stopped.described.runs = false;
        stopped
    };
    let profile = "arn:aws:iam::111122223333:instance-profile/nodes".parse().ok();
    let in_profile = Instance { profile, ..instance(Some(NAME), None).described };
    let cases = [
        said(&row(ROLE, RIGHT), &[], Some(ID), None),
        said(&row(ROLE, RIGHT), &[], Some(ID), Some(&Stray::Unknown)),
        said(&row(ROLE, RIGHT), &[], Some(ID), Some(&Stray::RoleUnknown(stopped.described.clone()))),
        said(&row(ROLE, RIGHT), &[], Some(ID), Some(&Stray::Known(stopped))),
        said(&row(ROLE, RIGHT), &[], Some(ID), Some(&Stray::Known(instance(Some(NAME), None)))),
        said(&row(ROLE, RIGHT), &[], Some(ID), Some(&Stray::RoleUnknown(in_profile))),
    ];
    insta::assert_snapshot!(cases.join("--\n"), @"
    note i-0123456789abcdef0: no node runs on i-0123456789abcdef0, and what EC2 says of it is not known [instance-unknown]
      `aws ec2 describe-instances --instance-ids i-0123456789abcdef0 --query 'Reservations[].Instances[].[State.Name,PrivateDnsName,IamInstanceProfile.Arn]'`
    --
    note i-0123456789abcdef0: no node runs on i-0123456789abcdef0, and EC2 knows no such instance: it is gone, or of another region or account than was asked [instance-unknown]
      `aws ec2 describe-instances --instance-ids i-0123456789abcdef0 --query 'Reservations[].Instances[].[State.Name,PrivateDnsName,IamInstanceProfile.Arn]'`
    --
    block i-0123456789abcdef0: i-0123456789abcdef0 does not run [instance-stopped]
      `aws ec2 describe-instances --instance-ids i-0123456789abcdef0 --query 'Reservations[].Instances[].[State.Name,PrivateDnsName,IamInstanceProfile.Arn]'`
    --
    block i-0123456789abcdef0: i-0123456789abcdef0 does not run [instance-stopped]
      `aws ec2 describe-instances --instance-ids i-0123456789abcdef0 --query 'Reservations[].Instances[].[State.Name,PrivateDnsName,IamInstanceProfile.Arn]'`
    --
    block i-0123456789abcdef0: i-0123456789abcdef0 has no instance profile, so its kubelet has no credentials [no-instance-profile]
      `aws ec2 associate-iam-instance-profile --instance-id i-0123456789abcdef0 --iam-instance-profile Name=NAME`
    --
    note i-0123456789abcdef0: no node runs on i-0123456789abcdef0, and which role its instance profile has is not known [role-unknown]
      `aws iam get-instance-profile --instance-profile-name nodes --query 'InstanceProfile.Roles[0].Arn'` shows the role
    ");
}

#[test]
fn without_aws_auth_that_is_said_once_and_first() {
    let nodes = [with(not_ready(NAME), instance(Some(NAME), Some(ROLE))), not_ready("b")];
    let scene = |aws_auth, deciding| Scene { aws_auth, nodes: &nodes, instance: None, logins: None, deciding };
    let problems = Document::parse(&Data::from([("mapRoles".to_owned(), "- {".to_owned())])).unwrap_err();
    let eks = Deciding::Known(Authenticator::Eks);
    let cases = [
        text(&why(&scene(AwsAuth::Absent, eks), None).unwrap()),
        text(&why(&scene(AwsAuth::Absent, eks), Some(NAME)).unwrap()),
        text(&why(&scene(AwsAuth::Unreadable(&problems), eks), None).unwrap()),
        text(&why(&scene(AwsAuth::Absent, Deciding::NotConsulted), None).unwrap()),
    ];
    insta::assert_snapshot!(cases.join("--\n"), @"
    block aws-auth: aws-auth does not exist, so no node gets in by it [aws-auth-absent]
      `kube-iam nodes apply --role-arn ARN`, with the role of the nodes
    --
    block aws-auth: aws-auth does not exist, so no node gets in by it [aws-auth-absent]
      `kube-iam nodes apply --role-arn arn:aws:iam::111122223333:role/nodes`
    --
    block aws-auth: aws-auth can't be read: `mapRoles` can't be read, line 2, column 1: while parsing a node, did not find expected node content [aws-auth-unreadable]
      `kube-iam check` shows all of it
    --
    block aws-auth: nobody reads aws-auth here: EKS is in authentication mode `API` [not-consulted]
      `aws eks create-access-entry --cluster-name CLUSTER --type EC2_LINUX --principal-arn ARN`
    ");
}

#[test]
fn what_a_server_has_told_of_a_try_needs_no_answer_of_aws() {
    let mut logins = NodeLogins::default();
    let machine = "mi-0123456789abcdef0";
    let now = "2026-01-01T00:00:00Z".parse().unwrap();
    for (session, reason) in [(ID, Reason::NotMapped), (machine, Reason::ReservedUsername)] {
        let arn = alloc::format!("arn:aws:sts::111122223333:assumed-role/nodes/{session}");
        logins.note_denied(&identity(&arn, session), reason, now);
    }
    let document = document(&row(&ROLE.replace("nodes", "others"), RIGHT));
    let said = |asked, instance| {
        let aws_auth = AwsAuth::Read(&document);
        let scene = Scene { aws_auth, nodes: &[], instance, logins: Some(&logins), deciding: Deciding::Unknown };
        text(&why(&scene, Some(asked)).unwrap())
    };
    let known = Stray::Known(instance(Some(NAME), Some(ROLE)));
    let cases = [said(ID, None), said(ID, Some(&Stray::Unknown)), said(ID, Some(&known)), said(machine, None)];
    insta::assert_snapshot!(cases.join("--\n"), @"
    block i-0123456789abcdef0: it tried to log in as `arn:aws:iam::111122223333:role/nodes` at 2026-01-01T00:00:00Z, and was turned away: `not_mapped` [login-denied]
      `kube-iam nodes apply --role-arn arn:aws:iam::111122223333:role/nodes`
    --
    block i-0123456789abcdef0: it tried to log in as `arn:aws:iam::111122223333:role/nodes` at 2026-01-01T00:00:00Z, and was turned away: `not_mapped` [login-denied]
      `kube-iam nodes apply --role-arn arn:aws:iam::111122223333:role/nodes`
    --
    block i-0123456789abcdef0: it tried to log in as `arn:aws:iam::111122223333:role/nodes` at 2026-01-01T00:00:00Z, and was turned away: `not_mapped` [login-denied]
      `kube-iam nodes apply --role-arn arn:aws:iam::111122223333:role/nodes`
    block i-0123456789abcdef0: i-0123456789abcdef0 has no instance profile, so its kubelet has no credentials [no-instance-profile]
      `aws ec2 associate-iam-instance-profile --instance-id i-0123456789abcdef0 --iam-instance-profile Name=NAME`
    --
    block mi-0123456789abcdef0: it tried to log in as `arn:aws:iam::111122223333:role/nodes` at 2026-01-01T00:00:00Z, and was turned away: `reserved_username` [login-denied]
      the log of the server says more: look for `reserved_username` in it
    ");
}

#[test]
fn what_still_tries_and_fails_is_among_all_that_is_kept_out() {
    let mut logins = NodeLogins::default();
    let now = "2026-01-01T00:00:00Z".parse().unwrap();
    let joined = "i-1123456789abcdef0";
    for session in [ID, joined] {
        let arn = alloc::format!("arn:aws:sts::111122223333:assumed-role/others/{session}");
        logins.note_denied(&identity(&arn, session), Reason::NotMapped, now);
    }
    // It has become a node since, by another replica.
    let mut others = NodeLogins::default();
    others.note_granted(&format!("system:node:{NAME}"), "i-2123456789abcdef0", "2026-01-01T00:01:00Z".parse().unwrap());
    logins.absorb(others);
    let node = Node { provider_id: Some(format!("aws:///eu-west-1a/{joined}")), ..ready(NAME) };
    let document = document(&row(ROLE, RIGHT));
    let (aws_auth, nodes) = (AwsAuth::Read(&document), [node]);
    let scene = Scene { aws_auth, nodes: &nodes, instance: None, logins: Some(&logins), deciding: Deciding::Unknown };
    let found = why(&scene, None).unwrap();
    let found: Vec<_> = found.iter().map(|one| (one.about.as_str(), one.finding.rule)).collect();
    assert_eq!(found, [(ID, "login-denied")]);
}

#[test]
fn a_name_of_nothing_is_an_error() {
    let scene =
        Scene { aws_auth: AwsAuth::Absent, nodes: &[], instance: None, logins: None, deciding: Deciding::Unknown };
    let error = why(&scene, Some("no\u{1b}pe")).unwrap_err();
    assert_eq!(error.to_string(), "there is no node `no\\u{1b}pe`, and it is no instance ID");
}
