//! Flags as Go's `pflag` reads them, with its words for what is wrong.
//!
//! `--flag=value`, `--flag value`, `-f value`, `-fvalue`, `-f=value`; a bool
//! takes no value but `=value`; short bools may be joined; `--` ends the flags,
//! which may stand between other arguments.

mod value;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use kube_iam_core::eksctl::quoted;

pub use value::{Kind, Value};

/// One flag.
#[derive(Debug, Clone, Copy)]
pub struct Flag {
    /// Its name, without dashes.
    pub name: &'static str,
    /// Its letter.
    pub short: Option<char>,
    /// What it takes.
    pub kind: Kind,
    /// The flag that this is an old name of; both set the same value.
    pub old_name_of: Option<&'static str>,
    /// What it is for; empty for flags that help does not show.
    pub help: &'static str,
}

/// What was typed.
#[derive(Debug, Default)]
pub struct Typed {
    values: BTreeMap<&'static str, Value>,
    /// Flags that were there, under the name they were typed by.
    given: BTreeSet<&'static str>,
    /// Arguments that belong to no flag.
    pub positional: Vec<String>,
}

impl Typed {
    /// Whether a flag was there, by this very name.
    pub fn is_given(&self, name: &str) -> bool {
        self.given.contains(name)
    }

    /// A text; empty if it was not there.
    pub fn text(&self, name: &str) -> &str {
        match self.values.get(name) {
            Some(Value::Text(text)) => text,
            _ => "",
        }
    }

    /// All texts of a list.
    pub fn texts(&self, name: &str) -> Vec<String> {
        match self.values.get(name) {
            Some(Value::Texts(texts)) => texts.clone(),
            _ => Vec::new(),
        }
    }

    /// A bool; `false` if it was not there.
    pub fn bool(&self, name: &str) -> bool {
        matches!(self.values.get(name), Some(Value::Bool(true)))
    }

    /// A number, if it was there.
    pub fn int(&self, name: &str) -> Option<i64> {
        match self.values.get(name) {
            Some(Value::Int(number)) => Some(*number),
            _ => None,
        }
    }

    /// A time, if it was there.
    pub fn duration(&self, name: &str) -> Option<Duration> {
        match self.values.get(name) {
            Some(Value::Duration(time)) => Some(*time),
            _ => None,
        }
    }
}

/// Reads arguments. Each use of an old name leaves a notice, also if something
/// is wrong later on.
///
/// # Errors
///
/// The first thing that is wrong, in pflag's words.
pub fn parse(flags: &[Flag], args: &[String], notices: &mut Vec<String>) -> Result<Typed, String> {
    let mut reader = Reader { flags, notices, typed: Typed::default() };
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        if arg == "--" {
            reader.typed.positional.extend(rest.cloned());
            break;
        } else if let Some(long) = arg.strip_prefix("--") {
            reader.long(arg, long, &mut rest)?;
        } else if let Some(letters) = arg.strip_prefix('-').filter(|letters| !letters.is_empty()) {
            reader.short(letters, &mut rest)?;
        } else {
            reader.typed.positional.push(arg.clone());
        }
    }
    Ok(reader.typed)
}

struct Reader<'a> {
    flags: &'a [Flag],
    notices: &'a mut Vec<String>,
    typed: Typed,
}

impl Reader<'_> {
    fn long<'a>(&mut self, arg: &str, long: &str, rest: &mut impl Iterator<Item = &'a String>) -> Result<(), String> {
        if long.starts_with(['-', '=']) {
            return Err(format!("bad flag syntax: {arg}"));
        }
        let (name, value) = match long.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (long, None),
        };
        let flag = self.flags.iter().find(|flag| flag.name == name);
        let flag = *flag.ok_or_else(|| format!("unknown flag: --{name}"))?;
        let value = match (value, flag.kind) {
            (Some(value), _) => value,
            (None, Kind::Bool) => "true",
            (None, _) => rest.next().ok_or_else(|| format!("flag needs an argument: --{name}"))?,
        };
        self.set(flag, value)
    }

    fn short<'a>(&mut self, letters: &str, rest: &mut impl Iterator<Item = &'a String>) -> Result<(), String> {
        let mut left = letters;
        while let Some(letter) = left.chars().next() {
            let after = &left[letter.len_utf8()..];
            let flag = self.flags.iter().find(|flag| flag.short == Some(letter));
            let flag = *flag.ok_or_else(|| format!("unknown shorthand flag: '{letter}' in -{left}"))?;
            let value = match (after.strip_prefix('='), flag.kind) {
                (Some(value), _) if !value.is_empty() => value,
                (_, Kind::Bool) => {
                    self.set(flag, "true")?;
                    left = after;
                    continue;
                }
                _ if !after.is_empty() => after,
                _ => rest.next().ok_or_else(|| format!("flag needs an argument: '{letter}' in -{left}"))?,
            };
            return self.set(flag, value);
        }
        Ok(())
    }

    fn set(&mut self, flag: Flag, text: &str) -> Result<(), String> {
        let Flag { name, short, kind, old_name_of, .. } = flag;
        let name_of_value = old_name_of.unwrap_or(name);
        let value = kind.read(text, self.typed.values.get(name_of_value)).map_err(|reason| {
            let flag = short.map_or(format!("--{name}"), |short| format!("-{short}, --{name}"));
            format!("invalid argument {} for {} flag: {reason}", quoted(text), quoted(&flag))
        })?;
        self.typed.values.insert(name_of_value, value);
        self.typed.given.insert(name);
        self.notices.extend(old_name_of.map(|new| format!("Flag --{name} has been deprecated, use --{new}")));
        Ok(())
    }
}

#[cfg(test)]
mod tests;
