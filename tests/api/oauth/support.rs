//! A server with a connection that an administrator has to authorise.

use gangway::simulator::{DomainSeed, Simulator, TenantSeed};

use crate::support::{Backend, Browser, Gangway, Page, delegated_simulator_with, eventually, gangway};

pub(crate) const ADMIN: &str = "admin@contoso.example";
pub(crate) const PASSWORD: &str = "Simulator-Admin-1";
pub(crate) const DOMAIN: &str = "northwind.example";

/// A server, and a second tenant with a domain of its own that is to be connected.
pub(crate) struct World {
    pub(crate) gangway: Gangway,
    pub(crate) microsoft: Simulator,
    pub(crate) id: String,
}

/// A tenant with the domain `northwind.example`.
pub(crate) async fn northwind() -> Simulator {
    delegated_simulator_with(|options| {
        options.tenant.domains.push(DomainSeed {
            name: DOMAIN.to_owned(),
            is_default: false,
            verified: true,
            federated: false,
        });
    })
    .await
}

impl World {
    pub(crate) async fn new(backend: Backend) -> Option<Self> {
        let mut gangway = gangway(backend).await?;
        let microsoft = northwind().await;
        let id = connect(&mut gangway, &microsoft).await;
        Some(Self { gangway, microsoft, id })
    }

    /// Where the administrator begins.
    pub(crate) fn begin(&self) -> String {
        format!("{}/oauth/connect/{}", self.gangway.url(), self.id)
    }

    /// Signs in at Microsoft's page and consents where that is asked for.
    pub(crate) async fn sign_in(&self, browser: &mut Browser, name: &str, password: &str) -> Page {
        let page = browser.open(&self.begin()).await;
        assert_eq!(page.url.origin(), self.microsoft.url().origin(), "{}", page.text);
        let mut page = browser.submit(&page, &[("login", name), ("passwd", password)]).await;
        for _ in 0..3 {
            if page.url.origin() != self.microsoft.url().origin() || !page.text.contains("name=\"answer\"") {
                break;
            }
            page = browser.submit(&page, &[("answer", "accept")]).await;
        }
        page
    }

    /// The line of `/health/ready` about the connection.
    pub(crate) async fn health(&self) -> serde_json::Value {
        let ready = self.gangway.http().get("/health/ready").await.expect(200);
        let components = ready.body["components"].as_array().cloned().unwrap_or_default();
        components.into_iter().find(|one| one["name"] == "graph:northwind").unwrap_or_default()
    }

    /// Waits until the connection is in use.
    pub(crate) async fn is_up(&self) {
        eventually("the connection is in use", async || (self.health().await["state"] == "up").then_some(()))
            .await;
    }
}

/// Adds the connection `northwind`, for which an administrator signs in. Its id.
async fn connect(gangway: &mut Gangway, microsoft: &Simulator) -> String {
    let seed = TenantSeed::contoso();
    let (tenant, client) = (seed.tenant_id.to_string(), seed.apps[0].client_id.to_string());
    let secret = secrecy::ExposeSecret::expose_secret(&seed.apps[0].client_secret).to_owned();
    let url = microsoft.url().to_string();
    let arguments = [
        "connection",
        "add",
        "northwind",
        "--tenant",
        &tenant,
        "--client-id",
        &client,
        "--delegated",
        "--domain",
        DOMAIN,
        "--login-url",
        &url,
        "--graph-url",
        &url,
    ];
    let added = gangway.command(&arguments, &[("GANGWAY_CLIENT_SECRET", &secret)]).await;
    added.well().split_whitespace().nth(1).expect("the id of the connection").to_owned()
}

/// A user of the tenant that is to be authorised.
pub(crate) fn user(local: &str) -> serde_json::Value {
    serde_json::json!({
        "schemas": [crate::support::USER],
        "userName": format!("{local}@{DOMAIN}"),
        "displayName": local,
        "name": {"givenName": local, "familyName": "Berg"},
    })
}
