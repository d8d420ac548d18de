use rstest::rstest;
use url::form_urlencoded;

use super::*;
use crate::directory::testing::{Backend, START, World, new, world};
use crate::directory::{NewConnection, NewCredential};
use crate::store::connections::ConnectionState;

const BASE: &str = "https://gangway.example";

/// A Microsoft that takes the code `good`.
fn microsoft() -> SignIn {
    SignIn {
        begin: Arc::new(|connection, redirect| {
            let state = BearerToken::generate().expose().to_owned();
            Ok(Begun {
                url: format!(
                    "https://login.example/{}?state={state}&redirect_uri={redirect}",
                    connection.tenant
                ),
                state: state.into(),
                nonce: "nonce".into(),
                verifier: "verifier".into(),
            })
        }),
        consent: Arc::new(|_, redirect, state| {
            Ok(format!(
                "https://login.example/consent?state={}&redirect_uri={redirect}",
                state.expose_secret()
            ))
        }),
        read: Arc::new(|query| {
            let take = |name: &str| {
                form_urlencoded::parse(query.as_bytes())
                    .find(|(found, _)| found == name)
                    .map(|(_, value)| SecretString::from(value.into_owned()))
            };
            let state = take("state");
            if take("error").is_some() {
                return Ok(Answer::Refused { sentence: "declined".to_owned(), state });
            }
            let state = state.ok_or("no state")?;
            Ok(match take("code") {
                Some(code) => Answer::Code { code, state },
                None => Answer::Consent { state },
            })
        }),
        redeem: Arc::new(|_, redemption| {
            Box::pin(async move {
                let Redemption { code, nonce, verifier, redirect } = redemption;
                assert_eq!(nonce.expose_secret(), "nonce");
                assert_eq!(verifier.expose_secret(), "verifier");
                assert_eq!(redirect, "https://gangway.example/oauth/callback");
                if code.expose_secret() != "good" {
                    return Err("the code is not good".to_owned());
                }
                Ok(Granted {
                    refresh_token: "refresh".into(),
                    user_id: "7".to_owned(),
                    user_name: "admin@contoso.example".to_owned(),
                    scopes: vec!["User.ReadWrite.All".to_owned()],
                })
            })
        }),
    }
}

async fn delegated(world: &World) -> ConnectionId {
    let credential = NewCredential::Delegated(None);
    world.connect(NewConnection { credential, ..new("main", &["contoso.example"]) }).await
}

fn state(way: &Way) -> String {
    let query = way.url.split_once('?').unwrap().1;
    let found = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "state");
    found.unwrap().1.into_owned()
}

/// The browser that was sent on `way` comes back.
async fn back(world: &World, way: &Way, query: &str) -> Result<Arrival, AuthorizeError> {
    let query = format!("state={}&{query}", state(way));
    let cookie = |name: &str| (name == way.cookie_name).then(|| way.cookie.expose_secret().to_owned());
    world.directory.come_back(&microsoft(), &query, cookie, world.origin()).await
}

async fn is_untouched(world: &World, id: ConnectionId) -> bool {
    world.connection(id).await.state == ConnectionState::NeedsAuthorization
        && world.refresh_token(id).await.is_none()
        && !world.told().await.contains(&"connection_authorized".to_owned())
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn the_browser_that_was_sent_authorizes_the_connection_once(#[case] backend: Backend) {
    let Some(world) = world(backend).await else { return };
    let id = delegated(&world).await;
    let way = world.directory.begin_authorization(&microsoft(), id, BASE).await.unwrap();
    assert_eq!(way.seconds, 600);
    assert!(!way.url.contains(way.cookie.expose_secret()));
    let arrival = back(&world, &way, "code=good").await.unwrap();
    let Arrival::Authorized { connection, administrator, .. } = arrival else { panic!("{arrival:?}") };
    assert_eq!((connection.as_str(), administrator.as_str()), ("main", "admin@contoso.example"));
    assert_eq!(world.connection(id).await.state, ConnectionState::Active);
    assert_eq!(world.refresh_token(id).await.as_deref(), Some("refresh"));
    assert!(matches!(back(&world, &way, "code=good").await, Err(AuthorizeError::UnknownState)));
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn what_is_not_good_leaves_everything_as_it_was(#[case] backend: Backend) {
    let Some(world) = world(backend).await else { return };
    let id = delegated(&world).await;
    let begin = async || world.directory.begin_authorization(&microsoft(), id, BASE).await.unwrap();

    for (query, says) in [("code=bad", "not good"), ("error=access_denied", "declined")] {
        let way = begin().await;
        let refused = back(&world, &way, query).await.unwrap_err();
        assert!(refused.to_string().contains(says), "{refused}");
        assert!(matches!(back(&world, &way, "code=good").await, Err(AuthorizeError::UnknownState)));
    }
    let (mine, other) = (begin().await, begin().await);
    let stolen = Way {
        url: mine.url.clone(),
        cookie_name: mine.cookie_name.clone(),
        cookie: other.cookie.clone(),
        seconds: 0,
    };
    assert!(matches!(back(&world, &stolen, "code=good").await, Err(AuthorizeError::OtherBrowser)));
    let way = begin().await;
    let none = world
        .directory
        .come_back(&microsoft(), &format!("state={}&code=good", state(&way)), |_| None, world.origin())
        .await;
    assert!(matches!(none, Err(AuthorizeError::OtherBrowser)));
    for query in
        ["code=good", "state=&code=good", "state=short&code=good", "state=a-state-of-nobody-at-all&code=good"]
    {
        let refused = world.directory.come_back(&microsoft(), query, |_| None, world.origin()).await;
        assert!(matches!(refused, Err(AuthorizeError::UnknownState | AuthorizeError::Refused(_))), "{query}");
    }
    let consent = world.directory.begin_consent(&microsoft(), id, BASE).await.unwrap();
    assert!(matches!(back(&world, &consent, "code=good").await, Err(AuthorizeError::UnknownState)));
    let way = begin().await;
    world.clock.advance(LIFETIME);
    assert!(matches!(back(&world, &way, "code=good").await, Err(AuthorizeError::UnknownState)));
    assert!(is_untouched(&world, id).await);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn consent_is_told_with_the_next_step(#[case] backend: Backend) {
    let Some(world) = world(backend).await else { return };
    let id = delegated(&world).await;
    let application = world.connect(new("other", &["fabrikam.example"])).await;
    for (id, name, then) in [(id, "main", Some(id)), (application, "other", None)] {
        let way = world.directory.begin_consent(&microsoft(), id, BASE).await.unwrap();
        let arrival = back(&world, &way, "admin_consent=True").await.unwrap();
        assert_eq!(arrival, Arrival::Consented { connection: name.to_owned(), then });
    }
    assert!(is_untouched(&world, id).await);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn only_a_connection_that_asks_for_a_person_sends_one(#[case] backend: Backend) {
    let Some(world) = world(backend).await else { return };
    let begin = async |id| world.directory.begin_authorization(&microsoft(), id, BASE).await;
    let nobody = ConnectionId(uuid::Uuid::from_u128(7));
    assert!(matches!(begin(nobody).await, Err(AuthorizeError::NoSuch)));
    let application = world.connect(new("other", &["fabrikam.example"])).await;
    let refused = begin(application).await;
    assert!(matches!(refused, Err(AuthorizeError::Connection(ConnectionError::NotDelegated(_)))));
    let id = delegated(&world).await;
    let way = begin(id).await.unwrap();
    world.directory.deactivate(world.organization, id, world.origin()).await.unwrap();
    assert!(matches!(begin(id).await, Err(AuthorizeError::NotInUse(_))));
    assert!(matches!(back(&world, &way, "code=good").await, Err(AuthorizeError::NotInUse(_))));
    assert!(world.clock.millis() >= START);
}

#[rstest]
#[case(None, "127.0.0.1:8080", "http://127.0.0.1:8080")]
#[case(None, "0.0.0.0:8080", "http://localhost:8080")]
#[case(None, "[::]:9", "http://localhost:9")]
#[case(Some("https://gangway.example/"), "0.0.0.0:8080", "https://gangway.example")]
#[case(Some("https://example.com/gangway/"), "0.0.0.0:8080", "https://example.com/gangway")]
fn a_browser_finds_the_server(#[case] public: Option<&str>, #[case] listens: &str, #[case] base: &str) {
    let public = public.map(|url| url.parse().unwrap());
    assert_eq!(base_url(public.as_ref(), listens.parse().unwrap()), base);
}
