//! Directory-insights events: what is told, and how it is asked for.

mod ignored;
mod paging;
mod query;
mod telling;
