//! From a SCIM filter to SQL. What the columns can decide is decided there; of the rest SQL gives a superset, and the
//! caller looks at each row of that. A filter knows only attributes of its own resource type, and the tables share the
//! names of the columns for those that both types have.

use entity::user_email;
use sea_orm::sea_query::{Expr, ExprTrait as _, IntoCondition, LikeExpr, SelectStatement};
use sea_orm::{Condition, DbBackend, EntityTrait as _, QueryFilter as _, QuerySelect as _, QueryTrait as _};
use uuid::Uuid;

use super::list::Table;
use super::{dialect, memberships};
use crate::clock;
use crate::ids::OrganizationId;
use crate::scim::filter::{Comparison, Op, Operand, Predicate};
use crate::scim::schema::Resolved;

/// Whose resources are asked for, and which database is asked.
#[derive(Clone, Copy)]
pub(super) struct Scope {
    pub(super) table: Table,
    pub(super) organization: OrganizationId,
    pub(super) backend: DbBackend,
}

/// A filter in SQL. No part of it is ever NULL, so that `NOT` means what it does in SCIM.
pub(super) struct Translated {
    pub(super) condition: Condition,
    /// Whether the condition decides alone; else it also lets rows through that do not match.
    pub(super) exact: bool,
}

impl Scope {
    /// Translates a filter over the scope's resources.
    pub(super) fn translate(self, predicate: &Predicate) -> Translated {
        match predicate {
            Predicate::And(all) => self.join(Condition::all(), all),
            Predicate::Or(any) if any.is_empty() => exactly(false),
            Predicate::Or(any) => self.join(Condition::any(), any),
            Predicate::Not(inner) => {
                let inner = self.translate(inner);
                // What is not in a superset is too little.
                if inner.exact { exact(inner.condition.not()) } else { undecided() }
            }
            Predicate::Constant(holds) => exactly(*holds),
            Predicate::Present(target) => self.present(*target),
            Predicate::Compare(comparison) => self.compare(comparison),
            Predicate::Element { target, predicate }
                if target.is_core("emails", None) || target.is_core("members", None) =>
            {
                self.element(predicate)
            }
            Predicate::Element { .. } => undecided(),
        }
    }

    fn join(self, whole: Condition, parts: &[Predicate]) -> Translated {
        let whole = Translated { condition: whole, exact: true };
        let joined = parts.iter().fold(whole, |whole, part| {
            let part = self.translate(part);
            Translated { condition: whole.condition.add(part.condition), exact: whole.exact && part.exact }
        });
        if parts.is_empty() { exactly(true) } else { joined }
    }

    fn present(self, target: Resolved) -> Translated {
        match core_name(target) {
            Some("userName" | "id" | "meta") if target.sub.is_none() => exactly(true),
            Some("externalId") => superset(self.table.column("external_id").is_not_null()),
            Some("displayName") => superset(self.table.column("display_name_key").is_not_null()),
            _ => undecided(),
        }
    }

    fn compare(self, comparison: &Comparison) -> Translated {
        let sub = comparison.target.sub.map(|sub| sub.name);
        let op = comparison.op;
        let column = |name| self.table.column(name);
        match (core_name(comparison.target), sub, &comparison.operand) {
            (Some("userName"), None, Operand::Text(key)) => self.text(&column("user_name_key"), op, key),
            (Some("displayName"), None, Operand::Text(key)) => {
                nullable(&column("display_name_key"), self.text(&column("display_name_key"), op, key))
            }
            (Some("externalId"), None, Operand::Text(value)) => {
                nullable(&column("external_id"), self.case_exact(&column("external_id"), op, value))
            }
            (Some("id"), None, Operand::Text(id)) if op == Op::Eq => self.of_id(id),
            (Some("active"), None, Operand::Bool(active)) if op == Op::Eq => {
                exact(column("active").eq(*active))
            }
            (Some("emails"), Some("value"), Operand::Text(key)) => self.email(op, key),
            (Some("members"), Some("value"), Operand::Text(id)) if op == Op::Eq => self.member(id),
            (Some("meta"), Some("created"), Operand::Moment(_)) => moment(&column("created_at"), comparison),
            (Some("meta"), Some("lastModified"), Operand::Moment(_)) => {
                moment(&column("updated_at"), comparison)
            }
            _ => undecided(),
        }
    }

    /// A comparison of a folded column with a folded operand.
    fn text(self, column: &Expr, op: Op, key: &str) -> Translated {
        // PostgreSQL cannot even be asked for it.
        if key.contains('\0') {
            return undecided();
        }
        // Texts stand in the order of their code points, whatever the database's locale.
        let ordered = || dialect::by_bytes(self.backend, column.clone());
        exact(match op {
            Op::Eq => column.clone().eq(key),
            Op::Sw => column.clone().like(like("", key, "%")),
            Op::Ew => column.clone().like(like("%", key, "")),
            Op::Co => column.clone().like(like("%", key, "%")),
            Op::Gt => ordered().gt(key),
            Op::Ge => ordered().gte(key),
            Op::Lt => ordered().lt(key),
            Op::Le => ordered().lte(key),
        })
    }

    /// SQLite's `LIKE` does not tell A from a: good enough for a superset.
    fn case_exact(self, column: &Expr, op: Op, value: &str) -> Translated {
        let found = self.text(column, op, value);
        Translated { exact: found.exact && !matches!(op, Op::Co | Op::Sw | Op::Ew), ..found }
    }

    fn of_id(self, text: &str) -> Translated {
        id(text).map_or_else(|| exactly(false), |id| exact(self.table.column("id").eq(id)))
    }

    fn email(self, op: Op, key: &str) -> Translated {
        let value = self.text(&Expr::col(user_email::Column::ValueKey), op, key);
        if !value.exact {
            return undecided();
        }
        exact(self.table.column("id").in_subquery(having_email(self.organization, value.condition)))
    }

    fn member(self, text: &str) -> Translated {
        let Some(id) = id(text) else {
            return exactly(false);
        };
        exact(self.table.column("id").in_subquery(memberships::groups_having(self.organization, id)))
    }

    /// One e-mail, or one member, that fulfils all: what is asked of its value narrows the rows down.
    fn element(self, predicate: &Predicate) -> Translated {
        match predicate {
            Predicate::Compare(comparison)
                if comparison.target.sub.is_some_and(|sub| sub.name == "value") =>
            {
                self.compare(comparison)
            }
            Predicate::And(all) => superset(
                all.iter().map(|part| self.element(part)).fold(exactly(true).condition, |whole, part| {
                    Condition::all().add(whole).add(part.condition)
                }),
            ),
            _ => undecided(),
        }
    }
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
fn nullable(column: &Expr, translated: Translated) -> Translated {
    Translated {
        condition: Condition::all().add(column.clone().is_not_null()).add(translated.condition),
        ..translated
    }
}

/// Ids are written in one way only, in lower case with hyphens, and compared exactly.
fn id(text: &str) -> Option<Uuid> {
    Uuid::try_parse(text).ok().filter(|id| id.to_string() == text)
}

fn having_email(organization: OrganizationId, value: Condition) -> SelectStatement {
    user_email::Entity::find()
        .select_only()
        .column(user_email::Column::UserId)
        .filter(user_email::COLUMN.organization_id.eq(organization.0))
        .filter(value)
        .into_query()
}

/// The columns hold whole milliseconds, as `meta` shows them; the operand may be finer.
fn moment(column: &Expr, comparison: &Comparison) -> Translated {
    let Operand::Moment(moment) = comparison.operand else {
        return undecided();
    };
    let below = clock::millis(moment);
    let whole = clock::from_millis(below) == moment;
    let above = if whole { below } else { below.saturating_add(1) };
    match comparison.op {
        Op::Eq if !whole => exactly(false),
        Op::Eq => exact(column.clone().eq(below)),
        Op::Gt => exact(column.clone().gt(below)),
        Op::Ge => exact(column.clone().gte(above)),
        Op::Lt => exact(column.clone().lt(above)),
        Op::Le => exact(column.clone().lte(below)),
        Op::Co | Op::Sw | Op::Ew => undecided(),
    }
}
