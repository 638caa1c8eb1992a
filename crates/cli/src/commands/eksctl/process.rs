//! The real surroundings.

use std::io;
use std::path::Path;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::load::Loaded;
use super::surroundings::{Surroundings, World};
use super::world;
use crate::mappings::text_of;
use crate::output;
use crate::report::Failure;

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

    fn connect(&mut self, loaded: &Loaded) -> Result<Box<dyn World>, Failure> {
        world::open(loaded)
    }
}
