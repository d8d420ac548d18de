//! Microsoft's limits: waiting as long as it says, leavers first, batches, one budget for all replicas.

mod batches;
mod limits;
