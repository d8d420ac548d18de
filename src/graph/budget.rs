//! How much may be sent: Graph's quotas, kept by ourselves so that it hardly ever has to refuse.
//!
//! "Microsoft Graph service-specific throttling limits", identity and access: a bucket of resource units for an
//! application in a tenant by the tenant's size, and writes by application and tenant and by tenant. Everything here is
//! arithmetic: the time comes in, in milliseconds since any fixed moment.

use std::num::NonZeroU32;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A bucket counts in millionths, so that a share of a slow refill is not rounded to nothing.
const WHOLE: u64 = 1_000_000;

/// How large a tenant is: it decides how many resource units it has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TenantSize {
    /// Fewer than 50 users.
    Small,
    /// 50 to 500 users.
    #[default]
    Medium,
    /// More than 500 users.
    Large,
}

impl TenantSize {
    /// The size of a tenant with so many users.
    pub const fn of(users: u64) -> Self {
        match users {
            0..50 => Self::Small,
            50..=500 => Self::Medium,
            _ => Self::Large,
        }
    }

    const fn units(self) -> u64 {
        match self {
            Self::Small => 3_500,
            Self::Medium => 5_000,
            Self::Large => 8_000,
        }
    }
}

/// What one request takes of the quotas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cost {
    pub(super) units: u64,
    pub(super) writes: u64,
}

impl Cost {
    /// A GET. The base costs are those of the table; `$select` and a `$top` below 20 make it cheaper, `$expand` dearer,
    /// and nothing is free.
    pub(super) fn of_read(path: &str, query: &str) -> Self {
        let parts: Vec<&str> = path.split('/').collect();
        let base: i64 = match parts.as_slice() {
            ["users"] | ["users", _, "memberOf" | "licenseDetails"] => 2,
            ["groups", _, "members"] | ["subscribedSkus"] => 3,
            _ => 1,
        };
        let mut units = base;
        for option in query.split('&') {
            match option.split_once('=') {
                Some(("$select", _)) => units -= 1,
                Some(("$expand", _)) => units += 1,
                Some(("$top", top)) if top.parse::<u32>().is_ok_and(|top| top < 20) => units -= 1,
                _ => {}
            }
        }
        Self { units: units.max(1).unsigned_abs(), writes: 0 }
    }

    /// A POST, PATCH, PUT or DELETE that names `members` members: about three count as a write.
    pub(super) fn of_write(members: usize) -> Self {
        let members = u64::try_from(members).unwrap_or(u64::MAX);
        Self { units: 1, writes: members.div_ceil(3).max(1) }
    }
}

/// A quota as Microsoft documents it.
#[derive(Clone, Copy, Debug)]
struct Limit {
    count: u64,
    window: Duration,
    /// How much of it only security calls may use, in thousandths.
    reserve: u64,
}

impl Limit {
    const fn units(size: TenantSize) -> Self {
        Self { count: size.units(), window: Duration::from_secs(10), reserve: 50 }
    }

    /// Writes of the application in the tenant. The reserve is smaller than that of the units: here it is time that a
    /// large import loses, and 90 writes still block 45 leavers at once.
    const WRITES: Self = Self { count: 3_000, window: Duration::from_secs(150), reserve: 30 };
    /// Writes of all applications in the tenant.
    const TENANT_WRITES: Self = Self { count: 18_000, window: Duration::from_mins(5), reserve: 30 };
}

/// A token bucket: it refills evenly, and never above its capacity.
#[derive(Clone, Debug)]
struct Bucket {
    limit: Limit,
    capacity: u64,
    reserve: u64,
    /// In a millisecond.
    refill: u64,
    level: u64,
    at: u64,
}

impl Bucket {
    /// It starts full. A process that was restarted within the window may have used some of it; should that be much, the
    /// first 429 empties the bucket ([`Budget::refused`]), which costs less than starting every import slowly.
    fn full(limit: Limit, share: NonZeroU32, now: u64) -> Self {
        let mut bucket = Self { limit, capacity: 0, reserve: 0, refill: 0, level: u64::MAX, at: now };
        bucket.share(share);
        bucket
    }

    fn share(&mut self, share: NonZeroU32) {
        let whole = self.limit.count * WHOLE / u64::from(share.get());
        let window = u64::try_from(self.limit.window.as_millis()).unwrap_or(u64::MAX).max(1);
        self.refill = (whole / window).max(1);
        // Half a hundredth is left for what Graph counts at another moment than we do.
        self.capacity = (whole - whole / 200).max(20 * WHOLE);
        self.reserve = self.capacity / 1000 * self.limit.reserve;
        self.level = self.level.min(self.capacity);
    }

    fn fill(&mut self, now: u64) {
        let passed = now.saturating_sub(self.at);
        self.at = self.at.max(now);
        self.level = self.level.saturating_add(passed.saturating_mul(self.refill)).min(self.capacity);
    }

    /// How many milliseconds until `amount` can be taken; 0 now. More than the bucket ever holds is taken when it is full.
    fn wait(&self, amount: u64, is_security: bool) -> u64 {
        let kept = if is_security { 0 } else { self.reserve };
        let needed = amount.saturating_mul(WHOLE).saturating_add(kept).min(self.capacity);
        needed.saturating_sub(self.level).div_ceil(self.refill)
    }

    fn take(&mut self, amount: u64) {
        self.level = self.level.saturating_sub(amount.saturating_mul(WHOLE));
    }

    fn left(&self) -> u64 {
        self.level / WHOLE
    }
}

/// Which quota was used up, as `x-ms-throttle-information` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scarce {
    Writes,
    Units,
}

impl Scarce {
    pub(super) fn named(text: &str) -> Option<Self> {
        match text.trim() {
            "WriteLimitExceeded" => Some(Self::Writes),
            "ResourceUnitLimitExceeded" => Some(Self::Units),
            _ => None,
        }
    }
}

/// Why a request must wait, and how long, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Short {
    /// Too few writes are left: a read may go first.
    Writes(u64),
    /// Nothing may go.
    Units(u64),
}

/// What a connection may still send.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    units: Bucket,
    writes: Bucket,
    tenant_writes: Bucket,
    size: TenantSize,
    /// Off: only pauses are kept.
    metered: bool,
    share: NonZeroU32,
    paused_until: u64,
    /// How many pauses there were in a row for which Graph gave no time.
    streak: u32,
}

impl Budget {
    pub(super) fn new(size: TenantSize, share: NonZeroU32, now: u64) -> Self {
        Self {
            units: Bucket::full(Limit::units(size), share, now),
            writes: Bucket::full(Limit::WRITES, share, now),
            tenant_writes: Bucket::full(Limit::TENANT_WRITES, share, now),
            size,
            metered: true,
            share,
            paused_until: 0,
            streak: 0,
        }
    }

    /// Takes `cost`, or says what is short.
    pub(super) fn take(&mut self, cost: Cost, is_security: bool, now: u64) -> Result<(), Short> {
        if !self.metered {
            return Ok(());
        }
        self.fill(now);
        let units = self.units.wait(cost.units, is_security);
        if units > 0 {
            return Err(Short::Units(units));
        }
        if cost.writes > 0 {
            let own = self.writes.wait(cost.writes, is_security);
            let wait = own.max(self.tenant_writes.wait(cost.writes, is_security));
            if wait > 0 {
                return Err(Short::Writes(wait));
            }
        }
        self.units.take(cost.units);
        self.writes.take(cost.writes);
        self.tenant_writes.take(cost.writes);
        Ok(())
    }

    /// How many milliseconds nothing may be sent, because Graph has said so.
    pub(super) fn paused(&self, now: u64) -> Option<u64> {
        Some(self.paused_until.saturating_sub(now)).filter(|left| *left > 0)
    }

    /// Graph has refused `cost` and asked to wait `asked`: nothing is sent until then, and the bucket in question counts as
    /// empty. Says how long the pause lasts.
    pub(super) fn refused(
        &mut self,
        cost: Cost,
        scarce: Option<Scarce>,
        asked: Option<Duration>,
        now: u64,
    ) -> Duration {
        self.fill(now);
        let scarce = scarce.unwrap_or(if cost.writes > 0 { Scarce::Writes } else { Scarce::Units });
        match scarce {
            Scarce::Writes => self.writes.level = 0,
            Scarce::Units => self.units.level = 0,
        }
        let wait = match asked {
            Some(asked) => asked,
            // Answers to what was sent before the pause add nothing to it.
            None if self.paused(now).is_some() => Duration::ZERO,
            None => {
                self.streak = (self.streak + 1).min(6);
                Duration::from_millis(500 << self.streak)
            }
        };
        let until = now.saturating_add(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
        self.paused_until = self.paused_until.max(until);
        Duration::from_millis(self.paused_until - now)
    }

    /// Graph has taken a request.
    pub(super) fn accepted(&mut self) {
        self.streak = 0;
    }

    /// One of how many that share the quota.
    pub(super) fn set_share(&mut self, share: NonZeroU32, now: u64) {
        self.fill(now);
        self.share = share;
        for bucket in [&mut self.units, &mut self.writes, &mut self.tenant_writes] {
            bucket.share(share);
        }
    }

    pub(super) fn set_size(&mut self, size: TenantSize, now: u64) {
        if size == self.size {
            return;
        }
        self.fill(now);
        self.size = size;
        self.units.limit = Limit::units(size);
        self.units.share(self.share);
    }

    pub(super) fn set_metered(&mut self, metered: bool) {
        self.metered = metered;
    }

    /// Writes and units that are left.
    pub(super) fn left(&mut self, now: u64) -> (u64, u64) {
        self.fill(now);
        (self.writes.left().min(self.tenant_writes.left()), self.units.left())
    }

    fn fill(&mut self, now: u64) {
        for bucket in [&mut self.units, &mut self.writes, &mut self.tenant_writes] {
            bucket.fill(now);
        }
    }
}

#[cfg(test)]
mod tests;
