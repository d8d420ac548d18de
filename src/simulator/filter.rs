//! `$filter` (OData 4.01 §5.1.1.1, as much of it as the directory has): parse, ask whether Graph takes it, evaluate.

mod capability;
mod evaluate;
mod parse;
mod table;

pub(super) use capability::orderable;

use serde_json::Value;

/// A parsed filter.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Filter {
    And(Vec<Filter>),
    Or(Vec<Filter>),
    Not(Box<Filter>),
    Compare {
        path: String,
        operator: Operator,
        value: Value,
    },
    In {
        path: String,
        values: Vec<Value>,
    },
    Function {
        function: Function,
        path: String,
        value: String,
    },
    /// `base/any(variable:condition)`, or `base/any()`.
    Any {
        base: String,
        condition: Option<Box<Filter>>,
    },
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Eq,
    Ne,
    Gt,
    Ge,
    Lt,
    Le,
}

/// A function on text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    StartsWith,
    EndsWith,
    Contains,
}

impl Function {
    fn name(self) -> &'static str {
        match self {
            Self::StartsWith => "startsWith",
            Self::EndsWith => "endsWith",
            Self::Contains => "contains",
        }
    }
}

/// The variable of a lambda in the paths beneath it.
const ELEMENT: &str = "$it";
