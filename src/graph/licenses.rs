//! The tenant's licences and those of an account.

use serde::Deserialize;
use serde_json::{Value, json};

use super::request::{Query, Request};
use super::{AccountId, Call, Error, Graph, GroupId, Operation, Reply, SkuId};

/// A product that the tenant has bought (resource `subscribedSku`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sku {
    /// The product's id.
    pub id: SkuId,
    /// Microsoft's short name for it, such as `O365_BUSINESS_PREMIUM`.
    pub part_number: String,
    /// Seats that are paid for.
    pub enabled: i64,
    /// Seats of a subscription that has run out and is in its grace period; they can still be used.
    pub warning: i64,
    /// Seats that accounts have.
    pub consumed: i64,
    /// Whether it can be given to accounts at all: it is one for users, and its subscription is in force.
    pub usable: bool,
}

impl Sku {
    /// How many seats are left; none for a product that cannot be given.
    pub fn free(&self) -> i64 {
        if self.usable { (self.enabled + self.warning - self.consumed).max(0) } else { 0 }
    }
}

/// Graph's own form of a [`Sku`]: anything may be missing or null.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SubscribedSku {
    sku_id: SkuId,
    #[serde(default)]
    sku_part_number: Option<String>,
    #[serde(default)]
    applies_to: Option<String>,
    #[serde(default)]
    capability_status: Option<String>,
    #[serde(default)]
    consumed_units: Option<i64>,
    #[serde(default)]
    prepaid_units: Option<PrepaidUnits>,
}

#[derive(Default, Deserialize)]
struct PrepaidUnits {
    #[serde(default)]
    enabled: Option<i64>,
    #[serde(default)]
    warning: Option<i64>,
}

impl From<SubscribedSku> for Sku {
    fn from(sku: SubscribedSku) -> Self {
        let units = sku.prepaid_units.unwrap_or_default();
        let is = |text: &Option<String>, words: &[&str]| {
            text.as_deref().is_some_and(|text| words.iter().any(|word| text.eq_ignore_ascii_case(word)))
        };
        Self {
            id: sku.sku_id,
            part_number: sku.sku_part_number.unwrap_or_default(),
            enabled: units.enabled.unwrap_or(0),
            warning: units.warning.unwrap_or(0),
            consumed: sku.consumed_units.unwrap_or(0),
            usable: is(&sku.capability_status, &["Enabled", "Warning"]) && is(&sku.applies_to, &["User"]),
        }
    }
}

/// What is to change among the licences that an account has by itself. All of it is done or nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LicenseChange {
    /// To give, with all of their service plans.
    pub add: Vec<SkuId>,
    /// To take away. Of one that is also to be given nothing is taken.
    pub remove: Vec<SkuId>,
}

impl LicenseChange {
    /// Whether there is nothing to change.
    pub fn is_empty(&self) -> bool {
        self.add.is_empty() && self.remove.is_empty()
    }

    fn body(&self) -> Value {
        let mut add = self.add.clone();
        let mut remove: Vec<SkuId> = self.remove.iter().filter(|sku| !add.contains(sku)).copied().collect();
        for list in [&mut add, &mut remove] {
            list.sort_unstable();
            list.dedup();
        }
        let add: Vec<Value> = add.iter().map(|sku| json!({ "skuId": sku, "disabledPlans": [] })).collect();
        json!({ "addLicenses": add, "removeLicenses": remove })
    }
}

/// A licence of an account (resource `licenseAssignmentState`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssignedLicense {
    /// The product.
    pub sku: SkuId,
    /// The group that it comes from; such a licence cannot be taken from the account itself.
    pub by_group: Option<GroupId>,
    /// Why it is not in force, in Microsoft's word, such as `CountViolation`.
    pub failed: Option<String>,
}

/// An account's licences as Graph tells them.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Licensed {
    #[serde(default)]
    license_assignment_states: Option<Vec<AssignmentState>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AssignmentState {
    #[serde(default)]
    sku_id: Option<SkuId>,
    #[serde(default)]
    assigned_by_group: Option<String>,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    state: Option<String>,
}

impl AssignmentState {
    fn license(self) -> Option<AssignedLicense> {
        let failed = self.failed();
        let by_group = self.assigned_by_group.as_deref().and_then(|group| group.parse().ok());
        Some(AssignedLicense { sku: self.sku_id?, by_group, failed })
    }

    fn failed(&self) -> Option<String> {
        // "Active" and "ActiveWithError" are in force.
        let state =
            self.state.as_deref().filter(|state| !state.to_ascii_lowercase().starts_with("active"))?;
        let error =
            self.error.as_deref().filter(|error| !error.is_empty() && !error.eq_ignore_ascii_case("none"));
        Some(error.unwrap_or(state).to_owned())
    }
}

impl Graph {
    /// The products that the tenant has bought: `GET /subscribedSkus` ("List subscribedSkus").
    pub async fn subscribed_skus(&self, call: &Call) -> Result<Reply<Vec<Sku>>, Error> {
        let names = "skuId,skuPartNumber,appliesTo,capabilityStatus,consumedUnits,prepaidUnits";
        let target = Query::new().and("$select", names).after("subscribedSkus");
        let skus = self.0.list::<SubscribedSku>(call, Request::get(Operation::ListSkus, target)).await?;
        Ok(skus.map(|skus| skus.into_iter().map(Sku::from).collect()))
    }

    /// Gives the account licences and takes others away, all or nothing: `POST /users/{id}/assignLicense` ("Assign
    /// license"). An empty change is not sent at all: the reply is then ours, with 204 and no `request-id`.
    ///
    /// The account needs a `usageLocation` first ([`Error::NoUsageLocation`], which for some seconds after it was set can
    /// be a replica that lags); no seat left is [`Error::NoLicenseLeft`].
    pub async fn assign_license(
        &self,
        call: &Call,
        account: &AccountId,
        change: &LicenseChange,
    ) -> Result<Reply<()>, Error> {
        if change.is_empty() {
            return Ok(call.not_sent());
        }
        let target = format!("users/{account}/assignLicense");
        let request = Request::post(Operation::AssignLicense, target).json(change.body());
        self.0.execute(call, request).await?.nothing()
    }

    /// The account's licences, its own and those that it has by its groups, also those that could not be given:
    /// `GET /users/{id}` with `licenseAssignmentStates`.
    pub async fn licenses_of(
        &self,
        call: &Call,
        account: &AccountId,
    ) -> Result<Reply<Vec<AssignedLicense>>, Error> {
        let query = Query::new().and("$select", "id,licenseAssignmentStates");
        let request = Request::get(Operation::ReadLicenses, query.after(&format!("users/{account}")));
        let licensed = self.0.execute(call, request).await?.json::<Licensed>()?;
        Ok(licensed.map(|licensed| {
            let states = licensed.license_assignment_states.unwrap_or_default();
            states.into_iter().filter_map(AssignmentState::license).collect()
        }))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use uuid::Uuid;

    use super::*;

    const SKU: &str = "f245ecc8-75af-4f8e-b61f-27d8114de5f3";
    const GROUP: &str = "0f1c6a2e-4f50-4b8e-9a39-0a6d7c1e2b11";

    fn sku(more: &Value) -> Sku {
        let mut sku = json!({
            "id": "x_y", "skuId": SKU, "skuPartNumber": "O365_BUSINESS_PREMIUM", "appliesTo": "User",
            "capabilityStatus": "Enabled", "consumedUnits": 14,
            "prepaidUnits": {"enabled": 25, "suspended": 0, "warning": 0, "lockedOut": 0},
        });
        for (name, value) in more.as_object().unwrap() {
            sku[name] = value.clone();
        }
        serde_json::from_value::<SubscribedSku>(sku).unwrap().into()
    }

    #[rstest]
    #[case(json!({}), true, 11)]
    #[case(json!({"prepaidUnits": {"enabled": 0, "warning": 25}, "capabilityStatus": "Warning"}), true, 11)]
    #[case(json!({"consumedUnits": 30}), true, 0)]
    #[case(json!({"capabilityStatus": "Suspended"}), false, 0)]
    #[case(json!({"capabilityStatus": null}), false, 0)]
    #[case(json!({"appliesTo": "Company"}), false, 0)]
    #[case(json!({"prepaidUnits": null, "consumedUnits": null}), true, 0)]
    fn seats_are_counted(#[case] more: Value, #[case] usable: bool, #[case] free: i64) {
        let sku = sku(&more);
        assert_eq!((sku.id.to_string().as_str(), sku.part_number.as_str()), (SKU, "O365_BUSINESS_PREMIUM"));
        assert_eq!((sku.usable, sku.free()), (usable, free));
    }

    #[test]
    fn what_is_given_is_not_taken_too() {
        let sku = |number| SkuId::from(Uuid::from_u128(number));
        let change =
            LicenseChange { add: vec![sku(2), sku(1), sku(2)], remove: vec![sku(1), sku(3), sku(3)] };
        assert_eq!(
            change.body(),
            json!({
                "addLicenses": [
                    {"skuId": "00000000-0000-0000-0000-000000000001", "disabledPlans": []},
                    {"skuId": "00000000-0000-0000-0000-000000000002", "disabledPlans": []},
                ],
                "removeLicenses": ["00000000-0000-0000-0000-000000000003"],
            })
        );
        assert!(LicenseChange::default().is_empty());
    }

    #[rstest]
    #[case(json!({"state": "Active", "error": "None"}), None, None)]
    #[case(json!({"state": "Active", "error": "None", "assignedByGroup": GROUP}), Some(GROUP), None)]
    #[case(json!({"state": "ActiveWithError", "error": "CountViolation"}), None, None)]
    #[case(json!({"state": "Error", "error": "CountViolation", "assignedByGroup": GROUP}), Some(GROUP), Some("CountViolation"))]
    #[case(json!({"state": "Disabled", "error": "None"}), None, Some("Disabled"))]
    #[case(json!({}), None, None)]
    fn a_licence_says_where_it_comes_from_and_whether_it_is_in_force(
        #[case] mut state: Value,
        #[case] group: Option<&str>,
        #[case] failed: Option<&str>,
    ) {
        state["skuId"] = json!(SKU);
        let license = serde_json::from_value::<AssignmentState>(state).unwrap().license().unwrap();
        assert_eq!(license.by_group.map(|id| id.to_string()).as_deref(), group);
        assert_eq!(license.failed.as_deref(), failed);
    }
}
