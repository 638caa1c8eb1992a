//! The real control plane of the quickstart, where one can be had.

use std::os::unix::fs::symlink;
use std::path::Path;

use anyhow::Context as _;
use kube_iam_control_plane::{Binaries, ControlPlane, ExecApiVersion, ExecUser, InteractiveMode, Options};

use super::cast::{CLUSTER_ID, SAMPLES};

/// What the sample groups may do, so that yes and no can both be seen.
const RBAC: &str = "\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: quickstart-reader}
rules:
- {apiGroups: [''], resources: [pods, services, configmaps], verbs: [get, list, watch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: quickstart-developers}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: quickstart-reader}
subjects:
- {apiGroup: rbac.authorization.k8s.io, kind: Group, name: developers}
";

/// Starts a control plane that asks the webhook; `None` if its programs are not
/// on this machine.
pub async fn start(webhook_kubeconfig: &Path) -> anyhow::Result<Option<ControlPlane>> {
    let Ok(binaries) = Binaries::find() else { return Ok(None) };
    let options = Options { webhook_kubeconfig: Some(webhook_kubeconfig.to_path_buf()), ..Options::default() };
    let control_plane = ControlPlane::start(&binaries, options).await.context("the control plane did not start")?;
    Ok(Some(control_plane))
}

/// Writes a kubeconfig per sample and, where kubectl is found, puts it beside
/// them and lets the developers read. Returns the names of the samples.
pub async fn furnish(control_plane: &ControlPlane, directory: &Path) -> anyhow::Result<Vec<&'static str>> {
    let program = std::env::current_exe().context("this program does not know its own path")?;
    let mut names = Vec::new();
    for sample in SAMPLES.iter().filter(|sample| sample.expected.is_ok() || sample.name == "stranger") {
        let path = directory.join(format!("{}.kubeconfig", sample.name));
        let user = ExecUser {
            command: program.display().to_string(),
            args: ["token", "--cluster-id", CLUSTER_ID].map(str::to_string).to_vec(),
            env: sample.environment(),
            api_version: ExecApiVersion::V1,
            interactive_mode: InteractiveMode::IfAvailable,
        };
        control_plane.write_kubeconfig(&path, &user)?;
        names.push(sample.name);
    }
    if let Some(kubectl) = &control_plane.binaries().kubectl {
        symlink(std::path::absolute(&kubectl.path)?, directory.join("kubectl"))?;
    }
    if let Ok(mut kubectl) = control_plane.kubectl() {
        let manifest = directory.join("rbac.yaml");
        std::fs::write(&manifest, RBAC)?;
        let output = kubectl.args(["apply", "-f"]).arg(&manifest).output().await?;
        anyhow::ensure!(output.status.success(), "kubectl apply: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(names)
}
