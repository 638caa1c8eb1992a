//! The table: columns padded with tabs, as Go's tabwriter does it.

use alloc::string::String;
use alloc::vec::Vec;

use crate::eksctl::get::Shown;

/// Distance of tab stops.
const TAB: usize = 8;

pub(super) fn print(rows: &[Shown]) -> String {
    let mut lines: Vec<[String; 4]> = rows.iter().map(cells).collect();
    // Stored order is not kept: rows are sorted by what they show.
    lines.sort();
    lines.insert(0, ["ARN", "USERNAME", "GROUPS", "ACCOUNT"].map(Into::into));
    let length = |cell: &String| cell.chars().count();
    let mut widths = [0; 4];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max((length(cell) + 1).next_multiple_of(TAB));
        }
    }
    let mut table = String::new();
    for line in &lines {
        for (column, (cell, width)) in line.iter().zip(widths).enumerate() {
            table.push_str(cell);
            if column + 1 < line.len() {
                (0..(width - length(cell)).div_ceil(TAB)).for_each(|_| table.push('\t'));
            }
        }
        table.push('\n');
    }
    table
}

fn cells(row: &Shown) -> [String; 4] {
    [row.arn.clone(), row.username.clone(), row.groups.join(","), row.account.clone().unwrap_or_default()]
}
