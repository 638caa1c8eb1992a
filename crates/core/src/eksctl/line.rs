//! Lines of eksctl's log, as values.

use alloc::format;
use alloc::string::String;

use jiff::civil::DateTime;

/// How much a line weighs, by eksctl's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Shown from verbosity 3 on, which is the default.
    Info,
    /// Shown from verbosity 2 on.
    Warning,
    /// Shown from verbosity 1 on.
    Critical,
}

impl Level {
    fn icon(self) -> char {
        match self {
            Self::Info => 'ℹ',
            Self::Warning => '!',
            Self::Critical => '✖',
        }
    }

    /// Whether lines of this level are shown at a verbosity.
    pub fn is_shown(self, verbosity: i64) -> bool {
        let least = match self {
            Self::Info => 3,
            Self::Warning => 2,
            Self::Critical => 1,
        };
        verbosity >= least
    }
}

/// One line of the log, without its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// How much it weighs.
    pub level: Level,
    /// What it says.
    pub text: String,
}

impl Line {
    pub(super) fn info(text: String) -> Self {
        Self { level: Level::Info, text }
    }

    pub(super) fn warning(text: String) -> Self {
        Self { level: Level::Warning, text }
    }

    /// A line that tells of a failure.
    pub fn critical(text: impl Into<String>) -> Self {
        Self { level: Level::Critical, text: text.into() }
    }

    /// The line as it is printed, line end included, for a local time.
    pub fn printed(&self, at: DateTime) -> String {
        let (date, time) = (at.date(), at.time());
        let (hour, minute, second) = (time.hour(), time.minute(), time.second());
        format!("{date} {hour:02}:{minute:02}:{second:02} [{}]  {}\n", self.level.icon(), self.text)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;

    use super::*;

    #[test]
    fn a_line_has_time_icon_and_two_spaces() {
        let at = jiff::civil::date(2026, 8, 3).at(4, 5, 6, 789_000_000);
        let line = Line::info("adding account \"1\" to auth ConfigMap".to_string());
        assert_eq!(line.printed(at), "2026-08-03 04:05:06 [ℹ]  adding account \"1\" to auth ConfigMap\n");
        assert_eq!(Line::critical("no").printed(at), "2026-08-03 04:05:06 [✖]  no\n");
    }

    #[test]
    fn verbosity_hides_from_the_bottom() {
        let shown = |verbosity| [Level::Info, Level::Warning, Level::Critical].map(|level| level.is_shown(verbosity));
        assert_eq!((shown(4), shown(3)), ([true; 3], [true; 3]));
        assert_eq!(shown(2), [false, true, true]);
        assert_eq!(shown(1), [false, false, true]);
        assert_eq!((shown(0), shown(-1)), ([false; 3], [false; 3]));
    }
}
