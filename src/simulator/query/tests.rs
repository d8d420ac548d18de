use std::sync::Arc;

use proptest::prelude::*;
use rstest::rstest;
use serde_json::json;
use uuid::Uuid;

use super::super::account::Account;
use super::super::directory::Directory;
use super::*;

fn request(query: &str, eventual: bool) -> Request {
    let mut headers = Vec::new();
    if eventual {
        headers.push(("consistencylevel".to_owned(), "eventual".to_owned()));
    }
    Request {
        method: "GET".to_owned(),
        path: "/v1.0/users".to_owned(),
        query: query.to_owned(),
        headers,
        body: Vec::new(),
        base: "http://127.0.0.1:1".to_owned(),
    }
}

fn people() -> Directory {
    let mut directory = Directory::default();
    for (n, name) in ["adele", "Bob", "carla", "dave", "O'Neil"].iter().enumerate() {
        let mut account = Account::new(Uuid::from_u128(n as u128 + 1));
        account.set("userPrincipalName", json!(format!("{name}@contoso.example")));
        account.set("displayName", json!(name));
        account.set("accountEnabled", json!(n % 2 == 0));
        account.set("createdDateTime", json!(format!("2026-01-0{}T00:00:00Z", n + 1)));
        account.set("otherMails", json!([format!("{name}@home.example")]));
        if n == 0 {
            account.set("companyName", json!("Contoso"));
            account.set("employeeOrgData", json!({"costCenter": "C1", "division": null}));
        }
        directory.commit(account).unwrap();
    }
    directory
}

fn find(filter: &str, advanced: bool) -> Result<Vec<String>, Refusal> {
    let mut pairs = url::form_urlencoded::Serializer::new(String::new());
    pairs.append_pair("$filter", filter);
    if advanced {
        pairs.append_pair("$count", "true");
    }
    let query = Query::parse(&request(&pairs.finish(), advanced), Entity::User)?;
    let page = query.page(&people(), Source::Users, "contoso.example");
    let name = |account: &Arc<Account>| account.text("displayName").unwrap().to_owned();
    Ok(page.items.iter().map(name).collect())
}

#[rstest]
#[case("userPrincipalName eq 'ADELE@contoso.example'", &["adele"])]
#[case("id eq '00000000-0000-0000-0000-000000000002'", &["Bob"])]
#[case("displayName eq 'O''Neil'", &["O'Neil"])]
#[case("accountEnabled eq true", &["adele", "carla", "O'Neil"])]
#[case("startsWith(displayName,'C')", &["carla"])]
#[case("startswith(displayName,'C') eq true", &["carla"])]
#[case("userPrincipalName in ('bob@contoso.example','dave@contoso.example','x')", &["Bob", "dave"])]
#[case("accountEnabled eq true and displayName eq 'adele' or displayName eq 'dave'", &["adele", "dave"])]
#[case("accountEnabled eq true and (displayName eq 'adele' or displayName eq 'dave')", &["adele"])]
#[case("otherMails/any(p:p eq 'bob@home.example')", &["Bob"])]
#[case("otherMails/any(p:startsWith(p,'dave'))", &["dave"])]
#[case("identities/any(i:i/issuerAssignedId eq 'bob@contoso.example' and i/issuer eq 'contoso.example')", &["Bob"])]
#[case("createdDateTime ge 2026-01-04T00:00:00Z", &["dave", "O'Neil"])]
fn a_plain_filter_finds(#[case] filter: &str, #[case] names: &[&str]) {
    assert_eq!(find(filter, false).unwrap(), names);
}

#[rstest]
#[case("displayName ne 'adele'", &["Bob", "carla", "dave", "O'Neil"])]
#[case("not(accountEnabled eq true)", &["Bob", "dave"])]
#[case("endsWith(userPrincipalName,'ob@contoso.example')", &["Bob"])]
#[case("companyName eq 'contoso'", &["adele"])]
#[case("companyName eq null", &["Bob", "carla", "dave", "O'Neil"])]
#[case("employeeOrgData/costCenter eq 'C1'", &["adele"])]
#[case("otherMails/$count eq 0", &[])]
fn an_advanced_filter_finds(#[case] filter: &str, #[case] names: &[&str]) {
    assert_eq!(find(filter, true).unwrap(), names);
    assert_eq!(find(filter, false).unwrap_err().status, 400, "not without the header");
}

fn missing(operator: &str) -> String {
    format!(
        "Operator '{operator}' is not supported because the required parameters might be missing. Try adding $count=true query parameter and ConsistencyLevel:eventual header. Refer to https://aka.ms/graph-docs/advanced-queries for more information"
    )
}

fn clause(path: &str) -> String {
    format!("Unsupported or invalid query filter clause specified for property '{path}' of resource 'User'.")
}

#[rstest]
#[case("endsWith(userPrincipalName,'x')", false, missing("endsWith"))]
#[case("not(displayName eq 'x')", false, missing("not"))]
#[case("displayName ne 'x'", false, missing("ne"))]
#[case("companyName eq 'x'", false, clause("companyName"))]
#[case("jobTitle eq null", false, clause("jobTitle"))]
#[case("userPrincipalName eq null", true, clause("userPrincipalName"))]
#[case("contains(displayName,'x')", true, clause("displayName"))]
#[case("endsWith(displayName,'x')", true, clause("displayName"))]
#[case("startsWith(employeeId,'x')", true, clause("employeeId"))]
#[case("displayName gt 'x'", true, clause("displayName"))]
#[case("passwordPolicies eq 'None'", true, clause("passwordPolicies"))]
#[case("lastPasswordChangeDateTime ge 2026-01-01T00:00:00Z", true, clause("lastPasswordChangeDateTime"))]
#[case("colour eq 'x'", true, "Property 'colour' does not exist as a declared property or extension property.".to_owned())]
fn a_filter_that_graph_refuses(#[case] filter: &str, #[case] advanced: bool, #[case] message: String) {
    let refusal = find(filter, advanced).unwrap_err();
    let expected = (400, "Request_UnsupportedQuery", message.as_str());
    assert_eq!((refusal.status, refusal.code.as_str(), refusal.message.as_str()), expected);
}

#[rstest]
#[case("displayName eq", 14)]
#[case("displayName is 'x'", 12)]
#[case("(displayName eq 'x'", 19)]
#[case("displayName eq 'x' displayName", 19)]
#[case("displayName eq \"x\"", 15)]
fn a_filter_that_cannot_be_read(#[case] filter: &str, #[case] position: usize) {
    let refusal = find(filter, false).unwrap_err();
    let text = format!("Invalid filter clause: Syntax error at position {position} in '{filter}'.");
    assert_eq!((refusal.code.as_str(), refusal.message), ("BadRequest", text));
}

#[test]
fn nothing_nests_without_end() {
    let filter = format!("{}displayName eq 'x'{}", "(".repeat(10_000), ")".repeat(10_000));
    assert_eq!(find(&filter, false).unwrap_err().code, "BadRequest");
    let not = format!("{}displayName eq 'x'", "not ".repeat(10_000));
    assert_eq!(find(&not, true).unwrap_err().code, "BadRequest");
}

#[rstest]
#[case("$top=0", false, "Invalid page size specified: '0'. Must be between 1 and 999 inclusive.")]
#[case("$top=1000", false, "Invalid page size specified: '1000'. Must be between 1 and 999 inclusive.")]
#[case(
    "$select=id,colour",
    false,
    "Property 'colour' does not exist as a declared property or extension property."
)]
#[case("$skip=1", false, "The query parameter '$skip' is not supported.")]
#[case("$orderby=jobTitle", true, "Sorting not supported for current query.")]
#[case("$orderby=createdDateTime", false, "Sorting not supported for current query.")]
#[case(
    "$orderby=displayName&$filter=displayName%20eq%20'x'",
    false,
    "Sorting not supported for current query."
)]
#[case(
    "$search=%22displayName:x%22",
    false,
    "Request with $search query parameter only works through MSGraph with a special request header: 'ConsistencyLevel: eventual'"
)]
fn an_option_that_graph_refuses(#[case] query: &str, #[case] advanced: bool, #[case] message: &str) {
    let refusal = Query::parse(&request(query, advanced), Entity::User).unwrap_err();
    assert_eq!((refusal.status, refusal.message.as_str()), (400, message));
}

/// All names, page by page, following the links.
fn walk(query: &str, eventual: bool) -> (Vec<String>, usize) {
    let directory = people();
    let (mut names, mut pages, mut next) = (Vec::new(), 0, query.to_owned());
    loop {
        let request = request(&next, eventual);
        let page =
            Query::parse(&request, Entity::User).unwrap().page(&directory, Source::Users, "contoso.example");
        pages += 1;
        assert_eq!(page.count.is_some(), eventual && pages == 1, "counted on the first page only");
        names.extend(page.items.iter().map(|account| account.text("displayName").unwrap().to_owned()));
        let body = page.body(&request, Vec::new(), "c");
        let Some(link) = body.get("@odata.nextLink") else {
            return (names, pages);
        };
        let link = link.as_str().unwrap();
        link.strip_prefix("http://127.0.0.1:1/v1.0/users?").unwrap().clone_into(&mut next);
    }
}

#[rstest]
#[case("$top=2&$select=id", false, &["adele", "Bob", "carla", "dave", "O'Neil"], 3)]
#[case("$top=5", false, &["adele", "Bob", "carla", "dave", "O'Neil"], 1)]
#[case("$top=2&$orderby=displayName%20desc", false, &["O'Neil", "dave", "carla", "Bob", "adele"], 3)]
#[case("$top=1&$filter=accountEnabled%20eq%20true", false, &["adele", "carla", "O'Neil"], 3)]
#[case("$top=1&$count=true&$orderby=createdDateTime%20desc&$filter=accountEnabled%20eq%20false", true, &["dave", "Bob"], 2)]
fn paging_meets_every_user_once(
    #[case] query: &str,
    #[case] eventual: bool,
    #[case] names: &[&str],
    #[case] pages: usize,
) {
    assert_eq!(walk(query, eventual), (names.iter().map(|&name| name.to_owned()).collect(), pages));
}

#[test]
fn a_count_without_the_header_is_ignored() {
    let query = Query::parse(&request("$count=true", false), Entity::User).unwrap();
    assert_eq!(query.page(&people(), Source::Users, "").count, None);
}

#[test]
fn a_token_that_is_none_of_ours_is_refused() {
    let refusal = Query::parse(&request("$skiptoken=x", false), Entity::User).unwrap_err();
    assert_eq!((refusal.status, refusal.code.as_str()), (400, "Directory_ExpiredPageToken"));
}

proptest! {
    #[test]
    fn any_options_are_read_or_refused(
        filter in ".{0,60}|[a-z/():' ,]{0,60}",
        other in "[$]?(top|orderby|expand|skiptoken|count|select)=.{0,20}",
        advanced in any::<bool>(),
    ) {
        let _ = find(&filter, advanced);
        let _ = Query::parse_mixed(&request(&other, advanced));
        let _ = Query::parse_single(&request(&other, advanced), Entity::Group);
    }
}
