//! Which property takes which operator, plainly or only in an advanced query
//! (Microsoft's table "directory objects: supported properties and operators").

use super::{ELEMENT, Filter, Function, Operator};
use crate::simulator::refusal::Refusal;
use crate::simulator::schema;

/// How an operator is supported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Support {
    /// As it stands.
    Plain,
    /// With `ConsistencyLevel: eventual` and `$count=true`.
    Advanced,
    /// Never.
    No,
}

/// A row of the table: `eq` (which `in` and `ne` follow), `startsWith`, `ge`/`le`, and comparison with null.
struct Row {
    path: &'static str,
    eq: Support,
    starts: Support,
    ge: Support,
    /// `None`: as `eq`.
    null: Option<Support>,
}

/// A row written as four letters in the table's own marks: `D` by default, `A` advanced, `N` or `-` not, `=` as `eq`.
const fn row(path: &'static str, marks: [u8; 4]) -> Row {
    let [eq, starts, ge, null] = marks;
    let null = if null == b'=' { None } else { Some(support(null)) };
    Row { path, eq: support(eq), starts: support(starts), ge: support(ge), null }
}

const fn support(mark: u8) -> Support {
    match mark {
        b'D' => Support::Plain,
        b'A' => Support::Advanced,
        _ => Support::No,
    }
}

const TABLE: &[Row] = &[
    row("id", *b"D--="),
    row("accountEnabled", *b"D--N"),
    row("ageGroup", *b"D--N"),
    row("assignedLicenses/any/skuId", *b"D--="),
    row("assignedPlans/any/capabilityStatus", *b"A--N"),
    row("assignedPlans/any/service", *b"AA-N"),
    row("assignedPlans/any/servicePlanId", *b"A--="),
    row("businessPhones/any", *b"AA-="),
    row("city", *b"DD-A"),
    row("companyName", *b"AA-A"),
    row("consentProvidedForMinor", *b"D--N"),
    row("country", *b"DD-A"),
    row("createdDateTime", *b"D-DA"),
    row("creationType", *b"D--N"),
    row("department", *b"DD-A"),
    row("displayName", *b"DD-A"),
    row("employeeHireDate", *b"A-AN"),
    row("employeeId", *b"D--A"),
    row("employeeOrgData/costCenter", *b"AA-N"),
    row("employeeOrgData/division", *b"AA-N"),
    row("employeeType", *b"A--N"),
    row("externalUserState", *b"D--N"),
    row("faxNumber", *b"AA-A"),
    row("givenName", *b"DD-A"),
    row("identities/any/issuer", *b"DN-D"),
    row("identities/any/issuerAssignedId", *b"D--="),
    row("imAddresses/any", *b"DD-="),
    row("isResourceAccount", *b"D--N"),
    row("jobTitle", *b"DD-A"),
    row("mail", *b"DD-A"),
    row("mailNickname", *b"DD-A"),
    row("manager/id", *b"N--="),
    row("mobilePhone", *b"AA-A"),
    row("officeLocation", *b"AA-A"),
    row("onPremisesDistinguishedName", *b"AA-A"),
    row("onPremisesImmutableId", *b"D--="),
    row("onPremisesLastSyncDateTime", *b"D-DN"),
    row("onPremisesProvisioningErrors/any/category", *b"D--N"),
    row("onPremisesProvisioningErrors/any/propertyCausingError", *b"D--N"),
    row("onPremisesSamAccountName", *b"AA-N"),
    row("onPremisesSecurityIdentifier", *b"D--A"),
    row("onPremisesSyncEnabled", *b"D--A"),
    row("otherMails/any", *b"DD-="),
    row("passwordPolicies", *b"NN-A"),
    row("postalCode", *b"AA-A"),
    row("preferredLanguage", *b"AA-A"),
    row("provisionedPlans/any/provisioningStatus", *b"A--N"),
    row("provisionedPlans/any/service", *b"AA-N"),
    row("proxyAddresses/any", *b"DD-="),
    row("showInAddressList", *b"A--N"),
    row("state", *b"D--A"),
    row("streetAddress", *b"AA-A"),
    row("surname", *b"DD-A"),
    row("usageLocation", *b"DD-A"),
    row("userPrincipalName", *b"DD-N"),
    row("userType", *b"D--A"),
];

const EXTENSION: Row = row("extension_*", *b"DA-A");
const ATTRIBUTE: Row = row("onPremisesExtensionAttributes/*", *b"AA-A");
const COUNTED: &[&str] =
    &["assignedLicenses", "otherMails", "proxyAddresses", "onPremisesProvisioningErrors", "ownedObjects"];
const ENDS_WITH: &[&str] = &["mail", "otherMails", "userPrincipalName", "proxyAddresses"];

/// Whether `$orderby` takes the property: `Some(true)` only in an advanced query, `Some(false)` plainly.
/// Users and deleted users are ordered alike, but a user has no time of deletion to order by.
pub(in crate::simulator) fn orderable(property: &str) -> Option<bool> {
    match property {
        "displayName" | "userPrincipalName" => Some(false),
        "createdDateTime" | "deletedDateTime" => Some(true),
        _ => None,
    }
}

impl Filter {
    /// Whether Graph takes this filter. `advanced` says whether the request is an advanced query.
    pub(in crate::simulator) fn check(&self, advanced: bool) -> Result<(), Refusal> {
        self.check_in("", advanced)
    }

    fn check_in(&self, element: &str, advanced: bool) -> Result<(), Refusal> {
        match self {
            Self::And(parts) | Self::Or(parts) => {
                parts.iter().try_for_each(|part| part.check_in(element, advanced))
            }
            Self::Not(_) if !advanced => Err(Refusal::advanced("not")),
            Self::Not(inner) => inner.check_in(element, advanced),
            Self::Any { base, condition: None } => known(base).and(counted(base, advanced)),
            Self::Any { base, condition: Some(inner) } => {
                known(base)?;
                inner.check_in(&format!("{base}/any"), advanced)
            }
            Self::Compare { path, operator, value } => {
                let path = absolute(path, element);
                compare(&path, *operator, value.is_null(), advanced)?;
                typed(&path, value)
            }
            Self::In { path, values } => {
                let path = absolute(path, element);
                compare(&path, Operator::Eq, false, advanced)?;
                values.iter().try_for_each(|value| typed(&path, value))
            }
            Self::Function { function, path, .. } => call(&absolute(path, element), *function, advanced),
        }
    }
}

/// The path with a lambda's variable replaced by the collection that it runs over.
fn absolute(path: &str, element: &str) -> String {
    match path.strip_prefix(ELEMENT) {
        Some(rest) => format!("{element}{rest}"),
        None => path.to_owned(),
    }
}

fn known(path: &str) -> Result<(), Refusal> {
    let name = path.split('/').next().unwrap_or_default();
    if schema::exists(name) || schema::is_navigation(name) || COUNTED.contains(&name) {
        return Ok(());
    }
    Err(Refusal::unknown_property(name))
}

fn find(path: &str) -> Option<&'static Row> {
    if schema::is_extension(path) {
        return Some(&EXTENSION);
    }
    if path.starts_with("onPremisesExtensionAttributes/") {
        return Some(&ATTRIBUTE);
    }
    TABLE.iter().find(|row| row.path == path)
}

fn compare(path: &str, operator: Operator, null: bool, advanced: bool) -> Result<(), Refusal> {
    known(path)?;
    if let Some(base) = path.strip_suffix("/$count") {
        return counted(base, advanced);
    }
    let row = find(path).ok_or_else(|| Refusal::unsupported_filter(path))?;
    let support = match operator {
        Operator::Eq | Operator::Ne if null => row.null.unwrap_or(row.eq),
        Operator::Eq | Operator::Ne => row.eq,
        Operator::Gt | Operator::Ge | Operator::Lt | Operator::Le => row.ge,
    };
    allow(path, support, advanced)?;
    if operator == Operator::Ne && !advanced {
        return Err(Refusal::advanced("ne"));
    }
    Ok(())
}

fn call(path: &str, function: Function, advanced: bool) -> Result<(), Refusal> {
    known(path)?;
    let support = match function {
        Function::StartsWith => find(path).map_or(Support::No, |row| row.starts),
        Function::EndsWith if ENDS_WITH.contains(&path.split('/').next().unwrap_or_default()) => {
            Support::Advanced
        }
        Function::EndsWith | Function::Contains => Support::No,
    };
    if function == Function::EndsWith && support == Support::Advanced && !advanced {
        return Err(Refusal::advanced(function.name()));
    }
    allow(path, support, advanced)
}

fn counted(base: &str, advanced: bool) -> Result<(), Refusal> {
    let support = if COUNTED.contains(&base) { Support::Advanced } else { Support::No };
    allow(base, support, advanced)
}

fn allow(path: &str, support: Support, advanced: bool) -> Result<(), Refusal> {
    match support {
        Support::Plain => Ok(()),
        Support::Advanced if advanced => Ok(()),
        Support::Advanced | Support::No => Err(Refusal::unsupported_filter(path)),
    }
}

/// A literal that cannot be compared with the property at all.
fn typed(path: &str, value: &serde_json::Value) -> Result<(), Refusal> {
    if schema::is_boolean(path) == value.is_boolean() || value.is_null() {
        return Ok(());
    }
    Err(Refusal::new(
        400,
        "BadRequest",
        "Invalid filter clause: A binary operator with incompatible types was detected. Found operand types do not match for operator kind 'Equal'.",
    ))
}
