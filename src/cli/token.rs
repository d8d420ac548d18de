//! `gangway token create|list|revoke`.

use std::collections::BTreeSet;

use anyhow::{Context as _, bail};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::app::Core;
use crate::clock::{self, Clock};
use crate::config::Config;
use crate::directory::{DEFAULT_NAME, NewAccess, Scope};
use crate::ids::TokenId;
use crate::scim::Dialect;

/// What to do with tokens.
#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Make a token; it is shown this once
    Create {
        /// What the token is called
        #[arg(long, default_value = "token")]
        name: String,
        /// The upstream that it speaks for; made when there is none of that name
        #[arg(long, default_value = DEFAULT_NAME)]
        upstream: String,
        /// The dialect of an upstream that is made: auto, entra, okta, jumpcloud, onelogin, …
        #[arg(long, default_value = "auto")]
        dialect: Dialect,
        /// What it may do: scim, insights; give it several times for several
        #[arg(long = "scope", default_values = ["scim", "insights"])]
        scopes: Vec<Scope>,
        /// When it ends: a number of days, or a time such as 2027-01-31T00:00:00Z
        #[arg(long)]
        expires: Option<String>,
    },
    /// List all tokens
    List,
    /// Revoke a token; it is refused from now on
    Revoke {
        /// Its id, as `gangway token list` shows it
        id: TokenId,
    },
}

pub(super) async fn run(config: &Config, command: Command) -> anyhow::Result<()> {
    let clock = Clock::system();
    let core = Core::open(config, &clock).await?;
    match command {
        Command::Create { name, upstream, dialect, scopes, expires } => {
            let expires_at = expires.map(|text| expiry(&text, &clock)).transpose()?;
            let new = NewAccess {
                organization: DEFAULT_NAME.to_owned(),
                upstream,
                dialect,
                name,
                scopes: BTreeSet::from_iter(scopes),
                expires_at,
            };
            let (id, token) = core.directory.create_token(new).await?;
            println!("{}", token.expose());
            eprintln!("token {id}, shown only now");
        }
        Command::List => list(&core, &clock).await?,
        Command::Revoke { id } => {
            if !core.directory.revoke_token(core.organization, id).await? {
                bail!("there is no valid token with the id {id}; see `gangway token list`");
            }
            println!("token {id} is revoked");
        }
    }
    Ok(())
}

async fn list(core: &Core, clock: &Clock) -> anyhow::Result<()> {
    for token in core.directory.tokens(core.organization).await? {
        let state = match (token.revoked_at, token.expires_at) {
            (Some(at), _) => format!("revoked {}", clock::rfc3339(at)),
            (None, Some(at)) if at <= clock.millis() => format!("expired {}", clock::rfc3339(at)),
            (None, Some(at)) => format!("until {}", clock::rfc3339(at)),
            (None, None) => "valid".to_owned(),
        };
        println!(
            "{}  {}…  {}  {}  {}  {state}",
            token.id,
            token.prefix,
            token.name,
            token.upstream.as_deref().unwrap_or("-"),
            token.scopes.join("+"),
        );
    }
    Ok(())
}

fn expiry(text: &str, clock: &Clock) -> anyhow::Result<i64> {
    const DAY: i64 = 24 * 60 * 60 * 1000;
    if let Ok(days) = text.parse::<u16>() {
        return Ok(clock.millis() + i64::from(days) * DAY);
    }
    let at = OffsetDateTime::parse(text, &Rfc3339).with_context(|| {
        format!("--expires \"{text}\" is neither a number of days nor a time such as 2027-01-31T00:00:00Z")
    })?;
    Ok(clock::millis(at))
}
