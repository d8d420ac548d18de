//! Queries and their answers (RFC 7644 §3.4.2 and §3.4.3, RFC 9865).

use serde_json::{Map, Value};

use super::attributes::Projection;
use super::cursor::{Fingerprint, Position};
use super::error::{Error, ErrorKind};
use super::schema::ResourceType;
use super::sort::Sort;

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
    /// The text of `cursor`: empty for the first page. Where it is there, the list is paged by cursor (RFC 9865 §2).
    pub cursor: Option<String>,
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
    /// Reads decoded query parameters; unknown ones are passed over, an empty one is as if it were not there, but for
    /// `cursor`, whose empty text asks for the first page.
    ///
    /// A `startIndex` below 1 is 1 and a `count` below 0 is 0 (RFC 7644 §3.4.2.4); what is no whole number is refused.
    /// With a cursor, a `count` below 0 is `invalidCount` (RFC 9865 §2.1), and a `startIndex` is refused.
    pub fn parse<'a>(
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
        limits: Limits,
    ) -> Result<Self, Error> {
        let mut query = Self::empty(limits);
        let mut paging = Paging::default();
        for (name, value) in pairs {
            let value = value.trim();
            match Parameter::of(name) {
                Some(Parameter::Cursor) => query.cursor = Some(value.to_owned()),
                _ if value.is_empty() => {}
                Some(Parameter::StartIndex) => paging.start_index = Some(integer(name, value)?),
                Some(Parameter::Count) => paging.count = Some(integer(name, value)?),
                Some(parameter) => query.set(parameter, value)?,
                None => {}
            }
        }
        query.page(paging, limits)
    }

    /// Reads the body of a POST to `/.search` (RFC 7644 §3.4.3).
    pub fn parse_search(body: &Value, limits: Limits) -> Result<Self, Error> {
        let Value::Object(body) = body else {
            return Err(Error::syntax("A search must be a JSON object."));
        };
        let mut query = Self::empty(limits);
        let mut paging = Paging::default();
        for (name, value) in body {
            let Some(parameter) = Parameter::of(name) else {
                continue;
            };
            match (parameter, value) {
                (_, Value::Null) => {}
                (Parameter::StartIndex, value) => paging.start_index = Some(json_integer(name, value)?),
                (Parameter::Count, value) => paging.count = Some(json_integer(name, value)?),
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
        query.page(paging, limits)
    }

    /// How the list of `rt` is to be sorted.
    pub fn sort(&self, rt: &ResourceType) -> Result<Option<Sort>, Error> {
        Sort::parse(rt, self.sort_by.as_deref(), self.sort_order)
    }

    /// Where the page begins, if the list is paged by cursor. `list` says which list it is, such as the name of its
    /// resource type. A cursor that was not made by [`ListQuery::cursor_at`] for this list, filter and order is `invalidCursor`.
    pub fn position(&self, list: &str) -> Result<Option<Position>, Error> {
        match &self.cursor {
            None => Ok(None),
            Some(cursor) => Position::decode(cursor, self.fingerprint(list)).map(Some),
        }
    }

    /// The cursor of the page that begins at `position`, with the same filter and order.
    pub fn cursor_at(&self, list: &str, position: Position) -> String {
        position.encode(self.fingerprint(list))
    }

    /// The page's length and the attributes may change from page to page; what decides the order may not.
    fn fingerprint(&self, list: &str) -> Fingerprint {
        let sort_by = self.sort_by.as_deref().map(str::to_ascii_lowercase);
        let order = match self.sort_order {
            SortOrder::Ascending => "ascending",
            SortOrder::Descending => "descending",
        };
        Fingerprint::of(&[Some(list), self.filter.as_deref(), sort_by.as_deref(), Some(order)])
    }

    /// The projection that the query asks for.
    pub fn projection(&self, rt: &'static ResourceType) -> Result<Projection, Error> {
        Projection::parse(rt, &self.attributes, &self.excluded_attributes)
    }

    fn empty(limits: Limits) -> Self {
        Self {
            filter: None,
            start_index: 1,
            cursor: None,
            count: limits.default_count.min(limits.max_count),
            sort_by: None,
            sort_order: SortOrder::Ascending,
            attributes: Vec::new(),
            excluded_attributes: Vec::new(),
        }
    }

    fn page(mut self, paging: Paging, limits: Limits) -> Result<Self, Error> {
        if self.cursor.is_some() {
            if paging.start_index.is_some() {
                return Err(Error::value("cursor and startIndex are two ways to page; send one of them."));
            }
            if paging.count.is_some_and(|count| count < 0) {
                return Err(Error::new(
                    ErrorKind::InvalidCount,
                    format!("count must be between 0 and {} when a cursor is sent.", limits.max_count),
                ));
            }
        }
        if let Some(index) = paging.start_index {
            self.start_index = u64::try_from(index).unwrap_or(1).max(1);
        }
        if let Some(count) = paging.count {
            self.count = u64::try_from(count).unwrap_or(0).min(limits.max_count);
        }
        Ok(self)
    }

    fn set(&mut self, parameter: Parameter, value: &str) -> Result<(), Error> {
        match parameter {
            Parameter::Filter => self.filter = Some(value.to_owned()),
            Parameter::SortBy => self.sort_by = Some(value.to_owned()),
            Parameter::SortOrder => self.sort_order = sort_order(value)?,
            Parameter::Attributes => self.attributes.extend(names(value)),
            Parameter::Excluded => self.excluded_attributes.extend(names(value)),
            Parameter::Cursor => self.cursor = Some(value.to_owned()),
            Parameter::StartIndex | Parameter::Count => {}
        }
        Ok(())
    }
}

/// The numbers of a query, as they were sent.
#[derive(Clone, Copy, Default)]
struct Paging {
    start_index: Option<i64>,
    count: Option<i64>,
}

#[derive(Clone, Copy)]
enum Parameter {
    Filter,
    StartIndex,
    Cursor,
    Count,
    SortBy,
    SortOrder,
    Attributes,
    Excluded,
}

impl Parameter {
    fn of(name: &str) -> Option<Self> {
        const NAMES: [(&str, Parameter); 8] = [
            ("filter", Parameter::Filter),
            ("startIndex", Parameter::StartIndex),
            ("cursor", Parameter::Cursor),
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
    body(total, ("startIndex", Some(start_index.into())), resources)
}

/// The body of a list that is paged by cursor (RFC 9865 §2): no `startIndex`, and `nextCursor` on all pages but the last.
pub fn cursor_response(total: u64, next: Option<String>, resources: Vec<Value>) -> Value {
    body(total, ("nextCursor", next.map(Value::String)), resources)
}

fn body(total: u64, (name, place): (&str, Option<Value>), resources: Vec<Value>) -> Value {
    let mut body = Map::with_capacity(5);
    body.insert("schemas".to_owned(), Value::Array(vec![LIST_RESPONSE.into()]));
    body.insert("totalResults".to_owned(), total.into());
    if let Some(place) = place {
        body.insert(name.to_owned(), place);
    }
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

    #[test]
    fn a_cursor_pages_its_own_query_only() {
        let query = |pairs: &[(&str, &str)]| ListQuery::parse(pairs.iter().copied(), LIMITS).unwrap();
        let first = query(&[("filter", "active eq true"), ("sortBy", "userName"), ("Cursor", "")]);
        assert_eq!(first.position("User"), Ok(Some(Position::Start)));
        let cursor = first.cursor_at("User", Position::Offset(100));
        let next = query(&[
            ("cursor", &cursor),
            ("sortBy", "USERNAME"),
            ("filter", "active eq true"),
            ("count", "7"),
        ]);
        assert_eq!(next.position("User"), Ok(Some(Position::Offset(100))));
        assert_eq!(next.count, 7);
        for other in [
            next.position("Group"),
            query(&[("cursor", &cursor)]).position("User"),
            query(&[
                ("cursor", &cursor),
                ("sortBy", "userName"),
                ("filter", "active eq true"),
                ("sortOrder", "descending"),
            ])
            .position("User"),
            query(&[("cursor", "made-up")]).position("User"),
        ] {
            assert_eq!(other.unwrap_err().scim_type(), Some("invalidCursor"));
        }
        assert_eq!(query(&[("startIndex", "3")]).position("User"), Ok(None));
    }

    #[rstest]
    #[case(json!({"cursor": "", "count": -1}), "invalidCount")]
    #[case(json!({"cursor": "", "startIndex": 1}), "invalidValue")]
    #[case(json!({"cursor": 7}), "invalidValue")]
    fn a_cursor_does_not_go_with_everything(#[case] body: Value, #[case] scim_type: &str) {
        assert_eq!(ListQuery::parse_search(&body, LIMITS).unwrap_err().scim_type(), Some(scim_type));
    }

    #[test]
    fn a_page_by_cursor_has_no_index() {
        assert_eq!(
            cursor_response(7, Some("abc".to_owned()), vec![json!({})]),
            json!({"schemas": [LIST_RESPONSE], "totalResults": 7, "nextCursor": "abc", "itemsPerPage": 1, "Resources": [{}]})
        );
        assert_eq!(cursor_response(7, None, Vec::new()).get("nextCursor"), None);
    }
}
