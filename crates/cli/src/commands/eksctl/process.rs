//! The real surroundings.

use std::io::{self, Read as _};

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use kube_iam_core::limits;

use super::cluster;
use super::manifest::ManifestWorld;
use super::surroundings::{Surroundings, Target, Trouble, World};
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
        let bound = u64::try_from(limits::CONFIG_BYTES + 1).unwrap_or(u64::MAX);
        let mut text = String::new();
        let read = match path {
            "-" => io::stdin().lock().take(bound).read_to_string(&mut text),
            path => std::fs::File::open(path)?.take(bound).read_to_string(&mut text),
        }?;
        match read > limits::CONFIG_BYTES {
            true => Err(io::Error::other("it is longer than 4 MiB")),
            false => Ok(text),
        }
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
