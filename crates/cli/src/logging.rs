//! Logs: text on a terminal, JSON otherwise, always on stderr.

use std::io::IsTerminal as _;
use std::str::FromStr;

use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt};

/// Lines that wait to be written; about 4 MiB.
const BUFFERED_LINES: usize = 8192;

/// Form of the log lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogFormat {
    /// One line of text each.
    Text,
    /// One JSON object each.
    Json,
    /// Some other word: a warning, and text, as in the Go authenticator.
    Other(String),
}

impl From<String> for LogFormat {
    fn from(text: String) -> Self {
        match text.as_str() {
            "text" => Self::Text,
            "json" => Self::Json,
            _ => Self::Other(text),
        }
    }
}

/// Least level that is logged, by the Go authenticator's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verbosity(LevelFilter);

impl Verbosity {
    /// What needs somebody's hand.
    pub const ERROR: Self = Self(LevelFilter::ERROR);
    /// The everyday level.
    pub const INFO: Self = Self(LevelFilter::INFO);
}

impl FromStr for Verbosity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "panic" | "fatal" | "error" => Ok(Self(LevelFilter::ERROR)),
            "warning" | "warn" => Ok(Self(LevelFilter::WARN)),
            "info" => Ok(Self(LevelFilter::INFO)),
            "debug" => Ok(Self(LevelFilter::DEBUG)),
            "trace" => Ok(Self(LevelFilter::TRACE)),
            _ => Err("it must be one of panic, fatal, error, warning, info, debug, trace".to_string()),
        }
    }
}

/// Starts logging.
///
/// Only our own crates are heard: at `trace` the HTTP, TLS and AWS libraries
/// would write whole requests, signatures included.
///
/// Lines are written by a thread of their own, and dropped when nobody reads them
/// fast enough: a stalled reader of logs must not stop logins. Whoever holds the
/// result lets the last lines out when it is dropped.
pub fn start(format: Option<&LogFormat>, verbosity: Verbosity) -> WorkerGuard {
    let ours = Targets::new().with_target("kube_iam", verbosity.0);
    let terminal = std::io::stderr().is_terminal();
    let json = match format {
        None => !terminal,
        Some(format) => *format == LogFormat::Json,
    };
    let (writer, guard) =
        NonBlockingBuilder::default().buffered_lines_limit(BUFFERED_LINES).lossy(true).finish(std::io::stderr());
    let registry = tracing_subscriber::registry();
    let started = if json {
        let lines = fmt::layer().json().flatten_event(true).with_current_span(false).with_span_list(false);
        registry.with(lines.with_writer(writer).with_filter(ours)).try_init()
    } else {
        let lines = fmt::layer().with_writer(writer).with_ansi(terminal);
        registry.with(lines.with_filter(ours)).try_init()
    };
    // It is started once, by the one command that runs.
    debug_assert!(started.is_ok(), "logging was started twice");
    guard
}
