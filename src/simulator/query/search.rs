//! `$search`: `"property:text"`, joined by `AND` and `OR`, in brackets where it matters.

use super::super::object::Object;
use super::super::refusal::Refusal;
use super::super::schema::Entity;

/// How deep a search may nest.
const DEPTH: usize = 32;

/// The properties that are searched word by word; any other must begin with the text.
const WORDS: &[&str] = &["displayName", "description"];

/// A parsed search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Search {
    And(Vec<Search>),
    Or(Vec<Search>),
    Has { property: String, text: String },
}

impl Search {
    /// Reads `$search` on objects of one of these types.
    pub(super) fn parse(source: &str, entities: &[Entity]) -> Result<Self, Refusal> {
        let mut parser = Parser { source, at: 0, depth: 0, entities };
        let search = parser.or()?;
        parser.blanks();
        if parser.at < source.len() { Err(parser.fail()) } else { Ok(search) }
    }

    /// Whether the search finds `object`.
    pub(super) fn finds(&self, object: &impl Object) -> bool {
        match self {
            Self::And(parts) => parts.iter().all(|part| part.finds(object)),
            Self::Or(parts) => parts.iter().any(|part| part.finds(object)),
            Self::Has { property, text } => {
                let value = object.shown(property, "");
                let value = value.as_str().unwrap_or_default().to_lowercase();
                let text = text.to_lowercase();
                if WORDS.contains(&property.as_str()) {
                    words(&text).all(|wanted| words(&value).any(|word| word.starts_with(wanted)))
                } else {
                    value.starts_with(&text)
                }
            }
        }
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

struct Parser<'a> {
    source: &'a str,
    at: usize,
    depth: usize,
    entities: &'a [Entity],
}

impl Parser<'_> {
    fn rest(&self) -> &str {
        self.source.get(self.at..).unwrap_or_default()
    }

    fn blanks(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn fail(&self) -> Refusal {
        let at = self.at;
        let found = self.rest().chars().next().map_or_else(String::new, String::from);
        let message =
            format!("Syntax error: character '{found}' is not valid at position {at} in '{}'.", self.source);
        Refusal::new(400, "BadRequest", message)
    }

    fn eat(&mut self, token: &str) -> bool {
        self.blanks();
        let found = self.rest().starts_with(token);
        self.at += if found { token.len() } else { 0 };
        found
    }

    fn or(&mut self) -> Result<Search, Refusal> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(self.fail());
        }
        let mut parts = vec![self.and()?];
        while self.eat("OR") {
            parts.push(self.and()?);
        }
        self.depth -= 1;
        Ok(if parts.len() == 1 { parts.remove(0) } else { Search::Or(parts) })
    }

    fn and(&mut self) -> Result<Search, Refusal> {
        let mut parts = vec![self.term()?];
        while self.eat("AND") {
            parts.push(self.term()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Search::And(parts) })
    }

    fn term(&mut self) -> Result<Search, Refusal> {
        if self.eat("(") {
            let inner = self.or()?;
            return if self.eat(")") { Ok(inner) } else { Err(self.fail()) };
        }
        if !self.eat("\"") {
            return Err(self.fail());
        }
        let quoted = self.quoted()?;
        let Some((property, text)) = quoted.split_once(':') else {
            return Err(self.fail());
        };
        let known = |entity: &Entity| entity.exists(property) && !entity.is_boolean(property);
        if !self.entities.iter().any(known) {
            return Err(Refusal::unknown_property(property));
        }
        Ok(Search::Has { property: property.to_owned(), text: text.to_owned() })
    }

    /// The text up to the closing quotation mark; `\"` and `\\` are marks within it.
    fn quoted(&mut self) -> Result<String, Refusal> {
        let mut text = String::new();
        let mut escaped = false;
        let mut end = None;
        for (at, c) in self.rest().char_indices() {
            match c {
                '\\' if !escaped => {
                    escaped = true;
                    continue;
                }
                '"' if !escaped => {
                    end = Some(at + 1);
                    break;
                }
                _ => text.push(c),
            }
            escaped = false;
        }
        match end {
            Some(length) => {
                self.at += length;
                Ok(text)
            }
            None => Err(self.fail()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::simulator::account::Account;

    fn ann() -> Account {
        let mut account = Account::new(Uuid::nil());
        account.set("displayName", json!("Ann O'Hara-Berg \"Annie\""));
        account.set("mail", json!("ann.berg@contoso.example"));
        account
    }

    #[rstest]
    #[case(r#""displayName:ann""#, true)]
    #[case(r#""displayName:berg an""#, true)]
    #[case(r#""displayName:nn""#, false)]
    #[case(r#""displayName:\"annie\"""#, true)]
    #[case(r#""mail:ann.""#, true)]
    #[case(r#""mail:berg""#, false)]
    #[case(r#""mail:x" OR "displayName:hara""#, true)]
    #[case(r#""mail:x" AND "displayName:hara""#, false)]
    #[case(r#""mail:x" AND "mail:y" OR "mail:ann""#, true)]
    #[case(r#""mail:x" AND ("mail:y" OR "mail:ann")"#, false)]
    fn what_a_search_finds(#[case] source: &str, #[case] found: bool) {
        assert_eq!(Search::parse(source, &[Entity::User]).unwrap().finds(&ann()), found);
    }

    #[rstest]
    #[case("displayName:ann", "BadRequest")]
    #[case(r#""displayName:ann"#, "BadRequest")]
    #[case(r#""displayName""#, "BadRequest")]
    #[case(r#""displayName:a" "displayName:b""#, "BadRequest")]
    #[case(r#""colour:red""#, "Request_UnsupportedQuery")]
    #[case(r#""accountEnabled:true""#, "Request_UnsupportedQuery")]
    fn a_search_that_is_none(#[case] source: &str, #[case] code: &str) {
        assert_eq!(Search::parse(source, &[Entity::User]).unwrap_err().code, code);
    }

    #[test]
    fn nothing_nests_without_end() {
        assert!(Search::parse(&"(".repeat(10_000), &[Entity::User]).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(source in ".{0,60}|[\"\\\\():a-z ]{0,60}") {
            let _ = Search::parse(&source, &[Entity::User, Entity::Group]);
        }
    }
}
