//! `GET /auditLogs/directoryAudits` and the filters that it takes.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::super::filter::{Filter, Function, Operator};
use super::super::message::{Request, Response};
use super::super::object::Object;
use super::super::query;
use super::super::refusal::Refusal;
use super::super::service::Service;
use super::super::users::context;
use super::Entry;

/// The largest page, which is the one that nobody asks for another size too.
const PAGE: usize = 1000;

/// What `$filter` takes besides times: paths that are compared for equality, and of these the ones with `startsWith`.
const EQUAL: &[&str] = &[
    "activityDisplayName",
    "category",
    "correlationId",
    "id",
    "initiatedBy/app/appId",
    "initiatedBy/app/displayName",
    "initiatedBy/user/displayName",
    "initiatedBy/user/id",
    "initiatedBy/user/userPrincipalName",
    "loggedByService",
    "operationType",
    "result",
];
const STARTS: &[&str] = &["activityDisplayName"];
const ELEMENTS: &[&str] = &["$it/id", "$it/displayName", "$it/type", "$it/userPrincipalName"];

impl Object for Entry {
    fn id(&self) -> Uuid {
        self.id
    }

    fn stored(&self, name: &str) -> Option<&Value> {
        self.shown.get(name)
    }

    fn shown(&self, name: &str, _issuer: &str) -> Value {
        self.shown.get(name).cloned().unwrap_or_default()
    }
}

/// What a request asks for.
#[derive(Debug, Default)]
struct Wish {
    filter: Option<Filter>,
    select: Option<Vec<String>>,
    top: Option<usize>,
    ascending: bool,
    /// The number of the last entry of the page before.
    after: Option<u64>,
}

/// `GET /auditLogs/directoryAudits`: the newest entries first.
pub(in crate::simulator) fn list(service: &Service, request: &Request) -> Result<Response, Refusal> {
    let wish = parse(request)?;
    let mut entries = service.audits.newest_first();
    if wish.ascending {
        entries.reverse();
    }
    let behind = |entry: &&Arc<Entry>| match wish.after {
        Some(number) if wish.ascending => entry.number > number,
        Some(number) => entry.number < number,
        None => true,
    };
    let found =
        |entry: &&Arc<Entry>| wish.filter.as_ref().is_none_or(|filter| filter.finds(entry.as_ref(), ""));
    let size = wish.top.unwrap_or(PAGE);
    let mut page: Vec<&Arc<Entry>> = entries.iter().filter(behind).filter(found).take(size + 1).collect();
    let more = page.len() > size;
    page.truncate(size);
    let mut body = Map::new();
    let set = "auditLogs/directoryAudits";
    body.insert("@odata.context".to_owned(), json!(context(request, set, wish.select.as_deref(), false)));
    if let Some(last) = page.last().filter(|_| more) {
        let link = query::next_link(request, &last.number.to_string());
        body.insert("@odata.nextLink".to_owned(), json!(link));
    }
    let values: Vec<Value> = page.iter().map(|entry| chosen(&entry.shown, wish.select.as_deref())).collect();
    body.insert("value".to_owned(), values.into());
    Ok(Response::json(200, body.into()))
}

fn chosen(entry: &Value, select: Option<&[String]>) -> Value {
    let Some(names) = select else {
        return entry.clone();
    };
    let chosen = names.iter().filter_map(|name| Some((name.clone(), entry.get(name)?.clone())));
    Value::Object(chosen.collect())
}

fn parse(request: &Request) -> Result<Wish, Refusal> {
    let mut wish = Wish::default();
    for (name, value) in request.options() {
        match name.as_str() {
            "$filter" => {
                let filter = Filter::parse(&value)?;
                check(&filter)?;
                wish.filter = Some(filter);
            }
            "$select" => wish.select = Some(value.split(',').map(|name| name.trim().to_owned()).collect()),
            "$top" => wish.top = Some(query::top(&value)?),
            "$orderby" => {
                let mut words = value.split_whitespace();
                if words.next() != Some("activityDateTime") {
                    return Err(Refusal::query("Sorting not supported for current query."));
                }
                wish.ascending = words.next() != Some("desc");
            }
            "$skiptoken" => wish.after = Some(value.parse().map_err(|_| query::expired())?),
            "$count" | "$format" => {}
            _ if name.starts_with('$') => return Err(query::unsupported(&name)),
            _ => {}
        }
    }
    Ok(wish)
}

/// Whether the log takes this filter.
fn check(filter: &Filter) -> Result<(), Refusal> {
    let refuse = |path: &str| {
        Err(Refusal::new(
            400,
            "BadRequest",
            format!("Invalid filter clause: '{path}' cannot be filtered like this."),
        ))
    };
    match filter {
        Filter::And(parts) | Filter::Or(parts) => parts.iter().try_for_each(check),
        Filter::Compare { path, operator: Operator::Eq | Operator::Ge | Operator::Le, .. }
            if path == "activityDateTime" =>
        {
            Ok(())
        }
        Filter::Compare { path, operator: Operator::Eq, .. }
            if EQUAL.contains(&path.as_str()) || ELEMENTS.contains(&path.as_str()) =>
        {
            Ok(())
        }
        Filter::Function { function: Function::StartsWith, path, .. } if STARTS.contains(&path.as_str()) => {
            Ok(())
        }
        Filter::Any { base, condition: Some(condition) } if base == "targetResources" => check(condition),
        Filter::Any { base, .. } => refuse(base),
        Filter::Compare { path, .. } | Filter::In { path, .. } | Filter::Function { path, .. } => {
            refuse(path)
        }
        Filter::Not(_) => refuse("not"),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("activityDateTime ge 2026-01-01T00:00:00Z and activityDisplayName eq 'Reset user password'", true)]
    #[case("startswith(activityDisplayName,'Add') or loggedByService eq 'Core Directory'", true)]
    #[case("initiatedBy/app/appId eq 'x' and targetResources/any(t:t/id eq 'y')", true)]
    #[case("activityDateTime lt 2026-01-01T00:00:00Z", false)]
    #[case("startsWith(category,'U')", false)]
    #[case("resultReason eq 'x'", false)]
    #[case("not (category eq 'x')", false)]
    fn what_the_log_is_filtered_by(#[case] filter: &str, #[case] taken: bool) {
        assert_eq!(check(&Filter::parse(filter).unwrap()).is_ok(), taken);
    }
}
