//! Queries and their answers (RFC 7644 §3.4.2 and §3.4.3).

use serde_json::{Map, Value};

use super::attributes::Projection;
use super::error::Error;
use super::schema::ResourceType;

/// The URN of a list's body.
pub const LIST_RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
/// The URN of a search's body.
pub const SEARCH_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

/// How many resources a page has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// When the client does not say.
    pub default_count: u64,
    /// At most, whatever the client says (RFC 7644 §3.4.2.4 lets a server return fewer).
    pub max_count: u64,
}

/// The parameters of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListQuery {
    /// The filter's text, not yet parsed.
    pub filter: Option<String>,
    /// 1 for the first resource; never 0.
    pub start_index: u64,
    /// Resources on this page; 0 asks for the total only.
    pub count: u64,
    /// The attribute to sort by.
    pub sort_by: Option<String>,
    /// How to sort.
    pub sort_order: SortOrder,
    /// The names in `attributes`.
    pub attributes: Vec<String>,
    /// The names in `excludedAttributes`.
    pub excluded_attributes: Vec<String>,
}

/// The order of a sorted answer (RFC 7644 §3.4.2.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SortOrder {
    /// Smallest first.
    #[default]
    Ascending,
    /// Largest first.
    Descending,
}

impl ListQuery {
    /// Reads decoded query parameters; unknown ones are passed over, an empty one is as if it were not there.
    ///
    /// A `startIndex` below 1 is 1 and a `count` below 0 is 0 (RFC 7644 §3.4.2.4); what is no whole number is refused.
    pub fn parse<'a>(
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
        limits: Limits,
    ) -> Result<Self, Error> {
        let mut query = Self::empty(limits);
        for (name, value) in pairs {
            let value = value.trim();
            if value.is_empty() {
                continue;
            }
            match Parameter::of(name) {
                Some(Parameter::StartIndex) => query.start_at(integer(name, value)?),
                Some(Parameter::Count) => query.take(integer(name, value)?, limits),
                Some(parameter) => query.set(parameter, value)?,
                None => {}
            }
        }
        Ok(query)
    }

    /// Reads the body of a POST to `/.search` (RFC 7644 §3.4.3).
    pub fn parse_search(body: &Value, limits: Limits) -> Result<Self, Error> {
        let Value::Object(body) = body else {
            return Err(Error::syntax("A search must be a JSON object."));
        };
        let mut query = Self::empty(limits);
        for (name, value) in body {
            let Some(parameter) = Parameter::of(name) else {
                continue;
            };
            match (parameter, value) {
                (_, Value::Null) => {}
                (Parameter::StartIndex, value) => query.start_at(json_integer(name, value)?),
                (Parameter::Count, value) => query.take(json_integer(name, value)?, limits),
                (parameter, Value::String(text)) => query.set(parameter, text.trim())?,
                (Parameter::Attributes | Parameter::Excluded, Value::Array(names)) => {
                    for listed in names {
                        let listed = listed.as_str().ok_or_else(|| {
                            Error::value(format!("{name} must be a list of attribute names."))
                        })?;
                        query.set(parameter, listed)?;
                    }
                }
                _ => return Err(Error::value(format!("{name} must be a string."))),
            }
        }
        Ok(query)
    }

    /// The projection that the query asks for.
    pub fn projection(&self, rt: &'static ResourceType) -> Result<Projection, Error> {
        Projection::parse(rt, &self.attributes, &self.excluded_attributes)
    }

    fn empty(limits: Limits) -> Self {
        Self {
            filter: None,
            start_index: 1,
            count: limits.default_count.min(limits.max_count),
            sort_by: None,
            sort_order: SortOrder::Ascending,
            attributes: Vec::new(),
            excluded_attributes: Vec::new(),
        }
    }

    fn start_at(&mut self, index: i64) {
        self.start_index = u64::try_from(index).unwrap_or(1).max(1);
    }

    fn take(&mut self, count: i64, limits: Limits) {
        self.count = u64::try_from(count).unwrap_or(0).min(limits.max_count);
    }

    fn set(&mut self, parameter: Parameter, value: &str) -> Result<(), Error> {
        match parameter {
            Parameter::Filter => self.filter = Some(value.to_owned()),
            Parameter::SortBy => self.sort_by = Some(value.to_owned()),
            Parameter::SortOrder => self.sort_order = sort_order(value)?,
            Parameter::Attributes => self.attributes.extend(names(value)),
            Parameter::Excluded => self.excluded_attributes.extend(names(value)),
            Parameter::StartIndex | Parameter::Count => {}
        }
        Ok(())
    }
}

#[derive(Clone, Copy)]
enum Parameter {
    Filter,
    StartIndex,
    Count,
    SortBy,
    SortOrder,
    Attributes,
    Excluded,
}

impl Parameter {
    fn of(name: &str) -> Option<Self> {
        const NAMES: [(&str, Parameter); 7] = [
            ("filter", Parameter::Filter),
            ("startIndex", Parameter::StartIndex),
            ("count", Parameter::Count),
            ("sortBy", Parameter::SortBy),
            ("sortOrder", Parameter::SortOrder),
            ("attributes", Parameter::Attributes),
            ("excludedAttributes", Parameter::Excluded),
        ];
        NAMES.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, parameter)| parameter)
    }
}

fn names(value: &str) -> impl Iterator<Item = String> + '_ {
    value.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned)
}

/// Numbers beyond 64 bits are cut to them: they ask for "as far as it goes".
fn integer(name: &str, value: &str) -> Result<i64, Error> {
    match value.parse::<i128>() {
        Ok(number) => {
            let cut = number.clamp(i128::from(i64::MIN), i128::from(i64::MAX));
            Ok(i64::try_from(cut).unwrap_or(i64::MAX))
        }
        Err(_) => Err(not_whole(name)),
    }
}

fn json_integer(name: &str, value: &Value) -> Result<i64, Error> {
    match value {
        Value::Number(number) if number.is_u64() => Ok(number.as_i64().unwrap_or(i64::MAX)),
        Value::Number(number) => number.as_i64().ok_or_else(|| not_whole(name)),
        Value::String(text) => integer(name, text.trim()),
        _ => Err(not_whole(name)),
    }
}

fn not_whole(name: &str) -> Error {
    Error::value(format!("{name} must be a whole number, such as 1."))
}

fn sort_order(value: &str) -> Result<SortOrder, Error> {
    if value.eq_ignore_ascii_case("ascending") {
        return Ok(SortOrder::Ascending);
    }
    if value.eq_ignore_ascii_case("descending") {
        return Ok(SortOrder::Descending);
    }
    Err(Error::value("sortOrder must be ascending or descending."))
}

/// The body of a list (RFC 7644 §3.4.2): `itemsPerPage` is the number returned, and `Resources` is there when empty.
pub fn response(total: u64, start_index: u64, resources: Vec<Value>) -> Value {
    let mut body = Map::with_capacity(5);
    body.insert("schemas".to_owned(), Value::Array(vec![LIST_RESPONSE.into()]));
    body.insert("totalResults".to_owned(), total.into());
    body.insert("startIndex".to_owned(), start_index.into());
    body.insert("itemsPerPage".to_owned(), resources.len().into());
    body.insert("Resources".to_owned(), Value::Array(resources));
    Value::Object(body)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    const LIMITS: Limits = Limits { default_count: 100, max_count: 200 };

    #[rstest]
    #[case("0", "50", 1, 50)]
    #[case("-3", "-1", 1, 0)]
    #[case("7", "0", 7, 0)]
    #[case("1", "5000", 1, 200)]
    #[case("999999999999999999999999", "1", i64::MAX as u64, 1)]
    #[case("", "", 1, 100)]
    fn paging_is_bounded(
        #[case] start: &str,
        #[case] count: &str,
        #[case] start_index: u64,
        #[case] expected: u64,
    ) {
        let query = ListQuery::parse([("startIndex", start), ("COUNT", count)], LIMITS).unwrap();
        assert_eq!((query.start_index, query.count), (start_index, expected));
    }

    #[rstest]
    #[case("startIndex", "one")]
    #[case("count", "1.5")]
    #[case("sortOrder", "up")]
    fn nonsense_is_refused_by_name(#[case] name: &str, #[case] value: &str) {
        let error = ListQuery::parse([(name, value)], LIMITS).unwrap_err();
        assert_eq!(error.scim_type(), Some("invalidValue"));
        assert!(error.detail.contains(name), "{error}");
    }

    #[test]
    fn a_search_says_the_same_as_a_query() {
        let query = ListQuery::parse(
            [
                ("filter", "active eq true"),
                ("startIndex", "2"),
                ("count", "3"),
                ("attributes", "userName, emails.value"),
                ("sortBy", "userName"),
                ("sortOrder", "descending"),
            ],
            LIMITS,
        );
        let body = json!({
            "schemas": [SEARCH_REQUEST], "filter": "active eq true", "startIndex": 2, "count": "3",
            "attributes": ["userName", "emails.value"], "sortBy": "userName", "sortOrder": "Descending",
            "excludedAttributes": null,
        });
        assert_eq!(ListQuery::parse_search(&body, LIMITS), query);
        assert_eq!(query.unwrap().attributes, ["userName", "emails.value"]);
    }

    #[test]
    fn an_empty_page_still_has_resources() {
        assert_eq!(
            response(7, 8, Vec::new()),
            json!({"schemas": [LIST_RESPONSE], "totalResults": 7, "startIndex": 8, "itemsPerPage": 0, "Resources": []})
        );
    }
}
