//! Resources as the RFC wants them: versions, characteristics of attributes, uniqueness, PUT, PATCH, discovery.

mod changes;
mod discovery;
mod shapes;
mod versions;
