//! Every reason code is explained to users.

use kube_iam_core::decision::{DenialStatus, deny};
use kube_iam_core::reason::Reason;
use kube_iam_core::review::ReviewVersion;

#[test]
fn every_reason_code_is_explained_with_its_status() {
    let page = include_str!("../../../../docs/reason-codes.md");
    for reason in Reason::ALL {
        let row = page.lines().find(|line| line.starts_with(&format!("| `{}` |", reason.as_str())));
        let row = row.unwrap_or_else(|| panic!("`{}` is not in docs/reason-codes.md", reason.as_str()));
        let status = deny(ReviewVersion::V1, *reason, "r", DenialStatus::ByClass).status;
        assert!(row.contains(&format!("| {status}")), "{row} should say {status}");
    }
    let codes = page.lines().filter(|line| line.starts_with("| `")).count();
    assert_eq!(codes, Reason::ALL.len(), "docs/reason-codes.md explains a code that does not exist");
}
