//! The documents say what the program says.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use gangway::graph::{Feature, PERMISSIONS, Permission};

const MICROSOFT: &str = include_str!("../../../docs/microsoft-365.md");

fn feature(permission: &Permission) -> &'static str {
    match permission.feature {
        None => "always",
        Some(Feature::Passwords) => "passwords",
        Some(Feature::Phones) => "telephone numbers",
        Some(Feature::OtherMails) => "other mail addresses",
        Some(Feature::Deletion) => "`on_delete = \"soft_delete\"`, restore",
        Some(Feature::Licenses) => "licences",
        Some(Feature::Photos) => "`photo = true`",
        Some(Feature::Groups) => "groups",
        Some(Feature::Administrators) => "`adopt_administrators = false`",
    }
}

#[test]
fn the_table_of_permissions_is_the_programs() {
    let (_, rest) = MICROSOFT.split_once("<!-- permissions: ").expect("the beginning of the table");
    let (_, rest) = rest.split_once("-->\n").expect("the end of the comment");
    let (table, _) = rest.split_once("<!-- /permissions -->").expect("the end of the table");
    let mut expected = "| permission | needed for | what for |\n|---|---|---|\n".to_owned();
    for permission in PERMISSIONS {
        let role =
            permission.role.map(|role| format!(" The role {role} is needed beside it.")).unwrap_or_default();
        let _ = writeln!(
            expected,
            "| `{}` | {} | {}{role} |",
            permission.name,
            feature(permission),
            permission.needed_for
        );
    }
    assert_eq!(table, expected, "docs/microsoft-365.md must have:\n{expected}");
}

#[test]
fn no_other_permission_is_named_but_those_that_are_warned_of() {
    let known: BTreeSet<&str> = PERMISSIONS.iter().map(|permission| permission.name).collect();
    let warned = ["Directory.ReadWrite.All", "RoleManagement.ReadWrite.Directory"];
    for word in MICROSOFT.split(|c: char| !(c.is_alphanumeric() || c == '.' || c == '-')) {
        let is_permission = word.ends_with(".All") || word.ends_with(".Directory");
        assert!(!is_permission || known.contains(word) || warned.contains(&word), "{word}");
    }
}
