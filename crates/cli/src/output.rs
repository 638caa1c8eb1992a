//! The one writer to the terminal: data to stdout, talk to stderr.

use std::io::{self, ErrorKind, IsTerminal as _, Write};

use anstream::{AutoStream, ColorChoice};

use crate::report::Failure;

/// Writes data to stdout. A reader that has gone away is no failure.
pub fn data(text: &str) -> Result<(), Failure> {
    let mut stdout = anstream::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::new("could not write to stdout").because(&error))
        }
        _ => Ok(()),
    }
}

/// Writes to stderr.
pub fn talk(text: &str) -> io::Result<()> {
    anstream::stderr().lock().write_all(text.as_bytes())
}

/// Writes to stderr what must be heard: without it the command fails.
pub fn tell(text: &str) -> Result<(), Failure> {
    talk(text).map_err(|error| Failure::new("could not write to stderr").because(&error))
}

/// Whether what was talked can be drawn over: not where nobody looks, and not where
/// colours are not wanted or not known.
pub fn can_redraw() -> bool {
    let stderr = io::stderr();
    stderr.is_terminal() && AutoStream::choice(&stderr) != ColorChoice::Never
}

/// How many rows the terminal has on which talk is seen, if that can be told.
pub fn rows() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(io::stderr()).ok()?;
    Some(usize::from(size.ws_row)).filter(|rows| *rows > 0)
}

/// Writes to stderr what is good to know.
pub fn note(text: &str) {
    let style = anstyle::Style::new().dimmed();
    // As with a warning.
    let _ = talk(&format!("{style}note:{style:#} {text}\n"));
}

/// Writes a warning to stderr.
pub fn warn(text: &str) {
    let style = anstyle::AnsiColor::Yellow.on_default();
    // A warning that nobody can hear is not worth failing for.
    let _ = talk(&format!("{style}warning:{style:#} {text}\n"));
}
