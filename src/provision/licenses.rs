//! Licences: what upstream asks for by name, and the subscriptions of the tenant that have those names.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use crate::graph::{self, Call, Graph, Sku, SkuId};
use crate::ids::ConnectionId;
use crate::scim::Resource;

/// How long the subscriptions of a tenant are believed: an administrator who buys seats waits no longer for them.
const FRESH: i64 = 5 * 60 * 1000;
/// How soon they are read again when a seat is missing.
const SOON: i64 = 10 * 1000;

/// The name of the rule that switches licences off, and of the field in events: Graph's property.
pub(super) const RULE: &str = "assignedLicenses";

/// The subscriptions of each tenant, as they were read last.
#[derive(Debug, Default)]
pub(super) struct Catalogues(Mutex<HashMap<ConnectionId, Arc<Catalogue>>>);

/// The subscriptions of one tenant.
#[derive(Debug)]
pub(super) struct Catalogue {
    read_at: i64,
    skus: Mutex<Vec<Sku>>,
}

/// The licences that upstream asks for, found among the subscriptions or not.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// Those that the tenant has.
    pub(super) skus: BTreeSet<SkuId>,
    /// Names of no subscription.
    pub(super) unknown: Vec<String>,
}

/// The values of `entitlements`: part numbers such as `SPE_E3`, or ids of subscriptions' products.
pub(super) fn named(resource: &Resource) -> Vec<&str> {
    let values = resource.elements("entitlements").iter();
    let texts = values.filter_map(|element| element.get("value").and_then(Value::as_str).map(str::trim));
    texts.filter(|text| !text.is_empty()).collect()
}

impl Catalogues {
    /// The subscriptions of the connection, read again when they are old.
    pub(super) async fn of(
        &self,
        connection: ConnectionId,
        graph: &Graph,
        call: &Call,
        now: i64,
    ) -> Result<Arc<Catalogue>, graph::Error> {
        self.younger_than(FRESH, connection, graph, call, now).await
    }

    /// The same, for one who finds no seat in what was read a while ago.
    pub(super) async fn again(
        &self,
        connection: ConnectionId,
        graph: &Graph,
        call: &Call,
        now: i64,
    ) -> Result<Arc<Catalogue>, graph::Error> {
        self.younger_than(SOON, connection, graph, call, now).await
    }

    async fn younger_than(
        &self,
        age: i64,
        connection: ConnectionId,
        graph: &Graph,
        call: &Call,
        now: i64,
    ) -> Result<Arc<Catalogue>, graph::Error> {
        if let Some(known) = self.lock().get(&connection)
            && now - known.read_at < age
        {
            return Ok(Arc::clone(known));
        }
        let skus = Mutex::new(graph.subscribed_skus(call).await?.value);
        let read = Arc::new(Catalogue { read_at: now, skus });
        self.lock().insert(connection, Arc::clone(&read));
        Ok(read)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<ConnectionId, Arc<Catalogue>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Catalogue {
    /// Finds what is asked for by part number in any case of letters, or by id.
    pub(super) fn find(&self, names: &[&str]) -> Found {
        let skus = self.skus();
        let mut found = Found::default();
        for name in names {
            let id = name.parse::<SkuId>().ok();
            let sku =
                skus.iter().find(|sku| Some(sku.id) == id || sku.part_number.eq_ignore_ascii_case(name));
            match sku {
                Some(sku) => drop(found.skus.insert(sku.id)),
                None => found.unknown.push((*name).to_owned()),
            }
        }
        found
    }

    /// What people call the product: its part number, where the tenant has it.
    pub(super) fn name(&self, id: SkuId) -> String {
        let skus = self.skus();
        skus.iter().find(|sku| sku.id == id).map_or_else(|| id.to_string(), |sku| sku.part_number.clone())
    }

    /// Whether there is a seat left.
    pub(super) fn has_seat(&self, id: SkuId) -> bool {
        self.skus().iter().any(|sku| sku.id == id && sku.usable && sku.free() > 0)
    }

    /// Counts seats that were taken, or given back, since the subscriptions were read.
    pub(super) fn count(&self, taken: &[SkuId], given_back: &[SkuId]) {
        for sku in self.skus().iter_mut() {
            sku.consumed += i64::from(taken.contains(&sku.id)) - i64::from(given_back.contains(&sku.id));
        }
    }

    fn skus(&self) -> std::sync::MutexGuard<'_, Vec<Sku>> {
        self.skus.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use uuid::Uuid;

    fn catalogue() -> Catalogue {
        let sku = |number, name: &str, enabled, consumed| Sku {
            id: SkuId::from(Uuid::from_u128(number)),
            part_number: name.to_owned(),
            enabled,
            warning: 0,
            consumed,
            usable: true,
        };
        Catalogue { read_at: 0, skus: Mutex::new(vec![sku(1, "SPE_E3", 2, 1), sku(2, "POWER_BI_PRO", 1, 1)]) }
    }

    #[test]
    fn licences_are_found_by_part_number_and_by_id() {
        let two = Uuid::from_u128(2).to_string();
        let found = catalogue().find(&["spe_e3", &two, "NO_SUCH"]);
        assert_eq!(found.skus, [1, 2].map(|number| SkuId::from(Uuid::from_u128(number))).into());
        assert_eq!(found.unknown, ["NO_SUCH"]);
    }

    #[test]
    fn seats_are_counted_as_they_go() {
        let [one, two] = [1, 2].map(|number| SkuId::from(Uuid::from_u128(number)));
        let catalogue = catalogue();
        assert!(catalogue.has_seat(one) && !catalogue.has_seat(two));
        catalogue.count(&[one], &[two]);
        assert!(!catalogue.has_seat(one) && catalogue.has_seat(two));
    }

    #[test]
    fn what_is_asked_for_stands_in_the_values() {
        let resource =
            Resource::from(json!({"entitlements": [{"value": " SPE_E3 "}, {"display": "x"}, {"value": ""}]}));
        assert_eq!(named(&resource), ["SPE_E3"]);
        assert!(named(&Resource::default()).is_empty());
    }
}
