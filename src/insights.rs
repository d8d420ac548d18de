//! Directory-insights (DI) events: what they say, the document in which they are kept and given out, and the query
//! that asks for them. Modelled on [JumpCloud's Directory Insights], so that its collectors work here. Pure: who
//! stores events is `store`, who serves them is `http`.
//!
//! [JumpCloud's Directory Insights]: https://docs.jumpcloud.com/api/insights/directory/1.0/index.html

mod document;
mod event;
mod fields;
mod query;

pub use event::{
    Application, Change, Correlation, Event, EventType, Initiator, InitiatorKind, MessageChain, Outcome,
    ResourceKind, ResourceRef, TargetRef, UnknownEventType,
};
pub use query::{Cursor, Order, Query, QueryError, Services};

/// The `service` under which Gangway's events are filed.
pub const SERVICE: &str = "directory";
