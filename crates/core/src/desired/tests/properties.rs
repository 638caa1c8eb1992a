//! Applying again and again.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::aws_auth::Section;

/// Groups by role.
type Model = BTreeMap<u8, u8>;

fn file(model: &Model) -> Desired {
    let rows: Vec<_> = model.iter().map(|(name, group)| role(&format!("r{name}"), &format!("g{group}"))).collect();
    desired(&rows)
}

fn model_of(document: &Document) -> Model {
    let rows = document.rows(Section::MapRoles).map(|row| row.reading().unwrap());
    let number = |text: &str| text.get(1..).unwrap().parse().unwrap();
    rows.map(|row| (number(&row.username.unwrap()), number(&row.groups[0]))).collect()
}

fn mappings(names: std::ops::Range<u8>) -> impl Strategy<Value = Model> {
    proptest::collection::btree_map(names, 0..3_u8, 0..6)
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in ".{0,80}", key in "(arn|sso|account|groups|username|<<)", value in "[\\[\\]{}a-z*&:, ]{0,20}") {
        let _ = Desired::parse(&text);
        let _ = Desired::parse(&format!("mappings:\n- &x {{{key}: {value}}}\n- *x\n- <<: *x\n"));
        let _ = Owners::parse(Some(&text));
    }

    /// Two owners whose files share no principal, beside rows of nobody.
    #[test]
    fn two_owners_in_turn_lose_nothing(
        stock in mappings(0..4),
        turns in proptest::collection::vec((mappings(10..16), mappings(20..26)), 1..8),
        prune: bool,
    ) {
        let rows: Vec<_> = stock.iter().map(|(name, group)| row(&format!("r{name}"), &format!("g{group}"))).collect();
        let (mut is, mut owners) = (document(&format!("# top\n{}# end\n", rows.concat()), "", ""), Owners::default());
        let mut wanted: Model = stock.clone();
        for (a, b) in turns {
            for (owner, mine, range) in [("a", a, 10..20), ("b", b, 20..30)] {
                let options = Options { prune, ..by(owner) };
                (is, owners) = apply(&is, &owners, &file(&mine), &options);
                if prune {
                    wanted.retain(|name, _| !range.contains(name));
                }
                wanted.extend(mine.clone());
                prop_assert_eq!(model_of(&is), wanted.clone());
                let again = plan_desired(&is, &owners, &file(&mine), &options).unwrap();
                prop_assert!(again.planned.operations.is_empty());
                prop_assert_eq!(again.owners_in(&is), owners.clone());
            }
        }
        let text = roles_of(&is);
        prop_assert!(text.starts_with("# top\n") && text.contains("# end\n"));
        // Owners that give everything up leave what was there, byte by byte.
        if prune {
            for owner in ["a", "b"] {
                (is, owners) = apply(&is, &owners, &file(&Model::new()), &Options { prune, ..by(owner) });
            }
            prop_assert!(owners.is_empty());
            prop_assert_eq!(model_of(&is), stock);
        }
    }

    /// Two owners whose files may want the same: either all is as wanted
    /// afterwards, or nothing is done.
    #[test]
    fn owners_never_change_what_another_wants(
        turns in proptest::collection::vec((any::<bool>(), mappings(0..5), any::<bool>(), any::<bool>()), 1..10),
    ) {
        let (mut is, mut owners) = (document("", "", ""), Owners::default());
        let mut wants: BTreeMap<&str, Model> = BTreeMap::new();
        for (who, mine, prune, take_ownership) in turns {
            let (owner, other) = if who { ("a", "b") } else { ("b", "a") };
            let options = Options { prune, take_ownership, ..by(owner) };
            let theirs = wants.entry(other).or_default();
            match plan_desired(&is, &owners, &file(&mine), &options) {
                Ok(_) => {
                    (is, owners) = apply(&is, &owners, &file(&mine), &options);
                    let after = model_of(&is);
                    prop_assert!(mine.iter().all(|(name, group)| after.get(name) == Some(group)));
                    if take_ownership {
                        theirs.retain(|name, group| mine.get(name).is_none_or(|new| new == group));
                    }
                    prop_assert!(theirs.iter().all(|(name, group)| after.get(name) == Some(group)), "{theirs:?} {after:?}");
                    let own = wants.entry(owner).or_default();
                    if prune {
                        own.clear();
                    }
                    own.extend(mine);
                }
                Err(DesiredError::Conflicts(conflicts)) => {
                    prop_assert!(!take_ownership && !conflicts.is_empty());
                    let differs = mine.iter().any(|(name, group)| model_of(&is).get(name).is_some_and(|is| is != group));
                    prop_assert!(differs);
                }
                Err(error) => prop_assert!(false, "{error}"),
            }
        }
    }
}
