//! Recursive descent over the grammar of the crate's documentation; each function is one of its rules.

use crate::ast::{AttrPath, CompareOp, Filter, Path};
use crate::error::{Error, ErrorKind};
use crate::literal;
use crate::scan::{Scanner, is_name};

/// What is accepted, and how much of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Whether `externalId eq annb` is a comparison with the string `annb`, as in Entra's documentation. What
    /// is a number, `true`, `false` or `null` stays that.
    pub unquoted_strings: bool,
    /// How many brackets, round or square, may stand in one another. The parser calls itself once a level, so
    /// keep it below a few hundred.
    pub max_depth: usize,
    /// How many comparisons (`pr` among them) one text may have.
    pub max_terms: usize,
    /// How many bytes the text may have.
    pub max_length: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { unquoted_strings: false, max_depth: 32, max_terms: 256, max_length: 16 * 1024 }
    }
}

impl Filter {
    /// Parses a filter (RFC 7644 §3.4.2.2) under the default [`Options`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        Self::parse_with(text, &Options::default())
    }

    /// Parses a filter (RFC 7644 §3.4.2.2).
    pub fn parse_with(text: &str, options: &Options) -> Result<Self, Error> {
        let mut parser = Parser::new(text, options)?;
        let filter = parser.filter()?;
        parser.end("and, or or the end")?;
        Ok(filter)
    }
}

impl Path {
    /// Parses a PATCH path (RFC 7644 figure 7) under the default [`Options`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        Self::parse_with(text, &Options::default())
    }

    /// Parses a PATCH path (RFC 7644 figure 7).
    pub fn parse_with(text: &str, options: &Options) -> Result<Self, Error> {
        let mut parser = Parser::new(text, options)?;
        let attr = parser.attr_path()?;
        parser.scanner.blanks();
        if parser.scanner.peek() != Some(b'[') {
            parser.end("[ or the end")?;
            return Ok(Self { attr, filter: None, sub: None });
        }
        let filter = parser.brackets(&attr)?;
        let sub = parser.sub_attribute()?;
        parser.end("the end")?;
        Ok(Self { attr, filter: Some(filter), sub })
    }
}

impl AttrPath {
    /// Parses an attribute's name alone, as `sortBy` and one item of `attributes` hold (RFC 7644 §3.10), under
    /// the default [`Options`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut parser = Parser::new(text, &Options::default())?;
        let attr = parser.attr_path()?;
        parser.end("the end")?;
        Ok(attr)
    }

    fn from_word(word: &str) -> Option<Self> {
        // A URN has dots of its own (`2.0`): only what follows its last colon is the attribute.
        let (urn, attr) = match word.rsplit_once(':') {
            Some((urn, attr)) => (Some(urn), attr),
            None => (None, word),
        };
        let (name, sub) = match attr.split_once('.') {
            Some((name, sub)) => (name, Some(sub)),
            None => (attr, None),
        };
        let fits = urn.is_none_or(is_urn) && is_name(name) && sub.is_none_or(is_name);
        fits.then(|| Self { urn: urn.map(str::to_owned), name: name.to_owned(), sub: sub.map(str::to_owned) })
    }
}

fn is_urn(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic()) && !text.ends_with(':')
}

impl CompareOp {
    fn from_word(word: &str) -> Option<Self> {
        let all = [
            ("eq", Self::Eq),
            ("ne", Self::Ne),
            ("co", Self::Co),
            ("sw", Self::Sw),
            ("ew", Self::Ew),
            ("gt", Self::Gt),
            ("ge", Self::Ge),
            ("lt", Self::Lt),
            ("le", Self::Le),
        ];
        all.into_iter().find_map(|(name, op)| word.eq_ignore_ascii_case(name).then_some(op))
    }
}

struct Parser<'a> {
    scanner: Scanner<'a>,
    options: Options,
    depth: usize,
    terms: usize,
    in_brackets: bool,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str, options: &Options) -> Result<Self, Error> {
        if text.len() > options.max_length {
            return Err(Error { at: options.max_length, kind: ErrorKind::TooLong(options.max_length) });
        }
        let mut scanner = Scanner::new(text);
        scanner.blanks();
        Ok(Self { scanner, options: *options, depth: 0, terms: 0, in_brackets: false })
    }

    fn end(&mut self, expected: &'static str) -> Result<(), Error> {
        self.scanner.blanks();
        match self.scanner.peek() {
            None => Ok(()),
            Some(_) => Err(self.scanner.expected(expected)),
        }
    }

    fn filter(&mut self) -> Result<Filter, Error> {
        let first = self.and_term()?;
        if !self.keyword("or") {
            return Ok(first);
        }
        let mut any = into_alternatives(first);
        any.extend(into_alternatives(self.and_term()?));
        while self.keyword("or") {
            any.extend(into_alternatives(self.and_term()?));
        }
        Ok(Filter::Or(any))
    }

    fn and_term(&mut self) -> Result<Filter, Error> {
        let mut term = self.factor()?;
        while self.keyword("and") {
            term = both(term, self.factor()?);
        }
        Ok(term)
    }

    /// Reads `word` if it is the next; the blanks before it only together with it.
    fn keyword(&mut self, word: &str) -> bool {
        let start = self.scanner.at();
        self.scanner.blanks();
        if self.scanner.word().eq_ignore_ascii_case(word) {
            self.scanner.go_to(self.scanner.at() + word.len());
            return true;
        }
        self.scanner.go_to(start);
        false
    }

    fn factor(&mut self) -> Result<Filter, Error> {
        self.scanner.blanks();
        if self.scanner.peek() == Some(b'(') {
            return self.group();
        }
        if self.negation()? {
            return Ok(Filter::Not(Box::new(self.group()?)));
        }
        let attr = self.attr_path()?;
        let blanks = self.scanner.blanks();
        if self.scanner.peek() == Some(b'[') {
            return self.element(attr);
        }
        if !blanks {
            return Err(self.scanner.expected("a blank and an operator such as eq"));
        }
        self.comparison(attr)
    }

    /// Reads `not` where a bracket follows; an attribute may have that name, too.
    fn negation(&mut self) -> Result<bool, Error> {
        let start = self.scanner.at();
        if !self.keyword("not") {
            return Ok(false);
        }
        self.scanner.blanks();
        if self.scanner.peek() == Some(b'(') {
            return Ok(true);
        }
        let word = self.scanner.word();
        let is_attribute = self.scanner.peek() == Some(b'[')
            || word.eq_ignore_ascii_case("pr")
            || CompareOp::from_word(word).is_some();
        if !is_attribute {
            return Err(self.scanner.expected("( after not"));
        }
        self.scanner.go_to(start);
        Ok(false)
    }

    fn group(&mut self) -> Result<Filter, Error> {
        self.descend()?;
        let filter = self.filter()?;
        self.ascend(b')', "and, or or )")?;
        Ok(filter)
    }

    /// `attr[…]`, and what Entra sends: `attr[…].sub op value` asks for one element that fulfils both.
    fn element(&mut self, attr: AttrPath) -> Result<Filter, Error> {
        let inner = self.brackets(&attr)?;
        let Some(name) = self.sub_attribute()? else {
            return Ok(element_of(attr, inner));
        };
        if !self.scanner.blanks() {
            return Err(self.scanner.expected("a blank and an operator such as eq"));
        }
        let sub = AttrPath { urn: None, name, sub: None };
        let outer = self.comparison(sub)?;
        Ok(element_of(attr, both(inner, outer)))
    }

    /// `[filter]` behind `attr`.
    fn brackets(&mut self, attr: &AttrPath) -> Result<Filter, Error> {
        if self.in_brackets {
            return Err(self.scanner.fault(ErrorKind::NestedBrackets));
        }
        if attr.sub.is_some() {
            return Err(self.scanner.fault(ErrorKind::BracketsAfterSubAttribute));
        }
        self.descend()?;
        self.in_brackets = true;
        let filter = self.filter()?;
        self.in_brackets = false;
        self.ascend(b']', "and, or or ]")?;
        Ok(filter)
    }

    /// `.name` directly behind a closing bracket, if there is one.
    fn sub_attribute(&mut self) -> Result<Option<String>, Error> {
        if !self.scanner.eat(b'.') {
            return Ok(None);
        }
        let name = self.scanner.word();
        if !is_name(name) {
            return Err(self.scanner.expected("the name of a sub-attribute"));
        }
        self.scanner.go_to(self.scanner.at() + name.len());
        Ok(Some(name.to_owned()))
    }

    fn attr_path(&mut self) -> Result<AttrPath, Error> {
        let word = self.scanner.word();
        let attr = AttrPath::from_word(word).ok_or_else(|| self.scanner.expected("an attribute name"))?;
        self.scanner.go_to(self.scanner.at() + word.len());
        Ok(attr)
    }

    /// `pr` or `op value` behind `attr`.
    fn comparison(&mut self, attr: AttrPath) -> Result<Filter, Error> {
        self.count_term()?;
        let word = self.scanner.word();
        if word.eq_ignore_ascii_case("pr") {
            self.scanner.go_to(self.scanner.at() + word.len());
            return Ok(Filter::Present(attr));
        }
        let op = CompareOp::from_word(word).ok_or_else(|| self.scanner.expected("an operator such as eq"))?;
        self.scanner.go_to(self.scanner.at() + word.len());
        if !self.scanner.blanks() {
            return Err(self.scanner.expected("a blank and a value"));
        }
        let value = literal::value(&mut self.scanner, self.options.unquoted_strings)?;
        Ok(Filter::Compare { attr, op, value })
    }

    fn count_term(&mut self) -> Result<(), Error> {
        if self.terms >= self.options.max_terms {
            let kind = ErrorKind::TooManyTerms(self.options.max_terms);
            return Err(self.scanner.fault(kind));
        }
        self.terms += 1;
        Ok(())
    }

    /// Reads an opening bracket of either kind. Every recursion passes here, so that none is deeper than allowed.
    fn descend(&mut self) -> Result<(), Error> {
        if self.depth >= self.options.max_depth {
            return Err(self.scanner.fault(ErrorKind::TooDeep(self.options.max_depth)));
        }
        self.depth += 1;
        self.scanner.go_to(self.scanner.at() + 1);
        Ok(())
    }

    fn ascend(&mut self, closing: u8, expected: &'static str) -> Result<(), Error> {
        self.scanner.blanks();
        if !self.scanner.eat(closing) {
            return Err(self.scanner.expected(expected));
        }
        self.depth -= 1;
        Ok(())
    }
}

fn element_of(attr: AttrPath, filter: Filter) -> Filter {
    Filter::Element { attr, filter: Box::new(filter) }
}

/// Both hold; an `And` takes the other in instead of being nested.
fn both(left: Filter, right: Filter) -> Filter {
    let mut all = into_conjuncts(left);
    all.extend(into_conjuncts(right));
    Filter::And(all)
}

fn into_conjuncts(filter: Filter) -> Vec<Filter> {
    match filter {
        Filter::And(all) => all,
        other => vec![other],
    }
}

fn into_alternatives(filter: Filter) -> Vec<Filter> {
    match filter {
        Filter::Or(any) => any,
        other => vec![other],
    }
}
