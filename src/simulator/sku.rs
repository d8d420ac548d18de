//! What a tenant has subscribed to: the SKUs, their seats and their service plans.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

/// A subscription.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SkuSeed {
    /// `skuId`.
    pub sku_id: Uuid,
    /// `skuPartNumber`, e.g. `SPE_E3`.
    pub part_number: String,
    /// Seats that are paid for: `prepaidUnits.enabled`.
    pub enabled: u32,
    /// Seats of a subscription that has run out but still works: `prepaidUnits.warning`.
    #[serde(default)]
    pub warning: u32,
    /// Seats of a subscription that works no more: `prepaidUnits.suspended`.
    #[serde(default)]
    pub suspended: u32,
    /// `capabilityStatus`: `Enabled`, `Warning`, `Suspended`, `Deleted` or `LockedOut`.
    #[serde(default = "enabled")]
    pub capability_status: String,
    /// `appliesTo`: `User`, or `Company` for what cannot be assigned.
    #[serde(default = "user")]
    pub applies_to: String,
    /// `servicePlans`.
    #[serde(default)]
    pub plans: Vec<PlanSeed>,
}

/// A service plan of a subscription.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlanSeed {
    /// `servicePlanId`.
    pub id: Uuid,
    /// `servicePlanName`.
    pub name: String,
    /// The user must have one of these plans too, if there are any.
    #[serde(default)]
    pub needs: Vec<Uuid>,
    /// The user must have none of these plans.
    #[serde(default)]
    pub excludes: Vec<Uuid>,
}

fn enabled() -> String {
    "Enabled".to_owned()
}

fn user() -> String {
    "User".to_owned()
}

impl SkuSeed {
    /// A subscription of so many seats, without plans.
    pub fn new(sku_id: Uuid, part_number: &str, seats: u32) -> Self {
        Self {
            sku_id,
            part_number: part_number.to_owned(),
            enabled: seats,
            warning: 0,
            suspended: 0,
            capability_status: enabled(),
            applies_to: user(),
            plans: Vec::new(),
        }
    }

    fn with(mut self, id: u128, name: &str, needs: &[u128], excludes: &[u128]) -> Self {
        let ids = |all: &[u128]| all.iter().map(|&id| Uuid::from_u128(id)).collect();
        let plan = PlanSeed {
            id: Uuid::from_u128(id),
            name: name.to_owned(),
            needs: ids(needs),
            excludes: ids(excludes),
        };
        self.plans.push(plan);
        self
    }

    /// The subscriptions of Contoso: `O365_BUSINESS_PREMIUM` (25 seats), `SPE_E3` (10), `POWER_BI_PRO` (1),
    /// `EXCHANGESTANDARD` (5, not together with `SPE_E3`) and `MCOMEETADV` (5, only with one of the first two).
    pub(super) fn contoso() -> Vec<Self> {
        let sku = |id, name, seats| Self::new(Uuid::from_u128(id), name, seats);
        vec![
            sku(0xf245_ecc8_75af_4f8e_b61f_27d8_114d_e5f3, "O365_BUSINESS_PREMIUM", 25)
                .with(0x57ff_2da0_773e_42df_b2af_ffb7_a231_7929, "TEAMS1", &[], &[])
                .with(SKYPE_SMALL, "MCOSTANDARD_MIDMARKET", &[], &[])
                .with(0xc769_9d2e_19aa_44de_8edf_1736_da08_8ca1, "SHAREPOINTSTANDARD", &[], &[]),
            sku(0x05e9_a617_0261_4cee_bb44_138d_3ef5_d965, "SPE_E3", 10)
                .with(EXCHANGE_LARGE, "EXCHANGE_S_ENTERPRISE", &[], &[])
                .with(SKYPE, "MCOSTANDARD", &[], &[])
                .with(0x5dbe_027f_2339_4123_9542_606e_4d34_8a72, "SHAREPOINTENTERPRISE", &[], &[]),
            sku(0xf8a1_db68_be16_40ed_86d5_cb42_ce70_1560, "POWER_BI_PRO", 1).with(
                0x70d3_3638_9c74_4d01_bfd3_562d_e28b_d4ba,
                "BI_AZURE_P2",
                &[],
                &[],
            ),
            sku(0x4b94_05b0_7788_4568_add1_9961_4e61_3b69, "EXCHANGESTANDARD", 5).with(
                0x9aaf_7827_d63c_4b61_89c3_182f_06f8_2e5c,
                "EXCHANGE_S_STANDARD",
                &[],
                &[EXCHANGE_LARGE],
            ),
            sku(0x0c26_6dff_15dd_4b49_8397_2bb1_6070_ed52, "MCOMEETADV", 5).with(
                0x3e26_ee1f_8a5f_4d52_aee2_b81c_e45c_8f40,
                "MCOMEETADV",
                &[SKYPE, SKYPE_SMALL],
                &[],
            ),
        ]
    }

    /// Seats that can be given: also those of a subscription that has run out a little while ago.
    pub(super) fn seats(&self) -> u64 {
        u64::from(self.enabled) + u64::from(self.warning)
    }

    /// Whether it can be assigned to a user at all.
    pub(super) fn assignable(&self) -> bool {
        self.applies_to == "User" && matches!(self.capability_status.as_str(), "Enabled" | "Warning")
    }

    /// `servicePlans` of a subscription, and of a user's licence, where some are switched off.
    pub(super) fn plans(&self, disabled: &[Uuid]) -> Value {
        let plan = |plan: &PlanSeed| {
            let status = if disabled.contains(&plan.id) { "Disabled" } else { "Success" };
            json!({
                "servicePlanId": plan.id,
                "servicePlanName": plan.name,
                "provisioningStatus": status,
                "appliesTo": self.applies_to,
            })
        };
        self.plans.iter().map(plan).collect()
    }

    /// The item of `GET /subscribedSkus`.
    pub(super) fn item(&self, tenant: Uuid, name: &str, consumed: u64) -> Value {
        json!({
            "accountId": tenant,
            "accountName": name,
            "appliesTo": self.applies_to,
            "capabilityStatus": self.capability_status,
            "consumedUnits": consumed,
            "id": format!("{tenant}_{}", self.sku_id),
            "prepaidUnits": {
                "enabled": self.enabled,
                "suspended": self.suspended,
                "warning": self.warning,
                "lockedOut": 0,
            },
            "servicePlans": self.plans(&[]),
            "skuId": self.sku_id,
            "skuPartNumber": self.part_number,
            "subscriptionIds": [],
        })
    }
}

const EXCHANGE_LARGE: u128 = 0xefb8_7545_963c_4e0d_99df_69c6_916d_9eb0;
const SKYPE: u128 = 0x0fea_eb32_d00e_4d66_bd5a_43b5_b83d_b82c;
const SKYPE_SMALL: u128 = 0xb266_9e95_76ef_4e7e_a367_002f_60a3_9f3e;
