//! Giving and taking back licences (product contract, section 1). A licence that cannot be given is told, and nothing else
//! waits for it.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};

use super::{Fault, Run, is_refusal};
use crate::graph::{self, LicenseChange, Property, SkuId};
use crate::insights::{Change, EventType};
use crate::provision::describe::Trace;
use crate::provision::licenses::{self, Catalogue, RULE};
use crate::provision::plan::Licenses;

/// How often Graph may say that it knows of no usage location although it was given one: it needs seconds to learn of it.
const LOCATION_TRIES: i32 = 8;

impl Run<'_> {
    /// Finds what upstream asks for among the tenant's subscriptions. They are read only for users who have, or are to
    /// have, a licence of ours.
    pub(super) async fn choose_licenses(&mut self) -> Result<(), Fault> {
        let names = licenses::named(&self.resource);
        if self.settings.rules_off.iter().any(|name| name == RULE) {
            self.licenses = Licenses::Kept;
            return Ok(());
        }
        if names.is_empty() {
            self.licenses = Licenses::These(BTreeSet::new());
            return Ok(());
        }
        let catalogue = match self.catalogue().await {
            Err(error) if is_refusal(&error) => {
                self.faults.push(format!("the licences: {}", error.advice()));
                return Ok(());
            }
            read => read?,
        };
        let found = catalogue.find(&names);
        for name in found.unknown {
            self.faults.push(format!(
                "the licence \"{name}\", which is no subscription of the tenant: use a part number such as SPE_E3, or buy it."
            ));
        }
        self.licenses = Licenses::These(found.skus);
        Ok(())
    }

    /// Those that are wanted and not found impossible in this run.
    pub(super) fn licenses_wanted(&self) -> Licenses {
        match &self.licenses {
            Licenses::These(wanted) => Licenses::These(wanted - &self.impossible),
            Licenses::Kept => Licenses::Kept,
        }
    }

    pub(super) async fn change_licenses(&mut self, add: &[SkuId], remove: &[SkuId]) -> Result<(), Fault> {
        let catalogue = self.catalogue().await?;
        let add = self.with_seats(add, catalogue).await?;
        if add.is_empty() && remove.is_empty() {
            return Ok(());
        }
        let change = LicenseChange { add, remove: remove.to_vec() };
        match self.graph.assign_license(&self.call(), &self.account()?, &change).await {
            Ok(reply) => self.note(&reply),
            Err(error @ graph::Error::NoUsageLocation(_)) if self.binding.attempts < LOCATION_TRIES => {
                return Err(Fault::Later(error.advice()));
            }
            Err(error) if is_refusal(&error) => {
                self.give_licenses_up(&change, &error);
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        }
        let catalogue = self.catalogue().await?;
        catalogue.count(&change.add, &change.remove);
        let before = self.given.licenses.clone();
        self.given.licenses.extend(change.add);
        self.given.licenses.retain(|sku| !change.remove.contains(sku));
        if !self.is_new() {
            let names = |skus: &BTreeSet<SkuId>| -> Value {
                skus.iter().map(|sku| json!(catalogue.name(*sku))).collect()
            };
            let change = Change::new(RULE, names(&before), names(&self.given.licenses));
            self.report(EventType::UserUpdateProvision, change.into_iter().collect());
        }
        Ok(())
    }

    /// All licences of a leaver's own; those that a group hands down go with the group.
    pub(super) async fn take_licenses(&mut self) -> Result<(), Fault> {
        match self.licenses_taken().await {
            Ok(taken) if taken.is_empty() => {}
            Ok(taken) => {
                let names: Value = taken.iter().map(|sku| json!(sku.to_string())).collect();
                let change = Change::new(RULE, names, json!([]));
                self.report(EventType::UserUpdateProvision, change.into_iter().collect());
            }
            Err(error) if is_refusal(&error) => {
                let sentence = format!("the account is blocked, but keeps its licences: {}", error.advice());
                self.report_failure(EventType::UserUpdateProvision, &sentence, Trace::of_error(&error));
            }
            Err(error) => return Err(error.into()),
        }
        self.given.licenses.clear();
        self.given.unlicensed = true;
        Ok(())
    }

    async fn licenses_taken(&mut self) -> Result<Vec<SkuId>, graph::Error> {
        let Some(account) = self.account else {
            return Ok(Vec::new());
        };
        let assigned = self.graph.licenses_of(&self.call(), &account).await?.value;
        let own = assigned.into_iter().filter(|license| license.by_group.is_none());
        let remove: Vec<SkuId> = own.map(|license| license.sku).collect();
        if !remove.is_empty() {
            let change = LicenseChange { add: Vec::new(), remove: remove.clone() };
            let reply = self.graph.assign_license(&self.call(), &account, &change).await?;
            self.note(&reply);
        }
        Ok(remove)
    }

    /// Those of `skus` that can be given: none without a usage location, none without a seat.
    async fn with_seats(
        &mut self,
        skus: &[SkuId],
        mut catalogue: Arc<Catalogue>,
    ) -> Result<Vec<SkuId>, Fault> {
        let location = self.given.properties.get(&Property::UsageLocation);
        if !skus.is_empty() && location.and_then(Value::as_str).is_none() {
            self.impossible.extend(skus);
            self.faults.push(
                "the licences, since the account has no usageLocation: send it in the extension, or set usage_location for the connection."
                    .to_owned(),
            );
            return Ok(Vec::new());
        }
        let mut seated = Vec::new();
        for sku in skus {
            if !catalogue.has_seat(*sku) {
                let now = self.clock.millis();
                catalogue = self.catalogues.again(self.connection.id, &self.graph, &self.call(), now).await?;
            }
            if catalogue.has_seat(*sku) {
                seated.push(*sku);
                continue;
            }
            self.impossible.insert(*sku);
            self.faults.push(format!(
                "the licence {}, of which no seat is left: buy or free one, then push the user again.",
                catalogue.name(*sku)
            ));
        }
        Ok(seated)
    }

    /// All of one change is refused together: what was to be added is given up, and what was to be removed is tried again
    /// without it. A removal that is refused by itself is given up too.
    fn give_licenses_up(&mut self, change: &LicenseChange, error: &graph::Error) {
        self.impossible.extend(&change.add);
        if change.add.is_empty() {
            self.given.licenses.retain(|sku| !change.remove.contains(sku));
        }
        self.faults.push(format!("the licences: {}", error.advice()));
    }

    async fn catalogue(&self) -> Result<Arc<Catalogue>, graph::Error> {
        self.catalogues.of(self.connection.id, &self.graph, &self.call(), self.clock.millis()).await
    }

    /// The licences of an account that is taken over which are among those that it is to have.
    pub(super) async fn recognise_licenses(&mut self) -> Result<(), Fault> {
        let Licenses::These(wanted) = &self.licenses else {
            return Ok(());
        };
        if wanted.is_empty() {
            return Ok(());
        }
        let wanted = wanted.clone();
        let assigned = self.graph.licenses_of(&self.call(), &self.account()?).await?.value;
        let own =
            assigned.into_iter().filter(|license| license.by_group.is_none()).map(|license| license.sku);
        self.given.licenses = own.filter(|sku| wanted.contains(sku)).collect();
        Ok(())
    }
}
