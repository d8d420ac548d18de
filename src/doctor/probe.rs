//! Asks a tenant, by reads alone.

use std::time::Duration;

use super::facts::{Credential, Login, Seen, State, Tenant};
use crate::clock::Clock;
use crate::graph::{AccountId, Call, Cloud, Error, Graph, discover};
use crate::settings::Settings;

/// Names of the never-touch list that are looked up: each costs a call.
const MOST_NAMES: usize = 50;

/// A connection as the database has it, and how its tenant is reached; None where it is not.
pub(super) struct Known {
    pub(super) tenant: Tenant,
    pub(super) client: Option<(Graph, Cloud)>,
    pub(super) timeout: Duration,
    pub(super) connect_timeout: Duration,
}

/// The connection with what its tenant answers. One that is switched off, or that cannot sign in as it is, is not asked.
pub(super) async fn tenant(known: Known, clock: &Clock) -> Tenant {
    let Known { mut tenant, client, timeout, connect_timeout } = known;
    let Some((graph, cloud)) = client.filter(|_| can_be_asked(&tenant, clock)) else {
        return tenant;
    };
    let mut seen = Seen::default();
    let login = discover(&cloud, &tenant.tenant, timeout, connect_timeout).await;
    let login = login.map(|found| Login {
        ahead: found.date.map(|date| (clock.now() - date).whole_seconds()),
        odd: (!found.is_of_a_login_host()).then(|| format!("HTTP {} {}", found.status, found.content_type)),
    });
    let answers = matches!(&login, Ok(Login { odd: None, .. }));
    seen.login = Some(login);
    if answers {
        ask(&graph, clock, &tenant, &mut seen).await;
    }
    tenant.seen = Some(seen);
    tenant
}

fn can_be_asked(tenant: &Tenant, clock: &Clock) -> bool {
    let signs_in = match &tenant.credential {
        Credential::Certificate(end) => *end > clock.millis(),
        Credential::NotAuthorized | Credential::Unusable(_) => false,
        Credential::Secret | Credential::Federated | Credential::Delegated { .. } => true,
    };
    // Where somebody must sign in again, nobody can: asking would only say it a second time.
    tenant.state == State::Active && signs_in
}

async fn ask(graph: &Graph, clock: &Clock, tenant: &Tenant, seen: &mut Seen) {
    let token = graph.ensure_token().await.map(|_| ());
    let held = token.is_ok();
    seen.token = Some(token);
    if !held {
        return;
    }
    seen.permissions = graph.permissions();
    seen.roles = roles(graph, clock, &tenant.credential).await;
    let organization = graph.organization(&Call::new(clock)).await.map(|reply| reply.value);
    // A host that is not Microsoft Graph's, or another's tenant, is not asked on.
    let goes_on = match &organization {
        Ok(there) => uuid::Uuid::parse_str(&tenant.tenant).map_or(true, |wanted| wanted == there.id),
        Err(error) => matches!(error, Error::Forbidden(_)),
    };
    seen.organization = Some(organization);
    if !goes_on {
        return;
    }
    seen.domains = Some(graph.domains(&Call::new(clock)).await.map(|reply| reply.value));
    seen.skus = Some(graph.subscribed_skus(&Call::new(clock)).await.map(|reply| reply.value));
    if let Ok(settings) = &tenant.settings {
        seen.unknown_names = unknown_names(graph, clock, settings).await;
    }
}

/// The roles of the one who signs in; None where they cannot be read.
async fn roles(graph: &Graph, clock: &Clock, credential: &Credential) -> Option<Vec<String>> {
    if !matches!(credential, Credential::Delegated { .. }) {
        return graph.claims()?.directory_roles;
    }
    let me = graph.me(&Call::new(clock)).await.ok()?.value;
    let belonging = graph.belonging(&Call::new(clock), &me).await.ok()?;
    Some(belonging.value.roles)
}

/// Those of the never-touch list whom nobody in the tenant is. A name that cannot be looked up is taken to be known.
async fn unknown_names(graph: &Graph, clock: &Clock, settings: &Settings) -> Vec<String> {
    let mut unknown = Vec::new();
    for name in settings.never_touch.iter().take(MOST_NAMES) {
        let call = Call::new(clock);
        let is_known = match name.trim().parse::<AccountId>() {
            Ok(id) => !matches!(graph.user(&call, &id).await, Err(Error::NotFound(_))),
            Err(_) => {
                !matches!(graph.user_by_upn(&call, name.trim()).await, Ok(reply) if reply.value.is_none())
            }
        };
        if !is_known {
            unknown.push(name.clone());
        }
    }
    unknown
}
