//! The HTTP server: routes, middleware, start and stop.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::middleware::{NormalizePath, from_fn};
use actix_web::web::{self, Data, PayloadConfig};
use actix_web::{App, HttpServer};
use tokio::task::JoinHandle;
use tracing_actix_web::TracingLogger;
use utoipa_actix_web::scope;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{State, head, health, insights, meter, metrics, negotiate, oauth, openapi, scim};

/// A server that listens.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    handle: ServerHandle,
    running: JoinHandle<io::Result<()>>,
}

/// A server that cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The address is taken or not allowed.
    #[error(
        "the server cannot listen on {address}: {source}; choose another address with --listen or GANGWAY_LISTEN"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

impl Server {
    /// Starts to listen on `address`; port 0 takes any free one. Runs until [`Server::stop`].
    pub fn start(
        address: SocketAddr,
        state: State,
        workers: usize,
        grace: Duration,
    ) -> Result<Self, ServerError> {
        let fault = |source| ServerError::Listen { address, source };
        let listener = TcpListener::bind(address).map_err(fault)?;
        let bound = listener.local_addr().map_err(fault)?;
        let mut server = HttpServer::new(move || {
            App::new()
                .app_data(Data::new(state.clone()))
                .app_data(PayloadConfig::new(state.max_body_bytes))
                .wrap(from_fn(head::by_get))
                .wrap(from_fn(negotiate::label))
                .wrap(from_fn(meter::measure))
                .wrap(TracingLogger::default())
                .wrap(NormalizePath::trim())
                // The outermost: before anything logs the address.
                .wrap(from_fn(oauth::hide_answer))
                .configure(routes)
        })
        .disable_signals()
        .shutdown_timeout(grace.as_secs().max(1));
        if workers > 0 {
            server = server.workers(workers);
        }
        let server = server.listen(listener).map_err(fault)?.run();
        let handle = server.handle();
        Ok(Self { address: bound, handle, running: tokio::spawn(server) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no new requests and waits for the running ones.
    pub async fn stop(self) {
        self.handle.stop(true).await;
        if let Err(error) = self.running.await {
            tracing::error!(%error, "the HTTP server ended with a panic");
        }
    }
}

/// The endpoints that the OpenAPI document describes.
pub(super) fn described(config: &mut ServiceConfig<'_>) {
    config
        .service(scope("/scim/v2").configure(scim::described))
        .service(scope("/insights/directory/v1").service(insights::query_events))
        .service(oauth::begin_authorization)
        .service(oauth::begin_consent)
        .service(oauth::come_back)
        .service(health::live)
        .service(health::ready)
        .service(metrics::show_metrics)
        .service(openapi::show_openapi);
}

fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::scope("/scim/v2").configure(scim::routes))
        .service(web::scope("/scim").configure(scim::routes))
        .service(web::scope("/insights/directory/v1").service(insights::query_events))
        .service(oauth::begin_authorization)
        .service(oauth::begin_consent)
        .service(oauth::come_back)
        .service(health::live)
        .service(health::ready)
        .service(metrics::show_metrics)
        .service(openapi::show_openapi)
        .default_service(web::to(scim::no_route));
}
