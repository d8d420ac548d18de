//! Users to be pushed.

use futures_util::{StreamExt as _, stream};
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::World;

const AT_ONCE: usize = 32;

/// The n-th user.
pub(crate) fn user(n: usize) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": format!("user.{n}@contoso.example"),
        "displayName": format!("User {n}"),
        "name": {"givenName": format!("Given {n}"), "familyName": "Family"},
        "title": "Engineer",
    })
}

pub(crate) fn path(created: &Value) -> String {
    format!("/Users/{}", created["id"].as_str().expect("an id"))
}

/// Pushes so many users and waits for nobody. Their paths.
pub(crate) async fn push(world: &World, count: usize) -> Vec<String> {
    let pushes = stream::iter(0..count)
        .map(|n| async move { path(&world.push_on(Method::POST, "/Users", &user(n)).await) });
    pushes.buffered(AT_ONCE).collect().await
}

/// Waits until all of them have accounts.
pub(crate) async fn settled(world: &World, paths: &[String]) {
    stream::iter(paths).for_each_concurrent(AT_ONCE, |path| world.settled(path)).await;
}
