//! What users and groups have in common: an id, and properties that a list filters, orders and shows.

use std::sync::Arc;

use serde_json::Value;
use uuid::Uuid;

/// An object of the directory.
pub(super) trait Object {
    /// Its id.
    fn id(&self) -> Uuid;

    /// The property `name` as it is kept, where a filter may look at it like that.
    fn stored(&self, name: &str) -> Option<&Value>;

    /// The property `name` as Graph shows it: null, or an empty collection, where it has no value. `issuer` is the
    /// tenant's default domain.
    fn shown(&self, name: &str, issuer: &str) -> Value;
}

impl<T: Object> Object for Arc<T> {
    fn id(&self) -> Uuid {
        self.as_ref().id()
    }

    fn stored(&self, name: &str) -> Option<&Value> {
        self.as_ref().stored(name)
    }

    fn shown(&self, name: &str, issuer: &str) -> Value {
        self.as_ref().shown(name, issuer)
    }
}
