//! The one way of all calls of a connection: they wait here for a place and for the budget, the urgent first, and those
//! that wait together travel together.
//!
//! There is no task that always runs: whoever puts a request in, or sees one end, looks who goes next. `queue` holds who
//! waits, `budget` what may be sent, `retry` what is tried again, `flight` what is under way.

mod flight;
mod queue;
mod retry;

use std::num::NonZeroU32;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use time::OffsetDateTime;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};

use self::queue::{Admission, Entry, Queue, Taken};
use self::retry::Tries;
use super::answer::Answer;
use super::budget::{Budget, Short, TenantSize};
use super::request::Request;
use super::token::Tokens;
use super::wire::Wire;
use super::{Call, Effect, Error, Priority, TransportFault};
use crate::clock::Clock;

/// How many requests and batches are under way at the same time.
const PLACES: usize = 8;
/// Further places for security calls alone.
const SECURITY_PLACES: usize = 2;
/// How long the durable queue should leave a connection alone whose own budget is used up.
const REST: Duration = Duration::from_secs(1);

/// How a connection spends its quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// The tenant's size, by which it has resource units.
    pub size: TenantSize,
    /// Whether Microsoft's quotas are kept: not against a simulator, which has them only where it is told to.
    pub metered: bool,
    /// The longest pause of Microsoft's that calls wait out here. In a longer one they are answered at once with
    /// [`Error::Throttled`].
    pub patience: Duration,
    /// How long a call waits at most for a place and for the budget.
    pub longest_wait: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            size: TenantSize::default(),
            metered: true,
            patience: Duration::from_secs(2),
            longest_wait: Duration::from_secs(30),
        }
    }
}

/// How a connection stands with its quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetState {
    /// Until when nothing is sent, because Microsoft has said so.
    pub paused_until: Option<OffsetDateTime>,
    /// Writes that may be sent at once.
    pub writes_left: u64,
    /// Resource units that may be spent at once.
    pub units_left: u64,
    /// Calls that wait.
    pub waiting: usize,
}

/// Sends the calls of one connection.
#[derive(Debug)]
pub(super) struct Dispatcher {
    wire: Wire,
    tokens: Tokens,
    clock: Clock,
    /// The moment that the times of the budget count from.
    started: Instant,
    state: Mutex<State>,
    /// Off once the host has shown that it does not know batches.
    batching: AtomicBool,
}

#[derive(Debug)]
struct State {
    queue: Queue<Ticket>,
    budget: Budget,
    pace: Pace,
    places: usize,
    security_places: usize,
    /// Whether somebody is about to look who goes next.
    looking: bool,
    /// When somebody will look.
    alarm: Option<u64>,
}

/// A request that waits for its answer.
struct Ticket {
    call: Call,
    request: Request,
    tries: Tries,
    /// Whether it was tried again with a fresh token already.
    renewed: bool,
    reply: oneshot::Sender<Result<Answer, Error>>,
}

impl std::fmt::Debug for Ticket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Ticket").field(&self.request.operation).finish()
    }
}

/// What to do next.
enum Step {
    Fly { taken: Vec<Taken<Ticket>>, is_security: bool },
    GiveUp { tickets: Vec<Ticket>, pause: Duration },
    Wait(Option<u64>),
}

impl Dispatcher {
    pub(super) fn new(wire: Wire, tokens: Tokens, clock: Clock) -> Self {
        let pace = Pace::default();
        let state = State {
            queue: Queue::default(),
            budget: Budget::new(pace.size, NonZeroU32::MIN, 0),
            pace,
            places: 0,
            security_places: 0,
            looking: false,
            alarm: None,
        };
        Self {
            wire,
            tokens,
            clock,
            started: Instant::now(),
            state: Mutex::new(state),
            batching: AtomicBool::new(true),
        }
    }

    pub(super) fn wire(&self) -> &Wire {
        &self.wire
    }

    pub(super) fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    pub(super) fn set_pace(&self, pace: Pace) {
        let now = self.now();
        let mut state = self.state();
        state.pace = pace;
        state.budget.set_size(pace.size, now);
        state.budget.set_metered(pace.metered);
    }

    pub(super) fn set_share(&self, share: NonZeroU32) {
        let now = self.now();
        self.state().budget.set_share(share, now);
    }

    pub(super) fn budget(&self) -> BudgetState {
        let now = self.now();
        let mut state = self.state();
        let (writes_left, units_left) = state.budget.left(now);
        let left = state.budget.paused(now).map(Duration::from_millis);
        BudgetState {
            paused_until: left.map(|left| self.clock.now() + left),
            writes_left,
            units_left,
            waiting: state.queue.len(),
        }
    }

    /// Has the request made when it is its turn. The answer is a 2xx.
    ///
    /// A caller that goes away takes a request that still waits with it; one that is under way is carried out.
    pub(super) async fn execute(self: &Arc<Self>, call: Call, request: Request) -> Result<Answer, Error> {
        let operation = request.operation;
        let (reply, mut answer) = oneshot::channel();
        let (number, give_up) =
            self.enter(Ticket { call, request, tries: Tries::default(), renewed: false, reply })?;
        let _leave = Leave { dispatcher: self, number };
        self.look_soon();
        let answered = tokio::select! {
            biased;
            answered = &mut answer => answered,
            () = sleep_until(give_up) => match self.leave(number) {
                Some(ticket) => return Err(ticket.throttled(Some(REST))),
                // It is under way, and ends by its own time-outs.
                None => answer.await,
            },
        };
        // The task that carried it is gone, with the runtime it ran on.
        answered.unwrap_or_else(|_| {
            Err(Error::Transport {
                operation,
                fault: TransportFault::Broken,
                effect: Effect::Unknown,
                reason: "the process is stopping".to_owned(),
                client_request_id: call.client_request_id,
            })
        })
    }

    /// Puts a request in the queue; says its number and how long it may stay there.
    fn enter(&self, ticket: Ticket) -> Result<(u64, Instant), Error> {
        let now = self.now();
        let mut state = self.state();
        if let Some(pause) = state.pause_too_long(now) {
            return Err(ticket.throttled(Some(pause)));
        }
        let give_up = Instant::now() + state.pace.longest_wait;
        let entry = Entry {
            object: ticket.request.object(),
            alone: ticket.request.goes_alone(),
            due: 0,
            item: ticket,
        };
        let number = state.queue.push(entry.item.call.priority, entry);
        waiting().increment(1.0);
        Ok((number, give_up))
    }

    /// Takes a request out that still waits.
    fn leave(&self, number: u64) -> Option<Ticket> {
        let ticket = self.state().queue.remove(number)?;
        no_longer_waiting(1);
        Some(ticket)
    }

    /// Has somebody look who goes next, after those who are about to put something in have done so: what is put in
    /// together travels together.
    fn look_soon(self: &Arc<Self>) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        if std::mem::replace(&mut self.state().looking, true) {
            return;
        }
        let looking = Looking(Arc::clone(self));
        runtime.spawn(async move {
            tokio::task::yield_now().await;
            let dispatcher = Arc::clone(&looking.0);
            drop(looking);
            dispatcher.look();
        });
    }

    /// Sends off whoever may go.
    fn look(self: &Arc<Self>) {
        loop {
            let now = self.now();
            let step = self.state().next(now);
            match step {
                Step::Fly { taken, is_security } => {
                    no_longer_waiting(taken.len());
                    let flight = flight::Flight::new(Arc::clone(self), is_security, &taken);
                    tokio::spawn(flight.fly(taken));
                }
                Step::GiveUp { tickets, pause } => {
                    no_longer_waiting(tickets.len());
                    for ticket in tickets {
                        ticket.answer_throttled(pause);
                    }
                }
                Step::Wait(Some(at)) => return self.look_at(at),
                Step::Wait(None) => return,
            }
        }
    }

    /// Has somebody look at this moment, unless somebody looks before.
    fn look_at(self: &Arc<Self>, at: u64) {
        let now = self.now();
        let mut state = self.state();
        // One that is past was set on a runtime that is gone.
        if state.alarm.is_some_and(|alarm| alarm <= at && alarm >= now) {
            return;
        }
        state.alarm = Some(at);
        drop(state);
        let dispatcher = Arc::clone(self);
        tokio::spawn(async move {
            sleep_until(dispatcher.started + Duration::from_millis(at)).await;
            let mut state = dispatcher.state();
            if state.alarm == Some(at) {
                state.alarm = None;
            }
            drop(state);
            dispatcher.look();
        });
    }

    /// Milliseconds since the dispatcher was made.
    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// How long Microsoft makes the connection wait, if that is longer than calls wait here.
    fn pause_too_long(&self, now: u64) -> Option<Duration> {
        let pause = Duration::from_millis(self.budget.paused(now)?);
        Some(pause).filter(|pause| *pause > self.pace.patience)
    }

    fn next(&mut self, now: u64) -> Step {
        if let Some(pause) = self.pause_too_long(now) {
            let tickets = self.queue.drain();
            return if tickets.is_empty() { Step::Wait(None) } else { Step::GiveUp { tickets, pause } };
        }
        if let Some(pause) = self.budget.paused(now) {
            return Step::Wait(Some(now + pause).filter(|_| self.queue.len() > 0));
        }
        let only_security = self.places >= PLACES;
        if only_security && self.security_places >= SECURITY_PLACES {
            return Step::Wait(None);
        }
        let (budget, mut no_writes) = (&mut self.budget, None);
        let next = self.queue.next(now, only_security, |ticket, priority| {
            let cost = ticket.request.cost();
            // A small write must not overtake a large one for ever.
            if let (Some(until), true) = (no_writes, cost.writes > 0) {
                return Admission::Wait(until);
            }
            match budget.take(cost, priority == Priority::Security, now) {
                Ok(()) => Admission::Go,
                Err(Short::Units(wait)) => Admission::Stop(now + wait),
                Err(Short::Writes(wait)) => {
                    no_writes = Some(now + wait);
                    Admission::Wait(now + wait)
                }
            }
        });
        if next.taken.is_empty() {
            return Step::Wait(next.again);
        }
        if only_security {
            self.security_places += 1;
        } else {
            self.places += 1;
        }
        Step::Fly { taken: next.taken, is_security: only_security }
    }
}

impl Ticket {
    /// The error of a request that was not sent, since there is no quota for it.
    fn throttled(&self, retry_after: Option<Duration>) -> Error {
        let mut failure = self.call.nothing_from(self.request.operation);
        failure.status = 429;
        Error::Throttled { retry_after, failure: Box::new(failure) }
    }

    fn answer_throttled(self, pause: Duration) {
        let error = self.throttled(Some(pause));
        // Whoever has gone meanwhile needs no answer.
        let _ = self.reply.send(Err(error));
    }
}

/// Somebody is about to look; no longer, also if the runtime ends before.
struct Looking(Arc<Dispatcher>);

impl Drop for Looking {
    fn drop(&mut self) {
        self.0.state().looking = false;
    }
}

/// Takes a request out of the queue when its caller goes away.
struct Leave<'a> {
    dispatcher: &'a Dispatcher,
    number: u64,
}

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        drop(self.dispatcher.leave(self.number));
    }
}

fn waiting() -> metrics::Gauge {
    metrics::gauge!("gangway_graph_waiting")
}

fn no_longer_waiting(count: usize) {
    waiting().decrement(f64::from(u32::try_from(count).unwrap_or(u32::MAX)));
}
