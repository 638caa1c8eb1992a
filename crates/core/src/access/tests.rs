use std::string::ToString as _;
use std::vec::Vec;
use std::{format, vec};

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::*;
use crate::authenticator::{Authenticator, Deciding, Mappings};
use crate::aws_auth::{Document, Section};
use crate::listing::{Filter, listing};
use crate::owners::Owners;
use crate::rbac::{API_VERSION, List, Policy, RbacKind, Request};

const OURS: Deciding = Deciding::Known(Authenticator::KubeIam);
const GO: Deciding = Deciding::Known(Authenticator::AwsIamAuthenticator);

fn mappings(roles: &str, users: &str, accounts: &str) -> Mappings {
    Mappings::read(|section| {
        Some(match section {
            Section::MapRoles => roles,
            Section::MapUsers => users,
            Section::MapAccounts => accounts,
        })
    })
}

#[expect(clippy::needless_pass_by_value, reason = "read by value, a table of objects is easier on the eye")]
fn object(kind: RbacKind, namespace: Option<&str>, name: &str, rest: Value) -> Value {
    let mut object = json!({ "metadata": { "name": name, "namespace": namespace }, "kind": kind.name() });
    object.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
    object
}

#[expect(clippy::needless_pass_by_value, reason = "as above")]
fn list(kind: RbacKind, items: Vec<Value>) -> List {
    let mut list = List::of(kind);
    let page = json!({ "kind": format!("{}List", kind.name()), "apiVersion": API_VERSION, "items": items });
    list.read(page.to_string().as_bytes()).unwrap();
    list
}

fn rule(verbs: &[&str], group: &str, resources: &[&str]) -> Value {
    json!({ "verbs": verbs, "apiGroups": [group], "resources": resources })
}

#[expect(clippy::needless_pass_by_value, reason = "as above")]
fn cluster_role(name: &str, rules: Value) -> Value {
    object(RbacKind::ClusterRole, None, name, json!({ "rules": rules }))
}

fn binding(namespace: Option<&str>, name: &str, subject: (&str, &str), role: (&str, &str)) -> Value {
    let kind = if namespace.is_some() { RbacKind::RoleBinding } else { RbacKind::ClusterRoleBinding };
    let subjects = match subject.0 {
        "ServiceAccount" => json!([{ "kind": subject.0, "name": subject.1, "namespace": "apps" }]),
        _ => json!([{ "kind": subject.0, "name": subject.1 }]),
    };
    let rest = json!({ "subjects": subjects, "roleRef": { "kind": role.0, "name": role.1 } });
    object(kind, namespace, name, rest)
}

fn lists() -> Vec<List> {
    vec![
        list(
            RbacKind::ClusterRole,
            vec![
                cluster_role("view", json!([rule(&["get", "list"], "", &["pods", "services"])])),
                cluster_role("edit", json!([rule(&["*"], "apps", &["deployments"])])),
                cluster_role("metrics", json!([{ "verbs": ["get"], "nonResourceURLs": ["/metrics"] }])),
            ],
        ),
        list(
            RbacKind::Role,
            vec![object(
                RbacKind::Role,
                Some("shop"),
                "secrets",
                json!({ "rules": [rule(&["get"], "", &["secrets"])] }),
            )],
        ),
        list(
            RbacKind::ClusterRoleBinding,
            vec![
                binding(None, "viewers", ("Group", "viewers"), ("ClusterRole", "view")),
                binding(None, "alice", ("User", "dev:alice"), ("ClusterRole", "edit")),
                binding(None, "robot", ("ServiceAccount", "robot"), ("ClusterRole", "view")),
                binding(None, "gone", ("Group", "viewers"), ("ClusterRole", "gone\u{1b}[2J")),
                binding(None, "everybody", ("Group", "system:authenticated"), ("ClusterRole", "metrics")),
            ],
        ),
        list(RbacKind::RoleBinding, vec![binding(Some("shop"), "secrets", ("Group", "shop<b>"), ("Role", "secrets"))]),
    ]
}

fn policy() -> Policy {
    Policy::new(lists())
}

fn role(name: &str) -> Arn {
    format!("arn:aws:iam::111122223333:role/{name}").parse().unwrap()
}

use crate::arn::Arn;

const ROLES: &str = "\
- {rolearn: 'arn:aws:iam::111122223333:role/view', username: viewer, groups: [viewers, nowhere]}
- {rolearn: 'arn:aws:iam::111122223333:role/dev', username: 'dev:{{SessionName}}'}
- {rolearn: 'arn:aws:iam::111122223333:role/team/path', username: path, groups: ['shop<b>']}
- {rolearn: 'arn:aws:iam::111122223333:role/admin', groups: ['system:masters']}
- {rolearn: 'arn:aws:iam::111122223333:role/half', username: 5, groups: [viewers]}
";

fn ask(words: &str) -> Request {
    let mut words = words.split(' ');
    let (verb, what, namespace) = (words.next().unwrap(), words.next().unwrap(), words.next());
    Asked::parse(verb, what, None).unwrap().request(&Resources::known(), namespace)
}

fn verdict(deciding: Deciding, arn: &Arn, words: &str) -> Verdict {
    let (mappings, policy) = (mappings(ROLES, "", ""), policy());
    Scene::new(Ok(&mappings), deciding, false, &policy).can_i(arn, &ask(words)).verdict
}

#[test]
fn a_row_its_groups_bindings_and_roles_decide() {
    for (who, words, wanted) in [
        ("view", "list pods", Verdict::Yes),
        ("view", "list pods shop", Verdict::Yes),
        ("view", "delete pods", Verdict::No),
        ("view", "get secrets shop", Verdict::No),
        ("view", "get /metrics", Verdict::Yes),
        ("admin", "delete nodes", Verdict::Yes),
        ("nobody", "get /metrics", Verdict::No),
    ] {
        for deciding in [OURS, GO, Deciding::Unknown] {
            assert_eq!(verdict(deciding, &role(who), words), wanted, "{who} {words} {deciding:?}");
        }
    }
}

#[test]
fn authenticators_that_differ_leave_it_unknown() {
    assert_eq!(verdict(OURS, &role("path"), "get secrets shop"), Verdict::Yes);
    assert_eq!(verdict(GO, &role("path"), "get secrets shop"), Verdict::No);
    assert_eq!(verdict(Deciding::Unknown, &role("path"), "get secrets shop"), Verdict::Unknown);
    assert_eq!(verdict(Deciding::Unknown, &role("path"), "delete nodes"), Verdict::No);
    // A row that is only half read may give anything.
    assert_eq!(verdict(GO, &role("half"), "list pods"), Verdict::Unknown);
    assert_eq!(verdict(Deciding::NotConsulted, &role("admin"), "list pods"), Verdict::Unknown);
}

#[test]
fn what_only_a_login_tells_is_unknown_until_a_session_is_named() {
    let session = |name: &str| format!("arn:aws:sts::111122223333:assumed-role/dev/{name}").parse::<Arn>().unwrap();
    assert_eq!(verdict(OURS, &role("dev"), "create deploy"), Verdict::Unknown);
    assert_eq!(verdict(OURS, &session("alice"), "create deployments.apps"), Verdict::Yes);
    assert_eq!(verdict(OURS, &session("bob"), "create deployments.v1.apps"), Verdict::No);
    assert_eq!(verdict(OURS, &role("dev"), "get pods"), Verdict::No);
}

#[test]
fn what_was_not_read_is_never_a_no() {
    let (roles, all) = (mappings(ROLES, "", ""), policy());
    let unread = Scene::new(Err("`get` is not allowed"), OURS, false, &all);
    assert_snapshot!(unread.can_i(&role("view"), &ask("delete pods")).text(), @"
    unknown
    row      unknown
    unknown  aws-auth was not read: `get` is not allowed
    ");
    let broken = mappings("- [", "", "");
    let verdict = Scene::new(Ok(&broken), OURS, false, &all).can_i(&role("view"), &ask("list pods")).verdict;
    assert_eq!(verdict, Verdict::Unknown);
    let entries = Scene::new(Ok(&roles), GO, true, &all);
    assert_eq!(entries.can_i(&role("nobody"), &ask("list pods")).verdict, Verdict::Unknown);
    assert_eq!(entries.can_i(&role("view"), &ask("list pods")).verdict, Verdict::Yes);

    let mut lists = lists();
    lists[3] = List::of(RbacKind::RoleBinding);
    lists[3].stop("`list` is\u{1b}[2J not allowed");
    let part = Policy::new(lists);
    let scene = Scene::new(Ok(&roles), OURS, false, &part);
    assert_eq!(scene.can_i(&role("view"), &ask("delete pods")).verdict, Verdict::No);
    assert_eq!(scene.can_i(&role("view"), &ask("list pods shop")).verdict, Verdict::Yes);
    assert_snapshot!(scene.can_i(&role("view"), &ask("delete pods shop")).text(), @r"
    unknown
    row      line 1 of mapRoles: username `viewer`, groups `viewers`, `nowhere`
    unknown  the RoleBindings of namespace `shop` were not read: `list` is\u{1b}[2J not allowed
    ");
    assert_snapshot!(scene.list(None, None).table(false), @r"
    PRINCIPAL                              NAMESPACE   ACCESS     ROLES
    arn:aws:iam::111122223333:role/view    *           view       clusterrole/gone\u{1b}[2J (missing),clusterrole/view
    arn:aws:iam::111122223333:role/dev     *           nothing?   <none>
    arn:aws:iam::111122223333:role/path    *           nothing?   <none>
    arn:aws:iam::111122223333:role/admin   *           masters    <none>
    system:authenticated                   *           custom     clusterrole/metrics
    ");
}

#[test]
fn everybody_who_may_is_found() {
    let roles =
        mappings(ROLES, "- {userarn: 'arn:aws:iam::111122223333:user/ann', username: dev:alice}", "['444455556666']");
    let policy = policy();
    let scene = Scene::new(Ok(&roles), Deciding::Unknown, false, &policy);
    assert_snapshot!(scene.who_can(&ask("create deployments")).text(), @"
    PRINCIPAL                              ROW                  USERNAME                               CAN       BY
    arn:aws:iam::111122223333:role/dev     line 2 of mapRoles   dev:{{SessionName}}                    perhaps   user `dev:alice` → `clusterrolebinding/alice` → `clusterrole/edit`
    arn:aws:iam::111122223333:role/admin   line 4 of mapRoles   arn:aws:iam::111122223333:role/admin   yes       group `system:masters`
    arn:aws:iam::111122223333:user/ann     line 1 of mapUsers   dev:alice                              yes       user `dev:alice` → `clusterrolebinding/alice` → `clusterrole/edit`

    perhaps  arn:aws:iam::111122223333:role/dev: `dev:{{SessionName}}` may be user `dev:alice`, which only the login tells
    ");
    assert_snapshot!(scene.who_can(&ask("list pods")).text(), @"
    PRINCIPAL                              ROW                  USERNAME                               CAN   BY
    arn:aws:iam::111122223333:role/view    line 1 of mapRoles   viewer                                 yes   group `viewers` → `clusterrolebinding/viewers` → `clusterrole/view`
    arn:aws:iam::111122223333:role/admin   line 4 of mapRoles   arn:aws:iam::111122223333:role/admin   yes   group `system:masters`

    SUBJECT          NAME         BY
    ServiceAccount   apps/robot   `clusterrolebinding/robot` → `clusterrole/view`
    ");
    assert_snapshot!(scene.who_can(&ask("get secrets shop")).text(), @"
    PRINCIPAL                              ROW                  USERNAME                               CAN       BY
    arn:aws:iam::111122223333:role/path    line 3 of mapRoles   path                                   perhaps   group `shop<b>` → `rolebinding/secrets` in namespace `shop` → `role/secrets` in namespace `shop`
    arn:aws:iam::111122223333:role/admin   line 4 of mapRoles   arn:aws:iam::111122223333:role/admin   yes       group `system:masters`

    perhaps  arn:aws:iam::111122223333:role/path: kube-iam and aws-iam-authenticator differ about its rows, and which of them decides is not known
    ");
    let json: Value = serde_json::from_str(&scene.who_can(&ask("get secrets shop")).json()).unwrap();
    assert_eq!((&json["principals"][0]["certain"], &json["unknown"]), (&json!(false), &json!([])));
}

#[test]
fn every_link_is_shown_with_what_it_lacks() {
    let policy = policy();
    let explain = |deciding, arn: &Arn| {
        let roles = mappings(ROLES, "", "");
        let data = [("mapRoles".to_string(), ROLES.to_string())].into_iter().collect();
        let mut listed = listing(&Document::parse(&data).unwrap(), &Owners::default(), deciding);
        Filter { principal: Some(arn.to_string()), ..Filter::default() }.apply(&mut listed);
        let scene = Scene::new(Ok(&roles), deciding, false, &policy);
        let explanation = scene.explain(arn, listed);
        assert!(serde_json::from_str::<Value>(&explanation.json()).unwrap()["rows"].is_array());
        explanation.text()
    };
    assert_snapshot!(explain(OURS, &role("view")), @r"
    arn:aws:iam::111122223333:role/view
    row      line 1 of mapRoles: `arn:aws:iam::111122223333:role/view` Active
    user     line 1 of mapRoles: username `viewer`, groups `viewers`, `nowhere`

    user `viewer`
      nothing is bound to it

    group `viewers`
      → `clusterrolebinding/gone` → `clusterrole/gone\u{1b}[2J`: missing: there is no such role
      → `clusterrolebinding/viewers` → `clusterrole/view`
          get, list on pods, services

    group `nowhere`
      nothing is bound to it

    group `system:authenticated`, added by kube-apiserver
      → `clusterrolebinding/everybody` → `clusterrole/metrics`
          get on /metrics
    ");
    assert_snapshot!(explain(GO, &role("path")), @"
    arn:aws:iam::111122223333:role/path
    row      line 3 of mapRoles: `arn:aws:iam::111122223333:role/team/path` NeverMatches: it matches only where kube-iam decides: its ARN shows the path of the role
    user     none: no row lets it in
    ");
    assert_snapshot!(explain(OURS, &role("dev")), @"
    arn:aws:iam::111122223333:role/dev
    row      line 2 of mapRoles: `arn:aws:iam::111122223333:role/dev` Active
    user     line 2 of mapRoles: username `dev:{{SessionName}}`, no group

    user `dev:{{SessionName}}`, of which the login tells the rest
      → `clusterrolebinding/alice` → `clusterrole/edit`
          * on deployments of apps

    group `system:authenticated`, added by kube-apiserver
      → `clusterrolebinding/everybody` → `clusterrole/metrics`
          get on /metrics
    ");
    assert_snapshot!(explain(Deciding::Unknown, &role("nobody")), @"
    arn:aws:iam::111122223333:role/nobody
    row      missing: aws-auth has none about it
    user     none: no row lets it in
    ");
}

#[test]
fn rights_are_listed_for_each_place() {
    let (roles, policy) = (mappings(ROLES, "", "['444455556666']"), policy());
    let scene = Scene::new(Ok(&roles), OURS, false, &policy);
    assert_snapshot!(scene.list(None, None).table(true), @r"
    PRINCIPAL                              NAMESPACE   ACCESS     ROLES                                                  USERNAME                                             GROUPS                 ROW
    arn:aws:iam::111122223333:role/view    *           view       clusterrole/gone\u{1b}[2J (missing),clusterrole/view   viewer                                               viewers,nowhere        mapRoles:1
    arn:aws:iam::111122223333:role/dev     *           nothing?   <none>                                                 dev:{{SessionName}}                                  <none>                 mapRoles:2
    arn:aws:iam::111122223333:role/path    shop        custom     role/secrets                                           path                                                 shop<b>                mapRoles:3
    arn:aws:iam::111122223333:role/admin   *           masters    <none>                                                 arn:aws:iam::111122223333:role/admin                 system:masters         mapRoles:4
    444455556666                           *           nothing?   <none>                                                 the ARN of whoever logs in of account 444455556666   <none>                 mapAccounts
    system:authenticated                   *           custom     clusterrole/metrics                                    <none>                                               system:authenticated   <none>
    ");
    assert_snapshot!(scene.list(Some(&role("path")), Some("shop")).csv(), @"
    principal,namespace,access,roles,username,groups,row
    arn:aws:iam::111122223333:role/path,shop,custom,role/secrets,path,shop<b>,mapRoles:3
    system:authenticated,*,custom,clusterrole/metrics,,system:authenticated,
    ");
    let json: Value = serde_json::from_str(&scene.list(Some(&role("view")), None).json()).unwrap();
    assert_eq!(json["rights"][0]["access"], "view");
    assert!(scene.list(Some(&role("nobody")), Some("shop")).rights.iter().all(|right| right.section.is_none()));
}

#[test]
fn tables_for_other_programs_hold_no_formulas() {
    let roles =
        mappings("- {rolearn: 'arn:aws:iam::111122223333:role/x', username: '=1+\"2\"', groups: ['a,b']}", "", "");
    let policy = Policy::new(lists());
    let csv = Scene::new(Ok(&roles), OURS, false, &policy).list(Some(&role("x")), None).csv();
    assert!(csv.contains(",\"'=1+\"\"2\"\"\",\"a,b\","), "{csv}");
}

#[test]
fn words_become_requests_as_kubectl_takes_them() {
    let text = |words: &str| match ask(words) {
        Request::Path { verb, path } => format!("{verb} {path}"),
        Request::Resource(asked) => format!(
            "{} {}/{}/{} {}",
            asked.verb,
            asked.group,
            asked.resource,
            asked.subresource.unwrap_or_default(),
            asked.namespace.unwrap_or_default()
        ),
    };
    for (words, wanted) in [
        ("get po n", "get /pods/ n"),
        ("create pods/exec n", "create /pods/exec n"),
        ("get Deploy n", "get apps/deployments/ n"),
        ("get deployments.v1.apps n", "get apps/deployments/ n"),
        ("get events.events.k8s.io n", "get events.k8s.io/events/ n"),
        ("get nodes n", "get /nodes/ "),
        ("get widgets.example.com/status n", "get example.com/widgets/status n"),
        ("* * n", "* /*/ n"),
        ("get /healthz n", "get /healthz"),
    ] {
        assert_eq!(text(words), wanted, "{words}");
    }
    for (verb, what, name) in [("", "pods", None), ("get", "", None), ("get", "pods/", None), ("get", "/x", Some("y"))]
    {
        assert!(Asked::parse(verb, what, name).is_err(), "{verb} {what}");
    }
}
