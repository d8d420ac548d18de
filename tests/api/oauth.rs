//! Connecting a tenant in the browser: Microsoft's login page, the way back, and everything that may go wrong on it.

mod authorize;
mod consent;
mod endings;
mod support;
