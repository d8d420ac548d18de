//! The way to Microsoft's sign-in page, for the directory, which may not name Microsoft Graph.

use std::sync::Arc;

use futures_util::FutureExt as _;
use secrecy::SecretString;
use url::Url;
use uuid::Uuid;

use crate::clock::Clock;
use crate::directory::authorize::{Answer, Begun, Redemption, SignIn};
use crate::directory::connections::Granted;
use crate::graph::authorize::{self, Callback};
use crate::graph::{self, Call, Graph};
use crate::provision::Clients;
use crate::store::connections::Connection;

/// The way by these clients.
pub(super) fn sign_in(clients: &Arc<Clients>, clock: &Clock) -> SignIn {
    let (for_begin, for_consent, for_redeem) =
        (Arc::clone(clients), Arc::clone(clients), Arc::clone(clients));
    let clock = clock.clone();
    SignIn {
        begin: Arc::new(move |connection, redirect| begin(&for_begin, connection, redirect)),
        consent: Arc::new(move |connection, redirect, state| {
            consent(&for_consent, connection, redirect, state)
        }),
        read: Arc::new(read),
        redeem: Arc::new(move |connection, redemption| {
            let (clients, clock) = (Arc::clone(&for_redeem), clock.clone());
            async move { redeem(&clients, &clock, &connection, redemption).await }.boxed()
        }),
    }
}

fn begin(clients: &Clients, connection: &Connection, redirect: &str) -> Result<Begun, String> {
    let application = clients.application(connection).map_err(|error| error.to_string())?;
    let begun = application.begin(&address(redirect)?).map_err(|error| error.to_string())?;
    let authorize::Begun { url, state, nonce, verifier } = begun;
    Ok(Begun { url: url.into(), state, nonce, verifier })
}

fn consent(
    clients: &Clients,
    connection: &Connection,
    redirect: &str,
    state: &SecretString,
) -> Result<String, String> {
    let application = clients.consent(connection).map_err(|error| error.to_string())?;
    let url = application.admin_consent_url(&address(redirect)?, state);
    url.map(String::from).map_err(|error| error.to_string())
}

fn read(query: &str) -> Result<Answer, String> {
    Ok(match Callback::parse(query).map_err(|error| error.to_string())? {
        Callback::Code { code, state } => Answer::Code { code, state },
        Callback::Consent { state, .. } => Answer::Consent { state },
        Callback::Refused { refusal, state } => Answer::Refused { sentence: refusal.advice(), state },
    })
}

async fn redeem(
    clients: &Clients,
    clock: &Clock,
    connection: &Connection,
    redemption: Redemption,
) -> Result<Granted, String> {
    let Redemption { code, nonce, verifier, redirect } = redemption;
    let application = clients.application(connection).map_err(|error| error.to_string())?;
    let granted =
        application.redeem(&address(&redirect)?, &code, &verifier, &nonce, clock, clients.limits()).await;
    let granted = granted.map_err(|error| error.to_string())?;
    let graph = clients.with_token(connection, granted.access.clone()).map_err(|error| error.to_string())?;
    check(&graph, &Call::new(clock), connection, &granted).await?;
    Ok(Granted {
        refresh_token: granted.refresh,
        user_id: granted.user_id.to_string(),
        user_name: granted.user_name,
        scopes: granted.scopes,
    })
}

/// The roles of those who may authorize a connection: a delegated permission goes no further than the person's own.
const ROLES: [&str; 2] = ["Global Administrator", "User Administrator"];

/// Whether the person administers the tenant that the connection is for.
async fn check(
    graph: &Graph,
    call: &Call,
    connection: &Connection,
    granted: &authorize::Granted,
) -> Result<(), String> {
    let advice = |error: graph::Error| error.advice();
    let tenant = graph.organization(call).await.map_err(advice)?.value.id;
    if tenant != granted.tenant_id || connection.tenant.parse().is_ok_and(|wanted: Uuid| tenant != wanted) {
        return Err(format!(
            "the account belongs to the tenant {tenant}, and the connection \"{}\" is for {}: sign in with an \
             administrator's account of that tenant",
            connection.name, connection.tenant
        ));
    }
    let person = granted.user_id.to_string().parse().map_err(|_| "Microsoft named no account".to_owned())?;
    let belonging = graph.belonging(call, &person).await.map_err(advice)?.value;
    if belonging.roles.iter().any(|role| ROLES.contains(&role.as_str())) {
        return Ok(());
    }
    Err(format!(
        "{} holds no administrator role in the tenant with which accounts can be changed, so the connection could change nothing: \
         sign in as a User Administrator or a Global Administrator",
        granted.user_name
    ))
}

fn address(redirect: &str) -> Result<Url, String> {
    redirect.parse().map_err(|error| format!("{redirect} is no address ({error}); check public_url"))
}
