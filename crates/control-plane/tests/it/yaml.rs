//! The oracle says what Go reads, also where that is odd.

use kube_iam_control_plane::{YamlOracle, required_in_ci};
use serde_json::json;

#[test]
fn the_oracle_reads_yaml_1_1_as_go_does() {
    let Some(oracle) = required_in_ci(YamlOracle::build_or_find()) else {
        return;
    };
    let readings = oracle
        .read(&[
            "- rolearn: arn:aws:iam::111122223333:role/a\n  groups: [yes, \"yes\"]\n",
            "- 012345678901\n- 012345670123\n- 1e3\n- {a: b}\n- null\n",
            "a: [",
            "",
            "one: 1\n---\ntwo: 2\n",
        ])
        .unwrap();
    assert_eq!(readings.len(), 5);

    let roles = json!([{ "rolearn": "arn:aws:iam::111122223333:role/a", "groups": [true, "yes"] }]);
    assert_eq!(readings[0].json, Ok(roles));

    // As JSON, eleven octal digits with a leading zero are an octal number; as strings
    // they stay as they were written, and the bad element goes alone.
    assert_eq!(readings[1].json, Ok(json!([12345678901_u64, 1402433619, 1000, { "a": "b" }, null])));
    assert_eq!(readings[1].strings, ["012345678901", "012345670123", "1e3", ""]);
    assert!(readings[1].strings_error.as_ref().unwrap().contains("line 4: cannot unmarshal !!map into string"));

    assert_eq!(readings[2].json, Err("yaml: line 1: did not find expected node content".to_owned()));
    assert_eq!(readings[3].json, Ok(json!(null)));
    assert_eq!((readings[3].strings.len(), &readings[3].strings_error), (0, &None));
    assert_eq!(readings[4].json, Ok(json!({ "one": 1 })));
}

#[test]
fn many_texts_are_read_at_once() {
    let Some(oracle) = required_in_ci(YamlOracle::build_or_find()) else {
        return;
    };
    // More than the pipes hold in either direction.
    let texts: Vec<String> = (0..5000).map(|number| format!("- id: {number}\n  text: {}\n", "x".repeat(100))).collect();
    let readings = oracle.read(&texts).unwrap();
    assert_eq!(readings.len(), texts.len());
    for (number, reading) in readings.iter().enumerate() {
        assert_eq!(reading.json.as_ref().unwrap()[0]["id"], number);
    }
    oracle.read(&["a\0b"]).unwrap_err();
}
