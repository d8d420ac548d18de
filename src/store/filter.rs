//! From a SCIM filter to SQL. What the columns can decide is decided there; of the rest SQL gives a superset, and the
//! caller looks at each row of that.

use entity::scim_user::Column;
use entity::user_email;
use sea_orm::sea_query::{Expr, IntoCondition, LikeExpr, SelectStatement};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait as _, QueryFilter as _, QuerySelect as _, QueryTrait as _,
};
use uuid::Uuid;

use crate::clock;
use crate::ids::OrganizationId;
use crate::scim::filter::{Comparison, Op, Operand, Predicate};
use crate::scim::schema::Resolved;

/// A filter in SQL. No part of it is ever NULL, so that `NOT` means what it does in SCIM.
pub(super) struct Translated {
    pub(super) condition: Condition,
    /// Whether the condition decides alone; else it also lets rows through that do not match.
    pub(super) exact: bool,
}

/// Translates a filter over the users of `organization`.
pub(super) fn translate(organization: OrganizationId, predicate: &Predicate) -> Translated {
    match predicate {
        Predicate::And(all) => join(Condition::all(), organization, all),
        Predicate::Or(any) if any.is_empty() => exactly(false),
        Predicate::Or(any) => join(Condition::any(), organization, any),
        Predicate::Not(inner) => {
            let inner = translate(organization, inner);
            // What is not in a superset is too little.
            if inner.exact { exact(inner.condition.not()) } else { undecided() }
        }
        Predicate::Constant(holds) => exactly(*holds),
        Predicate::Present(target) => present(*target),
        Predicate::Compare(comparison) => compare(organization, comparison),
        Predicate::Element { target, predicate } if core_name(*target) == Some("emails") => {
            element(organization, predicate)
        }
        Predicate::Element { .. } => undecided(),
    }
}

fn join(whole: Condition, organization: OrganizationId, parts: &[Predicate]) -> Translated {
    let whole = Translated { condition: whole, exact: true };
    let joined = parts.iter().fold(whole, |whole, part| {
        let part = translate(organization, part);
        Translated { condition: whole.condition.add(part.condition), exact: whole.exact && part.exact }
    });
    if parts.is_empty() { exactly(true) } else { joined }
}

fn exact(condition: impl IntoCondition) -> Translated {
    Translated { condition: condition.into_condition(), exact: true }
}

fn superset(condition: impl IntoCondition) -> Translated {
    Translated { condition: condition.into_condition(), exact: false }
}

fn exactly(holds: bool) -> Translated {
    exact(Expr::cust(if holds { "1 = 1" } else { "1 = 0" }))
}

fn undecided() -> Translated {
    Translated { exact: false, ..exactly(true) }
}

/// The attribute's name when it is the core schema's or a common one (RFC 7643 §3.1).
fn core_name(target: Resolved) -> Option<&'static str> {
    (!target.schema.id.contains(":extension:")).then_some(target.attribute.name)
}

fn present(target: Resolved) -> Translated {
    match core_name(target) {
        Some("userName" | "id" | "meta") if target.sub.is_none() => exactly(true),
        Some("externalId") => superset(Column::ExternalId.is_not_null()),
        Some("displayName") => superset(Column::DisplayNameKey.is_not_null()),
        _ => undecided(),
    }
}

fn compare(organization: OrganizationId, comparison: &Comparison) -> Translated {
    let sub = comparison.target.sub.map(|sub| sub.name);
    let op = comparison.op;
    match (core_name(comparison.target), sub, &comparison.operand) {
        (Some("userName"), None, Operand::Text(key)) => text(Column::UserNameKey, op, key),
        (Some("displayName"), None, Operand::Text(key)) => {
            nullable(Column::DisplayNameKey, text(Column::DisplayNameKey, op, key))
        }
        (Some("externalId"), None, Operand::Text(value)) => {
            nullable(Column::ExternalId, case_exact(Column::ExternalId, op, value))
        }
        (Some("id"), None, Operand::Text(id)) if op == Op::Eq => of_id(id),
        (Some("active"), None, Operand::Bool(active)) if op == Op::Eq => exact(Column::Active.eq(*active)),
        (Some("emails"), Some("value"), Operand::Text(key)) => email(organization, op, key),
        (Some("meta"), Some("created"), Operand::Moment(_)) => moment(Column::CreatedAt, comparison),
        (Some("meta"), Some("lastModified"), Operand::Moment(_)) => moment(Column::UpdatedAt, comparison),
        _ => undecided(),
    }
}

/// A comparison of a folded column with a folded operand.
fn text(column: impl ColumnTrait, op: Op, key: &str) -> Translated {
    // PostgreSQL cannot even be asked for it.
    if key.contains('\0') {
        return undecided();
    }
    match op {
        Op::Eq => exact(column.eq(key)),
        Op::Sw => exact(column.like(like("", key, "%"))),
        Op::Ew => exact(column.like(like("%", key, ""))),
        Op::Co => exact(column.like(like("%", key, "%"))),
        // In which order texts stand is the database's locale on PostgreSQL, and the code points' in SCIM's filter.
        Op::Gt | Op::Ge | Op::Lt | Op::Le => undecided(),
    }
}

/// SQLite's `LIKE` does not tell A from a: good enough for a superset.
fn case_exact(column: Column, op: Op, value: &str) -> Translated {
    let found = text(column, op, value);
    Translated { exact: found.exact && op == Op::Eq, ..found }
}

fn like(before: &str, key: &str, after: &str) -> LikeExpr {
    let mut pattern = String::with_capacity(key.len() + 2);
    pattern.push_str(before);
    for character in key.chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push_str(after);
    LikeExpr::new(pattern).escape('\\')
}

/// NULL compares as false.
fn nullable(column: Column, translated: Translated) -> Translated {
    Translated {
        condition: Condition::all().add(column.is_not_null()).add(translated.condition),
        ..translated
    }
}

/// Ids are written in one way only, in lower case with hyphens, and compared exactly.
fn of_id(text: &str) -> Translated {
    match Uuid::try_parse(text) {
        Ok(id) if id.to_string() == text => exact(Column::Id.eq(id)),
        _ => exactly(false),
    }
}

fn email(organization: OrganizationId, op: Op, key: &str) -> Translated {
    let value = text(user_email::Column::ValueKey, op, key);
    if !value.exact {
        return undecided();
    }
    exact(Column::Id.in_subquery(having_email(organization, value.condition)))
}

fn having_email(organization: OrganizationId, value: Condition) -> SelectStatement {
    user_email::Entity::find()
        .select_only()
        .column(user_email::Column::UserId)
        .filter(user_email::COLUMN.organization_id.eq(organization.0))
        .filter(value)
        .into_query()
}

/// One e-mail that fulfils all: what is asked of its value narrows the rows down.
fn element(organization: OrganizationId, predicate: &Predicate) -> Translated {
    match predicate {
        Predicate::Compare(Comparison { target, op, operand: Operand::Text(key) })
            if target.sub.is_some_and(|sub| sub.name == "value") =>
        {
            email(organization, *op, key)
        }
        Predicate::And(all) => superset(
            all.iter()
                .map(|part| element(organization, part))
                .fold(exactly(true).condition, |whole, part| Condition::all().add(whole).add(part.condition)),
        ),
        _ => undecided(),
    }
}

/// The columns hold whole milliseconds, as `meta` shows them; the operand may be finer.
fn moment(column: Column, comparison: &Comparison) -> Translated {
    let Operand::Moment(moment) = comparison.operand else {
        return undecided();
    };
    let below = clock::millis(moment);
    let whole = clock::from_millis(below) == moment;
    let above = if whole { below } else { below.saturating_add(1) };
    match comparison.op {
        Op::Eq if !whole => exactly(false),
        Op::Eq => exact(column.eq(below)),
        Op::Gt => exact(column.gt(below)),
        Op::Ge => exact(column.gte(above)),
        Op::Lt => exact(column.lt(above)),
        Op::Le => exact(column.lte(below)),
        Op::Co | Op::Sw | Op::Ew => undecided(),
    }
}
