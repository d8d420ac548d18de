//! `photos` with a `data:` URI.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{Backend, GANGWAY, gangway, gangway_with, user};

const PHOTO: &str = "PUT /users/{id}/photo/$value";
const JPEG: [u8; 8] = [0xff, 0xd8, 0xff, 0xe0, 0, 16, b'J', b'F'];
const PNG: [u8; 8] = [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n'];

fn with_photo(kind: &str, bytes: &[u8]) -> Value {
    let mut body = user("ann.berg");
    let uri = format!("data:{kind};base64,{}", STANDARD.encode(bytes));
    body["photos"] = json!([{"value": uri, "type": "photo"}]);
    body
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_picture_is_sent_once_for_each_change_of_it(#[case] backend: Backend) {
    let Some(gangway) = gangway_with(backend, |config| config.defaults.photo = true).await else {
        return;
    };
    let scim = gangway.scim();
    let first = with_photo("image/jpeg", &JPEG);
    let created = scim.post("/Users", &first).await.expect(201);
    assert_eq!(gangway.settled(&created.path()).await, "synced");
    assert_eq!(gangway.simulator().count(PHOTO), 1);
    scim.put(&created.path(), &first).await.expect(200);
    assert_eq!(gangway.simulator().count(PHOTO), 1, "the same picture");
    scim.put(&created.path(), &with_photo("image/png", &PNG)).await.expect(200);
    assert_eq!(gangway.settled(&created.path()).await, "synced");
    assert_eq!(gangway.simulator().count(PHOTO), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_consent_no_picture_leaves() {
    let gangway = gangway(Backend::Sqlite).await.unwrap();
    let created = gangway.scim().post("/Users", &with_photo("image/jpeg", &JPEG)).await.expect(201);
    assert_eq!(gangway.settled(&created.path()).await, "synced");
    assert_eq!(gangway.simulator().count(PHOTO), 0);
}

#[rstest]
#[case::other_kind("image/gif", b"GIF89a..")]
#[case::not_what_it_says("image/jpeg", b"<html>..")]
#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_picture_is_told_and_hinders_nothing(#[case] kind: &str, #[case] bytes: &[u8]) {
    let gangway = gangway_with(Backend::Sqlite, |config| config.defaults.photo = true).await.unwrap();
    let created = gangway.scim().post("/Users", &with_photo(kind, bytes)).await.expect(201);
    gangway.settled(&created.path()).await;
    assert_eq!(gangway.account("ann.berg").get("accountEnabled"), true);
    assert_eq!(gangway.simulator().count(PHOTO), 0);
    let asked = format!("{}?attributes={GANGWAY}:syncError", created.path());
    let read = gangway.scim().get(&asked).await.expect(200);
    assert!(
        read.body[GANGWAY]["syncError"].as_str().is_some_and(|text| text.contains("photo")),
        "{}",
        read.text
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_elsewhere_is_never_fetched() {
    let gangway = gangway_with(Backend::Sqlite, |config| config.defaults.photo = true).await.unwrap();
    let mut body = user("ann.berg");
    let elsewhere = format!("{}photo.jpg", gangway.simulator_url());
    body["photos"] = json!([{"value": elsewhere, "type": "photo"}]);
    let created = gangway.scim().post("/Users", &body).await.expect(201);
    assert_eq!(gangway.settled(&created.path()).await, "synced");
    assert_eq!(gangway.simulator().count(PHOTO), 0);
    let asked = gangway.simulator().exchanges();
    assert!(asked.iter().all(|one| one["path"] != "/photo.jpg"), "{asked:?}");
}
