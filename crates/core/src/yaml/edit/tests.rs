use std::vec;

use super::*;

#[test]
fn replacements_are_made_in_order_of_place() {
    let splices = vec![Splice::insert(3, "X".into()), Splice::remove(0..2), Splice::insert(3, "Y".into())];
    assert_eq!(apply("abcde", splices).unwrap(), "cXYde");
    assert_eq!(apply("ab", vec![Splice::remove(0..2), Splice::remove(1..2)]), Err(Refusal::Overlap));
    assert_eq!(apply("\u{fc}", vec![Splice::insert(1, "a".into())]), Err(Refusal::Overlap));
    assert_eq!(apply("a", vec![Splice::insert(2, "a".into())]), Err(Refusal::Overlap));
}

#[test]
fn texts_are_quoted_where_yaml_would_misread_them() {
    let block = |text| scalar(text, Context::Block);
    for plain in ["dev", "system:node:{{EC2PrivateDNSName}}", "arn:aws:iam::111122223333:role/x", "a#b", "a, b"] {
        assert_eq!(block(plain), plain);
    }
    for quoted in
        ["", "yes", "012", "1.5", "{{SessionName}}", "a: b", "a #b", "a:", " a", "- a", "*a", "2001-01-01", "1:2"]
    {
        assert_eq!(block(quoted), alloc::format!("'{quoted}'"));
    }
    assert_eq!(block("it's"), "it's");
    assert_eq!(block("'"), "\"'\"");
    assert_eq!(block("a\n\u{1}\u{feff}\u{e4}"), "\"a\\n\\u0001\\ufeff\u{e4}\"");
    assert_eq!(scalar("a, b", Context::Flow), "'a, b'");
    assert_eq!(scalar("a", Context::Json), "\"a\"");
}
