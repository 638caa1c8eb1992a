//! Every observed case as a command line: exit code, streams, content.

mod world;

use kube_iam_core::arn::Arn;
use kube_iam_core::authenticator::{Authenticator, Deciding};
use kube_iam_core::aws_auth::Data;
use kube_iam_core::eksctl::{OutputFormat, get};
use kube_iam_core::guard::{Admins, Caller, Facts, LiveNode};
use serde_json::Value;
use world::TestWorld;

use super::*;

/// The cases that the decisions in `core` are held against, too.
const CASES: &str = include_str!("../../../../core/src/eksctl/tests/cases.json");

fn cases() -> Vec<Value> {
    serde_json::from_str(CASES).unwrap()
}

/// A line as it would be typed.
fn line(args: &[String]) -> EksctlLine {
    crate::args::verbs::eksctl_line(args).expect("a command of eksctl's")
}

fn run_words(world: &mut TestWorld, words: &str) -> bool {
    let args: Vec<_> = words.split_whitespace().map(str::to_owned).collect();
    run_in(&line(&args), world)
}

/// The ClusterConfig that a case describes.
fn cluster_config(operation: &Value) -> String {
    let mut config = operation["config_file"].clone();
    if config.is_null() {
        config = serde_json::json!({
            "apiVersion": "eksctl.io/v1alpha5", "kind": "ClusterConfig",
            "metadata": { "name": "test-cluster", "region": operation["region"] },
            "iamIdentityMappings": operation["config_file_mappings"],
        });
    }
    config.to_string()
}

/// Cases in which we answer otherwise on purpose; see `compat.toml`.
const OTHERWISE: &[&str] = &[
    // We keep the account as it is written.
    "create account corrupts an unquoted account id with a leading zero and a digit 9",
    // We write nothing for nothing.
    "delete --all when aws-auth does not exist creates an empty ConfigMap",
    // We keep what eksctl drops.
    "rewrite drops an sso matcher and leaves an entry without any ARN",
];

#[test]
fn every_observed_case_is_answered_as_eksctl_answers_it() {
    let mut seen = 0;
    for case in cases() {
        let name = case["name"].as_str().unwrap();
        let mut world = TestWorld::of(&case["initial_configmap"]);
        world.files.insert("cluster.yaml".into(), cluster_config(&case["operation"]));
        let before = world.cluster().data.clone();
        let observed = &case["observed"];
        let args: Vec<_> =
            observed["args"].as_array().unwrap().iter().map(|arg| arg.as_str().unwrap().into()).collect();
        let succeeded = run_in(&line(&args), &mut world);
        assert_eq!(succeeded, observed["exit_code"] == 0, "{name}: {}", world.stderr);
        assert_eq!(world.stdout, observed["stdout"].as_str().unwrap(), "{name}");
        assert_stderr(name, &world.stderr, observed["stderr"].as_str().unwrap());
        let after = world.cluster().data.clone();
        if !OTHERWISE.contains(&name) {
            // The text that eksctl leaves behind means the same as ours.
            assert_eq!(content(after.as_ref()), content(stored(&observed["data"]).as_ref()), "{name}");
        }
        if case["expect"]["state_after"] == "unchanged" || case["expect"]["eksctl_save"] == "none" {
            assert_eq!((after, world.cluster().writes), (before, 0), "{name}");
        }
        seen += 1;
    }
    assert_eq!(seen, 46);
}

/// Warnings are ours; what follows the name of an unreadable section is
/// eksctl's library's, and ours says more.
fn assert_stderr(name: &str, is: &str, wanted: &str) {
    let is_ours = |line: &&str| ["warning: ", "  hint: ", "hint: "].iter().any(|start| line.starts_with(start));
    let lines: String = is.split_inclusive('\n').filter(|line| !is_ours(line)).collect();
    match wanted.split_once("unmarshalling \"mapRoles\": ") {
        Some((start, _)) => {
            assert!(lines.starts_with(&format!("{start}unmarshalling \"mapRoles\": line ")), "{name}: {lines}");
        }
        None => assert_eq!(lines, wanted, "{name}"),
    }
}

fn stored(data: &Value) -> Option<Data> {
    serde_json::from_value(data.clone()).unwrap()
}

/// What eksctl would show; a ConfigMap that can't be read is its text.
fn content(data: Option<&Data>) -> Result<String, String> {
    let data = data.cloned().unwrap_or_default();
    get(&data, None).map(|rows| OutputFormat::Json.print(&rows)).map_err(|_| format!("{data:?}"))
}

const ROLE: &str = "arn:aws:iam::111122223333:role/dev";

#[test]
fn nothing_is_written_if_nothing_changes() {
    for words in [
        format!("delete iamidentitymapping -c x --all --arn {ROLE}"),
        "create iamidentitymapping -c x --account 111122223333".to_owned(),
    ] {
        let mut world = TestWorld::with(&[("mapAccounts", "- '111122223333'\n")]);
        assert!(run_words(&mut world, &words));
        assert_eq!(world.cluster().writes, 0, "{words}");
    }
    let mut absent = TestWorld::of(&Value::Null);
    assert!(run_words(&mut absent, &format!("delete iamidentitymapping -c x --all --arn {ROLE}")));
    assert_eq!(absent.cluster().data, None);
}

#[test]
fn an_edit_keeps_what_eksctl_drops() {
    let before = "# who\n- Sso: {permissionSetName: A, accountID: \"111122223333\"}  # keep\n  groups: [x]\n- ~\n";
    let mut world = TestWorld::with(&[("mapRoles", before), ("mapUsers", "[ ] # none\n"), ("other", "there")]);
    assert!(run_words(&mut world, &format!("create iamidentitymapping -c x --arn {ROLE} --username me")));
    let data = world.cluster().data.clone().unwrap();
    assert!(data["mapRoles"].starts_with(before) && data["mapRoles"].contains(ROLE), "{data:?}");
    assert_eq!((data["mapUsers"].as_str(), data["other"].as_str()), ("[ ] # none\n", "there"));
    assert!(run_words(&mut world, &format!("delete iamidentitymapping -c x --arn {ROLE}")));
    assert_eq!(world.cluster().data.as_ref().unwrap()["mapRoles"], before);
}

#[test]
fn what_cant_be_changed_in_place_is_refused() {
    // The row is the anchor of another one.
    let text = format!("- &a\n  rolearn: {ROLE}\n  username: u\n- *a\n");
    let mut world = TestWorld::with(&[("mapRoles", &text)]);
    assert!(!run_words(&mut world, &format!("delete iamidentitymapping -c x --arn {ROLE}")));
    assert!(world.stderr.starts_with("Error: `mapRoles` "), "{}", world.stderr);
    assert_eq!(world.cluster().writes, 0);
}

#[test]
fn a_conflict_is_tried_again_and_says_everything_once() {
    let mut world = TestWorld::of(&Value::Null);
    world.cluster().rivals = vec![("mapRoles", format!("- rolearn: {ROLE}\n  username: rival\n"))];
    assert!(run_words(&mut world, &format!("create iamidentitymapping -c x --arn {ROLE} --username me")));
    assert_eq!(world.stdout.matches("adding identity").count(), 1, "{}", world.stdout);
    assert_eq!(world.stdout.matches("found existing mappings with same arn").count(), 1);
    let data = world.cluster().data.clone().unwrap();
    assert!(data["mapRoles"].contains("rival") && data["mapRoles"].contains("me"));
}

#[test]
fn a_write_whose_answer_got_lost_is_not_repeated() {
    let mut world = TestWorld::with(&[]);
    world.cluster().lose_answers = 1;
    assert!(run_words(&mut world, &format!("create iamidentitymapping -c x --arn {ROLE} --username me")));
    assert_eq!(world.cluster().data.as_ref().unwrap()["mapRoles"].matches(ROLE).count(), 1);
    let mut world = TestWorld::with(&[("mapAccounts", "['1']")]);
    world.cluster().lose_answers = 1;
    assert!(run_words(&mut world, "delete iamidentitymapping -c x --account 1"), "{}", world.stderr);
}

#[test]
fn all_items_of_a_file_are_written_at_once_after_all_are_checked() {
    let config = |mappings: &str| {
        format!(
            "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {{name: x, region: eu-west-1}}\n\
             iamIdentityMappings: [{mappings}]\n"
        )
    };
    let good = format!("{{arn: {ROLE}, username: a}}, {{account: '111122223333'}}");
    let mut world = TestWorld::with(&[]);
    world.files.insert("c.yaml".into(), config(&good));
    assert!(run_words(&mut world, "create iamidentitymapping -f c.yaml"));
    assert_eq!(world.cluster().writes, 1);
    assert_eq!(world.cluster().data.as_ref().unwrap().len(), 2);
    let mut world = TestWorld::with(&[]);
    world.files.insert("c.yaml".into(), config(&format!("{good}, {{arn: nonsense, username: b}}")));
    assert!(!run_words(&mut world, "create iamidentitymapping -f c.yaml"));
    assert_eq!((world.stderr.as_str(), world.cluster().writes), ("Error: arn: invalid prefix\n", 0));
    let mut world = TestWorld::with(&[]);
    world.files.insert("c.yaml".into(), config(""));
    assert!(run_words(&mut world, "create iamidentitymapping -f c.yaml"));
    assert!(world.stderr.starts_with("warning: there are no `iamIdentityMappings`"));
}

const ADMINS: &str = "\
- {rolearn: 'arn:aws:iam::111122223333:role/Admin', username: admin, groups: [system:masters]}
- {rolearn: 'arn:aws:iam::111122223333:role/nodes', username: 'system:node:{{EC2PrivateDNSName}}', \
  groups: [system:bootstrappers, system:nodes]}
";

/// A cluster with one administrator and one node.
fn guarded() -> TestWorld {
    let world = TestWorld::with(&[("mapRoles", ADMINS)]);
    let admin = "arn:aws:iam::111122223333:role/Admin".parse().unwrap();
    world.cluster().facts = Facts {
        caller: Some(Caller {
            arn: Some(admin),
            username: "admin".to_owned(),
            groups: vec!["system:masters".to_owned(), "system:authenticated".to_owned()],
        }),
        admins: Some(Admins::default()),
        nodes: Some(vec![LiveNode { name: "ip-10-0-0-1".to_owned(), role: None }]),
        ..Facts::default()
    };
    world
}

#[test]
fn what_locks_somebody_out_is_refused_unless_the_rule_is_named() {
    let delete = "delete iamidentitymapping -c x --arn arn:aws:iam::111122223333:role/";
    let create = "create iamidentitymapping -c x --arn arn:aws:iam::111122223333:role/";
    for (words, rules) in [
        (format!("{delete}Admin"), vec!["caller-loses-access", "last-admin"]),
        (format!("{delete}nodes --all"), vec!["node-role"]),
        (format!("{create}Admin --username admin --group readers"), vec!["caller-demoted-by-duplicate", "last-admin"]),
        (format!("{create}nodes --username node"), vec!["node-role"]),
    ] {
        let mut world = guarded();
        assert!(!run_words(&mut world, &words), "{words}");
        assert_eq!((world.stdout.as_str(), world.roles()), ("", (0, ADMINS.to_owned())));
        let flags = rules.iter().map(|rule| format!(" --override {rule}")).collect::<String>();
        let hint = format!("hint: if that is meant, repeat with `{}`\n", flags.trim_start());
        assert!(world.stderr.contains("\nError: the change is refused"), "{}", world.stderr);
        assert!(world.stderr.ends_with(&hint), "{}", world.stderr);
        for rule in &rules {
            assert!(world.stderr.contains(&format!(" [{rule}]\n")), "{}", world.stderr);
        }
        let mut world = guarded();
        assert!(run_words(&mut world, &format!("{words}{flags}")), "{}", world.stderr);
        assert_eq!(world.cluster().writes, 1);
        let mut world = guarded();
        assert!(run_words(&mut world, &format!("{words} --override {}", rules.join(","))), "{}", world.stderr);
    }
    let mut world = guarded();
    assert!(!run_words(&mut world, &format!("{delete}Admin --override everything")));
    let refusal = "Error: invalid argument \"everything\" for \"--override\" flag: no such rule refuses a change; those that do are ";
    assert!(world.stderr.starts_with(refusal), "{}", world.stderr);
}

#[test]
fn a_refusal_shows_what_and_why() {
    let mut world = guarded();
    assert!(!run_words(&mut world, "delete iamidentitymapping -c x --arn arn:aws:iam::111122223333:role/nodes"));
    insta::assert_snapshot!(world.stderr, @"
    block: node role `arn:aws:iam::111122223333:role/nodes` would lose its mapping, and the role of a node is not known [node-role]
      hint: remove the nodes first; they can't reach the API server without it
    note: the guard could not find out the role of the node and which authenticator decides (see `--authenticator`) [unchecked]
    Error: the change is refused, and nothing is written
    hint: if that is meant, repeat with `--override node-role`
    ");
}

#[test]
fn aws_is_asked_for_the_roles_of_nodes_only_where_they_decide() {
    let nodes = "arn:aws:iam::111122223333:role/nodes";
    for (words, role, passes, asked) in [
        ("delete iamidentitymapping -c x --arn", "other", true, 1),
        ("delete iamidentitymapping -c x --arn", "nodes", false, 1),
        ("create iamidentitymapping -c x --username node --arn", "other", true, 1),
        ("create iamidentitymapping -c x --username node --arn", "nodes", false, 1),
        ("create iamidentitymapping -c x --username dev --group bound --arn", "new", true, 0),
    ] {
        let mut world = guarded();
        let live: Arn = format!("arn:aws:iam::111122223333:role/{role}").parse().unwrap();
        world.cluster().nodes = Some(vec![LiveNode { name: "ip-10-0-0-1".to_owned(), role: Some(live) }]);
        let arn = if asked == 0 { ROLE } else { nodes };
        assert_eq!(run_words(&mut world, &format!("{words} {arn}")), passes, "{words} {role}: {}", world.stderr);
        let cluster = world.cluster();
        assert_eq!((cluster.asked, cluster.writes), (asked, usize::from(passes)), "{words} {role}");
    }
}

#[test]
fn whoever_knows_the_authenticator_says_it() {
    for (value, deciding) in [
        ("", Deciding::Unknown),
        (" --authenticator auto", Deciding::Unknown),
        (" --authenticator aws-iam-authenticator", Deciding::Known(Authenticator::AwsIamAuthenticator)),
    ] {
        let mut world = guarded();
        let words = format!("create iamidentitymapping -c x --arn {ROLE} --username dev --group bound{value}");
        assert!(run_words(&mut world, &words), "{}", world.stderr);
        assert_eq!(world.loaded.unwrap().target.authenticator, deciding);
    }
    let mut world = guarded();
    assert!(!run_words(&mut world, &format!("delete iamidentitymapping -c x --arn {ROLE} --authenticator nobody")));
    insta::assert_snapshot!(world.stderr, @r#"Error: invalid argument "nobody" for "--authenticator" flag: an authenticator is one of `kube-iam`, `aws-iam-authenticator`, `eks` and `auto`"#);
}

#[test]
fn what_eksctl_scripts_do_every_day_passes_without_a_question() {
    let mut world = guarded();
    for words in [
        format!("create iamidentitymapping -c x --arn {ROLE} --username dev --group bound"),
        format!("create iamidentitymapping -c x --arn {ROLE} --username dev --group bound --no-duplicate-arns"),
        format!("delete iamidentitymapping -c x --arn {ROLE}"),
        format!("delete iamidentitymapping -c x --arn {ROLE} --all"),
    ] {
        assert!(run_words(&mut world, &words), "{}", world.stderr);
        assert_eq!(world.stderr, "", "{words}");
    }
    assert_eq!(world.cluster().data.as_ref().unwrap()["mapRoles"], ADMINS);
    // Nobody can be locked out where nobody reads aws-auth.
    let mut world = guarded();
    world.cluster().facts.deciding = Deciding::NotConsulted;
    world.cluster().ignores_aws_auth = true;
    assert!(run_words(&mut world, "delete iamidentitymapping -c x --arn arn:aws:iam::111122223333:role/Admin"));
    let warning = "warning: the authentication mode of the cluster is `API`: EKS does not consult aws-auth there\n";
    assert_eq!(world.stderr, warning);
}

#[test]
fn a_change_is_judged_again_after_a_conflict() {
    let mut world = guarded();
    let rival = "- {rolearn: 'arn:aws:iam::111122223333:role/Admin', username: admin, groups: [system:masters]}\n";
    world.cluster().data.as_mut().unwrap().insert("mapRoles".to_owned(), format!("{rival}{rival}"));
    world.cluster().rivals = vec![("mapRoles", rival.to_owned())];
    // One of two equal rows is nobody's loss; the only one is.
    assert!(!run_words(&mut world, "delete iamidentitymapping -c x --arn arn:aws:iam::111122223333:role/Admin"));
    assert_eq!((world.stdout.as_str(), world.roles()), ("", (0, rival.to_owned())));
    assert_eq!(world.stderr.matches("[caller-loses-access]").count(), 1, "{}", world.stderr);
}

#[test]
fn a_file_that_locks_out_gives_no_rights_to_services_either() {
    let mut world = guarded();
    let config = "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {name: x, region: eu-west-1}\n\
        iamIdentityMappings:\n- {serviceName: emr-containers, namespace: emr}\n\
        - {arn: 'arn:aws:iam::111122223333:role/Admin', username: admin}\n";
    world.files.insert("c.yaml".into(), config.to_owned());
    assert!(!run_words(&mut world, "create iamidentitymapping -f c.yaml"));
    assert!(world.stderr.contains("[caller-demoted-by-duplicate]"), "{}", world.stderr);
    assert_eq!(world.cluster().objects, [""; 0]);
    assert_eq!((world.stdout.as_str(), world.roles()), ("", (0, ADMINS.to_owned())));
}

#[test]
fn advice_names_rows_and_forms() {
    let mut world = TestWorld::with(&[("mapRoles", &format!("- rolearn: {ROLE}\n  username: a\n"))]);
    for words in [
        format!("--arn {ROLE} --username b --group bound"),
        "--arn arn:aws:iam::111122223333:role/team/x --group system:masters,lost".to_owned(),
        "--arn arn:aws-cn:iam::111122223333:user/x --username x --group bound".to_owned(),
        "--arn arn:aws:iam::1:user/y --username y --group bound".to_owned(),
        "--account 12".to_owned(),
    ] {
        world.stderr.push_str(&format!("$ {words}\n"));
        assert!(run_words(&mut world, &format!("create iamidentitymapping -c x {words}")));
    }
    insta::assert_snapshot!(world.stderr, @"
    $ --arn arn:aws:iam::111122223333:role/dev --username b --group bound
    warning: mapRoles, line 1: this row about `arn:aws:iam::111122223333:role/dev` has no effect: the one 2 lines below takes its place [shadowed-row]
    $ --arn arn:aws:iam::111122223333:role/team/x --group system:masters,lost
    warning: mapRoles, line 7: the row about `arn:aws:iam::111122223333:role/team/x` may match nobody here: its ARN shows the path of the role, and only kube-iam matches that [only-kube-iam-matches]
      hint: write `arn:aws:iam::111122223333:role/x`, which all of them match
    warning: mapRoles, line 7: `arn:aws:iam::111122223333:role/x` would get `system:masters` by `mapRoles` line 7, if kube-iam decides here [grants-masters]
      hint: nothing can be taken from that group by RBAC
    warning: mapRoles, line 7: the row has no username [username-missing]
    warning: mapRoles, line 10: no binding names group `lost` [unbound-group]
    $ --arn arn:aws-cn:iam::111122223333:user/x --username x --group bound
    warning: mapUsers, line 1: the principal is of partition `aws-cn`, the cluster is of `aws` [foreign-partition]
    $ --arn arn:aws:iam::1:user/y --username y --group bound
    warning: mapUsers, line 5: a row of `mapUsers` can't be read: `userarn` is not the ARN of a principal: `1` is not a twelve-digit account ID; the row counts for nothing [row-unreadable]
      hint: correct the row
    $ --account 12
    warning: mapAccounts, line 1: a row of `mapAccounts` can't be read: an account must be twelve digits, in quotes; the row counts for nothing [row-unreadable]
      hint: correct the row
    ");
}

#[test]
fn rights_of_a_service_come_first_and_stay() {
    let words = "create iamidentitymapping -c x --service-name emr-containers --namespace emr";
    let mut world = TestWorld::with(&[("mapRoles", "a: b")]);
    assert!(!run_words(&mut world, words));
    assert_eq!(world.cluster().objects, ["emr/Role/emr-containers", "emr/RoleBinding/emr-containers"]);
    assert_eq!(world.stdout.matches("created \"emr:Role").count(), 2);
    let mut world = TestWorld::with(&[]);
    world.cluster().objects.push("emr/Role/emr-containers".into());
    world.cluster().refuses_bindings = true;
    assert!(!run_words(&mut world, words));
    assert_eq!(world.stdout.lines().count(), 1);
    assert!(world.stdout.contains("replaced \"emr:Role.rbac.authorization.k8s.io/emr-containers\""));
    assert!(world.stderr.starts_with("Error: error applying resource: "), "{}", world.stderr);
    assert_eq!(world.cluster().writes, 0);
    let mut world = TestWorld::with(&[]);
    world.cluster().account = None;
    assert!(!run_words(&mut world, words));
    assert!(world.stderr.contains("hint: name the cluster with `--cluster` and `--region`"));
    assert_eq!(world.cluster().objects, [""; 0]);
}

#[test]
fn the_command_line_is_refused_in_eksctls_words() {
    for (words, stderr) in [
        ("get iamidentitymapping", "--cluster must be set"),
        (
            "get iamidentitymapping -f none.yaml",
            "reading config file \"none.yaml\": open none.yaml: no such file or directory",
        ),
        ("get iamidentitymapping -f c.yaml --region eu-west-1", "cannot use --region when --config-file/-f is set"),
        (
            "get iamidentitymapping -f c.yaml --region eu-west-1 -c x",
            "cannot use --cluster when --config-file/-f is set",
        ),
        ("get iamidentitymapping -f c.yaml name", "cannot use name argument when --config-file/-f is set"),
        ("get iamidentitymapping -f no-metadata.yaml -c x", "metadata must be set"),
        ("get iamidentitymapping -f no-region.yaml", "metadata.region must be set"),
        (
            "get iamidentitymapping -c x -o xml",
            "unknown output printer type: expected {\"yaml\",\"json\",\"table\"} but got \"xml\"",
        ),
        ("delete iamidentitymapping -c x --arn a --account 1", "either --arn or --account must be set"),
        ("create iamidentitymapping -c x", "expected a valid arn but got empty string"),
        // Ours: what would be ignored.
        ("create iamidentitymapping -f c.yaml --username x", "cannot use --username when --config-file/-f is set"),
        ("delete iamidentitymapping -c x --account 1 --all", "cannot use --all with --account"),
        ("get iamidentitymapping -c x --manifest m", "cannot use --cluster and --manifest at the same time"),
        ("get iamidentitymapping --context x --manifest m", "cannot use --context and --manifest at the same time"),
        ("get iamidentitymapping -f - --manifest -", "cannot read --config-file and --manifest from stdin"),
    ] {
        let mut world = TestWorld::with(&[]);
        let head = "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\n";
        for (file, rest) in [
            ("c.yaml", "metadata: {name: x, region: eu-west-1}\n"),
            ("no-metadata.yaml", ""),
            ("no-region.yaml", "metadata: {name: x}\n"),
        ] {
            world.files.insert(file.into(), format!("{head}{rest}"));
        }
        assert!(!run_words(&mut world, words), "{words}");
        assert_eq!((world.stdout.as_str(), world.stderr), ("", format!("Error: {stderr}\n")), "{words}");
    }
}

#[test]
fn two_names_are_one_critical_line_on_stdout() {
    for verb in ["get", "create", "delete"] {
        let mut world = TestWorld::with(&[]);
        assert!(!run_words(&mut world, &format!("{verb} iamidentitymapping one two")));
        let line = "<time> [✖]  only one argument is allowed to be used as a name\n";
        assert_eq!((world.stdout.as_str(), world.stderr.as_str()), (line, ""));
    }
}

#[test]
fn verbosity_hides_lines_and_old_names_are_told() {
    let mut world = TestWorld::with(&[("mapRoles", &format!("- rolearn: {ROLE}\n  username: a\n"))]);
    assert!(run_words(&mut world, &format!("create iamidentitymapping -v 2 --name x --role {ROLE} --username b")));
    assert!(world.stdout.starts_with("<time> [!]  found existing mappings"), "{}", world.stdout);
    assert_eq!(world.stdout.lines().count(), 1);
    let notices = "Flag --name has been deprecated, use --cluster\nFlag --role has been deprecated, use --arn\n";
    assert!(world.stderr.starts_with(notices), "{}", world.stderr);
    let mut world = TestWorld::with(&[]);
    assert!(!run_words(&mut world, "create iamidentitymapping -v 0 one two"));
    assert_eq!(world.stdout, "");
}

#[test]
fn the_target_is_what_was_typed() {
    let mut world = TestWorld::with(&[]);
    assert!(run_words(&mut world, "get iamidentitymapping web -r eu-west-1 -p dev --timeout 5s"));
    let Loaded { target, write, .. } = world.loaded.clone().unwrap();
    let cluster = target.cluster;
    let words = [&cluster.cluster, &cluster.region, &cluster.profile].map(|text| text.clone().unwrap());
    assert_eq!((words, write.timeout.as_secs()), (["web", "eu-west-1", "dev"].map(str::to_owned), 5));
    assert!(run_words(&mut world, "delete iamidentitymapping --kubeconfig k --context c --all --arn x"));
    let cluster = world.loaded.clone().unwrap().target.cluster;
    assert_eq!((cluster.kubeconfig, cluster.context), (Some("k".into()), Some("c".into())));
    assert!(run_words(&mut world, "get iamidentitymapping --manifest -"));
    assert_eq!(world.loaded.clone().unwrap().target.manifest, Some("-".into()));
}

#[test]
fn in_mode_api_it_says_that_aws_auth_is_not_consulted() {
    let mut world = TestWorld::with(&[]);
    world.cluster().ignores_aws_auth = true;
    assert!(run_words(&mut world, "get iamidentitymapping web"));
    assert!(world.stderr.contains("EKS does not consult aws-auth"));
}

#[test]
fn help_shows_every_flag_with_a_purpose() {
    for verb in ["get", "create", "delete"] {
        let mut world = TestWorld::with(&[]);
        assert!(run_words(&mut world, &format!("{verb} iamidentitymapping -h")));
        for flag in ["--cluster", "--region", "--config-file", "--arn", "--kubeconfig", "--manifest", "--timeout"] {
            assert!(world.stdout.contains(flag), "{}", world.stdout);
        }
        for flag in ["--role", "--name ", "--chunk-size", "--dumpLogs", "--color"] {
            assert!(!world.stdout.contains(flag), "{}", world.stdout);
        }
    }
}
