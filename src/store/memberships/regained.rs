//! Members that came back by themselves: Graph gives a restored account all groups that it was in.

use entity::group_binding;
use entity::membership::{Column, Entity, Model};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, EntityTrait as _, IntoActiveModel as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _,
};
use uuid::Uuid;

use super::MemberKind;
use crate::ids::{ConnectionId, GroupId, UserId};
use crate::store::{AT_ONCE, Error, Tx, groups};

/// Notes that `account` is in these groups of the connection (`objects` are their ids in Graph), so that it is taken out
/// where upstream does not want it. Groups that are not ours are left alone. The groups that are, in the order of their ids.
pub async fn regained(
    tx: &Tx,
    connection: ConnectionId,
    user: UserId,
    account: &str,
    objects: &[String],
) -> Result<Vec<GroupId>, Error> {
    let mut ours: Vec<(Uuid, Uuid)> = Vec::new();
    for objects in objects.chunks(AT_ONCE) {
        let found = group_binding::Entity::find()
            .select_only()
            .columns([group_binding::Column::GroupId, group_binding::Column::OrganizationId])
            .filter(group_binding::Column::ConnectionId.eq(connection.0))
            .filter(group_binding::Column::ObjectId.is_in(objects))
            .order_by_asc(group_binding::Column::GroupId);
        ours.extend(found.into_tuple::<(Uuid, Uuid)>().all(tx.db()).await?);
    }
    ours.sort_unstable();
    for ours in ours.chunks(AT_ONCE) {
        let ids: Vec<Uuid> = ours.iter().map(|(group, _)| *group).collect();
        groups::hold(tx, &ids).await?;
        let rows = ours.iter().map(|(group, organization)| {
            let row = Model {
                group_id: *group,
                member_id: user.0,
                organization_id: *organization,
                member_kind: MemberKind::User.column().to_owned(),
                wanted: false,
                given_as: Some(account.to_owned()),
            };
            row.into_active_model().reset_all()
        });
        let known = OnConflict::columns([Column::GroupId, Column::MemberId])
            .value(Column::GivenAs, Expr::value(account))
            .to_owned();
        Entity::insert_many(rows).on_conflict(known).exec_without_returning(tx.db()).await?;
    }
    Ok(ours.into_iter().map(|(group, _)| GroupId(group)).collect())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::store::memberships::{add, pending_additions, pending_removals};
    use crate::store::testing::{
        Backend, binding, fixture, group, group_binding, insert, insert_group, user, write,
    };
    use crate::store::{bindings, group_bindings};

    #[rstest]
    #[case::sqlite(Backend::Sqlite)]
    #[case::postgres(Backend::Postgres)]
    #[tokio::test]
    async fn an_account_is_taken_out_of_groups_that_it_came_back_to(#[case] backend: Backend) {
        let Some(db) = fixture(backend).await else { return };
        let person = user(db.organization, "ann@contoso.example");
        insert(&db.store, &person).await.unwrap();
        let mut account = binding(&person, db.connection, None, 0);
        account.account_id = Some("account".to_owned());
        let mut groups = Vec::new();
        for name in ["wanted", "unwanted"] {
            let row = group(db.organization, name);
            insert_group(&db.store, &row).await.unwrap();
            let mut bound = group_binding(&row, db.connection, None, 0);
            bound.object_id = Some(name.to_owned());
            write(&db.store, move |tx| Box::pin(async move { group_bindings::insert(tx, &bound).await }))
                .await
                .unwrap();
            groups.push(row.id);
        }
        let (organization, connection, id, wanted) = (db.organization, db.connection, person.id, groups[0]);
        let ours = write(&db.store, move |tx| {
            Box::pin(async move {
                bindings::insert(tx, &account).await?;
                add(tx, organization, wanted, &[(id.0, MemberKind::User)]).await?;
                let objects = ["wanted", "unwanted", "somebody else's"].map(str::to_owned);
                regained(tx, connection, id, "account", &objects).await
            })
        })
        .await
        .unwrap();
        groups.sort_unstable();
        assert_eq!(ours, groups);
        assert_eq!(pending_additions(&db.store, wanted, connection, 9).await.unwrap().len(), 0);
        assert_eq!(pending_removals(&db.store, wanted, connection, 9).await.unwrap().len(), 0);
        let unwanted = groups.into_iter().find(|group| *group != wanted).unwrap();
        let out = pending_removals(&db.store, unwanted, connection, 9).await.unwrap();
        assert_eq!(out.len(), 1);
        assert_eq!(out[0].object_id.as_deref(), Some("account"));
    }
}
