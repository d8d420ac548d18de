//! The picture (SCIM `photos` with a `data:` URI), where the connection consents to it.

use serde_json::{Value, json};

use super::{Fault, Run, is_refusal};
use crate::graph::{self, Photo};
use crate::insights::{Change, EventType};
use crate::scim::Resource;

/// The picture of a resource: the primary one, else the first, of those that carry their data. Pictures elsewhere are not
/// fetched: Gangway makes no requests to addresses that come from outside.
pub(in crate::provision) fn data_uri(resource: &Resource) -> Option<&str> {
    let carried = |element: &'_ &Value| {
        element.get("value").and_then(Value::as_str).is_some_and(|value| value.starts_with("data:"))
    };
    let photos = resource.elements("photos");
    let primary = |element: &'_ &Value| element.get("primary").and_then(Value::as_bool) == Some(true);
    let chosen = photos.iter().filter(carried).find(primary).or_else(|| photos.iter().find(carried))?;
    chosen.get("value").and_then(Value::as_str)
}

impl Run<'_> {
    /// Reads the picture that is wanted, if there is one that may be sent.
    pub(super) fn choose_photo(&mut self) {
        if !self.settings.photo {
            return;
        }
        let Some(uri) = data_uri(&self.resource) else {
            return;
        };
        match Photo::from_data_uri(uri) {
            Ok(photo) => self.photo = Some(photo),
            Err(error) => self.faults.push(format!("the photo: {error}")),
        }
    }

    pub(super) async fn set_photo(&mut self) -> Result<(), Fault> {
        let Some(photo) = self.photo.take() else {
            return Ok(());
        };
        match self.graph.set_photo(&self.call(), &self.account()?, &photo).await {
            Ok(reply) => self.note(&reply),
            // Also 404: who has no mailbox can have no picture. That the account is gone another step will find.
            Err(error) if is_refusal(&error) || matches!(error, graph::Error::NotFound(_)) => {
                self.faults.push(format!("the photo: {}", error.advice()));
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        }
        let digest = photo.digest();
        let before = self.given.photo.replace(digest.clone());
        if !self.is_new() {
            let change = Change::new("photo", json!(before), json!(digest));
            self.report(EventType::UserUpdateProvision, change.into_iter().collect());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_primary_picture_that_carries_its_data_is_taken() {
        let resource = |photos: Value| Resource::from(json!({ "photos": photos }));
        let [first, second] = ["data:image/png;base64,AA==", "data:image/png;base64,AQ=="];
        let both = resource(json!([{"value": first}, {"value": second, "primary": true}]));
        assert_eq!(data_uri(&both), Some(second));
        let elsewhere = json!([{"value": "https://photos.example/1.png", "primary": true}, {"value": first}]);
        assert_eq!(data_uri(&resource(elsewhere)), Some(first));
        assert_eq!(data_uri(&Resource::default()), None);
    }
}
