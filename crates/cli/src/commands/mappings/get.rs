//! `get mappings`: who is mapped to what.

use kube_iam_core::aws_auth::Rows;
use kube_iam_core::listing::{Columns, Filter, break_glass, json, listing, names, table, yaml};
use kube_iam_core::owners::Owners;
use kube_iam_server::break_glass as file;

use super::owners;
use crate::args::{GetMappingsArgs, ListForm};
use crate::compose;
use crate::mappings::Target;
use crate::output;
use crate::report::Failure;

/// Prints the mappings.
pub fn run(args: &GetMappingsArgs) -> Result<(), Failure> {
    let (target, state) = compose::runtime()?.block_on(async {
        let target = Target::open(&args.target).await?;
        let state = target.read().await?;
        Ok::<_, Failure>((target, state))
    })?;
    let document = state.document()?;
    let owners = owners(&state).unwrap_or_else(|failure| {
        output::warn(&format!("owners are not shown: {}", failure.line()));
        Owners::default()
    });
    let mut listed = listing(document, &owners, target.deciding(&args.target));
    let is_empty = listed.is_empty();
    if args.effective {
        break_glass(&mut listed, &break_glass_rows(args)?);
        if matches!(&target, Target::Cluster(cluster) if cluster.creator_is_admin()) {
            output::warn("whoever created the cluster is an administrator too; EKS does not say who it was");
        }
    }
    let filter = Filter {
        principal: args.arn.clone(),
        username: args.username.clone(),
        group: args.group.clone(),
        owner: args.owner.clone(),
    };
    filter.apply(&mut listed);
    if let (Some(arn), true) = (&args.arn, listed.is_empty()) {
        let failure = Failure::new(format!("`{arn}` has no mapping in {}", target.name()));
        return Err(failure.hint("see all with `kube-iam get mappings`".to_string()));
    }
    let columns = if args.effective { Columns::Effective } else { Columns::Usual };
    match args.output {
        ListForm::Table | ListForm::Wide if listed.is_empty() => {
            let word = match (state.exists(), is_empty) {
                (false, _) => "does not exist",
                (true, true) => "holds no mappings",
                (true, false) => "holds no mapping like that",
            };
            output::tell(&format!("{} {word}\n", target.name()))
        }
        ListForm::Table => output::data(&table(&listed, columns)),
        ListForm::Wide => output::data(&table(&listed, Columns::Wide)),
        ListForm::Json => output::data(&json(&listed)),
        ListForm::Yaml => output::data(&yaml(&listed)),
        ListForm::Name => output::data(&names(&listed)),
    }
}

fn break_glass_rows(args: &GetMappingsArgs) -> Result<Vec<Rows>, Failure> {
    match &args.break_glass_file {
        Some(path) => file::read(path).map_err(|error| {
            Failure::of(&error)
                .hint("it is a file of this machine; the server's is named by `server.breakGlassFile`".to_string())
        }),
        None => Ok(Vec::new()),
    }
}
