use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use super::*;
use crate::aws_auth::Principal;
use crate::limits;

const ROLE: &str = "arn:aws:iam::111122223333:role/dev";

fn roles(text: &str) -> Rows {
    read_section(Section::MapRoles, text).unwrap()
}

fn problems(text: &str) -> Vec<String> {
    roles(text).problems.iter().map(|problem| format!("{}: {}", problem.mark, problem.error)).collect()
}

#[test]
fn nothing_is_an_empty_list() {
    for text in ["", "  \n", "\"\"", "''", "``", "[]", "null", "~", "# none\n", " [] \n"] {
        let rows = roles(text);
        assert!(rows.mappings.is_empty() && rows.problems.is_empty(), "{text:?}");
    }
}

#[test]
fn rows_are_read_in_the_forms_people_write() {
    for text in [
        format!("- rolearn: {ROLE}\n  username: dev\n  groups:\n  - a\n  - b\n"),
        format!("- roleARN: {ROLE}\n  UserName: dev\n  GROUPS: [a, b]\n"),
        format!("[{{\"rolearn\": \"{ROLE}\", \"username\": \"dev\", \"groups\": [\"a\", \"b\"]}}]"),
        format!("- rolearn: {ROLE}\n  username: dev\n  groups: [a, b]\n  note: kept elsewhere\n  userarn: ignored\n"),
    ] {
        let rows = roles(&text);
        assert!(rows.problems.is_empty(), "{text}: {:?}", rows.problems);
        let [row] = rows.mappings.as_slice() else { panic!("{text}") };
        assert_eq!(row.principal.to_string(), ROLE);
        assert_eq!((row.username.as_deref(), row.groups.as_slice()), (Some("dev"), &["a".into(), "b".into()][..]));
    }
}

#[test]
fn a_bad_row_leaves_its_neighbours_alone() {
    let text = format!("- rolearn: {ROLE}\n  username: dev\n- username: nobody\n- just text\n- rolearn: {ROLE}2\n");
    assert_eq!(roles(&text).mappings.len(), 2);
    assert_eq!(
        problems(&text),
        [
            "line 3, column 3: the row names no principal: `rolearn` is missing",
            "line 4, column 3: a row must be a map of keys and values, this is a text",
        ]
    );
}

#[test]
fn a_row_is_never_half_read() {
    for (field, wanted) in [
        ("username: 5", "`username` must be a text, this is a number (quote it to make it a text)"),
        ("username: yes", "`username` must be a text, this is a yes/no word (quote it to make it a text)"),
        ("username: {{SessionName}}", "`username` must be a text, this is a map"),
        ("groups: text", "`groups` must be a list of texts, this is a text"),
        ("groups: [a, 5]", "`groups` must be a list of texts, this is a number (quote it to make it a text)"),
        ("groups: [a, null]", "`groups` must be a list of texts, this is nothing"),
    ] {
        let rows = roles(&format!("- rolearn: {ROLE}\n  {field}\n"));
        assert!(rows.mappings.is_empty(), "{field}");
        assert_eq!(rows.problems[0].error.to_string(), wanted, "{field}");
        assert_eq!(rows.problems[0].principal.as_ref().unwrap().to_string(), ROLE);
    }
}

#[test]
fn principals_must_be_principals() {
    let error = |row: &str| roles(&format!("- {row}\n")).problems[0].error.to_string();
    assert!(error("{rolearn: 'arn:aws:iam::111122223333:instance-profile/x'}").contains("instance profile"));
    assert!(error("{rolearn: 'arn:aws:iam:::role/x'}").contains("twelve-digit"));
    assert!(error("{rolearn: 'x'}").contains("starts with `arn:`"));
    assert!(error(&format!("{{rolearn: '{ROLE}', sso: {{permissionSetName: x}}}}")).contains("both"));
    assert!(error("{sso: {permissionSetName: Admin}}").contains("needs `accountID`"));
    assert!(error("{sso: {permissionSetName: 'Ad min', accountID: '111122223333'}}").contains("permissionSetName"));
    assert!(
        error("{sso: {permissionSetName: A, accountID: '111122223333', partition: aws-us-govt}}").contains("partition")
    );
}

#[test]
fn permission_sets_take_any_partition_and_bare_account_numbers() {
    let rows = roles("- sso: {permissionSetName: Admin, accountID: 012345678901, partition: aws-cn}\n");
    let Principal::Sso(set) = &rows.mappings[0].principal else { panic!("{rows:?}") };
    assert_eq!((set.name.as_str(), set.account.as_str(), set.partition.as_str()), ("Admin", "012345678901", "aws-cn"));
}

#[test]
fn accounts_are_taken_as_written() {
    let rows = read_section(
        Section::MapAccounts,
        "- 012345678901\n- '111122223333'\n- 012345670123\n- 1e11\n- 12345678901\n- null\n- [x]\n",
    )
    .unwrap();
    let accounts: Vec<_> = rows.accounts.iter().map(ToString::to_string).collect();
    assert_eq!(accounts, ["012345678901", "111122223333", "012345670123"]);
    assert_eq!(rows.problems.len(), 4);
}

#[test]
fn a_section_that_is_no_list_is_refused_whole() {
    for text in ["a: b", "just text", "5", "- a\n b: ["] {
        assert!(read_section(Section::MapRoles, text).is_err(), "{text:?}");
    }
}

#[test]
fn groups_by_aliases_are_bounded_at_the_limit_and_one_past_it() {
    let row = |name: &str, groups: &str| {
        alloc::format!("- {{rolearn: arn:aws:iam::111122223333:role/{name}, groups: {groups}}}\n")
    };
    let list: Vec<_> = (0..1000).map(|_| "g").collect();
    let mut text = row("r0", &alloc::format!("&g [{}]", list.join(",")));
    for index in 1..100 {
        text += &row(&alloc::format!("r{index}"), "*g");
    }
    let rows = read_section(Section::MapRoles, &text).unwrap();
    assert_eq!((rows.mappings.len(), rows.problems.len()), (100, 0));
    text += &row("past", "[g]");
    let rows = read_section(Section::MapRoles, &text).unwrap();
    assert_eq!((rows.mappings.len(), rows.problems.len()), (100, 1));
    assert_eq!(rows.problems[0].error, RowError::TooManyGroups);
}

#[test]
fn text_by_aliases_is_bounded_at_the_limit_and_one_past_it() {
    let row = "- {rolearn: arn:aws:iam::111122223333:role/x, username: *u}\n";
    let text = |len: usize, rows: usize| alloc::format!("- &u {}\n{}", "u".repeat(len), row.repeat(rows));
    let (len, rows) = (1024, limits::SECTION_TEXT_BYTES / 1024);
    let full = read_section(Section::MapRoles, &text(len, rows)).unwrap();
    assert_eq!((full.mappings.len(), full.problems.len()), (rows, 1));
    let past = read_section(Section::MapRoles, &(text(len, rows) + &row.replace("*u", "v"))).unwrap();
    assert_eq!((past.mappings.len(), past.problems.len()), (rows, 2));
    assert_eq!(past.problems[1].error, RowError::TooMuchText);
    assert!(past.problems[1].principal.is_some());
}

#[test]
fn repeated_keys_are_looked_for_up_to_the_limit_and_not_past_it() {
    let row = |keys: usize| {
        let others: String = (2..keys).map(|key| format!("k{key}: v, ")).collect();
        format!("- {{{others}rolearn: {ROLE}, roleArn: {ROLE}}}\n")
    };
    assert_eq!(roles(&row(limits::ROW_KEYS)).repeated.len(), 1);
    assert_eq!(roles(&row(limits::ROW_KEYS + 1)).repeated.len(), 0);
}
