//! Sends a client's requests and holds each against what the client expects.

use std::collections::BTreeSet;

use gangway::directory::Scope;
use gangway::scim::Dialect;
use reqwest::Method;
use serde_json::{Value, json};

use super::{COUNTS, Recorded, recorded};
use crate::support::{Answer, Client, ENTERPRISE, Gangway, group, patch, user};

/// A client, and the users and groups that it knows by now.
pub(super) struct Replay<'a> {
    pub(super) gangway: &'a Gangway,
    pub(super) scim: Client,
    pub(super) users: Vec<String>,
    pub(super) groups: Vec<String>,
    /// A member of every group that the client never speaks of: what is not asked for must not happen to it.
    bystander: Option<String>,
}

impl<'a> Replay<'a> {
    /// A client that knows nothing yet.
    pub(super) async fn new(gangway: &'a Gangway, dialect: Dialect) -> Self {
        let token = gangway.token(dialect, &[Scope::Scim], None).await;
        let scim = gangway.scim().bearer(&token);
        Self { gangway, scim, users: Vec::new(), groups: Vec::new(), bystander: None }
    }

    /// The client knows this user as the next one.
    pub(super) async fn knows_user(&mut self, body: &Value) {
        let created = self.gangway.scim().post("/Users", body).await.expect(201);
        self.users.push(created.id());
    }

    /// The client knows a group of this name as the next one.
    pub(super) async fn knows_group(&mut self, name: &str) {
        let created = self.gangway.scim().post("/Groups", &group(name, &[])).await.expect(201);
        self.groups.push(created.id());
    }

    /// The path of the first group.
    pub(super) fn group(&self) -> String {
        format!("/Groups/{}", self.groups[0])
    }

    /// The member that no request names.
    pub(super) fn bystander(&self) -> &str {
        self.bystander.as_deref().expect("a request about members has been sent")
    }

    /// Replays every request of a client.
    pub(super) async fn all(&mut self, client: &str) {
        let mut count = 0;
        for request in recorded().iter().filter(|one| one.client == client) {
            self.one(request).await;
            count += 1;
        }
        assert!(COUNTS.contains(&(client, count)), "{client} has {count} requests");
    }

    async fn one(&mut self, request: &Recorded) {
        let path = self.filled(&request.path);
        let target = path.split('?').next().unwrap().to_owned();
        if let Some(Value::String(members)) = request.expect.get("members") {
            self.arrange(&target, members).await;
        }
        let before = self.read(&target).await;
        let users = self.count().await;
        let times = if request.note.contains("send twice") { 2 } else { 1 };
        for _ in 0..times {
            let answer = self.send(request, &path).await;
            let after = self.read(&target).await;
            let seen = Seen { answer: &answer, before: before.as_ref(), after: after.as_ref(), users };
            self.judge(request, &target, &seen).await;
        }
        if request.note.contains("then DELETE of the same") {
            let user = self.users.pop().unwrap();
            self.scim.delete(&format!("/Users/{user}")).await.expect(204);
            self.scim.get(&format!("/Users/{user}")).await.expect(404);
        }
    }

    async fn send(&mut self, request: &Recorded, path: &str) -> Answer {
        let mut client = self.scim.clone();
        for (name, value) in &request.headers {
            client = client.with(name, value);
        }
        let body = (!request.body.is_null()).then(|| self.filled(&request.body.to_string()).into_bytes());
        let method = Method::from_bytes(request.method.as_bytes()).unwrap();
        let answer = client.send_bytes(method, path, body).await.unwrap();
        if request.method == "POST" && answer.status == 201 {
            let known = if path == "/Groups" { &mut self.groups } else { &mut self.users };
            known.push(answer.id());
        }
        answer
    }

    async fn judge(&self, request: &Recorded, target: &str, seen: &Seen<'_>) {
        let answer = seen.answer;
        for (what, value) in &request.expect {
            let value = match value {
                Value::String(text) => json!(self.filled(text)),
                other => other.clone(),
            };
            if let Err(found) = self.check(target, what, &value, seen).await {
                panic!("{}: {what} must be {value} and is {found}\n{}", request.name, answer.text);
            }
        }
        if !request.expect.contains_key("status") {
            // A group's PATCH is answered without a body, since the members would be in it (RFC 7644 §3.5.2).
            let good = if target.starts_with("/Groups") && request.method == "PATCH" { 204 } else { 200 };
            assert_eq!(answer.status, good, "{}: {}", request.name, answer.text);
        }
        if request.method == "GET" && answer.status == 200 {
            let accepts = request.headers.get("Accept").map_or("application/scim+json", String::as_str);
            assert_eq!(answer.header("content-type"), accepts, "{}", request.name);
        }
    }

    /// Gives the group a bystander, the members that are to go, and none of those that are to come.
    async fn arrange(&mut self, target: &str, members: &str) {
        if self.bystander.is_none() {
            let created = self.gangway.scim().post("/Users", &user("by.stander")).await.expect(201);
            self.bystander = Some(created.id());
        }
        let numbered = self.users.iter().enumerate();
        let going = numbered.filter(|(n, _)| {
            members.contains(&format!("-user{}", n + 1)) || members == format!("user{} once", n + 1)
        });
        let ids: Vec<&String> = going.map(|(_, id)| id).chain(&self.bystander).collect();
        let list: Vec<Value> = ids.iter().map(|id| json!({ "value": id })).collect();
        let change = patch([json!({"op": "replace", "path": "members", "value": list})]);
        self.gangway.scim().patch(target, &change).await.expect(204);
        assert_eq!(self.gangway.members(target).await, ids.into_iter().cloned().collect(), "arranged");
    }

    /// The resource at a path, if the path is one's.
    async fn read(&self, path: &str) -> Option<Value> {
        let parts: Vec<&str> = path.split('/').collect();
        let ["", "Users" | "Groups", _] = parts[..] else {
            return None;
        };
        let answer = self.gangway.scim().get(path).await;
        (answer.status == 200).then_some(answer.body)
    }

    async fn count(&self) -> u64 {
        let page = self.gangway.scim().get("/Users?count=0").await.expect(200);
        page.body["totalResults"].as_u64().unwrap()
    }

    fn filled(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (kind, known) in [("user", &self.users), ("group", &self.groups)] {
            for (n, id) in known.iter().enumerate() {
                text = text.replace(&format!("{{{{{kind}{}}}}}", n + 1), id);
            }
        }
        assert!(!text.contains("{{"), "an id is not known: {text}");
        text
    }

    async fn check(&self, target: &str, what: &str, value: &Value, seen: &Seen<'_>) -> Result<(), String> {
        let (answer, status) = (seen.answer, seen.answer.status);
        let (found, fits) = match (what, value) {
            ("status", Value::String(class)) => {
                let fits = match class.as_str() {
                    "2xx" => (200..300).contains(&status),
                    "200 empty or 404" => {
                        status == 404 || (status == 200 && answer.body["totalResults"] == 0)
                    }
                    _ => false,
                };
                (json!(status), fits)
            }
            ("status", _) => (json!(status), *value == json!(status)),
            ("totalResults" | "scimType", _) => (answer.body[what].clone(), answer.body[what] == *value),
            ("body.detail", _) => {
                let detail = &answer.body["detail"];
                (detail.clone(), detail.as_str().is_some_and(|text| !text.is_empty()))
            }
            ("body.status", _) => (answer.body["status"].clone(), answer.body["status"] == *value),
            ("patch.supported", _) => {
                let found = &answer.body["patch"]["supported"];
                (found.clone(), found == value)
            }
            ("created", _) => {
                let made = self.count().await > seen.users;
                (json!(made), *value == json!(made))
            }
            ("no_members", _) => {
                let found = answer.body["Resources"].as_array().cloned().unwrap_or_default();
                let bare = found.iter().all(|group| group.get("members").is_none());
                (json!(found), found.len() == 1 && bare)
            }
            ("members", Value::String(change)) => {
                let (before, after) = (members(seen.before), members(seen.after));
                (json!([before, after]), after == self.expected(change, &before))
            }
            ("event", _) => {
                let id = target.rsplit('/').next().unwrap();
                let told = self.gangway.told(id).await;
                (json!(told), told.last().is_some_and(|last| value == last))
            }
            ("active", Value::String(_)) => {
                let (before, after) = (attribute(seen.before, what), attribute(seen.after, what));
                (json!([before, after]), !before.is_null() && before == after)
            }
            _ => {
                let (answered, read) = (attribute(Some(&answer.body), what), attribute(seen.after, what));
                (json!([answered, read]), answered == *value && read == *value)
            }
        };
        if fits { Ok(()) } else { Err(found.to_string()) }
    }

    /// The members after a change, such as `-user2 +user1`, of these.
    fn expected(&self, change: &str, before: &BTreeSet<String>) -> BTreeSet<String> {
        let id = |name: &str| {
            let number: usize = name.trim_start_matches("user").parse().unwrap();
            self.users[number - 1].clone()
        };
        let words: Vec<&str> = change.split(' ').collect();
        match words[..] {
            ["unchanged"] => before.clone(),
            ["none", ..] => BTreeSet::new(),
            ["exactly", names] => names.split(',').map(id).collect(),
            [name, "once"] => before.iter().cloned().chain([id(name)]).collect(),
            _ => {
                let mut after = before.clone();
                for word in words.iter().filter(|word| **word != "only") {
                    if let Some(name) = word.strip_prefix('+') {
                        after.insert(id(name));
                    } else {
                        after.remove(&id(word.strip_prefix('-').expect("a sign")));
                    }
                }
                assert_ne!(&after, before, "the request changes something: {change}");
                after
            }
        }
    }
}

/// What one request did.
struct Seen<'a> {
    answer: &'a Answer,
    before: Option<&'a Value>,
    after: Option<&'a Value>,
    /// How many users there were before it.
    users: u64,
}

fn members(group: Option<&Value>) -> BTreeSet<String> {
    let members = group.and_then(|group| group["members"].as_array()).into_iter().flatten();
    members.map(|member| member["value"].as_str().unwrap().to_owned()).collect()
}

/// An attribute by the short name that the fixtures use.
fn attribute(user: Option<&Value>, name: &str) -> Value {
    let Some(user) = user else {
        return Value::Null;
    };
    let of_work = |list: &str, sub: &str| {
        let values = user[list].as_array();
        let work = values.and_then(|all| all.iter().find(|value| value["type"] == "work"));
        work.map_or(Value::Null, |value| value[sub].clone())
    };
    match name {
        "manager" => user[ENTERPRISE]["manager"]["value"].clone(),
        "postalCode" => of_work("addresses", "postalCode"),
        "emails.work" => of_work("emails", "value"),
        path => path.split('.').fold(user, |value, key| &value[key]).clone(),
    }
}
