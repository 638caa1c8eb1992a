use std::format;

use super::*;

/// As a plain list, as JSON, and through the parser's events.
#[test]
fn values_are_bounded() {
    let lines = |nodes: usize| "- x\n".repeat(nodes - 1);
    let json = |nodes: usize| format!("[{}1]", "1,".repeat(nodes - 2));
    let odd = |nodes: usize| format!("- &x x\n{}", "- x\n".repeat(nodes - 2));
    for text in [lines, json] {
        assert!(parse(&text(limits::YAML_NODES)).is_ok());
        assert!(parse(&text(limits::YAML_NODES + 1)).is_err());
    }
    for text in [lines, json, odd] {
        assert!(parse_all(&text(limits::YAML_NODES)).is_ok());
        let error = parse_all(&text(limits::YAML_NODES + 1)).unwrap_err();
        assert!(error.reason.contains("values"), "{error}");
    }
}
