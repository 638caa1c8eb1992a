//! Tables as kubectl prints them: headers in capitals, three blanks between
//! columns, `<none>` where there is nothing.

use alloc::borrow::Cow;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::{Listed, Source};
use crate::shown::printable;

/// How much a table shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Columns {
    /// `PRINCIPAL`, `USERNAME`, `GROUPS`, `STATUS`.
    #[default]
    Usual,
    /// And `SOURCE`, `CANONICAL-ARN`, `SHADOWED-BY`.
    Effective,
    /// And `SECTION`, `LINE`, `OWNERS`, `PROBLEM`.
    Wide,
}

type Column = (&'static str, fn(&Listed) -> String);

const USUAL: [Column; 4] = [
    ("PRINCIPAL", |row| row.subject.text()),
    ("USERNAME", |row| row.username.clone().unwrap_or_default()),
    ("GROUPS", |row| row.groups.join(",")),
    ("STATUS", |row| row.status.as_str().into()),
];

const EFFECTIVE: [Column; 3] = [
    ("SOURCE", |row| row.source.as_str().into()),
    ("CANONICAL-ARN", |row| row.canonical.clone().unwrap_or_default()),
    ("SHADOWED-BY", |row| row.shadowed_by.map(|by| by.to_string()).unwrap_or_default()),
];

const WIDE: [Column; 4] = [
    ("SECTION", |row| row.section.map(|section| section.to_string()).unwrap_or_default()),
    ("LINE", |row| row.line.map(|line| line.to_string()).unwrap_or_default()),
    ("OWNERS", |row| row.owners.join(",")),
    ("PROBLEM", |row| row.problem.clone().unwrap_or_default()),
];

impl Source {
    /// The word for it in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AwsAuth => "aws-auth",
            Self::BreakGlass => "break-glass",
            Self::ClusterCreator => "cluster-creator",
        }
    }
}

/// A table with a line for each mapping; nothing at all if there are none.
pub fn table(listed: &[Listed], columns: Columns) -> String {
    let more: (&[Column], &[Column]) = match columns {
        Columns::Usual => (&[], &[]),
        Columns::Effective => (&EFFECTIVE, &[]),
        Columns::Wide => (&EFFECTIVE, &WIDE),
    };
    let columns: Vec<_> = USUAL.iter().chain(more.0).chain(more.1).collect();
    if listed.is_empty() {
        return String::new();
    }
    let headers: Vec<&str> = columns.iter().map(|(header, _)| *header).collect();
    let cells = |row: &Listed| columns.iter().map(|(_, cell)| cell(row)).collect();
    aligned(&headers, listed.iter().map(cells))
}

/// Lines of cells below their headers, each column as wide as it must be. Nothing
/// in a cell moves the cursor.
pub(crate) fn aligned(headers: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let rows = rows.map(|cells| cells.iter().map(|cell| or_none(cell)).collect());
    let headers = headers.iter().map(|header| (*header).into()).collect();
    let lines: Vec<Vec<String>> = core::iter::once(headers).chain(rows).collect();
    let columns = lines.first().map_or(0, Vec::len);
    let mut widths: Vec<usize> = core::iter::repeat_n(0, columns).collect();
    for line in &lines {
        widths.iter_mut().zip(line).for_each(|(width, cell)| *width = (*width).max(cell.chars().count()));
    }
    let mut text = String::new();
    for line in &lines {
        let mut blanks = 0;
        for (cell, width) in line.iter().zip(&widths) {
            text.extend(core::iter::repeat_n(' ', blanks));
            text.push_str(cell);
            blanks = width - cell.chars().count() + 3;
        }
        text.push('\n');
    }
    text
}

fn or_none(text: &str) -> String {
    let text = if text.is_empty() { Cow::Borrowed("<none>") } else { printable(text) };
    text.into_owned()
}
