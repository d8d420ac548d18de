//! `gangway serve` and `gangway migrate`.

use tokio::signal::unix::{SignalKind, signal};

use crate::app::{App, Core};
use crate::clock::Clock;
use crate::config::Config;

/// Serves until Ctrl-C or SIGTERM.
pub(super) async fn run(config: Config) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let automated = config.bootstrap_token.is_some();
    let app = App::build(config, Clock::system()).await?;
    greet(&app, automated);
    app.run_until(async {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
    })
    .await;
    Ok(())
}

/// Brings the database up to date.
pub(super) async fn migrate(config: &Config) -> anyhow::Result<()> {
    Core::open(config, &Clock::system()).await?;
    println!("the database is up to date");
    Ok(())
}

fn greet(app: &App, automated: bool) {
    let base = app.scim_url();
    println!("Gangway {} is ready.\n", env!("CARGO_PKG_VERSION"));
    println!("  SCIM base URL  {base}");
    let token = match app.first_token() {
        Some(token) => {
            println!(
                "  Token          {}   (shown only now; more with `gangway token create`)",
                token.expose()
            );
            token.expose()
        }
        None if automated => {
            println!("  Token          the one in GANGWAY_BOOTSTRAP_TOKEN");
            "$GANGWAY_BOOTSTRAP_TOKEN"
        }
        None => {
            println!("  Token          as shown at the first start; a new one with `gangway token create`");
            "$TOKEN"
        }
    };
    if let Some(simulator) = app.simulator() {
        println!("  Microsoft 365  the built-in simulator, tenant contoso.example, at {}", simulator.url());
    }
    let domain = if app.simulator().is_some() { "contoso.example" } else { "your-domain.example" };
    println!("\nCreate a user:\n");
    println!(
        "  curl -s {base}/Users -H \"Authorization: Bearer {token}\" -H 'Content-Type: application/scim+json' \\"
    );
    println!(
        "    -d '{{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\"],\"userName\":\"ann.berg@{domain}\",\
         \"name\":{{\"givenName\":\"Ann\",\"familyName\":\"Berg\"}}}}'\n"
    );
}
