//! Bearer tokens: made, listed and revoked by the real program, kept as hashes.

use std::fs;
use std::path::Path;

use gangway::app::{App, AppError};
use gangway::clock::Clock;
use gangway::config::Config;
use rstest::rstest;
use sea_orm::{ConnectionTrait as _, Database, Statement};
use secrecy::ExposeSecret as _;
use serde_json::json;

use crate::support::{
    Backend, Client, Ended, Gangway, Process, TOKEN, command, eventually, gangway, simulator,
};

/// The settings by which a command finds the server's database.
fn settings(gangway: &mut Gangway) -> Vec<(&'static str, String)> {
    let mut settings = vec![
        ("GANGWAY_DATA_DIR", gangway.folder().display().to_string()),
        ("GANGWAY_SIMULATOR__MODE", "external".to_owned()),
        ("GANGWAY_SIMULATOR__URL", "http://127.0.0.1:9".to_owned()),
    ];
    if let Some(url) = &gangway.config().database_url {
        settings.push(("GANGWAY_DATABASE_URL", url.expose_secret().to_owned()));
    }
    settings
}

async fn token(gangway: &mut Gangway, arguments: &[&str]) -> Ended {
    let settings = settings(gangway);
    let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let arguments: Vec<&str> = ["token"].iter().chain(arguments).copied().collect();
    command(gangway.folder(), &arguments, &settings).await
}

/// The token that `gangway token create` prints, and its id.
fn made(ended: &Ended) -> (String, String) {
    let token = ended.well().strip_suffix('\n').expect("one line").to_owned();
    assert!(token.starts_with("gw_") && token.len() == 46, "{token}");
    let id = ended.stderr.lines().find_map(|line| line.strip_prefix("token "));
    let id = id.unwrap_or_else(|| panic!("no id on standard error: {ended:?}"));
    let id = id.split(',').next().unwrap().to_owned();
    assert!(!ended.stderr.contains(&token), "the token goes to standard output alone");
    (token, id)
}

/// The line of this token in the list.
async fn listed(gangway: &mut Gangway, id: &str) -> String {
    let list = token(gangway, &["list"]).await;
    let line = list.well().lines().find(|line| line.starts_with(id));
    line.unwrap_or_else(|| panic!("{id} is not in {}", list.stdout)).to_owned()
}

/// The statuses of a push and of a query for events.
async fn may(gangway: &Gangway, token: &str) -> (u16, u16) {
    let query = json!({"service": ["directory"], "start_time": "2020-01-01"});
    let events = gangway.http().bearer(token).post("/insights/directory/v1/events", &query).await;
    (gangway.scim().bearer(token).get("/Users").await.status, events.status)
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_made_listed_and_revoked_while_the_server_runs(#[case] backend: Backend) {
    let Some(mut gangway) = gangway(backend).await else {
        return;
    };
    let (both, both_id) = made(&token(&mut gangway, &["create"]).await);
    let pusher = ["create", "--name", "push", "--upstream", "okta", "--dialect", "okta", "--scope", "scim"];
    let (pusher, pusher_id) = made(&token(&mut gangway, &pusher).await);
    let (reader, reader_id) = made(&token(&mut gangway, &["create", "--scope", "insights"]).await);
    assert_eq!(may(&gangway, &both).await, (200, 200));
    assert_eq!(may(&gangway, &pusher).await, (200, 403));
    assert_eq!(may(&gangway, &reader).await, (403, 200));

    let line = listed(&mut gangway, &pusher_id).await;
    let expected = format!("{pusher_id}  {}…  push  okta  scim  valid", &pusher[..8]);
    assert_eq!(line, expected);
    assert!(listed(&mut gangway, &both_id).await.ends_with("…  token  default  scim+insights  valid"));
    let whole = token(&mut gangway, &["list"]).await.well().to_owned();
    assert_eq!(whole.lines().count(), 4, "three and the bootstrap token:\n{whole}");
    for text in [&both, &pusher, &reader, TOKEN] {
        assert!(!whole.contains(text), "{whole}");
    }

    let revoked = token(&mut gangway, &["revoke", &pusher_id]).await;
    assert_eq!(revoked.well(), format!("token {pusher_id} is revoked\n"));
    assert_eq!(may(&gangway, &pusher).await, (401, 401));
    assert_eq!(may(&gangway, &both).await, (200, 200), "the others are as they were");
    assert!(listed(&mut gangway, &pusher_id).await.contains("revoked 20"));
    let again = token(&mut gangway, &["revoke", &pusher_id]).await;
    assert!(again.badly().contains("there is no valid token with the id"), "{again:?}");
    token(&mut gangway, &["revoke", &reader_id]).await.well();
    gangway.restart().await;
    assert_eq!(may(&gangway, &pusher).await, (401, 401));
    assert_eq!(may(&gangway, &both).await, (200, 200));
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_command_says_what_it_did_and_no_more(#[case] backend: Backend) {
    let Some(mut gangway) = gangway(backend).await else {
        return;
    };
    let ended = token(&mut gangway, &["create"]).await;
    let (_, id) = made(&ended);
    assert_eq!(ended.stderr, format!("token {id}, shown only now\n"));
    let list = token(&mut gangway, &["list"]).await;
    list.well();
    assert_eq!(list.stderr, "");
    let verbose = token(&mut gangway, &["list", "--log", "debug"]).await;
    assert_eq!(verbose.well(), list.well());
    assert!(
        !verbose.stderr.is_empty() && !verbose.stderr.contains('\u{1b}'),
        "colours are for terminals: {verbose:?}"
    );
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_token_ends_when_it_was_said_to(#[case] backend: Backend) {
    let Some(mut gangway) = gangway(backend).await else {
        return;
    };
    let (over, over_id) =
        made(&token(&mut gangway, &["create", "--expires", "2001-01-31T09:00:00+01:00"]).await);
    let (month, month_id) = made(&token(&mut gangway, &["create", "--expires", "30"]).await);
    assert_eq!(may(&gangway, &over).await, (401, 401));
    assert_eq!(may(&gangway, &month).await, (200, 200));
    assert!(listed(&mut gangway, &over_id).await.ends_with("expired 2001-01-31T08:00:00.000Z"));
    assert!(listed(&mut gangway, &month_id).await.contains("  until 20"));
    let answer = gangway.scim().bearer(&over).get("/Users").await;
    assert!(answer.detail().contains("expired at 2001-01-31T08:00:00.000Z"), "{}", answer.text);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_wrongly_is_answered_with_a_sentence_and_makes_no_token(#[case] backend: Backend) {
    let Some(mut gangway) = gangway(backend).await else {
        return;
    };
    let before = token(&mut gangway, &["list"]).await.well().to_owned();
    for (arguments, says) in [
        (&["create", "--scope", "admin"][..], "there are scim and insights"),
        (&["create", "--dialect", "adfs"], "onelogin"),
        (&["create", "--expires", "soon"], "neither a number of days nor a time such as"),
        (&["create", "--expires", "-3"], "-3"),
        (&["create", "--nonsense"], "--nonsense"),
        (&["revoke", "not-an-id"], "not-an-id"),
        (&["revoke", "0197a0d4-0000-7000-8000-000000000000"], "see `gangway token list`"),
        (&["revoke"], "<ID>"),
        (&[], "create"),
    ] {
        let ended = token(&mut gangway, arguments).await;
        assert!(ended.badly().contains(says), "{arguments:?}: {ended:?}");
    }
    assert_eq!(token(&mut gangway, &["list"]).await.well(), before);
}

/// Everything that the database holds, as bytes that texts can be looked for in.
async fn kept(gangway: &mut Gangway) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in fs::read_dir(gangway.folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            all.extend(fs::read(path).unwrap());
        }
    }
    if let Some(url) = &gangway.config().database_url {
        let db = Database::connect(url.expose_secret()).await.unwrap();
        let tables =
            "SELECT table_name::text AS name FROM information_schema.tables WHERE table_schema = 'public'";
        let tables =
            db.query_all_raw(Statement::from_string(db.get_database_backend(), tables)).await.unwrap();
        assert!(tables.len() > 8, "there are {} tables", tables.len());
        for table in tables {
            let name: String = table.try_get("", "name").unwrap();
            let rows = format!("SELECT row_to_json(t)::text AS row FROM \"{name}\" t");
            let rows =
                db.query_all_raw(Statement::from_string(db.get_database_backend(), rows)).await.unwrap();
            for row in rows {
                all.extend(row.try_get::<String>("", "row").unwrap().into_bytes());
            }
        }
        db.close().await.unwrap();
    }
    all
}

fn holds(all: &[u8], text: &[u8]) -> bool {
    all.windows(text.len()).any(|window| window == text)
}

fn hexadecimal(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn of_a_token_the_database_has_the_hash_alone(#[case] backend: Backend) {
    let Some(mut gangway) = gangway(backend).await else {
        return;
    };
    let (made, _) = made(&token(&mut gangway, &["create"]).await);
    for token in [made.as_str(), TOKEN] {
        assert_eq!(may(&gangway, token).await, (200, 200));
        let all = kept(&mut gangway).await;
        assert!(holds(&all, &token.as_bytes()[..8]), "its first characters are shown in the list");
        for part in [token, &token[..16], &token[8..]] {
            assert!(!holds(&all, part.as_bytes()), "the database holds {part}");
            assert!(!holds(&all, hexadecimal(part).as_bytes()), "the database holds {part} in hexadecimal");
        }
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn the_bootstrap_token_is_good_from_the_first_start_on_and_can_be_changed(#[case] backend: Backend) {
    let Some(mut gangway) = gangway(backend).await else {
        return;
    };
    assert_eq!(may(&gangway, TOKEN).await, (200, 200));
    gangway.restart().await;
    let list = token(&mut gangway, &["list"]).await.well().to_owned();
    assert_eq!(list.lines().count(), 1, "a second start makes no second one:\n{list}");
    let id = list.split_whitespace().next().unwrap().to_owned();

    let other = "another-token-for-automation";
    gangway.config().bootstrap_token = Some(other.into());
    gangway.restart().await;
    assert_eq!(may(&gangway, other).await, (200, 200));
    assert_eq!(may(&gangway, TOKEN).await, (200, 200), "the old one is good until it is revoked");
    token(&mut gangway, &["revoke", &id]).await.well();
    assert_eq!(may(&gangway, TOKEN).await, (401, 401));

    gangway.stop().await;
    for (text, says) in [
        (TOKEN, "GANGWAY_BOOTSTRAP_TOKEN is a token that was revoked"),
        ("short", "GANGWAY_BOOTSTRAP_TOKEN must have between 16 and 512 characters"),
        ("a token with blanks in it", "GANGWAY_BOOTSTRAP_TOKEN must have between 16 and 512 characters"),
    ] {
        gangway.config().bootstrap_token = Some(text.into());
        let error = eventually("the data folder is free", async || {
            let refused = App::build(gangway.config().clone(), Clock::system()).await.unwrap_err();
            (!matches!(refused, AppError::Locked(_))).then(|| refused.to_string())
        })
        .await;
        assert!(error.contains(says), "{error}");
        assert!(!error.contains(text), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_start_prints_a_token_once() {
    let (folder, simulator) = (tempfile::tempdir().unwrap(), simulator().await);
    let first = Process::serve(folder.path(), &simulator.url(), &[]).await;
    let token = first.token();
    first.scim(&token).get("/Users").await.expect(200);
    let output = first.output();
    assert_eq!(output.matches(&token).count(), 2, "as the token, and in the curl line:\n{output}");
    first.kill();
    let second = Process::serve(folder.path(), &simulator.url(), &[]).await;
    assert!(!second.output().contains(&token), "{}", second.output());
    second.scim(&token).get("/Users").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_server_makes_the_token_of_the_first_start_and_only_where_there_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let settings = [("GANGWAY_DATA_DIR", folder.to_str().unwrap())];
    command(folder, &["migrate"], &settings).await.well();
    assert_eq!(command(folder, &["token", "list"], &settings).await.well(), "");
    let simulator = simulator().await;
    let server = Process::serve(folder, &simulator.url(), &[]).await;
    let first = server.token();
    server.scim(&first).get("/Users").await.expect(200);
    server.kill();

    let other = tempfile::tempdir().unwrap();
    let settings = [("GANGWAY_DATA_DIR", other.path().to_str().unwrap())];
    let ended = command(other.path(), &["token", "create"], &settings).await;
    let made = ended.well().trim().to_owned();
    let server = Process::serve(other.path(), &simulator.url(), &[]).await;
    assert!(!server.output().contains("gw_"), "{}", server.output());
    server.scim(&made).get("/Users").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_folder_that_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "not a folder").unwrap();
    let ended = command(folder.path(), &["token", "list", "--data-dir", file.to_str().unwrap()], &[]).await;
    assert!(ended.badly().contains("the data folder"), "{ended:?}");
    assert!(ended.stderr.contains("GANGWAY_DATA_DIR"), "{ended:?}");
    let config = Config::for_folder(Path::new("/proc/no/such/folder")).unwrap();
    let error = App::build(config, Clock::system()).await.unwrap_err().to_string();
    assert!(error.contains("/proc/no/such/folder"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_let_in_by_what_a_command_prints() {
    let (folder, simulator) = (tempfile::tempdir().unwrap(), simulator().await);
    let server = Process::serve(folder.path(), &simulator.url(), &[("GANGWAY_BOOTSTRAP_TOKEN", TOKEN)]).await;
    assert!(server.output().contains("the one in GANGWAY_BOOTSTRAP_TOKEN"), "{}", server.output());
    assert!(!server.output().contains(TOKEN), "{}", server.output());
    let folder_name = folder.path().to_str().unwrap();
    let list = command(folder.path(), &["token", "list", "--data-dir", folder_name], &[]).await;
    let words: Vec<String> = list.well().split_whitespace().map(|word| word.replace('…', "")).collect();
    let anybody: Client = server.scim(TOKEN).without("authorization");
    for word in words {
        anybody.clone().bearer(&word).get("/Users").await.expect(401);
    }
}
