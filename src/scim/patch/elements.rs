//! Operations on multi-valued attributes.

use serde_json::{Map, Value};

use super::OperationKind;
use super::selection::{Selection, Which};
use crate::scim::error::{Error, ErrorKind};
use crate::scim::schema::{Attribute, Resolved};
use crate::scim::values;

/// Applies one operation to a multi-valued attribute, all of it, some elements, or one sub-attribute of them.
pub(super) fn change(
    own: &mut Map<String, Value>,
    kind: OperationKind,
    selection: &Selection,
    value: Option<Value>,
    ignored: &mut Vec<String>,
) -> Result<(), Error> {
    let name = selection.place.attribute.name;
    let mut list = match own.get_mut(name).map(Value::take) {
        Some(Value::Array(elements)) => List::new(selection, elements),
        _ => List::new(selection, Vec::new()),
    };
    match (kind, &selection.which, selection.place.sub) {
        (OperationKind::Add, None, None) => list.add(value, ignored)?,
        (OperationKind::Replace, None, None) => list.replace(value, ignored)?,
        (OperationKind::Remove, None, None) => list.remove(value, ignored)?,
        (OperationKind::Remove, None, Some(sub)) => list.set(|_| true, sub, Value::Null, ignored)?,
        (OperationKind::Remove, Some(which), Some(sub)) => {
            list.set(|element| which.selects(element), sub, Value::Null, ignored)?;
        }
        (OperationKind::Remove, Some(which), None) => {
            list.elements.retain(|element| !which.selects(element));
        }
        (_, None, Some(sub)) => list.set_all(sub, value.unwrap_or_default(), ignored)?,
        (_, Some(which), _) => list.set_some(kind, which, value.unwrap_or_default(), ignored)?,
    }
    let elements = list.settle()?;
    if elements.is_empty() {
        own.shift_remove(name);
    } else {
        own.insert(name.to_owned(), Value::Array(elements));
    }
    Ok(())
}

impl Which {
    fn selects(&self, element: &Value) -> bool {
        self.predicate.matches_element(element)
    }
}

struct List {
    /// The attribute, without a sub-attribute.
    place: Resolved,
    sub: Option<&'static Attribute>,
    elements: Vec<Value>,
    /// The elements that this operation made primary.
    preferred: Vec<usize>,
}

impl List {
    fn new(selection: &Selection, elements: Vec<Value>) -> Self {
        Self { place: selection.attribute(), sub: selection.place.sub, elements, preferred: Vec::new() }
    }

    /// RFC 7644 §3.5.2.1: a value that is there already is not added again.
    fn add(&mut self, value: Option<Value>, ignored: &mut Vec<String>) -> Result<(), Error> {
        let given = values::read_list(self.place, value.unwrap_or_default(), ignored)?;
        for element in given.unwrap_or_default() {
            let preferred = values::is_primary(&element);
            let at = self
                .elements
                .iter()
                .position(|own| covers(own, &element))
                .or_else(|| self.elements.iter().position(|own| values::same_element(own, &element)));
            let at = at.unwrap_or(self.elements.len());
            match self.elements.get_mut(at) {
                Some(own) => values::overlay(own, element),
                None => self.elements.push(element),
            }
            if preferred {
                self.preferred.push(at);
            }
        }
        Ok(())
    }

    fn replace(&mut self, value: Option<Value>, ignored: &mut Vec<String>) -> Result<(), Error> {
        let given = values::read_list(self.place, value.unwrap_or_default(), ignored)?;
        self.elements = given.unwrap_or_default();
        Ok(())
    }

    /// Without a value, everything (RFC 7644 §3.5.2.2). With one, as Entra sends it, only what it names: the element that
    /// is equal to it, else each that has all of its parts. An empty list names nothing.
    fn remove(&mut self, value: Option<Value>, ignored: &mut Vec<String>) -> Result<(), Error> {
        let Some(value) = value.filter(|value| !value.is_null()) else {
            self.elements.clear();
            return Ok(());
        };
        let named = values::read_list(self.place, value, ignored)?;
        for element in named.unwrap_or_default() {
            match self.elements.iter().position(|own| *own == element) {
                Some(at) => drop(self.elements.remove(at)),
                None => self.elements.retain(|own| !covers(own, &element)),
            }
        }
        Ok(())
    }

    /// A sub-attribute of all elements. Where there is none, one is made (§3.5.2.3: what does not exist is added).
    fn set_all(
        &mut self,
        sub: &'static Attribute,
        value: Value,
        ignored: &mut Vec<String>,
    ) -> Result<(), Error> {
        if !self.elements.is_empty() {
            return self.set(|_| true, sub, value, ignored);
        }
        self.make(&[], value, ignored)
    }

    /// The elements that a filter selects, or one of their sub-attributes.
    fn set_some(
        &mut self,
        kind: OperationKind,
        which: &Which,
        value: Value,
        ignored: &mut Vec<String>,
    ) -> Result<(), Error> {
        if !self.elements.iter().any(|element| which.selects(element)) {
            return match self.makes(kind, which) {
                Some(parts) => self.make(&parts, value, ignored),
                None => Err(Error::new(
                    ErrorKind::NoTarget,
                    format!(
                        "No value of {} matches the filter in the path; add the value first.",
                        self.place
                    ),
                )),
            };
        }
        match (self.sub, kind) {
            (Some(sub), _) => self.set(|element| which.selects(element), sub, value, ignored),
            (None, OperationKind::Add) => self.lay_over(which, &value, ignored),
            (None, _) => self.exchange(which, value, ignored),
        }
    }

    /// The parts with which a missing element is made, when it may be made at all. Picked by `value`, an element is one
    /// that the client believes to exist: a display name for an absent member must not make it a member.
    fn makes(&self, kind: OperationKind, which: &Which) -> Option<Vec<(&'static Attribute, Value)>> {
        let equalities = which.equalities.clone()?;
        let by_value = equalities.iter().any(|(sub, _)| sub.name == "value");
        let may = match kind {
            OperationKind::Add => true,
            _ => self.sub.is_some_and(|sub| sub.name == "value"),
        };
        (may && !by_value).then_some(equalities)
    }

    fn make(
        &mut self,
        parts: &[(&'static Attribute, Value)],
        value: Value,
        ignored: &mut Vec<String>,
    ) -> Result<(), Error> {
        let value = match self.sub {
            None => value,
            Some(_) if value.is_null() => return Ok(()),
            Some(sub) => Value::Object(Map::from_iter([(sub.name.to_owned(), value)])),
        };
        let Some(mut element) = values::read_one(self.place, value, ignored)? else {
            return Ok(());
        };
        complete(&mut element, parts);
        if values::is_primary(&element) {
            self.preferred.push(self.elements.len());
        }
        self.elements.push(element);
        Ok(())
    }

    fn set(
        &mut self,
        selects: impl Fn(&Value) -> bool,
        sub: &'static Attribute,
        value: Value,
        ignored: &mut Vec<String>,
    ) -> Result<(), Error> {
        let part = Resolved { sub: Some(sub), ..self.place };
        let value = values::read_one(part, value, ignored)?;
        let prefers = sub.name == "primary" && value == Some(Value::Bool(true));
        for (at, element) in self.elements.iter_mut().enumerate() {
            if !selects(element) {
                continue;
            }
            if let Value::Object(parts) = element {
                values::set_part(part, parts, value.clone(), false)?;
            }
            if prefers {
                self.preferred.push(at);
            }
        }
        Ok(())
    }

    /// `add` to whole elements: the value's parts join those there are.
    fn lay_over(&mut self, which: &Which, value: &Value, ignored: &mut Vec<String>) -> Result<(), Error> {
        for (at, element) in self.elements.iter_mut().enumerate() {
            if !which.selects(element) {
                continue;
            }
            let Value::Object(parts) = element else {
                continue;
            };
            let before = parts.get("primary") == Some(&Value::Bool(true));
            values::merge(self.place, parts, sole(value.clone()), ignored)?;
            if !before && values::is_primary(element) {
                self.preferred.push(at);
            }
        }
        Ok(())
    }

    /// `replace` of whole elements: the first that matches becomes the value, the others, being the same now, go.
    fn exchange(&mut self, which: &Which, value: Value, ignored: &mut Vec<String>) -> Result<(), Error> {
        let mut fresh = values::read_one(self.place, value, ignored)?;
        if let (Some(element), Some(parts)) = (&mut fresh, &which.equalities) {
            complete(element, parts);
        }
        let before = std::mem::take(&mut self.elements);
        for element in before {
            if !which.selects(&element) {
                self.elements.push(element);
            } else if let Some(fresh) = fresh.take() {
                if values::is_primary(&fresh) {
                    self.preferred.push(self.elements.len());
                }
                self.elements.push(fresh);
            }
        }
        Ok(())
    }

    /// One primary value (RFC 7643 §2.4, RFC 7644 §3.5.2): the one just made so takes it from the others.
    /// Empty elements go, equal ones are folded.
    fn settle(mut self) -> Result<Vec<Value>, Error> {
        self.preferred.sort_unstable();
        self.preferred.dedup();
        match self.preferred.as_slice() {
            [] => {}
            [winner] => {
                let winner = *winner;
                for (at, element) in self.elements.iter_mut().enumerate() {
                    if at != winner && values::is_primary(element) {
                        element["primary"] = Value::Bool(false);
                    }
                }
            }
            _ => return Err(values::two_primaries(self.place)),
        }
        self.elements.retain(|element| element.as_object().is_none_or(|parts| !parts.is_empty()));
        let elements = values::fold_equal(self.elements);
        values::check_length(self.place, elements.len())?;
        Ok(elements)
    }
}

/// Whether `own` has all parts of `named`, and there are any.
fn covers(own: &Value, named: &Value) -> bool {
    match (own, named) {
        (Value::Object(own), Value::Object(named)) => {
            !named.is_empty() && named.iter().all(|(name, value)| own.get(name) == Some(value))
        }
        _ => own == named,
    }
}

/// Fills in the parts that the element does not have.
fn complete(element: &mut Value, parts: &[(&'static Attribute, Value)]) {
    if let Value::Object(element) = element {
        for (sub, value) in parts {
            element.entry(sub.name).or_insert_with(|| value.clone());
        }
    }
}

/// A list of one stands for its element.
fn sole(value: Value) -> Value {
    match value {
        Value::Array(list) if list.len() < 2 => list.into_iter().next().unwrap_or_default(),
        value => value,
    }
}
