//! What is tried again here and now. It is little: the durable queue outlives this process and knows more. Pure.

use std::time::Duration;

use super::super::{Disposition, Error, TransportFault};

/// How often one request was tried again, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tries {
    throttled: u8,
    concurrency: u8,
    faults: u8,
}

/// How often a throttled request is tried again.
const THROTTLED: u8 = 3;
/// How often one is tried again that met another on the same object.
const CONCURRENCY: u8 = 3;
/// How often one is tried again that failed by a fault of Graph's or of the network.
const FAULTS: u8 = 2;

/// The longest first wait after a concurrent write; the next ones are twice as long each.
const CONCURRENCY_WAIT: Duration = Duration::from_millis(200);
/// The waits after a fault.
const FAULT_WAITS: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(400)];

/// How long to wait before the request is tried again; None when its caller must decide. `pause` is how long the
/// connection rests because of a 429, `jitter` is a random number from 0 to 1.
pub(super) fn again(
    error: &Error,
    tries: &mut Tries,
    pause: Duration,
    patience: Duration,
    jitter: f64,
) -> Option<Duration> {
    let Disposition::Retry { after } = error.disposition() else {
        return None;
    };
    let wait = match error {
        Error::Throttled { .. } => {
            tries.throttled += 1;
            (tries.throttled <= THROTTLED).then_some(pause)?
        }
        Error::ConcurrencyViolation { .. } => {
            tries.concurrency += 1;
            let most = CONCURRENCY_WAIT * (1 << (tries.concurrency - 1).min(CONCURRENCY));
            (tries.concurrency <= CONCURRENCY).then(|| after.unwrap_or(spread(most, jitter)))?
        }
        Error::Unavailable { failure, .. } if matches!(failure.status, 502..=504) => {
            let wait = fault(tries, jitter)?;
            after.unwrap_or(wait)
        }
        // A time-out has cost enough already.
        Error::Transport { fault: TransportFault::Connect | TransportFault::Broken, .. } => {
            fault(tries, jitter)?
        }
        _ => return None,
    };
    (wait <= patience).then_some(wait)
}

fn fault(tries: &mut Tries, jitter: f64) -> Option<Duration> {
    let wait = FAULT_WAITS.get(usize::from(tries.faults))?;
    tries.faults = (tries.faults + 1).min(FAULTS);
    Some(spread(*wait, jitter))
}

/// Half of it to the whole, so that those who failed together do not come back together.
fn spread(most: Duration, jitter: f64) -> Duration {
    most.mul_f64(0.5 + jitter.clamp(0.0, 1.0) / 2.0)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use uuid::Uuid;

    use super::*;
    use crate::graph::{Effect, Failure, Operation};

    const PATIENCE: Duration = Duration::from_secs(2);

    fn failure(operation: Operation, status: u16) -> Failure {
        Failure {
            operation,
            status,
            code: String::new(),
            message: String::new(),
            request_id: None,
            client_request_id: Uuid::nil(),
        }
    }

    fn unavailable(operation: Operation, status: u16, after: Option<u64>) -> Error {
        let effect = if status == 503 { Effect::None } else { Effect::Unknown };
        let retry_after = after.map(Duration::from_secs);
        Error::Unavailable { retry_after, effect, failure: Box::new(failure(operation, status)) }
    }

    fn transport(operation: Operation, fault: TransportFault) -> Error {
        Error::Transport {
            operation,
            fault,
            effect: if fault == TransportFault::Connect { Effect::None } else { Effect::Unknown },
            reason: String::new(),
            client_request_id: Uuid::nil(),
        }
    }

    fn throttled() -> Error {
        Error::Throttled { retry_after: None, failure: Box::new(failure(Operation::CreateUser, 429)) }
    }

    fn concurrency(after: Option<u64>) -> Error {
        let retry_after = after.map(Duration::from_secs);
        Error::ConcurrencyViolation { retry_after, failure: Box::new(failure(Operation::AddMembers, 409)) }
    }

    /// The waits until it is given up, in milliseconds.
    fn waits(error: &Error, pause: u64, jitter: f64) -> Vec<u128> {
        let mut tries = Tries::default();
        let pause = Duration::from_millis(pause);
        std::iter::from_fn(|| again(error, &mut tries, pause, PATIENCE, jitter).map(|wait| wait.as_millis()))
            .take(100)
            .collect()
    }

    #[rstest]
    #[case(unavailable(Operation::UpdateUser, 503, None), vec![100, 400])]
    #[case(unavailable(Operation::UpdateUser, 502, None), vec![100, 400])]
    #[case(unavailable(Operation::UpdateUser, 504, Some(1)), vec![1000, 1000])]
    #[case(unavailable(Operation::UpdateUser, 503, Some(3)), vec![])]
    #[case(unavailable(Operation::UpdateUser, 500, None), vec![])]
    #[case(unavailable(Operation::CreateUser, 503, None), vec![100, 400])]
    #[case(unavailable(Operation::CreateUser, 504, None), vec![])]
    #[case(unavailable(Operation::CreateGroup, 502, None), vec![])]
    #[case(unavailable(Operation::RestoreUser, 502, None), vec![])]
    #[case(transport(Operation::UpdateUser, TransportFault::Broken), vec![100, 400])]
    #[case(transport(Operation::UpdateUser, TransportFault::TimedOut), vec![])]
    #[case(transport(Operation::CreateUser, TransportFault::Connect), vec![100, 400])]
    #[case(transport(Operation::CreateUser, TransportFault::Broken), vec![])]
    #[case(concurrency(None), vec![200, 400, 800])]
    #[case(concurrency(Some(1)), vec![1000, 1000, 1000])]
    #[case(concurrency(Some(5)), vec![])]
    #[case(Error::NotFound(Box::new(failure(Operation::ReadUser, 404))), vec![])]
    #[case(Error::NotReplicatedYet(Box::new(failure(Operation::AddMember, 400))), vec![])]
    fn each_kind_is_tried_so_often(#[case] error: Error, #[case] expected: Vec<u128>) {
        assert_eq!(waits(&error, 0, 1.0), expected);
    }

    #[test]
    fn a_throttled_one_waits_as_long_as_the_connection() {
        assert_eq!(waits(&throttled(), 1_500, 0.0), [1_500, 1_500, 1_500]);
        assert_eq!(waits(&throttled(), 2_001, 0.0), []);
    }

    #[test]
    fn waits_are_spread() {
        assert_eq!(waits(&concurrency(None), 0, 0.0), [100, 200, 400]);
    }
}
