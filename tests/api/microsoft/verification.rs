//! What Graph accepts and does not apply becomes an event.

use gangway::simulator::Action;

use crate::support::{Backend, gangway, on, replace, user};

/// Graph says 204 and nothing has changed: the next round of changes tells it. Here it is only that nothing is claimed
/// which was not answered.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_breaks_off_is_not_taken_for_success() {
    let gangway = gangway(Backend::Sqlite).await.unwrap();
    let created = gangway.scim().post("/Users", &user("ann.berg")).await.expect(201);
    gangway.simulator().add_fault(on("PATCH", "/users/*", Action::ResetBefore));
    let patched = gangway.scim().patch(&created.path(), &replace("title", "Buyer")).await.expect(200);
    assert_eq!(patched.sync_status(), "pending");
    gangway.simulator().clear_faults();
    assert_eq!(gangway.settled(&created.path()).await, "synced");
    assert_eq!(gangway.account("ann.berg").get("jobTitle"), "Buyer");
}
