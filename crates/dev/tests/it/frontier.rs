//! Who may depend on what.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, MetadataCommand};

/// A crate of ours, the crates of ours that it may see, and what must be nowhere below it.
struct Frontier {
    name: &'static str,
    may_see: &'static [&'static str],
    never: &'static [&'static str],
}

const NETWORK: &[&str] = &["tokio", "hyper", "reqwest", "rustls", "kube", "aws-config", "clap"];
const AWS: &[&str] = &["aws-config", "aws-sdk-sts", "aws-sigv4"];

const FRONTIERS: &[Frontier] = &[
    Frontier { name: "kube-iam-core", may_see: &[], never: NETWORK },
    Frontier { name: "kube-iam-aws", may_see: &["kube-iam-core"], never: &["kube", "k8s-openapi", "clap"] },
    Frontier {
        name: "kube-iam-cluster",
        may_see: &["kube-iam-core"],
        never: &["aws-config", "aws-sdk-sts", "aws-sigv4", "clap"],
    },
    Frontier {
        name: "kube-iam-server",
        may_see: &["kube-iam-core"],
        never: &["kube", "k8s-openapi", "aws-config", "aws-sdk-sts", "aws-sigv4", "clap"],
    },
    Frontier {
        name: "kube-iam-standin",
        may_see: &["kube-iam-core"],
        never: &["kube", "aws-config", "aws-sdk-sts", "aws-sigv4", "clap"],
    },
    Frontier { name: "kube-iam-control-plane", may_see: &[], never: &["kube", "aws-config", "aws-sigv4", "clap"] },
    Frontier {
        name: "kube-iam",
        may_see: &[
            "kube-iam-core",
            "kube-iam-aws",
            "kube-iam-cluster",
            "kube-iam-control-plane",
            "kube-iam-server",
            "kube-iam-standin",
        ],
        never: &["kube-iam-dev"],
    },
    Frontier {
        name: "kube-iam-dev",
        may_see: &["kube-iam-core", "kube-iam-aws", "kube-iam-standin"],
        never: &["kube", "clap"],
    },
];

/// Crate names to the names of what they depend on, for building and running.
type Graph = BTreeMap<String, BTreeSet<String>>;

/// Everything below a crate.
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

/// Every edge that a frontier forbids.
fn violations(graph: &Graph, frontiers: &[Frontier]) -> Vec<String> {
    let mut found = Vec::new();
    for Frontier { name, may_see, never } in frontiers {
        let direct = graph.get(*name).cloned().unwrap_or_default();
        let ours =
            direct.iter().filter(|dependency| graph.contains_key(*dependency) && dependency.starts_with("kube-iam"));
        found.extend(ours.filter(|seen| !may_see.contains(&seen.as_str())).map(|seen| format!("{name} sees {seen}")));
        let below = below(graph, name);
        found.extend(
            never.iter().filter(|banned| below.contains(**banned)).map(|banned| format!("{banned} is below {name}")),
        );
    }
    found
}

fn workspace() -> Graph {
    let metadata =
        MetadataCommand::new().other_options(["--offline".to_string(), "--locked".to_string()]).exec().unwrap();
    let names: BTreeMap<_, _> =
        metadata.packages.iter().map(|package| (&package.id, package.name.to_string())).collect();
    let nodes = metadata.resolve.unwrap().nodes.into_iter().map(|node| {
        let shipped = node.deps.iter().filter(|dependency| {
            dependency.dep_kinds.iter().any(|kind| matches!(kind.kind, DependencyKind::Normal | DependencyKind::Build))
        });
        let dependencies = shipped.map(|dependency| names[&dependency.pkg].clone()).collect();
        (names[&node.id].clone(), dependencies)
    });
    // Several versions of one crate share a name here; their edges are joined.
    nodes.fold(Graph::new(), |mut graph, (name, dependencies): (String, BTreeSet<String>)| {
        graph.entry(name).or_default().extend(dependencies);
        graph
    })
}

#[test]
fn nobody_sees_what_they_must_not() {
    assert_eq!(violations(&workspace(), FRONTIERS), Vec::<String>::new());
}

#[test]
fn every_crate_of_ours_has_its_frontier() {
    let metadata = MetadataCommand::new().no_deps().exec().unwrap();
    let ours: BTreeSet<_> = metadata.packages.iter().map(|package| package.name.to_string()).collect();
    let known: BTreeSet<_> = FRONTIERS.iter().map(|frontier| frontier.name.to_string()).collect();
    assert_eq!(ours, known);
}

#[test]
fn a_broken_frontier_is_found() {
    let edge =
        |from: &str, to: &[&str]| (from.to_string(), to.iter().map(ToString::to_string).collect::<BTreeSet<_>>());
    let mut graph: Graph =
        [edge("kube-iam-core", &["innocent"]), edge("innocent", &["tokio"]), edge("kube-iam-aws", &[])].into();
    assert_eq!(violations(&graph, FRONTIERS), ["tokio is below kube-iam-core"]);
    graph.insert("innocent".into(), BTreeSet::new());
    graph.insert("kube-iam-server".into(), ["kube-iam-aws".to_string()].into());
    assert_eq!(violations(&graph, FRONTIERS), ["kube-iam-server sees kube-iam-aws"]);
}

#[test]
fn aws_crates_stay_with_those_that_aws_config_brings() {
    let sdks = workspace().into_keys().filter(|name| name.starts_with("aws-sdk-"));
    let allowed = ["aws-sdk-sts", "aws-sdk-sso", "aws-sdk-ssooidc", "aws-sdk-signin"];
    let others: Vec<_> = sdks.filter(|name| !allowed.contains(&name.as_str())).collect();
    assert!(others.is_empty(), "an SDK crate costs minutes of compile time: {others:?}");
    assert!(AWS.iter().all(|name| below(&workspace(), "kube-iam-aws").contains(*name)), "the list names real crates");
}
