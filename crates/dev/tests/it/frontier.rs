//! Who may depend on what.

mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

use table::{ALLOWED, NEVER, SDKS};

/// Our crates by the names of their folders.
const ALL: &[&str] = &["core", "aws", "cluster", "server", "standin", "control-plane", "cli", "dev"];

/// Names of packages to the names of what they need for building and running.
/// Several versions of a package share a name; their edges are joined.
type Graph = BTreeMap<String, BTreeSet<String>>;

fn package(folder: &str) -> String {
    if folder == "cli" { "kube-iam".to_string() } else { format!("kube-iam-{folder}") }
}

/// Everything below a package.
fn below(graph: &Graph, name: &str) -> BTreeSet<String> {
    let (mut found, mut open) = (BTreeSet::new(), vec![name.to_string()]);
    while let Some(name) = open.pop() {
        for dependency in graph.get(&name).into_iter().flatten() {
            if found.insert(dependency.clone()) {
                open.push(dependency.clone());
            }
        }
    }
    found
}

fn fits(pattern: &str, name: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == name, |start| name.starts_with(start))
}

/// Every edge that the tables don't allow, and every permission nobody uses.
fn violations(graph: &Graph) -> Vec<String> {
    let mut found = Vec::new();
    for folder in ALL {
        let direct = graph.get(&package(folder)).into_iter().flatten();
        let allowed = |name: &str| ALLOWED.iter().any(|(known, to, _)| *known == name && to.contains(folder));
        found.extend(direct.filter(|name| !allowed(name)).map(|name| format!("{folder} may not name {name}")));
    }
    for (name, folders, _) in ALLOWED {
        let uses = |folder: &str| graph.get(&package(folder)).is_some_and(|direct| direct.contains(*name));
        found.extend(
            folders.iter().filter(|folder| !uses(folder)).map(|folder| format!("{folder} no longer names {name}")),
        );
    }
    for (folders, patterns) in NEVER {
        for folder in *folders {
            let banned =
                below(graph, &package(folder)).into_iter().filter(|name| patterns.iter().any(|p| fits(p, name)));
            found.extend(banned.map(|name| format!("{name} is below {folder}")));
        }
    }
    found
}

fn metadata() -> Metadata {
    // Without a platform cargo wants the packages of all, also those that nobody has downloaded.
    let host = Command::new("rustc").args(["--print", "host-tuple"]).output().unwrap();
    let host = String::from_utf8(host.stdout).unwrap();
    let options = ["--locked", "--filter-platform", host.trim()].map(String::from);
    MetadataCommand::new().other_options(options).exec().unwrap()
}

fn workspace() -> Graph {
    let metadata = metadata();
    let names: BTreeMap<_, _> =
        metadata.packages.iter().map(|package| (&package.id, package.name.to_string())).collect();
    let mut graph = Graph::new();
    for node in metadata.resolve.unwrap().nodes {
        let shipped = node.deps.iter().filter(|dependency| {
            dependency.dep_kinds.iter().any(|kind| matches!(kind.kind, DependencyKind::Normal | DependencyKind::Build))
        });
        let dependencies = shipped.map(|dependency| names[&dependency.pkg].clone());
        graph.entry(names[&node.id].clone()).or_default().extend(dependencies);
    }
    graph
}

#[test]
fn nobody_sees_what_they_must_not() {
    let found = violations(&workspace());
    assert!(found.is_empty(), "see crates/dev/tests/it/frontier/table.rs:\n{}", found.join("\n"));
}

#[test]
fn every_crate_of_ours_has_its_frontier() {
    let metadata = MetadataCommand::new().no_deps().exec().unwrap();
    let ours: BTreeSet<_> = metadata.packages.iter().map(|package| package.name.to_string()).collect();
    assert_eq!(ours, ALL.iter().map(|folder| package(folder)).collect());
}

/// The graph that uses every permission and nothing else.
fn allowed_graph() -> Graph {
    let mut graph = Graph::new();
    for (name, folders, _) in ALLOWED {
        folders.iter().for_each(|folder| _ = graph.entry(package(folder)).or_default().insert((*name).to_string()));
    }
    graph
}

#[test]
fn a_broken_frontier_is_found() {
    assert_eq!(violations(&allowed_graph()), Vec::<String>::new());
    let with = |from: &str, to: &str| {
        let mut graph = allowed_graph();
        graph.entry(from.to_string()).or_default().insert(to.to_string());
        violations(&graph)
    };
    assert_eq!(with("kube-iam-server", "kube-iam-aws")[0], "server may not name kube-iam-aws");
    assert_eq!(with("kube-iam-core", "sha3"), ["core may not name sha3"]);
    assert_eq!(with("jiff", "getrandom"), ["getrandom is below core"]);
    assert_eq!(with("notify", "kube-core"), ["kube-core is below server"]);
    assert_eq!(with("kube", "aws-config"), ["aws-config is below cluster"]);
    assert!(with("rcgen", "aws-lc-rs").contains(&"aws-lc-rs is below cli".to_string()));
    assert!(with("hmac", "clap_builder").contains(&"clap_builder is below standin".to_string()));

    let mut graph = allowed_graph();
    graph.get_mut("kube-iam-core").unwrap().remove("strsim");
    assert_eq!(violations(&graph), ["core no longer names strsim"]);
}

#[test]
fn no_sdk_beyond_those_that_aws_config_brings() {
    let graph = workspace();
    let others: Vec<_> =
        graph.keys().filter(|name| name.starts_with("aws-sdk-") && !SDKS.contains(&name.as_str())).collect();
    assert!(others.is_empty(), "an SDK crate costs minutes of building: {others:?}");
    assert!(graph.contains_key("aws-sdk-sts"), "the search finds what is there");
}
