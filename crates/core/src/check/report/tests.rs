use std::collections::BTreeMap;
use std::string::{String, ToString as _};
use std::vec::Vec;

use super::*;
use crate::check::{Context, fix, lint};

const TEXT: &str = "- roleARN: arn:aws:iam::111122223333:role/a/x\n  username: u\n  group: [g]\n";

fn remarks() -> Vec<Remark> {
    let data = BTreeMap::from([("mapRoles".to_string(), TEXT.to_string()), ("mapusers".to_string(), String::new())]);
    lint(&data, &Context::default())
}

/// As in a manifest: five lines above, and two columns to the left.
fn shifted(finding: &Finding) -> Option<Mark> {
    let data = Mark { line: 4, column: 1 };
    Some(finding.mark.map_or(data, |mark| Mark { line: mark.line + 5, column: mark.column + 4 }))
}

fn report<'a>(file: &'a str, remarks: &'a [Remark]) -> Report<'a> {
    Report { file, is_object: false, remarks, locate: &shifted }
}

/// In a cluster there is no file around the sections.
fn object(remarks: &[Remark]) -> Report<'_> {
    Report { file: "aws-auth", is_object: true, remarks, locate: &|finding| finding.mark }
}

#[test]
fn lines() {
    insta::assert_snapshot!(text(&report("aws-auth.yaml", &remarks())), @"
    aws-auth.yaml:4:1: error[data-key-misspelt] data key `mapusers` is not read; its rows have no effect
      hint: did you mean `mapUsers`?
    aws-auth.yaml:6:7: note[groups-empty] the row gives no groups
    aws-auth.yaml:6:7: note[key-case] key `roleARN` is spelt `rolearn`
      fix: `--fix`
    aws-auth.yaml:6:16: warning[role-path] `arn:aws:iam::111122223333:role/a/x` is a role with its path: under the Go authenticator and EKS the row matches nobody
      hint: write `arn:aws:iam::111122223333:role/x`
      fix: `--fix --grants`; it may let somebody in who is not let in today
    aws-auth.yaml:8:7: warning[key-misspelt] unknown key `group`: it has no effect
      hint: did you mean `groups`?
    ");
    assert_eq!(text(&report("aws-auth.yaml", &[])), "");
}

#[test]
fn json_for_programs() {
    insta::assert_snapshot!(json(&report("aws-auth.yaml", &remarks()[..2])), @r#"
    {
      "file": "aws-auth.yaml",
      "findings": [
        {
          "rule": "data-key-misspelt",
          "severity": "block",
          "line": 4,
          "column": 1,
          "message": "data key `mapusers` is not read; its rows have no effect",
          "hint": "did you mean `mapUsers`?",
          "fixable": false,
          "grants": false
        },
        {
          "rule": "groups-empty",
          "severity": "note",
          "line": 6,
          "column": 7,
          "section": "mapRoles",
          "message": "the row gives no groups",
          "fixable": false,
          "grants": false
        }
      ]
    }
    "#);
}

#[test]
fn workflow_commands() {
    insta::assert_snapshot!(github(&report("a,b:c%.yaml", &remarks())), @"
    ::error file=a%2Cb%3Ac%25.yaml,line=4,col=1,title=data-key-misspelt::data key `mapusers` is not read; its rows have no effect%0Ahint: did you mean `mapUsers`?
    ::notice file=a%2Cb%3Ac%25.yaml,line=6,col=7,title=groups-empty::the row gives no groups
    ::notice file=a%2Cb%3Ac%25.yaml,line=6,col=7,title=key-case::key `roleARN` is spelt `rolearn`
    ::warning file=a%2Cb%3Ac%25.yaml,line=6,col=16,title=role-path::`arn:aws:iam::111122223333:role/a/x` is a role with its path: under the Go authenticator and EKS the row matches nobody%0Ahint: write `arn:aws:iam::111122223333:role/x`
    ::warning file=a%2Cb%3Ac%25.yaml,line=8,col=7,title=key-misspelt::unknown key `group`: it has no effect%0Ahint: did you mean `groups`?
    ");
    let mut remarks = remarks();
    remarks.truncate(1);
    remarks[0].finding.message = "100%\r\nbad: a,b".to_string();
    assert!(github(&report("x", &remarks)).contains("::100%25%0D%0Abad: a,b%0Ahint"));
}

#[test]
fn sarif_for_code_scanning() {
    let remarks = remarks();
    let written = sarif(&report("dir/aws auth.yaml", &remarks[..1])).replace(env!("CARGO_PKG_VERSION"), "VERSION");
    insta::assert_snapshot!(written, @r##"
    {
      "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
      "runs": [
        {
          "columnKind": "unicodeCodePoints",
          "results": [
            {
              "level": "error",
              "locations": [
                {
                  "physicalLocation": {
                    "artifactLocation": {
                      "uri": "dir/aws%20auth.yaml"
                    },
                    "region": {
                      "startColumn": 1,
                      "startLine": 4
                    }
                  }
                }
              ],
              "message": {
                "text": "data key `mapusers` is not read; its rows have no effect (did you mean `mapUsers`?)"
              },
              "ruleId": "data-key-misspelt",
              "ruleIndex": 0
            }
          ],
          "tool": {
            "driver": {
              "name": "kube-iam",
              "rules": [
                {
                  "defaultConfiguration": {
                    "level": "error"
                  },
                  "fullDescription": {
                    "text": "`mapRoles`, `mapUsers` and `mapAccounts` are read in exactly this spelling. Anything else is ignored without a word, with all the rows in it."
                  },
                  "help": {
                    "markdown": "# `data-key-misspelt`\n\n*block*: a data key is almost, but not exactly, the name of a section.\n\n`mapRoles`, `mapUsers` and `mapAccounts` are read in exactly this spelling. Anything else is ignored without a word, with all the rows in it.\n\n## Before\n\n```yaml\nmaproles: |\n  - rolearn: arn:aws:iam::111122223333:role/Dev\n    username: dev\n    groups: [team]\n```\n\n## After\n\n```yaml\nmapRoles: |\n  - rolearn: arn:aws:iam::111122223333:role/Dev\n    username: dev\n    groups: [team]\n```\n\n## Repair\n\nRename the key. Its rows come alive: look at them first.\n",
                    "text": "Rename the key. Its rows come alive: look at them first."
                  },
                  "id": "data-key-misspelt",
                  "shortDescription": {
                    "text": "a data key is almost, but not exactly, the name of a section"
                  }
                }
              ],
              "version": "VERSION"
            }
          }
        }
      ],
      "version": "2.1.0"
    }
    "##);
    let log: serde_json::Value = serde_json::from_str(&sarif(&report("x", &remarks))).unwrap();
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), remarks.len());
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        let region = &result["locations"][0]["physicalLocation"]["region"];
        assert!(region["startLine"].as_u64() >= Some(1) && region["startColumn"].as_u64() >= Some(1));
        assert!(["error", "warning", "note"].contains(&result["level"].as_str().unwrap()));
    }
}

#[test]
fn what_is_about_a_whole_object_has_no_place() {
    let remarks = remarks();
    let about = object(&remarks[..2]);
    insta::assert_snapshot!(text(&about) + &github(&about), @"
    aws-auth: error[data-key-misspelt] data key `mapusers` is not read; its rows have no effect
      hint: did you mean `mapUsers`?
    aws-auth/mapRoles:1:3: note[groups-empty] the row gives no groups
    ::error file=aws-auth,title=data-key-misspelt::data key `mapusers` is not read; its rows have no effect%0Ahint: did you mean `mapUsers`?
    ::notice file=aws-auth/mapRoles,line=1,col=3,title=groups-empty::the row gives no groups
    ");
    let written: serde_json::Value = serde_json::from_str(&json(&about)).unwrap();
    assert_eq!((written["findings"][0].get("line"), &written["findings"][1]["line"]), (None, &1.into()));
    let log: serde_json::Value = serde_json::from_str(&sarif(&about)).unwrap();
    let place = |index: usize| &log["runs"][0]["results"][index]["locations"][0]["physicalLocation"];
    assert_eq!((place(0).get("region"), &place(0)["artifactLocation"]["uri"]), (None, &"aws-auth".into()));
    assert_eq!(place(1)["artifactLocation"]["uri"], "aws-auth/mapRoles");
}

#[test]
fn empty_reports_are_whole() {
    let data = BTreeMap::new();
    assert_eq!(fix(&data, &[]).applied.len(), 0);
    insta::assert_snapshot!(json(&report("x", &[])), @r#"
    {
      "file": "x",
      "findings": []
    }
    "#);
    let log: serde_json::Value = serde_json::from_str(&sarif(&report("x", &[]))).unwrap();
    assert_eq!(log["runs"][0]["results"], serde_json::json!([]));
}
