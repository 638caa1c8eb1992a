//! Taking a key out of a map, in whatever form the map is written.

use alloc::string::String;
use alloc::vec::Vec;

use super::is_block_map;
use crate::yaml::edit::{Refusal, Splice, after_line, line_end_of, line_start, own_column};
use crate::yaml::{Node, Value};

/// The replacements that take the key at the end of `path` out of its map. A key that is
/// not there needs none.
pub(super) fn remove(text: &str, map: &Node, path: &[&str]) -> Result<Vec<Splice>, Refusal> {
    let (Value::Mapping(pairs), [key, rest @ ..]) = (&map.value, path) else { return Ok(Vec::new()) };
    let at = pairs.iter().position(|(name, _)| name.as_written() == Some(key)).unwrap_or(pairs.len());
    let (before, [(key_node, value), after @ ..]) = pairs.split_at(at) else { return Ok(Vec::new()) };
    if !rest.is_empty() {
        return remove(text, value, rest);
    }
    let splice = match (before.last(), after.first(), is_block_map(map)) {
        // Without a key there would be no map any more.
        (None, None, _) => emptied(text, map),
        (_, _, true) => {
            own_column(text, key_node.place.start).ok_or(Refusal::NoDash)?;
            Splice::remove(line_start(text, key_node.place.start)..after_line(text, end_of(key_node, value)))
        }
        (_, Some((next, _)), false) => Splice::remove(key_node.place.start..next.place.start),
        (Some((_, last)), None, false) => Splice::remove(last.place.end..end_of(key_node, value)),
    };
    Ok(Vec::from([splice]))
}

/// A value that is not written ends with its key.
fn end_of(key: &Node, value: &Node) -> usize {
    value.place.end.max(key.place.end)
}

fn emptied(text: &str, map: &Node) -> Splice {
    let range = map.place.start..map.place.end;
    let ends_line = text.get(range.clone()).is_some_and(|written| written.ends_with('\n'));
    let empty = String::from("{}") + if ends_line { line_end_of(text) } else { "" };
    Splice { range, text: empty }
}
