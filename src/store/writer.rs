//! Who carries out the units of work: on PostgreSQL each on a connection of its own; on SQLite one task that takes what
//! waits, runs it in one transaction, each unit in a savepoint, and commits once for all of them.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use sea_orm::{DatabaseConnection, DatabaseExecutor, DatabaseTransaction, TransactionTrait as _};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::dialect::{self, Pools};
use super::{Error, sealed};

/// At most so many units share a commit: enough to hide the disk's sync, few enough that none waits long.
const BATCH: usize = 128;

/// So many units may wait before those who hand over more must wait themselves.
const WAITING: usize = 1024;

/// The transaction of one unit of work.
#[derive(Debug)]
pub struct Tx(DatabaseTransaction);

impl sealed::Executor for Tx {
    fn executor(&self) -> DatabaseExecutor<'_> {
        (&self.0).into()
    }
}

impl Tx {
    pub(super) fn db(&self) -> &DatabaseTransaction {
        &self.0
    }
}

/// A unit of work whose types are forgotten; it runs in the transaction, or is told why there is none.
type Job = Box<dyn for<'t> FnOnce(Result<&'t Tx, Error>) -> BoxFuture<'t, Verdict> + Send>;

/// What a unit of work came to.
struct Verdict {
    /// Whether its changes are to stay.
    keep: bool,
    /// Tells the one who waits, once it is known whether the commit succeeded.
    answer: Box<dyn FnOnce(Result<(), Error>) + Send>,
}

pub(super) struct Writer {
    way: Way,
    tasks: TaskTracker,
    stop: CancellationToken,
}

enum Way {
    /// To the one that gathers.
    Gathered(mpsc::Sender<Job>),
    /// Each in a task on the runtime that opened the store, which outlives those of the web server.
    Each(DatabaseConnection, Handle),
}

impl Writer {
    pub(super) fn start(pools: Pools) -> Self {
        let tasks = TaskTracker::new();
        let stop = CancellationToken::new();
        let way = if pools.one_writer {
            let (sender, receiver) = mpsc::channel(WAITING);
            tasks.spawn(gather(pools.writes, receiver, stop.clone()));
            Way::Gathered(sender)
        } else {
            Way::Each(pools.writes, Handle::current())
        };
        Self { way, tasks, stop }
    }

    pub(super) async fn run<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: for<'t> FnOnce(&'t Tx) -> BoxFuture<'t, Result<T, E>> + Send + 'static,
    {
        if self.stop.is_cancelled() {
            return Err(Error::Closed.into());
        }
        let (job, answer) = job(work);
        match &self.way {
            Way::Gathered(sender) => {
                if sender.send(job).await.is_err() {
                    return Err(Error::Closed.into());
                }
            }
            Way::Each(db, runtime) => {
                let db = db.clone();
                self.tasks.spawn_on(async move { alone(&db, job).await }, runtime);
            }
        }
        answer.await.unwrap_or_else(|_| Err(Error::Closed.into()))
    }

    /// Waits for what was handed over; takes no more.
    pub(super) async fn stop(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

fn job<T, E, F>(work: F) -> (Job, oneshot::Receiver<Result<T, E>>)
where
    T: Send + 'static,
    E: From<Error> + Send + 'static,
    F: for<'t> FnOnce(&'t Tx) -> BoxFuture<'t, Result<T, E>> + Send + 'static,
{
    let (sender, receiver) = oneshot::channel();
    let job: Job = Box::new(move |tx| {
        Box::pin(async move {
            let result = match tx {
                Ok(tx) => AssertUnwindSafe(async move { work(tx).await })
                    .catch_unwind()
                    .await
                    .unwrap_or_else(|_| Err(Error::Panicked.into())),
                Err(error) => Err(error.into()),
            };
            Verdict {
                keep: result.is_ok(),
                answer: Box::new(move |committed| {
                    // Nobody may wait any more; the work is done all the same.
                    drop(sender.send(result.and_then(|value| match committed {
                        Ok(()) => Ok(value),
                        Err(error) => Err(error.into()),
                    })));
                }),
            }
        })
    });
    (job, receiver)
}

/// One unit in a transaction of its own.
async fn alone(db: &DatabaseConnection, job: Job) {
    match dialect::begin(db).await {
        Ok(transaction) => {
            let (verdict, ended) = within(transaction, job).await;
            (verdict.answer)(ended);
        }
        Err(error) => refuse(job, error.into()).await,
    }
}

/// Runs a unit in `transaction`, a savepoint or a whole one, and ends it as the unit came out.
async fn within(transaction: DatabaseTransaction, job: Job) -> (Verdict, Result<(), Error>) {
    let tx = Tx(transaction);
    let verdict = job(Ok(&tx)).await;
    let ended = if verdict.keep { tx.0.commit().await } else { tx.0.rollback().await };
    (verdict, ended.map_err(Error::from))
}

async fn refuse(job: Job, error: Error) {
    (job(Err(error)).await.answer)(Ok(()));
}

async fn gather(db: DatabaseConnection, mut jobs: mpsc::Receiver<Job>, stop: CancellationToken) {
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        tokio::select! {
            () = stop.cancelled(), if !jobs.is_closed() => jobs.close(),
            taken = jobs.recv_many(&mut batch, BATCH) => match taken {
                0 => break,
                1 => if let Some(job) = batch.pop() { alone(&db, job).await },
                _ => together(&db, &mut batch).await,
            },
        }
    }
    // Only a broken connection makes this fail, and that one is closed.
    drop(db.close().await);
}

/// Many units in one transaction with one commit.
async fn together(db: &DatabaseConnection, batch: &mut Vec<Job>) {
    let transaction = match dialect::begin(db).await {
        Ok(transaction) => transaction,
        Err(error) => return refuse_all(batch.drain(..), &error.into()).await,
    };
    let mut verdicts = Vec::with_capacity(batch.len());
    let mut jobs = batch.drain(..);
    let mut fault = None;
    for job in jobs.by_ref() {
        match transaction.begin().await {
            Ok(savepoint) => {
                let (verdict, ended) = within(savepoint, job).await;
                verdicts.push(verdict);
                fault = ended.err();
            }
            Err(error) => {
                let error = Error::from(error);
                refuse(job, error.clone()).await;
                fault = Some(error);
            }
        }
        if fault.is_some() {
            break;
        }
    }
    // A savepoint that does not end is a transaction that SQLite has given up (no room, I/O error): nothing of it stays.
    let committed = match fault {
        None => transaction.commit().await.map_err(Error::from),
        Some(error) => {
            drop(transaction.rollback().await);
            Err(error)
        }
    };
    for verdict in verdicts {
        (verdict.answer)(committed.clone());
    }
    if let Err(error) = committed {
        refuse_all(jobs, &error).await;
    }
}

async fn refuse_all(jobs: impl Iterator<Item = Job>, error: &Error) {
    for job in jobs {
        refuse(job, error.clone()).await;
    }
}
