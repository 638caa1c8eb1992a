use std::format;

use super::*;

/// As a plain list, and through the parser's events.
#[test]
fn values_are_bounded() {
    for before in ["", "# é\n"] {
        let text = |nodes: usize| format!("{before}{}", "- x\n".repeat(nodes - 1));
        assert!(parse(&text(limits::YAML_NODES)).is_ok());
        let error = parse(&text(limits::YAML_NODES + 1)).unwrap_err();
        assert!(error.reason.contains("values"), "{error}");
    }
}
