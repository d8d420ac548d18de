use proptest::prelude::*;
use rstest::rstest;

use super::*;

const ONE: NonZeroU32 = NonZeroU32::MIN;
const WRITE: Cost = Cost { units: 1, writes: 1 };
const READ: Cost = Cost { units: 1, writes: 0 };

fn share(replicas: u32) -> NonZeroU32 {
    NonZeroU32::new(replicas).unwrap()
}

fn budget() -> Budget {
    Budget::new(TenantSize::Medium, ONE, 0)
}

/// How many of `cost` go at `now`.
fn many(budget: &mut Budget, cost: Cost, is_security: bool, now: u64) -> u64 {
    (0..100_000).find(|_| budget.take(cost, is_security, now).is_err()).unwrap()
}

#[rstest]
#[case("users", "$filter=x&$select=id", 1)]
#[case("users", "$filter=x", 2)]
#[case("users", "$select=id&$top=5", 1)]
#[case("users", "$top=999&$expand=manager", 3)]
#[case("users/1", "$select=id", 1)]
#[case("users/1/memberOf", "", 2)]
#[case("users/1/licenseDetails", "", 2)]
#[case("users/delta", "", 1)]
#[case("groups/1/members", "", 3)]
#[case("groups/1/members", "$select=id&$top=19", 1)]
#[case("subscribedSkus", "$select=skuId", 2)]
#[case("organization", "$select=id", 1)]
fn a_read_costs_what_the_table_says(#[case] path: &str, #[case] query: &str, #[case] units: u64) {
    assert_eq!(Cost::of_read(path, query), Cost { units, writes: 0 });
}

#[rstest]
#[case(0, 1)]
#[case(1, 1)]
#[case(3, 1)]
#[case(4, 2)]
#[case(20, 7)]
fn three_members_cost_a_write(#[case] members: usize, #[case] writes: u64) {
    assert_eq!(Cost::of_write(members), Cost { units: 1, writes });
}

#[rstest]
#[case(0, TenantSize::Small)]
#[case(49, TenantSize::Small)]
#[case(50, TenantSize::Medium)]
#[case(500, TenantSize::Medium)]
#[case(501, TenantSize::Large)]
fn a_size_is_told_by_the_users(#[case] users: u64, #[case] size: TenantSize) {
    assert_eq!(TenantSize::of(users), size);
}

#[test]
fn a_full_bucket_goes_at_once_and_then_as_it_refills() {
    let mut budget = budget();
    assert_eq!(many(&mut budget, WRITE, false, 0), 2_895);
    assert_eq!(budget.take(WRITE, false, 0), Err(Short::Writes(28)));
    // 20 a second.
    assert_eq!(many(&mut budget, WRITE, false, 10_000), 200);
}

#[test]
fn ten_thousand_creates_take_hardly_longer_than_the_quota_itself() {
    let (mut budget, mut now) = (budget(), 0);
    for _ in 0..10_000 {
        while let Err(Short::Writes(wait) | Short::Units(wait)) = budget.take(WRITE, false, now) {
            now += wait;
        }
    }
    let quota = (10_000 - 3_000) * 150_000 / 3_000;
    assert!(now * 100 < quota * 102, "{now} of {quota} ms");
}

#[test]
fn security_calls_have_a_reserve() {
    let mut budget = budget();
    many(&mut budget, WRITE, false, 0);
    assert_eq!(many(&mut budget, WRITE, true, 0), 90);
}

#[test]
fn reads_go_while_writes_are_short() {
    let mut budget = budget();
    many(&mut budget, WRITE, true, 0);
    assert_eq!(budget.take(READ, false, 0), Ok(()));
    many(&mut budget, READ, true, 0);
    assert!(matches!(budget.take(READ, false, 0), Err(Short::Units(_))));
}

#[rstest]
#[case(TenantSize::Small, 3_482)]
#[case(TenantSize::Medium, 4_975)]
#[case(TenantSize::Large, 7_960)]
fn units_go_by_the_size_of_the_tenant(#[case] size: TenantSize, #[case] units: u64) {
    let mut budget = budget();
    budget.set_size(size, 0);
    assert_eq!(budget.left(60_000).1, units);
}

#[test]
fn replicas_share_the_quota() {
    let mut budget = budget();
    budget.set_share(share(3), 0);
    assert_eq!(budget.left(0), (995, 1_658));
    many(&mut budget, WRITE, true, 0);
    // A third of 20 a second.
    assert_eq!(many(&mut budget, WRITE, true, 30_000), 199);
    budget.set_share(ONE, 30_000);
    assert_eq!(many(&mut budget, WRITE, true, 40_000), 200);
}

#[test]
fn a_pause_lasts_as_long_as_graph_asks() {
    let mut budget = budget();
    let asked = Some(Duration::from_secs(7));
    assert_eq!(budget.refused(WRITE, None, asked, 1_000), Duration::from_secs(7));
    assert_eq!(budget.paused(7_999), Some(1));
    assert_eq!(budget.paused(8_000), None);
    // A shorter one does not end it.
    budget.refused(WRITE, None, Some(Duration::from_secs(1)), 2_000);
    assert_eq!(budget.paused(7_999), Some(1));
}

#[test]
fn a_pause_without_a_time_grows() {
    let mut budget = budget();
    let mut now = 0;
    let mut pause = |budget: &mut Budget| {
        let pause = budget.refused(WRITE, None, None, now);
        assert_eq!(budget.refused(WRITE, None, None, now), pause, "others of the same moment");
        now += u64::try_from(pause.as_millis()).unwrap();
        pause.as_secs()
    };
    assert_eq!([(); 7].map(|()| pause(&mut budget)), [1, 2, 4, 8, 16, 32, 32]);
    budget.accepted();
    assert_eq!(pause(&mut budget), 1);
}

#[rstest]
#[case(WRITE, None, 0, 4_975)]
#[case(READ, None, 2_985, 0)]
#[case(WRITE, Some(Scarce::Units), 2_985, 0)]
fn a_refusal_empties_the_bucket(
    #[case] cost: Cost,
    #[case] scarce: Option<Scarce>,
    #[case] writes: u64,
    #[case] units: u64,
) {
    let mut budget = budget();
    budget.refused(cost, scarce, Some(Duration::ZERO), 0);
    assert_eq!(budget.left(0), (writes, units));
}

#[test]
fn what_is_more_than_a_bucket_holds_goes_when_it_is_full() {
    let mut budget = budget();
    budget.set_share(share(u32::MAX), 0);
    assert_eq!(budget.take(Cost { units: 9_000, writes: 9_000 }, false, 0), Ok(()));
    assert!(budget.take(WRITE, false, 0).is_err());
}

proptest! {
    /// Whoever counts with a bucket of the documented size never sees it empty, however calls come.
    #[test]
    fn the_quota_is_kept(
        steps in proptest::collection::vec((0_u64..2_000, 0_usize..61, any::<bool>(), 1_usize..400), 1..60),
        replicas in 1_u32..4,
    ) {
        let mut budgets: Vec<Budget> =
            (0..replicas).map(|_| Budget::new(TenantSize::Small, share(replicas), 0)).collect();
        let (mut now, mut seen) = (0_u64, (0_u64, 3_500_000_000_i128, 3_000_000_000_i128));
        for (pause, members, is_security, calls) in steps {
            now += pause;
            let passed = i128::from(now - seen.0);
            seen = (now, (seen.1 + passed * 350_000).min(3_500_000_000), (seen.2 + passed * 20_000).min(3_000_000_000));
            let cost = Cost::of_write(members);
            for call in 0..calls {
                let which = call % budgets.len();
                if budgets[which].take(cost, is_security, now).is_ok() {
                    seen.1 -= i128::from(cost.units) * 1_000_000;
                    seen.2 -= i128::from(cost.writes) * 1_000_000;
                }
            }
            prop_assert!(seen.1 >= 0 && seen.2 >= 0, "{seen:?}");
        }
    }

    /// A wait that is said is enough.
    #[test]
    fn a_wait_is_long_enough(taken in 0_u64..6_000, members in 0_usize..61, now in 0_u64..1_000_000) {
        let mut budget = budget();
        for _ in 0..taken {
            let _ = budget.take(WRITE, true, now);
        }
        let cost = Cost::of_write(members);
        let mut at = now;
        // Two quotas can be short one after the other.
        for _ in 0..2 {
            if let Err(Short::Writes(wait) | Short::Units(wait)) = budget.take(cost, false, at) {
                prop_assert!(wait > 0);
                at += wait;
            }
        }
        prop_assert_eq!(budget.take(READ, true, at), Ok(()));
    }
}
