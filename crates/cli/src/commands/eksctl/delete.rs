//! `delete iamidentitymapping`.

use kube_iam_core::eksctl::{Refusal, Target, advice, delete};

use super::edit::{Judge, edit};
use super::load::Loaded;
use super::{Ended, Voice};
use crate::args::go_flags::Typed;
use crate::report::Failure;

pub(super) fn run(typed: &Typed, loaded: &Loaded, voice: &mut Voice<'_>) -> Result<(), Ended> {
    let all = typed.bool("all");
    let target = match (typed.text("arn"), typed.text("account")) {
        (arn, "") if !arn.is_empty() => Target::Arn { arn, all },
        ("", account) if !account.is_empty() && all => {
            return Err(Failure::new("cannot use --all with --account").into());
        }
        ("", account) if !account.is_empty() => Target::Account(account),
        _ => return Err(Failure::of(&Refusal::NoTarget).into()),
    };
    let mut world = voice.surroundings.connect(loaded)?;
    let (state, surroundings) = world.look()?;
    let mut judge = Judge { surroundings, write: &loaded.write, context: None };
    judge.find_out(&mut *world, &state, &delete(&state.data, target))?;
    let edited = edit(&mut *world, voice, &judge, state, |data, maybe_written| {
        let mut plan = delete(data, target);
        // It may be gone because an earlier attempt has taken it out.
        if maybe_written && matches!(plan.refusal, Some(Refusal::ArnNotFound(_) | Refusal::AccountNotFound(_))) {
            plan.refusal = None;
        }
        (plan, advice::on_delete(data, target))
    });
    voice.advise_about_mode(&*world);
    edited
}
