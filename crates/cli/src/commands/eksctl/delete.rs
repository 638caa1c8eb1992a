//! `delete iamidentitymapping`.

use kube_iam_core::eksctl::{Refusal, Target, advice, delete};

use super::load::Loaded;
use super::surroundings::{Attempt, Trouble};
use super::{Derived, Ended, Voice, edit};
use crate::args::go_flags::Typed;

pub(super) fn run(typed: &Typed, loaded: &Loaded, voice: &mut Voice<'_>) -> Result<(), Ended> {
    let all = typed.bool("all");
    let target = match (typed.text("arn"), typed.text("account")) {
        (arn, "") if !arn.is_empty() => Target::Arn { arn, all },
        ("", account) if !account.is_empty() && all => return Err("cannot use --all with --account".into()),
        ("", account) if !account.is_empty() => Target::Account(account),
        _ => return Err(Trouble::of(&Refusal::NoTarget).into()),
    };
    let mut world = voice.surroundings.connect(&loaded.target)?;
    let edited = edit(&mut *world, voice, |Attempt { data, maybe_written }| {
        let mut plan = delete(data, target);
        // It may be gone because an earlier attempt has taken it out.
        if *maybe_written && matches!(plan.refusal, Some(Refusal::ArnNotFound(_) | Refusal::AccountNotFound(_))) {
            plan.refusal = None;
        }
        Derived { plan, advice: advice::on_delete(data, target) }
    });
    voice.advise_about_mode(&*world);
    edited
}
