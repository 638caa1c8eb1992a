//! The table of the quickstart.

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};

use super::cast::{SAMPLES, Sample};
use super::webhook::Answer;

/// Draws who signed in and what came of it.
pub fn draw<'a>(logins: impl IntoIterator<Item = (&'a Sample, &'a Answer)>) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["WHO SIGNS IN", "IAM PRINCIPAL", "KUBERNETES SEES", "GROUPS, OR REASON CODE"]);
    for (sample, answer) in logins {
        let (seen, detail) = match answer {
            Answer::User { username, groups } if groups.is_empty() => (username.clone(), "(none)".to_string()),
            Answer::User { username, groups } => (username.clone(), groups.join(", ")),
            Answer::Refused { reason } => ("Unauthorized".to_string(), reason.clone()),
        };
        table.add_row([sample.who.to_string(), short(sample), seen, detail]);
    }
    table.lines().map(|line| format!("{}\n", line.trim())).collect()
}

/// The principal without what all of them share, and without the random end of
/// a permission set's role.
fn short(sample: &Sample) -> String {
    let principal = sample.arn.rsplit(':').next().unwrap_or_default();
    let name = principal.trim_start_matches("assumed-role/").trim_start_matches("user/");
    name.replace("_0123456789abcdef", "_…")
}

/// Samples whose answer is not the staged one.
pub fn surprises(answers: &[Answer]) -> Vec<String> {
    let differs = |(sample, answer): (&Sample, &Answer)| {
        let fits = match (answer, sample.expected) {
            (Answer::User { username, .. }, Ok(expected)) => username == expected,
            (Answer::Refused { reason }, Err(expected)) => reason == expected,
            _ => false,
        };
        (!fits).then(|| format!("{}: expected {:?}, the webhook answered {answer:?}", sample.name, sample.expected))
    };
    SAMPLES.iter().zip(answers).filter_map(differs).collect()
}
