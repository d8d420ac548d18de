//! Writing down how a group's work ended: the given state, the members that were put in and taken out, the events and
//! what follows, in one transaction.

use std::sync::Arc;

use super::carry::Finished;
use super::given::GivenGroup;
use crate::directory::error::Error;
use crate::directory::groups::{self as wanted, leave_groups};
use crate::directory::handover::Outcome;
use crate::directory::refusal::Failure;
use crate::insights::ResourceKind;
use crate::provision::describe::Target;
use crate::provision::end::End;
use crate::provision::record::{Resting, drop_repeated, put_off};
use crate::provision::worker::Inner;
use crate::store::group_bindings::{self, GroupBinding};
use crate::store::groups;
use crate::store::queue::Lane;
use crate::store::{Tx, memberships};

impl Inner {
    /// Writes the end of a run; tells who waits.
    pub(in crate::provision) async fn record_group(
        self: &Arc<Self>,
        finished: Finished,
        began_at: i64,
    ) -> Result<(), Error> {
        let group = finished.group.id;
        let (connection, attempts) = (finished.began.connection, finished.began.attempts);
        let resting = Resting { connection, attempts, began_at };
        self.rest_after(&finished.end, finished.group.organization, resting).await;
        let this = Arc::clone(self);
        let outcome =
            self.store.write(move |tx| Box::pin(async move { this.write_group(tx, finished).await })).await?;
        if let Some(outcome) = outcome {
            self.follow_up(&outcome);
            self.handover.groups.tell(group, &outcome);
        }
        Ok(())
    }

    async fn write_group(
        &self,
        tx: &Tx,
        mut finished: Finished,
    ) -> Result<Option<Outcome<GroupBinding>>, Error> {
        crate::store::events::announce(tx).await?;
        let Some((mut binding, group)) = group_bindings::lock(tx, finished.began.id).await? else {
            tracing::warn!(binding = %finished.began.id, "a group's binding went while it was carried out");
            return Ok(None);
        };
        if binding.lease_owner != Some(self.owner) {
            tracing::warn!(binding = %binding.id, "a claim ran out while it was carried out; another has it");
            return Ok(None);
        }
        let now = self.clock.millis();
        let planned = finished.began.wanted_version;
        let overtaken = binding.wanted_version != planned;
        if overtaken {
            drop_repeated(&mut finished.work.reports, &finished.end);
        }
        self.append_group(tx, &finished, now).await?;
        write_members(tx, &finished).await?;

        let object = finished.work.object.map(|id| id.to_string());
        if binding.object_id != object {
            binding.object_id.clone_from(&object);
            binding.given_at = Some(now);
            // Groups that have this one as a member can, or can no longer, have it in Microsoft 365 too.
            let parents =
                memberships::object_changed(tx, group.organization, group.id.0, object.as_deref()).await?;
            group_bindings::mark(tx, &parents, Lane::Update, binding.request.as_ref(), now).await?;
        }
        let mut given = finished.work.given;
        // A change meanwhile has noted that this run may have made the group.
        given.tried |= object.is_none() && GivenGroup::stored(binding.given.clone())?.tried;
        let given = serde_json::to_value(&given)?;
        if binding.given != given || !finished.work.added.is_empty() || !finished.work.removed.is_empty() {
            // Until a round over the tenant's changes has shown it, a difference may be this on its way.
            binding.unverified_at = Some(now);
        }
        binding.given = given;
        binding.lease_owner = None;
        binding.lease_until = 0;
        match finished.end {
            // Groups know no days of grace.
            End::Done | End::Grace { .. } => {
                binding.given_version = planned;
                binding.attempts = 0;
                binding.failure = left_out(&finished.work.left_out);
                if group.deleted_at.is_some() && !overtaken {
                    let (object, request) = (finished.began.object_id.as_deref(), binding.request.as_ref());
                    leave_groups(tx, group.organization, group.id.0, object, request, now).await?;
                    groups::remove(tx, group.organization, group.id).await?;
                    return Ok(Some(settled(binding)));
                }
                if !overtaken {
                    binding.lane = None;
                }
                // What has arrived is told as taken: nothing goes back behind it.
                let arrived = !overtaken || wanted::goes_back_behind(&group, finished.group.version);
                if group.rollback.is_some() && arrived {
                    groups::set_rollback(tx, group.organization, group.id, None).await?;
                }
                group_bindings::update(tx, &binding).await?;
                Ok(Some(settled(binding)))
            }
            End::More => {
                binding.attempts = 0;
                binding.next_attempt_at = now;
                group_bindings::update(tx, &binding).await?;
                Ok(Some(Outcome::Deferred { until: now }))
            }
            End::Later(later) => {
                let until = put_off(
                    later,
                    &mut binding.attempts,
                    &mut binding.next_attempt_at,
                    &mut binding.failure,
                    now,
                );
                group_bindings::update(tx, &binding).await?;
                Ok(Some(Outcome::Deferred { until }))
            }
            // The change that was refused has been overtaken: the newer one may be free of the fault.
            End::Refused(_) if overtaken => {
                group_bindings::update(tx, &binding).await?;
                Ok(Some(Outcome::Deferred { until: now }))
            }
            End::Refused(refusal) => {
                let undone = wanted::undo(tx, group, binding, &refusal, now).await?;
                tracing::info!(?undone, sentence = %refusal.sentence, "Microsoft 365 refused a change of a group");
                Ok(Some(Outcome::Refused { version: planned, refusal }))
            }
        }
    }

    async fn append_group(&self, tx: &Tx, finished: &Finished, now: i64) -> Result<(), Error> {
        let known = finished.began.object_id.clone();
        let target = Target {
            kind: ResourceKind::Group,
            connection: finished.began.connection,
            connection_name: &finished.connection_name,
            id: finished.work.object.map(|id| id.to_string()).or(known),
        };
        let group = &finished.group;
        let about = ResourceKind::Group.named(group.id, Some(&group.display_name));
        self.append_reports(
            tx,
            &finished.work.reports,
            now,
            &finished.origin,
            group.organization,
            &about,
            &target,
        )
        .await
    }
}

/// Only what the run has done: what upstream has changed meanwhile is another difference.
async fn write_members(tx: &Tx, finished: &Finished) -> Result<(), Error> {
    let (organization, group, work) = (finished.group.organization, finished.group.id, &finished.work);
    if work.lost {
        memberships::forget_given(tx, organization, group).await?;
        return Ok(());
    }
    if !work.removed.is_empty() {
        memberships::gone(tx, organization, group, &work.removed).await?;
    }
    if !work.added.is_empty() {
        memberships::given(tx, organization, group, &work.added).await?;
    }
    Ok(())
}

fn left_out(sentences: &[String]) -> Option<serde_json::Value> {
    if sentences.is_empty() {
        return None;
    }
    serde_json::to_value(Failure::LeftOut { sentence: sentences.join(" ") }).ok()
}

fn settled(binding: GroupBinding) -> Outcome<GroupBinding> {
    Outcome::Settled { version: binding.given_version, binding: Arc::new(binding) }
}
