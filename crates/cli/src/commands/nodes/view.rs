//! What a person, or a program, sees while nodes are waited for.

use std::error::Error;
use std::time::Duration;

use jiff::Timestamp;
use kube_iam_core::nodes::{Event, Node, Progress};
use serde::Serialize;

use crate::args::WaitForm;
use crate::output;
use crate::report::Failure;

/// Most nodes that are shown at once.
const SHOWN: usize = 10;

/// Rows of a terminal that stay free of the view, as for the line after the last.
const FREE: usize = 2;

/// Least rows that are worth a view: how it stands, and one node or how many there are.
const LEAST: usize = 2;

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
        let rows = output::rows().unwrap_or(SHOWN + LEAST + FREE);
        // What has left the screen can't be taken back.
        let erased = erase((*drawn).min(rows.saturating_sub(1)));
        let lines = standing(progress, elapsed, rows.saturating_sub(FREE));
        *drawn = lines.len();
        if lines.is_empty() {
            return output::tell(&erased);
        }
        // Without wrapping a long line takes one line, whatever the terminal's width.
        output::tell(&format!("{erased}\x1b[?7l{}\x1b[?7h", lines.concat()))
    }

    /// Leaves what was drawn where it is: others may have written below it.
    pub fn forget(&mut self) {
        if let Self::Live { drawn } = self {
            *drawn = 0;
        }
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

/// How things stand in at most `room` lines, those nodes first that are missing; nothing
/// where that is too little.
fn standing(progress: &Progress, elapsed: Duration, room: usize) -> Vec<String> {
    if room < LEAST {
        return Vec::new();
    }
    let mut nodes: Vec<&Node> = progress.nodes().collect();
    nodes.sort_by_key(|node| node.is_ready());
    let room = (room - 1).min(SHOWN + 1);
    let shown = if nodes.len() <= room.min(SHOWN) { nodes.len() } else { room - 1 };
    let mut lines = vec![format!("{} after {} s\n", progress.summary(), elapsed.as_secs())];
    lines.extend(nodes.iter().take(shown).map(|node| {
        let word = if node.is_ready() { "Ready" } else { "NotReady" };
        format!("  {word:<8}   {}\n", node.name.escape_debug())
    }));
    match nodes.len() - shown {
        0 => {}
        more if shown == 0 => lines.push(format!("  {more} nodes\n")),
        more => lines.push(format!("  and {more} more\n")),
    }
    lines
}

#[cfg(test)]
mod tests {
    use kube_iam_core::nodes::{Goal, State};

    use super::*;

    #[test]
    fn the_view_fits_its_room() {
        for nodes in [0, 1, 7, 10, 11, 5000] {
            let mut progress = Progress::new(Goal { count: Some(9), state: State::Ready, roles: Vec::new() });
            let node = |number: usize| Node { name: format!("n{number}"), ..Node::default() };
            progress.listed((0..nodes).map(node).collect());
            for room in 0..40 {
                let lines = standing(&progress, Duration::ZERO, room);
                assert!(lines.len() <= room && lines.len() <= SHOWN + 2, "{nodes} in {room}: {lines:?}");
                assert_eq!(lines.is_empty(), room < LEAST, "{nodes} in {room}");
                let counted = lines.last().filter(|line| line.starts_with("  ") && !line.contains("NotReady"));
                let others =
                    counted.map_or(0, |line| line.replace(|char: char| !char.is_ascii_digit(), "").parse().unwrap());
                let named = lines.iter().filter(|line| line.contains("NotReady")).count();
                assert!(lines.is_empty() || named + others == nodes, "{nodes} in {room}: {lines:?}");
            }
        }
    }
}
