//! Who is in a group: the rows that a change names, and what they were before.

use std::collections::HashMap;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::rollback::WasMember;
use crate::directory::error::{Error, UnknownMembers};
use crate::ids::{GroupId, OrganizationId};
use crate::scim::Predicate;
use crate::scim::error::ErrorKind;
use crate::scim::members::MemberChange;
use crate::store::Tx;
use crate::store::memberships::{self, Member, MemberKind};

/// Operations of one PATCH that must look at each member.
const MOST_SCANS: usize = 20;

/// Members read at once where a filter must look at each.
const AT_ONCE: u64 = 1_000;

/// The members of one group under change, in one transaction that holds the group's row.
pub(super) struct Members<'t> {
    tx: &'t Tx,
    organization: OrganizationId,
    group: GroupId,
    /// Whether each that was touched was a member before, and is one now.
    touched: HashMap<Uuid, (bool, bool)>,
    /// How often all members were looked at.
    scans: usize,
}

impl<'t> Members<'t> {
    pub(super) fn new(tx: &'t Tx, organization: OrganizationId, group: GroupId) -> Self {
        Self { tx, organization, group, touched: HashMap::new(), scans: 0 }
    }

    pub(super) async fn apply(&mut self, change: &MemberChange) -> Result<(), Error> {
        match change {
            MemberChange::Add(ids) => self.add(ids).await.map(|_| ()),
            MemberChange::Remove(ids) => {
                // Who is no member need not be taken out, whoever that is.
                let ids: Vec<Uuid> = ids.iter().filter_map(|id| Uuid::try_parse(id).ok()).collect();
                self.remove(&ids).await
            }
            MemberChange::Clear => self.keep(&[]).await,
            MemberChange::ReplaceAll(ids) => {
                let kept = self.add(ids).await?;
                self.keep(&kept).await
            }
            MemberChange::RemoveWhere(which) => {
                self.count_scan()?;
                let found = self.matching(which).await?;
                self.remove(&found).await
            }
            MemberChange::ReplaceWhere { which, with } => {
                self.count_scan()?;
                let found = self.matching(which).await?;
                if found.is_empty() {
                    let sentence = "The path's filter matches no member, so there is nothing to replace.";
                    return Err(crate::scim::Error::new(ErrorKind::NoTarget, sentence).into());
                }
                self.remove(&found).await?;
                self.add(with).await.map(|_| ())
            }
        }
    }

    /// Each look at all members costs in proportion to them, and nothing else is written meanwhile.
    fn count_scan(&mut self) -> Result<(), Error> {
        self.scans += 1;
        if self.scans <= MOST_SCANS {
            return Ok(());
        }
        let sentence = format!(
            "More than {MOST_SCANS} operations of one PATCH select members by other filters than value eq; send several \
             requests, or name the members by value."
        );
        Err(crate::scim::Error::new(ErrorKind::TooMany, sentence).into())
    }

    /// Those whose membership is another than before.
    pub(super) fn changed(&self) -> impl Iterator<Item = (Uuid, bool)> + '_ {
        let changed = self.touched.iter().filter(|(_, (was, is))| was != is);
        changed.map(|(id, (was, _))| (*id, *was))
    }

    pub(super) fn is_changed(&self) -> bool {
        self.changed().next().is_some()
    }

    /// What to remember of those that have changed.
    pub(super) async fn as_they_were(&self) -> Result<Vec<WasMember>, Error> {
        let changed: Vec<(Uuid, bool)> = self.changed().collect();
        let ids: Vec<Uuid> = changed.iter().map(|(id, _)| *id).collect();
        let kinds: HashMap<Uuid, MemberKind> =
            memberships::known(self.tx, self.organization, &ids).await?.into_iter().collect();
        let was =
            |(id, wanted)| WasMember { id, is_group: kinds.get(&id) == Some(&MemberKind::Group), wanted };
        Ok(changed.into_iter().map(was).collect())
    }

    /// Makes all of these members; who they are.
    async fn add(&mut self, ids: &[String]) -> Result<Vec<Uuid>, Error> {
        let members = self.resolve(ids).await?;
        let new = memberships::add(self.tx, self.organization, self.group, &members).await?;
        self.note(&new, true);
        Ok(members.into_iter().map(|(id, _)| id).collect())
    }

    async fn remove(&mut self, ids: &[Uuid]) -> Result<(), Error> {
        let gone = memberships::remove(self.tx, self.organization, self.group, ids).await?;
        self.note(&gone, false);
        Ok(())
    }

    async fn keep(&mut self, ids: &[Uuid]) -> Result<(), Error> {
        let gone = memberships::retain(self.tx, self.organization, self.group, ids).await?;
        self.note(&gone, false);
        Ok(())
    }

    fn note(&mut self, changed: &[Uuid], is: bool) {
        for id in changed {
            self.touched.entry(*id).and_modify(|(_, now)| *now = is).or_insert((!is, is));
        }
    }

    /// The users and groups that these ids stand for; all of them, or an error that names those that there are not.
    async fn resolve(&self, ids: &[String]) -> Result<Vec<(Uuid, MemberKind)>, Error> {
        let parsed: Vec<Option<Uuid>> = ids.iter().map(|id| Uuid::try_parse(id).ok()).collect();
        if parsed.contains(&Some(self.group.0)) {
            return Err(Error::OwnMember(self.group));
        }
        let asked: Vec<Uuid> = parsed.iter().copied().flatten().collect();
        let known: HashMap<Uuid, MemberKind> =
            memberships::known(self.tx, self.organization, &asked).await?.into_iter().collect();
        let is_known = |id: &Option<Uuid>| id.is_some_and(|id| known.contains_key(&id));
        let unknown: Vec<&str> = std::iter::zip(ids, &parsed)
            .filter(|(_, id)| !is_known(id))
            .map(|(text, _)| text.as_str())
            .collect();
        if !unknown.is_empty() {
            return Err(UnknownMembers::new(&unknown).into());
        }
        Ok(known.into_iter().collect())
    }

    /// The members that a path's filter selects. Each is looked at, a page at a time.
    async fn matching(&self, which: &Predicate) -> Result<Vec<Uuid>, Error> {
        let mut found = Vec::new();
        let mut after = None;
        loop {
            let page = memberships::page(self.tx, self.organization, self.group, after, AT_ONCE).await?;
            found.extend(page.iter().filter(|member| which.matches(&alone(member))).map(|member| member.id));
            after = page.last().map(|member| member.id);
            if (page.len() as u64) < AT_ONCE {
                return Ok(found);
            }
        }
    }
}

/// A group that has this member and nothing else: what a filter over members looks at.
fn alone(member: &Member) -> Map<String, Value> {
    let kind = member.kind.as_str();
    let element = json!({
        "value": member.id.to_string(),
        "$ref": format!("/{kind}s/{}", member.id),
        "display": member.display,
        "type": kind,
    });
    Map::from_iter([("members".to_owned(), json!([element]))])
}
