//! `apply` and `diff`: mappings as a file says they should be.

use kube_iam_core::desired::{Desired, DesiredError, DesiredPlan, Options, plan_desired};
use kube_iam_core::diff;
use kube_iam_core::owners::Owners;

use super::{owners, report, usage, wanted};
use crate::args::{ApplyArgs, DesiredArgs, DiffArgs, TargetArgs};
use crate::compose;
use crate::mappings::{self, Edit, State, Target};
use crate::output;
use crate::report::Failure;

/// Makes the mappings what the file says.
pub fn apply(args: &ApplyArgs) -> Result<(), Failure> {
    let (desired, mut options) = read(&args.desired, &args.target)?;
    compose::runtime()?.block_on(async {
        let target = Target::open(&args.target).await?;
        options.deciding = args.write.written_for(target.deciding(&args.target));
        let edit = Edit { target: &target, args: &args.target, write: &args.write, needs: &[] };
        let done = mappings::run(edit, |state, _| {
            let document = state.document()?;
            let before = owners(state)?;
            let plan = planned(state, &before, &desired, &options)?;
            let DesiredPlan { planned, .. } = &plan;
            if planned.operations.is_empty() && plan.owners_in(document) == before {
                return Ok(None);
            }
            wanted(document, &planned.operations, &before, |after| plan.owners_in(after), planned.findings.clone())
                .map(Some)
        });
        report(&done.await?, &args.write, &["mappings".to_owned()], target.leaves_stdin())
    })
}

/// Shows what would change; fails if anything.
pub fn diff(args: &DiffArgs) -> Result<(), Failure> {
    let (desired, mut options) = read(&args.desired, &args.target)?;
    let differences = compose::runtime()?.block_on(async {
        let target = Target::open(&args.target).await?;
        options.deciding = target.deciding(&args.target);
        let state = target.read().await?;
        let (document, before) = (state.document()?, owners(&state)?);
        let plan = planned(&state, &before, &desired, &options)?;
        let edited = document.edit(&plan.planned.operations).map_err(|error| Failure::of(&error))?;
        output::tell(&mappings::findings(&plan.planned.findings))?;
        Ok::<_, Failure>(diff::diff(document, &edited.document, &before))
    });
    let differences = differences.map_err(Failure::no_answer)?;
    output::data(&diff::text(&differences))?;
    match differences.len() {
        0 => Ok(()),
        count => Err(Failure::new(format!("`apply` would change {count} of the mappings"))),
    }
}

fn read(args: &DesiredArgs, target: &TargetArgs) -> Result<(Desired, Options), Failure> {
    if args.file.as_os_str() == "-" && target.manifest.as_ref().is_some_and(|path| path.as_os_str() == "-") {
        return Err(usage(Failure::new("stdin can't be both the mappings and the manifest")));
    }
    let name = args.file.display();
    let text = mappings::text_of(&args.file);
    let text = text.map_err(|error| usage(Failure::new(format!("`{name}` can't be read")).because(&error)))?;
    let desired = Desired::parse(&text).map_err(|problems| {
        let failure = usage(Failure::new(format!("`{name}` can't be applied, nothing was changed")));
        problems.iter().fold(failure, |failure, problem| failure.cause(problem.to_string()))
    })?;
    let owner = args.owner.as_deref().map(str::parse).transpose();
    let owner = owner.map_err(|error| usage(Failure::new("`--owner` can't be used").because(&error)))?;
    let options = Options { owner, prune: args.prune, take_ownership: args.take_ownership, ..Options::default() };
    Ok((desired, options))
}

fn planned(state: &State, owners: &Owners, desired: &Desired, options: &Options) -> Result<DesiredPlan, Failure> {
    plan_desired(state.document()?, owners, desired, options).map_err(|error| {
        let hint = error.hint();
        let failure = match &error {
            DesiredError::Words(problems) => problems
                .iter()
                .fold(Failure::new("the mappings can't be applied, nothing was changed"), |failure, problem| {
                    failure.cause(problem.to_string())
                }),
            DesiredError::Conflicts(conflicts) => conflicts
                .iter()
                .fold(Failure::new("the mappings are not applied: some belong to others"), |failure, conflict| {
                    failure.cause(conflict.to_string())
                }),
            DesiredError::NeedsRoles(..) => Failure::of(&error),
        };
        failure.hint(hint)
    })
}
