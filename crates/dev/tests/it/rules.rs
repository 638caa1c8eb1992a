//! Pages about rules, written from the rules themselves.
//!
//! `UPDATE_DOCS=1 cargo test -p kube-iam-dev rules` writes them anew.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use kube_iam_core::{change, check, guard};

use crate::tree::root;

fn pages() -> BTreeMap<String, String> {
    let mut index = String::from(
        "# Rules of `check`\n\nEach finding of `kube-iam check` names its rule. Errors and warnings make it end with 1, notes don't. \
         It ends with 2 if aws-auth is not there or can't be read.\n\n",
    );
    let mut pages = BTreeMap::new();
    for rule in check::RULES {
        writeln!(index, "* [`{}`]({}.md): {}", rule.id, rule.id, rule.summary).unwrap();
        pages.insert(format!("docs/check/{}.md", rule.id), rule.page());
    }
    pages.insert("docs/check/README.md".to_owned(), index);
    let mut page = String::from(
        "# The lock-out guard\n\nEvery command that changes aws-auth judges the change before it is written. Only what gets \
         worse counts. What is refused (`block`) is let through by `--override RULE`, one rule at a time.\n",
    );
    for rule in guard::RULES.iter().chain(change::RULES) {
        write!(page, "\n## `{}`\n\n*{}*: {}.\n\n{}\n", rule.id, rule.severity.as_str(), rule.summary, rule.why)
            .unwrap();
    }
    pages.insert("docs/guard.md".to_owned(), page);
    pages
}

#[test]
fn every_rule_has_its_page() {
    let update = std::env::var_os("UPDATE_DOCS").is_some();
    for (path, page) in pages() {
        let file = root().join(&path);
        if update {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, &page).unwrap();
        }
        let written = fs::read_to_string(&file).unwrap_or_default();
        assert_eq!(written, page, "{path} is not up to date: UPDATE_DOCS=1 cargo test -p kube-iam-dev rules");
    }
}
