//! `nodes list`: nodes, and by which row each gets in.

use jiff::Timestamp;
use kube_iam_core::nodes::{Columns, listing, names, table};

use super::{Read, logins, read};
use crate::args::{ListForm, NodesListArgs};
use crate::compose;
use crate::output;
use crate::report::Failure;

/// Prints the nodes.
pub fn run(args: &NodesListArgs) -> Result<(), Failure> {
    let now = Timestamp::now();
    let (Read { cluster, state, nodes, .. }, logins) = compose::runtime()?.block_on(async {
        let read = read(&args.cluster).await?;
        let logins = logins(&read.cluster, now).await;
        Ok::<_, Failure>((read, logins))
    })?;
    let document = state.rows().ok();
    if document.is_none() {
        output::warn("aws-auth can't be read, so no row is shown; `kube-iam check` says what is wrong with it");
    }
    let listing = listing(document, &nodes, cluster.deciding(args.authenticator), logins.as_ref(), now);
    let text = match args.output {
        ListForm::Table => table(&listing, Columns::Usual),
        ListForm::Wide => table(&listing, Columns::Wide),
        ListForm::Json => format!("{}\n", serde_json::to_string_pretty(&listing).unwrap_or_default()),
        ListForm::Yaml => serde_saphyr::to_string(&listing).unwrap_or_default(),
        ListForm::Name => names(&listing),
    };
    if nodes.is_empty() {
        output::tell("there are no nodes\n")?;
    }
    output::data(&text)?;
    let is_table = matches!(args.output, ListForm::Table | ListForm::Wide);
    if is_table && listing.failing_instances.is_some_and(|failing| !failing.is_empty()) {
        output::note("`kube-iam nodes why INSTANCE` says what keeps a failing instance out");
    }
    Ok(())
}
