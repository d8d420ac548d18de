//! One round over a stream of changes: page by page, and what follows when all of them were seen.

use std::sync::Arc;
use std::time::Duration;

use super::missing::Present;
use super::{Fault, Inner, Tenant, lag, millis};
use crate::graph::{
    self, ChangedGroup, ChangedUser, Delta, DeltaLink, DeltaNext, DeltaStart, Disposition, Graph, Reply,
};
use crate::provision::describe::Trace;
use crate::settings::Settings as Rules;
use crate::store::connections::Connection;
use crate::store::delta::{self, Place, Stream, Take};
use crate::telemetry::names;

/// Microsoft keeps a place for seven days ("Use delta query": tokens of directory objects).
const LINK_LIFE: i64 = 7 * 24 * 60 * 60 * 1000;

/// So often a complete round waits where Microsoft asks to, since what it has seen is not to be read again: each time for
/// half of the lease at most. Other rounds go on later from where they are.
const WAITS: u32 = 20;

/// Where a page is read.
#[derive(Clone)]
enum At {
    Start(DeltaStart),
    Link(DeltaLink),
}

/// The objects of a page.
enum Items {
    Users(Vec<ChangedUser>),
    Groups(Vec<ChangedGroup>),
}

/// A page of either stream.
struct Page {
    items: Items,
    next: DeltaNext,
}

impl Inner {
    /// One round over one stream, if it is due and no other process has it.
    pub(super) async fn round(
        self: &Arc<Self>,
        connection: &Connection,
        settings: &Rules,
        stream: Stream,
    ) -> Result<(), Fault> {
        let (now, interval) = (self.clock.millis(), millis(settings.drift.interval));
        let id = connection.id;
        if !delta::may_take(&self.store, id, stream, now, interval).await? {
            return Ok(());
        }
        let take = Take { owner: self.owner, now, interval, lease_until: self.lease_until() };
        let taken = self
            .store
            .write(move |tx| Box::pin(async move { delta::take(tx, id, stream, &take).await }))
            .await?;
        let Some(place) = taken else {
            return Ok(());
        };
        let walked = self.walk_with_client(connection, settings, place).await;
        let result = if walked.is_ok() { "done" } else { "failed" };
        metrics::counter!(names::DRIFT_ROUNDS, "stream" => stream.as_str(), "result" => result).increment(1);
        let next_at = match &walked {
            Ok(()) => 0,
            Err(fault) => now.saturating_add(fault.wait(interval)),
        };
        let owner = self.owner;
        self.store
            .write(move |tx| Box::pin(async move { delta::release(tx, owner, id, stream, next_at).await }))
            .await?;
        walked
    }

    async fn walk_with_client(
        self: &Arc<Self>,
        connection: &Connection,
        settings: &Rules,
        place: Place,
    ) -> Result<(), Fault> {
        let tenant = Arc::new(Tenant {
            connection: connection.clone(),
            settings: settings.clone(),
            graph: self.clients.of(connection)?,
            lag: lag(settings.drift),
        });
        let stream = place.stream;
        let place = self.walk(&tenant, place).await?;
        match stream {
            Stream::Users => {
                self.verify_accounts(&tenant, &place).await?;
                self.deleted.refresh(connection.id, &tenant.graph, self.call()).await;
            }
            Stream::Groups => self.verify_groups(&tenant, &place).await?,
        }
        Ok(())
    }

    /// Reads the pages up to the last one; the place after it.
    async fn walk(self: &Arc<Self>, tenant: &Arc<Tenant>, mut place: Place) -> Result<Place, Fault> {
        let mut at = self.beginning(&mut place);
        let mut present = place.complete.then(Present::default);
        loop {
            let page = match self.page_in_time(tenant, &place, &at).await {
                Err(graph::Error::DeltaExpired(_)) if !place.complete => {
                    tracing::info!(
                        connection = %tenant.connection.name, stream = place.stream.as_str(),
                        "the place in the tenant's changes is not known any more; everything is read once"
                    );
                    place.complete = true;
                    present = Some(Present::default());
                    at = At::Start(DeltaStart::Everything);
                    continue;
                }
                page => page?,
            };
            let trace = Trace::of_reply(&page);
            let Page { items, next } = page.value;
            match items {
                Items::Users(users) => self.see_accounts(tenant, users, &trace, present.as_mut()).await?,
                Items::Groups(groups) => self.see_groups(tenant, groups, &trace, present.as_mut()).await?,
            }
            let (link, is_last) = match next {
                DeltaNext::Page(link) => (link, false),
                DeltaNext::Done(link) => (link, true),
            };
            if is_last && let Some(present) = present.take() {
                self.look_for_missing(tenant, &place, present).await?;
            }
            place = self.advance(place, &link, is_last).await?;
            if is_last {
                return Ok(place);
            }
            at = At::Link(link);
        }
    }

    /// Where a round begins, or goes on.
    fn beginning(&self, place: &mut Place) -> At {
        let Some(link) = place.link.as_ref() else {
            return At::Start(DeltaStart::Now);
        };
        let is_old = place.updated_at <= self.clock.millis().saturating_sub(LINK_LIFE);
        // What a complete round had shown before it was left is not remembered.
        let left = place.walking && place.complete;
        match serde_json::from_value(link.clone().into()) {
            Ok(link) if !is_old && !left => {
                place.complete = false;
                At::Link(link)
            }
            _ => {
                place.complete = true;
                At::Start(DeltaStart::Everything)
            }
        }
    }

    /// A page; in a complete round Microsoft's waits are waited out, while the stream is held.
    async fn page_in_time(
        &self,
        tenant: &Tenant,
        place: &Place,
        at: &At,
    ) -> Result<Reply<Page>, graph::Error> {
        for wait in 0..WAITS {
            let error = match self.page(&tenant.graph, place.stream, at).await {
                Err(error) if place.complete => error,
                page => return page,
            };
            let Disposition::Retry { after } = error.disposition() else {
                return Err(error);
            };
            let after = after.unwrap_or(Duration::from_secs(1 << wait.min(6))).min(self.settings.lease / 2);
            tokio::time::sleep(after).await;
            if self.hold(place).await.is_err() {
                return Err(error);
            }
        }
        self.page(&tenant.graph, place.stream, at).await
    }

    async fn page(&self, graph: &Graph, stream: Stream, at: &At) -> Result<Reply<Page>, graph::Error> {
        let call = self.call();
        match (stream, at) {
            (Stream::Users, At::Start(start)) => graph.users_delta_start(&call, *start).await.map(users),
            (Stream::Users, At::Link(link)) => graph.users_delta(&call, link).await.map(users),
            (Stream::Groups, At::Start(start)) => graph.groups_delta_start(&call, *start).await.map(groups),
            (Stream::Groups, At::Link(link)) => graph.groups_delta(&call, link).await.map(groups),
        }
    }

    async fn advance(&self, place: Place, link: &DeltaLink, is_last: bool) -> Result<Place, Fault> {
        let now = self.clock.millis();
        let next = Place {
            link: serde_json::to_value(link)?.as_str().map(str::to_owned),
            walking: !is_last,
            complete: place.complete && !is_last,
            round: place.round + i64::from(is_last),
            finished_at: if is_last { Some(now) } else { place.finished_at },
            updated_at: now,
            ..place
        };
        self.hold(&next).await?;
        Ok(next)
    }

    /// Writes the place and holds the stream; an error when another process has it by now.
    pub(super) async fn hold(&self, place: &Place) -> Result<(), Fault> {
        let (owner, until, row) = (self.owner, self.lease_until(), place.clone());
        let held = self
            .store
            .write(move |tx| Box::pin(async move { delta::advance(tx, owner, &row, until).await }))
            .await?;
        if held { Ok(()) } else { Err(Fault::Lost) }
    }
}

impl Fault {
    /// How long to wait before the next try, where a round is due every `interval` (ms).
    fn wait(&self, interval: i64) -> i64 {
        match self {
            Self::Graph(error) => error.retry_after().map_or(interval, |after| millis(after).max(interval)),
            Self::Lost => 0,
            _ => interval,
        }
    }
}

fn users(reply: Reply<Delta<ChangedUser>>) -> Reply<Page> {
    reply.map(|page| Page { items: Items::Users(page.items), next: page.next })
}

fn groups(reply: Reply<Delta<ChangedGroup>>) -> Reply<Page> {
    reply.map(|page| Page { items: Items::Groups(page.items), next: page.next })
}
