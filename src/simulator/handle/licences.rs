//! Licences as a test puts them.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Error;
use crate::simulator::account::Licence;
use crate::simulator::tenant::TenantSeed;

/// A licence that a user is to have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LicenseSeed {
    /// The subscription: its id or its part number.
    pub sku: String,
    /// The group that it is inherited from; none: it was given to the user.
    #[serde(default)]
    pub assigned_by_group: Option<Uuid>,
    /// Why it does not work, e.g. `CountViolation`; none: it does.
    #[serde(default)]
    pub error: Option<String>,
}

impl LicenseSeed {
    /// A licence that was given to the user.
    pub fn new(sku: &str) -> Self {
        Self { sku: sku.to_owned(), ..Self::default() }
    }

    /// The licence that this means, given at the time `now` (milliseconds since the Unix epoch).
    pub(super) fn kept(&self, tenant: &TenantSeed, now: i64) -> Result<Licence, Error> {
        let id = Uuid::parse_str(&self.sku).ok();
        let named = tenant.skus.iter().find(|sku| sku.part_number == self.sku || Some(sku.sku_id) == id);
        let sku =
            named.ok_or_else(|| Error::Seed(format!("the tenant has no subscription '{}'", self.sku)))?;
        Ok(Licence {
            sku: sku.sku_id,
            disabled: Vec::new(),
            group: self.assigned_by_group,
            error: self.error.clone(),
            since: now,
        })
    }
}

impl From<&Licence> for LicenseSeed {
    fn from(licence: &Licence) -> Self {
        Self { sku: licence.sku.to_string(), assigned_by_group: licence.group, error: licence.error.clone() }
    }
}
