//! Reading: the media type, HEAD, and what is at no resource.

use reqwest::Method;
use rstest::rstest;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{Answer, Backend, Gangway, TOKEN, gangway, replace, user};

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn the_media_type_is_the_one_that_is_accepted(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let path = gangway.scim().post("/Users", &user("ann.berg")).await.expect(201).path();
    for (accept, expected) in [
        ("application/scim+json", "application/scim+json"),
        ("application/json", "application/json"),
        ("application/json, application/scim+json", "application/scim+json"),
        ("application/json, text/plain, */*", "application/json"),
        ("application/scim+json;q=0.1, application/json", "application/json"),
        ("application/scim+json, application/json;q=0.9", "application/scim+json"),
        ("application/json;q=0", "application/scim+json"),
        ("application/*", "application/scim+json"),
        ("*/*", "application/scim+json"),
        ("text/html", "application/scim+json"),
    ] {
        let client = gangway.scim().with("accept", accept);
        let answers = [
            client.get(&path).await.expect(200),
            client.get("/Users").await.expect(200),
            client.get("/Schemas").await.expect(200),
            client.get("/ServiceProviderConfig").await.expect(200),
            client.patch(&path, &replace("title", accept)).await.expect(200),
            client.get("/Users/none").await.expect(404),
            client.get("/Users?filter=x").await.expect(400),
            client.put("/Users", &json!({})).await.expect(405),
            client.get("/Nothing").await.expect(404),
            client.clone().without("authorization").get("/Users").await.expect(401),
        ];
        for answer in answers {
            assert_eq!(answer.header("content-type"), expected, "{accept}: {}", answer.text);
        }
    }
}

/// The headers that say something of the resource; each answer has a date and an id of its own.
fn headers(answer: &Answer) -> Vec<(String, String)> {
    let own = ["date", "x-request-id"];
    let named = answer.headers.iter().filter(|(name, _)| !own.contains(&name.as_str()));
    let mut all: Vec<_> =
        named.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    all.sort();
    all
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn head_answers_as_get_does_without_the_body(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let path = gangway.scim().post("/Users", &user("ann.berg")).await.expect(201).path();
    let known = gangway.http().with("if-none-match", "W/\"1\"");
    let nobody = gangway.http().without("authorization");
    let plain = gangway.http().with("accept", "application/json");
    for base in ["/scim/v2", "/scim"] {
        for (client, path, status) in [
            (&gangway.http(), path.as_str(), 200),
            (&gangway.http(), "/Users?filter=userName%20sw%20%22ann%22", 200),
            (&gangway.http(), "/Users?attributes=id&count=0", 200),
            (&gangway.http(), "/Users/?filter=x", 400),
            (&gangway.http(), "/Users/none", 404),
            (&gangway.http(), "/Schemas", 200),
            (&gangway.http(), "/ResourceTypes/User", 200),
            (&gangway.http(), "/ServiceProviderConfig", 200),
            (&gangway.http(), "/Nothing", 404),
            (&gangway.http(), "/.search", 405),
            (&gangway.http(), "/Me", 501),
            (&known, path.as_str(), 304),
            (&nobody, "/Users", 401),
            (&plain, path.as_str(), 200),
        ] {
            let path = format!("{base}{path}");
            let get = client.get(&path).await.expect(status);
            let head = client.send(Method::HEAD, &path, None).await.expect(status);
            assert_eq!(head.text, "", "{path}");
            assert_eq!(headers(&head), headers(&get), "{path}");
        }
    }
    for path in ["/health/live", "/health/ready", "/metrics", "/openapi.json"] {
        gangway.http().send(Method::HEAD, path, None).await.expect(200);
    }
}

/// What a server writes on the wire until it hangs up.
async fn wire(gangway: &Gangway, request: &str) -> String {
    let address = gangway.url().trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_follows_the_headers_of_a_head() {
    let Some(gangway) = gangway(Backend::Sqlite).await else {
        return;
    };
    let rest = format!("HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\nConnection: close\r\n\r\n");
    let get = wire(&gangway, &format!("GET /scim/v2/Schemas {rest}")).await;
    let head = wire(&gangway, &format!("HEAD /scim/v2/Schemas {rest}")).await;
    let (_, body) = get.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200") && head.ends_with("\r\n\r\n"), "{head}");
    assert!(head.contains(&format!("content-length: {}\r\n", body.len())), "{head}");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_me(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let methods = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
    for base in ["/scim/v2", "/scim"] {
        for method in &methods {
            let body = (method != Method::GET).then(|| user("ann.berg"));
            let path = format!("{base}/Me");
            let answer = gangway.http().send(method.clone(), &path, body.as_ref()).await.expect(501);
            assert!(answer.detail().contains("/Users/{id}"), "{}", answer.text);
            let nobody = gangway.http().without("authorization");
            nobody.send(method.clone(), &path, body.as_ref()).await.expect(401);
        }
    }
    assert_eq!(gangway.scim().get("/Users").await.expect(200).body["totalResults"], json!(0));
}
