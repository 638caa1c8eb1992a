//! mapAccounts as eksctl leaves it: each account once, sorted as text.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::aws_auth::{NewRow, Operation, Section};

/// The accounts, and which row each of them is.
pub(super) struct Accounts {
    /// How many rows there are.
    count: usize,
    /// Text, and the row it stands in unless it is new.
    wanted: Vec<(String, Option<usize>)>,
}

impl Accounts {
    pub(super) fn of(texts: Vec<String>) -> Self {
        let count = texts.len();
        Self { count, wanted: texts.into_iter().enumerate().map(|(row, text)| (text, Some(row))).collect() }
    }

    pub(super) fn add(&mut self, account: &str) {
        self.wanted.push((account.to_string(), None));
        // Of several equal ones the first stays: the sort keeps their order.
        self.wanted.sort_by(|a, b| a.0.cmp(&b.0));
        self.wanted.dedup_by(|later, earlier| later.0 == earlier.0);
    }

    /// The edit that moves as few rows as can be: comments stay with theirs.
    pub(super) fn into_operations(self) -> Vec<Operation> {
        let section = Section::MapAccounts;
        let stay = longest_rise(&self.wanted.iter().filter_map(|(_, row)| *row).collect::<Vec<_>>());
        let is_staying = |row: usize| stay.binary_search(&row).is_ok();
        let removed = (0..self.count).filter(|row| !is_staying(*row));
        let mut operations: Vec<_> = removed.map(|index| Operation::Remove { section, index }).collect();
        // From the end: each new row stands before the next one that stays.
        let mut before = self.count;
        let mut inserted = Vec::new();
        for (text, row) in self.wanted.into_iter().rev() {
            match row.filter(|row| is_staying(*row)) {
                Some(row) => before = row,
                None => inserted.push(Operation::Insert { section, before, row: NewRow::account(text) }),
            }
        }
        operations.extend(inserted.into_iter().rev());
        operations
    }
}

/// The longest part of a list that rises, in the order of the list.
fn longest_rise(rows: &[usize]) -> Vec<usize> {
    // `ends[n]` is the position of the least row that a rise of n + 1 ends with.
    let mut ends: Vec<usize> = Vec::new();
    let mut previous: Vec<Option<usize>> = Vec::with_capacity(rows.len());
    let row = |position: usize| rows.get(position).copied().unwrap_or(usize::MAX);
    for position in 0..rows.len() {
        let length = ends.partition_point(|end| row(*end) < row(position));
        previous.push(length.checked_sub(1).and_then(|length| ends.get(length).copied()));
        match ends.get_mut(length) {
            Some(end) => *end = position,
            None => ends.push(position),
        }
    }
    let back = |position: &usize| previous.get(*position).copied().flatten();
    let mut rise: Vec<_> = core::iter::successors(ends.last().copied(), back).map(row).collect();
    rise.reverse();
    rise
}

#[cfg(test)]
mod tests {
    use std::vec;

    use super::*;

    #[test]
    fn the_longest_rise_is_found() {
        assert_eq!(longest_rise(&[]), Vec::<usize>::new());
        assert_eq!(longest_rise(&[0, 1, 2]), [0, 1, 2]);
        assert_eq!(longest_rise(&[2, 1, 0]), [0]);
        assert_eq!(longest_rise(&[3, 0, 1, 4, 2]), [0, 1, 2]);
    }

    fn operations(texts: &[&str], account: &str) -> Vec<Operation> {
        let mut accounts = Accounts::of(texts.iter().map(ToString::to_string).collect());
        accounts.add(account);
        accounts.into_operations()
    }

    #[test]
    fn rows_stay_where_they_can() {
        let section = Section::MapAccounts;
        let insert = |before, text: &str| Operation::Insert { section, before, row: NewRow::account(text) };
        let remove = |index| Operation::Remove { section, index };
        assert_eq!(operations(&[], "1"), [insert(0, "1")]);
        assert_eq!(operations(&["1", "3"], "2"), [insert(1, "2")]);
        assert_eq!(operations(&["1", "3"], "3"), []);
        assert_eq!(operations(&["1", "1", "2"], "2"), [remove(1)]);
        assert_eq!(operations(&["9", "1", "2"], "10"), vec![remove(0), insert(2, "10"), insert(3, "9")]);
    }
}
