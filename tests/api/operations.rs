//! For those who run the server: health, metrics, the OpenAPI document, configuration, the simulator, and no secrets.

mod configuration;
mod connections;
mod health;
mod metrics;
mod openapi;
mod secrets;
mod simulator;
