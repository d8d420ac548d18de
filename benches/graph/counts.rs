//! Graph calls for each kind of change, end to end.

use reqwest::Method;
use serde_json::{Value, json};

use crate::people::{path, user};
use crate::world::{Microsoft, World};
use crate::{Limit, Row};

const GROUP_OF: usize = 20;
/// A SKU that the simulator's tenant has seats of.
const LICENCE: &str = "O365_BUSINESS_PREMIUM";

/// Makes each kind of change once and counts.
pub(crate) async fn measure() -> Vec<Row> {
    let settings = [("GANGWAY_DEFAULTS__USAGE_LOCATION", "SE")];
    let world = World::start(Microsoft::start(&[]), &settings);
    let mut rows = Vec::new();
    // The first create also gets the token and learns of the deleted accounts, the domains and the licences.
    let mut first = user(0);
    first["entitlements"] = json!([{ "value": LICENCE }]);
    let first = path(&world.push(Method::POST, "/Users", &first).await);
    world.settled(&first).await;

    let changes = Changes { world: &world };
    let (plain, row) = changes.create("create", user(1), 1.0).await;
    rows.push(row);
    let mut licensed = user(2);
    licensed["entitlements"] = json!([{ "value": LICENCE }]);
    rows.push(changes.create("create with a licence", licensed, 2.0).await.1);
    let mut led = user(3);
    let manager = plain.trim_start_matches("/Users/");
    led["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"] =
        json!({"manager": {"value": manager}});
    rows.push(changes.create("create with a manager", led, 2.0).await.1);
    rows.push(changes.of("PUT of what is there", Method::PUT, &plain, &user(1), 0.0).await);
    rows.push(changes.of("update", Method::PATCH, &plain, &replace("title", &json!("Buyer")), 1.0).await);
    let mut several = user(1);
    several["title"] = json!("Manager");
    several["displayName"] = json!("User One");
    rows.push(changes.of("update of several attributes", Method::PUT, &plain, &several, 1.0).await);
    let password = replace("password", &json!("Gang-Way-77x"));
    rows.push(changes.of("password", Method::PATCH, &plain, &password, 2.0).await);
    rows.push(changes.of("block", Method::PATCH, &plain, &replace("active", &json!(false)), 2.0).await);
    rows.push(changes.of("unblock", Method::PATCH, &plain, &replace("active", &json!(true)), 1.0).await);
    rows.push(changes.members().await);
    rows
}

struct Changes<'a> {
    world: &'a World,
}

impl Changes<'_> {
    async fn create(&self, name: &str, body: Value, most: f64) -> (String, Row) {
        self.world.microsoft.forget_counts().await;
        let path = path(&self.world.push(Method::POST, "/Users", &body).await);
        self.world.settled(&path).await;
        (path, self.counted(name, most).await)
    }

    async fn of(&self, name: &str, method: Method, path: &str, body: &Value, most: f64) -> Row {
        self.world.microsoft.forget_counts().await;
        self.world.push(method, path, body).await;
        self.world.settled(path).await;
        self.counted(name, most).await
    }

    async fn members(&self) -> Row {
        let mut members = Vec::new();
        for n in 100..100 + GROUP_OF {
            let path = path(&self.world.push(Method::POST, "/Users", &user(n)).await);
            self.world.settled(&path).await;
            members.push(json!({ "value": path.trim_start_matches("/Users/") }));
        }
        let group = self.world.push(Method::POST, "/Groups", &json!({"displayName": "Twenty"})).await;
        let path = format!("/Groups/{}", group["id"].as_str().expect("an id"));
        self.world.settled(&path).await;
        let add = json!({"Operations": [{"op": "add", "path": "members", "value": members}]});
        self.of("20 members added to one group", Method::PATCH, &path, &add, 1.0).await
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of a few")]
    async fn counted(&self, name: &str, most: f64) -> Row {
        let counts = self.world.microsoft.counts().await;
        let total: u64 = counts.values().sum();
        if total as f64 > most {
            eprintln!("{name}: {counts:?}");
        }
        Row { name: name.to_owned(), measured: total as f64, unit: "calls", limit: Limit::AtMost(most) }
    }
}

fn replace(path: &str, value: &Value) -> Value {
    json!({"Operations": [{"op": "replace", "path": path, "value": value}]})
}
