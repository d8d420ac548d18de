//! The query options of a list: which Graph takes, and together with which.

mod expand;
mod page;
mod search;

use super::filter::{Filter, orderable};
use super::message::Request;
use super::refusal::Refusal;
use super::schema::Entity;
use expand::Expansion;
use page::{Cursor, cursor};
pub(super) use page::{Page, Source, expired, next_link};
use search::Search;

/// A list's options.
#[derive(Debug, Default)]
pub(super) struct Query {
    entity: Entity,
    /// Whether the list holds objects of either type, such as a group's members.
    mixed: bool,
    filter: Option<Filter>,
    search: Option<Search>,
    pub(super) select: Option<Vec<String>>,
    top: Option<usize>,
    order: Option<(String, bool)>,
    after: Option<Cursor>,
    pub(super) expand: Option<Expansion>,
    /// `$count=true` together with `ConsistencyLevel: eventual`.
    counted: bool,
    /// The same, or `$search`, which takes the header alone.
    advanced: bool,
}

impl Query {
    /// Reads the options of a list of objects of one type.
    pub(super) fn parse(request: &Request, entity: Entity) -> Result<Self, Refusal> {
        Self { entity, ..Self::default() }.read(request)
    }

    /// Reads the options of a list of objects of either type, such as a group's members.
    pub(super) fn parse_mixed(request: &Request) -> Result<Self, Refusal> {
        Self { mixed: true, ..Self::default() }.read(request)
    }

    fn read(mut self, request: &Request) -> Result<Self, Refusal> {
        let options = request.options();
        self.counted =
            request.eventual() && options.iter().any(|(name, value)| name == "$count" && value == "true");
        for (name, value) in &options {
            self.option(name, value, request.eventual())?;
        }
        self.advanced = self.counted || self.search.is_some();
        self.check()?;
        Ok(self)
    }

    /// Reads the options of a single object: `$select` and `$expand`.
    pub(super) fn parse_single(request: &Request, entity: Entity) -> Result<Self, Refusal> {
        let mut query = Self { entity, ..Self::default() };
        for (name, value) in &request.options() {
            match name.as_str() {
                "$select" | "$expand" => query.option(name, value, false)?,
                "$format" => {}
                _ if name.starts_with('$') => return Err(unsupported(name)),
                _ => {}
            }
        }
        Ok(query)
    }

    /// The types of the objects in the list.
    fn entities(&self) -> &'static [Entity] {
        match self.entity {
            _ if self.mixed => &[Entity::User, Entity::Group],
            Entity::User => &[Entity::User],
            Entity::Group => &[Entity::Group],
        }
    }

    fn option(&mut self, name: &str, value: &str, eventual: bool) -> Result<(), Refusal> {
        match name {
            "$filter" => self.filter = Some(Filter::parse(value)?),
            "$select" => self.select = Some(selected(value, self.entities())?),
            "$expand" if self.mixed => return Err(unsupported(name)),
            "$expand" => self.expand = Some(Expansion::parse(value, self.entity)?),
            "$top" => self.top = Some(top(value)?),
            "$orderby" => self.order = Some(order(value, self.entity)?),
            "$skiptoken" => self.after = Some(cursor(value)?),
            "$count" if matches!(value, "true" | "false") => {}
            "$count" => return Err(Refusal::new(400, "BadRequest", "Invalid value for $count.")),
            "$search" if !eventual => {
                return Err(Refusal::query(
                    "Request with $search query parameter only works through MSGraph with a special request header: 'ConsistencyLevel: eventual'",
                ));
            }
            "$search" => self.search = Some(Search::parse(value, self.entities())?),
            _ if name.starts_with('$') && name != "$format" => return Err(unsupported(name)),
            _ => {}
        }
        Ok(())
    }

    fn check(&self) -> Result<(), Refusal> {
        if let Some(filter) = &self.filter {
            self.check_filter(filter)?;
        }
        if let Some((property, _)) = &self.order {
            let more = self.mixed || self.filter.is_some() || self.search.is_some();
            let advanced = more || orderable(self.entity, property).unwrap_or(true);
            if advanced && !self.counted {
                return Err(Refusal::query("Sorting not supported for current query."));
            }
        }
        if self.expand.is_some() && self.advanced {
            return Err(Refusal::query("$expand is not supported in advanced queries."));
        }
        Ok(())
    }

    fn check_filter(&self, filter: &Filter) -> Result<(), Refusal> {
        if !self.mixed {
            return filter.check(self.entity, self.advanced);
        }
        let taken = filter
            .check(Entity::User, true)
            .or_else(|refusal| filter.check(Entity::Group, true).map_err(|_| refusal));
        taken?;
        if self.advanced {
            return Ok(());
        }
        // That it takes an advanced query is documented; the words are not.
        Err(Refusal::query(
            "The specified filter to the reference property query is currently not supported.",
        ))
    }
}

/// A query option that the list does not take.
pub(super) fn unsupported(name: &str) -> Refusal {
    Refusal::new(400, "BadRequest", format!("The query parameter '{name}' is not supported."))
}

/// The names in `$select`, each of a property of one of these types.
pub(super) fn selected(value: &str, entities: &[Entity]) -> Result<Vec<String>, Refusal> {
    let names: Vec<String> = value.split(',').map(|name| name.trim().to_owned()).collect();
    let role = |name: &str| entities.len() > 1 && name == "roleTemplateId";
    let known = |name: &str| {
        role(name) || entities.iter().any(|entity| entity.exists(name) || entity.is_navigation(name))
    };
    match names.iter().find(|name| !known(name)) {
        Some(unknown) => Err(Refusal::unknown_property(unknown)),
        None => Ok(names),
    }
}

/// `$top`.
pub(super) fn top(value: &str) -> Result<usize, Refusal> {
    let number = value.parse().ok().filter(|top| (1..=999).contains(top));
    number.ok_or_else(|| {
        Refusal::query(format!(
            "Invalid page size specified: '{value}'. Must be between 1 and 999 inclusive."
        ))
    })
}

fn order(value: &str, entity: Entity) -> Result<(String, bool), Refusal> {
    let mut words = value.split_whitespace();
    let property = words.next().unwrap_or_default();
    let descending = match words.next() {
        None | Some("asc") => false,
        Some("desc") => true,
        Some(_) => return Err(Refusal::query("Sorting not supported for current query.")),
    };
    if !entity.exists(property) {
        return Err(Refusal::unknown_property(property));
    }
    if orderable(entity, property).is_none() {
        return Err(Refusal::query("Sorting not supported for current query."));
    }
    Ok((property.to_owned(), descending))
}

#[cfg(test)]
mod tests;
