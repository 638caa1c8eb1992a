//! The configuration file, as the Go authenticator reads it, with every problem
//! found at once.
//!
//! One file serves client and server. Keys ignore letter case. What this
//! version can't do is refused by name; what nobody knows is a warning.

mod examples;
mod format;
mod reader;
mod restart;
mod server;

pub use format::Format;
pub use server::{
    CallRate, ChainError, RoleArn, ServerConfig, SourceArn, UnknownWord, check_chain, deprecated, duration,
};

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::aws_auth::{Rows, Section, Typing, read_section_node};
use crate::ids::ClusterId;
use crate::limits;
use crate::yaml::{Mark, Node};
use reader::Reader;

/// One remark on a configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub mark: Mark,
    /// What is wrong.
    pub text: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.mark.line, self.text)?;
        self.hint.iter().try_for_each(|hint| write!(f, " ({hint})"))
    }
}

/// Problems as a list, a line for each below their number.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        write!(f, "{count} problem{}:", if count == 1 { "" } else { "s" })?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

/// What a configuration file says. Whatever it does not say is `None` or empty.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// `clusterID`
    pub cluster_id: Option<ClusterId>,
    /// `role`
    pub role: Option<String>,
    /// `region`
    pub region: Option<String>,
    /// `externalID`
    pub external_id: Option<String>,
    /// `sessionName`
    pub session_name: Option<String>,
    /// `tokenOnly`
    pub token_only: Option<bool>,
    /// `forwardSessionName`
    pub forward_session_name: Option<bool>,
    /// `cache`
    pub cache: Option<bool>,
    /// `output`
    pub output: Option<String>,
    /// `partition`, for `verify`
    pub partition: Option<crate::partition::Partition>,
    /// `server`
    pub server: ServerConfig,
}

/// A configuration and what there is to say about it.
#[derive(Debug, Clone, Default)]
pub struct Parsed {
    /// What the file says, as far as it can be read.
    pub config: Config,
    /// What makes the file unusable.
    pub problems: Vec<Problem>,
    /// What is suspicious only.
    pub warnings: Vec<Problem>,
}

/// Reads a configuration file.
pub fn parse(text: &str, format: Format) -> Parsed {
    let mut parsed = Parsed::default();
    if text.len() > limits::CONFIG_BYTES {
        let text = String::from("the file is longer than 1 MiB");
        parsed.problems.push(Problem { mark: Mark { line: 1, column: 1 }, text, hint: None });
        return parsed;
    }
    match format.read(text) {
        Ok(None) => {}
        Ok(Some(root)) if root.is_null() => {}
        Ok(Some(root)) => parsed.config = top_level(&root, &mut parsed.problems, &mut parsed.warnings),
        Err(problem) => parsed.problems.push(problem),
    }
    parsed.problems.sort_by_key(|problem| problem.mark);
    parsed.warnings.sort_by_key(|problem| problem.mark);
    parsed
}

fn top_level(root: &Node, problems: &mut Vec<Problem>, warnings: &mut Vec<Problem>) -> Config {
    let Some(mut reader) = Reader::new(root, "", problems, warnings) else { return Config::default() };
    let config = Config {
        cluster_id: reader.parsed("clusterID"),
        role: reader.text("role"),
        region: reader.text("region"),
        external_id: reader.text("externalID"),
        session_name: reader.text("sessionName"),
        token_only: reader.boolean("tokenOnly"),
        forward_session_name: reader.boolean("forwardSessionName"),
        cache: reader.boolean("cache"),
        output: reader.text("output"),
        partition: reader.parsed("partition"),
        server: ServerConfig::default(),
    };
    reader.without_effect("defaultRole", "set `role`, or the environment variable DEFAULT_ROLE");
    reader.without_effect("log-verbosity", "use the flag `--log-verbosity`");
    reader.without_effect("feature-gates", "use the flag `--feature-gates`");
    // A token in a file would be a secret at rest; the flag is for tests by hand.
    reader.unsupported("token", "use the flag `--token`");
    let server = reader.node("server").filter(|node| !node.is_null());
    reader.finish();
    Config { server: server.map(|node| server::read(node, problems, warnings)).unwrap_or_default(), ..config }
}

/// The three lists of mappings under a map, all or nothing: every bad row is a
/// problem.
fn mapping_sections(reader: &mut Reader<'_, '_>, typing: Typing) -> Vec<Rows> {
    let mut sections = Vec::new();
    for section in Section::ALL {
        let Some(node) = reader.node(section.as_str()) else { continue };
        match read_section_node(section, node, typing) {
            Ok(rows) => {
                for problem in &rows.problems {
                    let text = alloc::format!("in `{}`: {}", section, problem.error);
                    reader.wrong_value(section.as_str(), problem.mark, text);
                }
                for twin in &rows.repeated {
                    let text = alloc::format!(
                        "in `{section}`: `{}` is written twice in one row; the later one counts",
                        twin.key
                    );
                    reader.warning(twin.mark, text, None);
                }
                sections.push(rows);
            }
            Err(error) => {
                reader.wrong_value(section.as_str(), error.mark, alloc::format!("`{section}`: {}", error.reason));
            }
        }
    }
    sections
}

/// Reads a file that holds nothing but the three lists, as aws-auth has them, in
/// YAML: the break-glass file.
///
/// # Errors
/// Every problem, and then nothing of the file is used: an unknown key or a bad
/// row in the last way in must not stay unnoticed.
pub fn parse_mappings(text: &str) -> Result<Vec<Rows>, Problems> {
    let (mut problems, mut warnings) = (Vec::new(), Vec::new());
    let root = Format::Yaml.read(text).map_err(|problem| Problems(alloc::vec![problem]))?;
    let Some(root) = root.filter(|root| !root.is_null()) else { return Ok(Vec::new()) };
    let mut sections = Vec::new();
    if let Some(mut reader) = Reader::new(&root, "", &mut problems, &mut warnings) {
        sections = mapping_sections(&mut reader, Typing::Strict);
        reader.finish();
    }
    problems.append(&mut warnings);
    problems.sort_by_key(|problem| problem.mark);
    if problems.is_empty() { Ok(sections) } else { Err(Problems(problems)) }
}

#[cfg(test)]
mod tests;
