//! The real surroundings.

use std::io;
use std::path::Path;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::cluster;
use super::manifest::ManifestWorld;
use super::surroundings::{Surroundings, Target, Trouble, World};
use crate::mappings::text_of;
use crate::output;

/// This process, its terminal and its files.
pub(super) struct Process;

impl Surroundings for Process {
    fn out(&mut self, text: &str) {
        // A reader that went away is no failure, and of others nobody can be told.
        let _ = output::data(text);
    }

    fn err(&mut self, text: &str) {
        let _ = output::talk(text);
    }

    fn now(&self) -> DateTime {
        TimeZone::system().to_datetime(Timestamp::now())
    }

    fn read(&mut self, path: &str) -> io::Result<String> {
        text_of(Path::new(path))
    }

    fn connect(&mut self, target: &Target) -> Result<Box<dyn World>, Trouble> {
        let Some(path) = &target.manifest else { return cluster::connect(target) };
        let text = self
            .read(&path.to_string_lossy())
            .map_err(|error| Trouble::of(&error).within(&format!("`{}` can't be read", path.display())))?;
        let stdout = |text: &str| Self.out(text);
        Ok(Box::new(ManifestWorld::of(path, &text, stdout)?))
    }
}
