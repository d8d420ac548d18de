//! What connections need from time to time beside their work: their domains read, their grant looked after, and what a
//! crash has left of switching one off finished.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::tenant::read_domains;
use crate::clock::Clock;
use crate::directory::handover::Handover;
use crate::directory::{ConnectionError, Directory};
use crate::graph;
use crate::ids::{ConnectionId, OrganizationId};
use crate::provision::Clients;
use crate::store::connections::{Connection, ConnectionState};

/// After a failure a tenant is left alone for so long (ms).
const PATIENCE: i64 = 60 * 1000;
/// How long one look at a tenant may take.
const LONGEST: Duration = Duration::from_secs(30);

/// Looks after the connections of one organization.
pub(super) struct Attendant {
    pub(super) directory: Arc<Directory>,
    pub(super) clients: Arc<Clients>,
    pub(super) clock: Clock,
    pub(super) organization: OrganizationId,
    pub(super) handover: Handover,
}

/// What is remembered between two looks.
#[derive(Default)]
struct Memory {
    /// Until when a tenant is left alone (ms).
    resting: HashMap<ConnectionId, i64>,
    /// The connections as they were.
    seen: HashMap<ConnectionId, Connection>,
}

impl Attendant {
    /// Looks after them every `interval`, until `stop`.
    pub(super) async fn run(self, interval: Duration, stop: CancellationToken) {
        let mut tick = tokio::time::interval(interval);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut memory = Memory::default();
        while stop.run_until_cancelled(tick.tick()).await.is_some() {
            let round = self.round(&mut memory);
            match stop.run_until_cancelled(round).await {
                Some(Ok(())) => {}
                Some(Err(error)) => tracing::warn!(%error, "connections could not be looked after"),
                None => return,
            }
        }
    }

    async fn round(&self, memory: &mut Memory) -> Result<(), ConnectionError> {
        let cleared = self.directory.finish_clearing().await?;
        if cleared > 0 {
            tracing::info!(cleared, "bindings of connections that are switched off were cleared");
        }
        self.look_for_repairs(memory).await?;
        self.watch_grants().await?;
        let now = self.clock.millis();
        let resting = &mut memory.resting;
        resting.retain(|_, until| *until > now);
        for connection in self.directory.domains_due(now).await? {
            if resting.contains_key(&connection.id) {
                continue;
            }
            if let Err(problem) = self.read(&connection).await {
                tracing::warn!(connection = %connection.name, %problem, "the domains of a tenant could not be read");
                resting.insert(connection.id, now.saturating_add(PATIENCE));
            }
        }
        Ok(())
    }

    /// A connection that an administrator has changed, perhaps in another process, need not rest any longer.
    async fn look_for_repairs(&self, memory: &mut Memory) -> Result<(), ConnectionError> {
        for (connection, _) in self.directory.connections(self.organization).await? {
            let before = memory.seen.insert(connection.id, connection.clone());
            let is_repaired = before.is_some_and(|before| {
                before.credential != connection.credential
                    || before.settings != connection.settings
                    || before.state != connection.state
            });
            if is_repaired {
                memory.resting.remove(&connection.id);
                self.handover.resume(connection.id);
            }
        }
        Ok(())
    }

    async fn read(&self, connection: &Connection) -> Result<(), String> {
        let reading = read_domains(&self.directory, &self.clients, &self.clock, connection);
        match timeout(LONGEST, reading).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("the tenant does not answer in time".to_owned()),
        }
    }

    /// A grant that is good no longer is found also where nothing waits to be carried out.
    async fn watch_grants(&self) -> Result<(), ConnectionError> {
        for (connection, _) in self.directory.connections(self.organization).await? {
            if connection.state != ConnectionState::Active || !connection.is_delegated() {
                continue;
            }
            let began = self.clock.millis();
            let Ok(graph) = self.clients.of(&connection) else {
                continue;
            };
            if let Ok(Err(error)) = timeout(LONGEST, graph.ensure_token()).await {
                self.note(&connection, &error, began).await?;
            }
        }
        Ok(())
    }

    async fn note(
        &self,
        connection: &Connection,
        error: &graph::Error,
        began: i64,
    ) -> Result<(), ConnectionError> {
        if error.needs_authorization() {
            let (organization, id) = (connection.organization, connection.id);
            self.directory.needs_authorization(organization, id, &error.advice(), began).await?;
        }
        Ok(())
    }
}
