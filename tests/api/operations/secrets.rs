//! Secrets stay secret: in no log at any level, in no event, in no answer.

use std::fs;

use gangway::simulator::TenantSeed;
use rstest::rstest;
use secrecy::ExposeSecret as _;
use serde_json::json;

use crate::support::{
    Backend, Process, TOKEN, answer, command, database, on, patch, replace, simulator, user,
};

const PASSWORDS: [&str; 7] = [
    "First-Pass-11",
    "Second-Pass-22",
    "Third-Pass-33",
    "Waits-Pass-44",
    "Broken-Pass-55-is-too-long",
    "Refused-Pass-66",
    "Mangled-Pass-77",
];

#[rstest]
#[case::sqlite_text(Backend::Sqlite, "text")]
#[case::sqlite_json(Backend::Sqlite, "json")]
#[case::postgres(Backend::Postgres, "text")]
#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_logged_told_or_answered(#[case] backend: Backend, #[case] format: &str) {
    let Some(database) = database(backend).await else {
        return;
    };
    let (folder, simulator) = (tempfile::tempdir().unwrap(), simulator().await);
    let mut settings =
        vec![("GANGWAY_BOOTSTRAP_TOKEN", TOKEN), ("GANGWAY_LOG", "trace"), ("GANGWAY_LOG_FORMAT", format)];
    settings.extend(database.as_deref().map(|url| ("GANGWAY_DATABASE_URL", url)));
    settings.push(("GANGWAY_SETTLE_DEADLINE", "1s"));
    let server = Process::serve(folder.path(), &simulator.url(), &settings).await;
    let (scim, directory) = (server.scim(TOKEN), simulator.directory());
    let mut told = Vec::new();

    let mut body = user("ann.berg");
    body["password"] = json!(PASSWORDS[0]);
    let created = scim.post("/Users", &body).await.expect(201);
    let path = created.path();
    body["password"] = json!(PASSWORDS[1]);
    told.push(scim.put(&path, &body).await.expect(200).text);
    told.push(scim.patch(&path, &replace("password", PASSWORDS[2])).await.expect(200).text);
    // One that waits, and one that breaks a rule.
    directory.add_fault(on("PATCH", "/users/*", answer(429, "TooManyRequests", Some(2))));
    told.push(scim.patch(&path, &replace("password", PASSWORDS[3])).await.expect(200).text);
    told.push(scim.patch(&path, &replace("password", PASSWORDS[4])).await.expect(400).text);
    directory.clear_faults();
    // One that Microsoft refuses, in words that repeat it.
    let refusal = answer(400, "Request_BadRequest", None);
    directory.add_fault(on("PATCH", "/users/*", refusal));
    told.push(
        scim.patch(&path, &patch([json!({"op": "add", "value": {"password": PASSWORDS[5]}})])).await.text,
    );
    directory.clear_faults();
    // One in a body that cannot be read, and one where no password belongs.
    let mangled = format!("{{\"userName\": \"x\", \"password\": \"{}\",,}}", PASSWORDS[6]);
    let mangled = scim.send_bytes(reqwest::Method::POST, "/Users", Some(mangled.into_bytes())).await.unwrap();
    told.push(mangled.expect(400).text);
    told.push(scim.post("/Users", &json!({"userName": 5, "password": PASSWORDS[6]})).await.expect(400).text);
    told.push(
        scim.patch(
            &path,
            &json!({"Operations": [{"op": "add", "path": "password", "value": {"x": PASSWORDS[6]}}]}),
        )
        .await
        .expect(400)
        .text,
    );
    told.push(scim.clone().bearer("gw_not-a-token-that-anybody-knows").get("/Users").await.expect(401).text);
    directory.expire_tokens();
    scim.patch(&path, &replace("title", "Boss")).await.expect(200);

    let data = folder.path().to_str().unwrap();
    let mut settings = settings.clone();
    settings.push(("GANGWAY_DATA_DIR", data));
    let ready = server.http(TOKEN).get("/health/ready").await.expect(200);
    let made = command(folder.path(), &["token", "create"], &settings).await;
    let token = made.well().trim().to_owned();
    server.scim(&token).get("/Users").await.expect(200);
    let query = json!({"service": ["directory"], "start_time": "2020-01-01"});
    let events = server.http(TOKEN).post("/insights/directory/v1/events", &query).await.expect(200);
    told.extend([events.text, ready.text, made.stderr, server.output()]);

    let key = fs::read_to_string(folder.path().join("master.key")).unwrap();
    let client_secret = TenantSeed::contoso().apps[0].client_secret.expose_secret().to_owned();
    let secrets = [TOKEN, token.as_str(), key.trim(), client_secret.as_str(), "gw_not-a-token"];
    for text in &told {
        for secret in PASSWORDS.iter().chain(&secrets) {
            if let Some(at) = text.find(secret) {
                let from = text[..at].rfind('\n').map_or(0, |line| line + 1);
                let line: String = text[from..].chars().take(600).collect();
                panic!("{secret} is told: {line}");
            }
        }
    }
    let log = told.last().unwrap();
    assert!(log.contains("TRACE") && log.len() > 10_000, "the log was at the level trace:\n{log}");
    assert!(!log.to_lowercase().contains("bearer gw_"), "no header is logged");
}
