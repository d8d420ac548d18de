//! What the tests share: a running server with its simulator, and clients with verbs.

mod bodies;
mod browser;
mod client;
mod command;
mod faults;
mod groups;
#[path = "../support/postgres.rs"]
mod postgres;
mod process;
mod server;
mod wait;

pub(crate) use bodies::{
    ENTERPRISE, GANGWAY, GANGWAY_GROUP, GROUP, USER, extension, group, members, patch, replace, user,
};
pub(crate) use browser::{Browser, Page};
pub(crate) use client::{Answer, Client};
pub(crate) use command::{Ended, Running, command};
pub(crate) use faults::{answer, hold, on, reset_after, reset_before};
pub(crate) use groups::{add_members, remove_member};
pub(crate) use process::Process;
pub(crate) use server::{
    Backend, Gangway, TOKEN, database, delegated_simulator_with, gangway, gangway_on, gangway_with,
    simulator, simulator_with,
};
pub(crate) use wait::eventually;
