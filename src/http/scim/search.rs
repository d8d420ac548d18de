//! Searches: a page of users, of groups, or of both (RFC 7644 §3.4.2 and §3.4.3).

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, post};
use serde_json::{Map, Value, json};

use super::body::ScimBody;
use super::documents::{Guarded, ListResponse, Read, SearchRequest, Taken};
use super::pour::{Piece, Pour, Source};
use super::represent::{self, Told, group, user};
use super::{LIMITS, base_url};
use crate::directory::caller::Caller;
use crate::directory::groups::GroupView;
use crate::directory::users::UserView;
use crate::directory::{From, Listing, Page, Position};
use crate::http::State;
use crate::http::auth::ScimCaller;
use crate::http::fault::{Fault, SCIM_JSON};
use crate::scim::list::{self, ListQuery};
use crate::scim::sort::Sort;
use crate::scim::{Error, ErrorKind, GROUP, Predicate, Projection, ResourceType, USER, filter};

/// The list of users and groups, as its cursors name it.
const EVERYTHING: &str = "";

/// Users and groups, the users first (RFC 7644 §3.4.2.1 and §3.4.3).
#[utoipa::path(
    tag = "scim",
    request_body(content = SearchRequest, content_type = SCIM_JSON),
    responses(
        (status = 200, description = "The page", body = ListResponse, content_type = SCIM_JSON),
        Read, Taken, Guarded
    ),
    security(("bearer" = []))
)]
#[post("/.search")]
pub(in crate::http) async fn search_all(
    caller: ScimCaller,
    request: HttpRequest,
    state: Data<State>,
    body: Result<ScimBody, Fault>,
) -> Result<HttpResponse, Fault> {
    let ScimCaller(who) = caller;
    let query = ListQuery::parse_search(&body?.0, LIMITS)?;
    Search::new(&who, &request, &state, &query).everything().await
}

/// One search.
pub(super) struct Search<'a> {
    who: &'a Caller,
    state: &'a State,
    query: &'a ListQuery,
    base_url: String,
}

/// What of a query is read against one type of resource.
struct Asked {
    filter: Option<Predicate>,
    sort: Option<Sort>,
    projection: Projection,
}

/// What a page is, beside its resources.
struct Heading {
    total: u64,
    /// The cursor of the next page, if the list is paged by cursor and goes on.
    next: Option<String>,
}

impl<'a> Search<'a> {
    pub(super) fn new(
        who: &'a Caller,
        request: &HttpRequest,
        state: &'a State,
        query: &'a ListQuery,
    ) -> Self {
        Self { who, state, query, base_url: base_url(request, state) }
    }

    pub(super) async fn users(&self) -> Result<HttpResponse, Fault> {
        let asked = self.asked(&USER, self.query.sort(&USER)?)?;
        let page = self.page_of_users(&asked, self.from(USER.name)?, self.query.count).await?;
        let resources = page.items.iter().map(|view| self.user(view, &asked)).collect();
        self.answer(&self.heading(USER.name, page.total, page.next), resources, asked.projection).await
    }

    pub(super) async fn groups(&self) -> Result<HttpResponse, Fault> {
        let asked = self.asked(&GROUP, self.query.sort(&GROUP)?)?;
        let page = self.page_of_groups(&asked, self.from(GROUP.name)?, self.query.count).await?;
        let resources = page.items.iter().map(|view| self.group(view, &asked)).collect();
        self.answer(&self.heading(GROUP.name, page.total, page.next), resources, asked.projection).await
    }

    /// The users that match, and behind them the groups: one list, counted through. Each type is sorted by itself.
    async fn everything(&self) -> Result<HttpResponse, Fault> {
        let (by_users, by_groups) = match (self.query.sort(&USER), self.query.sort(&GROUP)) {
            (Err(error), Err(_)) => return Err(error.into()),
            // What one of the types does not have does not sort it.
            (users, groups) => (users.unwrap_or(None), groups.unwrap_or(None)),
        };
        let of_users = self.asked(&USER, by_users)?;
        let of_groups = self.asked(&GROUP, by_groups)?;
        let (skip, count) = (self.skip()?, self.query.count);
        let from = From::Index(skip.saturating_add(1));
        let users = self.page_of_users(&of_users, from, count).await?;
        let mut resources: Vec<_> = users.items.iter().map(|view| self.user(view, &of_users)).collect();
        let from = From::Index(skip.saturating_sub(users.total).saturating_add(1));
        let left = count.saturating_sub(resources.len() as u64);
        let groups = self.page_of_groups(&of_groups, from, left).await?;
        resources.extend(groups.items.iter().map(|view| self.group(view, &of_groups)));

        let (total, end) = (users.total + groups.total, skip.saturating_add(resources.len() as u64));
        let next = (!resources.is_empty() && end < total).then_some(Position::Offset(end));
        self.answer(&self.heading(EVERYTHING, total, next), resources, of_groups.projection).await
    }

    fn asked(&self, of: &'static ResourceType, sort: Option<Sort>) -> Result<Asked, Fault> {
        let filter = match &self.query.filter {
            Some(text) => Some(filter::parse(of, text, self.who.dialect)?),
            None => None,
        };
        Ok(Asked { filter, sort, projection: self.query.projection(of)? })
    }

    fn from(&self, list: &str) -> Result<From, Fault> {
        Ok(self.query.position(list)?.map_or(From::Index(self.query.start_index), From::Cursor))
    }

    /// How many resources stand before the page, where both types are one list.
    fn skip(&self) -> Result<u64, Fault> {
        match self.query.position(EVERYTHING)? {
            None => Ok(self.query.start_index.saturating_sub(1)),
            Some(Position::Start) => Ok(0),
            Some(Position::Offset(skip)) => Ok(skip),
            Some(Position::After { .. }) => {
                let sentence = "The cursor is none of this list; send an empty cursor for the first page.";
                Err(Error::new(ErrorKind::InvalidCursor, sentence).into())
            }
        }
    }

    fn heading(&self, list: &str, total: u64, next: Option<Position>) -> Heading {
        Heading { total, next: next.map(|position| self.query.cursor_at(list, position)) }
    }

    async fn page_of_users(&self, asked: &Asked, from: From, count: u64) -> Result<Page<UserView>, Fault> {
        let with_groups = represent::wants(&asked.projection, "groups");
        let whole = |view: &UserView| user::whole(view, &self.base_url);
        let listing = asked.listing(from, count);
        Ok(self.state.directory.users(self.who.organization, &listing, with_groups, whole).await?)
    }

    async fn page_of_groups(&self, asked: &Asked, from: From, count: u64) -> Result<Page<GroupView>, Fault> {
        let whole = |view: &GroupView| group::whole(view, &self.base_url);
        let listing = asked.listing(from, count);
        Ok(self.state.directory.groups(self.who.organization, &listing, whole).await?)
    }

    fn user(&self, view: &UserView, asked: &Asked) -> Vec<Piece> {
        let shown = user::shown(view, &self.base_url, &asked.projection, Told::Behind);
        vec![Piece::Text(shown.to_string())]
    }

    fn group(&self, view: &GroupView, asked: &Asked) -> Vec<Piece> {
        group::shown(view, &self.base_url, &asked.projection, Told::Behind)
    }

    async fn answer(
        &self,
        heading: &Heading,
        resources: Vec<Vec<Piece>>,
        projection: Projection,
    ) -> Result<HttpResponse, Fault> {
        let source = Source {
            directory: self.state.directory.clone(),
            organization: self.who.organization,
            base_url: self.base_url.clone(),
            projection,
        };
        let Heading { total, next } = heading;
        let head = match &self.query.cursor {
            Some(_) => list::cursor_response(*total, next.clone(), Vec::new()),
            None => list::response(*total, self.query.start_index, Vec::new()),
        };
        Ok(Pour::new(source, pieces(head, resources)).answer(HttpResponse::Ok()).await?)
    }
}

impl Asked {
    fn listing(&self, from: From, count: u64) -> Listing<'_> {
        Listing { filter: self.filter.as_ref(), sort: self.sort.as_ref(), from, count }
    }
}

/// A list's body with these resources in it.
fn pieces(head: Value, resources: Vec<Vec<Piece>>) -> Vec<Piece> {
    let mut head = match head {
        Value::Object(head) => head,
        _ => Map::new(),
    };
    head.insert("itemsPerPage".to_owned(), json!(resources.len()));
    head.shift_remove("Resources");
    let mut pieces = vec![Piece::Text(group::opened(head) + ",\"Resources\":[")];
    for (n, resource) in resources.into_iter().enumerate() {
        if n > 0 {
            pieces.push(Piece::Text(",".to_owned()));
        }
        pieces.extend(resource);
    }
    pieces.push(Piece::Text("]}".to_owned()));
    pieces
}
