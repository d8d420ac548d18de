//! What `/health/ready` asks of the parts: the database, the worker, each connection, the watch over its tenant.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::join_all;
use tokio::time::timeout;
use url::Url;

use super::Core;
use crate::directory::Directory;
use crate::graph::{Graph, TokenState};
use crate::http::{Check, Component, ComponentState};
use crate::ids::OrganizationId;
use crate::provision::drift::Trouble;
use crate::provision::{Clients, Watcher, Worker};
use crate::store::connections::Connection;

/// How long it waits for a tenant.
const PROBE: Duration = Duration::from_secs(3);

/// What `/health/ready` asks.
pub(super) fn checks(
    core: &Core,
    worker: &Worker,
    watcher: &Watcher,
    clients: &Arc<Clients>,
    public_url: Option<Url>,
) -> Vec<Check> {
    let (store, worker) = (core.store.clone(), worker.clone());
    let database: Check = Arc::new(move || {
        let store = store.clone();
        async move {
            let detail = store.ping().await.err().map(|error| error.to_string());
            let state = if detail.is_some() { ComponentState::Down } else { ComponentState::Up };
            vec![Component { name: "database".to_owned(), state, detail }]
        }
        .boxed()
    });
    let work: Check = Arc::new(move || {
        let alive = worker.is_alive();
        async move {
            let detail = (!alive).then(|| "the worker does not look for work; see the log".to_owned());
            let state = if alive { ComponentState::Up } else { ComponentState::Degraded };
            vec![Component { name: "worker".to_owned(), state, detail }]
        }
        .boxed()
    });
    let (directory, clients, organization) =
        (Arc::clone(&core.directory), Arc::clone(clients), core.organization);
    let graph: Check = Arc::new(move || {
        let (directory, clients) = (Arc::clone(&directory), Arc::clone(&clients));
        let public_url = public_url.clone();
        async move { graph_components(&directory, &clients, organization, public_url.as_ref()).await }.boxed()
    });
    let watcher = watcher.clone();
    let drift: Check = Arc::new(move || {
        let troubles = watcher.troubles();
        async move { troubles.into_iter().map(unwatched).collect() }.boxed()
    });
    vec![database, work, graph, drift]
}

/// Whether each connection has, or can get, a token for Microsoft Graph.
async fn graph_components(
    directory: &Directory,
    clients: &Clients,
    organization: OrganizationId,
    public_url: Option<&Url>,
) -> Vec<Component> {
    let Ok(connections) = directory.connections(organization).await else {
        return Vec::new();
    };
    let in_use = connections.iter().filter(|(connection, _)| connection.is_in_use());
    join_all(in_use.map(|(connection, _)| graph_component(connection, clients, public_url))).await
}

async fn graph_component(connection: &Connection, clients: &Clients, public_url: Option<&Url>) -> Component {
    let problem = match clients.of(connection) {
        _ if connection.needs_authorization() => Some(unauthorized(connection, public_url)),
        Ok(graph) => match timeout(PROBE, graph.ensure_token()).await {
            // What is wrong with its domains, where something is.
            Ok(Ok(TokenState::Held { .. })) => connection.state_detail.clone().or_else(|| throttled(&graph)),
            Ok(Ok(state)) => Some(format!("no token: {state:?}")),
            Ok(Err(error)) => Some(error.advice()),
            Err(_) => {
                Some("the login host does not answer in time; pushes are kept until it does".to_owned())
            }
        },
        Err(error) => Some(error.to_string()),
    };
    let state = if problem.is_some() { ComponentState::Degraded } else { ComponentState::Up };
    Component { name: format!("graph:{}", connection.name), state, detail: problem }
}

/// Until when Microsoft has asked to be left alone.
fn throttled(graph: &Graph) -> Option<String> {
    let until = graph.budget().paused_until?;
    Some(format!("Microsoft Graph throttles the connection: nothing is sent until {until}; pushes are kept"))
}

/// What has happened, and the link by which an administrator repairs it.
fn unauthorized(connection: &Connection, public_url: Option<&Url>) -> String {
    let reason = connection.state_detail.as_deref().unwrap_or("nobody has authorized the connection");
    let base = public_url.map_or("", |url| url.as_str().trim_end_matches('/'));
    format!(
        "{reason} Pushes are taken and kept until an administrator of the tenant opens {base}/oauth/connect/{}",
        connection.id
    )
}

/// Changes of a tenant that cannot be read degrade the server: what upstream pushes is carried out all the same.
fn unwatched(trouble: Trouble) -> Component {
    Component {
        name: format!("drift:{}", trouble.name),
        state: ComponentState::Degraded,
        detail: Some(trouble.sentence),
    }
}
