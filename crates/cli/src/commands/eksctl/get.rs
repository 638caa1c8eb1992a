//! `get iamidentitymapping`.

use kube_iam_core::eksctl::{OutputFormat, get};

use super::load::Loaded;
use super::{Ended, Voice};
use crate::args::go_flags::Typed;
use crate::report::Failure;

pub(super) fn run(typed: &Typed, loaded: &Loaded, voice: &mut Voice<'_>) -> Result<(), Ended> {
    let mut world = voice.surroundings.connect(loaded)?;
    let state = world.read()?;
    let arn = Some(typed.text("arn")).filter(|arn| !arn.is_empty());
    let rows = get(&state.data, arn).map_err(|refusal| Failure::of(&refusal))?;
    let format = match typed.is_given("output") {
        true => typed.text("output").parse::<OutputFormat>().map_err(Failure::new)?,
        false => OutputFormat::Table,
    };
    voice.surroundings.out(&format.print(&rows));
    voice.advise_about_mode(&*world);
    Ok(())
}
