//! Paths, methods, ids, versions, queries and filters that are none.

use reqwest::Method;
use rstest::rstest;
use serde_json::json;

use super::{World, a_settled_user, refused};
use crate::support::{Backend, gangway, replace, user};

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn unknown_paths_are_not_found_in_the_scim_shape(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let path = a_settled_user(&gangway).await;
    let before = World::of(&gangway).await;
    let below = format!("{path}/emails");
    for base in ["/scim/v2", "/scim"] {
        for path in [
            "",
            "/",
            "/Nothing",
            "/users",
            "/groups",
            "/Me/x",
            "/Bulk/x",
            "/.search/x",
            "/Users/.search/x",
            "/Groups/.search/x",
            &below,
        ] {
            for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
                let label = format!("{method} {base}{path}");
                let answer = gangway.http().send(method, &format!("{base}{path}"), Some(&user("x"))).await;
                refused(&answer, 404, None, "/scim/v2/Users", &label);
            }
        }
    }
    let answer = gangway.http().get("/no/where").await;
    refused(&answer, 404, None, "nothing at this path", "/no/where");
    for path in
        ["/scim/v2/Schemas/urn:nothing", "/scim/v2/ResourceTypes/group", "/scim/v2/ResourceTypes/Users"]
    {
        let answer = gangway.http().get(path).await;
        refused(&answer, 404, None, path.rsplit('/').next().unwrap(), path);
    }
    assert_eq!(World::of(&gangway).await, before);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn methods_that_a_path_does_not_have_are_refused_with_those_it_has(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let path = a_settled_user(&gangway).await;
    let before = World::of(&gangway).await;
    let all = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];
    let schema = "/Schemas/urn:ietf:params:scim:schemas:core:2.0:User";
    for base in ["/scim/v2", "/scim"] {
        for (path, allowed) in [
            ("/Users", "GET, HEAD, POST"),
            (path.as_str(), "GET, HEAD, PUT, PATCH, DELETE"),
            ("/Groups", "GET, HEAD, POST"),
            ("/Groups/0197a0d4-0000-7000-8000-000000000000", "GET, HEAD, PUT, PATCH, DELETE"),
            ("/ServiceProviderConfig", "GET, HEAD"),
            ("/ResourceTypes", "GET, HEAD"),
            ("/ResourceTypes/User", "GET, HEAD"),
            ("/Schemas", "GET, HEAD"),
            ("/.search", "POST"),
            ("/Bulk", "POST"),
            ("/Users/.search", "POST"),
            ("/Groups/.search", "POST"),
            (schema, "GET, HEAD"),
        ] {
            for method in &all {
                if allowed.split(", ").any(|name| name == method.as_str()) {
                    continue;
                }
                let label = format!("{method} {base}{path}");
                let body = (method != Method::GET).then(|| user("x"));
                let answer =
                    gangway.http().send(method.clone(), &format!("{base}{path}"), body.as_ref()).await;
                refused(&answer, 405, None, allowed, &label);
                assert_eq!(answer.header("allow"), allowed, "{label}");
            }
        }
    }
    assert_eq!(World::of(&gangway).await, before);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn unknown_ids_are_not_found_whatever_the_verb(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    a_settled_user(&gangway).await;
    let gone = gangway.scim().post("/Users", &user("bo.vik")).await.expect(201);
    gangway.scim().delete(&gone.path()).await.expect(204);
    let before = World::of(&gangway).await;
    let (gone, account) = (gone.id(), gangway.account("ann.berg").id.to_string());
    let long = "7".repeat(5_000);
    for (id, shown) in [
        ("0197a0d4-0000-7000-8000-000000000000", None),
        (gone.as_str(), None),
        (account.as_str(), None),
        ("ann.berg@contoso.example", None),
        ("1", None),
        ("%00", Some("")),
        ("%F0%28%8C%28", Some("")),
        ("null", None),
        (long.as_str(), Some("777")),
        ("'%20OR%201=1--", Some("")),
    ] {
        let path = format!("/Users/{id}");
        for (method, body) in [
            (Method::GET, None),
            (Method::PUT, Some(user("ann.berg"))),
            (Method::PATCH, Some(replace("title", "Changed"))),
            (Method::DELETE, None),
        ] {
            let answer = gangway.scim().send(method.clone(), &path, body.as_ref()).await;
            refused(&answer, 404, None, shown.unwrap_or(id), &format!("{method} {path}"));
        }
    }
    assert_eq!(World::of(&gangway).await, before);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_stale_version_is_refused_on_every_write(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let path = a_settled_user(&gangway).await;
    gangway.scim().patch(&path, &replace("title", "Boss")).await.expect(200);
    let current = gangway.scim().get(&path).await.expect(200).header("etag").to_owned();
    let before = World::of(&gangway).await;
    let mut body = user("ann.berg");
    body["title"] = json!("Changed");
    for stale in ["W/\"1\"", "\"1\"", "W/\"99\"", "\"abc\"", "garbage", "W/\"1\", W/\"99\"", ""] {
        let client = gangway.scim().with("if-match", stale);
        for (method, body) in [
            (Method::PUT, Some(&body)),
            (Method::PATCH, Some(&replace("title", "Changed"))),
            (Method::DELETE, None),
        ] {
            let answer = client.send(method.clone(), &path, body).await;
            refused(&answer, 412, None, &current, &format!("{method} {stale}"));
        }
    }
    assert_eq!(World::of(&gangway).await, before);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn filters_that_cannot_be_read_are_refused_with_the_position(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    a_settled_user(&gangway).await;
    let before = World::of(&gangway).await;
    for (filter, says) in [
        ("userName", "position 8"),
        ("userName eq", "position 11"),
        ("userName is \"a\"", "position 9"),
        ("userName eq ann", "position 12"),
        ("userName eq 'ann'", "position 12"),
        ("userName eq \"ann", "position 12"),
        ("userName eq \"a\\x\"", "position 14"),
        ("userName eq \"a\" and", "position 19"),
        ("userName eq \"a\" \"b\"", "position 16"),
        ("(userName pr", "position 12"),
        ("userName pr)", "position 11"),
        ("and userName pr", "position"),
        ("not userName pr", "position 4"),
        ("emails[type eq \"work\"", "position 21"),
        ("emails[ims[type pr]]", "position 10"),
        ("userName eq 5", "userName must be compared with a string"),
        ("active gt true", "active can be filtered with"),
        ("active co \"t\"", "active"),
        ("active eq 5", "true or false"),
        ("meta.lastModified gt \"yesterday\"", "date and time"),
        ("meta.lastModified co \"2026\"", "meta.lastModified"),
        ("name eq \"Ann\"", "name.formatted"),
        ("password eq \"Aa1-xyzw\"", "password"),
        ("password pr", "password"),
        ("userName gt null", "null"),
        ("title[value eq \"x\"]", "title"),
    ] {
        let encoded: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
        let answer = gangway.scim().get(&format!("/Users?filter={encoded}")).await;
        refused(&answer, 400, Some("invalidFilter"), says, filter);
    }
    assert_eq!(World::of(&gangway).await, before);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn queries_that_make_no_sense_are_refused_by_name(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let path = a_settled_user(&gangway).await;
    let before = World::of(&gangway).await;
    for (query, says) in [
        ("startIndex=first", "startIndex"),
        ("startIndex=1.5", "startIndex"),
        ("count=all", "count"),
        ("sortBy=userName&sortOrder=sideways", "sortOrder"),
        ("attributes=userName&excludedAttributes=emails", "excludedAttributes"),
    ] {
        let answer = gangway.scim().get(&format!("/Users?{query}")).await;
        refused(&answer, 400, Some("invalidValue"), says, query);
    }
    let both = "attributes=userName&excludedAttributes=emails";
    for (method, body) in [
        (Method::PUT, Some(user("ann.berg"))),
        (Method::PATCH, Some(replace("title", "Changed"))),
        (Method::GET, None),
    ] {
        let answer = gangway.scim().send(method, &format!("{path}?{both}"), body.as_ref()).await;
        refused(&answer, 400, Some("invalidValue"), "excludedAttributes", both);
    }
    let answer = gangway.scim().post(&format!("/Users?{both}"), &user("bo.vik")).await;
    refused(&answer, 400, Some("invalidValue"), "excludedAttributes", both);
    for path in ["/Schemas", "/ResourceTypes", "/ServiceProviderConfig"] {
        let answer = gangway.scim().get(&format!("{path}?filter=id%20pr")).await;
        refused(&answer, 403, None, "cannot be filtered", path);
    }
    assert_eq!(World::of(&gangway).await, before);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn odd_urls_and_numbers_are_borne(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    a_settled_user(&gangway).await;
    let before = World::of(&gangway).await;
    for (query, total) in [
        ("startIndex=-9223372036854775808", 1),
        ("startIndex=9223372036854775807", 1),
        ("startIndex=99999999999999999999999999", 1),
        ("count=99999999999999999999999999", 1),
        ("startIndex=9223372036854775807&count=1000", 1),
        ("filter=&count=&startIndex=", 1),
        ("filter=userName%20eq%20%22a%5Cu0000b%22", 0),
        ("filter=title%20co%20%22%5Cu0000%22", 0),
        ("filter=emails.value%20sw%20%22%5Cu0000%22", 0),
        ("filter=id%20eq%20%22%5Cu0000%22", 0),
        ("filter=id%20eq%20%22not%20an%20id%22", 0),
        ("sortBy=userName&sortOrder=descending", 1),
        ("attributes=noSuchThing,%00,urn:x:y", 1),
        ("excludedAttributes=id,schemas", 1),
        ("unknown=%F0%28%8C%28&other", 1),
    ] {
        let answer = gangway.scim().get(&format!("/Users?{query}")).await;
        assert_eq!(answer.status, 200, "{query}: {}", answer.text);
        assert_eq!(answer.body["totalResults"], total, "{query}: {}", answer.text);
    }
    let raw_nul = gangway.scim().get("/Users?filter=userName%20eq%20%22%00%22").await;
    refused(&raw_nul, 400, Some("invalidFilter"), "position 13", "a raw U+0000");
    assert_eq!(World::of(&gangway).await, before);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_slash_at_the_end_is_no_other_path(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let path = a_settled_user(&gangway).await;
    for base in ["/scim/v2", "/scim"] {
        for path in ["/Users", path.as_str(), "/ServiceProviderConfig", "/Schemas", "/ResourceTypes"] {
            let plain = gangway.http().get(&format!("{base}{path}")).await.expect(200);
            let slashed = gangway.http().get(&format!("{base}{path}/")).await.expect(200);
            assert_eq!(plain.body, slashed.body);
        }
        for many in ["/Users/", "//Users", "/Users//", "///Users///"] {
            for (filter, total) in [("active%20eq%20true", 1), ("title%20eq%20%22//a/%22", 0)] {
                let found = gangway.http().get(&format!("{base}{many}?filter={filter}&count=1")).await;
                assert_eq!(found.expect(200).body["totalResults"], total, "{many} {filter}");
            }
        }
    }
    let created = gangway.scim().post("/Users/", &user("bo.vik")).await.expect(201);
    let path = format!("{}/", created.path());
    gangway.scim().patch(&path, &replace("title", "Guard")).await.expect(200);
    gangway.scim().delete(&path).await.expect(204);
}
