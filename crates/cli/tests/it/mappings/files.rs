//! Mappings in a file, and input that can't be used.

use std::fs;

use insta::assert_snapshot;
use tempfile::TempDir;
use tokio::process::Command;

use super::DEV;
use crate::process::{Finished, finish, finish_with_input, kube_iam};

fn folder(text: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("aws-auth.yaml"), text).unwrap();
    folder
}

async fn run(folder: &TempDir, args: &[&str]) -> Finished {
    finish(kube_iam().current_dir(folder.path()).args(args).args(["--manifest", "aws-auth.yaml"])).await
}

/// All that a person sees of a command that failed.
async fn failed(text: &str, args: &[&str]) -> String {
    let folder = folder(text);
    let finished = run(&folder, args).await;
    assert_eq!(fs::read_to_string(folder.path().join("aws-auth.yaml")).unwrap(), text);
    format!("$ kube-iam {}\n{}{}exit {}\n", args.join(" "), finished.stdout, finished.stderr, finished.code.unwrap())
}

const BARE: &str = "mapRoles: |\n  - rolearn: arn:aws:iam::111122223333:role/Admin\n    groups: [system:masters]\n";

#[tokio::test]
async fn a_file_is_shown_changed_and_compared() {
    let folder = folder(BARE);
    let create = ["create", "mapping", "--arn", DEV, "--group", "viewers", "--yes"];
    let created = run(&folder, &create).await;
    let mut shown = format!("{}{}", created.stderr, created.stdout);
    for args in [
        &["get", "mappings"][..],
        &["get", "mappings", "-o", "yaml"],
        &["get", "mappings", DEV, "-o", "json"],
        &["set", "mapping", "--arn", DEV, "--username", "dev", "--yes", "-o", "name"],
        &["check"],
        &["delete", "mapping", "--arn", DEV, "--yes", "-o", "yaml"],
    ] {
        let finished = run(&folder, args).await;
        shown += &format!("$ kube-iam {}\n{}{}", args.join(" "), finished.stdout, finished.stderr);
    }
    assert_snapshot!(shown, @r#"
    mapRoles
    @@ -1,2 +1,6 @@
     - rolearn: arn:aws:iam::111122223333:role/Admin
       groups: [system:masters]
    +- rolearn: arn:aws:iam::111122223333:role/dev
    +  username: arn:aws:iam::111122223333:role/dev
    +  groups:
    +    - viewers
    note: only the rows were judged, under each `--authenticator` [unchecked]
    mapping/arn:aws:iam::111122223333:role/dev created
    $ kube-iam get mappings
    PRINCIPAL                              USERNAME                             GROUPS           STATUS
    arn:aws:iam::111122223333:role/Admin   <none>                               system:masters   Active
    arn:aws:iam::111122223333:role/dev     arn:aws:iam::111122223333:role/dev   viewers          Active
    $ kube-iam get mappings -o yaml
    apiVersion: kube-iam.dev/v1alpha1
    kind: MappingList
    mappings:
      - arn: arn:aws:iam::111122223333:role/Admin
        groups:
          - system:masters
      - arn: arn:aws:iam::111122223333:role/dev
        username: arn:aws:iam::111122223333:role/dev
        groups:
          - viewers
    $ kube-iam get mappings arn:aws:iam::111122223333:role/dev -o json
    [
      {
        "arn": "arn:aws:iam::111122223333:role/dev",
        "canonicalARN": "arn:aws:iam::111122223333:role/dev",
        "username": "arn:aws:iam::111122223333:role/dev",
        "groups": [
          "viewers"
        ],
        "source": "aws-auth",
        "section": "mapRoles",
        "line": 3,
        "status": "Active"
      }
    ]
    $ kube-iam set mapping --arn arn:aws:iam::111122223333:role/dev --username dev --yes -o name
    arn:aws:iam::111122223333:role/dev
    mapRoles
    @@ -1,6 +1,6 @@
     - rolearn: arn:aws:iam::111122223333:role/Admin
       groups: [system:masters]
     - rolearn: arn:aws:iam::111122223333:role/dev
    -  username: arn:aws:iam::111122223333:role/dev
    +  username: dev
       groups:
         - viewers
    note: only the rows were judged, under each `--authenticator` [unchecked]
    $ kube-iam check
    aws-auth.yaml:2:5: warning[username-missing] the row has no username
    aws-auth.yaml:3:14: warning[system-masters] `system:masters` may do everything, whatever roles and bindings say
    error: 2 mistakes found
    $ kube-iam delete mapping --arn arn:aws:iam::111122223333:role/dev --yes -o yaml
    changed: true
    dry_run: null
    differences:
    - kind: removed
      mapping:
        arn: arn:aws:iam::111122223333:role/dev
        canonicalARN: arn:aws:iam::111122223333:role/dev
        username: dev
        groups:
        - viewers
        source: aws-auth
        section: mapRoles
        line: 3
        status: Active
    findings:
    - rule: unchecked
      severity: note
      message: only the rows were judged, under each `--authenticator`
    mapRoles
    @@ -1,6 +1,2 @@
     - rolearn: arn:aws:iam::111122223333:role/Admin
       groups: [system:masters]
    -- rolearn: arn:aws:iam::111122223333:role/dev
    -  username: dev
    -  groups:
    -    - viewers
    note: only the rows were judged, under each `--authenticator` [unchecked]
    "#);
    assert_eq!(fs::read_to_string(folder.path().join("aws-auth.yaml")).unwrap(), BARE);
}

#[tokio::test]
async fn what_an_editor_takes_out_of_a_file_is_out() {
    let users = "mapUsers: |\n  - userarn: arn:aws:iam::111122223333:user/eve\n    groups: [g]\n";
    let folder = folder(&format!("{BARE}{users}"));
    let mut edit = kube_iam();
    edit.current_dir(folder.path()).args(["edit", "--manifest", "aws-auth.yaml", "--yes"]);
    edit.env("KUBE_EDITOR", "sed -i -e '/mapUsers/,$d' -e 's/Admin/Chief/'").env("EDITOR", "true");
    let edited = finish(&mut edit).await;
    assert!(edited.stderr.contains("-- userarn: arn:aws:iam::111122223333:user/eve"), "{edited:?}");
    edited.success();
    let text = fs::read_to_string(folder.path().join("aws-auth.yaml")).unwrap();
    assert_eq!(text, BARE.replace("Admin", "Chief"));
}

#[tokio::test]
async fn an_editor_changes_the_data_and_says_so() {
    let folder = folder(BARE);
    let mut edit = kube_iam();
    edit.current_dir(folder.path()).args(["edit", "--manifest", "aws-auth.yaml", "--yes"]);
    edit.env("KUBE_EDITOR", r"sed -i -e '/^#!/d' -e '/labels/d' -e 's/namespace: .*/&\n  labels: {a: b}/'");
    let edited = finish(&mut edit).await;
    assert!(edited.stderr.contains("only `data` is changed here; take `labels` out"), "{edited:?}");
    assert_eq!(fs::read_to_string(folder.path().join("aws-auth.yaml")).unwrap(), BARE);
}

#[tokio::test]
async fn a_row_that_is_gone_has_no_owner_when_it_comes_again() {
    let config_map = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: aws-auth\n  namespace: kube-system\ndata:\n";
    let folder = folder(&format!("{config_map}  {}", BARE.replace("\n  ", "\n    ")));
    let list = format!("mappings:\n  - arn: {DEV}\n    groups: [g]\n");
    let head = "apiVersion: kube-iam.dev/v1alpha1\nkind: MappingList\n";
    fs::write(folder.path().join("some.yaml"), format!("{head}{list}")).unwrap();
    fs::write(folder.path().join("none.yaml"), format!("{head}mappings: []\n")).unwrap();
    run(&folder, &["apply", "-f", "some.yaml", "--owner", "ci", "--yes"]).await.success();
    let owned = run(&folder, &["get", "mappings", "-o", "json"]).await.success();
    assert!(owned.contains(r#""owners": ["#), "{owned}");
    run(&folder, &["delete", "mapping", "--arn", DEV, "--yes"]).await.success();
    let text = fs::read_to_string(folder.path().join("aws-auth.yaml")).unwrap();
    assert!(!text.contains("owners"), "{text}");
    // Neither here nor where another tool took the row out is it `ci`'s again.
    run(&folder, &["apply", "-f", "some.yaml", "--owner", "ci", "--yes"]).await.success();
    let text = fs::read_to_string(folder.path().join("aws-auth.yaml")).unwrap();
    let row = text.find(&format!("- rolearn: {DEV}")).unwrap();
    fs::write(folder.path().join("aws-auth.yaml"), text[..row].trim_end_matches(' ')).unwrap();
    run(&folder, &["create", "mapping", "--arn", DEV, "--group", "human", "--yes"]).await.success();
    run(&folder, &["apply", "-f", "none.yaml", "--owner", "ci", "--prune", "--yes"]).await.success();
    let kept = run(&folder, &["get", "mappings", DEV, "-o", "json"]).await.success();
    assert!(kept.contains("human") && !kept.contains("owners"), "{kept}");
}

#[tokio::test]
async fn what_comes_by_stdin_goes_to_stdout() {
    let mut command = kube_iam();
    command.args(["create", "mapping", "--account", "444455556666", "--manifest", "-"]);
    let finished = finish_with_input(&mut command, BARE).await;
    assert_eq!(finished.success(), format!("{BARE}mapAccounts: |\n  - \"444455556666\"\n"));
    let mut command = kube_iam();
    command.args(["create", "mapping", "--arn", "arn:aws:iam::111122223333:role/admin", "--manifest", "-"]);
    command.args(["--username", "arn:aws:iam::111122223333:role/admin", "--group", "system:masters"]);
    assert_eq!(finish_with_input(&mut command, BARE).await.code, Some(1));
}

#[tokio::test]
async fn input_that_cannot_be_used_is_told_and_nothing_is_written() {
    let create = ["create", "mapping", "--arn", DEV, "--group", "g", "--yes"];
    let with = |arn: &'static str, group: &'static str| ["create", "mapping", "--arn", arn, "--group", group, "--yes"];
    let large = format!("mapRoles: |\n  # {}\n", "x".repeat(1024 * 1024 - 40));
    let mut shown = String::new();
    for (text, args) in [
        ("mapRoles: |\n  - rolearn: [a\n", &create[..]),
        ("kind: ConfigMap\nmetadata:\n  name: aws-auth\ndata:\n  mapRoles: \"- half", &create),
        ("kind: Secret\n", &create),
        (BARE, &with("arn:aws:iam::111122223333:instance-profile/x", "g")),
        (BARE, &with("role/x", "g")),
        (BARE, &with(DEV, "a b")),
        (BARE, &["create", "mapping", "--arn", DEV, "--username", "system:admin", "--yes"]),
        (BARE, &["create", "mapping", "--arn", DEV, "--group", "g"]),
        (BARE, &["create", "mapping"]),
        (BARE, &["delete", "mapping", "--arn", DEV, "--yes"]),
        (BARE, &["set", "mapping", "--arn", DEV, "--group", "g", "--yes", "--override", "nothing"]),
        (BARE, &["get", "mappings", DEV]),
        ("mapRoles: |\n  - rolearn: [a\n", &["check"]),
        (BARE, &["edit"]),
    ] {
        shown += &failed(text, args).await;
    }
    let shown = shown.replace(&large, "LARGE");
    assert_snapshot!(shown, @"
    $ kube-iam create mapping --arn arn:aws:iam::111122223333:role/dev --group g --yes
    error: aws-auth can't be read, so nothing is done
    Caused by: `mapRoles` can't be read, line 3, column 3: while parsing a flow sequence, expected ',' or ']'
    hint: run `kube-iam check --manifest aws-auth.yaml` to see all of it, and `kube-iam edit --manifest aws-auth.yaml` to mend it
    exit 2
    $ kube-iam create mapping --arn arn:aws:iam::111122223333:role/dev --group g --yes
    error: `aws-auth.yaml` is no manifest of aws-auth
    Caused by: it is no readable YAML, line 5, column 13: while scanning a quoted scalar, found unexpected end of stream
    hint: mend the file; nothing was written
    exit 2
    $ kube-iam create mapping --arn arn:aws:iam::111122223333:role/dev --group g --yes
    error: `aws-auth.yaml` is no manifest of aws-auth
    Caused by: it holds neither a ConfigMap `kube-system/aws-auth` nor its bare data
    hint: name the file that holds the ConfigMap `aws-auth`
    exit 2
    $ kube-iam create mapping --arn arn:aws:iam::111122223333:instance-profile/x --group g --yes
    error: `arn:aws:iam::111122223333:instance-profile/x` is not the ARN of a role or user
    Caused by: an instance profile is not a principal; use the ARN of the role inside it
    hint: `aws iam get-instance-profile` shows the ARN of the role inside
    exit 2
    $ kube-iam create mapping --arn role/x --group g --yes
    error: `role/x` is not the ARN of a role or user
    Caused by: an ARN starts with `arn:`
    hint: it looks like `arn:aws:iam::111122223333:role/NAME`; `aws sts get-caller-identity` shows your own
    exit 2
    $ kube-iam create mapping --arn arn:aws:iam::111122223333:role/dev --group a b --yes
    mapRoles
    @@ -1,2 +1,6 @@
     - rolearn: arn:aws:iam::111122223333:role/Admin
       groups: [system:masters]
    +- rolearn: arn:aws:iam::111122223333:role/dev
    +  username: arn:aws:iam::111122223333:role/dev
    +  groups:
    +    - a b
    block: `a b` would be one group, blanks and commas included [group-blank]
      hint: give each group by itself
    warning: mapRoles, line 6: group `a b` has a blank in its name [group-blank]
    note: only the rows were judged, under each `--authenticator` [unchecked]
    error: the change is refused, and nothing is written
    hint: if that is meant, repeat with `--override group-blank`
    exit 1
    $ kube-iam create mapping --arn arn:aws:iam::111122223333:role/dev --username system:admin --yes
    mapRoles
    @@ -1,2 +1,4 @@
     - rolearn: arn:aws:iam::111122223333:role/Admin
       groups: [system:masters]
    +- rolearn: arn:aws:iam::111122223333:role/dev
    +  username: system:admin
    block: username `system:admin` is one for components of Kubernetes [reserved-username]
      hint: a prefix of your own, such as `dev:`, can't be mistaken for one
    warning: mapRoles, line 4: `system:admin` is a name for a component of Kubernetes [reserved-username]
    note: only the rows were judged, under each `--authenticator` [unchecked]
    error: the change is refused, and nothing is written
    hint: if that is meant, repeat with `--override reserved-username`
    exit 1
    $ kube-iam create mapping --arn arn:aws:iam::111122223333:role/dev --group g
    mapRoles
    @@ -1,2 +1,6 @@
     - rolearn: arn:aws:iam::111122223333:role/Admin
       groups: [system:masters]
    +- rolearn: arn:aws:iam::111122223333:role/dev
    +  username: arn:aws:iam::111122223333:role/dev
    +  groups:
    +    - g
    note: only the rows were judged, under each `--authenticator` [unchecked]
    error: nothing is changed: there is nobody to ask
    hint: add `--yes` to make the change without a question
    exit 2
    $ kube-iam create mapping
    error: the following required arguments were not provided:
      <--arn <ARN>|--sso-permission-set <NAME>|--account <ID>>

    Usage: kube-iam create mapping --manifest <FILE> <--arn <ARN>|--sso-permission-set <NAME>|--account <ID>>

    For more information, try '--help'.
    exit 2
    $ kube-iam delete mapping --arn arn:aws:iam::111122223333:role/dev --yes
    error: there is no mapping of `arn:aws:iam::111122223333:role/dev`
    hint: did you mean `arn:aws:iam::111122223333:role/Admin`?
    exit 1
    $ kube-iam set mapping --arn arn:aws:iam::111122223333:role/dev --group g --yes --override nothing
    error: invalid value 'nothing' for '--override <RULE>': no such rule refuses a change; those that do are caller-loses-access, caller-loses-admin, caller-demoted-by-duplicate, last-admin, admin-demoted-by-duplicate, node-role, section-unreadable, row-unreadable, only-kube-iam-matches, reserved-username, group-blank

    For more information, try '--help'.
    exit 2
    $ kube-iam get mappings arn:aws:iam::111122223333:role/dev
    error: `arn:aws:iam::111122223333:role/dev` has no mapping in `aws-auth.yaml`
    hint: see all with `kube-iam get mappings --manifest aws-auth.yaml`
    exit 1
    $ kube-iam check
    aws-auth.yaml:3:3: error[syntax] `mapRoles` is not readable: while parsing a flow sequence, expected ',' or ']'
      hint: look at this line and the one above it
    error: `aws-auth.yaml` can't be read
    hint: mend it with `kube-iam edit --manifest aws-auth.yaml`
    exit 2
    $ kube-iam edit
    error: there is no terminal to edit in
    hint: set `EDITOR`
    exit 2
    ");
    let refused = failed(&large, &create).await;
    assert!(refused.contains("all data of a ConfigMap may have 1,048,576"), "{}", refused.len());
}

#[tokio::test]
async fn a_cluster_that_cannot_be_reached_ends_with_three() {
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("config");
    let text = "apiVersion: v1\nkind: Config\ncurrent-context: a\ncontexts: [{name: a, context: {cluster: a, user: a}}]\n\
        clusters: [{name: a, cluster: {server: 'http://127.0.0.1:1'}}]\nusers: [{name: a, user: {token: t}}]\n";
    fs::write(&kubeconfig, text).unwrap();
    let mut command = kube_iam();
    let refused = finish(command.args(["get", "mappings", "--kubeconfig"]).arg(&kubeconfig)).await.failure(3);
    assert!(refused.starts_with("error: could not read aws-auth\nCaused by: "), "{refused}");
    assert!(refused.contains("\nhint: "), "{refused}");
}

/// Asks bash what may come after some words, as it does after the tabulator.
const COMPLETE: &str = r#"
complete_after() {
  COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
  _kube__iam kube-iam "${@: -1}" "${@: -2:1}"
  echo "$*: ${COMPREPLY[*]}"
}
complete_after kube-iam cr
complete_after kube-iam create m
complete_after kube-iam create mapping --pre
complete_after kube-iam create mapping --preset ''
complete_after kube-iam nodes w
complete_after kube-iam get mappings --out
complete_after kube-iam completion ''
"#;

#[tokio::test]
async fn shells_complete_and_man_pages_are_written() {
    for (shell, word) in [("bash", "_kube__iam() {"), ("zsh", "#compdef kube-iam"), ("fish", "complete -c kube-iam")] {
        let script = finish(kube_iam().args(["completion", shell])).await.success();
        assert!(script.contains(word) && script.contains("mappings"), "{shell}");
    }
    let script = finish(kube_iam().args(["completion", "bash"])).await.success();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("asked.bash"), script + COMPLETE).unwrap();
    let mut bash = Command::new("bash");
    let answers = finish(bash.arg("--norc").arg(folder.path().join("asked.bash"))).await.success();
    assert_snapshot!(answers, @"
    kube-iam cr: create
    kube-iam create m: mapping
    kube-iam create mapping --pre: --preset
    kube-iam create mapping --preset : console-full console-restricted view edit admin
    kube-iam nodes w: wait why
    kube-iam get mappings --out: --output
    kube-iam completion : -c -i -l -v -h --config --strict-config --cluster-id --log-format --log-verbosity --feature-gates --help bash zsh fish
    ");
    finish(kube_iam().arg("man").arg(folder.path())).await.success();
    let page = fs::read_to_string(folder.path().join("kube-iam-create-mapping.1")).unwrap();
    assert!(page.contains("Let somebody in"), "{page}");
}
