//! `kube-iam token`: kubectl's exec plugin.

use jiff::Timestamp;
use kube_iam_aws::environment::Environment;
use kube_iam_aws::token::{TokenRequest, mint};
use kube_iam_core::config::RoleArn;
use kube_iam_core::exec_credential::{ExecInfo, encode};
use kube_iam_core::limits::EXCERPT_CHARS;

use crate::args::{Global, TokenArgs};
use crate::compose;
use crate::config_file;
use crate::output;
use crate::report::Failure;
use crate::terminal::Terminal;

/// Makes a token and prints it. On failure stdout stays empty.
pub fn run(global: &Global, args: &TokenArgs) -> Result<(), Failure> {
    let config = config_file::read(global)?;
    let cluster_id = global.cluster_id(config.cluster_id)?;
    let TokenArgs { region, role, external_id, session_name, token_only, forward_session_name, cache } = args;
    let info = std::env::var("KUBERNETES_EXEC_INFO").unwrap_or_default();
    let info = ExecInfo::parse(&info).map_err(|error| {
        Failure::of(&error).hint(
            "write `apiVersion: client.authentication.k8s.io/v1` under `users[].user.exec` of your kubeconfig"
                .to_string(),
        )
    })?;
    let text = |flag: &Option<String>, file: Option<String>| flag.clone().or(file).filter(|text| !text.is_empty());
    let request = TokenRequest {
        cluster_id,
        region: text(region, config.region),
        role: text(role, config.role),
        external_id: text(external_id, config.external_id),
        session_name: text(session_name, config.session_name),
        forward_session_name: forward_session_name.or(config.forward_session_name).unwrap_or(false),
        cache: cache.or(config.cache).unwrap_or(false),
    };
    if request.forward_session_name && request.session_name.is_some() {
        return Err(Failure::new("cannot specify both --forward-session-name and --session-name parameter"));
    }
    if let Some(role) = &request.role {
        role.parse::<RoleArn>().map_err(|error| {
            Failure::new(format!(
                "`{}` can't be assumed: {error}",
                role.chars().take(EXCERPT_CHARS).collect::<String>()
            ))
            .hint("write the ARN of the role as IAM shows it: `--role arn:aws:iam::ACCOUNT:role/NAME`".to_string())
        })?;
    }
    let prompt = Terminal { interactive: info.interactive };
    let environment = Environment::from_process();
    let minting = mint(&request, &environment, Timestamp::now(), &prompt);
    let minted = compose::runtime()?.block_on(minting).map_err(|error| Failure::of(&error).hint(error.hint()))?;
    for warning in &minted.warnings {
        output::warn(&warning.to_string());
    }
    match token_only.or(config.token_only).unwrap_or(false) {
        true => output::data(&format!("{}\n", minted.token.expose())),
        false => output::data(&format!("{}\n", encode(info.version, &minted.token, minted.expires))),
    }
}
