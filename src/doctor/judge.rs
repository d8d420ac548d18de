//! Facts to findings: what is well, what is not, and what to do. Pure.

mod installation;
mod permissions;
mod tenant;

pub use installation::{installation, unreadable};
pub use tenant::tenant;

use super::{Check, Finding};

/// Whether there is anything to look at: `count` connections, of those called `only` where a name was given.
pub fn connections(count: usize, only: Option<&str>) -> Option<Finding> {
    match (count, only) {
        (0, Some(name)) => Some(Finding::fail(
            Check::Connection,
            "no_such_connection",
            format!("there is no connection \"{name}\""),
            "`gangway connection list` shows those there are.",
        )),
        (0, None) => Some(Finding::warn(
            Check::Connection,
            "no_connection",
            "no tenant is connected, so nobody is provisioned",
            "Connect one with `gangway connection add`.",
        )),
        _ => None,
    }
}
