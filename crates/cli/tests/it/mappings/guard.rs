//! Every way to lock somebody out, tried with the real binary on a real cluster.

use std::fmt::Write as _;
use std::fs;

use insta::assert_snapshot;
use kube_iam_control_plane::ControlPlane;
use kube_iam_core::finding::Severity;
use kube_iam_core::guard;
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use super::{kubectl, on, on_kubeconfig, run, seeded};
use crate::cluster::{Plan, World};
use crate::people::ADMIN;
use crate::process::{Finished, finish, kube_iam};
use crate::webhook::eventually;

/// The caller, who logs in through the webhook by this very row.
const ME: &str = "\
- rolearn: arn:aws:iam::111122223333:role/Admin # mine
  username: ME
  groups: [system:masters]
";
const OTHER: &str = "\
- rolearn: arn:aws:iam::111122223333:role/Other
  username: other
  groups: [system:masters]
";
const SSO: &str = "\
- rolearn: arn:aws:iam::111122223333:role/AWSReservedSSO_Ops_0123456789abcdef
  username: ops
  groups: [system:masters]
";
const NODE: &str = "\
# the nodes
- rolearn: arn:aws:iam::111122223333:role/Node
  username: system:node:{{EC2PrivateDNSName}}
  groups: [system:bootstrappers, system:nodes]
";
/// Dead as it is where Go decides.
const LESSER: &str = "\
- rolearn: arn:aws:iam::111122223333:role/team/Other
  username: other
  groups: [viewers]
";

const NODES: &str = r#"{"apiVersion": "v1", "kind": "List", "items": [
    {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "ip-10-0-0-1.ec2.internal"}},
    {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "ip-10-0-0-2.ec2.internal"}}]}"#;

/// Who runs the command.
#[derive(Clone, Copy, PartialEq)]
enum By {
    /// Whom the row `ME` lets in.
    Me,
    /// The holder of the cluster's own certificate, whom no row is about.
    Operator,
}

/// One lock-out.
struct LockOut {
    name: &'static str,
    by: By,
    rows: &'static [&'static str],
    /// The command; `edit` runs the editor of the case, `apply` reads its file.
    command: &'static str,
    /// What the editor does, as a script of sed; or the file to apply.
    text: &'static str,
    /// The rules that refuse it.
    rules: &'static [&'static str],
}

const DUPLICATE_OF_ME: &str =
    r"$a\    - {rolearn: 'arn:aws:iam::111122223333:role/Admin', username: me, groups: [viewers]}";
const DUPLICATE_OF_OTHER: &str =
    r"$a\    - {rolearn: 'arn:aws:iam::111122223333:role/Other', username: other, groups: [viewers]}";
const SSO_ROW: &str = "s/rolearn: .*AWSReservedSSO.*/sso: {permissionSetName: Ops, accountID: '111122223333'}/";

const LOCK_OUTS: &[LockOut] = &[
    LockOut {
        name: "the caller's row deleted",
        by: By::Me,
        rows: &[ME, OTHER, NODE],
        command: "delete mapping --arn arn:aws:iam::111122223333:role/Admin",
        text: "",
        rules: &["caller-loses-access"],
    },
    LockOut {
        name: "the caller's groups changed",
        by: By::Me,
        rows: &[ME, OTHER, NODE],
        command: "set mapping --arn arn:aws:iam::111122223333:role/Admin --group viewers",
        text: "",
        rules: &["caller-loses-admin"],
    },
    LockOut {
        name: "the caller's groups applied",
        by: By::Me,
        rows: &[ME, OTHER, NODE],
        command: "apply",
        text: "mappings:\n- arn: arn:aws:iam::111122223333:role/Admin\n  groups: [viewers]\n",
        rules: &["caller-loses-admin"],
    },
    LockOut {
        name: "the caller demoted by a duplicate",
        by: By::Me,
        rows: &[ME, OTHER, NODE],
        command: "edit",
        text: DUPLICATE_OF_ME,
        rules: &["caller-demoted-by-duplicate"],
    },
    LockOut {
        name: "an administrator demoted by the repair of a path, where Go decides",
        by: By::Operator,
        rows: &[ME, OTHER, NODE, LESSER],
        command: "check --fix --grants --authenticator aws-iam-authenticator",
        text: "",
        rules: &["admin-demoted-by-duplicate"],
    },
    LockOut {
        name: "the caller's row, which is the last administrator's",
        by: By::Me,
        rows: &[ME, NODE],
        command: "delete mapping --username ME",
        text: "",
        rules: &["caller-loses-access", "last-admin"],
    },
    LockOut {
        name: "the caller's row with a path, where Go decides",
        by: By::Me,
        rows: &[ME, OTHER, NODE],
        command: "edit --authenticator aws-iam-authenticator",
        text: "s|role/Admin|role/team/Admin|",
        rules: &["caller-loses-access", "only-kube-iam-matches"],
    },
    LockOut {
        name: "the caller's row with a path, where EKS decides",
        by: By::Me,
        rows: &[ME, OTHER, NODE],
        command: "edit --authenticator eks",
        text: "s|role/Admin|role/team/Admin|",
        rules: &["caller-loses-access", "only-kube-iam-matches"],
    },
    LockOut {
        name: "the last administrator deleted",
        by: By::Operator,
        rows: &[OTHER, NODE],
        command: "delete mapping --username other",
        text: "",
        rules: &["last-admin"],
    },
    LockOut {
        name: "the last administrator pruned",
        by: By::Operator,
        rows: &[OTHER, NODE],
        command: "apply --prune",
        text: "mappings:\n- arn: arn:aws:iam::111122223333:role/Node\n  username: system:node:{{EC2PrivateDNSName}}\n  \
               groups: [system:bootstrappers, system:nodes]\n",
        rules: &["last-admin"],
    },
    LockOut {
        name: "the last administrator demoted by a duplicate",
        by: By::Operator,
        rows: &[OTHER, NODE],
        command: "edit",
        text: DUPLICATE_OF_OTHER,
        rules: &["last-admin"],
    },
    LockOut {
        name: "an administrator among others demoted by a duplicate",
        by: By::Operator,
        rows: &[ME, OTHER, NODE],
        command: "edit",
        text: DUPLICATE_OF_OTHER,
        rules: &["admin-demoted-by-duplicate"],
    },
    LockOut {
        name: "the last administrator as a permission set, where EKS decides",
        by: By::Operator,
        rows: &[SSO, NODE],
        command: "edit --authenticator eks",
        text: SSO_ROW,
        rules: &["last-admin", "only-kube-iam-matches"],
    },
    LockOut {
        name: "the last administrator as a permission set, where nobody knows who decides",
        by: By::Operator,
        rows: &[SSO, NODE],
        command: "edit",
        text: SSO_ROW,
        rules: &["last-admin", "only-kube-iam-matches"],
    },
    LockOut {
        name: "the row of live nodes deleted",
        by: By::Operator,
        rows: &[OTHER, NODE],
        command: "delete mapping --arn arn:aws:iam::111122223333:role/Node",
        text: "",
        rules: &["node-role"],
    },
    LockOut {
        name: "a group of live nodes removed",
        by: By::Operator,
        rows: &[OTHER, NODE],
        command: "set mapping --arn arn:aws:iam::111122223333:role/Node --remove-group system:bootstrappers",
        text: "",
        rules: &["node-role"],
    },
    LockOut {
        name: "the row of live nodes with a path, where Go decides",
        by: By::Operator,
        rows: &[OTHER, NODE],
        command: "edit --authenticator aws-iam-authenticator",
        text: "s|role/Node|role/eks/Node|",
        rules: &["node-role", "only-kube-iam-matches"],
    },
];

/// aws-auth as kube-apiserver has it, its version included.
async fn object(control_plane: &ControlPlane) -> String {
    let args = ["get", "configmap", "aws-auth", "-n", "kube-system", "-o", "json", "--show-managed-fields"];
    kubectl(control_plane, &args, "").await.success()
}

/// Puts rows in the place of whatever is there.
async fn reset(control_plane: &ControlPlane, rows: &str) {
    let object = serde_json::json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "aws-auth", "namespace": "kube-system"},
        "data": {"a-note": "stays", "mapRoles": rows},
    });
    let apply = ["apply", "--server-side", "--force-conflicts", "--field-manager", "seed", "-f", "-"];
    kubectl(control_plane, &["delete", "configmap", "aws-auth", "-n", "kube-system", "--ignore-not-found"], "")
        .await
        .success();
    kubectl(control_plane, &apply, &object.to_string()).await.success();
}

/// An editor that runs a script of sed.
fn editor(script: &str) -> String {
    format!("sed -i -e '{}'", script.replace('\'', r"'\''"))
}

impl LockOut {
    /// The command as somebody runs it, with nobody there to be asked.
    fn command(&self, world: &World, name: &str, folder: &TempDir, overrides: &[&str]) -> Command {
        let words = self.command.replace("ME", name);
        let words: Vec<&str> = words.split(' ').collect();
        let mut command = match self.by {
            By::Me => on_kubeconfig(&world.kubeconfig(ADMIN), &words),
            By::Operator => on(&world.control_plane, &words),
        };
        if words[0] == "apply" {
            let file = folder.path().join("desired.yaml");
            fs::write(&file, self.text).unwrap();
            command.arg("-f").arg(file);
        }
        command.env("EDITOR", editor(self.text)).env("TMPDIR", folder.path()).arg("--yes");
        for rule in overrides {
            command.args(["--override", rule]);
        }
        command
    }

    async fn is_refused(&self, world: &World, name: &str, folder: &TempDir, overrides: &[&str]) -> String {
        let before = object(&world.control_plane).await;
        let stderr = finish(&mut self.command(world, name, folder, overrides)).await.failure(1);
        assert_eq!(object(&world.control_plane).await, before, "{}", self.name);
        let left: Vec<_> = self.rules.iter().filter(|rule| !overrides.contains(rule)).collect();
        let flags: Vec<_> = left.iter().map(|rule| format!("--override {rule}")).collect();
        assert!(stderr.contains(&format!("repeat with `{}`", flags.join(" "))), "{}: {stderr}", self.name);
        for rule in self.rules {
            assert!(stderr.contains(&format!(" [{rule}]\n")), "{}: {stderr}", self.name);
        }
        stderr
    }

    async fn is_let_through(&self, world: &World, name: &str, folder: &TempDir, overrides: &[&str]) {
        let before = object(&world.control_plane).await;
        let finished = finish(&mut self.command(world, name, folder, overrides)).await;
        // After a repair `check` still tells what is left.
        let code = i32::from(self.command.starts_with("check"));
        assert_eq!(finished.code, Some(code), "{}: {finished:?}", self.name);
        let after = object(&world.control_plane).await;
        assert!(after != before && after.contains("stays"), "{}: {after}", self.name);
    }
}

/// What a person has to read of a refusal: everything but the change itself.
fn reasons(stderr: &str) -> String {
    let is_change = |line: &&str| line.starts_with(['+', '-', ' ', '@']) && !line.starts_with("  hint:");
    let lines = stderr.lines().filter(|line| !is_change(line) && *line != "mapRoles");
    let named = |line: &str| match line.split_once("is kept in `") {
        Some((before, path)) => {
            let (path, _) = path.split_once('`').unwrap();
            assert!(fs::read_to_string(path).unwrap().contains("kind: ConfigMap"), "{path}");
            format!("  {before}is kept in `FILE`\n")
        }
        None => format!("  {line}\n"),
    };
    lines.map(named).collect()
}

#[tokio::test]
async fn every_lock_out_is_refused_and_let_through_by_the_names_of_its_rules() {
    let plan = Plan { server_keys: "backendMode: [EKSConfigMap]", ..Plan::default() };
    let Some(world) = World::start(plan).await else { return };
    let folder = TempDir::new().unwrap();
    kubectl(&world.control_plane, &["create", "-f", "-"], NODES).await.success();
    let mut shown = String::new();
    for (index, lock_out) in LOCK_OUTS.iter().enumerate() {
        // A name of its own tells that the webhook knows of the rows.
        let name = format!("me-{index}");
        reset(&world.control_plane, &lock_out.rows.concat().replace("ME", &name)).await;
        if lock_out.by == By::Me {
            let whoami = async || world.kubectl(ADMIN, &["auth", "whoami"]).await;
            eventually("the caller is let in", async || whoami().await.stdout.contains(&name).then_some(())).await;
        }
        let stderr = lock_out.is_refused(&world, &name, &folder, &[]).await;
        write!(shown, "{}\n{}", lock_out.name, reasons(&stderr.replace(&name, "ME"))).unwrap();
        if lock_out.rules.len() > 1 {
            for rule in lock_out.rules {
                lock_out.is_refused(&world, &name, &folder, &[rule]).await;
            }
        }
        lock_out.is_let_through(&world, &name, &folder, lock_out.rules).await;
    }
    assert_snapshot!(shown, @"
    the caller's row deleted
      block: you would be locked out: nothing would let `arn:aws:iam::111122223333:role/Admin` in any more; now `mapRoles` line 1 maps you [caller-loses-access]
        hint: keep a row for your own principal, or let somebody else make this change
      note: the guard could not find out the roles of the 2 nodes and which authenticator decides (see `--authenticator`) [unchecked]
      error: the change is refused, and nothing is written
      hint: if that is meant, repeat with `--override caller-loses-access`
    the caller's groups changed
      block: mapRoles, line 1: you would no longer be an administrator as `arn:aws:iam::111122223333:role/Admin`; now `mapRoles` line 1 maps you [caller-loses-admin]
        hint: keep your own groups, or let another administrator make this change
      warning: mapRoles, line 3: no binding names group `viewers` [unbound-group]
      note: the guard could not find out the roles of the 2 nodes and which authenticator decides (see `--authenticator`) [unchecked]
      error: the change is refused, and nothing is written
      hint: if that is meant, repeat with `--override caller-loses-admin`
    the caller's groups applied
      block: mapRoles, line 1: you would no longer be an administrator as `arn:aws:iam::111122223333:role/Admin`; now `mapRoles` line 1 maps you [caller-loses-admin]
        hint: keep your own groups, or let another administrator make this change
      warning: mapRoles, line 3: no binding names group `viewers` [unbound-group]
      note: the guard could not find out the roles of the 2 nodes and which authenticator decides (see `--authenticator`) [unchecked]
      error: the change is refused, and nothing is written
      hint: if that is meant, repeat with `--override caller-loses-admin`
    the caller demoted by a duplicate
      block: mapRoles, line 11: you would lose rights: of the rows about `arn:aws:iam::111122223333:role/Admin`, `mapRoles` line 11 hides `mapRoles` line 1 [caller-demoted-by-duplicate]
        hint: keep one row per principal; of several the last one wins
      warning: mapRoles, line 1: this row about `arn:aws:iam::111122223333:role/Admin` has no effect: the one 10 lines below takes its place [shadowed-row]
      warning: mapRoles, line 11: no binding names group `viewers` [unbound-group]
      note: the guard could not find out the roles of the 2 nodes and which authenticator decides (see `--authenticator`) [unchecked]
      warning: your text is kept in `FILE`
      error: the change is refused, and nothing is written
      hint: if that is meant, repeat with `--override caller-demoted-by-duplicate`
    an administrator demoted by the repair of a path, where Go decides
      block: mapRoles, line 11: `arn:aws:iam::111122223333:role/Other` would no longer be an administrator: `mapRoles` line 11 hides `mapRoles` line 4 [admin-demoted-by-duplicate]
        hint: keep one row per principal; of several the last one wins
      warning: mapRoles, line 11: `arn:aws:iam::111122223333:role/Other` would get `viewers` by `mapRoles` line 11, where a row has no effect now [grants-access]
        hint: make sure that this principal is meant to get in
      warning: mapRoles, line 4: this row about `arn:aws:iam::111122223333:role/Other` has no effect: the one 7 lines below takes its place [shadowed-row]
      note: the guard could not find out the roles of the 2 nodes [unchecked]
      error: the change is refused, and nothing is written
      hint: if that is meant, repeat with `--override admin-demoted-by-duplicate`
    the caller's row, which is the last administrator's
      block: you would be locked out: nothing would let `arn:aws:iam::111122223333:role/Admin` in any more; now `mapRoles` line 1 maps you [caller-loses-access]
        hint: keep a row for your own principal, or let somebody else make this change
      block: no administrator would be left: `arn:aws:iam::111122223333:role/Admin` is the last; now `mapRoles` line 1 maps it [last-admin]
        hint: map another administrator first, or give kube-iam a break-glass file
      note: the guard could not find out the roles of the 2 nodes and which authenticator decides (see `--authenticator`) [unchecked]
      error: the change is refused for 2 reasons, and nothing is written
      hint: if that is meant, repeat with `--override caller-loses-access --override last-admin`
    the caller's row with a path, where Go decides
      block: you would be locked out: nothing would let `arn:aws:iam::111122223333:role/Admin` in any more; now `mapRoles` line 1 maps you [caller-loses-access]
        hint: keep a row for your own principal, or let somebody else make this change
      block: mapRoles, line 1: the row about `arn:aws:iam::111122223333:role/team/Admin` matches nobody here: its ARN shows the path of the role, and only kube-iam matches that [only-kube-iam-matches]
        hint: write `arn:aws:iam::111122223333:role/Admin`, which all of them match
      note: the guard could not find out the roles of the 2 nodes [unchecked]
      warning: your text is kept in `FILE`
      error: the change is refused for 2 reasons, and nothing is written
      hint: if that is meant, repeat with `--override caller-loses-access --override only-kube-iam-matches`
    the caller's row with a path, where EKS decides
      block: you would be locked out: nothing would let `arn:aws:iam::111122223333:role/Admin` in any more; now `mapRoles` line 1 maps you [caller-loses-access]
        hint: keep a row for your own principal, or let somebody else make this change
      block: mapRoles, line 1: the row about `arn:aws:iam::111122223333:role/team/Admin` matches nobody here: its ARN shows the path of the role, and only kube-iam matches that [only-kube-iam-matches]
        hint: write `arn:aws:iam::111122223333:role/Admin`, which all of them match
      note: the guard could not find out the roles of the 2 nodes [unchecked]
      warning: your text is kept in `FILE`
      error: the change is refused for 2 reasons, and nothing is written
      hint: if that is meant, repeat with `--override caller-loses-access --override only-kube-iam-matches`
    the last administrator deleted
      block: no administrator would be left: `arn:aws:iam::111122223333:role/Other` is the last; now `mapRoles` line 1 maps it [last-admin]
        hint: map another administrator first, or give kube-iam a break-glass file
      note: the guard could not find out the roles of the 2 nodes and which authenticator decides (see `--authenticator`) [unchecked]
      error: the change is refused, and nothing is written
      hint: if that is meant, repeat with `--override last-admin`
    the last administrator pruned
      block: no administrator would be left: `arn:aws:iam::111122223333:role/Other` is the last; now `mapRoles` line 1 maps it [last-admin]
        hint: map another administrator first, or give kube-iam a break-glass file
      note: the guard could not find out the roles of the 2 nodes and which authenticator decides (see `--authenticator`) [unchecked]
      error: the change is refused, and nothing is written
      hint: if that is meant, repeat with `--override last-admin`
    the last administrator demoted by a duplicate
      block: no administrator would be left: `arn:aws:iam::111122223333:role/Other` is the last; now `mapRoles` line 1 maps it [last-admin]
        hint: map another administrator first, or give kube-iam a break-glass file
      warning: mapRoles, line 1: this row about `arn:aws:iam::111122223333:role/Other` has no effect: the one 7 lines below takes its place [shadowed-row]
      warning: mapRoles, line 8: no binding names group `viewers` [unbound-group]
      note: the guard could not find out the roles of the 2 nodes and which authenticator decides (see `--authenticator`) [unchecked]
      warning: your text is kept in `FILE`
      error: the change is refused, and nothing is written
      hint: if that is meant, repeat with `--override last-admin`
    an administrator among others demoted by a duplicate
      block: mapRoles, line 11: `arn:aws:iam::111122223333:role/Other` would no longer be an administrator: `mapRoles` line 11 hides `mapRoles` line 4 [admin-demoted-by-duplicate]
        hint: keep one row per principal; of several the last one wins
      warning: mapRoles, line 4: this row about `arn:aws:iam::111122223333:role/Other` has no effect: the one 7 lines below takes its place [shadowed-row]
      warning: mapRoles, line 11: no binding names group `viewers` [unbound-group]
      note: the guard could not find out the roles of the 2 nodes and which authenticator decides (see `--authenticator`) [unchecked]
      warning: your text is kept in `FILE`
      error: the change is refused, and nothing is written
      hint: if that is meant, repeat with `--override admin-demoted-by-duplicate`
    the last administrator as a permission set, where EKS decides
      block: no administrator would be left: `arn:aws:iam::111122223333:role/AWSReservedSSO_Ops_0123456789abcdef` is the last; now `mapRoles` line 1 maps it [last-admin]
        hint: map another administrator first, or give one an access entry
      block: mapRoles, line 1: the row about permission set `Ops` in account 111122223333 matches nobody here: it names a permission set, and only kube-iam matches that [only-kube-iam-matches]
        hint: write the ARN of the role that the permission set has in this account today
      note: the guard could not find out the roles of the 2 nodes [unchecked]
      warning: your text is kept in `FILE`
      error: the change is refused for 2 reasons, and nothing is written
      hint: if that is meant, repeat with `--override last-admin --override only-kube-iam-matches`
    the last administrator as a permission set, where nobody knows who decides
      block: no administrator would be left: `arn:aws:iam::111122223333:role/AWSReservedSSO_Ops_0123456789abcdef` is the last, if aws-iam-authenticator or EKS decides here; now `mapRoles` line 1 maps it [last-admin]
        hint: map another administrator first, or give kube-iam a break-glass file
      block: mapRoles, line 1: the row about permission set `Ops` in account 111122223333 may match nobody here: it names a permission set, and only kube-iam matches that [only-kube-iam-matches]
        hint: write the ARN of the role that the permission set has in this account today
      warning: mapRoles, line 1: permission set `Ops` in account 111122223333 would get `system:masters` by `mapRoles` line 1, if kube-iam decides here [grants-masters]
        hint: nothing can be taken from that group by RBAC
      note: the guard could not find out the roles of the 2 nodes and which authenticator decides (see `--authenticator`) [unchecked]
      warning: your text is kept in `FILE`
      error: the change is refused for 2 reasons, and nothing is written
      hint: if that is meant, repeat with `--override last-admin --override only-kube-iam-matches`
    the row of live nodes deleted
      block: node role `arn:aws:iam::111122223333:role/Node` would lose its mapping, and the roles of 2 nodes are not known [node-role]
        hint: remove the nodes first; they can't reach the API server without it
      note: the guard could not find out the roles of the 2 nodes and which authenticator decides (see `--authenticator`) [unchecked]
      error: the change is refused, and nothing is written
      hint: if that is meant, repeat with `--override node-role`
    a group of live nodes removed
      block: mapRoles, line 5: node role `arn:aws:iam::111122223333:role/Node` would lose group `system:bootstrappers`, and the roles of 2 nodes are not known [node-role]
        hint: remove the nodes first; they can't reach the API server without it
      warning: mapRoles, line 7: nodes need group `system:bootstrappers` too [node-row]
      note: the guard could not find out the roles of the 2 nodes and which authenticator decides (see `--authenticator`) [unchecked]
      error: the change is refused, and nothing is written
      hint: if that is meant, repeat with `--override node-role`
    the row of live nodes with a path, where Go decides
      block: node role `arn:aws:iam::111122223333:role/Node` would lose its mapping, and the roles of 2 nodes are not known [node-role]
        hint: remove the nodes first; they can't reach the API server without it
      block: mapRoles, line 5: the row about `arn:aws:iam::111122223333:role/eks/Node` matches nobody here: its ARN shows the path of the role, and only kube-iam matches that [only-kube-iam-matches]
        hint: write `arn:aws:iam::111122223333:role/Node`, which all of them match
      note: the guard could not find out the roles of the 2 nodes [unchecked]
      warning: your text is kept in `FILE`
      error: the change is refused for 2 reasons, and nothing is written
      hint: if that is meant, repeat with `--override node-role --override only-kube-iam-matches`
    ");
    world.stop().await;
}

#[tokio::test]
async fn what_locks_nobody_out_passes() {
    let Some(control_plane) = seeded().await else { return };
    reset(&control_plane, &[OTHER, NODE, SSO].concat()).await;
    let edit = async |authenticator: &str, script: &str| {
        let args = ["edit", "--yes", "--authenticator", authenticator];
        finish(on(&control_plane, &args).env("EDITOR", editor(script))).await.success()
    };
    // Rows that only kube-iam matches, where it decides.
    edit("kube-iam", "s|role/Other|role/team/Other|").await;
    edit("kube-iam", SSO_ROW).await;
    // One of two administrators.
    run(&control_plane, &["delete", "mapping", "--username", "ops", "--yes", "--authenticator", "kube-iam"])
        .await
        .success();
    // The row of nodes that are not there.
    let delete = ["delete", "mapping", "--arn", "arn:aws:iam::111122223333:role/Node", "--yes"];
    run(&control_plane, &delete).await.success();
    let rows = super::stored(&control_plane).await["mapRoles"].clone();
    assert!(rows.contains("role/team/Other") && !rows.contains("Node\n") && !rows.contains("Ops"), "{rows}");
    control_plane.stop().await;
}

#[tokio::test]
async fn a_permission_set_is_mapped_by_its_role_where_others_decide() {
    let Some(control_plane) = seeded().await else { return };
    let before = object(&control_plane).await;
    let create = |authenticator: &'static str| {
        let subject = ["create", "mapping", "--sso-permission-set", "Ops", "--account", "111122223333"];
        [&subject[..], &["--group", "ops", "--yes", "--authenticator", authenticator]].concat()
    };
    let mut shown = String::new();
    for authenticator in ["auto", "eks", "aws-iam-authenticator"] {
        let refused = run(&control_plane, &create(authenticator)).await.failure(1);
        write!(shown, "{authenticator}\n{refused}").unwrap();
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    let text = "mappings:\n- sso: {permissionSetName: Ops, accountID: '111122223333'}\n  groups: [ops]\n";
    fs::write(file.path(), text).unwrap();
    let apply = ["apply", "-f", file.path().to_str().unwrap(), "--yes", "--authenticator", "eks"];
    write!(shown, "apply\n{}", run(&control_plane, &apply).await.failure(1)).unwrap();
    let diff = ["diff", "-f", file.path().to_str().unwrap(), "--authenticator", "eks"];
    write!(shown, "diff\n{}", run(&control_plane, &diff).await.failure(2)).unwrap();
    assert_snapshot!(shown, @r#"
    auto
    error: a mapping by permission set works only where kube-iam decides; `Ops` must be mapped by its role
    hint: if kube-iam decides here, add `--authenticator kube-iam`; else map the role that `aws iam list-roles --path-prefix /aws-reserved/sso.amazonaws.com/ --query "Roles[?starts_with(RoleName, 'AWSReservedSSO_Ops_')].Arn" --output text` shows in account 111122223333
    eks
    error: a mapping by permission set works only where kube-iam decides; `Ops` must be mapped by its role
    hint: map the role that `aws iam list-roles --path-prefix /aws-reserved/sso.amazonaws.com/ --query "Roles[?starts_with(RoleName, 'AWSReservedSSO_Ops_')].Arn" --output text` shows in account 111122223333; `--override only-kube-iam-matches` writes it as it is
    aws-iam-authenticator
    error: a mapping by permission set works only where kube-iam decides; `Ops` must be mapped by its role
    hint: map the role that `aws iam list-roles --path-prefix /aws-reserved/sso.amazonaws.com/ --query "Roles[?starts_with(RoleName, 'AWSReservedSSO_Ops_')].Arn" --output text` shows in account 111122223333; `--override only-kube-iam-matches` writes it as it is
    apply
    error: mappings by permission set work only where kube-iam decides; `Ops` in account 111122223333 must be mapped by role
    hint: map the role that `aws iam list-roles --path-prefix /aws-reserved/sso.amazonaws.com/ --query "Roles[?starts_with(RoleName, 'AWSReservedSSO_Ops_')].Arn" --output text` shows in account 111122223333; `kube-iam apply --override only-kube-iam-matches` writes it as it is
    diff
    error: mappings by permission set work only where kube-iam decides; `Ops` in account 111122223333 must be mapped by role
    hint: map the role that `aws iam list-roles --path-prefix /aws-reserved/sso.amazonaws.com/ --query "Roles[?starts_with(RoleName, 'AWSReservedSSO_Ops_')].Arn" --output text` shows in account 111122223333; `kube-iam apply --override only-kube-iam-matches` writes it as it is
    "#);
    assert_eq!(object(&control_plane).await, before);

    let by_name = ["--override", "only-kube-iam-matches"];
    let forced = run(&control_plane, &[&create("eks")[..], &by_name].concat()).await;
    assert!(forced.stderr.contains("warning: ") && forced.stderr.contains("[only-kube-iam-matches]"), "{forced:?}");
    forced.success();
    assert!(super::stored(&control_plane).await["mapRoles"].contains("permissionSetName: Ops"));
    let again = run(&control_plane, &[&apply[..], &by_name].concat()).await.success();
    assert_eq!(again, "mappings unchanged\n");
    control_plane.stop().await;
}

#[tokio::test]
async fn what_cannot_be_read_is_neither_changed_nor_written() {
    let Some(control_plane) = seeded().await else { return };
    reset(&control_plane, &format!("{OTHER}- rolearn: [\n")).await;
    let before = object(&control_plane).await;
    let set = ["set", "mapping", "--arn", super::DEV, "--group", "g", "--yes"];
    for args in [
        &set[..],
        &[&set[..], &["--override", "section-unreadable"]].concat(),
        &["delete", "mapping", "--username", "other", "--yes"],
        &["check", "--fix", "--yes"],
    ] {
        let finished = run(&control_plane, args).await;
        assert_eq!(finished.code, Some(2), "{args:?}: {finished:?}");
        assert!(finished.stderr.contains("can't be read") && finished.stderr.contains("kube-iam edit"), "{finished:?}");
    }
    let edit = async |script: &str| finish(on(&control_plane, &["edit", "--yes"]).env("EDITOR", editor(script))).await;
    let refused = edit("s/none/none/").await;
    assert_eq!(refused.success(), "aws-auth unchanged\n");
    assert_eq!(object(&control_plane).await, before);

    // An editor that mends it: nobody knows what the rows gave before.
    let mended = edit("/rolearn: \\[/d").await;
    assert!(mended.stderr.contains("[grants-access]"), "{mended:?}");
    mended.success();
    let before = object(&control_plane).await;
    // A section and a row that would be unreadable.
    for (script, why) in [
        ("s/groups: .*/groups: [system:masters/", "`mapRoles`: while parsing a flow sequence"),
        ("s/username: .*/username: 5/", "`username`"),
    ] {
        let refused = edit(script).await.failure(2);
        assert!(
            refused.contains("error: aws-auth is not changed: the text is still wrong\nCaused by: line "),
            "{refused}"
        );
        assert!(refused.contains(why), "{refused}");
        assert_eq!(object(&control_plane).await, before);
    }
    control_plane.stop().await;
}

#[tokio::test]
async fn an_override_names_a_rule() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("aws-auth.yaml");
    let text = format!("mapRoles: |\n{}", OTHER.lines().map(|line| format!("  {line}\n")).collect::<String>());
    fs::write(&path, &text).unwrap();
    let delete = async |overrides: &[&str]| -> Finished {
        let mut command = kube_iam();
        command.args(["delete", "mapping", "--username", "other", "--yes", "--manifest"]).arg(&path);
        for rule in overrides {
            command.args(["--override", rule]);
        }
        finish(&mut command).await
    };
    let unknown = delete(&["last_admin"]).await.failure(2);
    for rule in guard::RULES.iter().filter(|rule| rule.severity == Severity::Block) {
        assert!(unknown.contains(rule.id), "{unknown}");
    }
    for overrides in [&[][..], &["node-role"], &["only-kube-iam-matches", "caller-loses-admin"]] {
        let refused = delete(overrides).await.failure(1);
        assert!(refused.ends_with("hint: if that is meant, repeat with `--override last-admin`\n"), "{refused}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
    delete(&["node-role", "last-admin"]).await.success();
    assert_ne!(fs::read_to_string(&path).unwrap(), text);

    // A duplicate in a file.
    fs::write(
        &path,
        format!("{text}  - rolearn: arn:aws:iam::111122223333:role/Third\n    groups: [system:masters]\n"),
    )
    .unwrap();
    let before = fs::read_to_string(&path).unwrap();
    let edit = async |overrides: &[&str]| {
        let mut command = kube_iam();
        command.env("TMPDIR", folder.path());
        command.args(["edit", "--yes", "--manifest"]).arg(&path).args(overrides);
        finish(command.env("EDITOR", editor(DUPLICATE_OF_OTHER))).await
    };
    let refused = edit(&[]).await.failure(1);
    assert!(
        refused.contains("[admin-demoted-by-duplicate]") && fs::read_to_string(&path).unwrap() == before,
        "{refused}"
    );
    edit(&["--override", "admin-demoted-by-duplicate"]).await.success();
    assert_ne!(fs::read_to_string(&path).unwrap(), before);
}

/// Where in the answer of the metrics endpoint requests of a kind are counted.
fn count(metrics: &str, labels: &[&str]) -> f64 {
    let is_meant =
        |line: &&str| line.starts_with("apiserver_request_total{") && labels.iter().all(|label| line.contains(label));
    let value = |line: &str| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap();
    metrics.lines().filter(is_meant).map(value).sum()
}

#[tokio::test]
async fn a_repair_reads_the_cluster_once() {
    let Some(control_plane) = seeded().await else { return };
    reset(&control_plane, &OTHER.replace("username", "userName")).await;
    let requests = async || {
        let metrics = kubectl(&control_plane, &["get", "--raw", "/metrics"], "").await.success();
        [
            &["resource=\"selfsubjectreviews\"", "verb=\"POST\""][..],
            &["resource=\"nodes\"", "verb=\"LIST\""],
            &["resource=\"configmaps\"", "verb=\"GET\""],
        ]
        .map(|labels| count(&metrics, labels))
    };
    let before = requests().await;
    let repaired = run(&control_plane, &["check", "--fix", "--yes"]).await;
    assert!(repaired.stdout.contains("repaired"), "{repaired:?}");
    let after = requests().await;
    let asked: Vec<_> = after.iter().zip(before).map(|(after, before)| after - before).collect();
    assert_eq!(asked, [1.0; 3]);
    let object: Value = serde_json::from_str(&object(&control_plane).await).unwrap();
    assert_eq!(object["data"]["mapRoles"], OTHER);
    control_plane.stop().await;
}
