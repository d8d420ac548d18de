//! `gangway doctor`: each fault of an installation or a tenant is named, with what to do, and nothing else is.

mod documents;
mod installation;
mod support;
mod tenants;
