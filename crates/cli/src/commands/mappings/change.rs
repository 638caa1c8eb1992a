//! `create mapping`, `set mapping`, `delete mapping`.

use kube_iam_core::change::{self, Change, ChangeError, GroupsChange, Selector, Whom, WhomError, plan};

use super::{bind, planned, report, usage};
use crate::args::{CreateMappingArgs, DeleteMappingArgs, SetMappingArgs, SubjectArgs, TargetArgs, WriteArgs};
use crate::compose;
use crate::mappings::{self, Edit, Target};
use crate::report::Failure;

/// Lets somebody in.
pub fn create(args: &CreateMappingArgs) -> Result<(), Failure> {
    let whom = whom(&args.subject, args.username.is_some())?;
    let (mut groups, bindings) = bind::wanted(&args.bindings, &args.groups, &whom)?;
    groups.splice(0..0, args.groups.iter().filter(|group| !groups.contains(group)).cloned().collect::<Vec<_>>());
    let change = Change::Create(change::Wanted { whom, username: args.username.clone(), groups });
    compose::runtime()?.block_on(async {
        let target = Target::open(&args.target).await?;
        let edit = Edit { target: &target, args: &args.target, write: &args.write, needs: &bindings };
        make(edit, &change).await
    })
}

/// Lets somebody in, or changes as whom.
pub fn set(args: &SetMappingArgs) -> Result<(), Failure> {
    let adjusts = !(args.add_groups.is_empty() && args.remove_groups.is_empty());
    let groups = match (args.groups.is_empty(), adjusts) {
        (false, _) => GroupsChange::Replace(args.groups.clone()),
        (true, true) => GroupsChange::AddRemove { add: args.add_groups.clone(), remove: args.remove_groups.clone() },
        (true, false) => GroupsChange::Keep,
    };
    run(
        &Change::Set { whom: whom(&args.subject, args.username.is_some())?, username: args.username.clone(), groups },
        &args.target,
        &args.write,
    )
}

/// Takes out every row of somebody.
pub fn delete(args: &DeleteMappingArgs) -> Result<(), Failure> {
    let selector = match (&args.arn, &args.username, &args.account, &args.sso_permission_set) {
        (Some(arn), ..) => Selector::Arn(arn.clone()),
        (None, Some(username), ..) => Selector::Username(username.clone()),
        (None, None, Some(account), Some(set)) => {
            Selector::Whom(Whom::of_permission_set(set, account, None).map_err(|error| no_whom(&error))?)
        }
        (None, None, Some(account), None) => {
            Selector::Whom(Whom::of_account(account).map_err(|error| no_whom(&error))?)
        }
        (None, None, None, _) => return Err(usage(Failure::new("nobody is named"))),
    };
    run(&Change::Delete(selector), &args.target, &args.write)
}

fn whom(args: &SubjectArgs, is_named: bool) -> Result<Whom, Failure> {
    let SubjectArgs { arn, sso_permission_set, account, partition } = args;
    if is_named && arn.is_none() && sso_permission_set.is_none() {
        let failure = Failure::new("an account has no username: everybody in it keeps the own ARN as name");
        return Err(usage(failure.hint("leave `--username` out, or map a role or user by `--arn`".to_string())));
    }
    let whom = match (arn, sso_permission_set, account) {
        (Some(arn), ..) => Whom::of_arn(arn),
        (None, Some(set), Some(account)) => Whom::of_permission_set(set, account, partition.as_deref()),
        (None, _, Some(account)) => Whom::of_account(account),
        (None, _, None) => return Err(usage(Failure::new("nobody is named"))),
    };
    whom.map_err(|error| no_whom(&error))
}

fn no_whom(error: &WhomError) -> Failure {
    usage(Failure::of(error).hint(error.hint()))
}

fn run(change: &Change, target: &TargetArgs, write: &WriteArgs) -> Result<(), Failure> {
    compose::runtime()?.block_on(async {
        let edit = Edit { target: &Target::open(target).await?, args: target, write, needs: &[] };
        make(edit, change).await
    })
}

async fn make(edit: Edit<'_>, change: &Change) -> Result<(), Failure> {
    let Edit { target, args, write, .. } = edit;
    let deciding = write.written_for(target.deciding(args));
    let done = mappings::run(edit, |state, maybe_written| {
        let document = state.document()?;
        match plan(document, change, deciding) {
            // What we took out before the answer got lost is not there to be found.
            Err(ChangeError::NotFound { .. }) if maybe_written => Ok(None),
            plan => planned(state, document, plan.map_err(|error| Failure::of(&error).hint(error.hint()))?),
        }
    });
    let done = done.await?;
    let subject = match change {
        Change::Create(wanted) => wanted.whom.to_string(),
        Change::Set { whom, .. } | Change::Delete(Selector::Whom(whom)) => whom.to_string(),
        Change::Delete(Selector::Arn(text) | Selector::Username(text)) => text.clone(),
    };
    report(&done, write, &[format!("mapping/{}", subject.replace('`', ""))], target.leaves_stdin())
}
