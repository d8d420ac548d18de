//! Organizations, upstreams, tokens, connections and domains.

use rstest::rstest;
use serde_json::json;

use super::connections::{self, ConnectionState, GrantKind};
use super::domains::{self, Domain};
use super::testing::{Backend, connection, fixture, new_connection, new_id, new_organization, write};
use super::tokens::{self, NewToken};
use super::upstreams::{self, Upstream};
use super::{Error, Sealed, Unique};
use crate::ids::{OrganizationId, TokenId, UpstreamId};

fn upstream(organization: OrganizationId, name: &str) -> Upstream {
    Upstream {
        id: UpstreamId(new_id()),
        organization,
        name: name.to_owned(),
        dialect: "okta".to_owned(),
        created_at: 1,
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_token_is_found_by_its_hash_until_it_is_revoked(#[case] backend: Backend) {
    let Some(db) = fixture(backend).await else { return };
    let okta = upstream(db.organization, "okta");
    let mut hash = [7_u8; 32];
    hash[0] = 0;
    let token = NewToken {
        id: TokenId(new_id()),
        organization: db.organization,
        upstream: Some(okta.id),
        name: "first".to_owned(),
        hash,
        prefix: "gw_abc".to_owned(),
        scopes: vec!["scim".to_owned(), "insights".to_owned()],
        created_at: 5,
        expires_at: Some(99),
    };
    // The same first bytes, another token: both are found, the caller compares the whole hash.
    let mut near = NewToken {
        id: TokenId(new_id()),
        upstream: None,
        scopes: Vec::new(),
        created_at: 6,
        ..token.clone()
    };
    near.hash[31] = 8;
    let (row, first, second) = (okta.clone(), token.clone(), near.clone());
    write(&db.store, move |tx| {
        Box::pin(async move {
            upstreams::insert(tx, &row).await?;
            tokens::insert(tx, &first).await?;
            tokens::insert(tx, &second).await
        })
    })
    .await
    .unwrap();

    let key = tokens::lookup_key(&token.hash);
    assert_eq!(key, "0007070707070707");
    let mut found = tokens::by_lookup(&db.store, &key).await.unwrap();
    found.sort_by_key(|token| token.created_at);
    assert_eq!(found, tokens::list(&db.store, db.organization).await.unwrap());
    assert_eq!((found[0].hash, found[1].hash), (token.hash, near.hash));
    assert_eq!((found[0].upstream.clone(), found[1].upstream.clone()), (Some(okta), None));
    assert_eq!((found[0].scopes.clone(), found[1].scopes.clone()), (token.scopes, Vec::new()));
    assert_eq!((found[0].expires_at, found[0].revoked_at), (Some(99), None));
    assert_eq!(tokens::by_lookup(&db.store, "0007070707070708").await.unwrap(), []);

    let other = new_organization(&db.store).await;
    for (organization, at, expected) in
        [(other, 10, false), (db.organization, 11, true), (db.organization, 12, false)]
    {
        let revoked = write(&db.store, move |tx| {
            Box::pin(async move { tokens::revoke(tx, organization, token.id, at).await })
        });
        assert_eq!(revoked.await.unwrap(), expected);
    }
    assert_eq!(tokens::list(&db.store, db.organization).await.unwrap()[0].revoked_at, Some(11));
    assert_eq!(tokens::list(&db.store, other).await.unwrap(), []);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn an_upstreams_name_is_unique_in_its_organization(#[case] backend: Backend) {
    let Some(db) = fixture(backend).await else { return };
    let other = new_organization(&db.store).await;
    let rows =
        [upstream(db.organization, "okta"), upstream(other, "okta"), upstream(db.organization, "entra")];
    let stored = rows.clone();
    write(&db.store, move |tx| {
        Box::pin(async move {
            for row in &stored {
                upstreams::insert(tx, row).await?;
            }
            Ok(())
        })
    })
    .await
    .unwrap();
    let twin = upstream(db.organization, "okta");
    let refused =
        write(&db.store, move |tx| Box::pin(async move { upstreams::insert(tx, &twin).await })).await;
    assert!(matches!(refused, Err(Error::Taken(Unique::Upstream))));

    let [okta, _, entra] = rows;
    assert_eq!(upstreams::list(&db.store, db.organization).await.unwrap(), [entra, okta.clone()]);
    assert_eq!(upstreams::by_name(&db.store, db.organization, "okta").await.unwrap(), Some(okta.clone()));
    assert_eq!(upstreams::get(&db.store, db.organization, okta.id).await.unwrap(), Some(okta.clone()));
    assert_eq!(upstreams::get(&db.store, other, okta.id).await.unwrap(), None);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_connection_is_kept_whole(#[case] backend: Backend) {
    let Some(db) = fixture(backend).await else { return };
    let mut row = connection(db.organization);
    let inserted = row.clone();
    row.name = "main".to_owned();
    row.login_url = Some("http://127.0.0.1:1".to_owned());
    row.credential = Some(Sealed::from(vec![1, 2, 250]));
    row.settings = json!({ "password": { "min": 8 } });
    row.default_domain = Some("contoso.example".to_owned());
    row.grant = GrantKind::Delegated;
    row.state = ConnectionState::NeedsAuthorization;
    row.state_detail = Some("invalid_grant".to_owned());
    row.clearing = true;
    row.wished_domains = Some(vec!["contoso.example".to_owned()]);
    row.wished_default = Some("contoso.example".to_owned());
    row.domains_read_at = Some(7);
    let updated = row.clone();
    write(&db.store, move |tx| {
        Box::pin(async move {
            connections::insert(tx, &inserted).await?;
            connections::update(tx, &updated).await
        })
    })
    .await
    .unwrap();
    assert_eq!(connections::get(&db.store, db.organization, row.id).await.unwrap(), Some(row.clone()));
    assert_eq!(connections::by_name(&db.store, db.organization, "main").await.unwrap(), Some(row.clone()));
    assert_eq!(connections::list(&db.store, db.organization).await.unwrap().len(), 2);
    assert_eq!(connections::all(&db.store).await.unwrap().len(), 2);
    assert!(format!("{row:?}").contains("credential: Some([sealed])"));

    let other = new_organization(&db.store).await;
    assert_eq!(connections::get(&db.store, other, row.id).await.unwrap(), None);
    row.organization = other;
    let refused =
        write(&db.store, move |tx| Box::pin(async move { connections::update(tx, &row).await })).await;
    assert!(matches!(refused, Err(Error::Missing("connection"))));
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_domain_belongs_to_one_connection(#[case] backend: Backend) {
    let Some(db) = fixture(backend).await else { return };
    let domain = Domain {
        name: "Contoso.Example".to_owned(),
        organization: db.organization,
        connection: db.connection,
        is_default: true,
        federated: false,
        created_at: 3,
    };
    let row = domain.clone();
    write(&db.store, move |tx| Box::pin(async move { domains::insert(tx, &row).await })).await.unwrap();
    let stored = Domain { name: "contoso.example".to_owned(), ..domain.clone() };
    assert_eq!(domains::list(&db.store, db.organization).await.unwrap(), std::slice::from_ref(&stored));
    let found = domains::get(&db.store, db.organization, "CONTOSO.example").await.unwrap();
    assert_eq!(found, Some(stored.clone()));
    let federated = Domain { federated: true, is_default: false, ..stored };
    let row = federated.clone();
    write(&db.store, move |tx| Box::pin(async move { domains::update(tx, &row).await })).await.unwrap();
    let of = domains::of_connection(&db.store, db.organization, db.connection).await.unwrap();
    assert_eq!(of, [federated]);

    let other = new_organization(&db.store).await;
    let rival = Domain { organization: other, connection: new_connection(&db.store, other).await, ..domain };
    let refused =
        write(&db.store, move |tx| Box::pin(async move { domains::insert(tx, &rival).await })).await;
    assert!(matches!(refused, Err(Error::Taken(Unique::Domain))));
    assert_eq!(domains::get(&db.store, other, "contoso.example").await.unwrap(), None);
    for (organization, expected) in [(other, false), (db.organization, true), (db.organization, false)] {
        let removed = write(&db.store, move |tx| {
            Box::pin(async move { domains::remove(tx, organization, "contoso.EXAMPLE").await })
        });
        assert_eq!(removed.await.unwrap(), expected);
    }
}
