//! What an administrator chooses for a connection. What a connection does not set comes from `[defaults]`.

use std::time::Duration;

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
    /// How many days later it does so; 0: at once. What only follows a block is put off, the block is not.
    pub on_delete_grace_days: GraceDays,
    /// What the extension attribute `passwordExpired` does to the account.
    pub on_password_expired: OnPasswordExpired,
    /// What the extension attribute `locked` does to the account.
    pub on_lockout: OnLockout,
    /// The names of the optional rows of the attribute table that are switched off.
    pub rules_off: Vec<String>,
    /// The `usageLocation` of users who have none of their own; no licence can be given without one.
    pub usage_location: Option<UsageLocation>,
    /// Whether pictures are sent to Microsoft 365: a consent of its own.
    pub photo: bool,
    /// Accounts that Gangway never changes, such as break-glass accounts: addresses or object ids, in any case of letters.
    pub never_touch: Vec<String>,
    /// Whether an account that holds an administrator role may be taken over by a user of its address.
    pub adopt_administrators: bool,
    /// What is done about changes that others make in the tenant.
    pub drift: DriftSettings,
    /// How large Microsoft takes the tenant to be, which decides its quota. None: medium; and no quota is kept against the
    /// built-in simulator, which has none unless it is told to.
    pub tenant_size: Option<TenantSize>,
}

/// How many days an act on a leaver's account is put off: at most 365.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct GraceDays(u16);

/// Why a number is no number of days of grace.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("on_delete_grace_days must be at most 365, and is {0}")]
pub struct TooManyDays(u16);

/// A `usageLocation`: two capitals (ISO 3166).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UsageLocation(String);

/// Why a text is no usage location.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("usage_location must be the two letters of a country, such as \"SE\", and is {0:?}")]
pub struct NoCountry(String);

/// What is done about changes that others make in the tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DriftSettings {
    /// What follows when a change is found.
    pub policy: DriftPolicy,
    /// How often the tenant is asked for changes.
    #[serde(with = "humantime_serde")]
    pub interval: Duration,
}

/// The choices of `drift.policy`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DriftPolicy {
    /// An event, and nothing else.
    #[default]
    Report,
    /// An event, and the account or group gets again what upstream wants.
    Repair,
}

/// The sizes of a tenant in Microsoft's table of limits ("Throttling limits", identity and access).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TenantSize {
    /// Fewer than 50 users.
    Small,
    /// 50 to 500 users.
    #[default]
    Medium,
    /// More than 500 users.
    Large,
}

/// `passwordPolicies` of every account ("user resource type").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PasswordPolicies {
    /// Microsoft's own rules hold.
    None,
    /// Passwords never expire.
    DisablePasswordExpiration,
    /// Weaker passwords are allowed.
    DisableStrongPassword,
    /// Both.
    #[serde(rename = "DisablePasswordExpiration, DisableStrongPassword")]
    Both,
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
    /// `passwordPolicies` of every account; None: they are left as they are.
    pub policies: Option<PasswordPolicies>,
}

/// The keys as an administrator writes them.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct PasswordKeys {
    min: u16,
    max: u16,
    on_violation: OnViolation,
    #[serde(skip_serializing_if = "Option::is_none")]
    policies: Option<PasswordPolicies>,
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
    /// The same, and the licences that were given to the account itself are taken back.
    RemoveLicenses,
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
        Self { length: LengthRule::DEFAULT, on_violation: OnViolation::default(), policies: None }
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
        let length = LengthRule::new(keys.min, keys.max)?;
        Ok(Self { length, on_violation: keys.on_violation, policies: keys.policies })
    }
}

impl From<PasswordSettings> for PasswordKeys {
    fn from(settings: PasswordSettings) -> Self {
        let (min, max) = settings.length.limits();
        Self { min, max, on_violation: settings.on_violation, policies: settings.policies }
    }
}

impl GraceDays {
    /// The days.
    pub fn days(self) -> u16 {
        self.0
    }

    /// The same in milliseconds.
    pub fn millis(self) -> i64 {
        i64::from(self.0) * 24 * 60 * 60 * 1000
    }
}

impl TryFrom<u16> for GraceDays {
    type Error = TooManyDays;

    fn try_from(days: u16) -> Result<Self, TooManyDays> {
        if days > 365 { Err(TooManyDays(days)) } else { Ok(Self(days)) }
    }
}

impl From<GraceDays> for u16 {
    fn from(days: GraceDays) -> Self {
        days.0
    }
}

impl UsageLocation {
    /// The two capitals.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for UsageLocation {
    type Error = NoCountry;

    fn try_from(text: String) -> Result<Self, NoCountry> {
        let country = text.len() == 2 && text.chars().all(|c| c.is_ascii_alphabetic());
        if country { Ok(Self(text.to_ascii_uppercase())) } else { Err(NoCountry(text)) }
    }
}

impl From<UsageLocation> for String {
    fn from(location: UsageLocation) -> Self {
        location.0
    }
}

impl Default for DriftSettings {
    fn default() -> Self {
        Self { policy: DriftPolicy::default(), interval: Duration::from_mins(5) }
    }
}

impl PasswordPolicies {
    /// Graph's words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::DisablePasswordExpiration => "DisablePasswordExpiration",
            Self::DisableStrongPassword => "DisableStrongPassword",
            Self::Both => "DisablePasswordExpiration, DisableStrongPassword",
        }
    }
}

impl Settings {
    /// Whether the account with this address or object id must never be changed.
    pub fn must_not_touch(&self, account: &str) -> bool {
        self.never_touch.iter().any(|name| name.trim().eq_ignore_ascii_case(account))
    }

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
        assert!(refusal(json!({"on_delete_grace_days": 366})).contains("at most 365"));
        assert!(refusal(json!({"usage_location": "Sweden"})).contains("usage_location"));
        assert!(refusal(json!({"drift": {"interval": "often"}})).contains("often"));
    }

    #[test]
    fn settings_survive_being_overridden() {
        let own = Settings::default().overridden_by(&json!({"usage_location": "se", "photo": true,
            "never_touch": ["BreakGlass@contoso.example"], "drift": {"policy": "repair"},
            "password": {"policies": "DisablePasswordExpiration"}}));
        let own = own.unwrap();
        assert_eq!(own.usage_location.as_ref().map(UsageLocation::as_str), Some("SE"));
        assert!(own.must_not_touch("breakglass@CONTOSO.example"));
        assert_eq!(own.drift, DriftSettings { policy: DriftPolicy::Repair, ..DriftSettings::default() });
        assert_eq!(own.overridden_by(&json!({})).unwrap(), own);
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
