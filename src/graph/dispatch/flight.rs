//! What is under way: one request or a batch, and what becomes of each.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::super::answer::Answer;
use super::super::budget::Scarce;
use super::super::{Effect, Error, Oddity, batch, wire};
use super::queue::{Entry, Taken};
use super::{Dispatcher, Ticket, no_longer_waiting, retry, waiting};

/// A place that is taken. When it goes, however it goes, the place is free again and others can have their turn.
pub(super) struct Flight {
    dispatcher: Arc<Dispatcher>,
    is_security: bool,
    objects: Vec<Uuid>,
}

/// What came of one request.
enum Outcome {
    Answered(Result<Answer, Error>),
    /// To be sent again by itself.
    Alone,
}

impl Flight {
    pub(super) fn new(dispatcher: Arc<Dispatcher>, is_security: bool, taken: &[Taken<Ticket>]) -> Self {
        let objects = taken.iter().filter_map(|taken| taken.entry.object).collect();
        Self { dispatcher, is_security, objects }
    }

    /// Sends what was taken, and answers or puts back each.
    pub(super) async fn fly(self, taken: Vec<Taken<Ticket>>) {
        let dispatcher = &self.dispatcher;
        let outcomes = match taken.as_slice() {
            [one] => vec![Outcome::Answered(dispatcher.send_one(&one.entry.item).await)],
            many if dispatcher.batching.load(Ordering::Relaxed) => dispatcher.send_batch(many).await,
            many => many.iter().map(|_| Outcome::Alone).collect(),
        };
        // Those that failed together may come back together.
        let jitter = rand::random();
        for (taken, outcome) in taken.into_iter().zip(outcomes) {
            dispatcher.settle(taken, outcome, jitter);
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        let mut state = self.dispatcher.state();
        if self.is_security {
            state.security_places -= 1;
        } else {
            state.places -= 1;
        }
        for object in self.objects.drain(..) {
            state.queue.end(object);
        }
        drop(state);
        self.dispatcher.look_soon();
    }
}

impl Dispatcher {
    /// Sends a request by itself, with a fresh token once more if Graph no longer takes the one that we hold: a 401 is
    /// answered before anything is done.
    async fn send_one(&self, ticket: &Ticket) -> Result<Answer, Error> {
        let bearer = self.tokens.bearer().await?;
        let answer = self.wire.send(&ticket.call, &ticket.request, &bearer).await?;
        if answer.status != 401 {
            return Ok(answer);
        }
        self.tokens.forget(&bearer);
        let fresh = self.tokens.bearer().await?;
        self.wire.send(&ticket.call, &ticket.request, &fresh).await
    }

    async fn send_batch(&self, taken: &[Taken<Ticket>]) -> Vec<Outcome> {
        let tickets: Vec<&Ticket> = taken.iter().map(|taken| &taken.entry.item).collect();
        let started = Instant::now();
        let whole = match self.send_whole(&tickets).await {
            Ok(whole) => whole,
            Err(outcomes) => return outcomes,
        };
        count(tickets.len(), &whole.status.to_string());
        let outcomes = match whole.status {
            200 => self.outcomes(&whole, &tickets),
            // Nothing of it was done. What one of them has caused, the others shall not suffer.
            400 | 404 | 405 | 413 | 501 => {
                if matches!(whole.status, 404 | 405 | 501) {
                    tracing::warn!(
                        status = whole.status,
                        "the Graph host does not know batches; requests go one by one"
                    );
                    self.batching.store(false, Ordering::Relaxed);
                }
                return tickets.iter().map(|_| Outcome::Alone).collect();
            }
            _ => tickets.iter().map(|ticket| ticket.outcome_of(&whole)).collect(),
        };
        for (ticket, outcome) in tickets.iter().zip(&outcomes) {
            if let Outcome::Answered(answered) = outcome {
                wire::note(ticket.request.operation, &ticket.call, answered, started);
            }
        }
        outcomes
    }

    /// The answer to the batch as a whole, with a fresh token if need be; else what came instead, for each.
    async fn send_whole(&self, tickets: &[&Ticket]) -> Result<Answer, Vec<Outcome>> {
        let body = batch::body(tickets.iter().map(|ticket| (&ticket.call, &ticket.request)));
        let Some(first) = tickets.first().map(|ticket| (ticket.request.operation, &ticket.call)) else {
            return Err(Vec::new());
        };
        let each = |of: &dyn Fn(&Ticket) -> Error| -> Vec<Outcome> {
            tickets.iter().map(|ticket| Outcome::Answered(Err(of(ticket)))).collect()
        };
        let mut renewed = false;
        loop {
            let bearer = self.tokens.bearer().await.map_err(|error| each(&|_| error.clone()))?;
            let sent = self.wire.send_batch(self.clock.uuid(), first, body.clone(), &bearer).await;
            let whole = sent.map_err(|broken| {
                count(tickets.len(), broken.word());
                each(&|ticket| broken.error(ticket.request.operation, &ticket.call))
            })?;
            if whole.status != 401 || renewed {
                return Ok(whole);
            }
            self.tokens.forget(&bearer);
            renewed = true;
        }
    }

    /// Each request's own answer.
    fn outcomes(&self, whole: &Answer, tickets: &[&Ticket]) -> Vec<Outcome> {
        let answers =
            whole.json_text().and_then(|text| batch::answers(text, tickets.len()).ok_or(Oddity::Shape));
        let answers = match answers {
            Ok(answers) => answers,
            Err(oddity) => return tickets.iter().map(|ticket| ticket.odd(oddity)).collect(),
        };
        let each = tickets.iter().zip(answers).map(|(ticket, answer)| match answer {
            Some(answer) => {
                let operation = ticket.request.operation;
                let answer = whole.item(answer, operation, &ticket.call, |text| self.wire.wait(text));
                // By itself it gets a fresh token.
                if answer.status == 401 && !ticket.renewed {
                    Outcome::Alone
                } else {
                    Outcome::Answered(Ok(answer))
                }
            }
            None => ticket.odd(Oddity::Shape),
        });
        each.collect()
    }

    /// Answers the caller, or has the request tried again.
    fn settle(&self, mut taken: Taken<Ticket>, outcome: Outcome, jitter: f64) {
        let ticket = &mut taken.entry.item;
        let answered = match outcome {
            Outcome::Answered(answered) => answered,
            Outcome::Alone => {
                ticket.renewed = true;
                taken.entry.alone = true;
                return self.put_back(taken, Duration::ZERO);
            }
        };
        let scarce = answered.as_ref().ok().and_then(|answer| answer.scarce);
        let answered = answered.and_then(|answer| answer.accepted(ticket.request.secret.as_ref()));
        let pause = self.learn(ticket, &answered, scarce);
        let Err(error) = &answered else {
            return answer(taken, answered);
        };
        if let Error::Token(_) = error {
            self.fail_waiting(error);
        }
        let patience = self.state().pace.patience;
        let again = retry::again(error, &mut ticket.tries, pause, patience, jitter);
        match again {
            Some(wait) if !ticket.reply.is_closed() => self.put_back(taken, wait),
            _ => answer(taken, answered),
        }
    }

    /// Learns from an answer how much may be sent; says how long the connection pauses.
    fn learn(&self, ticket: &Ticket, answered: &Result<Answer, Error>, scarce: Option<Scarce>) -> Duration {
        let now = self.now();
        match answered {
            Ok(_) => {
                self.state().budget.accepted();
                Duration::ZERO
            }
            Err(Error::Throttled { retry_after, .. }) => {
                metrics::counter!("gangway_graph_throttled_total").increment(1);
                self.state().budget.refused(ticket.request.cost(), scarce, *retry_after, now)
            }
            Err(_) => Duration::ZERO,
        }
    }

    /// Whoever waits while the login host refuses shares its answer: a thousand waiting calls must not ask a thousand times
    /// with a wrong secret.
    fn fail_waiting(&self, error: &Error) {
        let tickets = self.state().queue.drain();
        no_longer_waiting(tickets.len());
        for ticket in tickets {
            let _ = ticket.reply.send(Err(error.clone()));
        }
    }

    fn put_back(&self, taken: Taken<Ticket>, wait: Duration) {
        let wait = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        let Taken { number, priority, entry } = taken;
        let due = if wait == 0 { 0 } else { self.now().saturating_add(wait) };
        self.state().queue.put_back(number, priority, Entry { due, ..entry });
        waiting().increment(1.0);
    }
}

fn answer(taken: Taken<Ticket>, answered: Result<Answer, Error>) {
    // Whoever has gone meanwhile needs no answer.
    let _ = taken.entry.item.reply.send(answered);
}

impl Ticket {
    /// The outcome when the batch was refused as a whole.
    fn outcome_of(&self, whole: &Answer) -> Outcome {
        Outcome::Answered(Ok(whole.of_all(self.request.operation, &self.call)))
    }

    /// The outcome when the answer does not say what became of this request.
    fn odd(&self, oddity: Oddity) -> Outcome {
        let failure = Box::new(self.call.nothing_from(self.request.operation));
        let effect = Effect::Unknown;
        Outcome::Answered(Err(Error::Malformed { oddity, effect, failure }))
    }
}

fn count(items: usize, status: &str) {
    metrics::counter!("gangway_graph_batches_total", "status" => status.to_owned()).increment(1);
    metrics::counter!("gangway_graph_batch_items_total").increment(u64::try_from(items).unwrap_or(u64::MAX));
}
