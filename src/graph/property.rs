//! The properties of a Graph user that can be written, their names and their bounds.
//!
//! Bounds: Microsoft Graph v1.0, resource `user` and the page "Update user"; the user name's characters: "Password
//! policies and account restrictions in Microsoft Entra ID".

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The longest `userPrincipalName`, and its longest part before and after the `@`, in characters.
const UPN: (usize, usize, usize) = (113, 64, 48);

/// A writable property of a Graph user; serialised as Graph's own name for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "each is Graph's property of the same name")]
pub enum Property {
    AccountEnabled,
    BusinessPhones,
    City,
    CompanyName,
    Country,
    Department,
    DisplayName,
    EmployeeHireDate,
    EmployeeId,
    EmployeeOrgData,
    EmployeeType,
    FaxNumber,
    GivenName,
    JobTitle,
    MailNickname,
    MobilePhone,
    OfficeLocation,
    OnPremisesImmutableId,
    OtherMails,
    PasswordPolicies,
    PostalCode,
    PreferredLanguage,
    State,
    StreetAddress,
    Surname,
    UsageLocation,
    UserPrincipalName,
}

/// What a property's value looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `true` or `false`.
    Flag,
    /// Text of at most so many characters; `None` where Microsoft documents no bound.
    Text(Option<usize>),
    /// At most `items` texts of at most `length` characters each; cleared by an empty list.
    Texts {
        /// How many values there may be.
        items: usize,
        /// How many characters each may have.
        length: usize,
    },
    /// Two upper-case letters (ISO 3166).
    Country,
    /// A date and time with its zone.
    DateTime,
    /// An object of `costCenter` and `division`; one that is left out becomes null in Graph.
    OrgData,
}

/// Why Graph would refuse a value. The message says the rule and never the value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{property} {rule}.")]
pub struct InvalidProperty {
    /// The property.
    pub property: Property,
    /// The rule that the value breaks, as the rest of a sentence that starts with the property's name.
    pub rule: String,
}

impl Property {
    /// Every property, in the order of its name.
    pub const ALL: [Self; 27] = [
        Self::AccountEnabled,
        Self::BusinessPhones,
        Self::City,
        Self::CompanyName,
        Self::Country,
        Self::Department,
        Self::DisplayName,
        Self::EmployeeHireDate,
        Self::EmployeeId,
        Self::EmployeeOrgData,
        Self::EmployeeType,
        Self::FaxNumber,
        Self::GivenName,
        Self::JobTitle,
        Self::MailNickname,
        Self::MobilePhone,
        Self::OfficeLocation,
        Self::OnPremisesImmutableId,
        Self::OtherMails,
        Self::PasswordPolicies,
        Self::PostalCode,
        Self::PreferredLanguage,
        Self::State,
        Self::StreetAddress,
        Self::Surname,
        Self::UsageLocation,
        Self::UserPrincipalName,
    ];

    /// Graph's name for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AccountEnabled => "accountEnabled",
            Self::BusinessPhones => "businessPhones",
            Self::City => "city",
            Self::CompanyName => "companyName",
            Self::Country => "country",
            Self::Department => "department",
            Self::DisplayName => "displayName",
            Self::EmployeeHireDate => "employeeHireDate",
            Self::EmployeeId => "employeeId",
            Self::EmployeeOrgData => "employeeOrgData",
            Self::EmployeeType => "employeeType",
            Self::FaxNumber => "faxNumber",
            Self::GivenName => "givenName",
            Self::JobTitle => "jobTitle",
            Self::MailNickname => "mailNickname",
            Self::MobilePhone => "mobilePhone",
            Self::OfficeLocation => "officeLocation",
            Self::OnPremisesImmutableId => "onPremisesImmutableId",
            Self::OtherMails => "otherMails",
            Self::PasswordPolicies => "passwordPolicies",
            Self::PostalCode => "postalCode",
            Self::PreferredLanguage => "preferredLanguage",
            Self::State => "state",
            Self::StreetAddress => "streetAddress",
            Self::Surname => "surname",
            Self::UsageLocation => "usageLocation",
            Self::UserPrincipalName => "userPrincipalName",
        }
    }

    /// What its value looks like, with the bounds that Microsoft documents.
    pub const fn shape(self) -> Shape {
        match self {
            Self::AccountEnabled => Shape::Flag,
            Self::UsageLocation => Shape::Country,
            Self::EmployeeHireDate => Shape::DateTime,
            Self::EmployeeOrgData => Shape::OrgData,
            Self::BusinessPhones => Shape::Texts { items: 1, length: 64 },
            Self::OtherMails => Shape::Texts { items: 250, length: 250 },
            Self::UserPrincipalName => Shape::Text(Some(UPN.0)),
            Self::DisplayName => Shape::Text(Some(256)),
            Self::StreetAddress => Shape::Text(Some(1024)),
            Self::City | Self::Country | Self::JobTitle | Self::State => Shape::Text(Some(128)),
            Self::CompanyName
            | Self::Department
            | Self::GivenName
            | Self::MailNickname
            | Self::MobilePhone
            | Self::Surname => Shape::Text(Some(64)),
            Self::PostalCode => Shape::Text(Some(40)),
            Self::EmployeeId => Shape::Text(Some(16)),
            Self::EmployeeType
            | Self::FaxNumber
            | Self::OfficeLocation
            | Self::OnPremisesImmutableId
            | Self::PasswordPolicies
            | Self::PreferredLanguage => Shape::Text(None),
        }
    }

    /// Whether null clears it. Lists are cleared by an empty list instead.
    pub const fn clearable(self) -> bool {
        !matches!(
            self,
            Self::AccountEnabled
                | Self::BusinessPhones
                | Self::DisplayName
                | Self::MailNickname
                | Self::OtherMails
                | Self::UsageLocation
                | Self::UserPrincipalName
        )
    }

    /// Whether Graph would take `value`, as far as that can be told without it.
    pub fn check(self, value: &Value) -> Result<(), InvalidProperty> {
        self.rule_broken_by(value).map_or(Ok(()), |rule| Err(InvalidProperty { property: self, rule }))
    }

    /// Whether Graph, which answers `got`, has taken `sent`. Dates and objects count as taken: Graph writes them in a form
    /// of its own.
    pub(super) fn is_same(self, sent: &Value, got: &Value) -> bool {
        match (self.shape(), sent, got) {
            (Shape::DateTime | Shape::OrgData, ..) => true,
            (_, Value::String(sent), Value::String(got)) if self == Self::UserPrincipalName => {
                sent.to_lowercase() == got.to_lowercase()
            }
            _ => sent == got,
        }
    }

    fn rule_broken_by(self, value: &Value) -> Option<String> {
        if value.is_null() {
            return (!self.clearable()).then(|| "cannot be cleared".to_owned());
        }
        match self.shape() {
            Shape::Flag => (!value.is_boolean()).then(|| "must be true or false".to_owned()),
            Shape::Text(longest) => match value.as_str() {
                None => Some("must be text".to_owned()),
                Some(text) => too_long(text, longest).or_else(|| self.characters(text)),
            },
            Shape::Texts { items, length } => texts(value, items, length),
            Shape::Country => {
                let letters = value
                    .as_str()
                    .is_some_and(|code| code.len() == 2 && code.bytes().all(|b| b.is_ascii_uppercase()));
                (!letters).then(|| "must be a country code of two upper-case letters".to_owned())
            }
            Shape::DateTime => {
                let format = &time::format_description::well_known::Rfc3339;
                let read = value.as_str().map(|text| time::OffsetDateTime::parse(text, format));
                (!matches!(read, Some(Ok(_))))
                    .then(|| "must be a date and time such as 2026-01-31T00:00:00Z".to_owned())
            }
            Shape::OrgData => {
                let fits = value.as_object().is_some_and(|object| {
                    object.iter().all(|(key, part)| {
                        matches!(key.as_str(), "costCenter" | "division")
                            && (part.is_null() || part.is_string())
                    })
                });
                (!fits).then(|| "must be an object of costCenter and division".to_owned())
            }
        }
    }

    /// The rules on characters that hold for some texts only.
    fn characters(self, text: &str) -> Option<String> {
        match self {
            Self::UserPrincipalName => user_principal_name(text),
            Self::MailNickname => mail_nickname(text),
            Self::DisplayName if text.is_empty() => Some("cannot be empty".to_owned()),
            Self::OnPremisesImmutableId if text.contains(['$', '_']) => {
                Some("cannot contain $ or _".to_owned())
            }
            Self::PasswordPolicies => password_policies(text),
            _ => None,
        }
    }
}

impl fmt::Display for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

pub(super) fn too_long(text: &str, longest: Option<usize>) -> Option<String> {
    let longest = longest?;
    let length = text.chars().count();
    (length > longest).then(|| format!("holds at most {longest} characters, this value has {length}"))
}

fn texts(value: &Value, items: usize, length: usize) -> Option<String> {
    let Some(list) = value.as_array() else {
        return Some("must be a list of texts".to_owned());
    };
    if list.len() > items {
        return Some(format!("holds at most {items} values, there are {}", list.len()));
    }
    list.iter().find_map(|item| match item.as_str() {
        None => Some("must be a list of texts".to_owned()),
        Some(text) => too_long(text, Some(length)),
    })
}

fn user_principal_name(text: &str) -> Option<String> {
    let Some((local, domain)) = text.split_once('@') else {
        return Some("must have the form name@domain".to_owned());
    };
    if local.is_empty() || domain.is_empty() || domain.contains('@') {
        return Some("must have the form name@domain".to_owned());
    }
    if local.len() > UPN.1 || domain.len() > UPN.2 {
        return Some(format!("holds at most {} characters before the @ and {} after it", UPN.1, UPN.2));
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || "'.-_!#^~".contains(c);
    if let Some(bad) = local.chars().find(|c| !allowed(*c)) {
        return Some(format!("cannot contain {bad:?}; Microsoft allows A-Z a-z 0-9 and ' . - _ ! # ^ ~"));
    }
    if local.starts_with('.') || local.ends_with('.') {
        return Some("cannot begin with a dot or have one just before the @".to_owned());
    }
    let domain_fits = domain.chars().all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-');
    (!domain_fits).then(|| "has a domain that is no domain name".to_owned())
}

/// `None`, or one or both of the two policies (resource `user`, `passwordPolicies`).
fn password_policies(text: &str) -> Option<String> {
    let policies: Vec<&str> = text.split(',').map(str::trim).collect();
    let fits = match policies.as_slice() {
        ["None" | "DisablePasswordExpiration" | "DisableStrongPassword"] => true,
        [one, other] => {
            let known = ["DisablePasswordExpiration", "DisableStrongPassword"];
            one != other && known.contains(one) && known.contains(other)
        }
        _ => false,
    };
    (!fits).then(|| "must be None, DisablePasswordExpiration, DisableStrongPassword, or both of them with a comma between".to_owned())
}

fn mail_nickname(text: &str) -> Option<String> {
    if text.is_empty() {
        return Some("cannot be empty".to_owned());
    }
    let bad = text.chars().find(|c| !c.is_ascii_graphic() || "@()\\[]\";:<>,".contains(*c))?;
    Some(format!(
        "cannot contain {bad:?}; Microsoft allows ASCII without blanks and @ ( ) \\ [ ] \" ; : < > ,"
    ))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[test]
    fn the_name_is_the_serialised_form() {
        for property in Property::ALL {
            assert_eq!(serde_json::to_value(property).unwrap(), json!(property.name()));
        }
        assert!(Property::ALL.is_sorted_by_key(|property| property.name()));
    }

    #[rstest]
    #[case(Property::AccountEnabled, json!(true))]
    #[case(Property::EmployeeId, json!("1234567890123456"))]
    #[case(Property::EmployeeId, json!(null))]
    #[case(Property::BusinessPhones, json!([]))]
    #[case(Property::BusinessPhones, json!(["+41 44 000 00 00"]))]
    #[case(Property::UsageLocation, json!("CH"))]
    #[case(Property::EmployeeHireDate, json!("2026-01-31T00:00:00Z"))]
    #[case(Property::EmployeeOrgData, json!({"costCenter": "7", "division": null}))]
    #[case(Property::UserPrincipalName, json!("o'neil_x#EXT#@contoso.example"))]
    #[case(Property::GivenName, json!("Å"))]
    #[case(Property::PasswordPolicies, json!("None"))]
    #[case(Property::PasswordPolicies, json!(null))]
    #[case(Property::PasswordPolicies, json!("DisablePasswordExpiration, DisableStrongPassword"))]
    #[case(Property::MailNickname, json!("o'neil.x"))]
    fn values_graph_takes(#[case] property: Property, #[case] value: Value) {
        assert_eq!(property.check(&value), Ok(()));
    }

    #[rstest]
    #[case(Property::AccountEnabled, json!("true"), "accountEnabled must be true or false.")]
    #[case(Property::AccountEnabled, json!(null), "accountEnabled cannot be cleared.")]
    #[case(Property::EmployeeId, json!("12345678901234567"), "employeeId holds at most 16 characters, this value has 17.")]
    #[case(Property::BusinessPhones, json!(["1", "2"]), "businessPhones holds at most 1 values, there are 2.")]
    #[case(Property::UsageLocation, json!("ch"), "usageLocation must be a country code of two upper-case letters.")]
    #[case(Property::EmployeeHireDate, json!("2026-01-31"), "employeeHireDate must be a date and time such as 2026-01-31T00:00:00Z.")]
    #[case(Property::EmployeeOrgData, json!({"team": "a"}), "employeeOrgData must be an object of costCenter and division.")]
    #[case(Property::UserPrincipalName, json!("ada"), "userPrincipalName must have the form name@domain.")]
    #[case(Property::UserPrincipalName, json!("a@b@c"), "userPrincipalName must have the form name@domain.")]
    #[case(Property::UserPrincipalName, json!("ada.@contoso.example"), "userPrincipalName cannot begin with a dot or have one just before the @.")]
    #[case(Property::UserPrincipalName, json!("ada+x@contoso.example"), "userPrincipalName cannot contain '+'; Microsoft allows A-Z a-z 0-9 and ' . - _ ! # ^ ~.")]
    #[case(Property::UserPrincipalName, json!("ada@conto so"), "userPrincipalName has a domain that is no domain name.")]
    #[case(Property::PasswordPolicies, json!("Never"), "passwordPolicies must be None, DisablePasswordExpiration, DisableStrongPassword, or both of them with a comma between.")]
    #[case(Property::PasswordPolicies, json!("None, None"), "passwordPolicies must be None, DisablePasswordExpiration, DisableStrongPassword, or both of them with a comma between.")]
    #[case(Property::MailNickname, json!("a b"), "mailNickname cannot contain ' '; Microsoft allows ASCII without blanks and @ ( ) \\ [ ] \" ; : < > ,.")]
    fn values_graph_refuses(#[case] property: Property, #[case] value: Value, #[case] says: &str) {
        assert_eq!(property.check(&value).unwrap_err().to_string(), says);
    }

    #[test]
    fn the_parts_of_a_user_name_are_bounded() {
        let name =
            |local: usize, domain: usize| json!(format!("{}@{}", "a".repeat(local), "b".repeat(domain)));
        assert!(Property::UserPrincipalName.check(&name(64, 48)).is_ok());
        assert!(Property::UserPrincipalName.check(&name(65, 3)).is_err());
        assert!(Property::UserPrincipalName.check(&name(3, 49)).is_err());
    }
}
