//! `gangway simulator`: Graph for a test in another process.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Client, Process, Running, command, eventually, replace, user};

/// What the program printed behind this label.
fn word<'a>(running: &'a Running, label: &str) -> &'a str {
    let line = running.lines.iter().find(|line| line.contains(label));
    let line = line.unwrap_or_else(|| panic!("no {label} in {:?}", running.lines));
    let (_, rest) = line.split_once(label).unwrap();
    rest.split_whitespace().next().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn another_process_drives_it_and_a_server_provisions_into_it() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let record = folder.join("traffic.jsonl");
    let arguments = ["simulator", "--listen", "127.0.0.1:0", "--record", record.to_str().unwrap()];
    let running = Running::start(folder, &arguments, &[], 4).await;
    let url: url::Url = word(&running, "simulator at").parse().unwrap();
    let control = Client::new(format!("{url}_simulator")).with("content-type", "application/json");

    let seed = json!({"properties": {"userPrincipalName": "eva@contoso.example", "displayName": "Eva", "accountEnabled": true}});
    control.put("/users", &seed).await.expect(200);
    let rule = json!({"method": "POST", "path": "/users", "when": {"first": 1}, "action": {"answer": {
        "status": 503, "code": "ServiceUnavailable", "message": "Later.", "retryAfter": 0}}});
    let rule = control.post("/faults", &rule).await.expect(201);

    let home = folder.join("home");
    fs::create_dir(&home).unwrap();
    let server = Process::serve(&home, &url, &[]).await;
    let scim = server.scim(&server.token());
    let mut body = user("ann.berg");
    body["password"] = json!("First-Pass-1");
    let created = scim.post("/Users", &body).await.expect(201);
    let path = created.path();
    eventually("the create is carried out after the fault", async || {
        let account = control.get("/users/ann.berg@contoso.example").await;
        (account.status == 200).then_some(())
    })
    .await;
    let adopted = scim.post("/Users", &user("eva")).await.expect(201);
    eventually("both users settle", async || {
        let first = scim.get(&path).await.sync_status().to_owned();
        let second = scim.get(&adopted.path()).await.sync_status().to_owned();
        (first != "pending" && second != "pending").then_some(())
    })
    .await;
    scim.patch(&path, &replace("title", "Boss")).await.expect(200);

    let account = control.get("/users/ann.berg@contoso.example").await.expect(200);
    assert_eq!(account.body["properties"]["jobTitle"], "Boss");
    let attempt = json!({"user": "ann.berg@contoso.example", "password": "First-Pass-1"});
    assert_eq!(control.post("/check-password", &attempt).await.expect(200).body, json!({"signsIn": true}));
    let counts = control.get("/counts").await.expect(200).body;
    assert!(counts["POST /users"].as_u64().unwrap() >= 3, "{counts}");
    let faults = control.get("/faults").await.expect(200).body;
    assert_eq!(faults["value"][0]["id"], rule.body["id"]);
    control.delete(&format!("/faults/{}", rule.body["id"])).await.expect(204);
    assert_eq!(control.get("/faults").await.body["value"], json!([]));
    control.delete("/counts").await.expect(204);
    assert_eq!(control.get("/counts").await.body, json!({}));
    control.post("/expire-tokens", &json!({})).await.expect(204);
    scim.patch(&path, &replace("title", "Chief")).await.expect(200);
    assert_eq!(control.get("/users/ann.berg@contoso.example").await.body["properties"]["jobTitle"], "Chief");
    for (answer, status) in [
        (control.get("/nothing").await, 404),
        (control.get("/users/nobody@contoso.example").await, 404),
        (control.post("/faults", &json!({"paht": "/users"})).await, 400),
        (control.delete("/faults/999").await, 404),
    ] {
        assert_eq!(answer.status, status);
        assert!(answer.body["error"].is_string(), "{}", answer.text);
    }

    let text = fs::read_to_string(&record).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let create = lines.iter().find(|line| line["path"] == "/v1.0/users" && line["status"] == 201).unwrap();
    assert_eq!(create["body"]["userPrincipalName"], "ann.berg@contoso.example");
    assert_eq!(create["headers"]["authorization"], "Bearer redacted");
    for name in ["method", "path", "query", "headers", "body", "status", "response"] {
        assert!(lines.iter().all(|line| line.get(name).is_some()), "every line has {name}");
    }
    assert!(lines.iter().all(|line| !line["path"].as_str().unwrap().contains("_simulator")));
    for secret in ["First-Pass-1", word(&running, "client secret")] {
        assert!(!text.contains(secret), "the recording holds {secret}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_keeps_its_directory_when_told_so_and_goes_wrong_as_often_as_told() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let seed = json!({"properties": {"userPrincipalName": "eva@contoso.example", "displayName": "Eva"}});
    let arguments = [
        "simulator",
        "--listen",
        "127.0.0.1:0",
        "--state",
        "state.jsonl",
        "--throttle",
        "1",
        "--latency",
        "1ms",
    ];
    for round in 0..2 {
        let running = Running::start(folder, &arguments, &[], 4).await;
        let url = word(&running, "simulator at");
        let control = Client::new(format!("{url}_simulator")).with("content-type", "application/json");
        let there = control.get("/users").await.expect(200).body["value"].as_array().unwrap().len();
        assert_eq!(there, round, "the second one finds what the first one had");
        control.put("/users", &seed).await.expect(200);

        let form = format!(
            "grant_type=client_credentials&client_id={}&client_secret={}&scope={}.default",
            word(&running, "client id"),
            word(&running, "client secret"),
            url::form_urlencoded::byte_serialize(url.as_bytes()).collect::<String>(),
        );
        let login =
            Client::new(url.trim_end_matches('/')).with("content-type", "application/x-www-form-urlencoded");
        let path = format!("/{}/oauth2/v2.0/token", word(&running, "tenant"));
        let token = login.send_bytes(reqwest::Method::POST, &path, Some(form.into_bytes())).await.unwrap();
        let token = token.expect(200).body["access_token"].as_str().unwrap().to_owned();
        let graph = Client::new(format!("{url}v1.0")).bearer(&token);
        let answer = graph.get("/users?$select=id&$top=5").await.expect(429);
        assert_eq!(answer.body["error"]["code"], "TooManyRequests");
        assert_ne!(answer.header("retry-after"), "");
    }
    for (arguments, says) in [
        (&["simulator", "--throttle", "2"][..], "not between 0 and 1"),
        (&["simulator", "--latency", "soon"], "soon"),
        (
            &["simulator", "--listen", "127.0.0.1:0", "--record", "no/such/folder/x"],
            "cannot write its recording",
        ),
        (&["simulator", "--listen", "127.0.0.1:0", "--state", "."], "state file"),
    ] {
        let ended = command(folder, arguments, &[]).await;
        assert!(ended.badly().contains(says), "{ended:?}");
    }
}
