//! Groups, from the push to the security group in Microsoft 365 and its members.

mod bulk;
mod concurrency;
mod crash;
mod departures;
mod kinds;
mod large;
mod lifecycle;
mod listing;
mod managers;
mod members;
mod nesting;
mod refusals;
mod sorting;
mod waiting;

/// The ids as the helpers take them.
fn texts(ids: &[String]) -> Vec<&str> {
    ids.iter().map(String::as_str).collect()
}
