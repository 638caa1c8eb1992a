//! `nodes apply`: letting the nodes of a role join.

use std::collections::BTreeSet;

use kube_iam_core::nodes::{plan, stock};

use super::aws;
use crate::args::NodesApplyArgs;
use crate::commands::mappings::{planned, report};
use crate::compose;
use crate::mappings::{self, Edit, Target};
use crate::output;
use crate::report::Failure;

/// Lets the nodes join.
pub fn run(args: &NodesApplyArgs) -> Result<(), Failure> {
    let runtime = compose::runtime()?;
    let roles = runtime.block_on(aws::roles(args))?;
    if args.print {
        let text = stock(&roles).map_err(|error| Failure::of(&error).hint(error.hint()))?;
        output::warn("`kubectl apply` of this replaces the roles that are mapped already, if there are any");
        return output::data(&text);
    }
    runtime.block_on(async {
        // Here region and profile say where the role is looked up, also for a file.
        let target = match &args.target.manifest {
            Some(path) => Target::file(path),
            None => Target::open(&args.target).await?,
        };
        let deciding = target.deciding(&args.target);
        let edit = Edit { target: &target, args: &args.target, write: &args.write, needs: &[] };
        let done = mappings::run(edit, |state, _| {
            let document = state.document()?;
            let plan = plan(document, &roles, deciding).map_err(|error| Failure::of(&error).hint(error.hint()))?;
            planned(state, document, plan)
        });
        let subjects: BTreeSet<String> = roles.iter().map(|role| format!("mapping/{}", role.written())).collect();
        let subjects: Vec<String> = subjects.into_iter().collect();
        report(&done.await?, &args.write, &subjects, target.leaves_stdin())
    })
}
