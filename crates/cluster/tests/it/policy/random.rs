//! Random roles, bindings and questions about them, the same in each run.

use kube_iam_core::rbac::{Policy, RbacKind, Request, Requester, ResourceRequest, RoleRef, Rule, Subject};
use serde_json::{Value, json};

/// SplitMix64.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    fn one_in(&mut self, chance: usize) -> bool {
        self.below(chance) == 0
    }

    fn of<'a, T: ?Sized>(&mut self, choices: &[&'a T]) -> &'a T {
        choices[self.below(choices.len())]
    }

    fn some<'a>(&mut self, choices: &[&'a str], least: usize) -> Vec<&'a str> {
        (0..least + self.below(3)).map(|_| self.of(choices)).collect()
    }
}

pub(super) const NAMESPACES: [&str; 4] = ["apps", "apps2", "web", "kube-system"];
const VERBS: [&str; 8] = ["get", "list", "create", "delete", "impersonate", "Get", "use", "*"];
const GROUPS: [&str; 5] = ["", "apps", "batch", "rbac.authorization.k8s.io", "*"];
const RESOURCES: [&str; 14] = [
    "pods",
    "secrets",
    "deployments",
    "Pods",
    "pods/log",
    "pods/exec",
    "deployments/scale",
    "*/log",
    "*/scale",
    "*/",
    "pods/*",
    "pods/log/x",
    "",
    "*",
];
const NAMES: [&str; 5] = ["a", "b", "pods", "", "*"];
const URLS: [&str; 11] =
    ["/healthz", "/healthz/*", "/logs*", "/logs**", "/", "/*", "/*/x", "/version/", "*", "**", "/logs/a*b"];
const SUBJECTS: [&str; 8] = ["u0", "u1", "u2", "g0", "g1", "robot", "builder", "system:serviceaccount:apps:robot"];
/// Some of these are no roles.
const ROLES: [&str; 30] = [
    "r0",
    "r1",
    "r2",
    "r3",
    "r4",
    "r5",
    "r6",
    "r7",
    "r8",
    "r9",
    "r10",
    "r11",
    "r12",
    "r13",
    "r14",
    "r15",
    "r16",
    "r17",
    "r18",
    "r19",
    "r20",
    "r21",
    "r22",
    "r23",
    "r24",
    "none",
    "view",
    "edit",
    "cluster-admin",
    "system:discovery",
];

fn rules(dice: &mut Dice, is_cluster: bool) -> Value {
    let rule = |dice: &mut Dice| match is_cluster && dice.one_in(4) {
        true => json!({ "verbs": dice.some(&VERBS, 1), "nonResourceURLs": dice.some(&URLS, 1) }),
        false => json!({
            "verbs": dice.some(&VERBS, 1), "apiGroups": dice.some(&GROUPS, 1), "resources": dice.some(&RESOURCES, 1),
            "resourceNames": if dice.one_in(3) { dice.some(&NAMES, 1) } else { Vec::new() },
        }),
    };
    (0..dice.below(4)).map(|_| rule(dice)).collect()
}

fn subjects(dice: &mut Dice, namespace: Option<&str>) -> Value {
    let subject = |dice: &mut Dice| match dice.below(12) {
        0..4 => json!({ "kind": "User", "name": dice.of(&SUBJECTS) }),
        4..8 => json!({ "kind": "Group", "name": dice.of(&SUBJECTS) }),
        8..11 => match namespace.is_some() && dice.one_in(2) {
            true => json!({ "kind": "ServiceAccount", "name": dice.of(&["robot", "builder"]) }),
            false => json!({
                "kind": "ServiceAccount", "name": dice.of(&["robot", "builder"]), "namespace": dice.of(&NAMESPACES),
            }),
        },
        _ => json!({ "kind": "Group", "name": dice.of(&[
            "system:authenticated", "system:unauthenticated", "system:serviceaccounts", "system:serviceaccounts:apps",
        ]) }),
    };
    (0..dice.below(4)).map(|_| subject(dice)).collect()
}

/// Objects as the parts of the path they are created at, and the manifest.
pub(super) fn objects(dice: &mut Dice) -> Vec<(RbacKind, Option<&'static str>, Value)> {
    let named = |namespace: Option<&str>, name: String, mut content: Value| {
        content["metadata"] = json!({ "name": name, "namespace": namespace });
        content
    };
    let mut objects = Vec::new();
    for namespace in [None].into_iter().chain(NAMESPACES.map(Some)) {
        let (role, binding) = match namespace {
            None => (RbacKind::ClusterRole, RbacKind::ClusterRoleBinding),
            Some(_) => (RbacKind::Role, RbacKind::RoleBinding),
        };
        for n in 0..25 {
            let content = json!({ "rules": rules(dice, namespace.is_none()) });
            objects.push((role, namespace, named(namespace, format!("r{n}"), content)));
        }
        for n in 0..if namespace.is_none() { 25 } else { 130 } {
            let kind = if namespace.is_some() && dice.one_in(2) { "Role" } else { "ClusterRole" };
            // The others have no limits; with many of them everything is allowed.
            let role = if dice.one_in(20) { dice.of(&ROLES) } else { dice.of(&ROLES[..27]) };
            let content = json!({ "roleRef": { "kind": kind, "name": role }, "subjects": subjects(dice, namespace) });
            objects.push((binding, namespace, named(namespace, format!("b{n}"), content)));
        }
    }
    objects
}

/// A question that has nothing to do with any object, or one made of a subject and a
/// rule of a binding, and then perhaps changed a little.
pub(super) fn question(dice: &mut Dice, policy: &Policy) -> (Requester, Request) {
    let (mut requester, mut request) = (anybody(dice), anything(dice));
    if dice.below(5) < 3 {
        let bindings = policy.bindings();
        let binding = &bindings[dice.below(bindings.len())];
        if !binding.subjects.is_empty() {
            let subject = &binding.subjects[dice.below(binding.subjects.len())];
            match subject {
                Subject::Group(name) => requester.groups.push(name.to_string()),
                Subject::User(name) => requester.username = name.to_string(),
                Subject::ServiceAccount { namespace, name } => requester = Requester::service_account(namespace, name),
            }
        }
        let role = match &binding.role {
            RoleRef::ClusterRole(name) => policy.role(None, name),
            RoleRef::Role(name) => policy.role(binding.namespace.as_deref(), name),
        };
        if let Some(role) = role.filter(|role| !role.rules.is_empty()) {
            let namespace = binding.namespace.as_deref().map(str::to_owned);
            let rule = &role.rules[dice.below(role.rules.len())];
            request = allowed(dice, rule, namespace);
            if dice.one_in(5) {
                change(dice, &mut request);
            }
        }
    }
    if dice.one_in(200) {
        requester.groups.push("system:masters".to_owned());
    }
    (requester, request)
}

fn anybody(dice: &mut Dice) -> Requester {
    let username = match dice.below(3) {
        0 => return Requester::service_account(dice.of(&NAMESPACES), dice.of(&["robot", "builder", "other"])),
        1 => "nobody",
        _ => dice.of(&SUBJECTS),
    };
    let groups = dice.some(&SUBJECTS, 0).into_iter().map(str::to_owned).collect();
    match dice.below(4) {
        0 => Requester { username: username.to_owned(), groups },
        1 => Requester::anonymous(),
        _ => Requester::authenticated(username, groups),
    }
}

fn anything(dice: &mut Dice) -> Request {
    if dice.one_in(8) {
        return Request::Path { verb: dice.of(&VERBS).to_owned(), path: path(dice) };
    }
    let resource = dice.of(&RESOURCES);
    let (resource, subresource) = resource.split_once('/').map_or((resource, None), |(a, b)| (a, Some(b.to_owned())));
    Request::Resource(ResourceRequest {
        verb: dice.of(&VERBS).to_owned(),
        group: dice.of(&GROUPS).to_owned(),
        resource: resource.to_owned(),
        subresource,
        namespace: (!dice.one_in(4)).then(|| dice.of(&NAMESPACES).to_owned()),
        name: dice.one_in(2).then(|| dice.of(&NAMES).to_owned()),
    })
}

fn path(dice: &mut Dice) -> String {
    dice.of(&[
        "/healthz",
        "/healthz/",
        "/healthz/etcd",
        "/logs",
        "/logs/a",
        "/logs/axb",
        "/version/",
        "/",
        "/a/x",
        "*",
        "",
    ])
    .to_owned()
}

/// A request that a rule allows, or nearly.
fn allowed(dice: &mut Dice, rule: &Rule, namespace: Option<String>) -> Request {
    let mut of = |texts: &[std::sync::Arc<str>], others: &[&str]| match texts.len() {
        0 => String::new(),
        count => match &*texts[dice.below(count)] {
            "*" => dice.of(others).to_owned(),
            text => text.to_owned(),
        },
    };
    let verb = of(&rule.verbs, &VERBS);
    if !rule.non_resource_urls.is_empty() {
        let path = of(&rule.non_resource_urls, &["/any"]).replace('*', "a");
        return Request::Path { verb, path };
    }
    let group = of(&rule.api_groups, &GROUPS);
    let combined = of(&rule.resources, &RESOURCES);
    let name = of(&rule.resource_names, &NAMES);
    let (resource, subresource) = match combined.split_once('/') {
        // In one text, which is as good to Kubernetes.
        Some(_) if dice.one_in(8) => (combined, None),
        Some(("*", sub)) => (dice.of(&["pods", "*"]).to_owned(), Some(sub.to_owned())),
        Some((resource, sub)) => (resource.to_owned(), Some(sub.to_owned())),
        None => (combined, None),
    };
    let namespace = namespace.or_else(|| dice.one_in(2).then(|| dice.of(&NAMESPACES).to_owned()));
    Request::Resource(ResourceRequest { verb, group, resource, subresource, namespace, name: Some(name) })
}

fn change(dice: &mut Dice, request: &mut Request) {
    match request {
        Request::Path { verb, path } => match dice.below(2) {
            0 => *verb = dice.of(&VERBS).to_owned(),
            _ => path.push_str(dice.of(&["/", "x"])),
        },
        Request::Resource(asked) => match dice.below(6) {
            0 => asked.verb = dice.of(&VERBS).to_owned(),
            1 => asked.group = dice.of(&GROUPS).to_owned(),
            2 => asked.resource = dice.of(&RESOURCES).to_owned(),
            3 => asked.subresource = dice.one_in(2).then(|| dice.of(&["log", "scale", "exec"]).to_owned()),
            4 => asked.namespace = dice.one_in(2).then(|| dice.of(&NAMESPACES).to_owned()),
            _ => asked.name = dice.one_in(2).then(|| dice.of(&NAMES).to_owned()),
        },
    }
}
