//! What upstream is answered while Microsoft is slow, throttles or fails, and what becomes of it.

mod concurrency;
mod faults;
mod pending;
mod races;
mod way_back;
