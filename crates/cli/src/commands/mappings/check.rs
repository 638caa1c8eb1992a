//! `check`: mistakes in aws-auth, and their repair.

use kube_iam_cluster::Touched;
use kube_iam_core::aws_auth::Document;
use kube_iam_core::check::report::{self, Report};
use kube_iam_core::check::{Context, Remark, fix, lint};
use kube_iam_core::finding::Severity;

use super::report as result;
use crate::args::{CheckArgs, CheckForm, WriteArgs};
use crate::compose;
use crate::exit::Exit;
use crate::mappings::{self, Edit, State, Surroundings, Target, Wanted};
use crate::output;
use crate::report::Failure;

/// Most passes of repairs: one repair may show what the next one is for.
const PASSES: usize = 8;

/// Prints what is wrong, or repairs what can be.
pub fn run(args: &CheckArgs) -> Result<(), Failure> {
    compose::runtime()?.block_on(async {
        let target = Target::open(&args.target).await?;
        let (state, surroundings) =
            tokio::join!(target.read(), Surroundings::read(&target, target.deciding(&args.target)));
        let (state, context) = (state?, context(surroundings));
        match args.fix {
            true => repair(args, &target, &context).await,
            false => show(args, &target, &state, &lint(&state.data, &context)),
        }
    })
}

fn context(surroundings: Surroundings) -> Context {
    let Surroundings { facts, bound_groups, .. } = surroundings;
    let caller = facts.caller.and_then(|caller| caller.arn);
    Context { deciding: facts.deciding, caller, bound_groups, ..Context::default() }
}

fn show(args: &CheckArgs, target: &Target, state: &State, remarks: &[Remark]) -> Result<(), Failure> {
    let file = target.file_name().unwrap_or_else(|| "aws-auth".to_owned());
    let report = Report { file: &file, remarks, locate: &|section, mark| state.locate(section, mark) };
    output::data(&match args.form {
        CheckForm::Text => report::text(&report),
        CheckForm::Json => report::json(&report),
        CheckForm::Sarif => report::sarif(&report),
        CheckForm::Github => report::github(&report),
    })?;
    if Document::parse(&state.data).is_err() {
        let failure = Failure::new(format!("{} can't be read", target.name()));
        return Err(failure.hint("mend it with `kube-iam edit`".to_string()).exit(Exit::Usage));
    }
    let count = remarks.iter().filter(|remark| remark.finding.severity != Severity::Note).count();
    if count == 0 {
        return Ok(());
    }
    let can_be_fixed = remarks.iter().any(|remark| remark.fix.is_some());
    let hint =
        can_be_fixed.then(|| "see what can be repaired with `kube-iam check --fix --dry-run=client`".to_string());
    Err(Failure::new(match count {
        1 => "1 mistake found".to_owned(),
        count => format!("{count} mistakes found"),
    })
    .hint(hint))
}

async fn repair(args: &CheckArgs, target: &Target, context: &Context) -> Result<(), Failure> {
    let write = WriteArgs {
        yes: args.repair.yes,
        dry_run: args.repair.dry_run,
        overrides: args.repair.overrides.clone(),
        ..WriteArgs::default()
    };
    let mut left_out = 0;
    let done = mappings::run(Edit { target, args: &args.target, write: &write }, |state, _| {
        let mut data = state.data.clone();
        for _ in 0..PASSES {
            let remarks = lint(&data, context);
            let grants = |remark: &&Remark| remark.fix.as_ref().is_some_and(|fix| fix.grants);
            left_out = remarks.iter().filter(grants).count();
            let fixed = fix(&data, remarks.iter().filter(|remark| args.grants || !grants(remark)));
            if fixed.applied.is_empty() {
                break;
            }
            data = fixed.data;
        }
        let changed: Vec<_> = data.into_iter().filter(|(key, text)| state.data.get(key) != Some(text)).collect();
        if changed.is_empty() {
            return Ok(None);
        }
        let data = changed.into_iter().map(|(key, text)| (key, Some(text))).collect();
        Ok(Some(Wanted { touched: Touched { data, ..Touched::default() }, findings: Vec::new() }))
    });
    let done = done.await?;
    if left_out > 0 && !args.grants {
        output::warn(&format!(
            "{left_out} more repairs would let somebody in who is not let in today; `--grants` makes them too"
        ));
    }
    result(&done, &write, "aws-auth", target.leaves_stdin())
}
