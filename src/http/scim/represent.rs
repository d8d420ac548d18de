//! Resources as a client sees them.

pub(super) mod group;
pub(super) mod user;

use serde_json::{Map, Value, json};

use crate::directory::SyncStatus;
use crate::scim::Projection;

/// How much of what Microsoft 365 has an answer says unasked: `syncStatus`, `syncError` and the object's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// To a push that wrote a whole resource: it always says how far Microsoft 365 has followed.
    Always,
    /// To a push that changed a part: it says so unless all is well.
    Unsynced,
    /// To a read: whoever reads something that is behind must see it.
    Behind,
}

impl Told {
    fn is_due(self, status: SyncStatus, is_behind: bool) -> bool {
        match self {
            Self::Always => true,
            Self::Unsynced => status != SyncStatus::Synced,
            Self::Behind => is_behind,
        }
    }
}

/// Whether an answer has a reference of this name, `groups` or `members`, so that it must be read.
pub(super) fn wants(projection: &Projection, references: &str) -> bool {
    let sample = Map::from_iter([(references.to_owned(), json!([reference_sample()]))]);
    projection.apply(sample).contains_key(references)
}

/// A reference that has all that one can have.
fn reference_sample() -> Value {
    json!({"value": "", "$ref": "", "display": "", "type": ""})
}

/// What the server fills in of Gangway's extension; `object` is the name and the value of the object's id.
fn sync(status: SyncStatus, error: Option<&str>, object: (&str, Option<&str>)) -> Map<String, Value> {
    let mut extension = Map::new();
    extension.insert("syncStatus".to_owned(), json!(status.as_str()));
    if let Some(error) = error {
        extension.insert("syncError".to_owned(), json!(error));
    }
    if let (name, Some(id)) = object {
        extension.insert(name.to_owned(), json!(id));
    }
    extension
}

/// The part that a client has chosen, with what is only there on request where it `is_due` unasked.
fn projected(
    representation: Map<String, Value>,
    projection: &Projection,
    is_due: bool,
) -> Map<String, Value> {
    if is_due {
        return projection.clone().with_on_request().apply(representation);
    }
    projection.apply(representation)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::scim::{GROUP, ResourceType, USER};

    #[rstest]
    #[case::by_default(&USER, "groups", &[], &[], true)]
    #[case::named(&USER, "groups", &["groups"], &[], true)]
    #[case::a_part(&USER, "groups", &["userName", "groups.value"], &[], true)]
    #[case::others(&USER, "groups", &["userName"], &[], false)]
    #[case::excluded(&USER, "groups", &[], &["groups"], false)]
    #[case::a_part_excluded(&USER, "groups", &[], &["groups.display"], true)]
    #[case::others_excluded(&USER, "groups", &[], &["emails"], true)]
    #[case::the_schema(&USER, "groups", &["urn:ietf:params:scim:schemas:core:2.0:User"], &[], true)]
    #[case::members_by_default(&GROUP, "members", &[], &[], true)]
    #[case::members_excluded(&GROUP, "members", &[], &["MEMBERS"], false)]
    #[case::members_unasked(&GROUP, "members", &["displayName"], &[], false)]
    #[case::members_asked(&GROUP, "members", &["members.$ref"], &[], true)]
    #[case::of_another_type(&GROUP, "members", &["groups"], &[], false)]
    fn references_are_read_only_where_they_are_wanted(
        #[case] of: &'static ResourceType,
        #[case] references: &str,
        #[case] attributes: &[&str],
        #[case] excluded: &[&str],
        #[case] expected: bool,
    ) {
        let projection = Projection::parse(of, attributes, excluded).unwrap();
        assert_eq!(wants(&projection, references), expected);
    }
}
