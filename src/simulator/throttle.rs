//! The quotas of identity and access: token buckets of resource units and of writes.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::message::Request;
use super::tenant::TenantSize;

/// So much in so many seconds. It comes back evenly, and no more than this can be saved up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Quota {
    /// How much.
    pub amount: u32,
    /// In how many seconds; at least one.
    pub seconds: u32,
}

/// What the simulator lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Limits {
    /// Resource units of an application in the tenant.
    pub units: Quota,
    /// Resource units of an application in all tenants.
    pub units_of_application: Quota,
    /// Writes of an application in the tenant.
    pub writes: Quota,
    /// Writes of an application in all tenants.
    pub writes_of_application: Quota,
    /// Writes of all applications in the tenant.
    pub writes_of_tenant: Quota,
    /// Requests for audit logs of an application in the tenant.
    pub audits: Quota,
}

const fn quota(amount: u32, seconds: u32) -> Quota {
    Quota { amount, seconds }
}

impl Default for Limits {
    fn default() -> Self {
        Self::real(TenantSize::default())
    }
}

impl Limits {
    /// Microsoft's own limits for a tenant of this size.
    pub const fn real(size: TenantSize) -> Self {
        let units = match size {
            TenantSize::Small => 3_500,
            TenantSize::Medium => 5_000,
            TenantSize::Large => 8_000,
        };
        Self {
            units: quota(units, 10),
            units_of_application: quota(150_000, 20),
            writes: quota(3_000, 150),
            writes_of_application: quota(35_000, 300),
            writes_of_tenant: quota(18_000, 300),
            audits: quota(5, 10),
        }
    }
}

/// What a request takes out of the buckets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cost {
    /// Resource units.
    pub(super) units: u32,
    pub(super) writes: u32,
    audits: u32,
}

/// What `request` costs at the place `template`.
pub(super) fn cost(request: &Request, template: &str) -> Cost {
    if request.method != "GET" {
        return Cost { units: 1, writes: writes(request, template), audits: 0 };
    }
    let base: u32 = match template {
        "/groups/{id}/members" | "/subscribedSkus" => 3,
        "/users" | "/users/{id}/memberOf" | "/users/{id}/licenseDetails" => 2,
        _ => 1,
    };
    let options = request.options();
    let has = |name: &str| options.iter().any(|(key, _)| key == name);
    let small =
        options.iter().any(|(key, value)| key == "$top" && value.parse().is_ok_and(|top: u32| top < 20));
    let units = (base + u32::from(has("$expand")))
        .saturating_sub(u32::from(has("$select")) + u32::from(small))
        .max(1);
    Cost { units, writes: 0, audits: u32::from(template.starts_with("/auditLogs/")) }
}

/// One write, but about one for three members that are added together.
fn writes(request: &Request, template: &str) -> u32 {
    if request.method != "PATCH" || template != "/groups/{id}" {
        return 1;
    }
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let members = body["members@odata.bind"].as_array().map_or(0, Vec::len);
    u32::try_from(members.div_ceil(3)).unwrap_or(u32::MAX).max(1)
}

/// Which bucket a request found empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Throttled {
    /// In how many seconds it is worth another try.
    pub(super) retry_after: i64,
    /// The first parts of `x-ms-throttle-scope`.
    pub(super) scope: &'static str,
    /// `x-ms-throttle-information`.
    pub(super) information: &'static str,
}

/// The buckets, by what they meter and of whom.
#[derive(Debug)]
pub(super) struct Throttle(Mutex<State>);

#[derive(Debug)]
struct State {
    limits: Option<Limits>,
    buckets: HashMap<(Kind, Uuid), Bucket>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Units,
    UnitsOfApplication,
    Writes,
    WritesOfApplication,
    WritesOfTenant,
    Audits,
}

impl Kind {
    fn throttled(self, retry_after: i64) -> Throttled {
        let (scope, information) = match self {
            Self::Units => ("Tenant_Application/ReadWrite", "ResourceUnitLimitExceeded"),
            Self::UnitsOfApplication => ("Application/ReadWrite", "ResourceUnitLimitExceeded"),
            Self::Writes => ("Tenant_Application/ReadWrite", "WriteLimitExceeded"),
            Self::WritesOfApplication => ("Application/Write", "WriteLimitExceeded"),
            Self::WritesOfTenant => ("Tenant/Write", "WriteLimitExceeded"),
            Self::Audits => ("Tenant_Application/Read", "CPULimitExceeded"),
        };
        Throttled { retry_after, scope, information }
    }
}

impl Throttle {
    /// Full buckets; without limits nothing is metered.
    pub(super) fn new(limits: Option<Limits>) -> Self {
        Self(Mutex::new(State { limits, buckets: HashMap::new() }))
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The limits in force.
    pub(super) fn limits(&self) -> Option<Limits> {
        self.state().limits
    }

    /// Sets other limits, with full buckets.
    pub(super) fn set(&self, limits: Option<Limits>) {
        *self.state() = State { limits, buckets: HashMap::new() };
    }

    /// Takes the cost out of every bucket that it concerns, at `now` (milliseconds since the Unix epoch), and returns
    /// how much of the fullest quota is used then, in hundredths. A request that is turned away takes what is left of
    /// one in the empty bucket: retries count.
    pub(super) fn take(&self, app: Uuid, cost: Cost, now: i64) -> Result<u32, Throttled> {
        let mut state = self.state();
        let Some(limits) = state.limits else {
            return Ok(0);
        };
        let wanted = [
            (Kind::Units, app, limits.units, cost.units),
            (Kind::UnitsOfApplication, app, limits.units_of_application, cost.units),
            (Kind::Writes, app, limits.writes, cost.writes),
            (Kind::WritesOfApplication, app, limits.writes_of_application, cost.writes),
            (Kind::WritesOfTenant, Uuid::nil(), limits.writes_of_tenant, cost.writes),
            (Kind::Audits, app, limits.audits, cost.audits),
        ];
        let wanted: Vec<_> = wanted.into_iter().filter(|(_, _, _, amount)| *amount > 0).collect();
        for &(kind, whose, quota, amount) in &wanted {
            let bucket = state.buckets.entry((kind, whose)).or_insert_with(|| Bucket::full(quota, now));
            bucket.fill(quota, now);
            if let Some(seconds) = bucket.lacks(quota, amount) {
                bucket.level = bucket.level.saturating_sub(UNIT);
                return Err(kind.throttled(seconds));
            }
        }
        let mut used = 0;
        for (kind, whose, quota, amount) in wanted {
            if let Some(bucket) = state.buckets.get_mut(&(kind, whose)) {
                bucket.level = bucket.level.saturating_sub(u64::from(amount) * UNIT);
                used = used.max(bucket.used(quota));
            }
        }
        Ok(used)
    }
}

/// Levels are counted in millionths, so that a millisecond gives back something of the slowest quota.
const UNIT: u64 = 1_000_000;

#[derive(Debug)]
struct Bucket {
    level: u64,
    at: i64,
}

fn capacity(quota: Quota) -> u64 {
    u64::from(quota.amount) * UNIT
}

/// What comes back in a millisecond.
fn rate(quota: Quota) -> u64 {
    (u64::from(quota.amount) * UNIT / (u64::from(quota.seconds.max(1)) * 1000)).max(1)
}

impl Bucket {
    fn full(quota: Quota, now: i64) -> Self {
        Self { level: capacity(quota), at: now }
    }

    fn fill(&mut self, quota: Quota, now: i64) {
        let passed = u64::try_from(now - self.at).unwrap_or(0);
        self.level = self.level.saturating_add(passed.saturating_mul(rate(quota))).min(capacity(quota));
        self.at = self.at.max(now);
    }

    /// In how many seconds there is enough; none: there is. More than fits at all is taken when the bucket is full.
    fn lacks(&self, quota: Quota, amount: u32) -> Option<i64> {
        let needed = (u64::from(amount) * UNIT).min(capacity(quota));
        let missing = needed.checked_sub(self.level).filter(|missing| *missing > 0)?;
        Some(i64::try_from(missing.div_ceil(rate(quota) * 1000)).unwrap_or(i64::MAX))
    }

    /// How much of the quota is used, in hundredths.
    fn used(&self, quota: Quota) -> u32 {
        let left = self.level * 100 / capacity(quota).max(1);
        100u32.saturating_sub(u32::try_from(left).unwrap_or(100))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::json;

    use super::super::routes;
    use super::*;

    const APP: Uuid = Uuid::from_u128(1);
    const OTHER: Uuid = Uuid::from_u128(2);
    const WRITE: Cost = Cost { units: 1, writes: 1, audits: 0 };

    #[rstest]
    #[case("GET /users", 2)]
    #[case("GET /users?$select=id", 1)]
    #[case("GET /users?$select=id&$top=5", 1)]
    #[case("GET /users?$expand=manager", 3)]
    #[case("GET /users?$top=19", 1)]
    #[case("GET /users?$top=20", 2)]
    #[case("GET /users/1", 1)]
    #[case("GET /groups/1/members", 3)]
    #[case("GET /users/1/memberOf", 2)]
    #[case("GET /users/1/licenseDetails", 2)]
    #[case("GET /subscribedSkus", 3)]
    #[case("GET /domains", 1)]
    fn reading_costs_units(#[case] head: &str, #[case] units: u32) {
        assert_eq!(of(head, &Value::Null), Cost { units, writes: 0, audits: 0 });
    }

    #[test]
    fn writing_costs_a_unit_and_a_write_and_members_some_writes() {
        for head in ["POST /users", "PATCH /users/1", "DELETE /users/1", "PUT /users/1/manager/$ref"] {
            assert_eq!(of(head, &json!({})), WRITE);
        }
        let members: Vec<String> = (0..20).map(|n| n.to_string()).collect();
        assert_eq!(of("PATCH /groups/1", &json!({"members@odata.bind": members})).writes, 7);
        assert_eq!(of("PATCH /groups/1", &json!({"displayName": "x"})).writes, 1);
        assert_eq!(of("GET /auditLogs/directoryAudits", &Value::Null).audits, 1);
    }

    fn of(head: &str, body: &Value) -> Cost {
        let (method, address) = head.split_once(' ').unwrap();
        let (path, query) = address.split_once('?').unwrap_or((address, ""));
        let request = Request {
            method: method.to_owned(),
            path: format!("/v1.0{path}"),
            query: query.to_owned(),
            headers: Vec::new(),
            body: body.to_string().into_bytes(),
            base: String::new(),
        };
        cost(&request, routes::find(&request).template)
    }

    fn limits(change: impl FnOnce(&mut Limits)) -> Throttle {
        let mut limits = Limits::real(TenantSize::Large);
        change(&mut limits);
        Throttle::new(Some(limits))
    }

    #[test]
    fn three_thousand_writes_go_through_at_once_and_then_twenty_a_second() {
        let throttle = Throttle::new(Some(Limits::real(TenantSize::Small)));
        for _ in 0..3000 {
            throttle.take(APP, WRITE, 0).unwrap();
        }
        let refused = throttle.take(APP, WRITE, 0).unwrap_err();
        assert_eq!((refused.retry_after, refused.information), (1, "WriteLimitExceeded"));
        assert_eq!(refused.scope, "Tenant_Application/ReadWrite");
        let passed = (0..100).filter(|_| throttle.take(APP, WRITE, 1000).is_ok()).count();
        assert_eq!(passed, 20);
        assert!(throttle.take(OTHER, WRITE, 1000).is_ok(), "another application has its own quota");
    }

    #[rstest]
    #[case(TenantSize::Small, 3_500)]
    #[case(TenantSize::Medium, 5_000)]
    #[case(TenantSize::Large, 8_000)]
    fn units_follow_the_size_of_the_tenant(#[case] size: TenantSize, #[case] units: usize) {
        let throttle = Throttle::new(Some(Limits::real(size)));
        let read = Cost { units: 1, ..Cost::default() };
        let passed = (0..10_000).filter(|_| throttle.take(APP, read, 0).is_ok()).count();
        assert_eq!(passed, units);
        assert_eq!(throttle.take(APP, read, 0).unwrap_err().information, "ResourceUnitLimitExceeded");
    }

    #[test]
    fn all_applications_share_the_writes_of_the_tenant_and_audits_are_few() {
        let throttle = limits(|limits| limits.writes_of_tenant = quota(3, 60));
        let apps = [APP, OTHER, APP, OTHER];
        let last = apps.map(|app| throttle.take(app, WRITE, 0))[3].unwrap_err();
        assert_eq!((last.scope, last.retry_after), ("Tenant/Write", 20));
        let throttle = Throttle::new(Some(Limits::default()));
        let audit = Cost { units: 1, writes: 0, audits: 1 };
        let passed = (0..10).filter(|_| throttle.take(APP, audit, 0).is_ok()).count();
        assert_eq!(passed, 5);
        assert_eq!(throttle.take(APP, audit, 0).unwrap_err().retry_after, 2);
        assert!(throttle.take(APP, audit, 2000).is_ok());
    }

    #[test]
    fn a_request_that_is_turned_away_counts() {
        let throttle = limits(|limits| limits.writes = quota(10, 10));
        assert!((0..10).all(|_| throttle.take(APP, WRITE, 0).is_ok()));
        assert!(throttle.take(APP, WRITE, 900).is_err());
        assert!(throttle.take(APP, WRITE, 1000).is_err(), "the try before has taken what had come back");
        assert!(throttle.take(APP, WRITE, 2000).is_ok());
    }

    #[test]
    fn without_limits_nothing_is_metered_and_limits_can_be_changed() {
        let throttle = Throttle::new(None);
        for _ in 0..10_000 {
            assert_eq!(throttle.take(APP, WRITE, 0), Ok(0));
        }
        let few = Limits { writes: quota(5, 10), ..Limits::default() };
        throttle.set(Some(few));
        let used: Vec<_> = (0..5).map(|_| throttle.take(APP, WRITE, 0).unwrap()).collect();
        assert_eq!(used, [20, 40, 60, 80, 100]);
        assert_eq!(throttle.limits(), Some(few));
        assert!(throttle.take(APP, WRITE, 0).is_err());
    }

    proptest! {
        #[test]
        fn never_more_goes_through_than_the_quota_and_what_came_back(
            steps in proptest::collection::vec((0i64..500, 1u32..4), 1..200),
        ) {
            let throttle = limits(|limits| limits.writes = quota(20, 10));
            let (mut now, mut taken) = (0, 0);
            for (step, writes) in steps {
                now += step;
                if throttle.take(APP, Cost { units: 1, writes, audits: 0 }, now).is_ok() {
                    taken += u64::from(writes);
                }
                prop_assert!(taken * 1000 <= 20_000 + u64::try_from(now).unwrap() * 2);
            }
        }

        #[test]
        fn whoever_waits_as_told_gets_through(writes in 1u32..30, empty in 0u32..40) {
            let throttle = limits(|limits| limits.writes = quota(20, 10));
            for _ in 0..empty {
                let _ = throttle.take(APP, WRITE, 0);
            }
            let cost = Cost { units: 1, writes, audits: 0 };
            if let Err(refused) = throttle.take(APP, cost, 0) {
                // The refused one counts too, so that it may take one more round.
                let again = throttle.take(APP, cost, refused.retry_after * 1000 + 500);
                prop_assert!(again.is_ok(), "{refused:?} {again:?}");
            }
        }
    }
}
