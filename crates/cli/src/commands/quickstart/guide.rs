//! What to try in another terminal.

use std::path::{Path, PathBuf};

use kube_iam_control_plane::ControlPlane;

/// What to try where a control plane runs.
pub fn with_cluster(directory: &Path, control_plane: &ControlPlane, kubeconfigs: &[(&str, PathBuf)]) -> String {
    let kubectl = control_plane
        .binaries()
        .kubectl
        .as_ref()
        .map_or_else(|| "kubectl".to_string(), |found| found.path.display().to_string());
    let path = |name: &str| {
        let found = kubeconfigs.iter().find(|(sample, _)| *sample == name);
        found.map(|(_, path)| path.display().to_string()).unwrap_or_default()
    };
    let names: Vec<_> = kubeconfigs.iter().map(|(name, _)| *name).collect();
    format!(
        "
A real control plane runs at {url} and asks the webhook who everybody is.
Try this in another terminal:

  {kubectl} --kubeconfig {admin} auth whoami
  {kubectl} --kubeconfig {developer} get configmaps -n default      # allowed
  {kubectl} --kubeconfig {developer} get secrets -n default         # known, but Forbidden
  {kubectl} --kubeconfig {stranger} auth whoami         # nobody: Unauthorized

There is a kubeconfig for each of: {names}.
{edit}
",
        url = control_plane.url(),
        admin = path("admin"),
        developer = path("developer"),
        stranger = path("stranger"),
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

fn edit(directory: &Path) -> String {
    format!(
        "
Then map the stranger, and see the next login change without a restart. Add this
below `mapRoles:` in {}:

  - rolearn: arn:aws:iam::111122223333:role/Stranger
    username: stranger
    groups: [developers]

Ctrl-C ends it all and leaves nothing behind.",
        directory.join("config.yaml").display()
    )
}
