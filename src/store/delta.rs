//! How far the changes of each tenant's users and groups were read. Of all processes one reads a stream at a time: it
//! holds the row by a lease, and only while it holds it the place moves on.

use entity::delta_link::{COLUMN, Column, Entity, Model};
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict};
use sea_orm::{
    ActiveModelTrait as _, Condition, EntityTrait as _, IntoActiveModel as _, QueryFilter as _,
    QueryOrder as _,
};
use uuid::Uuid;

use super::{Error, Reads, Tx};
use crate::ids::ConnectionId;

/// The two streams of changes of a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stream {
    /// Of the accounts.
    Users,
    /// Of the groups and their members.
    Groups,
}

/// A place in a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The tenant.
    pub connection: ConnectionId,
    /// Which stream.
    pub stream: Stream,
    /// Where to read on; `None` before the first round.
    pub link: Option<String>,
    /// Whether that is a further page of a round that is under way.
    pub walking: bool,
    /// Whether that round shows all there is, not only what has changed.
    pub complete: bool,
    /// How many rounds came to their end.
    pub round: i64,
    /// When the last one did.
    pub finished_at: Option<i64>,
    /// When the link was got.
    pub updated_at: i64,
}

/// What [`take`] asks for.
#[derive(Clone, Copy, Debug)]
pub struct Take {
    /// The process that wants to read.
    pub owner: Uuid,
    /// Now.
    pub now: i64,
    /// How long after a round's end the next one begins, in milliseconds.
    pub interval: i64,
    /// Until when the process has the stream.
    pub lease_until: i64,
}

/// Takes a stream whose next round is due, or whose round was left in the middle; `None` when it is not due or another
/// process has it.
pub async fn take(
    tx: &Tx,
    connection: ConnectionId,
    stream: Stream,
    take: &Take,
) -> Result<Option<Place>, Error> {
    let first = Place {
        connection,
        stream,
        link: None,
        walking: false,
        complete: false,
        round: 0,
        finished_at: None,
        updated_at: take.now,
    };
    let known = OnConflict::columns([Column::ConnectionId, Column::Kind]).do_nothing().to_owned();
    Entity::insert(row(&first).into_active_model().reset_all())
        .on_conflict(known)
        .exec_without_returning(tx.db())
        .await?;
    let taken = Entity::update_many()
        .col_expr(Column::LeaseOwner, Expr::value(take.owner))
        .col_expr(Column::LeaseUntil, Expr::value(take.lease_until))
        .filter(one(connection, stream))
        .filter(COLUMN.lease_until.lte(take.now))
        .filter(is_due(take.now, take.interval))
        .exec(tx.db())
        .await?;
    if taken.rows_affected == 0 {
        return Ok(None);
    }
    get(tx, connection, stream).await
}

/// Whether [`take`] would find the stream due and free: without writing.
pub async fn may_take(
    reads: &impl Reads,
    connection: ConnectionId,
    stream: Stream,
    now: i64,
    interval: i64,
) -> Result<bool, Error> {
    let Some(row) = Entity::find().filter(one(connection, stream)).one(&reads.executor()).await? else {
        return Ok(true);
    };
    let waited = row.finished_at.is_none_or(|at| at <= now.saturating_sub(interval));
    Ok(row.lease_until <= now && row.next_at <= now && (row.walking || waited))
}

/// The place in a stream, whoever reads it.
pub async fn get(
    reads: &impl Reads,
    connection: ConnectionId,
    stream: Stream,
) -> Result<Option<Place>, Error> {
    let found = Entity::find().filter(one(connection, stream)).one(&reads.executor()).await?;
    found.map(TryInto::try_into).transpose()
}

/// The places of a connection.
pub async fn of_connection(reads: &impl Reads, connection: ConnectionId) -> Result<Vec<Place>, Error> {
    let rows = Entity::find()
        .filter(COLUMN.connection_id.eq(connection.0))
        .order_by_asc(Column::Kind)
        .all(&reads.executor())
        .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// Moves the place on and holds it until `lease_until`. False when `owner` does not have the stream any more: then
/// nothing was written.
pub async fn advance(tx: &Tx, owner: Uuid, place: &Place, lease_until: i64) -> Result<bool, Error> {
    let moved = Entity::update_many()
        .col_expr(Column::Link, Expr::value(place.link.clone()))
        .col_expr(Column::Walking, Expr::value(place.walking))
        .col_expr(Column::Complete, Expr::value(place.complete))
        .col_expr(Column::Round, Expr::value(place.round))
        .col_expr(Column::FinishedAt, Expr::value(place.finished_at))
        .col_expr(Column::UpdatedAt, Expr::value(place.updated_at))
        .col_expr(Column::LeaseUntil, Expr::value(lease_until))
        .filter(one(place.connection, place.stream))
        .filter(COLUMN.lease_owner.eq(owner))
        .exec(tx.db())
        .await?;
    Ok(moved.rows_affected > 0)
}

/// Gives a stream back, not to be taken before `next_at`.
pub async fn release(
    tx: &Tx,
    owner: Uuid,
    connection: ConnectionId,
    stream: Stream,
    next_at: i64,
) -> Result<(), Error> {
    freed(Condition::all().add(one(connection, stream)).add(COLUMN.lease_owner.eq(owner)), Some(next_at))
        .exec(tx.db())
        .await?;
    Ok(())
}

/// Gives back all that `owner` has, at an orderly stop.
pub async fn release_all(tx: &Tx, owner: Uuid) -> Result<u64, Error> {
    let held = Condition::all().add(COLUMN.lease_owner.eq(owner));
    Ok(freed(held, None).exec(tx.db()).await?.rows_affected)
}

/// Gives back what anybody has: for the start of the only process that works on the database.
pub async fn release_dead(tx: &Tx) -> Result<u64, Error> {
    let dead = Condition::all().add(COLUMN.lease_owner.is_not_null());
    Ok(freed(dead, None).exec(tx.db()).await?.rows_affected)
}

/// Forgets the places of a connection, so that its next round begins anew.
pub async fn forget(tx: &Tx, connection: ConnectionId) -> Result<(), Error> {
    Entity::delete_many().filter(COLUMN.connection_id.eq(connection.0)).exec(tx.db()).await?;
    Ok(())
}

fn freed(which: Condition, next_at: Option<i64>) -> sea_orm::UpdateMany<Entity> {
    let mut update = Entity::update_many()
        .col_expr(Column::LeaseOwner, Expr::value(None::<Uuid>))
        .col_expr(Column::LeaseUntil, Expr::value(0_i64))
        .filter(which);
    if let Some(next_at) = next_at {
        update = update.col_expr(Column::NextAt, Expr::value(next_at));
    }
    update
}

fn one(connection: ConnectionId, stream: Stream) -> Condition {
    Condition::all().add(COLUMN.connection_id.eq(connection.0)).add(COLUMN.kind.eq(stream.as_str()))
}

fn is_due(now: i64, interval: i64) -> Condition {
    let waited = Expr::col(Column::FinishedAt)
        .is_null()
        .or(Expr::col(Column::FinishedAt).lte(now.saturating_sub(interval)));
    Condition::all().add(COLUMN.next_at.lte(now)).add(waited.or(Expr::col(Column::Walking)))
}

fn row(place: &Place) -> Model {
    Model {
        connection_id: place.connection.0,
        kind: place.stream.as_str().to_owned(),
        link: place.link.clone(),
        walking: place.walking,
        complete: place.complete,
        round: place.round,
        finished_at: place.finished_at,
        next_at: 0,
        lease_owner: None,
        lease_until: 0,
        updated_at: place.updated_at,
    }
}

impl Stream {
    /// Both, in the order in which they are read.
    pub const BOTH: [Self; 2] = [Self::Users, Self::Groups];

    /// The word that is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Groups => "groups",
        }
    }
}

impl TryFrom<Model> for Place {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self, Error> {
        let stream = Stream::BOTH.into_iter().find(|stream| stream.as_str() == row.kind);
        let unknown = || Error::Unreadable { table: "delta_link", what: format!("the kind {:?}", row.kind) };
        Ok(Self {
            connection: ConnectionId(row.connection_id),
            stream: stream.ok_or_else(unknown)?,
            link: row.link,
            walking: row.walking,
            complete: row.complete,
            round: row.round,
            finished_at: row.finished_at,
            updated_at: row.updated_at,
        })
    }
}

#[cfg(test)]
mod tests;
