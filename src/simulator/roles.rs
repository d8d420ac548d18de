//! Directory roles: their ids, and which of them may act on whom.

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// The role that a privileged user holds when nothing else is said.
pub(super) const HIGHEST: &str = "Global Administrator";

/// Built-in roles and the ids of their templates.
const BUILT_IN: &[(&str, u128)] = &[
    ("Directory Readers", 0x88d8_e3e3_8f55_4a1e_953a_9b98_98b8_876b),
    ("Directory Writers", 0x9360_feb5_f418_4baa_8175_e2a0_0bac_4301),
    ("Exchange Administrator", 0x2923_2cdf_9323_42fd_ade2_1d09_7af3_e4de),
    (HIGHEST, 0x62e9_0394_69f5_4237_9190_0121_7714_5e10),
    ("Groups Administrator", 0xfdd7_a751_b60b_444a_984c_0265_2fe8_fa1c),
    ("Guest Inviter", 0x95e7_9109_95c0_4d8e_aee3_d01a_ccf2_d47b),
    ("Helpdesk Administrator", 0x7298_27e3_9c14_49f7_bb1b_9608_f156_bbb8),
    ("License Administrator", 0x4d6a_c14f_3453_41d0_bef9_a3e0_c569_773a),
    ("Message Center Reader", 0x790c_1fb9_7f7d_4f88_86a1_ef1f_95c0_5c1b),
    ("Password Administrator", 0x9667_07d0_3269_4727_9be2_8c3a_10f1_9b9d),
    (AUTHENTICATION, 0x7be4_4c8a_adaf_4e2a_84d6_ab26_49e0_8a13),
    ("Privileged Role Administrator", 0xe861_1ab8_c189_46e8_94e1_6021_3ab1_f814),
    ("Reports Reader", 0x4a5d_8f65_41da_4de4_8968_e035_b653_39cf),
    ("Usage Summary Reports Reader", 0x7593_4031_6c7e_415a_99d7_48db_d49e_875e),
    (USERS, 0xfe93_0be7_5e62_47db_91af_98c3_a49a_38b1),
];

const AUTHENTICATION: &str = "Privileged Authentication Administrator";
const USERS: &str = "User Administrator";

/// Whom a User Administrator may act on, besides users without a role.
const LESSER: &[&str] = &[
    "Directory Readers",
    "Guest Inviter",
    "Groups Administrator",
    "Helpdesk Administrator",
    "Message Center Reader",
    "Password Administrator",
    "Reports Reader",
    USERS,
    "Usage Summary Reports Reader",
];

/// The id of a role's template, which is also the id of the role in this directory; a custom role has one of its own.
pub(super) fn template(name: &str) -> Uuid {
    let known = BUILT_IN.iter().find(|(built_in, _)| built_in.eq_ignore_ascii_case(name));
    known.map_or_else(|| custom(name), |&(_, id)| Uuid::from_u128(id))
}

/// A role as `memberOf` shows it.
pub(super) fn view(name: &str, select: Option<&[String]>) -> Map<String, Value> {
    let id = template(name);
    let all = [
        ("id", json!(id)),
        ("deletedDateTime", Value::Null),
        ("description", json!(format!("Holders of the role {name}."))),
        ("displayName", json!(name)),
        ("roleTemplateId", json!(id)),
    ];
    let chosen = |name: &str| select.is_none_or(|names| names.iter().any(|selected| selected == name));
    all.into_iter().filter(|(name, _)| chosen(name)).map(|(name, value)| (name.to_owned(), value)).collect()
}

fn custom(name: &str) -> Uuid {
    let digest = Sha256::digest(name.to_lowercase().as_bytes());
    let mut bytes = [0; 16];
    for (byte, from) in bytes.iter_mut().zip(digest) {
        *byte = from;
    }
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

/// Whether a caller with the roles `caller` may act on a user with the roles `target`. `protected`: that user is a
/// member of a group that can hold roles.
pub(super) fn outranks(caller: &[String], target: &[String], protected: bool) -> bool {
    let is = |role: &String, names: &[&str]| names.iter().any(|name| name.eq_ignore_ascii_case(role));
    if target.is_empty() && !protected {
        return true;
    }
    if caller.iter().any(|role| is(role, &[HIGHEST, AUTHENTICATION])) {
        return true;
    }
    let lesser = target.iter().all(|role| is(role, LESSER));
    !protected && lesser && caller.iter().any(|role| is(role, &[USERS]))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(&[], &[], false, true)]
    #[case(&[], &["Directory Readers"], false, false)]
    #[case(&["User Administrator"], &["Directory Readers"], false, true)]
    #[case(&["user administrator"], &["User Administrator", "Guest Inviter"], false, true)]
    #[case(&["User Administrator"], &["Guest Inviter", "Exchange Administrator"], false, false)]
    #[case(&["User Administrator"], &["Global Administrator"], false, false)]
    #[case(&["User Administrator"], &["Our Own Role"], false, false)]
    #[case(&["User Administrator"], &[], true, false)]
    #[case(&["Privileged Authentication Administrator"], &["Global Administrator"], true, true)]
    #[case(&["Global Administrator"], &["Our Own Role"], false, true)]
    fn who_may_act_on_whom(
        #[case] caller: &[&str],
        #[case] target: &[&str],
        #[case] protected: bool,
        #[case] may: bool,
    ) {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        assert_eq!(outranks(&owned(caller), &owned(target), protected), may);
    }

    #[test]
    fn a_role_has_the_same_id_always_and_a_custom_one_its_own() {
        assert_eq!(template("global administrator").to_string(), "62e90394-69f5-4237-9190-012177145e10");
        assert_eq!(template("Our Own Role"), template("our own role"));
        assert_ne!(template("Our Own Role"), template("Another"));
    }
}
