//! `get iamidentitymapping`.

use kube_iam_core::eksctl::{OutputFormat, get};

use super::load::Loaded;
use super::surroundings::Trouble;
use super::{Ended, Voice};
use crate::args::go_flags::Typed;

pub(super) fn run(typed: &Typed, loaded: &Loaded, voice: &mut Voice<'_>) -> Result<(), Ended> {
    let mut world = voice.surroundings.connect(&loaded.target)?;
    let data = world.read()?;
    let arn = Some(typed.text("arn")).filter(|arn| !arn.is_empty());
    let rows = get(&data, arn).map_err(|refusal| Trouble::of(&refusal))?;
    let format: OutputFormat = match typed.is_given("output") {
        true => typed.text("output").parse::<OutputFormat>()?,
        false => OutputFormat::Table,
    };
    voice.surroundings.out(&format.print(&rows));
    voice.advise_about_mode(&*world);
    Ok(())
}
