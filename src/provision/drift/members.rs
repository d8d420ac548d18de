//! What is to be done about one object that Microsoft Graph shows in a group, or out of it. Pure.

use crate::store::drift::{MemberDrift, Membership};

/// What to do about one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// It is known, or as it should be.
    Nothing,
    /// It is as it should be again.
    Forget,
    /// It may be Gangway's own change on its way: remember it, and look again.
    Suspect,
    /// Others did it: tell it.
    Tell,
    /// It was there before Gangway: remember it and say nothing.
    Keep,
}

/// What Graph shows of one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen<'a> {
    pub(super) object: &'a str,
    /// Whether it is in the group.
    pub(super) inside: bool,
}

/// How it stands with the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Group {
    /// Whether nothing of Gangway's own is on its way.
    pub(super) settled: bool,
    /// Whether those are shown for the first time who were in a group when Gangway took it over.
    pub(super) first_look: bool,
}

/// What to do about `seen`, where the group has the row `membership` for it, and `known` is remembered of it.
pub(super) fn judge(
    seen: Seen<'_>,
    membership: Option<&Membership>,
    known: Option<&MemberDrift>,
    group: Group,
) -> Finding {
    let deviates = match membership {
        // A row that is not wanted is a removal that Gangway has yet to make.
        Some(row) => !seen.inside && row.wanted && row.given_as.as_deref() == Some(seen.object),
        None => seen.inside,
    };
    match known {
        None if !deviates => Finding::Nothing,
        Some(_) if !deviates => Finding::Forget,
        Some(known) if known.inside == seen.inside && (known.told || !group.settled) => Finding::Nothing,
        _ if seen.inside && group.first_look => Finding::Keep,
        _ if !group.settled => Finding::Suspect,
        _ => Finding::Tell,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use uuid::Uuid;

    use super::*;

    const SETTLED: Group = Group { settled: true, first_look: false };
    const WORKING: Group = Group { settled: false, first_look: false };

    #[expect(clippy::unnecessary_wraps, reason = "the table's rows read better so")]
    fn row(wanted: bool, given_as: Option<&str>) -> Option<Membership> {
        Some(Membership { member: Uuid::from_u128(1), wanted, given_as: given_as.map(str::to_owned) })
    }

    #[expect(clippy::unnecessary_wraps, reason = "the table's rows read better so")]
    fn known(inside: bool, told: bool) -> Option<MemberDrift> {
        Some(MemberDrift { object: "a".to_owned(), inside, told, seen_at: 1 })
    }

    #[rstest]
    #[case::as_wanted(true, row(true, Some("a")), None, SETTLED, Finding::Nothing)]
    #[case::as_wanted_again(true, row(true, Some("a")), known(false, true), SETTLED, Finding::Forget)]
    #[case::being_added(true, row(true, None), None, WORKING, Finding::Nothing)]
    #[case::being_removed(true, row(false, Some("a")), None, WORKING, Finding::Nothing)]
    #[case::put_in_by_others(true, None, None, SETTLED, Finding::Tell)]
    #[case::put_in_and_told(true, None, known(true, true), SETTLED, Finding::Nothing)]
    #[case::perhaps_our_removal_on_its_way(true, None, None, WORKING, Finding::Suspect)]
    #[case::still_suspected(true, None, known(true, false), WORKING, Finding::Nothing)]
    #[case::suspected_and_true(true, None, known(true, false), SETTLED, Finding::Tell)]
    #[case::there_before_gangway(true, None, None, Group { first_look: true, ..SETTLED }, Finding::Keep)]
    #[case::taken_out_by_others(false, row(true, Some("a")), None, SETTLED, Finding::Tell)]
    #[case::taken_out_and_told(false, row(true, Some("a")), known(false, true), SETTLED, Finding::Nothing)]
    #[case::taken_out_at_the_first_look(false, row(true, Some("a")), None, Group { first_look: true, ..SETTLED }, Finding::Tell)]
    #[case::perhaps_our_addition_on_its_way(false, row(true, Some("a")), None, WORKING, Finding::Suspect)]
    #[case::out_under_an_older_id(false, row(true, Some("b")), None, SETTLED, Finding::Nothing)]
    #[case::not_given_yet(false, row(true, None), None, WORKING, Finding::Nothing)]
    #[case::out_as_wanted(false, None, None, SETTLED, Finding::Nothing)]
    #[case::the_stranger_left(false, None, known(true, true), SETTLED, Finding::Forget)]
    #[case::our_removal_was_seen(false, row(false, Some("a")), known(true, false), WORKING, Finding::Forget)]
    #[case::wanted_after_all(true, row(true, Some("a")), known(true, true), SETTLED, Finding::Forget)]
    fn each_case_has_its_finding(
        #[case] inside: bool,
        #[case] membership: Option<Membership>,
        #[case] known: Option<MemberDrift>,
        #[case] group: Group,
        #[case] finding: Finding,
    ) {
        let seen = Seen { object: "a", inside };
        assert_eq!(judge(seen, membership.as_ref(), known.as_ref(), group), finding);
    }
}
