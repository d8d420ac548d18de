//! What a test arranges besides users and groups: domains, subscriptions, how delta queries behave; and what it looks
//! at: the audit log, the mail.

use serde_json::Value;

use super::Handle;
use crate::simulator::delta::DeltaSettings;
use crate::simulator::sku::SkuSeed;
use crate::simulator::tenant::DomainSeed;

impl Handle {
    /// The tenant's domains.
    pub fn domains(&self) -> Vec<DomainSeed> {
        self.0.tenant_now().domains.clone()
    }

    /// Adds a domain, or changes the one of this name. A new default takes that from the one before.
    pub fn put_domain(&self, domain: DomainSeed) {
        self.0.change_tenant(|tenant| {
            tenant.domains.retain(|other| !other.name.eq_ignore_ascii_case(&domain.name));
            for other in &mut tenant.domains {
                other.is_default &= !domain.is_default;
            }
            tenant.domains.push(domain);
        });
    }

    /// Takes a domain away, whoever uses it. False if there is none.
    pub fn remove_domain(&self, name: &str) -> bool {
        let known = self.0.tenant_now().domain(name).is_some();
        self.0.change_tenant(|tenant| tenant.domains.retain(|other| !other.name.eq_ignore_ascii_case(name)));
        known
    }

    /// The tenant's subscriptions.
    pub fn skus(&self) -> Vec<SkuSeed> {
        self.0.tenant_now().skus.clone()
    }

    /// Adds a subscription, or changes the one of this id, such as its number of seats.
    pub fn put_sku(&self, sku: SkuSeed) {
        self.0.change_tenant(|tenant| {
            match tenant.skus.iter_mut().find(|other| other.sku_id == sku.sku_id) {
                Some(other) => *other = sku,
                None => tenant.skus.push(sku),
            }
        });
    }

    /// How delta queries are answered.
    pub fn delta_settings(&self) -> DeltaSettings {
        self.0.deltas.settings()
    }

    /// Changes how delta queries are answered.
    pub fn set_delta_settings(&self, settings: DeltaSettings) {
        self.0.deltas.set(settings);
    }

    /// Makes every delta and skip token so far expired: a request with one is answered with this status and code,
    /// e.g. 410 `syncStateNotFound`, with a `Location`, or 400 `resyncRequired`.
    pub fn expire_deltas(&self, status: u16, code: &str) {
        self.0.deltas.expire(status, code);
    }

    /// The entries of the directory's audit log, oldest first, as Graph shows them.
    pub fn audits(&self) -> Vec<Value> {
        self.0.audits.shown()
    }

    /// Forgets the entries of the audit log.
    pub fn clear_audits(&self) {
        self.0.audits.clear();
    }

    /// The messages that were sent, oldest first: `{"from": user name, "message": as it was sent}`.
    pub fn mails(&self) -> Vec<Value> {
        self.0.mails.all()
    }

    /// Forgets the messages.
    pub fn clear_mails(&self) {
        self.0.mails.clear();
    }
}
