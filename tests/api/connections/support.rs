//! A second tenant beside the one that every server has.

use gangway::simulator::{DomainSeed, Simulator, TenantSeed};
use secrecy::ExposeSecret as _;

use crate::support::{Ended, Gangway, simulator_with};

pub(crate) fn domain(name: &str, verified: bool) -> DomainSeed {
    DomainSeed { name: name.to_owned(), is_default: false, verified, federated: false }
}

/// A tenant with these domains, the first of them its default, and an application that `adjust` changes.
pub(crate) async fn tenant_of(domains: Vec<DomainSeed>, adjust: impl FnOnce(&mut TenantSeed)) -> Simulator {
    simulator_with(|options| {
        options.tenant.domains = domains;
        if let Some(first) = options.tenant.domains.first_mut() {
            first.is_default = true;
        }
        options.tenant.users.clear();
        adjust(&mut options.tenant);
    })
    .await
}

/// Runs `connection add NAME` for this tenant with the secret of its application and these further arguments.
pub(crate) async fn add(gangway: &mut Gangway, name: &str, microsoft: &Simulator, more: &[&str]) -> Ended {
    let seed = TenantSeed::contoso();
    let secret = seed.apps[0].client_secret.expose_secret().to_owned();
    add_with(gangway, name, microsoft, more, &[("GANGWAY_CLIENT_SECRET", &secret)]).await
}

/// The same with these settings in place of the secret.
pub(crate) async fn add_with(
    gangway: &mut Gangway,
    name: &str,
    microsoft: &Simulator,
    more: &[&str],
    settings: &[(&str, &str)],
) -> Ended {
    let seed = TenantSeed::contoso();
    let (tenant, client) = (seed.tenant_id.to_string(), seed.apps[0].client_id.to_string());
    let url = microsoft.url().to_string();
    let mut arguments = vec![
        "connection",
        "add",
        name,
        "--tenant",
        &tenant,
        "--client-id",
        &client,
        "--login-url",
        &url,
        "--graph-url",
        &url,
    ];
    arguments.extend(more);
    gangway.command(&arguments, settings).await
}

/// A user of this name.
pub(crate) fn named(user_name: &str) -> serde_json::Value {
    let local = user_name.split('@').next().unwrap_or_default();
    serde_json::json!({
        "schemas": [crate::support::USER],
        "userName": user_name,
        "displayName": local,
        "name": {"givenName": local, "familyName": "Berg"},
    })
}
