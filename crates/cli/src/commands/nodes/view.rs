//! What a person, or a program, sees while nodes are waited for.

use std::error::Error;
use std::time::Duration;

use jiff::Timestamp;
use kube_iam_core::nodes::{Event, Node, Progress};
use serde::Serialize;

use crate::args::WaitForm;
use crate::output;
use crate::report::Failure;

/// Most nodes that are shown at once: the view must fit the terminal.
const SHOWN: usize = 10;

/// Where waiting is told.
pub enum View {
    /// On a terminal: events as lines, and below them how things stand, drawn anew
    /// in place. No mode of the terminal outlasts a drawing.
    Live {
        /// How many lines are drawn below the last event.
        drawn: usize,
    },
    /// Lines on stderr.
    Lines,
    /// One JSON object in a line on stdout.
    Json,
}

/// One line for programs.
#[derive(Serialize)]
struct Line<T> {
    time: String,
    #[serde(flatten)]
    what: T,
}

/// The last line for programs.
#[derive(Serialize)]
struct Ended<'a> {
    #[serde(rename = "type")]
    how: &'a str,
    come: usize,
    wanted: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    missing: Vec<String>,
}

/// Somebody has stopped to answer.
#[derive(Serialize)]
struct Unreachable<'a> {
    #[serde(rename = "type")]
    what: &'a str,
    reason: String,
}

fn line<T: Serialize>(what: T) -> Result<(), Failure> {
    let line = Line { time: Timestamp::now().to_string(), what };
    output::data(&format!("{}\n", serde_json::to_string(&line).unwrap_or_default()))
}

impl View {
    /// The view that suits the form and the terminal.
    pub fn new(form: WaitForm) -> Self {
        match form {
            WaitForm::Json => Self::Json,
            WaitForm::Text if output::can_redraw() => Self::Live { drawn: 0 },
            WaitForm::Text => Self::Lines,
        }
    }

    /// Tells what happened to a node.
    pub fn event(&mut self, event: &Event) -> Result<(), Failure> {
        match self {
            Self::Json => line(event),
            Self::Lines => output::tell(&format!("{}\n", event.text())),
            Self::Live { .. } => {
                self.clear()?;
                output::tell(&format!("{}\n", event.text()))
            }
        }
    }

    /// Tells that kube-apiserver, or AWS, does not answer.
    pub fn outage(&mut self, error: &dyn Error) -> Result<(), Failure> {
        match self {
            Self::Json => line(Unreachable { what: "unreachable", reason: error.to_string() }),
            Self::Lines | Self::Live { .. } => {
                self.clear()?;
                output::warn(&format!("{error}; it is tried again"));
                Ok(())
            }
        }
    }

    /// Draws how things stand, where that can be done in place.
    pub fn draw(&mut self, progress: &Progress, elapsed: Duration) -> Result<(), Failure> {
        let Self::Live { drawn } = self else { return Ok(()) };
        let lines = standing(progress, elapsed);
        // Without wrapping a long line takes one line, whatever the terminal's width.
        output::tell(&format!("{}\x1b[?7l{}\x1b[?7h", erase(*drawn), lines.concat()))?;
        *drawn = lines.len();
        Ok(())
    }

    /// Takes back what was drawn.
    pub fn clear(&mut self) -> Result<(), Failure> {
        match self {
            Self::Live { drawn } if *drawn > 0 => {
                let lines = std::mem::take(drawn);
                output::tell(&erase(lines))
            }
            _ => Ok(()),
        }
    }

    /// Tells that all have come.
    pub fn reached(&self, progress: &Progress) -> Result<(), Failure> {
        match self {
            Self::Json => self.ended("reached", progress),
            Self::Lines | Self::Live { .. } => output::data(&format!("{}\n", progress.summary())),
        }
    }

    /// Tells programs how waiting ended.
    pub fn ended(&self, how: &str, progress: &Progress) -> Result<(), Failure> {
        let Self::Json = self else { return Ok(()) };
        let (come, wanted) = progress.counts();
        let missing = if progress.is_reached() { Vec::new() } else { progress.missing() };
        line(Ended { how, come, wanted, missing })
    }
}

/// Moves up over lines and erases them.
fn erase(lines: usize) -> String {
    match lines {
        0 => String::new(),
        lines => format!("\x1b[{lines}F\x1b[J"),
    }
}

/// How things stand: those that are missing first.
fn standing(progress: &Progress, elapsed: Duration) -> Vec<String> {
    let mut nodes: Vec<&Node> = progress.nodes().collect();
    nodes.sort_by_key(|node| node.is_ready());
    let mut lines = vec![format!("{} after {} s\n", progress.summary(), elapsed.as_secs())];
    lines.extend(nodes.iter().take(SHOWN).map(|node| {
        let word = if node.is_ready() { "Ready" } else { "NotReady" };
        format!("  {word:<8}   {}\n", node.name.escape_debug())
    }));
    if nodes.len() > SHOWN {
        lines.push(format!("  and {} more\n", nodes.len() - SHOWN));
    }
    lines
}
