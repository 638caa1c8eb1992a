use std::borrow::ToOwned as _;
use std::vec::Vec;

use jiff::SignedDuration;

use super::*;
use crate::aws_auth::Data;
use crate::nodes::{Condition, NodeInstance};
use crate::ports::Instance;
use crate::reason::Reason;
use crate::testing::identity;

const ROWS: &str = "\
- {rolearn: 'arn:aws:iam::111122223333:role/Admin', username: admin, groups: [system:masters]}
- {rolearn: 'arn:aws:iam::111122223333:role/a', username: 'system:node:{{EC2PrivateDNSName}}', groups: [system:nodes]}
- {rolearn: 'arn:aws:iam::111122223333:role/b', username: 'system:node:{{EC2PrivateDNSName}}', groups: [system:nodes]}
- {rolearn: 'arn:aws:iam::111122223333:role/f', username: 'system:node:{{SessionName}}', groups: [system:nodes]}
- {rolearn: 'arn:aws:iam::111122223333:role/c', username: 'system:node:{{EC2PrivateDNSName}}', groups: [system:nodes]}
- {rolearn: 'arn:aws:iam::111122223333:role/c', username: person}
";

fn document() -> Document {
    Document::parse(&Data::from([("mapRoles".to_owned(), ROWS.to_owned())])).unwrap()
}

fn node(name: &str, instance: &str, role: Option<&str>) -> Node {
    let described = Instance {
        id: "i-0123456789abcdef0".parse().unwrap(),
        private_dns_name: None,
        account: Some("111122223333".parse().unwrap()),
        runs: true,
        profile: None,
    };
    let instance_of = |role: &str| NodeInstance {
        described: described.clone(),
        role: Some(alloc::format!("arn:aws:iam::111122223333:role/x/{role}").parse().unwrap()),
    };
    Node {
        name: name.to_owned(),
        provider_id: Some(alloc::format!("aws:///eu-west-1a/{instance}")),
        created: Some("2026-01-01T00:00:00Z".parse().unwrap()),
        conditions: Vec::from([Condition {
            name: "Ready".to_owned(),
            status: ConditionStatus::True,
            reason: String::new(),
            message: String::new(),
        }]),
        instance: role.map(instance_of),
        ..Node::default()
    }
}

fn now() -> Timestamp {
    "2026-01-03T05:00:01Z".parse().unwrap()
}

#[test]
fn the_status_is_the_one_that_kubectl_shows() {
    let mut nodes = ["a", "b", "c", "d"].map(|name| node(name, "i-0123456789abcdef0", None));
    nodes[1].conditions[0].status = ConditionStatus::False;
    nodes[2].conditions[0].status = ConditionStatus::Unknown;
    nodes[3].conditions.clear();
    let listing = listing(None, &nodes, Deciding::Unknown, None, now());
    let status: Vec<_> = listing.nodes.iter().map(|node| node.status).collect();
    assert_eq!(status, ["Ready", "NotReady", "NotReady", "Unknown"]);
}

#[test]
fn a_node_of_a_known_role_has_its_row_and_others_those_of_their_kind() {
    let nodes = [
        node("ip-10-0-0-2.ec2.internal", "i-1123456789abcdef0", None),
        node("ip-10-0-0-1.ec2.internal", "i-0123456789abcdef0", Some("a")),
        node("fargate-ip-10-0-0-3", "x/fargate-ip-10-0-0-3", None),
        node("stranger\u{1b}[2J", "i-0123456789abcdef0", Some("z")),
    ];
    let listing = listing(Some(&document()), &nodes, Deciding::Unknown, None, now());
    insta::assert_snapshot!(table(&listing, Columns::Wide), @r"
    NAME                       STATUS   AGE    INSTANCE              ACCOUNT        ROLE      ROW                       LAST-LOGIN   KIND      ROLE-ARN                           ROW-ARN
    fargate-ip-10-0-0-3        Ready    2d5h   <none>                unknown        unknown   mapRoles:4?               unknown      fargate   unknown                            arn:aws:iam::111122223333:role/f
    ip-10-0-0-1.ec2.internal   Ready    2d5h   i-0123456789abcdef0   111122223333   a         mapRoles:2                unknown      linux     arn:aws:iam::111122223333:role/a   arn:aws:iam::111122223333:role/a
    ip-10-0-0-2.ec2.internal   Ready    2d5h   i-1123456789abcdef0   unknown        unknown   mapRoles:2?,mapRoles:3?   unknown      linux     unknown                            arn:aws:iam::111122223333:role/a,arn:aws:iam::111122223333:role/b
    stranger\u{1b}[2J          Ready    2d5h   i-0123456789abcdef0   111122223333   z         <none>                    unknown      linux     arn:aws:iam::111122223333:role/z   <none>
    ");
    insta::assert_snapshot!(names(&listing), @r"
    node/fargate-ip-10-0-0-3
    node/ip-10-0-0-1.ec2.internal
    node/ip-10-0-0-2.ec2.internal
    node/stranger\u{1b}[2J
    ");
}

#[test]
fn rows_without_nodes_are_known_where_roles_are() {
    let nodes = [node("ip-10-0-0-1.ec2.internal", "i-0123456789abcdef0", Some("a"))];
    let listing = listing(Some(&document()), &nodes, Deciding::Unknown, None, now());
    insta::assert_snapshot!(table(&listing, Columns::Usual), @"
    NAME                       STATUS   AGE    INSTANCE              ACCOUNT        ROLE   ROW          LAST-LOGIN
    ip-10-0-0-1.ec2.internal   Ready    2d5h   i-0123456789abcdef0   111122223333   a      mapRoles:2   unknown

    UNUSED-ROW   PRINCIPAL
    mapRoles:3   arn:aws:iam::111122223333:role/b
    mapRoles:4   arn:aws:iam::111122223333:role/f
    ");
    let json = serde_json::to_string_pretty(&listing).unwrap();
    insta::assert_snapshot!(json, @r#"
    {
      "nodes": [
        {
          "name": "ip-10-0-0-1.ec2.internal",
          "status": "Ready",
          "kind": "linux",
          "instanceID": "i-0123456789abcdef0",
          "account": "111122223333",
          "role": "arn:aws:iam::111122223333:role/a",
          "rows": [
            {
              "section": "mapRoles",
              "line": 2,
              "principal": "arn:aws:iam::111122223333:role/a"
            }
          ],
          "letInBy": "role",
          "created": "2026-01-01T00:00:00Z",
          "lastLogin": null
        }
      ],
      "failingInstances": null,
      "unusedRows": [
        {
          "section": "mapRoles",
          "line": 3,
          "principal": "arn:aws:iam::111122223333:role/b"
        },
        {
          "section": "mapRoles",
          "line": 4,
          "principal": "arn:aws:iam::111122223333:role/f"
        }
      ]
    }
    "#);
}

#[test]
fn without_a_document_or_where_nobody_reads_it_no_row_lets_anybody_in() {
    let nodes = [node("ip-10-0-0-1.ec2.internal", "i-0123456789abcdef0", None)];
    for (document, deciding) in [(None, Deciding::Unknown), (Some(document()), Deciding::NotConsulted)] {
        let listing = listing(document.as_ref(), &nodes, deciding, None, now());
        assert_eq!((listing.nodes[0].rows.len(), listing.unused_rows.len()), (0, 0));
    }
    assert_eq!(table(&listing(None, &[], Deciding::Unknown, None, now()), Columns::Usual), "");
}

#[test]
fn logins_and_failing_instances_are_shown_as_far_as_a_server_tells() {
    let nodes = [
        node("ip-10-0-0-1.ec2.internal", "i-0123456789abcdef0", Some("a")),
        node("ip-10-0-0-2.ec2.internal", "i-1123456789abcdef0", None),
        node("mi-0123456789abcdef0", "", None),
    ];
    let ago = |seconds: i64| now() - SignedDuration::from_secs(seconds);
    let mut logins = NodeLogins::default();
    for (session, role, seconds) in [
        ("i-0123456789abcdef0", "a", 100),
        ("i-2123456789abcdef0", "b", 130),
        ("mi-0123456789abcdef0", "h", 50),
        ("mi-1123456789abcdef0", "h", 50),
    ] {
        let arn = alloc::format!("arn:aws:sts::111122223333:assumed-role/{role}/{session}");
        logins.note_denied(&identity(&arn, session), Reason::NotMapped, ago(seconds));
    }
    // Let in by another replica, which does not know of the tries before, or is not asked since.
    let mut other = NodeLogins::default();
    other.note_granted("system:node:ip-10-0-0-1.ec2.internal", "x", ago(90));
    other.note_granted("system:node:mi-0123456789abcdef0", "x", ago(60));
    logins.absorb(other);
    let listing = listing(Some(&document()), &nodes, Deciding::Unknown, Some(&logins), now());
    insta::assert_snapshot!(table(&listing, Columns::Usual), @"
    NAME                       STATUS   AGE    INSTANCE              ACCOUNT        ROLE      ROW                                   LAST-LOGIN
    ip-10-0-0-1.ec2.internal   Ready    2d5h   i-0123456789abcdef0   111122223333   a         mapRoles:2                            90s
    ip-10-0-0-2.ec2.internal   Ready    2d5h   i-1123456789abcdef0   unknown        unknown   mapRoles:2?,mapRoles:3?               not seen
    mi-0123456789abcdef0       Ready    2d5h   <none>                unknown        unknown   mapRoles:2?,mapRoles:3?,mapRoles:4?   60s

    FAILING-INSTANCE       REASON       ROLE-ARN                           LAST-TRY
    i-2123456789abcdef0    not_mapped   arn:aws:iam::111122223333:role/b   2m10s
    mi-0123456789abcdef0   not_mapped   arn:aws:iam::111122223333:role/h   50s
    mi-1123456789abcdef0   not_mapped   arn:aws:iam::111122223333:role/h   50s
    ");
    let json = serde_json::to_value(&listing).unwrap();
    assert_eq!(json["nodes"][0]["lastLogin"], "2026-01-03T04:58:31Z");
    insta::assert_snapshot!(json["failingInstances"][0], @r#"{"instanceID":"i-2123456789abcdef0","lastTry":"2026-01-03T04:57:51Z","reason":"not_mapped","role":"arn:aws:iam::111122223333:role/b"}"#);
    assert_eq!(json["failingInstances"].as_array().unwrap().len(), 3);
}

#[test]
fn ages_are_as_coarse_as_kubectls() {
    for (seconds, text) in [
        (-5, "0s"),
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (121, "2m1s"),
        (599, "9m59s"),
        (600, "10m"),
        (10_799, "179m"),
        (10_800, "3h"),
        (28_799, "7h59m"),
        (28_800, "8h"),
        (172_799, "47h"),
        (172_800, "2d"),
        (691_199, "7d23h"),
        (691_200, "8d"),
    ] {
        assert_eq!(age(seconds), text);
    }
}
