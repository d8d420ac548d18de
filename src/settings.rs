//! What an administrator chooses for a connection. What a connection does not set comes from `[defaults]`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The settings of one connection, complete.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Where a user goes whose domain no connection has.
    pub routing: Routing,
    /// The rules for passwords.
    pub password: PasswordSettings,
    /// What a SCIM DELETE does to the account.
    pub on_delete: OnDelete,
    /// What the extension attribute `passwordExpired` does to the account.
    pub on_password_expired: OnPasswordExpired,
    /// What the extension attribute `locked` does to the account.
    pub on_lockout: OnLockout,
    /// The names of the optional rows of the attribute table that are switched off.
    pub rules_off: Vec<String>,
}

/// Where a user goes whose domain no connection has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Routing {
    /// None: `default_domain` while only the built-in simulator is connected, `refuse` once a real tenant is.
    pub unmatched: Option<Unmatched>,
}

/// The choices of `routing.unmatched`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unmatched {
    /// 400, with the domain and the known ones.
    Refuse,
    /// The address is built from the local part and the connection's default domain.
    DefaultDomain,
    /// The user is kept, and provisioned when a connection claims the domain.
    Unbound,
}

/// The rules for passwords.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "PasswordKeys", into = "PasswordKeys")]
pub struct PasswordSettings {
    /// `password.min` and `password.max`.
    pub length: LengthRule,
    /// What a violation does to the request.
    pub on_violation: OnViolation,
}

/// The keys as an administrator writes them.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct PasswordKeys {
    min: u16,
    max: u16,
    on_violation: OnViolation,
}

/// The choices of `password.on_violation`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnViolation {
    /// 400, and nothing of the request takes effect.
    #[default]
    Reject,
    /// The rest takes effect, the password does not; a failure event and `syncStatus` say so.
    Skip,
}

/// The choices of `on_delete`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnDelete {
    /// Sign-in is blocked and sessions are revoked; the account stays.
    #[default]
    Block,
    /// The account is deleted; Microsoft keeps it restorable for 30 days.
    SoftDelete,
}

/// The choices of `on_password_expired`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnPasswordExpired {
    /// The account is suspended until upstream sets a password.
    #[default]
    Suspend,
    /// The account stays as it is.
    Maintain,
}

/// The choices of `on_lockout`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnLockout {
    /// The account stays as it is.
    #[default]
    Maintain,
    /// The account is suspended while the lock-out lasts.
    Suspend,
}

/// How long a password may be, in characters. Microsoft's own limits are 8 and 256.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LengthRule {
    min: u16,
    max: u16,
}

/// Why a pair of limits is no rule.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("password.min and password.max must satisfy 8 <= min <= max <= 256, and are {min} and {max}")]
pub struct BadLimits {
    min: u16,
    max: u16,
}

/// Settings that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the settings cannot be used: {0}")]
pub struct SettingsError(#[from] serde_json::Error);

impl LengthRule {
    /// JumpCloud's documented rule for Microsoft 365.
    pub const DEFAULT: Self = Self { min: 8, max: 16 };

    /// A rule within Microsoft's own limits.
    pub fn new(min: u16, max: u16) -> Result<Self, BadLimits> {
        if min < 8 || max > 256 || min > max {
            return Err(BadLimits { min, max });
        }
        Ok(Self { min, max })
    }

    /// Fewest and most characters.
    pub fn limits(self) -> (u16, u16) {
        (self.min, self.max)
    }
}

impl Default for PasswordSettings {
    fn default() -> Self {
        Self { length: LengthRule::DEFAULT, on_violation: OnViolation::default() }
    }
}

impl Default for PasswordKeys {
    fn default() -> Self {
        PasswordSettings::default().into()
    }
}

impl TryFrom<PasswordKeys> for PasswordSettings {
    type Error = BadLimits;

    fn try_from(keys: PasswordKeys) -> Result<Self, BadLimits> {
        Ok(Self { length: LengthRule::new(keys.min, keys.max)?, on_violation: keys.on_violation })
    }
}

impl From<PasswordSettings> for PasswordKeys {
    fn from(settings: PasswordSettings) -> Self {
        let (min, max) = settings.length.limits();
        Self { min, max, on_violation: settings.on_violation }
    }
}

impl Settings {
    /// These settings with a connection's own `overrides` (a JSON object of the same shape, partial) on top.
    pub fn overridden_by(&self, overrides: &Value) -> Result<Self, SettingsError> {
        let mut merged = serde_json::to_value(self)?;
        merge(&mut merged, overrides);
        Ok(serde_json::from_value(merged)?)
    }
}

fn merge(base: &mut Value, over: &Value) {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (key, value) in over {
                merge(base.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (_, Value::Null) => {}
        (base, over) => *base = over.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[test]
    fn a_connection_overrides_what_it_names_and_nothing_else() {
        let base = Settings { on_delete: OnDelete::SoftDelete, ..Settings::default() };
        let own = base
            .overridden_by(&json!({"password": {"max": 64}, "routing": {"unmatched": "unbound"}}))
            .unwrap();
        assert_eq!(own.password.length, LengthRule::new(8, 64).unwrap());
        assert_eq!(own.routing.unmatched, Some(Unmatched::Unbound));
        assert_eq!(own.on_delete, OnDelete::SoftDelete);
    }

    #[test]
    fn nonsense_is_refused_with_its_name() {
        let refusal = |value| Settings::default().overridden_by(&value).unwrap_err().to_string();
        assert!(refusal(json!({"pasword": {}})).contains("pasword"));
        assert!(refusal(json!({"password": {"min": 4}})).contains("password.min"));
        assert!(refusal(json!({"on_delete": "purge"})).contains("purge"));
    }

    #[rstest]
    #[case(7, 16, false)]
    #[case(8, 257, false)]
    #[case(20, 10, false)]
    #[case(8, 256, true)]
    fn a_rule_stays_within_microsofts_limits(#[case] min: u16, #[case] max: u16, #[case] fits: bool) {
        assert_eq!(LengthRule::new(min, max).is_ok(), fits);
    }
}
