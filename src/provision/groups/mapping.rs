//! Which SCIM attribute is which property of a Graph group (product contract, section 2). Pure.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::graph::{GroupProperty, InvalidGroupProperty};
use crate::scim::Resource;
use crate::scim::schema::GANGWAY_GROUP;

/// What the group must have, and what of it Microsoft 365 cannot take.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mapped {
    /// The properties; a cleared description is there as null.
    pub properties: BTreeMap<GroupProperty, Value>,
    /// A description that Microsoft 365 cannot take. It is left out, and the group keeps what it has.
    pub left_out: Option<InvalidGroupProperty>,
}

/// The properties that the group must have.
pub fn properties(resource: &Resource) -> Mapped {
    let name = resource.display_name().unwrap_or_default();
    let mut mapped =
        Mapped { properties: BTreeMap::from([(GroupProperty::DisplayName, json!(name))]), left_out: None };
    let own = resource.extension(GANGWAY_GROUP.id);
    let description = own.and_then(|own| own.get("description")).and_then(Value::as_str);
    let description = json!(description.filter(|text| !text.is_empty()));
    match GroupProperty::Description.check(&description) {
        Ok(()) => drop(mapped.properties.insert(GroupProperty::Description, description)),
        Err(invalid) => mapped.left_out = Some(invalid),
    }
    mapped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(description: &Value) -> Resource {
        json!({"displayName": "Sales", (GANGWAY_GROUP.id): {"description": description}}).into()
    }

    #[test]
    fn name_and_description_are_mapped() {
        let mapped = properties(&resource(&json!("They sell.")));
        assert_eq!(mapped.properties[&GroupProperty::DisplayName], json!("Sales"));
        assert_eq!(mapped.properties[&GroupProperty::Description], json!("They sell."));
        assert_eq!(mapped.left_out, None);
    }

    #[test]
    fn an_absent_or_empty_description_clears() {
        for resource in [json!({"displayName": "Sales"}).into(), resource(&json!(""))] {
            assert_eq!(properties(&resource).properties[&GroupProperty::Description], Value::Null);
        }
    }

    #[test]
    fn a_description_that_is_too_long_is_left_out() {
        let mapped = properties(&resource(&json!("x".repeat(2_000))));
        assert!(mapped.left_out.is_some());
        assert_eq!(mapped.properties.len(), 1);
    }
}
