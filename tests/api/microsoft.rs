//! What is carried out in Microsoft 365 beyond plain attributes, and what it costs.

mod costs;
mod faults;
mod leaving;
mod licences;
mod photos;
mod untouched;
mod verification;
