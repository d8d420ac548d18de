//! The transactions that change what is wanted: the resource, the dirty mark and what to go back to, at once.

use serde_json::{Value, json};

use super::gone::remove_user;
use super::mark::{Checked, Mark};
use super::stored;
use super::untouched::check_place;
use crate::directory::Directory;
use crate::directory::caller::Caller;
use crate::directory::connections::Place;
use crate::directory::error::Error;
use crate::directory::mark::request;
use crate::directory::refusal::Failure;
use crate::directory::rollback::Rollback;
use crate::directory::settle::{Precondition, Wait, Written};
use crate::directory::sync::{SyncStatus, failure_in};
use crate::ids::{ConnectionId, UserId};
use crate::insights::{EventType, ResourceKind};
use crate::scim::patch::{self, PatchRequest};
use crate::scim::resource::Input;
use crate::scim::schema::GANGWAY_USER;
use crate::scim::{Resource, USER};
use crate::store::bindings::{self, Binding};
use crate::store::queue::Lane;
use crate::store::users::{self, User};
use crate::store::{Tx, clearing, connections};

/// Where the given state keeps the addresses under which an account may exist already.
pub const TRIED: &str = "tried";

/// What a request does to a user that exists.
pub(super) enum Change {
    /// PUT
    Replace(Input),
    /// PATCH
    Patch(PatchRequest),
}

impl Directory {
    pub(super) async fn write_new(
        &self,
        tx: &Tx,
        who: &Caller,
        id: UserId,
        input: Input,
        wait: Wait,
    ) -> Result<Written<User>, Error> {
        let now = self.clock.millis();
        let Input { resource, password, ignored } = input;
        let name = name_of(&resource).to_owned();
        let place = self.place(tx, who.organization, &name).await?;
        check_place(&place, None)?;
        let password = Checked::new(&place, password, &name)?;
        check_anchor(&place, &resource)?;

        let mut user = User {
            id,
            organization: who.organization,
            connection: place.connection(),
            version: 1,
            user_name: String::new(),
            external_id: None,
            active: true,
            resource: Value::Null,
            created_at: now,
            updated_at: now,
            deleted_at: None,
            rollback: None,
        };
        set_resource(&mut user, stored(resource));
        if user.connection.is_some() && wait.is_awaited() {
            user.rollback = Rollback::Remove.stored();
        }
        users::insert(tx, &user).await.map_err(|error| taken(error, &name))?;
        let Some(connection) = user.connection else {
            return Ok(Written::settled(user));
        };
        let mark = Mark { who, ignored, password, lane: Lane::Create, now };
        let binding = self.mark_binding(tx, &user, None, connection, mark).await?;
        Ok(Written::dirty(user, binding))
    }

    pub(super) async fn write_change(
        &self,
        tx: &Tx,
        who: &Caller,
        id: UserId,
        change: Change,
        precondition: &Precondition,
        wait: Wait,
    ) -> Result<Written<User>, Error> {
        let now = self.clock.millis();
        let (mut user, binding) = found(users::lock(tx, who.organization, id).await?, id)?;
        precondition.check(user.version)?;

        let before = Resource::from(user.resource.clone());
        let Input { resource: mut after, password, ignored } = apply(&before, change, who)?;
        let name = name_of(&after).to_owned();
        let place = self.place(tx, who.organization, &name).await?;
        let binding = self.unless_asleep(tx, &mut user, binding, &place).await?;
        check_place(&place, binding.as_ref())?;
        let password = Checked::new(&place, password, &name)?;
        if password.is_set() {
            end_expiry(&before, &mut after);
        }
        let same = after.same_as(&before);
        if same && password.is_none() {
            return self.write_again(tx, who, user, binding, now).await;
        }
        if binding.as_ref().is_some_and(|binding| Some(binding.connection) != place.connection()) {
            return Err(Error::OtherConnection(name));
        }

        keep_way_back(&mut user, binding.as_ref(), wait, place.connection().is_some());
        let binding = self.remember_tried(tx, &user, binding).await?;
        let lane = lane(&before, &after, &password, binding.as_ref());
        if !same {
            set_resource(&mut user, stored(after));
            // A refused change has used a version up: an entity tag never stands for two states.
            let latest = binding.as_ref().map_or(0, |binding| binding.wanted_version);
            user.version = user.version.max(latest) + 1;
            user.updated_at = now;
        }
        user.connection = place.connection();
        users::update(tx, &user).await.map_err(|error| taken(error, &name))?;
        let Some(connection) = user.connection else {
            return Ok(Written::settled(user));
        };
        let mark = Mark { who, ignored, password, lane, now };
        let binding = self.mark_binding(tx, &user, binding, connection, mark).await?;
        Ok(Written::dirty(user, binding))
    }

    pub(super) async fn write_gone(
        &self,
        tx: &Tx,
        who: &Caller,
        id: UserId,
        precondition: &Precondition,
        wait: Wait,
    ) -> Result<Written<User>, Error> {
        let now = self.clock.millis();
        let (mut user, binding) = found(users::lock(tx, who.organization, id).await?, id)?;
        precondition.check(user.version)?;
        let known = self.remember_tried(tx, &user, binding).await?;
        let Some(mut binding) = self.binding_of_leaver(tx, who, &user, known, now).await? else {
            remove_user(tx, who.organization, id, None, Some(&request(who, &[])?), now).await?;
            return Ok(Written::settled(user));
        };
        self.check_leaver(tx, &user, &binding).await?;
        keep_way_back(&mut user, Some(&binding), wait, true);
        user.deleted_at = Some(now);
        users::update(tx, &user).await?;
        binding.sealed_password = None;
        let connection = binding.connection;
        let mark = Mark::plain(who, Lane::Security, now);
        let binding = self.mark_binding(tx, &user, Some(binding), connection, mark).await?;
        Ok(Written::dirty(user, binding))
    }

    /// A push that changes nothing costs nothing, except that it tries once more what was refused, and binds a
    /// user whose domain has a connection by now.
    async fn write_again(
        &self,
        tx: &Tx,
        who: &Caller,
        mut user: User,
        binding: Option<Binding>,
        now: i64,
    ) -> Result<Written<User>, Error> {
        let Some(binding) = binding else {
            let place = self.place(tx, who.organization, &user.user_name).await?;
            let Some(connection) = place.connection() else {
                return Ok(Written::settled(user));
            };
            user.connection = Some(connection);
            users::update(tx, &user).await?;
            let mark = Mark::plain(who, Lane::Create, now);
            let binding = self.mark_binding(tx, &user, None, connection, mark).await?;
            return Ok(Written::dirty(user, binding));
        };
        let failure = failure_in(binding.failure.as_ref());
        if matches!(failure, Some(Failure::Refused { .. })) {
            let lane = if binding.account_id.is_some() { Lane::Update } else { Lane::Create };
            let connection = binding.connection;
            let mark = Mark::plain(who, lane, now);
            let binding = self.mark_binding(tx, &user, Some(binding), connection, mark).await?;
            return Ok(Written::dirty(user, binding));
        }
        let dirty = SyncStatus::of(Some(binding.lane.is_some()), failure.as_ref()) == SyncStatus::Pending;
        let mut binding = binding;
        if dirty && binding.lease_owner.is_none() && binding.next_attempt_at > now {
            // Who asks again does not wait out what was put off.
            binding.next_attempt_at = now;
            bindings::update(tx, &binding).await?;
        }
        Ok(Written { row: user, binding: Some(binding), dirty, is_final: false })
    }

    /// An account may be in the making under the name that the user has had until now: it must be found under it.
    async fn remember_tried(
        &self,
        tx: &Tx,
        user: &User,
        binding: Option<Binding>,
    ) -> Result<Option<Binding>, Error> {
        let Some(mut binding) = binding else {
            return Ok(None);
        };
        let begun = binding.lease_owner.is_some() || binding.attempts > 0;
        if begun
            && binding.account_id.is_none()
            && let Some((_, address)) = self.place(tx, user.organization, &user.user_name).await?.bound
        {
            add_tried(&mut binding.given, address.as_str());
        }
        Ok(Some(binding))
    }

    /// What is left of a binding in a connection that was switched off counts for nothing.
    async fn unless_asleep(
        &self,
        tx: &Tx,
        user: &mut User,
        binding: Option<Binding>,
        place: &Place,
    ) -> Result<Option<Binding>, Error> {
        let Some(binding) = binding else {
            return Ok(None);
        };
        if place.connection() == Some(binding.connection) {
            return Ok(Some(binding));
        }
        let connection = connections::get(tx, user.organization, binding.connection).await?;
        if !connection.is_some_and(|connection| connection.is_asleep()) {
            return Ok(Some(binding));
        }
        clearing::account(tx, binding.connection, user.id).await?;
        (user.connection, user.rollback) = (None, None);
        Ok(None)
    }

    /// The binding of a user who leaves. One who is bound to nothing may have an account all the same, from the time before
    /// his connection was switched off: it is looked for, or told where it cannot be.
    async fn binding_of_leaver(
        &self,
        tx: &Tx,
        who: &Caller,
        user: &User,
        known: Option<Binding>,
        now: i64,
    ) -> Result<Option<Binding>, Error> {
        if known.is_some() {
            return Ok(known);
        }
        let place = self.place(tx, user.organization, &user.user_name).await;
        if let Ok(Some((connection, address))) = place.map(|place| place.bound) {
            let mut binding = self.new_binding(user, connection.id, now);
            binding.given = Value::Null;
            add_tried(&mut binding.given, address.as_str());
            bindings::insert(tx, &binding).await?;
            return Ok(Some(binding));
        }
        if self.is_switched_off(tx, user).await? {
            let sentence = "the user's Microsoft 365 connection is switched off, so the account, if there is one, was not \
                            blocked: block it in Microsoft Entra ID";
            let about = ResourceKind::User.named(user.id, Some(&user.user_name));
            self.append_failure(tx, who, EventType::UserDeprovision, about, sentence).await?;
        }
        Ok(None)
    }

    /// Marks the user's binding dirty, making it where there is none.
    pub(super) async fn mark_binding(
        &self,
        tx: &Tx,
        user: &User,
        known: Option<Binding>,
        connection: ConnectionId,
        mark: Mark<'_>,
    ) -> Result<Binding, Error> {
        if let Some(mut binding) = known {
            self.mark(tx, &mut binding, &user.user_name, mark).await?;
            bindings::update(tx, &binding).await?;
            return Ok(binding);
        }
        let mut binding = self.new_binding(user, connection, mark.now);
        self.mark(tx, &mut binding, &user.user_name, mark).await?;
        bindings::insert(tx, &binding).await?;
        Ok(binding)
    }
}

/// Sets the resource and what is derived from it.
pub(in crate::directory) fn set_resource(user: &mut User, resource: Value) {
    let resource = Resource::from(resource);
    name_of(&resource).clone_into(&mut user.user_name);
    user.external_id = resource.external_id().map(str::to_owned);
    user.active = resource.is_active();
    user.resource = stored(resource);
}

fn add_tried(given: &mut Value, address: &str) {
    if given.is_null() {
        *given = json!({});
    }
    if let Some(given) = given.as_object_mut() {
        let tried = given.entry(TRIED).or_insert_with(|| json!([]));
        if let Some(tried) = tried.as_array_mut()
            && !tried.contains(&json!(address))
        {
            tried.push(json!(address));
        }
    }
}

fn found(row: Option<(User, Option<Binding>)>, id: UserId) -> Result<(User, Option<Binding>), Error> {
    row.ok_or_else(|| Error::NoSuchUser(id.to_string()))
}

/// Remembers the state before a change that is not acknowledged yet. What is answered at once needs no way back:
/// it is told as taken, with all that came before it.
fn keep_way_back(user: &mut User, binding: Option<&Binding>, wait: Wait, bound: bool) {
    if !wait.is_awaited() || !bound {
        user.rollback = None;
    } else if user.rollback.is_none() {
        let password = binding.and_then(|binding| binding.sealed_password.as_ref());
        user.rollback = Rollback::to(user, password).stored();
    }
}

fn apply(before: &Resource, change: Change, who: &Caller) -> Result<Input, Error> {
    match change {
        Change::Replace(mut input) => {
            if input.resource.active().is_none() {
                input.resource.set_active(before.active());
            }
            Ok(input)
        }
        Change::Patch(request) => {
            let patched = patch::apply(&USER, before, &request, who.dialect)?;
            Ok(Input { resource: patched.resource, password: patched.password, ignored: patched.ignored })
        }
    }
}

/// Entra ID makes no account in a federated domain without the anchor by which the other identity provider knows it
/// ("Create user").
fn check_anchor(place: &Place, resource: &Resource) -> Result<(), Error> {
    let Some(domain) = &place.federated else {
        return Ok(());
    };
    let own = resource.extension(GANGWAY_USER.id);
    let anchor = own.and_then(|own| own.get("onPremisesImmutableId")?.as_str());
    match anchor {
        Some(anchor) if !anchor.is_empty() => Ok(()),
        _ => Err(Error::NoAnchor(domain.clone())),
    }
}

/// A new password ends the expiry of the old one.
fn end_expiry(before: &Resource, after: &mut Resource) {
    if before.flag(&GANGWAY_USER, "passwordExpired") && after.flag(&GANGWAY_USER, "passwordExpired") {
        after.clear(&GANGWAY_USER, "passwordExpired");
    }
}

fn lane(before: &Resource, after: &Resource, password: &Checked, binding: Option<&Binding>) -> Lane {
    let blocked = |resource: &Resource| {
        !resource.is_active()
            || resource.flag(&GANGWAY_USER, "passwordExpired")
            || resource.flag(&GANGWAY_USER, "locked")
    };
    if password.is_set() || (blocked(after) && !blocked(before)) {
        return Lane::Security;
    }
    let has_account = binding.is_some_and(|binding| binding.account_id.is_some());
    if has_account { Lane::Update } else { Lane::Create }
}

fn taken(error: crate::store::Error, user_name: &str) -> Error {
    match error {
        crate::store::Error::Taken(_) => Error::Taken(user_name.to_owned()),
        other => other.into(),
    }
}

/// A user's resource always has a userName: its parser sees to that.
fn name_of(resource: &Resource) -> &str {
    resource.user_name().unwrap_or_default()
}
