//! Carrying one user out: plan, make the first call, plan again, until nothing is left or Microsoft objects.

mod bind;
mod judge;
mod leaving;
mod licenses;
mod manager;
mod photo;
mod privilege;

pub(super) use bind::gives_way;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::deleted::Deleted;
use super::describe::{Report, Trace, changes};
use super::end::{self, End, Later, REPAIR};
use super::given::{Given, Owed};
use super::licenses::Catalogues;
use super::mapping;
use super::plan::{Licenses, Manager, Step, Wanted, plan};
use crate::clock::Clock;
use crate::directory::Address;
use crate::directory::caller::Origin;
use crate::directory::password::Password;
use crate::directory::refusal::{Refusal, RefusalKind};
use crate::directory::rollback::Rollback;
use crate::graph::{
    self, AccountId, Call, Disposition, Graph, GroupId, Photo, Priority, Property, Reply, SkuId,
};
use crate::ids::BindingId;
use crate::insights::{Change, EventType, Outcome};
use crate::scim::Resource;
use crate::settings::Settings;
use crate::store::Store;
use crate::store::bindings::Binding;
use crate::store::connections::Connection;
use crate::store::users::User;

/// More steps than any plan has: a guard against a plan that does not come to rest.
const MOST_STEPS: usize = 24;

/// One user's work in one connection, while it is carried out.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own about the run")]
pub(super) struct Run<'a> {
    pub(super) store: &'a Store,
    pub(super) clock: &'a Clock,
    pub(super) graph: Graph,
    pub(super) connection: Connection,
    pub(super) settings: Settings,
    pub(super) origin: Origin,
    pub(super) binding: Binding,
    pub(super) user: User,
    pub(super) resource: Resource,
    /// None when the user is gone.
    pub(super) address: Option<Address>,
    pub(super) password: Option<Password>,
    pub(super) manager: Manager,
    /// Whether Graph does not know the manager.
    pub(super) manager_missing: bool,
    pub(super) password_used: bool,
    pub(super) catalogues: &'a Catalogues,
    pub(super) deleted: &'a Deleted,
    pub(super) licenses: Licenses,
    /// Licences that turned out not to be had.
    pub(super) impossible: BTreeSet<SkuId>,
    /// The picture to be sent; taken once it is, or cannot be.
    pub(super) photo: Option<Photo>,
    pub(super) given: Given,
    pub(super) account: Option<AccountId>,
    pub(super) reports: Vec<Report>,
    pub(super) trace: Trace,
    /// What of the wanted state Microsoft cannot take, each as the rest of a sentence.
    pub(super) faults: Vec<String>,
    /// The same as one sentence.
    pub(super) left_out: Option<String>,
    /// The groups that a restored account was in before it was deleted.
    pub(super) regained: Vec<GroupId>,
    /// Whether Graph has taken something without saying what it made of it.
    pub(super) unverified: bool,
    /// The binding of a leaver who has had the account until now, and gives it up.
    pub(super) released: Option<BindingId>,
    /// Whether no other process works on the database: then what was deleted by Gangway is known here.
    pub(super) is_alone: bool,
    /// Why sessions could not be revoked.
    pub(super) unrevoked: Option<String>,
    /// The end of a suspension, which the event of the new password will tell.
    pub(super) unsuspended: Vec<Change>,
}

/// What a run leaves to be written.
pub(super) struct Finished {
    /// The binding as it was when the run began.
    pub(super) began: Binding,
    /// The user as it was when the run began.
    pub(super) user: User,
    pub(super) origin: Origin,
    pub(super) connection_name: String,
    pub(super) account: Option<AccountId>,
    pub(super) given: Given,
    pub(super) password_used: bool,
    pub(super) reports: Vec<Report>,
    /// What of the wanted state Microsoft cannot take.
    pub(super) left_out: Option<String>,
    /// The groups that a restored account was in before it was deleted.
    pub(super) regained: Vec<GroupId>,
    /// Whether Graph has taken something without saying what it made of it.
    pub(super) unverified: bool,
    /// The binding of a leaver who gives the account up.
    pub(super) released: Option<BindingId>,
    pub(super) end: End,
}

impl Run<'_> {
    pub(super) async fn carry_out(&mut self) -> End {
        if let Err(fault) = self.choose().await
            && let Some(end) = self.judge(None, fault).await
        {
            return end;
        }
        for _ in 0..MOST_STEPS {
            let Some(step) = plan(&self.wanted(), &self.given, self.account.is_some()).into_iter().next()
            else {
                self.conclude();
                return self.rest();
            };
            if let Err(fault) = self.make(&step).await
                && let Some(end) = self.judge(Some(&step), fault).await
            {
                return if matches!(end, End::Refused(_)) { self.put_back(end).await } else { end };
            }
        }
        tracing::error!(binding = %self.binding.id, "a plan did not come to rest; this is a fault of Gangway");
        Later { after: Some(REPAIR), ..Later::soon("internal fault; see the log") }.into()
    }

    /// What must be known before there can be a plan.
    async fn choose(&mut self) -> Result<(), Fault> {
        self.check_never_touch()?;
        if self.given.owed.contains(&Owed::Regain) {
            self.regain().await?;
        }
        if self.is_gone() {
            return Ok(());
        }
        self.choose_photo();
        self.choose_licenses().await
    }

    /// The directory refuses such a push already; this holds for what was pushed before the account came onto the list.
    fn check_never_touch(&self) -> Result<(), Fault> {
        let address = self.address.as_ref().map(Address::as_str);
        let account = self.account.map(|account| account.to_string());
        let given = self.given.properties.get(&Property::UserPrincipalName).and_then(Value::as_str);
        let mut named = [address, account.as_deref(), given].into_iter().flatten();
        match named.find(|name| self.settings.must_not_touch(name)) {
            Some(name) => Err(never_touched(name)),
            None => Ok(()),
        }
    }

    /// A refused create that nobody was told of leaves an account that it has adopted as it was found. Of what upstream was
    /// told that it was taken nothing goes back: who was blocked stays so.
    async fn put_back(&mut self, end: End) -> End {
        let Some(account) = self.account.filter(|_| Rollback::removes(&self.user)) else {
            return end;
        };
        let differs = |(property, value): &(&Property, &Value)| {
            self.given.properties.get(property).is_none_or(|given| given != *value)
        };
        let changed: BTreeMap<Property, Value> = self
            .given
            .found
            .iter()
            .filter(differs)
            .map(|(property, value)| (*property, value.clone()))
            .collect();
        if !changed.is_empty()
            && let Err(error) = self.graph.update_user(&self.call(), &account, &changed.clone().into()).await
        {
            let sentence = format!(
                "Microsoft 365 refused the user, and the account that has the address could not be put back as it was found yet: {}",
                error.advice()
            );
            return Later::soon(sentence).into();
        }
        self.given.found.clear();
        // Should a newer change wait meanwhile, it finds what the account has.
        self.given.properties.extend(changed);
        end
    }

    fn is_gone(&self) -> bool {
        self.user.deleted_at.is_some()
    }

    fn wanted(&self) -> Wanted {
        match &self.address {
            Some(address) if !self.is_gone() => Wanted::Present {
                properties: mapping::properties(&self.resource, address, &self.settings).properties,
                password: self.password.is_some() && !self.password_used,
                manager: if self.manager_missing { Manager::Kept } else { self.manager },
                licenses: self.licenses_wanted(),
                photo: self.photo.as_ref().map(Photo::digest),
            },
            _ => Wanted::Gone(self.leaving(self.grace_is_over())),
        }
    }

    async fn make(&mut self, step: &Step) -> Result<(), Fault> {
        match step {
            Step::Bind => self.bind().await,
            Step::Find => self.find().await,
            Step::Block => self.block().await,
            Step::SetPassword => self.set_password().await,
            Step::RevokeSessions => self.revoke_sessions().await,
            Step::Update(properties) => self.update(properties).await,
            Step::SetManager(manager) => self.set_manager(*manager).await,
            Step::RemoveManager => self.remove_manager().await,
            Step::ChangeLicenses { add, remove } => self.change_licenses(add, remove).await,
            Step::TakeLicenses => self.take_licenses().await,
            Step::SetPhoto => self.set_photo().await,
            Step::Delete => self.delete().await,
        }
    }

    async fn block(&mut self) -> Result<(), Fault> {
        let blocked = BTreeMap::from([(Property::AccountEnabled, json!(false))]);
        let call = self.call().with_priority(Priority::Security);
        let reply = self.graph.update_user(&call, &self.account()?, &blocked.clone().into()).await?;
        self.note(&reply);
        self.given.properties.extend(blocked);
        self.given.owed.insert(Owed::Block);
        Ok(())
    }

    async fn set_password(&mut self) -> Result<(), Fault> {
        let Some(password) = &self.password else {
            return Ok(());
        };
        let reply = self.graph.set_password(&self.call(), &self.account()?, password.secret(), false).await?;
        self.note(&reply);
        self.password_used = true;
        self.given.password_at = Some(self.clock.millis());
        self.given.owed.insert(Owed::Password);
        Ok(())
    }

    async fn revoke_sessions(&mut self) -> Result<(), Fault> {
        let call = self.call().with_priority(Priority::Security);
        let reply = self.graph.revoke_sessions(&call, &self.account()?).await?;
        self.note(&reply);
        if self.given.owed.remove(&Owed::Block) && !self.is_new() {
            let change = changes(
                &BTreeMap::from([(Property::AccountEnabled, json!(true))]),
                &BTreeMap::from([(Property::AccountEnabled, json!(false))]),
            );
            self.report(EventType::UserDeprovision, change);
            self.given.departed = self.is_gone();
        }
        if self.given.owed.remove(&Owed::Password) {
            let changes = std::mem::take(&mut self.unsuspended);
            self.report(EventType::UserPasswordUpdateProvision, changes);
        }
        Ok(())
    }

    async fn update(&mut self, properties: &BTreeMap<Property, Value>) -> Result<(), Fault> {
        check(properties)?;
        let reply =
            self.graph.update_user(&self.call(), &self.account()?, &properties.clone().into()).await?;
        self.note(&reply);
        self.unverified = true;
        let changed = changes(&self.given.properties, properties);
        self.given.properties.extend(properties.clone());
        if self.is_new() {
            return Ok(());
        }
        if self.ends_a_suspension(properties) {
            self.unsuspended = changed;
            return Ok(());
        }
        self.report(EventType::UserUpdateProvision, changed);
        Ok(())
    }

    async fn delete(&mut self) -> Result<(), Fault> {
        let account = self.account()?;
        match self.graph.delete_user(&self.call(), &account).await {
            Ok(reply) => {
                self.note(&reply);
                let name = self.given.properties.get(&Property::UserPrincipalName).and_then(Value::as_str);
                self.deleted.add(self.connection.id, name.unwrap_or(&self.user.user_name), account);
            }
            Err(graph::Error::NotFound(_)) if self.may_not_be_shown_yet() => {
                let sentence =
                    "Microsoft 365 does not show the account everywhere yet; its deletion is tried again";
                return Err(Fault::Later(sentence.to_owned()));
            }
            // Gone is what was wanted, by whomever.
            Err(graph::Error::NotFound(_)) => {}
            // Who must not be deleted must not sign in either.
            Err(error) if is_refusal(&error) => {
                if self.given.properties.get(&Property::AccountEnabled) != Some(&json!(false)) {
                    self.block().await?;
                    self.revoke_sessions().await?;
                }
                return Err(error.into());
            }
            Err(error) => return Err(error.into()),
        }
        self.account = None;
        // After days of grace it is told as another act than the block before it.
        let told = std::mem::take(&mut self.given).departed;
        let change = told.then(|| Change::new("account", json!("blocked"), json!("deleted")));
        self.report(EventType::UserDeprovision, change.flatten().into_iter().collect());
        Ok(())
    }

    /// A new password that lets a suspended person in again is one act, and one event.
    fn ends_a_suspension(&self, properties: &BTreeMap<Property, Value>) -> bool {
        let only_sign_in = properties.len() == 1 && properties.contains_key(&Property::AccountEnabled);
        only_sign_in && self.password.is_some() && !self.password_used
    }

    /// What is to be said when all is done.
    fn conclude(&mut self) {
        self.report_left_out();
        self.given.owed.remove(&Owed::Restored);
        self.given.found.clear();
        if self.given.owed.remove(&Owed::Creation) && !self.is_gone() {
            let has_value = |value: &Value| !value.is_null() && *value != json!([]);
            let values = self.given.properties.iter().filter(|(_, value)| has_value(value));
            let after = values.map(|(property, value)| (*property, value.clone())).collect();
            // In front of a password that was set on the way: people read from the top.
            let report = Report {
                event_type: EventType::UserCreateProvision,
                outcome: Outcome::Success,
                changes: changes(&BTreeMap::new(), &after),
                trace: self.trace.clone(),
            };
            self.reports.insert(0, report);
        }
        if self.is_gone() {
            self.conclude_departure();
        }
    }

    /// Optional values that Microsoft cannot take are told once, not with every push.
    fn report_left_out(&mut self) {
        let Some(address) = self.address.as_ref().filter(|_| !self.is_gone()) else {
            return;
        };
        let left_out = mapping::properties(&self.resource, address, &self.settings).left_out;
        let mut rules: Vec<String> = left_out.iter().map(ToString::to_string).collect();
        rules.append(&mut self.faults);
        if self.manager_missing {
            rules.push("the manager, whose account is not in Microsoft 365 any more.".to_owned());
        }
        if rules.is_empty() {
            return;
        }
        let sentence =
            format!("left out of the account, because Microsoft 365 cannot take it: {}", rules.join(" "));
        let told = self.binding.failure.as_ref().and_then(|failure| failure.get("sentence"));
        if told.and_then(Value::as_str) != Some(&sentence) {
            let event_type =
                if self.is_new() { EventType::UserCreateProvision } else { EventType::UserUpdateProvision };
            self.report_failure(event_type, &sentence, Trace::default());
        }
        self.left_out = Some(sentence);
    }

    /// Whether the account was bound in this run or one before it that did not come to its end.
    fn is_new(&self) -> bool {
        self.given.owed.contains(&Owed::Creation)
    }

    fn call(&self) -> Call {
        Call::new(self.clock).with_priority(end::priority(self.binding.lane))
    }

    fn account(&self) -> Result<AccountId, Fault> {
        self.account.ok_or_else(|| Fault::Later("the account is not known yet".to_owned()))
    }

    fn note<T>(&mut self, reply: &Reply<T>) {
        self.trace = Trace::of_reply(reply);
    }

    fn report(&mut self, event_type: EventType, changes: Vec<Change>) {
        let trace = self.trace.clone();
        self.reports.push(Report { event_type, outcome: Outcome::Success, changes, trace });
    }

    fn report_failure(&mut self, event_type: EventType, sentence: &str, trace: Trace) {
        let outcome = Outcome::Failure { reason: sentence.to_owned() };
        self.reports.push(Report { event_type, outcome, changes: Vec::new(), trace });
    }

    /// What is left to be written down.
    pub(super) fn finished(self, end: End) -> Finished {
        Finished {
            began: self.binding,
            user: self.user,
            origin: self.origin,
            connection_name: self.connection.name,
            account: self.account,
            given: self.given,
            password_used: self.password_used,
            reports: self.reports,
            left_out: self.left_out.or(self.unrevoked),
            regained: self.regained,
            unverified: self.unverified,
            released: self.released,
            end,
        }
    }
}

/// Why a step was not made.
enum Fault {
    Graph(graph::Error),
    /// We refuse ourselves, before Graph does.
    Refused(Refusal),
    /// Something else must happen first.
    Later(String),
    /// Another user's work on the account must end first.
    Busy,
}

impl From<graph::Error> for Fault {
    fn from(error: graph::Error) -> Self {
        Self::Graph(error)
    }
}

/// What Microsoft documents as impossible is not even asked for.
fn check(properties: &BTreeMap<Property, Value>) -> Result<(), Fault> {
    for (property, value) in properties {
        property.check(value).map_err(|invalid| {
            let sentence = format!("Microsoft 365 cannot take this value: {invalid}");
            Fault::Refused(Refusal { kind: RefusalKind::InvalidValue, sentence, code: None })
        })?;
    }
    Ok(())
}

fn is_refusal(error: &graph::Error) -> bool {
    error.disposition() == Disposition::Refused && !matches!(error, graph::Error::NotFound(_))
}

fn refused(kind: RefusalKind, sentence: &str) -> Fault {
    Fault::Refused(Refusal { kind, sentence: sentence.to_owned(), code: None })
}

fn never_touched(name: &str) -> Fault {
    let sentence = format!(
        "the account {name} is on the never-touch list of its connection, so nothing of it is changed; change it by hand, or take it off the list"
    );
    refused(RefusalKind::Forbidden, &sentence)
}
