//! The mail alias by which a group is told from all others. Pure.

use serde_json::{Value, json};

use crate::ids::GroupId;

/// Characters that are taken from the name: with the suffix well within Microsoft's 64.
const LONGEST_STEM: usize = 40;
/// Hexadecimal digits of the id, from its random end.
const SUFFIX: usize = 12;

/// The `mailNickname` of a group: what Microsoft allows of the name, and a suffix from the id, so that no two groups
/// share one. It is chosen once; a rename leaves it.
pub(super) fn nickname(display_name: &str, id: GroupId) -> String {
    let mut stem = String::with_capacity(LONGEST_STEM);
    for c in display_name.chars() {
        match c {
            c if c.is_ascii_alphanumeric() => stem.push(c.to_ascii_lowercase()),
            _ if !stem.is_empty() && !stem.ends_with('-') => stem.push('-'),
            _ => {}
        }
        if stem.len() == LONGEST_STEM {
            break;
        }
    }
    let stem = stem.trim_end_matches('-');
    let stem = if stem.is_empty() { "group" } else { stem };
    let id = id.0.simple().to_string();
    format!("{stem}-{}", &id[id.len() - SUFFIX..])
}

/// Where the given state says that a group may have been made though no answer came.
pub const TRIED: &str = "tried";

/// The given state of a group that nothing was given to yet.
pub fn given_nickname(nickname: &str) -> Value {
    json!({ "nickname": nickname })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;
    use uuid::Uuid;

    const ID: GroupId = GroupId(Uuid::from_u128(0x0123_4567_89ab_cdef));

    #[rstest]
    #[case("Sales EU", "sales-eu-456789abcdef")]
    #[case("  R&D (Oslo)!", "r-d-oslo-456789abcdef")]
    #[case("営業", "group-456789abcdef")]
    fn the_name_is_cleaned(#[case] name: &str, #[case] expected: &str) {
        assert_eq!(nickname(name, ID), expected);
    }

    proptest! {
        #[test]
        fn microsoft_takes_it_whatever_the_name(name in ".*") {
            let nickname = nickname(&name, ID);
            prop_assert!(nickname.len() <= 64);
            prop_assert!(nickname.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'), "{}", nickname);
        }
    }
}
