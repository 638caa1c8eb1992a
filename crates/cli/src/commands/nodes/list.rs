//! `nodes list`: nodes, and by which row each gets in.

use jiff::Timestamp;
use kube_iam_core::aws_auth::Document;
use kube_iam_core::nodes::{Columns, listing, names, table};

use super::{Read, read};
use crate::args::{ListForm, NodesListArgs};
use crate::compose;
use crate::output;
use crate::report::Failure;

/// Prints the nodes.
pub fn run(args: &NodesListArgs) -> Result<(), Failure> {
    let Read { cluster, state, nodes, .. } = compose::runtime()?.block_on(read(&args.cluster))?;
    let document = Document::parse(&state.data).ok();
    if document.is_none() {
        output::warn("aws-auth can't be read, so no row is shown; `kube-iam check` says what is wrong with it");
    }
    let listing = listing(document.as_ref(), &nodes, cluster.deciding(args.authenticator), Timestamp::now());
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
    output::data(&text)
}
