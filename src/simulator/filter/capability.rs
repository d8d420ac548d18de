//! Which property takes which operator, plainly or only in an advanced query.

use super::table::{self, Support};
use super::{ELEMENT, Filter, Function, Operator};
use crate::simulator::refusal::Refusal;
use crate::simulator::schema::Entity;

/// Whether `$orderby` takes the property: `Some(true)` only in an advanced query, `Some(false)` plainly.
/// Users and deleted users are ordered alike, but a user has no time of deletion to order by.
pub(in crate::simulator) fn orderable(entity: Entity, property: &str) -> Option<bool> {
    match property {
        "displayName" => Some(false),
        "userPrincipalName" if entity == Entity::User => Some(false),
        "createdDateTime" | "deletedDateTime" => Some(true),
        _ => None,
    }
}

impl Filter {
    /// Whether Graph takes this filter on objects of this type. `advanced` says whether the request is an advanced query.
    pub(in crate::simulator) fn check(&self, entity: Entity, advanced: bool) -> Result<(), Refusal> {
        self.check_in(entity, "", advanced)
    }

    fn check_in(&self, entity: Entity, element: &str, advanced: bool) -> Result<(), Refusal> {
        match self {
            Self::And(parts) | Self::Or(parts) => {
                parts.iter().try_for_each(|part| part.check_in(entity, element, advanced))
            }
            Self::Not(_) if !advanced => Err(Refusal::advanced("not")),
            Self::Not(inner) => inner.check_in(entity, element, advanced),
            Self::Any { base, condition: None } => known(entity, base).and(counted(entity, base, advanced)),
            Self::Any { base, condition: Some(inner) } => {
                known(entity, base)?;
                inner.check_in(entity, &format!("{base}/any"), advanced)
            }
            Self::Compare { path, operator, value } => {
                let path = absolute(path, element);
                compare(entity, &path, *operator, value.is_null(), advanced)?;
                typed(entity, &path, value)
            }
            Self::In { path, values } => {
                let path = absolute(path, element);
                compare(entity, &path, Operator::Eq, false, advanced)?;
                values.iter().try_for_each(|value| typed(entity, &path, value))
            }
            Self::Function { function, path, .. } => {
                call(entity, &absolute(path, element), *function, advanced)
            }
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

fn known(entity: Entity, path: &str) -> Result<(), Refusal> {
    let name = path.split('/').next().unwrap_or_default();
    if entity.exists(name) || entity.is_navigation(name) || table::counted(entity).contains(&name) {
        return Ok(());
    }
    Err(Refusal::unknown_property(name))
}

fn compare(
    entity: Entity,
    path: &str,
    operator: Operator,
    null: bool,
    advanced: bool,
) -> Result<(), Refusal> {
    known(entity, path)?;
    if let Some(base) = path.strip_suffix("/$count") {
        return counted(entity, base, advanced);
    }
    let row = table::find(entity, path).ok_or_else(|| Refusal::unsupported_filter(entity, path))?;
    let support = match operator {
        Operator::Eq | Operator::Ne if null => row.null.unwrap_or(row.eq),
        Operator::Eq | Operator::Ne => row.eq,
        Operator::Gt | Operator::Ge | Operator::Lt | Operator::Le => row.ge,
    };
    allow(entity, path, support, advanced)?;
    if operator == Operator::Ne && !advanced {
        return Err(Refusal::advanced("ne"));
    }
    Ok(())
}

fn call(entity: Entity, path: &str, function: Function, advanced: bool) -> Result<(), Refusal> {
    known(entity, path)?;
    let support = match function {
        Function::StartsWith => table::find(entity, path).map_or(Support::No, |row| row.starts),
        Function::EndsWith
            if table::ends_with(entity).contains(&path.split('/').next().unwrap_or_default()) =>
        {
            Support::Advanced
        }
        Function::EndsWith | Function::Contains => Support::No,
    };
    if function == Function::EndsWith && support == Support::Advanced && !advanced {
        return Err(Refusal::advanced(function.name()));
    }
    allow(entity, path, support, advanced)
}

fn counted(entity: Entity, base: &str, advanced: bool) -> Result<(), Refusal> {
    let support = if table::counted(entity).contains(&base) { Support::Advanced } else { Support::No };
    allow(entity, base, support, advanced)
}

fn allow(entity: Entity, path: &str, support: Support, advanced: bool) -> Result<(), Refusal> {
    match support {
        Support::Plain => Ok(()),
        Support::Advanced if advanced => Ok(()),
        Support::Advanced | Support::No => Err(Refusal::unsupported_filter(entity, path)),
    }
}

/// A literal that cannot be compared with the property at all.
fn typed(entity: Entity, path: &str, value: &serde_json::Value) -> Result<(), Refusal> {
    if entity.is_boolean(path) == value.is_boolean() || value.is_null() {
        return Ok(());
    }
    Err(Refusal::new(
        400,
        "BadRequest",
        "Invalid filter clause: A binary operator with incompatible types was detected. Found operand types do not match for operator kind 'Equal'.",
    ))
}
