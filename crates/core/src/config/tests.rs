use std::string::{String, ToString};
use std::vec::Vec;

use super::*;
use crate::mapping::Backend;

const EXAMPLE: &str = r#"
clusterID: my-cluster.example.com
role: arn:aws:iam::111122223333:role/Admin
server:
  port: 21362
  stateDir: /var/aws-iam-authenticator
  generateKubeconfig: /etc/kubernetes/aws-iam-authenticator/kubeconfig.yaml
  backendmode: [EKSConfigMap, MountedFile]
  mapRoles:
  - rolearn: arn:aws:iam::111122223333:role/Admin
    username: admin:{{SessionName}}
    groups: [ops]
  mapUsers:
  - userarn: arn:aws:iam::111122223333:user/div/Bob
    username: 5
    groups: dev,ops
  mapAccounts: [012345678901]
  scrubbedAccounts: ["444455556666"]
  reservedPrefixConfig:
  - backendmode: EKSConfigMap
    usernamePrefixReserveList: ["system:", "eks:", "aws:"]
"#;

fn yaml(text: &str) -> Parsed {
    parse(text, Format::Yaml)
}

fn shown(problems: &[Problem]) -> Vec<String> {
    problems.iter().map(ToString::to_string).collect()
}

#[test]
fn the_reference_configuration_works_unchanged() {
    let parsed = yaml(EXAMPLE);
    assert_eq!((shown(&parsed.problems), shown(&parsed.warnings)), (Vec::new(), Vec::new()));
    let server = &parsed.config.server;
    assert_eq!(parsed.config.cluster_id.unwrap().as_str(), "my-cluster.example.com");
    assert_eq!(server.backend_mode.as_deref(), Some(&[Backend::EksConfigMap, Backend::MountedFile][..]));
    let [roles, users, accounts] = server.mappings.as_slice() else { panic!("{:?}", server.mappings) };
    assert_eq!((roles.mappings.len(), users.mappings.len(), accounts.accounts[0].as_str()), (1, 1, "012345678901"));
    assert_eq!((users.mappings[0].username.as_deref(), users.mappings[0].groups.len()), (Some("5"), 2));
    assert_eq!(server.reserved_prefixes[0].prefixes.len(), 3);
}

#[test]
fn json_and_toml_say_the_same() {
    let json =
        r#"{"clusterID": "c", "server": {"port": 1, "mapAccounts": ["012345678901"], "kubeconfigPregenerated": true}}"#;
    let toml =
        "clusterID = \"c\"\n[server]\nport = 1\nmapAccounts = [\"012345678901\"]\nkubeconfigPregenerated = true\n";
    for parsed in [yaml(json), parse(toml, Format::Toml)] {
        assert_eq!(shown(&parsed.problems), Vec::<String>::new());
        let config = parsed.config;
        assert_eq!((config.server.port, config.server.kubeconfig_pregenerated), (Some(1), Some(true)));
        assert_eq!(config.server.mappings[0].accounts.len(), 1);
    }
}

#[test]
fn every_problem_is_listed_at_once_with_its_line() {
    let parsed = yaml(
        "clusterID: ' '\nserver:\n  port: many\n  address: localhost\n  partition: aws-us-govt\n  backendMode: [CRD, Foo]\n  mapRoles:\n  - rolearn: arn:aws:iam::111122223333:instance-profile/x\n  - username: x\n  mapUsers: text\n  \
         scrubbedAccounts: [12]\n  kubeconfigPregenerated: perhaps\n  dynamicfilepath: /x\n  \
         stateDir: [a]\n  ec2DescribeInstancesQps: 0\n  ec2DescribeInstancesBurst: many\n  \
         ec2DescribeInstancesRoleARN: arn:aws:iam::111122223333:user/x\n  sourceARN: arn:aws:eks:us-east-1::cluster/x\n  \
         verifyNodeInstance: perhaps\n",
    );
    insta::assert_snapshot!(shown(&parsed.problems).join("\n"), @"
    line 1: `clusterID`: a cluster ID has 1 to 256 printable ASCII characters and no blank at either end (for example `clusterID: my-cluster.example.com`)
    line 3: `server.port`: it must be a port number, 0 to 65535 (for example `port: 21362`)
    line 4: `server.address`: it must be an IP address; names are not looked up (for example `address: 127.0.0.1`)
    line 5: `server.partition`: no AWS partition has this name; known are `aws`, `aws-cn`, `aws-us-gov`, `aws-iso`, `aws-iso-b`, `aws-iso-e`, `aws-iso-f`, `aws-eusc` (for example `partition: aws`)
    line 6: `server.backendMode`: backend mode `CRD` is not supported by this version (for example `backendMode: [EKSConfigMap, MountedFile]`)
    line 6: `server.backendMode`: `Foo` is not a backend mode; known are `MountedFile` and `EKSConfigMap` (for example `backendMode: [EKSConfigMap, MountedFile]`)
    line 8: in `mapRoles`: `rolearn` is not the ARN of a principal: an instance profile is not a principal; use the ARN of the role inside it (for example `mapRoles: [{rolearn: 'arn:aws:iam::111122223333:role/NAME', username: NAME, groups: [GROUP]}]`)
    line 9: in `mapRoles`: the row names no principal: `rolearn` is missing (for example `mapRoles: [{rolearn: 'arn:aws:iam::111122223333:role/NAME', username: NAME, groups: [GROUP]}]`)
    line 10: `mapUsers`: it must be a list, this is a text (for example `mapUsers: [{userarn: 'arn:aws:iam::111122223333:user/NAME', username: NAME, groups: [GROUP]}]`)
    line 11: `server.scrubbedAccounts`: an AWS account ID has exactly twelve digits (for example `scrubbedAccounts: ['111122223333']`)
    line 12: `server.kubeconfigPregenerated` must be `true` or `false`, this is a text (for example `kubeconfigPregenerated: true`)
    line 13: `server.dynamicfilepath` is not supported by this version (remove it, or stay with aws-iam-authenticator until kube-iam has it)
    line 14: `server.stateDir` must be a text, this is a list (for example `stateDir: /var/aws-iam-authenticator`)
    line 15: `server.ec2DescribeInstancesQps`: it must be a whole number, at least 1 (for example `ec2DescribeInstancesQps: 15`)
    line 16: `server.ec2DescribeInstancesBurst`: it must be a whole number, at least 1 (for example `ec2DescribeInstancesBurst: 5`)
    line 17: `server.ec2DescribeInstancesRoleARN`: it must be the ARN of a role (for example `ec2DescribeInstancesRoleARN: arn:aws:iam::111122223333:role/NAME`)
    line 18: `server.sourceARN`: it must be an ARN with an account (for example `sourceARN: arn:aws:eks:us-east-1:111122223333:cluster/NAME`)
    line 19: `server.verifyNodeInstance` must be `true` or `false`, this is a text (for example `verifyNodeInstance: true`)
    ");
}

#[test]
fn unknown_keys_are_warnings_with_the_nearest_known_key() {
    let parsed = yaml(
        "clusterId: c\nclusterIDs: d\nserver:\n  prot: 1\n  completelyDifferent: 2\n  backendMode: File\ndefaultRole: x\n",
    );
    assert!(parsed.problems.is_empty());
    insta::assert_snapshot!(shown(&parsed.warnings).join("\n"), @r"
    line 2: unknown key `clusterIDs` (did you mean `clusterID`?)
    line 4: unknown key `server.prot` (did you mean `server.port`?)
    line 5: unknown key `server.completelyDifferent`
    line 6: backend mode `File` is a deprecated name (write `MountedFile`)
    line 7: `defaultRole` has no effect in a configuration file (set `role`, or the environment variable DEFAULT_ROLE)
    ");
}

#[test]
fn a_replica_is_named_by_what_can_be_a_key() {
    let parsed = yaml("server: {publishStatus: yes, replicaName: node-1.example}\n");
    assert!(parsed.problems.is_empty() && parsed.warnings.is_empty(), "{parsed:?}");
    assert_eq!(parsed.config.server.publish_status, Some(true));
    assert_eq!(parsed.config.server.replica_name.unwrap().as_str(), "node-1.example");
    let problems = yaml("server: {publishStatus: maybe, replicaName: a/b}\n").problems;
    insta::assert_snapshot!(shown(&problems).join("\n"), @"
    line 1: `server.publishStatus` must be `true` or `false`, this is a text (for example `publishStatus: true`)
    line 1: `server.replicaName`: it must have 1 to 253 letters, digits, `-`, `_` and `.`, and not begin with a dot (for example `replicaName: node-1.example.com`)
    ");
}

#[test]
fn ec2_is_called_as_configured() {
    let parsed = yaml(
        "server:\n  ec2DescribeInstancesQps: 20\n  ec2describeinstancesburst: 1\n  \
         ec2DescribeInstancesRoleARN: arn:aws:iam::111122223333:role/a/describe\n  \
         sourceARN: arn:aws:eks:us-east-1:444455556666:cluster/x\n  verifyNodeInstance: true\n",
    );
    assert!(parsed.problems.is_empty() && parsed.warnings.is_empty(), "{parsed:?}");
    let server = parsed.config.server;
    assert_eq!((server.ec2_qps.unwrap().0.get(), server.ec2_burst.unwrap().0.get()), (20, 1));
    assert_eq!(server.ec2_role.unwrap().0.as_str(), "arn:aws:iam::111122223333:role/a/describe");
    let source = server.source_arn.unwrap();
    assert_eq!(
        (source.as_str(), source.account().as_str()),
        ("arn:aws:eks:us-east-1:444455556666:cluster/x", "444455556666")
    );
    assert_eq!(server.verify_node_instance, Some(true));
    for off in ["''", "null"] {
        let text = alloc::format!("server:\n  ec2DescribeInstancesRoleARN: {off}\n  sourceARN: {off}\n");
        assert!(yaml(&text).problems.is_empty(), "{off}");
    }
    for bad in [
        "arn",
        "arn:aws:eks:us-east-1:444455556666",
        "arn:aws:eks:us-east-1:444455556666:",
        "x:aws:eks:us-east-1:444455556666:c",
        "arn:a b:eks:us-east-1:444455556666:c",
    ] {
        assert!(bad.parse::<SourceArn>().is_err(), "{bad}");
    }
}

#[test]
fn keys_of_later_versions_are_harmless_while_off() {
    let parsed = yaml("server:\n  dynamicfileUserIDStrict: false\n  dynamicfilepath: ''\n");
    assert!(parsed.problems.is_empty() && parsed.warnings.is_empty());
}

#[test]
fn repeated_keys_and_chains_are_refused() {
    assert_eq!(
        shown(&yaml("role: a\nROLE: b\n").problems),
        ["line 2: `ROLE` is set twice, first in line 1 (remove one of them)"]
    );
    let twice = yaml("server:\n  backendMode: [File, MountedFile]\n");
    assert_eq!(
        shown(&twice.problems),
        [
            "line 2: `server.backendMode`: backend mode `MountedFile` is listed twice (for example `backendMode: [EKSConfigMap, MountedFile]`)"
        ]
    );
}

#[test]
fn keys_of_a_map_are_bounded_at_the_limit_and_one_past_it() {
    let keys = |count: usize| (0..count).map(|key| std::format!("k{key}: v\n")).collect::<String>();
    let full = yaml(&keys(limits::CONFIG_KEYS));
    assert_eq!((full.problems.len(), full.warnings.len()), (0, limits::CONFIG_KEYS));
    let past = yaml(&keys(limits::CONFIG_KEYS + 1));
    assert_eq!(shown(&past.problems), ["line 1: a map has more than 256 keys"]);
}

#[test]
fn a_file_is_bounded_at_the_limit_and_one_past_it_in_every_format() {
    for format in [Format::Yaml, Format::Toml] {
        let text = |length: usize| std::format!("# {}", "x".repeat(length - 2));
        assert_eq!(shown(&parse(&text(limits::CONFIG_BYTES), format).problems), Vec::<String>::new());
        let past = parse(&text(limits::CONFIG_BYTES + 1), format);
        assert_eq!(shown(&past.problems), ["line 1: the file is longer than 1 MiB"]);
    }
}

#[test]
fn rows_of_toml_have_lines_of_their_own() {
    let text = "[server]\n[[server.mapRoles]]\nrolearn = \"arn:aws:iam::111122223333:role/Admin\"\n\n\
                [[server.mapRoles]]\nusername = \"x\"\n";
    let [problem] = parse(text, Format::Toml).problems.try_into().unwrap();
    assert_eq!(
        (problem.mark.line, problem.text.as_str()),
        (5, "in `mapRoles`: the row names no principal: `rolearn` is missing")
    );
}

#[test]
fn one_text_lists_backends_separated_by_blanks() {
    let parsed = yaml("server:\n  backendMode: EKSConfigMap MountedFile\n");
    assert_eq!(parsed.config.server.backend_mode.unwrap().len(), 2);
}

#[test]
fn spans_of_time_have_their_forms() {
    let of = |text: &str| yaml(&alloc::format!("server:\n  deletionGrace: {text}\n")).config.server.deletion_grace;
    assert_eq!(of("5m"), Some(SignedDuration::from_mins(5)));
    assert_eq!((of("0"), of("90s")), (Some(SignedDuration::ZERO), Some(SignedDuration::from_secs(90))));
    assert_eq!((of("-5m"), of("soon"), of("5")), (None, None, None));
}

#[test]
fn a_file_that_is_no_map_is_refused() {
    assert_eq!(shown(&yaml("- a\n").problems), ["line 1: the file must be a map of keys and values, this is a list"]);
    assert_eq!(yaml("a: [\n").problems.len(), 1);
    assert_eq!(parse("a = [\n", Format::Toml).problems.len(), 1);
    for nothing in ["", "# nothing\n", "null"] {
        assert!(yaml(nothing).problems.is_empty());
    }
}

#[test]
fn break_glass_files_are_read_whole_or_not_at_all() {
    let good =
        "mapRoles:\n- rolearn: arn:aws:iam::111122223333:role/Rescue\n  username: rescue\n  groups: [system:masters]\n";
    assert_eq!(parse_mappings(good).unwrap().len(), 1);
    let bad = good.replace("role/Rescue", "group/x") + "mapRole: []\nmapAccounts: [111122223333]\n";
    insta::assert_snapshot!(parse_mappings(&bad).unwrap_err(), @"
    2 problems:
      line 2: in `mapRoles`: `rolearn` is not the ARN of a principal: `group` is not a principal; a user, role, assumed role, federated user or root is needed (for example `mapRoles: [{rolearn: 'arn:aws:iam::111122223333:role/NAME', username: NAME, groups: [GROUP]}]`)
      line 5: unknown key `mapRole` (did you mean `mapRoles`?)
    ");
    for nothing in ["", "# nothing\n", "null"] {
        assert!(parse_mappings(nothing).unwrap().is_empty(), "{nothing}");
    }
    assert_eq!(parse_mappings("- x").unwrap_err().0.len(), 1);
    assert_eq!(parse_mappings("mapRoles: [").unwrap_err().0.len(), 1);
}

/// A value that fits no key, and the one that each hints at.
#[test]
fn the_values_that_are_hinted_at_are_right() {
    let client =
        ["clusterID", "role", "region", "externalID", "sessionName", "tokenOnly", "cache", "output", "partition"];
    let server = [
        "partition",
        "address",
        "port",
        "hostname",
        "stateDir",
        "generateKubeconfig",
        "kubeconfigPregenerated",
        "kubeconfig",
        "master",
        "backendMode",
        "mapRoles",
        "mapUsers",
        "mapAccounts",
        "scrubbedAccounts",
        "reservedPrefixConfig",
        "ec2DescribeInstancesQps",
        "ec2DescribeInstancesBurst",
        "ec2DescribeInstancesRoleARN",
        "sourceARN",
        "verifyNodeInstance",
        "breakGlassFile",
        "healthAddress",
        "denialStatus",
        "identityCacheTTL",
        "deletionGrace",
        "onBadConfig",
        "rolePaths",
        "apiAudiences",
    ];
    let lines = client.map(|key| (key, "")).into_iter().chain(server.map(|key| (key, "server:\n  ")));
    for (key, before) in lines {
        let parsed = yaml(&alloc::format!("{before}{key}: {{a: b}}\n"));
        let [problem] = parsed.problems.as_slice() else { panic!("{key}: {parsed:?}") };
        let hint = problem.hint.as_deref().unwrap_or_else(|| panic!("{key} has no hint"));
        let line = hint.strip_prefix("for example `").and_then(|line| line.strip_suffix('`')).unwrap();
        assert_eq!(shown(&yaml(&alloc::format!("{before}{line}\n")).problems), Vec::<String>::new());
    }
}

use jiff::SignedDuration;
