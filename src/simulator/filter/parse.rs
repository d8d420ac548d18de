//! The grammar: `or` binds weaker than `and`, `and` weaker than `not`.

use serde_json::{Value, json};

use super::super::refusal::Refusal;
use super::{ELEMENT, Filter, Function, Operator};

/// How deep a filter may nest.
const DEPTH: usize = 32;

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Literal(Value),
    Sign(char),
}

struct Parser<'a> {
    source: &'a str,
    tokens: Vec<(usize, Token)>,
    at: usize,
    depth: usize,
    /// The lambdas around this place: the variable's name.
    variables: Vec<String>,
}

impl Filter {
    /// Reads `$filter`.
    pub(in super::super) fn parse(source: &str) -> Result<Self, Refusal> {
        let tokens = tokens(source)?;
        let mut parser = Parser { source, tokens, at: 0, depth: 0, variables: Vec::new() };
        let filter = parser.or()?;
        match parser.tokens.get(parser.at) {
            Some((position, _)) => Err(fault(source, *position)),
            None => Ok(filter),
        }
    }
}

fn fault(source: &str, position: usize) -> Refusal {
    let message = format!("Invalid filter clause: Syntax error at position {position} in '{source}'.");
    Refusal::new(400, "BadRequest", message)
}

impl Parser<'_> {
    fn fail(&self) -> Refusal {
        let position = self.tokens.get(self.at).map_or(self.source.len(), |(position, _)| *position);
        fault(self.source, position)
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(_, token)| token)
    }

    fn next_is(&self, sign: char) -> bool {
        self.peek() == Some(&Token::Sign(sign))
    }

    fn eat(&mut self, sign: char) -> Result<(), Refusal> {
        if !self.next_is(sign) {
            return Err(self.fail());
        }
        self.at += 1;
        Ok(())
    }

    fn keyword(&mut self, keyword: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(word)) if word.eq_ignore_ascii_case(keyword));
        self.at += usize::from(found);
        found
    }

    fn word(&mut self) -> Result<String, Refusal> {
        match self.peek() {
            Some(Token::Word(word)) => {
                let word = word.clone();
                self.at += 1;
                Ok(word)
            }
            _ => Err(self.fail()),
        }
    }

    fn or(&mut self) -> Result<Filter, Refusal> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(self.fail());
        }
        let mut parts = vec![self.and()?];
        while self.keyword("or") {
            parts.push(self.and()?);
        }
        self.depth -= 1;
        Ok(single(parts, Filter::Or))
    }

    fn and(&mut self) -> Result<Filter, Refusal> {
        let mut parts = vec![self.not()?];
        while self.keyword("and") {
            parts.push(self.not()?);
        }
        Ok(single(parts, Filter::And))
    }

    fn not(&mut self) -> Result<Filter, Refusal> {
        let mut negations = 0;
        while self.keyword("not") {
            negations += 1;
            if negations > DEPTH {
                return Err(self.fail());
            }
        }
        let mut filter = self.primary()?;
        for _ in 0..negations {
            filter = Filter::Not(Box::new(filter));
        }
        Ok(filter)
    }

    fn primary(&mut self) -> Result<Filter, Refusal> {
        if self.next_is('(') {
            self.at += 1;
            let inner = self.or()?;
            self.eat(')')?;
            return Ok(inner);
        }
        let first = self.word()?;
        if let Some(function) = function(&first).filter(|_| self.next_is('(')) {
            return self.call(function);
        }
        self.condition(first)
    }

    fn call(&mut self, function: Function) -> Result<Filter, Refusal> {
        self.eat('(')?;
        let first = self.word()?;
        let path = self.path(first)?;
        self.eat(',')?;
        let Value::String(value) = self.literal()? else {
            self.at -= 1;
            return Err(self.fail());
        };
        self.eat(')')?;
        let call = Filter::Function { function, path, value };
        if !self.keyword("eq") {
            return Ok(call);
        }
        match self.literal()? {
            Value::Bool(true) => Ok(call),
            Value::Bool(false) => Ok(Filter::Not(Box::new(call))),
            _ => Err(self.fail()),
        }
    }

    /// `a/b/c`, with a lambda's variable replaced.
    fn path(&mut self, first: String) -> Result<String, Refusal> {
        let mut path = if self.variables.contains(&first) { ELEMENT.to_owned() } else { first };
        while self.next_is('/') {
            self.at += 1;
            path.push('/');
            path.push_str(&self.word()?);
        }
        Ok(path)
    }

    fn condition(&mut self, first: String) -> Result<Filter, Refusal> {
        let path = self.path(first)?;
        if let Some(base) = path.strip_suffix("/any").filter(|_| self.next_is('(')) {
            return self.any(base.to_owned());
        }
        let word = self.word()?;
        if word.eq_ignore_ascii_case("in") {
            return self.list(path);
        }
        let Some(operator) = operator(&word) else {
            self.at -= 1;
            return Err(self.fail());
        };
        let value = self.literal()?;
        Ok(Filter::Compare { path, operator, value })
    }

    fn any(&mut self, base: String) -> Result<Filter, Refusal> {
        self.eat('(')?;
        if self.next_is(')') {
            self.at += 1;
            return Ok(Filter::Any { base, condition: None });
        }
        let variable = self.word()?;
        self.eat(':')?;
        self.variables.push(variable);
        let condition = self.or()?;
        self.variables.pop();
        self.eat(')')?;
        Ok(Filter::Any { base, condition: Some(Box::new(condition)) })
    }

    fn list(&mut self, path: String) -> Result<Filter, Refusal> {
        self.eat('(')?;
        let mut values = vec![self.literal()?];
        while self.next_is(',') {
            self.at += 1;
            values.push(self.literal()?);
        }
        self.eat(')')?;
        Ok(Filter::In { path, values })
    }

    fn literal(&mut self) -> Result<Value, Refusal> {
        let value = match self.peek() {
            Some(Token::Literal(value)) => value.clone(),
            Some(Token::Word(word)) if word == "true" => json!(true),
            Some(Token::Word(word)) if word == "false" => json!(false),
            Some(Token::Word(word)) if word == "null" => Value::Null,
            _ => return Err(self.fail()),
        };
        self.at += 1;
        Ok(value)
    }
}

fn single(mut parts: Vec<Filter>, join: fn(Vec<Filter>) -> Filter) -> Filter {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        last => {
            parts.extend(last);
            join(parts)
        }
    }
}

fn function(word: &str) -> Option<Function> {
    match word.to_ascii_lowercase().as_str() {
        "startswith" => Some(Function::StartsWith),
        "endswith" => Some(Function::EndsWith),
        "contains" => Some(Function::Contains),
        _ => None,
    }
}

fn operator(word: &str) -> Option<Operator> {
    match word.to_ascii_lowercase().as_str() {
        "eq" => Some(Operator::Eq),
        "ne" => Some(Operator::Ne),
        "gt" => Some(Operator::Gt),
        "ge" => Some(Operator::Ge),
        "lt" => Some(Operator::Lt),
        "le" => Some(Operator::Le),
        _ => None,
    }
}

fn tokens(source: &str) -> Result<Vec<(usize, Token)>, Refusal> {
    let mut tokens = Vec::new();
    let mut rest = source;
    loop {
        rest = rest.trim_start();
        let position = source.len() - rest.len();
        let Some(first) = rest.chars().next() else {
            return Ok(tokens);
        };
        let (token, length) = match first {
            '(' | ')' | ',' | ':' | '/' => (Token::Sign(first), 1),
            '\'' => quoted(rest).ok_or_else(|| unterminated(source, position))?,
            _ => bare(rest).ok_or_else(|| fault(source, position))?,
        };
        tokens.push((position, token));
        rest = rest.get(length..).unwrap_or_default();
    }
}

fn unterminated(source: &str, position: usize) -> Refusal {
    let message = format!(
        "Invalid filter clause: There is an unterminated string literal at position {position} in '{source}'."
    );
    Refusal::new(400, "BadRequest", message)
}

/// A text in single quotes, which are doubled within, and its length with the quotes.
fn quoted(rest: &str) -> Option<(Token, usize)> {
    let mut text = String::new();
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c != '\'' {
            text.push(c);
        } else if chars.next_if(|&(_, next)| next == '\'').is_some() {
            text.push('\'');
        } else {
            return Some((Token::Literal(json!(text)), at + 1));
        }
    }
    None
}

/// A word, a number, a time or a GUID without quotes.
fn bare(rest: &str) -> Option<(Token, usize)> {
    let numeric = rest.starts_with(|c: char| c.is_ascii_digit() || c == '-');
    // The colon is part of a time and ends a lambda's variable.
    let part = |c: char| {
        c.is_ascii_alphanumeric()
            || matches!(c, '_' | '.' | '$' | '@' | '-')
            || (numeric && matches!(c, ':' | '+'))
    };
    let length = rest.find(|c| !part(c)).unwrap_or(rest.len());
    let word = rest.get(..length).filter(|word| !word.is_empty())?;
    let guid = uuid::Uuid::parse_str(word).is_ok();
    let token = match word.parse::<i64>() {
        _ if guid => Token::Literal(json!(word)),
        Ok(number) => Token::Literal(json!(number)),
        Err(_) if numeric => Token::Literal(json!(word)),
        Err(_) => Token::Word(word.to_owned()),
    };
    Some((token, length))
}
