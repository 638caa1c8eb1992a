//! What is written for people is complete, and leads somewhere.

use std::path::Path;

use kube_iam_core::decision::{DenialStatus, deny};
use kube_iam_core::reason::Reason;
use kube_iam_core::review::ReviewVersion;

use crate::tree::{root, texts};

#[test]
fn every_reason_code_is_explained_with_its_status() {
    let page = std::fs::read_to_string(root().join("docs/reason-codes.md")).unwrap();
    let rows: Vec<_> = page.lines().filter(|line| line.starts_with("| `")).collect();
    for reason in Reason::ALL {
        let status = deny(ReviewVersion::V1, *reason, "r", DenialStatus::ByClass).status;
        let start = format!("| `{}` | {status} | ", reason.as_str());
        let row = rows.iter().find_map(|row| row.strip_prefix(&start));
        let row = row.unwrap_or_else(|| panic!("docs/reason-codes.md has no row `{start}`"));
        assert!(row.len() > 20, "`{}` is hardly explained: {row}", reason.as_str());
    }
    assert_eq!(rows.len(), Reason::ALL.len(), "docs/reason-codes.md explains a code twice, or one that does not exist");
}

/// The targets of links in a page, code left out.
fn links(page: &str) -> Vec<&str> {
    let prose = page.split("```").step_by(2);
    prose.flat_map(|text| text.split("](").skip(1)).filter_map(|rest| rest.split(')').next()).collect()
}

/// The anchors that the headings of a page get.
fn anchors(page: &str) -> Vec<String> {
    let prose = page.split("```").step_by(2).flat_map(str::lines);
    let headings = prose.filter_map(|line| line.strip_prefix('#')).map(|line| line.trim_start_matches('#').trim());
    let letter = |c: char| match c {
        ' ' => Some('-'),
        c if c.is_alphanumeric() || c == '-' || c == '_' => c.to_lowercase().next(),
        _ => None,
    };
    headings.map(|heading| heading.chars().filter_map(letter).collect()).collect()
}

#[test]
fn links_lead_somewhere() {
    for (name, page) in texts(".md") {
        let folder = root().join(Path::new(&name).parent().unwrap());
        for target in links(&page).into_iter().filter(|target| !target.contains("://")) {
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let path = if file.is_empty() { root().join(&name) } else { folder.join(file) };
            assert!(path.exists(), "{name}: `{target}` leads nowhere");
            let known =
                anchor.is_empty() || anchors(&std::fs::read_to_string(&path).unwrap()).contains(&anchor.to_string());
            assert!(known, "{name}: `{target}` leads to no heading");
        }
    }
}

#[test]
fn links_and_anchors_are_found() {
    let page =
        "# A page: `code`\n[a](x.md#y) and [b](#a-page-code)\n```\n# no heading\n[c](no-link)\n```\n## Sub_two\n";
    assert_eq!(links(page), ["x.md#y", "#a-page-code"]);
    assert_eq!(anchors(page), ["a-page-code", "sub_two"]);
}

#[test]
fn no_file_names_a_place_of_somebodys_machine() {
    let places = [["/ho", "me/"], ["/ro", "ot/"], ["/wo", "rk/"], ["/Us", "ers/"]].map(|halves| halves.concat());
    for (name, text) in texts("") {
        assert!(!places.iter().any(|place| text.contains(place.as_str())), "{name} names a place of a machine");
    }
}

/// Words that no page may keep: somebody meant to fill them in.
#[test]
fn no_page_has_a_gap() {
    for (name, page) in texts(".md") {
        let gap = page.lines().find(|line| line.len() > 3 && line.chars().all(|c| c.is_ascii_uppercase()));
        assert_eq!(gap, None, "{name} has a gap to fill in");
        let todo = ["TO", "DO"].concat();
        assert!(!page.contains(&todo), "{name} holds {todo}");
    }
}
