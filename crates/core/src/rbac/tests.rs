use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;
use std::format;
use std::string::String;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::limits;

fn page(kind: RbacKind, items: &[Value]) -> Vec<u8> {
    json!({ "kind": format!("{}List", kind.name()), "apiVersion": API_VERSION, "items": items })
        .to_string()
        .into_bytes()
}

fn list(kind: RbacKind, items: &[Value]) -> List {
    let mut list = List::of(kind);
    assert_eq!(list.read(&page(kind, items)), Ok(None));
    list
}

fn named(namespace: Option<&str>, name: &str, mut content: Value) -> Value {
    content["metadata"] = json!({ "name": name, "namespace": namespace });
    content
}

fn role(namespace: Option<&str>, name: &str, rules: &Value) -> Value {
    named(namespace, name, json!({ "rules": rules }))
}

fn binding(namespace: Option<&str>, name: &str, role: &str, subjects: &Value) -> Value {
    let (kind, name_of_role) = role.split_once('/').unwrap();
    named(namespace, name, json!({ "roleRef": { "kind": kind, "name": name_of_role }, "subjects": subjects }))
}

fn group(name: &str) -> Value {
    json!([{ "kind": "Group", "name": name }])
}

/// All four lists, in the order of [`RbacKind::ALL`].
fn lists(items: [&[Value]; 4]) -> [List; 4] {
    let mut items = items.into_iter();
    RbacKind::ALL.map(|kind| list(kind, items.next().unwrap()))
}

fn pods(verbs: &[&str]) -> Value {
    json!([{ "apiGroups": [""], "resources": ["pods"], "verbs": verbs }])
}

/// A request as `VERB RESOURCE[/SUBRESOURCE][.GROUP][ NAME]`, or `VERB /PATH`.
fn request(text: &str, namespace: Option<&str>) -> Request {
    let (verb, rest) = text.split_once(' ').unwrap();
    if rest.starts_with('/') {
        return Request::Path { verb: verb.into(), path: rest.into() };
    }
    let (resource, name) = rest.split_once(' ').map_or((rest, None), |(resource, name)| (resource, Some(name.into())));
    let (resource, group) = resource.split_once('.').unwrap_or((resource, ""));
    let (resource, subresource) = resource.split_once('/').map_or((resource, None), |(a, b)| (a, Some(b.into())));
    Request::Resource(ResourceRequest {
        verb: verb.into(),
        group: group.into(),
        resource: resource.into(),
        subresource,
        namespace: namespace.map(Into::into),
        name,
    })
}

fn in_group(name: &str) -> Requester {
    Requester { username: "alice".into(), groups: vec![name.into()] }
}

/// Chains as `SUBJECT < BINDING < ROLE RULES`.
fn shown(answer: &Answer<'_>) -> Vec<String> {
    let chain = |chain: &Chain<'_>| match chain {
        Chain::Masters => MASTERS.to_string(),
        Chain::Bound { subject, binding, role, rules } => {
            format!("{subject} < {} < {} {rules:?}", binding.reference(), role.reference())
        }
    };
    match answer {
        Answer::Granted(chains) => chains.iter().map(chain).collect(),
        Answer::NotGranted => vec!["no".into()],
        Answer::Unknown(missing) => missing.iter().map(|missing| format!("? {missing}")).collect(),
    }
}

#[test]
fn rules_fit_as_in_kubernetes() {
    let rule = |rule: Value| {
        let list = list(RbacKind::ClusterRole, &[role(None, "r", &json!([rule]))]);
        Policy::new([list]).roles()[0].rules[0].clone()
    };
    let fits = |allowed: Value, asked: &str| rule(allowed).allows(&request(asked, None));
    let resources = |names: Value| json!({ "apiGroups": [""], "resources": names, "verbs": ["get"] });
    for (names, asked, expected) in [
        (json!(["pods"]), "get pods", true),
        (json!(["pods"]), "get pods/log", false),
        (json!(["pods/log"]), "get pods", false),
        (json!(["pods/log"]), "get pods/log", true),
        (json!(["pods/log"]), "get podsx/log", false),
        (json!(["pods/*"]), "get pods/log", false),
        (json!(["*/log"]), "get pods/log", true),
        (json!(["*/log"]), "get pods/xlog", false),
        (json!(["*/log"]), "get pods", false),
        (json!(["*/"]), "get pods", false),
        (json!(["*"]), "get pods/log", true),
        (json!(["*"]), "list pods", false),
        (json!(["*"]), "get pods.apps", false),
        (json!(["Pods"]), "get pods", false),
        (json!([]), "get pods", false),
        (json!(null), "get pods", false),
    ] {
        assert_eq!(fits(resources(names.clone()), asked), expected, "{names} {asked}");
    }
    let names =
        |names: Value| json!({ "apiGroups": ["*"], "resources": ["*"], "verbs": ["*"], "resourceNames": names });
    for (allowed, asked, expected) in [
        (json!(["a"]), "get pods a", true),
        (json!(["a"]), "get pods b", false),
        (json!(["a"]), "list pods", false),
        (json!(["a"]), "create pods", false),
        (json!(["*"]), "get pods a", false),
        (json!([""]), "list pods", true),
        (json!([]), "list pods", true),
    ] {
        assert_eq!(fits(names(allowed.clone()), asked), expected, "{allowed} {asked}");
    }
    let paths = |urls: Value| json!({ "nonResourceURLs": urls, "verbs": ["get"] });
    for (urls, asked, expected) in [
        (json!(["/healthz"]), "get /healthz", true),
        (json!(["/healthz"]), "get /healthz/etcd", false),
        (json!(["/healthz/*"]), "get /healthz/etcd", true),
        (json!(["/healthz/*"]), "get /healthz", false),
        (json!(["/healthz**"]), "get /healthz", true),
        (json!(["/*/etcd"]), "get /healthz/etcd", false),
        (json!(["*"]), "get /x", true),
        (json!(["*"]), "post /x", false),
        (json!(["*"]), "get pods", false),
    ] {
        assert_eq!(fits(paths(urls.clone()), asked), expected, "{urls} {asked}");
    }
}

#[test]
fn chains_lead_from_the_subject_to_the_rules() {
    let policy = Policy::new(lists([
        &[
            role(None, "reader", &json!([pods(&["list"])[0], pods(&["get"])[0], pods(&["*"])[0]])),
            role(None, "paths", &json!([{ "nonResourceURLs": ["/logs/*"], "verbs": ["get"] }])),
        ],
        &[role(Some("apps"), "reader", &pods(&["get"]))],
        &[
            binding(None, "all", "ClusterRole/reader", &group("ops")),
            binding(None, "lost", "ClusterRole/nothing", &group("ops")),
            binding(None, "odd", "Role/reader", &group("devs")),
            binding(None, "paths", "ClusterRole/paths", &group("ops")),
        ],
        &[
            binding(Some("apps"), "paths", "ClusterRole/paths", &group("devs")),
            binding(
                Some("apps"),
                "readers",
                "Role/reader",
                &json!([
                    { "kind": "Group", "name": "devs" }, { "kind": "User", "name": "alice" },
                    { "kind": "ServiceAccount", "name": "robot" }, { "kind": "ServiceAccount", "name": "robot", "namespace": "ci" },
                    { "kind": "group", "name": "lower" },
                ]),
            ),
            binding(Some("web"), "readers", "Role/reader", &group("devs")),
        ],
    ]));
    let can = |who: &Requester, asked: &str, namespace| shown(&policy.can(who, &request(asked, namespace)));
    let (ops, devs) = (in_group("ops"), in_group("devs"));
    let all = "group `ops` < `clusterrolebinding/all` < `clusterrole/reader` [1, 2]";
    assert_eq!(can(&ops, "get pods", None), [all]);
    assert_eq!(can(&ops, "get pods", Some("web")), [all]);
    assert_eq!(can(&ops, "get pods", Some("")), [all]);
    let by = |subject: &str| {
        format!("{subject} < `rolebinding/readers` in namespace `apps` < `role/reader` in namespace `apps` [0]")
    };
    assert_eq!(can(&devs, "get pods", Some("apps")), [by("group `devs`"), by("user `alice`")]);
    for namespace in [None, Some("web"), Some("app"), Some("apps2")] {
        assert_eq!(can(&devs, "get pods", namespace), ["no"], "{namespace:?}");
    }
    assert_eq!(can(&in_group("lower"), "get pods", Some("apps")), [by("user `alice`")]);
    for (namespace, granted) in [("apps", true), ("ci", true), ("web", false)] {
        let robot = Requester::service_account(namespace, "robot");
        let expected = if granted { by(&format!("service account `{namespace}/robot`")) } else { "no".into() };
        assert_eq!(can(&robot, "get pods", Some("apps")), [expected]);
    }
    assert_eq!(can(&ops, "get /logs/x", None), ["group `ops` < `clusterrolebinding/paths` < `clusterrole/paths` [0]"]);
    assert_eq!(can(&devs, "get /logs/x", None), ["no"]);
    let masters = Requester { username: "root".into(), groups: vec![MASTERS.into(), "ops".into()] };
    assert_eq!(can(&masters, "get pods", None), [MASTERS, all]);
    assert_eq!(can(&masters, "explode stars.sky", None), [MASTERS]);

    let who = policy.who_can(&request("get pods", Some("apps")));
    let who: Vec<_> = who.allowed.iter().map(|allowed| (allowed.subject.to_string(), allowed.chains.len())).collect();
    let expected = [("group `devs`", 1), ("group `ops`", 1), ("group `system:masters`", 1), ("user `alice`", 1)];
    let robots = [("service account `apps/robot`", 1), ("service account `ci/robot`", 1)];
    assert_eq!(
        who,
        expected.into_iter().chain(robots).map(|(name, count)| (name.to_string(), count)).collect::<Vec<_>>()
    );

    let problems: Vec<_> = policy.problems().iter().map(ToString::to_string).collect();
    assert_eq!(
        problems,
        [
            "`rolebinding/readers` in namespace `apps`: nobody is a `group`",
            "`clusterrolebinding/lost`: `clusterrole/nothing`, which it gives, does not exist",
            "`clusterrolebinding/odd`: `role/reader`, which it gives, does not exist",
            "`rolebinding/readers` in namespace `web`: `role/reader` in namespace `web`, which it gives, does not exist",
        ]
    );
    let given: Vec<_> = policy
        .bound(&ops)
        .iter()
        .map(|bound| (bound.binding.name.to_string(), matches!(bound.role, Given::Dangling)))
        .collect();
    assert_eq!(
        given,
        [("all".into(), false), ("lost".into(), true), ("paths".into(), false), ("readers".into(), false)]
    );
    assert_eq!(policy.namespaces().collect::<Vec<_>>(), ["apps", "web"]);
}

#[test]
fn what_was_not_read_is_never_a_no() {
    let complete = || {
        lists([
            &[role(None, "c", &pods(&["get"]))],
            &[role(Some("apps"), "r", &pods(&["get"]))],
            &[binding(None, "cb", "ClusterRole/c", &group("ops"))],
            &[
                binding(Some("apps"), "rb", "Role/r", &group("devs")),
                binding(Some("apps"), "rc", "ClusterRole/c", &group("qa")),
            ],
        ])
    };
    let without = |kind: RbacKind, change: fn(&mut List)| {
        Policy::new(complete().map(|mut list| {
            if list.kind() == kind {
                list = List::of(kind);
                change(&mut list);
            }
            list
        }))
    };
    let forbidden = |list: &mut List| list.stop("it is forbidden");
    let asked = request("get pods", Some("apps"));
    let answer = |policy: &Policy, who: &str| shown(&policy.can(&in_group(who), &asked));
    let all = Policy::new(complete());
    assert!(["ops", "devs", "qa"].iter().all(|who| matches!(all.can(&in_group(who), &asked), Answer::Granted(_))));
    assert_eq!(answer(&all, "nobody"), ["no"]);

    let policy = without(RbacKind::ClusterRoleBinding, forbidden);
    assert_eq!(answer(&policy, "ops"), ["? the ClusterRoleBindings were not read: it is forbidden"]);
    assert!(matches!(policy.can(&in_group("devs"), &asked), Answer::Granted(_)));
    let policy = without(RbacKind::RoleBinding, forbidden);
    assert_eq!(answer(&policy, "devs"), ["? the RoleBindings of namespace `apps` were not read: it is forbidden"]);
    assert_eq!(shown(&policy.can(&in_group("devs"), &request("get nodes", None))), ["no"]);
    let policy = without(RbacKind::ClusterRole, forbidden);
    assert_eq!(
        answer(&policy, "ops"),
        ["? `clusterrole/c`, given by `clusterrolebinding/cb`, was not read: it is forbidden"]
    );
    assert_eq!(answer(&policy, "nobody"), ["no"]);
    assert_eq!(policy.who_can(&asked).missing.len(), 1);
    assert_eq!(policy.problems(), []);
    assert_eq!(policy.bound(&in_group("ops"))[0].role, Given::Unread("it is forbidden"));
    let policy = without(RbacKind::Role, forbidden);
    let role_r =
        "? `role/r` in namespace `apps`, given by `rolebinding/rb` in namespace `apps`, was not read: it is forbidden";
    assert_eq!(answer(&policy, "devs"), [role_r]);
    assert_eq!(answer(&policy, "ops").len(), 1);

    // A list of which the last page is missing, and none at all.
    let policy = without(RbacKind::RoleBinding, |list| {
        let mut page: Value = serde_json::from_slice(&page(list.kind(), &[])).unwrap();
        page["metadata"]["continue"] = "more".into();
        assert_eq!(list.read(page.to_string().as_bytes()), Ok(Some("more".into())));
    });
    assert_eq!(
        answer(&policy, "x"),
        ["? the RoleBindings of namespace `apps` were not read: its last pages were not read"]
    );
    let nothing = Policy::new([]);
    assert_eq!(answer(&nothing, "x").len(), 2);
    // One namespace is read, others are not.
    let policy = Policy::new(complete().into_iter().filter(|list| list.kind() != RbacKind::RoleBinding).chain([
        {
            let mut list = List::of(RbacKind::RoleBinding);
            list.stop("it is forbidden");
            list
        },
        {
            let mut list = List::in_namespace(RbacKind::RoleBinding, "web");
            list.read(&page(RbacKind::RoleBinding, &[])).unwrap();
            list
        },
    ]));
    assert_eq!(shown(&policy.can(&in_group("x"), &request("get pods", Some("web")))), ["no"]);
    assert_eq!(answer(&policy, "x"), ["? the RoleBindings of namespace `apps` were not read: it is forbidden"]);
}

#[test]
fn a_bad_object_is_a_problem_and_hides_what_it_may_grant() {
    let bad = |kind, items: &[Value]| {
        let mut lists = lists([&[], &[], &[binding(None, "cb", "ClusterRole/bad", &group("ops"))], &[]]);
        let at = RbacKind::ALL.iter().position(|other| *other == kind).unwrap();
        lists[at] = list(kind, items);
        Policy::new(lists)
    };
    let ask = |policy: &Policy, who| shown(&policy.can(&in_group(who), &request("get pods", Some("apps"))));
    let policy = bad(RbacKind::ClusterRole, &[role(None, "bad", &json!([{ "verbs": "get" }]))]);
    assert_eq!(
        ask(&policy, "ops"),
        ["? `clusterrole/bad`, given by `clusterrolebinding/cb`, was not read: it can't be read"]
    );
    assert_eq!(ask(&policy, "x"), ["no"]);
    assert_eq!(policy.problems().len(), 1);
    let nameless =
        [json!(1), json!({ "rules": [] }), json!({ "metadata": { "name": 1 } }), json!({ "metadata": ["bad"] })];
    for item in nameless {
        assert!(ask(&bad(RbacKind::ClusterRole, core::slice::from_ref(&item)), "ops")[0].starts_with("? "), "{item}");
    }
    let elsewhere = named(Some("web"), "b", json!({ "roleRef": { "kind": "Role" } }));
    assert_eq!(ask(&bad(RbacKind::RoleBinding, core::slice::from_ref(&elsewhere)), "x"), ["no"]);
    let here = named(Some("apps"), "b\u{1b}[2J", json!({ "roleRef": null }));
    let told = &ask(&bad(RbacKind::RoleBinding, &[elsewhere, here]), "x")[0];
    assert!(
        told.starts_with("? `rolebinding/b\\u{1b}[2J` in namespace `apps`: it can't be read: invalid type"),
        "{told}"
    );
    // It gives what is no role: Kubernetes knows it, and lets it grant nothing.
    assert_eq!(ask(&bad(RbacKind::RoleBinding, &[binding(Some("apps"), "b", "Pod/x", &group("x"))]), "x"), ["no"]);
}

#[test]
fn lists_are_of_their_kind_and_bounded() {
    let mut roles = List::of(RbacKind::Role);
    for wrong in ["", "[]", "{}", "null", r#"{"kind":"Status","apiVersion":"v1"}"#, r#"["v1"]"#] {
        assert!(roles.read(wrong.as_bytes()).is_err(), "{wrong}");
    }
    let error = roles.read(&page(RbacKind::ClusterRole, &[])).unwrap_err().to_string();
    assert_eq!(error, "a RoleList of rbac.authorization.k8s.io/v1 was asked for, and `ClusterRoleList` came");

    let long = |bytes: usize| {
        let object = role(None, "long", &json!([]));
        let mut padded = object.clone();
        padded["metadata"]["x"] = "".into();
        padded["metadata"]["x"] = "x".repeat(bytes - padded.to_string().len()).into();
        assert_eq!(padded.to_string().len(), bytes);
        list(RbacKind::ClusterRole, &[padded])
    };
    assert_eq!(long(limits::RBAC_OBJECT_BYTES).problems(), []);
    let problems = long(limits::RBAC_OBJECT_BYTES + 1).problems;
    assert_eq!((problems[0].object.name.as_str(), &problems[0].fault), ("long", &Fault::TooLarge));

    let texts = |count: usize| role(None, &format!("t{count}"), &json!([{ "verbs": vec![""; count - 5] }]));
    let mut many = list(RbacKind::ClusterRole, &[texts(500_000)]);
    let page_of = |count| page(RbacKind::ClusterRole, &[texts(count)]);
    for _ in 1..limits::RBAC_LIST_TEXTS / 500_000 {
        many.read(&page_of(500_000)).unwrap();
    }
    assert_eq!(many.problems(), []);
    many.read(&page_of(6)).unwrap();
    assert_eq!(many.problems().iter().map(|problem| &problem.fault).collect::<Vec<_>>(), [&Fault::NoRoom]);
}

const SOME: [&str; 5] = ["*", "get", "pods", "*/log", ""];

fn some_texts() -> impl Strategy<Value = Vec<&'static str>> {
    proptest::collection::vec(proptest::sample::select(&SOME[..]), 0..3)
}

prop_compose! {
    fn some_rules()(rules in proptest::collection::vec((some_texts(), some_texts(), some_texts(), some_texts()), 0..4)) -> Value {
        rules.into_iter().map(|(verbs, groups, resources, names)| {
            json!({ "verbs": verbs, "apiGroups": groups, "resources": resources, "resourceNames": names, "nonResourceURLs": resources })
        }).collect()
    }
}

proptest! {
    /// Two ways to look for the same: each subject that may is told by `who_can`, with
    /// the chains that `can` tells, and nobody else is.
    #[test]
    fn who_can_is_everybody_who_can(
        roles in proptest::collection::vec(some_rules(), 3),
        given in proptest::collection::vec((0..4_usize, 0..4_usize, any::<bool>()), 0..8),
        asked in proptest::sample::select(vec!["get pods", "get pods/log", "get pods pods", "pods pods.get", "get /pods"]),
    ) {
        let roles: Vec<_> = roles.into_iter().enumerate().map(|(n, rules)| role(None, &format!("r{n}"), &rules)).collect();
        let bindings = |local: bool| -> Vec<Value> {
            let namespace = local.then_some("apps");
            let of = given.iter().enumerate().filter(|(_, (_, _, is_local))| *is_local == local);
            of.map(|(n, (role, who, _))| binding(namespace, &format!("b{n}"), &format!("ClusterRole/r{role}"), &group(&format!("g{who}")))).collect()
        };
        let policy = Policy::new(lists([&roles, &[], &bindings(false), &bindings(true)]));
        for namespace in [None, Some("apps"), Some("web")] {
            let request = request(asked, namespace);
            let who = policy.who_can(&request);
            prop_assert_eq!(&who.missing, &[]);
            for name in (0..5).map(|n| format!("g{n}")) {
                let found = who.allowed.iter().find(|allowed| allowed.subject == Subject::Group(name.as_str().into()));
                match policy.can(&in_group(&name), &request) {
                    Answer::Granted(chains) => {
                        let mut told = found.unwrap().chains.clone();
                        told.sort_by_key(|chain| match chain {
                            Chain::Masters => (None, None),
                            Chain::Bound { binding, .. } => (binding.namespace.clone(), Some(binding.name.clone())),
                        });
                        prop_assert_eq!(told, chains);
                    }
                    other => prop_assert_eq!((other, found), (Answer::NotGranted, None)),
                }
            }
        }
    }
}
