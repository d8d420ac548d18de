//! Numbers and cursors of pages that cannot be.

use rstest::rstest;
use serde_json::{Value, json};

use super::{World, a_settled_group, refused};
use crate::support::{Backend, gangway};

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn odd_start_indexes_and_counts_are_made_good(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    a_settled_group(&gangway).await;
    for endpoint in ["/Users", "/Groups"] {
        // RFC 7644 §3.4.2.4: below 1 is 1, and below 0 is 0.
        for (query, start, found) in [
            ("startIndex=0", 1, 1),
            ("startIndex=-5", 1, 1),
            ("startIndex=-9223372036854775808", 1, 1),
            ("startIndex=2", 2, 0),
            ("startIndex=1000000000", 1_000_000_000, 0),
            ("startIndex=9223372036854775807", 9_223_372_036_854_775_807_i64, 0),
            ("count=0", 1, 0),
            ("count=-1", 1, 0),
            ("count=-9223372036854775808", 1, 0),
            ("count=1000000000", 1, 1),
            ("count=9223372036854775807", 1, 1),
        ] {
            let page = gangway.scim().get(&format!("{endpoint}?{query}")).await;
            assert_eq!(page.status, 200, "{endpoint}?{query}: {}", page.text);
            assert_eq!(page.body["totalResults"], 1, "{query}");
            assert_eq!(page.body["startIndex"], start, "{query}: {}", page.text);
            let resources = page.body["Resources"].as_array().map_or(0, Vec::len);
            assert_eq!(
                (resources, &page.body["itemsPerPage"]),
                (found, &json!(found)),
                "{query}: {}",
                page.text
            );
        }
        for query in [
            "startIndex=99999999999999999999",
            "count=99999999999999999999",
            "startIndex=one",
            "count=1.5",
            "startIndex=",
            "count=NaN",
        ] {
            let page = gangway.scim().get(&format!("{endpoint}?{query}")).await;
            assert!([200, 400].contains(&page.status), "{endpoint}?{query}: {}", page.text);
        }
        for body in [json!({"count": "many"}), json!({"startIndex": {}}), json!({"count": 1.5})] {
            let page = gangway.scim().post(&format!("{endpoint}/.search"), &body).await;
            assert!([200, 400].contains(&page.status), "{endpoint} {body}: {}", page.text);
        }
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn cursors_that_nobody_gave_are_refused(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let path = a_settled_group(&gangway).await;
    gangway.people(3).await;
    let before = World::of(&gangway).await;
    let scim = gangway.scim();
    let first = scim.get("/Users?count=2&cursor=").await.expect(200);
    let cursor = first.body["nextCursor"].as_str().unwrap().to_owned();
    let mut altered = cursor.clone().into_bytes();
    let middle = altered.len() / 2;
    altered[middle] = if altered[middle] == b'A' { b'B' } else { b'A' };
    let altered = String::from_utf8(altered).unwrap();
    let id = path.rsplit('/').next().unwrap();
    let long = "A".repeat(5_000);
    let odd = [
        "x",
        "AAAA",
        "%00",
        "%F0%9F%98%80",
        "null",
        "-1",
        "'; DROP TABLE scim_user; --",
        id,
        &altered,
        &long,
    ];
    for odd in odd {
        for endpoint in ["/Users", "/Groups"] {
            let answer = scim.get(&format!("{endpoint}?count=2&cursor={odd}")).await;
            refused(&answer, 400, Some("invalidCursor"), "", odd);
        }
    }
    // A cursor belongs to the query that gave it.
    for other in ["/Groups?", "/Users?filter=userName pr&", "/Users?sortBy=userName&"] {
        let answer = scim.get(&format!("{other}count=2&cursor={cursor}")).await;
        refused(&answer, 400, Some("invalidCursor"), "", other);
    }
    let both = scim.get(&format!("/Users?startIndex=1&cursor={cursor}")).await;
    assert_eq!(both.status, 400, "{}", both.text);
    for body in [json!({"cursor": 42}), json!({"cursor": {}}), json!({"cursor": "x"})] {
        let answer = scim.post("/Users/.search", &body).await;
        assert_eq!(answer.status, 400, "{body}: {}", answer.text);
    }
    let next = scim.get(&format!("/Users?count=2&cursor={cursor}")).await.expect(200);
    assert_eq!(next.body["Resources"].as_array().map(Vec::len), Some(2));
    assert_eq!(World::of(&gangway).await, before);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn odd_sorts_break_nothing(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    a_settled_group(&gangway).await;
    for endpoint in ["/Users", "/Groups"] {
        for query in [
            "sortBy=nothing",
            "sortBy=",
            "sortBy=userName&sortOrder=sideways",
            "sortOrder=descending",
            "sortBy=members",
            "sortBy=password",
            "sortBy=groups.display",
            "sortBy=emails[type eq \"work\"]",
            "sortBy=%00",
            "sortBy=meta",
            "sortBy=displayName desc; DROP TABLE scim_group",
        ] {
            let page = gangway.scim().get(&format!("{endpoint}?{query}")).await;
            assert!([200, 400].contains(&page.status), "{endpoint}?{query}: {}", page.text);
            if page.status == 400 {
                assert!(matches!(&page.body["scimType"], Value::String(_)), "{}", page.text);
                page.detail();
            }
        }
    }
}
