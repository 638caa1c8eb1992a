//! Changes against a model that knows nothing of bytes.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// Username and groups by role.
type Model = BTreeMap<String, (Option<String>, Vec<String>)>;

fn model(document: &Document) -> Model {
    let rows = document.rows(Section::MapRoles).map(|row| row.reading().unwrap());
    rows.map(|row| (PrincipalKey::of(&row.principal).as_str().to_owned(), (row.username, row.groups))).collect()
}

fn groups() -> impl Strategy<Value = Vec<String>> {
    proptest::sample::subsequence(strings(&["a", "b", "c"]), 0..=3)
}

#[derive(Debug, Clone)]
enum Step {
    Create(Option<String>, Vec<String>),
    Set(Option<String>, GroupsChange),
    Delete,
}

fn step() -> impl Strategy<Value = (usize, Step)> {
    let username = || proptest::option::of("[a-z]{1,3}");
    let change = prop_oneof![
        Just(GroupsChange::Keep),
        groups().prop_map(GroupsChange::Replace),
        (groups(), groups()).prop_map(|(add, remove)| GroupsChange::AddRemove { add, remove }),
    ];
    let step = prop_oneof![
        (username(), groups()).prop_map(|(username, groups)| Step::Create(username, groups)),
        (username(), change).prop_map(|(username, groups)| Step::Set(username, groups)),
        Just(Step::Delete),
    ];
    (0..4_usize, step)
}

/// What the model says of a step: whether it is done, and the model afterwards.
fn expected(mut model: Model, key: &str, whom: &Whom, step: &Step) -> Option<Model> {
    let new_name = |name: &Option<String>| name.clone().or_else(|| whom.default_username());
    match step {
        Step::Create(name, groups) => match model.get(key) {
            Some((is, has)) => {
                let default = name.is_none() && (is.is_none() || *is == whom.default_username());
                // Groups have no order.
                let (has, groups): (BTreeSet<_>, BTreeSet<_>) = (has.iter().collect(), groups.iter().collect());
                return ((default || is == name) && has == groups).then_some(model);
            }
            None => drop(model.insert(key.to_owned(), (new_name(name), groups.clone()))),
        },
        Step::Set(name, change) => {
            let (is, has) = match model.get(key) {
                Some((is, has)) => (is.clone(), has.clone()),
                None if name.is_none() => match change {
                    GroupsChange::AddRemove { add, remove } if add.is_empty() && !remove.is_empty() => return None,
                    _ => (whom.default_username(), Vec::new()),
                },
                None => (None, Vec::new()),
            };
            let mut groups = match change {
                GroupsChange::Keep => has,
                GroupsChange::Replace(groups) => groups.clone(),
                GroupsChange::AddRemove { add, remove } => {
                    let added = add.iter().filter(|group| !has.contains(group)).cloned();
                    has.iter().cloned().chain(added).filter(|group| !remove.contains(group)).collect()
                }
            };
            groups.dedup();
            model.insert(key.to_owned(), (name.clone().or(is), groups));
        }
        Step::Delete => drop(model.remove(key)?),
    }
    Some(model)
}

fn sorted(model: Model) -> Model {
    let sort = |mut groups: Vec<String>| {
        groups.sort();
        groups
    };
    model.into_iter().map(|(key, (name, groups))| (key, (name, sort(groups)))).collect()
}

proptest! {
    #[test]
    fn changes_come_out_as_in_the_model(steps in proptest::collection::vec(step(), 1..12)) {
        let mut document = document("# top\n- rolearn: arn:aws:iam::111122223333:role/R0\n  groups: [b]\n# end\n", "", "");
        for (who, step) in steps {
            let whom = role(&format!("R{who}"));
            let change = match step.clone() {
                Step::Create(username, groups) => Change::Create(Wanted { whom: whom.clone(), username, groups }),
                Step::Set(username, groups) => Change::Set { whom: whom.clone(), username, groups },
                Step::Delete => Change::Delete(Selector::Whom(whom.clone())),
            };
            let wanted = expected(model(&document), whom.key().as_str(), &whom, &step);
            match (plan(&document, &change, EKS), wanted) {
                (Ok(planned), Some(wanted)) => {
                    document = document.edit(&planned.operations).unwrap().document;
                    prop_assert_eq!(sorted(model(&document)), sorted(wanted));
                    if !matches!(change, Change::Delete(_)) {
                        prop_assert_eq!(plan(&document, &change, EKS).unwrap().operations, Vec::new());
                    }
                }
                (Err(_), None) => {}
                (planned, wanted) => prop_assert!(false, "{planned:?}, but the model says {wanted:?}"),
            }
        }
    }

    #[test]
    fn create_then_delete_leaves_the_bytes(
        rows in proptest::collection::vec(("[a-z]{1,4}", groups(), "( # x)?", "(# c\n|\n)?"), 1..5),
        username in proptest::option::of("[a-z]{1,9}"),
    ) {
        let row = |(name, groups, note, between): (String, Vec<String>, String, String)| {
            format!("{between}- rolearn: arn:aws:iam::111122223333:role/{name}{note}\n  groups: {groups:?}\n")
        };
        let text: String = rows.into_iter().map(row).collect();
        let before = document(&text, "", "");
        let whom = role("NewOne");
        let created = plan(&before, &create(whom.clone(), username.as_deref(), &["x"]), EKS).unwrap();
        let with = before.edit(&created.operations).unwrap().document;
        let deleted = plan(&with, &Change::Delete(Selector::Whom(whom)), EKS).unwrap();
        let after = with.edit(&deleted.operations).unwrap().document;
        prop_assert_eq!(after.list(Section::MapRoles).unwrap().text(), text);
    }
}
