//! Each observed case, from the operation to the parsed content.

use std::borrow::ToOwned as _;
use std::string::{String, ToString};
use std::vec;
use std::vec::Vec;

use serde_json::{Value, json};

use super::edited;
use crate::aws_auth::Data;
use crate::eksctl::*;
use crate::yaml;

/// Cases where we do better on purpose, and what we leave behind there.
fn ours(name: &str) -> Option<Value> {
    match name {
        // The account as it is written, not as YAML 1.1 counts it.
        "create account corrupts an unquoted account id with a leading zero and a digit 9" => {
            Some(json!({ "mapAccounts": ["090000000000", "123456789012"] }))
        }
        _ => None,
    }
}

/// The data of a ConfigMap as the case writes it.
fn stored(case: &Value) -> Data {
    let Some(text) = case["initial_configmap"].as_str() else { return Data::new() };
    let Some(node) = yaml::parse(text).unwrap() else { return Data::new() };
    let entries = node.entries().unwrap();
    entries.iter().map(|entry| (entry.key.to_owned(), entry.value.as_text().unwrap().to_owned())).collect()
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// A mapping as an operation or a ClusterConfig names it.
fn mapping(value: &Value) -> Mapping {
    let text = |keys: [&str; 2]| keys.iter().find_map(|key| value[*key].as_str()).unwrap_or_default().to_owned();
    Mapping {
        arn: text(["arn", "arn"]),
        username: text(["username", "username"]),
        groups: texts(&value["groups"]),
        account: text(["account", "account"]),
        service_name: text(["service_name", "serviceName"]),
        namespace: text(["namespace", "namespace"]),
        no_duplicate_arns: value["no_duplicate_arns"] == true || value["noDuplicateARNs"] == true,
    }
}

fn plan(case: &Value, data: &Data) -> Plan {
    let operation = &case["operation"];
    let text = |key: &str| operation[key].as_str();
    let refused = |refusal| Plan { refusal: Some(refusal), ..Plan::default() };
    match (text("cmd").unwrap(), text("arn"), text("account")) {
        ("create", ..) => {
            let mappings = match operation["config_file_mappings"].as_array() {
                Some(items) => items.iter().map(mapping).collect(),
                None => vec![mapping(operation)],
            };
            let cluster = ClusterAccount {
                partition: "aws".parse().unwrap(),
                account: text("cluster_account").unwrap_or("111122223333").to_owned(),
            };
            let applied =
                |mapping: &Mapping| RbacObject::of(mapping).iter().map(|o| o.line(Applied::Created)).collect();
            let applied: Vec<_> = mappings.iter().map(applied).collect();
            match validate(&mappings) {
                Ok(()) => create(data, &mappings, Some(&cluster), &applied),
                Err(refusal) => refused(refusal),
            }
        }
        ("delete", Some(arn), None) => delete(data, Target::Arn { arn, all: operation["all"] == true }),
        ("delete", None, Some(account)) => delete(data, Target::Account(account)),
        ("delete", ..) => refused(Refusal::NoTarget),
        (other, ..) => panic!("{other}"),
    }
}

/// What is read afterwards, in the form of `expect`.
fn content(data: &Data) -> Value {
    let rows = get(data, None).unwrap();
    let row = |row: &Shown| {
        let mut value = json!({});
        let arn_key = if row.is_user { "userarn" } else { "rolearn" };
        for (key, text) in [(arn_key, &row.arn), ("username", &row.username)] {
            if !text.is_empty() {
                value[key] = text.clone().into();
            }
        }
        if !row.groups.is_empty() {
            value["groups"] = row.groups.clone().into();
        }
        value
    };
    let section = |is_user| -> Vec<_> {
        rows.iter().filter(|row| row.account.is_none() && row.is_user == is_user).map(row).collect()
    };
    let accounts: Vec<_> = rows.iter().filter_map(|row| row.account.clone()).collect();
    // A row with nothing in it can't tell its section; none stands in mapUsers here.
    json!({ "mapRoles": section(false), "mapUsers": section(true), "mapAccounts": accounts })
}

fn assert_content(name: &str, is: &Value, expect: &Value) {
    for key in ["mapRoles", "mapUsers", "mapAccounts"] {
        if !expect[key].is_null() {
            assert_eq!(is[key], expect[key], "{name}: {key}");
        }
    }
}

fn lines(plan: &Plan) -> String {
    let at = jiff::civil::date(2026, 8, 1).at(0, 0, 0, 0);
    let lines = plan.log.iter().chain(&plan.after).map(|line| line.printed(at));
    lines.collect::<String>().replace("2026-08-01 00:00:00", "<time>")
}

fn cases() -> Vec<Value> {
    serde_json::from_str(include_str!("cases.json")).unwrap()
}

#[test]
fn writes_are_as_observed() {
    let mut seen = 0;
    for case in cases().iter().filter(|case| matches!(case["operation"]["cmd"].as_str(), Some("create" | "delete"))) {
        let name = case["name"].as_str().unwrap();
        let (expect, observed) = (&case["expect"], &case["observed"]);
        let before = stored(case);
        let plan = plan(case, &before);
        assert_eq!(lines(&plan), observed["stdout"].as_str().unwrap(), "{name}");
        let error = plan.refusal.as_ref().map(ToString::to_string).unwrap_or_default();
        let wanted = expect["error_contains"].as_str();
        assert_eq!(plan.refusal.is_some(), wanted.is_some(), "{name}: {error}");
        assert!(error.contains(wanted.unwrap_or_default()), "{name}: {error}");
        if expect["state_after"] == "unchanged" {
            assert_eq!(plan.operations, [], "{name}");
        } else {
            let after = edited(&before, &plan);
            let expect = if expect["state_after"].is_object() { &expect["state_after"] } else { expect };
            assert_content(name, &content(&after), ours(name).as_ref().unwrap_or(expect));
            for (key, text) in case["expect"]["untouched"].as_object().into_iter().flatten() {
                assert_eq!(after[key], text.as_str().unwrap(), "{name}: {key}");
            }
            // What eksctl does not write, we don't either.
            assert!(case["expect"]["eksctl_save"] != "none" || plan.operations.is_empty(), "{name}");
        }
        seen += 1;
    }
    assert_eq!(seen, 40);
}

#[test]
fn answers_are_as_observed() {
    let mut seen = 0;
    for case in cases().iter().filter(|case| case["operation"]["cmd"] == "get") {
        let name = case["name"].as_str().unwrap();
        let operation = &case["operation"];
        let format: OutputFormat = operation["output"].as_str().unwrap().parse().unwrap();
        let answer = get(&stored(case), operation["arn"].as_str());
        let (stdout, stderr) = match answer {
            Ok(rows) => (format.print(&rows), String::new()),
            Err(refusal) => (String::new(), std::format!("Error: {refusal}\n")),
        };
        let observed = &case["observed"];
        assert_eq!(stdout, observed["stdout"].as_str().unwrap(), "{name}");
        assert_eq!(stderr, observed["stderr"].as_str().unwrap(), "{name}");
        seen += 1;
    }
    assert_eq!(seen, 3);
}
