//! What to try in another terminal.

use std::path::Path;

use kube_iam_control_plane::ControlPlane;

/// What to try where a control plane runs.
pub fn with_cluster(directory: &Path, control_plane: &ControlPlane, names: &[&str]) -> String {
    let kubectl = if control_plane.binaries().kubectl.is_some() { "./kubectl" } else { "kubectl" };
    format!(
        "
A real control plane runs at {url} and asks the webhook who everybody is.
Try this in another terminal:

  cd {directory}
  {kubectl} --kubeconfig admin.kubeconfig auth whoami
  {kubectl} --kubeconfig developer.kubeconfig get configmaps     # allowed
  {kubectl} --kubeconfig developer.kubeconfig get secrets        # known, but Forbidden
  {kubectl} --kubeconfig stranger.kubeconfig auth whoami         # nobody: Unauthorized

There is a kubeconfig for each of: {names}.
{edit}
",
        url = control_plane.url(),
        directory = directory.display(),
        names = names.join(", "),
        edit = edit(directory),
    )
}

/// What to try without one.
pub fn without_cluster(directory: &Path) -> String {
    format!(
        "
kube-apiserver and etcd were not found, so only the webhook runs. To see kubectl
use it, build them once (about 6 minutes, needs Go) and start again:

  cargo test -p kube-iam-control-plane
{}
",
        edit(directory)
    )
}

/// What a change of the mappings has changed: the rows of the table that differ.
pub fn changed(rows: &str) -> String {
    match rows {
        "" => "\nThe mappings have changed; everybody is answered as before.\n".to_string(),
        rows => format!("\nThe mappings have changed, and these logins with them:\n\n{rows}"),
    }
}

fn edit(directory: &Path) -> String {
    format!(
        "
Then map the stranger, and see the next login change without a restart: whenever
the file is saved, everybody signs in again, and what changed is shown here. Add
this below `mapRoles:` in {}:

  - rolearn: arn:aws:iam::111122223333:role/Stranger
    username: stranger
    groups: [developers]

Ctrl-C ends it all and leaves nothing behind.",
        directory.join("config.yaml").display()
    )
}
