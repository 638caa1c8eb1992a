//! Lists in pages, with a mark that leads to the next one.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// A page of a list.
pub(crate) struct Page<'a, T> {
    pub(crate) things: &'a [T],
    /// The mark that leads to the next page, if there is one.
    pub(crate) next: Option<String>,
}

/// The page that a mark leads to, or the first one; none if the mark is not one of this list's.
pub(crate) fn page<'a, T>(list: &str, all: &'a [T], mark: Option<&str>, size: usize) -> Option<Page<'a, T>> {
    let start = match mark {
        None => 0,
        Some(mark) => {
            let text = String::from_utf8(URL_SAFE_NO_PAD.decode(mark).ok()?).ok()?;
            text.strip_prefix(list)?.strip_prefix(' ')?.parse().ok()?
        }
    };
    let rest = all.get(start..)?;
    let (things, after) = rest.split_at_checked(size.max(1)).unwrap_or((rest, &[]));
    let next = (!after.is_empty()).then(|| URL_SAFE_NO_PAD.encode(format!("{list} {}", start + things.len())));
    Some(Page { things, next })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other_to_the_end() {
        let all = [1, 2, 3, 4, 5];
        let (mut mark, mut pages) = (None, Vec::new());
        loop {
            let page = page("stacks", &all, mark.as_deref(), 2).unwrap();
            pages.push(page.things.to_vec());
            mark = page.next;
            if mark.is_none() {
                break;
            }
        }
        assert_eq!(pages, [vec![1, 2], vec![3, 4], vec![5]]);
        assert_eq!(page("stacks", &all, None, 5).unwrap().next, None);
        assert_eq!(page("stacks", &all[..0], None, 5).unwrap().things, [0; 0]);
    }

    #[test]
    fn a_mark_of_another_list_leads_nowhere() {
        let all = [1, 2, 3];
        let mark = page("stacks", &all, None, 2).unwrap().next;
        assert!(page("stacks", &all, mark.as_deref(), 2).is_some());
        assert!(page("groups", &all, mark.as_deref(), 2).is_none());
        assert!(page("stacks", &all[..1], mark.as_deref(), 2).is_none());
        assert!(page("stacks", &all, Some("?"), 2).is_none());
    }
}
