//! Licences and seats, and the rules on them.

use std::sync::Arc;

use uuid::Uuid;

use super::super::account::{Account, Licence};
use super::super::refusal::Refusal;
use super::super::sku::{PlanSeed, SkuSeed};
use super::{Act, Directory};

/// The body of `assignLicense`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::simulator) struct LicenceChange {
    /// The subscriptions to give, each with the plans that are switched off.
    pub(in crate::simulator) add: Vec<(Uuid, Vec<Uuid>)>,
    pub(in crate::simulator) remove: Vec<Uuid>,
}

impl Directory {
    /// How many users have this subscription.
    pub(in crate::simulator) fn consumed(&self, sku: Uuid) -> u64 {
        self.consumed.get(&sku).copied().unwrap_or(0)
    }

    /// Gives a user licences and takes some away: all of it or nothing.
    pub(in crate::simulator) fn assign(
        &mut self,
        key: &str,
        change: &LicenceChange,
        act: &Act<'_>,
    ) -> Result<Arc<Account>, Refusal> {
        let current = self.find(key).ok_or_else(|| Refusal::not_found(key))?;
        let skus = act.tenant.skus.as_slice();
        let mut account = Account::clone(current);
        for &sku in &change.remove {
            known(skus, sku)?;
            withdraw(&mut account, sku)?;
        }
        if !change.add.is_empty() && account.text("usageLocation").is_none() {
            return Err(Refusal::usage_location());
        }
        for (id, disabled) in &change.add {
            let sku = known(skus, *id)?;
            check_disabled(sku, disabled)?;
            let had = account.skus().contains(id) || current.skus().contains(id);
            if !had && (!sku.assignable() || self.consumed(*id) >= sku.seats()) {
                return Err(Refusal::bad(format!(
                    "Subscription with SKU {id} does not have any available licenses."
                )));
            }
            account.licences.retain(|licence| licence.sku != *id || licence.group.is_some());
            account.licences.push(Licence {
                sku: *id,
                disabled: disabled.clone(),
                group: None,
                error: None,
                since: act.now,
            });
        }
        check_plans(skus, &account)?;
        self.commit(account)
    }
}

impl Directory {
    /// Marks the licences of a user who comes back for which no seat is left.
    pub(super) fn suspend_licences(&self, account: &mut Account, act: &Act<'_>) {
        for licence in account.licences.iter_mut().filter(|licence| licence.error.is_none()) {
            let sku = act.tenant.skus.iter().find(|sku| sku.sku_id == licence.sku);
            if sku.is_none_or(|sku| self.consumed(licence.sku) >= sku.seats()) {
                licence.error = Some("CountViolation".to_owned());
            }
        }
    }
}

/// A subscription of the tenant that is for users. (The words are those of the service, unverified.)
fn known(skus: &[SkuSeed], id: Uuid) -> Result<&SkuSeed, Refusal> {
    skus.iter()
        .find(|sku| sku.sku_id == id && sku.applies_to == "User")
        .ok_or_else(|| Refusal::bad(format!("License {id} does not correspond to a valid company License.")))
}

fn withdraw(account: &mut Account, sku: Uuid) -> Result<(), Refusal> {
    let before = account.licences.len();
    account.licences.retain(|licence| licence.sku != sku || licence.group.is_some());
    if account.licences.len() < before {
        return Ok(());
    }
    if account.licences.iter().any(|licence| licence.sku == sku) {
        return Err(Refusal::bad(
            "User license is inherited from a group membership and it cannot be removed directly from the user.",
        ));
    }
    Err(Refusal::bad("User does not have a corresponding license."))
}

fn check_disabled(sku: &SkuSeed, disabled: &[Uuid]) -> Result<(), Refusal> {
    match disabled.iter().find(|id| !sku.plans.iter().any(|plan| plan.id == **id)) {
        Some(_) => Err(Refusal::bad("License assignment contains invalid service plan identifiers.")),
        None => Ok(()),
    }
}

/// Whether every plan that the user would have gets along with the others.
fn check_plans(skus: &[SkuSeed], account: &Account) -> Result<(), Refusal> {
    let working = account.licences.iter().filter(|licence| licence.error.is_none());
    let plans: Vec<(&SkuSeed, &PlanSeed)> = working
        .filter_map(|licence| Some((licence, skus.iter().find(|sku| sku.sku_id == licence.sku)?)))
        .flat_map(|(licence, sku)| {
            let on = |plan: &&PlanSeed| !licence.disabled.contains(&plan.id);
            sku.plans.iter().filter(on).map(move |plan| (sku, plan))
        })
        .collect();
    let has = |id: &Uuid| plans.iter().any(|(_, plan)| plan.id == *id);
    for (sku, plan) in &plans {
        if !plan.needs.is_empty() && !plan.needs.iter().any(has) {
            let needs: Vec<String> = plan.needs.iter().map(Uuid::to_string).collect();
            return Err(Refusal::bad(format!(
                "License assignment failed because service plan {} depends on the service plan(s) {}",
                plan.id,
                needs.join(", ")
            )));
        }
        if let Some(other) = plan.excludes.iter().find(|id| has(id)) {
            return Err(Refusal::bad(format!(
                "License assignment failed because the license with SKU {} contains service plan {} that conflicts with service plan {other}",
                sku.sku_id, plan.id
            )));
        }
    }
    Ok(())
}
