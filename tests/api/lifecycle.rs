//! A user's life: what upstream does, and what becomes of the account.

mod binding;
mod passwords;
mod refusals;
mod sign_in;
mod updates;
