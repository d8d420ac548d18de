//! Resources as the RFC wants them: versions, characteristics of attributes, uniqueness, PUT, PATCH, discovery.

mod bulk;
mod changes;
mod discovery;
mod groups;
mod large_groups;
mod paging;
mod preferences;
mod reads;
mod searches;
mod shapes;
mod versions;
