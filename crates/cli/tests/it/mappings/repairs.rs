//! `check` in all its forms, and what `check --fix` repairs.

use std::fs;
use std::path::Path;

use insta::assert_snapshot;
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use super::{kubectl, on, run, seeded, stored};
use crate::process::{Finished, finish, finish_with_input, kube_iam};

const FORMS: [&str; 4] = ["text", "json", "sarif", "github"];

/// Mistakes of every weight, among comments that shall stay.
const SLIPS: &str = "\
# who gets in
apiVersion: v1
kind: ConfigMap
metadata:
  name: aws-auth
  namespace: kube-system
data:
  maproles: \"[]\" # a slip
  mapRoles: |
    # administrators
    - rolearn: arn:aws:iam::111122223333:role/team/Admin # with its path
      userName: admin # in odd letters
      groups: [system:masters]
    - rolearn: arn:aws:iam::111122223333:role/dev
      username: dev
      groups: [viewers]
    # the same again
    - rolearn: arn:aws:iam::111122223333:role/dev
      username: dev
      groups: [viewers]
  mapAccounts: |
    - 444455556666 # a number
";

/// What no rule has anything to say about.
const CLEAN: &str = "\
data:
  mapRoles: |
    - rolearn: arn:aws:iam::111122223333:role/dev
      username: dev
      groups: [system:authenticated]
kind: ConfigMap
metadata: {name: aws-auth, namespace: kube-system}
apiVersion: v1
";

fn folder(text: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("aws-auth.yaml"), text).unwrap();
    folder
}

fn check(folder: &Path, args: &[&str]) -> Command {
    let mut command = kube_iam();
    command.current_dir(folder).arg("check").args(args).args(["--manifest", "aws-auth.yaml"]);
    command
}

/// All that a person sees.
fn seen(args: &[&str], finished: &Finished) -> String {
    let Finished { code, stdout, stderr } = finished;
    format!("$ kube-iam check {}\n{stdout}{stderr}exit {}\n", args.join(" "), code.unwrap())
}

/// Every property that stands there is one that SARIF 2.1.0 (OASIS) has, those
/// that it demands are there, and what refers to something finds it.
fn assert_is_sarif(text: &str) -> usize {
    fn has(value: &Value, required: &[&str], optional: &[&str]) {
        let object = value.as_object().unwrap_or_else(|| panic!("no object: {value}"));
        required.iter().for_each(|key| assert!(object.contains_key(*key), "{key} is missing: {value}"));
        let known = |key: &String| required.contains(&key.as_str()) || optional.contains(&key.as_str());
        assert!(object.keys().all(known), "{value}");
    }
    let text_of = |value: &Value| {
        has(value, &["text"], &["markdown"]);
        assert!(!value["text"].as_str().unwrap().is_empty(), "{value}");
    };
    let is_level = |value: &Value| ["error", "warning", "note"].contains(&value.as_str().unwrap());
    let log: Value = serde_json::from_str(text).unwrap();
    has(&log, &["$schema", "version", "runs"], &[]);
    assert_eq!(log["version"], "2.1.0");
    assert!(log["$schema"].as_str().unwrap().ends_with("sarif-2.1.0.json"));
    let [run] = log["runs"].as_array().unwrap().as_slice() else { panic!("one run: {log}") };
    has(run, &["tool", "results", "columnKind"], &[]);
    assert_eq!(run["columnKind"], "unicodeCodePoints");
    has(&run["tool"], &["driver"], &[]);
    let driver = &run["tool"]["driver"];
    has(driver, &["name", "version", "rules"], &[]);
    let rules = driver["rules"].as_array().unwrap();
    for rule in rules {
        has(rule, &["id"], &["shortDescription", "fullDescription", "help", "defaultConfiguration"]);
        ["shortDescription", "fullDescription", "help"].iter().for_each(|key| text_of(&rule[key]));
        has(&rule["defaultConfiguration"], &["level"], &[]);
        assert!(is_level(&rule["defaultConfiguration"]["level"]), "{rule}");
        assert_eq!(rules.iter().filter(|other| other["id"] == rule["id"]).count(), 1, "{rule}");
    }
    let results = run["results"].as_array().unwrap();
    for result in results {
        has(result, &["ruleId", "ruleIndex", "level", "message", "locations"], &[]);
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert!(is_level(&result["level"]), "{result}");
        text_of(&result["message"]);
        let [location] = result["locations"].as_array().unwrap().as_slice() else { panic!("one place: {result}") };
        has(location, &["physicalLocation"], &[]);
        let place = &location["physicalLocation"];
        has(place, &["artifactLocation"], &["region"]);
        has(&place["artifactLocation"], &["uri"], &[]);
        let uri = place["artifactLocation"]["uri"].as_str().unwrap();
        assert!(!uri.is_empty() && uri.bytes().all(|byte| byte.is_ascii_graphic()), "{uri}");
        if let Some(region) = place.get("region") {
            has(region, &["startLine", "startColumn"], &[]);
            assert!(region["startLine"].as_u64() >= Some(1) && region["startColumn"].as_u64() >= Some(1), "{region}");
        }
    }
    results.len()
}

#[tokio::test]
async fn findings_of_a_file_are_told_in_every_form() {
    let folder = folder(SLIPS);
    let mut shown = String::new();
    for form in ["text", "github", "json"] {
        let args = ["-o", form];
        shown += &seen(&args, &finish(&mut check(folder.path(), &args)).await);
    }
    assert_snapshot!(shown, @r#"
    $ kube-iam check -o text
    aws-auth.yaml:7:1: error[data-key-misspelt] data key `maproles` is not read; its rows have no effect
      hint: did you mean `mapRoles`?
    aws-auth.yaml:11:16: warning[role-path] `arn:aws:iam::111122223333:role/team/Admin` is a role with its path: under the Go authenticator and EKS the row matches nobody
      hint: write `arn:aws:iam::111122223333:role/Admin`
      fix: `--fix --grants`; it may let somebody in who is not let in today
    aws-auth.yaml:12:7: note[key-case] key `userName` is spelt `username`
      fix: `--fix`
    aws-auth.yaml:13:16: warning[system-masters] `system:masters` may do everything, whatever roles and bindings say
    aws-auth.yaml:14:7: warning[duplicate-row] this row about `arn:aws:iam::111122223333:role/dev` says the same as the one 4 lines below
      fix: `--fix`
    aws-auth.yaml:22:7: warning[account-unquoted] account 444455556666 is not in quotes
      fix: `--fix`
    aws-auth.yaml:22:7: warning[account-wide] every user and role of account 444455556666 is let in
    error: 6 mistakes found
    hint: `kube-iam check --fix --grants --dry-run=client --manifest aws-auth.yaml` shows what can be repaired
    exit 1
    $ kube-iam check -o github
    ::error file=aws-auth.yaml,line=7,col=1,title=data-key-misspelt::data key `maproles` is not read; its rows have no effect%0Ahint: did you mean `mapRoles`?
    ::warning file=aws-auth.yaml,line=11,col=16,title=role-path::`arn:aws:iam::111122223333:role/team/Admin` is a role with its path: under the Go authenticator and EKS the row matches nobody%0Ahint: write `arn:aws:iam::111122223333:role/Admin`
    ::notice file=aws-auth.yaml,line=12,col=7,title=key-case::key `userName` is spelt `username`
    ::warning file=aws-auth.yaml,line=13,col=16,title=system-masters::`system:masters` may do everything, whatever roles and bindings say
    ::warning file=aws-auth.yaml,line=14,col=7,title=duplicate-row::this row about `arn:aws:iam::111122223333:role/dev` says the same as the one 4 lines below
    ::warning file=aws-auth.yaml,line=22,col=7,title=account-unquoted::account 444455556666 is not in quotes
    ::warning file=aws-auth.yaml,line=22,col=7,title=account-wide::every user and role of account 444455556666 is let in
    error: 6 mistakes found
    hint: `kube-iam check --fix --grants --dry-run=client --manifest aws-auth.yaml` shows what can be repaired
    exit 1
    $ kube-iam check -o json
    {
      "file": "aws-auth.yaml",
      "findings": [
        {
          "rule": "data-key-misspelt",
          "severity": "block",
          "line": 7,
          "column": 1,
          "message": "data key `maproles` is not read; its rows have no effect",
          "hint": "did you mean `mapRoles`?",
          "fixable": false,
          "grants": false
        },
        {
          "rule": "role-path",
          "severity": "warn",
          "line": 11,
          "column": 16,
          "section": "mapRoles",
          "message": "`arn:aws:iam::111122223333:role/team/Admin` is a role with its path: under the Go authenticator and EKS the row matches nobody",
          "hint": "write `arn:aws:iam::111122223333:role/Admin`",
          "fixable": true,
          "grants": true
        },
        {
          "rule": "key-case",
          "severity": "note",
          "line": 12,
          "column": 7,
          "section": "mapRoles",
          "message": "key `userName` is spelt `username`",
          "fixable": true,
          "grants": false
        },
        {
          "rule": "system-masters",
          "severity": "warn",
          "line": 13,
          "column": 16,
          "section": "mapRoles",
          "message": "`system:masters` may do everything, whatever roles and bindings say",
          "fixable": false,
          "grants": false
        },
        {
          "rule": "duplicate-row",
          "severity": "warn",
          "line": 14,
          "column": 7,
          "section": "mapRoles",
          "message": "this row about `arn:aws:iam::111122223333:role/dev` says the same as the one 4 lines below",
          "fixable": true,
          "grants": false
        },
        {
          "rule": "account-unquoted",
          "severity": "warn",
          "line": 22,
          "column": 7,
          "section": "mapAccounts",
          "message": "account 444455556666 is not in quotes",
          "fixable": true,
          "grants": false
        },
        {
          "rule": "account-wide",
          "severity": "warn",
          "line": 22,
          "column": 7,
          "section": "mapAccounts",
          "message": "every user and role of account 444455556666 is let in",
          "fixable": false,
          "grants": false
        }
      ]
    }
    error: 6 mistakes found
    hint: `kube-iam check --fix --grants --dry-run=client --manifest aws-auth.yaml` shows what can be repaired
    exit 1
    "#);
    let sarif = finish(&mut check(folder.path(), &["-o", "sarif"])).await;
    assert_eq!(sarif.code, Some(1), "{sarif:?}");
    let text = finish(&mut check(folder.path(), &[])).await.stdout;
    let findings = text.lines().filter(|line| line.starts_with("aws-auth.yaml:")).count();
    assert_eq!(assert_is_sarif(&sarif.stdout), findings);
    // Where `data:` is stands what is about the whole of it.
    assert!(text.contains("aws-auth.yaml:7:1: error[data-key-misspelt]"), "{text}");
}

#[tokio::test]
async fn files_stdin_and_clusters_end_alike() {
    let Some(control_plane) = seeded().await else { return };
    let unreadable = SLIPS.replace("[system:masters]", "[system:masters");
    for (text, code) in [(CLEAN, 0), (SLIPS, 1), (&unreadable, 2)] {
        let folder = folder(text);
        kubectl(&control_plane, &["replace", "-f", "-"], text).await.success();
        for form in FORMS {
            let mut stdin = kube_iam();
            stdin.args(["check", "-o", form, "--manifest", "-"]);
            let ways = [
                ("aws-auth.yaml", finish(&mut check(folder.path(), &["-o", form])).await),
                ("stdin", finish_with_input(&mut stdin, text).await),
                ("aws-auth", run(&control_plane, &["check", "-o", form, "--authenticator", "auto"]).await),
            ];
            for (name, finished) in ways {
                assert_eq!(finished.code, Some(code), "{form} of {name}: {finished:?}");
                assert_eq!(finished.stderr.is_empty(), code == 0, "{form} of {name}: {finished:?}");
                let rows = match form {
                    "sarif" => assert_is_sarif(&finished.stdout),
                    "json" => {
                        let written: Value = serde_json::from_str(&finished.stdout).unwrap();
                        assert_eq!(written["file"], name);
                        written["findings"].as_array().unwrap().len()
                    }
                    _ => finished.stdout.lines().filter(|line| line.contains(name)).count(),
                };
                assert_eq!(rows == 0, code == 0, "{form} of {name}: {finished:?}");
            }
        }
    }
    kubectl(&control_plane, &["replace", "-f", "-"], SLIPS).await.success();
    let shown = run(&control_plane, &["check"]).await;
    assert_snapshot!(seen(&[], &shown), @"
    $ kube-iam check 
    aws-auth: error[data-key-misspelt] data key `maproles` is not read; its rows have no effect
      hint: did you mean `mapRoles`?
    aws-auth/mapRoles:2:12: warning[role-path] `arn:aws:iam::111122223333:role/team/Admin` is a role with its path: under the Go authenticator and EKS the row matches nobody
      hint: write `arn:aws:iam::111122223333:role/Admin`
      fix: `--fix --grants`; it may let somebody in who is not let in today
    aws-auth/mapRoles:3:3: note[key-case] key `userName` is spelt `username`
      fix: `--fix`
    aws-auth/mapRoles:4:12: warning[system-masters] `system:masters` may do everything, whatever roles and bindings say
    aws-auth/mapRoles:5:3: warning[duplicate-row] this row about `arn:aws:iam::111122223333:role/dev` says the same as the one 4 lines below
      fix: `--fix`
    aws-auth/mapRoles:7:12: warning[unbound-group] no binding names group `viewers`
    aws-auth/mapRoles:11:12: warning[unbound-group] no binding names group `viewers`
    aws-auth/mapAccounts:1:3: warning[account-unquoted] account 444455556666 is not in quotes
      fix: `--fix`
    aws-auth/mapAccounts:1:3: warning[account-wide] every user and role of account 444455556666 is let in
    error: 8 mistakes found
    hint: `kube-iam check --fix --grants --dry-run=client` shows what can be repaired
    exit 1
    ");
    kubectl(&control_plane, &["delete", "configmap", "aws-auth", "-n", "kube-system"], "").await.success();
    let mut shown = seen(&[], &run(&control_plane, &["check"]).await);
    let empty = TempDir::new().unwrap();
    shown += &seen(&["--manifest aws-auth.yaml"], &finish(&mut check(empty.path(), &[])).await);
    assert_snapshot!(shown, @"
    $ kube-iam check 
    error: there is no aws-auth in the cluster, so nothing was checked
    hint: if it is the right cluster, `kube-iam nodes apply` or `kube-iam create mapping` makes it
    exit 2
    $ kube-iam check --manifest aws-auth.yaml
    error: there is no `aws-auth.yaml`, so nothing was checked
    hint: `--manifest FILE` names the file that holds aws-auth
    exit 2
    ");
    control_plane.stop().await;
}

#[tokio::test]
async fn repairs_are_shown_made_and_leave_the_rest_alone() {
    let folder = folder(SLIPS);
    let path = folder.path().join("aws-auth.yaml");
    let mut shown = String::new();
    let mut step = async |args: &[&str]| {
        shown += &seen(args, &finish(&mut check(folder.path(), args)).await);
        fs::read_to_string(&path).unwrap()
    };
    // Nobody is asked without a terminal, and what is tried is not written.
    for args in [&["--fix"][..], &["--fix", "--grants"], &["--fix", "--dry-run=client"], &["--fix", "-o", "json"]] {
        assert_eq!(step(args).await, SLIPS, "{args:?}");
    }
    let repaired = step(&["--fix", "--yes"]).await;
    let again = step(&["--fix", "--yes"]).await;
    assert_eq!(again, repaired);
    let granted = step(&["--fix", "--grants", "--yes"]).await;
    assert_snapshot!(shown, @r#"
    $ kube-iam check --fix
    mapAccounts
    @@ -1 +1 @@
    -- 444455556666 # a number
    +- "444455556666" # a number
    mapRoles
    @@ -1,10 +1,7 @@
     # administrators
     - rolearn: arn:aws:iam::111122223333:role/team/Admin # with its path
    -  userName: admin # in odd letters
    +  username: admin # in odd letters
       groups: [system:masters]
    -- rolearn: arn:aws:iam::111122223333:role/dev
    -  username: dev
    -  groups: [viewers]
     # the same again
     - rolearn: arn:aws:iam::111122223333:role/dev
       username: dev
    note: only the rows were judged, under each `--authenticator` [unchecked]
    error: nothing is changed: there is nobody to ask
    hint: add `--yes` to make the change without a question
    exit 2
    $ kube-iam check --fix --grants
    mapAccounts
    @@ -1 +1 @@
    -- 444455556666 # a number
    +- "444455556666" # a number
    mapRoles
    @@ -1,10 +1,7 @@
     # administrators
    -- rolearn: arn:aws:iam::111122223333:role/team/Admin # with its path
    -  userName: admin # in odd letters
    +- rolearn: arn:aws:iam::111122223333:role/Admin # with its path
    +  username: admin # in odd letters
       groups: [system:masters]
    -- rolearn: arn:aws:iam::111122223333:role/dev
    -  username: dev
    -  groups: [viewers]
     # the same again
     - rolearn: arn:aws:iam::111122223333:role/dev
       username: dev
    warning: mapRoles, line 2: `arn:aws:iam::111122223333:role/Admin` would get `system:masters` by `mapRoles` line 2, if aws-iam-authenticator or EKS decides here [grants-masters]
      hint: nothing can be taken from that group by RBAC
    warning: mapRoles, line 2: `arn:aws:iam::111122223333:role/Admin` would get `system:masters` by `mapRoles` line 2, where a row has no effect now, if aws-iam-authenticator or EKS decides here [grants-access]
      hint: make sure that this principal is meant to get in
    note: only the rows were judged, under each `--authenticator` [unchecked]
    error: nothing is changed: there is nobody to ask
    hint: add `--yes` to make the change without a question
    exit 2
    $ kube-iam check --fix --dry-run=client
    aws-auth repaired (client dry run)
    mapAccounts
    @@ -1 +1 @@
    -- 444455556666 # a number
    +- "444455556666" # a number
    mapRoles
    @@ -1,10 +1,7 @@
     # administrators
     - rolearn: arn:aws:iam::111122223333:role/team/Admin # with its path
    -  userName: admin # in odd letters
    +  username: admin # in odd letters
       groups: [system:masters]
    -- rolearn: arn:aws:iam::111122223333:role/dev
    -  username: dev
    -  groups: [viewers]
     # the same again
     - rolearn: arn:aws:iam::111122223333:role/dev
       username: dev
    note: only the rows were judged, under each `--authenticator` [unchecked]
    warning: 1 more repair may let somebody in who is not let in today; `--grants` makes it too
    error: 4 mistakes left
    hint: `kube-iam check --manifest aws-auth.yaml` shows what is left
    exit 1
    $ kube-iam check --fix -o json
    error: the argument '--fix' cannot be used with '--output <FORM>'

    Usage: kube-iam check --fix --manifest <FILE>

    For more information, try '--help'.
    exit 2
    $ kube-iam check --fix --yes
    aws-auth repaired
    mapAccounts
    @@ -1 +1 @@
    -- 444455556666 # a number
    +- "444455556666" # a number
    mapRoles
    @@ -1,10 +1,7 @@
     # administrators
     - rolearn: arn:aws:iam::111122223333:role/team/Admin # with its path
    -  userName: admin # in odd letters
    +  username: admin # in odd letters
       groups: [system:masters]
    -- rolearn: arn:aws:iam::111122223333:role/dev
    -  username: dev
    -  groups: [viewers]
     # the same again
     - rolearn: arn:aws:iam::111122223333:role/dev
       username: dev
    note: only the rows were judged, under each `--authenticator` [unchecked]
    warning: 1 more repair may let somebody in who is not let in today; `--grants` makes it too
    error: 4 mistakes left
    hint: `kube-iam check --manifest aws-auth.yaml` shows what is left
    exit 1
    $ kube-iam check --fix --yes
    aws-auth unchanged
    warning: 1 more repair may let somebody in who is not let in today; `--grants` makes it too
    error: 4 mistakes left
    hint: `kube-iam check --manifest aws-auth.yaml` shows what is left
    exit 1
    $ kube-iam check --fix --grants --yes
    aws-auth repaired
    mapRoles
    @@ -1,5 +1,5 @@
     # administrators
    -- rolearn: arn:aws:iam::111122223333:role/team/Admin # with its path
    +- rolearn: arn:aws:iam::111122223333:role/Admin # with its path
       username: admin # in odd letters
       groups: [system:masters]
     # the same again
    warning: mapRoles, line 2: `arn:aws:iam::111122223333:role/Admin` would get `system:masters` by `mapRoles` line 2, if aws-iam-authenticator or EKS decides here [grants-masters]
      hint: nothing can be taken from that group by RBAC
    warning: mapRoles, line 2: `arn:aws:iam::111122223333:role/Admin` would get `system:masters` by `mapRoles` line 2, where a row has no effect now, if aws-iam-authenticator or EKS decides here [grants-access]
      hint: make sure that this principal is meant to get in
    note: only the rows were judged, under each `--authenticator` [unchecked]
    error: 3 mistakes left
    hint: `kube-iam check --manifest aws-auth.yaml` shows what is left
    exit 1
    "#);
    let second = SLIPS.find("    - rolearn: arn:aws:iam::111122223333:role/dev").unwrap();
    let twin = &SLIPS[second..SLIPS.find("    # the same again").unwrap()];
    let wanted = SLIPS.replace("userName: admin", "username: admin").replace("- 4444", "- \"4444");
    let wanted = wanted.replace("6666 #", "6666\" #").replacen(twin, "", 1);
    assert_eq!(repaired, wanted);
    assert_eq!(granted, wanted.replace("role/team/Admin", "role/Admin"));

    // From stdin to stdout.
    let mut command = kube_iam();
    command.args(["check", "--fix", "--manifest", "-"]);
    let finished = finish_with_input(&mut command, SLIPS).await;
    assert_eq!((finished.code, finished.stdout.as_str()), (Some(1), wanted.as_str()), "{finished:?}");
    let mut command = kube_iam();
    let finished = finish_with_input(command.args(["check", "--fix", "--manifest", "-"]), CLEAN).await;
    assert_eq!(finished.success(), CLEAN);
}

/// Runs a command in a terminal of its own, where somebody types.
async fn at_a_terminal(line: &str, typed: &str) -> Finished {
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--command", line, "/dev/null"]).env("TERM", "dumb");
    finish_with_input(&mut script, typed).await
}

#[tokio::test]
async fn a_repair_that_lets_somebody_in_is_shown_and_asks() {
    let Some(control_plane) = seeded().await else { return };
    kubectl(&control_plane, &["replace", "-f", "-"], SLIPS).await.success();
    let before = stored(&control_plane).await;
    let program = env!("CARGO_BIN_EXE_kube-iam");
    let fix = |flags: &str| {
        let kubeconfig = control_plane.admin_kubeconfig().display();
        format!("{program} check --fix {flags} --kubeconfig {kubeconfig}")
    };
    let nobody = run(&control_plane, &["check", "--fix", "--grants"]).await.failure(2);
    assert!(nobody.contains("hint: add `--yes`"), "{nobody}");
    let refused = at_a_terminal(&fix("--grants"), "n\n").await;
    assert_eq!(refused.code, Some(1), "{refused:?}");
    for words in ["[grants-masters]", "[grants-access]", "change aws-auth?"] {
        assert!(refused.stdout.contains(words), "{refused:?}");
    }
    let dry = run(&control_plane, &["check", "--fix", "--grants", "--dry-run=server"]).await;
    assert!(dry.stdout.contains("(server dry run)"), "{dry:?}");
    assert_eq!(stored(&control_plane).await, before);
    // Without that repair nobody new is let in.
    let others = at_a_terminal(&fix(""), "y\n").await;
    assert!(!others.stdout.contains("[grants-"), "{others:?}");
    assert!(others.stdout.contains("1 more repair may let somebody in"), "{others:?}");
    assert!(stored(&control_plane).await["mapRoles"].contains("role/team/Admin # with its path"));
    at_a_terminal(&fix("--grants"), "y\n").await;
    let rows = stored(&control_plane).await["mapRoles"].clone();
    assert!(rows.contains("role/Admin # with its path\n  username: admin # in odd letters"), "{rows}");
    let clean = finish(&mut on(&control_plane, &["check", "--fix", "--dry-run=client"])).await;
    assert!(clean.stdout.starts_with("aws-auth unchanged"), "{clean:?}");
    control_plane.stop().await;
}
