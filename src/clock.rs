//! Time and the identifiers made from it, as an argument: what reads the wall clock takes a [`Clock`].

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use time::OffsetDateTime;
use uuid::{NoContext, Timestamp, Uuid};

/// Where the time comes from: the system, or a hand that a test moves.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Fixed(Arc<AtomicI64>),
}

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands at `millis` since the Unix epoch until [`Clock::advance`] moves it.
    pub fn fixed(millis: i64) -> Self {
        Self(Source::Fixed(Arc::new(AtomicI64::new(millis))))
    }

    /// Moves a fixed clock, and all of its clones, forward. The system's clock moves by itself.
    pub fn advance(&self, millis: i64) {
        if let Source::Fixed(at) = &self.0 {
            at.fetch_add(millis, Ordering::SeqCst);
        }
    }

    /// Now, in milliseconds since the Unix epoch.
    pub fn millis(&self) -> i64 {
        match &self.0 {
            #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the wall clock")]
            Source::System => millis(OffsetDateTime::now_utc()),
            Source::Fixed(at) => at.load(Ordering::SeqCst),
        }
    }

    /// Now, in UTC.
    pub fn now(&self) -> OffsetDateTime {
        from_millis(self.millis())
    }

    /// A new UUIDv7 (RFC 9562 §5.7) that carries this clock's time.
    pub fn uuid(&self) -> Uuid {
        match &self.0 {
            #[expect(clippy::disallowed_methods, reason = "this is the one place that makes identifiers")]
            Source::System => Uuid::now_v7(),
            Source::Fixed(_) => {
                let millis = self.millis();
                let seconds = u64::try_from(millis.div_euclid(1000)).unwrap_or(0);
                let nanos = u32::try_from(millis.rem_euclid(1000)).unwrap_or(0) * 1_000_000;
                Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, nanos))
            }
        }
    }
}

/// `at` in milliseconds since the Unix epoch, cut, not rounded.
pub fn millis(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos().div_euclid(1_000_000)).unwrap_or(i64::MAX)
}

/// The UTC time of `millis` since the Unix epoch; the epoch itself where that is no date.
pub fn from_millis(millis: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000)
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// RFC 3339 in UTC with milliseconds, as SCIM's `dateTime` (RFC 7643 §2.3.5) and DI timestamps are written.
pub fn rfc3339(millis: i64) -> String {
    let format = time::macros::format_description!(
        "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z"
    );
    from_millis(millis).format(format).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixed_clock_stands_until_it_is_moved() {
        let clock = Clock::fixed(1_000);
        assert_eq!(clock.millis(), 1_000);
        clock.clone().advance(500);
        assert_eq!(clock.millis(), 1_500);
    }

    #[test]
    fn times_are_written_with_three_digits_and_z() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(1_700_000_000_120), "2023-11-14T22:13:20.120Z");
    }
}
