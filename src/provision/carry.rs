//! Carrying one user out: plan, make the first call, plan again, until nothing is left or Microsoft objects.

mod bind;
mod manager;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::describe::{Report, Trace, changes, event_type};
use super::end::{self, End, Later, REPAIR, REPLICATION, REPLICATION_TRIES};
use super::given::{Given, Owed};
use super::mapping;
use super::plan::{Manager, Step, Wanted, plan};
use crate::clock::Clock;
use crate::directory::Address;
use crate::directory::caller::Origin;
use crate::directory::password::Password;
use crate::directory::refusal::{Refusal, RefusalKind};
use crate::graph::{self, AccountId, Call, Disposition, Graph, Property, Reply};
use crate::insights::{Change, EventType, Outcome};
use crate::scim::Resource;
use crate::settings::Settings;
use crate::store::Store;
use crate::store::bindings::Binding;
use crate::store::connections::Connection;
use crate::store::users::User;

/// More steps than any plan has: a guard against a plan that does not come to rest.
const MOST_STEPS: usize = 16;
/// One user's work in one connection, while it is carried out.
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
    pub(super) given: Given,
    pub(super) account: Option<AccountId>,
    pub(super) reports: Vec<Report>,
    pub(super) trace: Trace,
    /// What of the wanted state Microsoft cannot take.
    pub(super) left_out: Option<String>,
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
    pub(super) end: End,
}

impl Run<'_> {
    pub(super) async fn carry_out(&mut self) -> End {
        for _ in 0..MOST_STEPS {
            let Some(step) = plan(&self.wanted(), &self.given, self.account.is_some()).into_iter().next()
            else {
                self.conclude();
                return End::Done;
            };
            if let Err(fault) = self.make(&step).await
                && let Some(end) = self.judge(&step, fault)
            {
                if matches!(end, End::Refused(_)) {
                    self.put_back().await;
                }
                return end;
            }
        }
        tracing::error!(binding = %self.binding.id, "a plan did not come to rest; this is a fault of Gangway");
        Later { after: Some(REPAIR), ..Later::soon("internal fault; see the log") }.into()
    }

    /// A refused create leaves an account that it has adopted as it was found.
    async fn put_back(&mut self) {
        let found = std::mem::take(&mut self.given.found);
        let Some(account) = self.account else {
            return;
        };
        let changed: BTreeMap<Property, Value> = found
            .into_iter()
            .filter(|(property, value)| self.given.properties.get(property) != Some(value))
            .collect();
        if changed.is_empty() {
            return;
        }
        if let Err(error) = self.graph.update_user(&self.call(), &account, &changed.into()).await {
            tracing::warn!(binding = %self.binding.id, %error, "an adopted account could not be put back as it was found");
        }
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
            },
            _ => Wanted::Gone(self.settings.on_delete),
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
            Step::Delete => self.delete().await,
        }
    }

    async fn block(&mut self) -> Result<(), Fault> {
        let blocked = BTreeMap::from([(Property::AccountEnabled, json!(false))]);
        let reply = self.graph.update_user(&self.call(), &self.account()?, &blocked.clone().into()).await?;
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
        self.given.owed.insert(Owed::Password);
        Ok(())
    }

    async fn revoke_sessions(&mut self) -> Result<(), Fault> {
        let reply = self.graph.revoke_sessions(&self.call(), &self.account()?).await?;
        self.note(&reply);
        if self.given.owed.remove(&Owed::Block) && !self.is_new() {
            let change = changes(
                &BTreeMap::from([(Property::AccountEnabled, json!(true))]),
                &BTreeMap::from([(Property::AccountEnabled, json!(false))]),
            );
            self.report(EventType::UserDeprovision, change);
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
        match self.graph.delete_user(&self.call(), &self.account()?).await {
            Ok(reply) => self.note(&reply),
            // Gone is what was wanted, by whomever.
            Err(graph::Error::NotFound(_)) => {}
            Err(error) => return Err(error.into()),
        }
        self.account = None;
        self.given = Given::default();
        self.report(EventType::UserDeprovision, Vec::new());
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
        let had_account = self.binding.account_id.is_some() || self.account.is_some();
        let told = self.reports.iter().any(|report| report.event_type == EventType::UserDeprovision);
        if self.is_gone() && had_account && !told {
            self.report(EventType::UserDeprovision, Vec::new());
        }
    }

    /// Optional values that Microsoft cannot take are told once, not with every push.
    fn report_left_out(&mut self) {
        let Some(address) = self.address.as_ref().filter(|_| !self.is_gone()) else {
            return;
        };
        let left_out = mapping::properties(&self.resource, address, &self.settings).left_out;
        let mut rules: Vec<String> = left_out.iter().map(ToString::to_string).collect();
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

    /// What a fault means. None: the plan goes on with what is known now.
    fn judge(&mut self, step: &Step, fault: Fault) -> Option<End> {
        match fault {
            Fault::Graph(graph::Error::NotFound(_)) if self.account.is_some() => self.judge_missing(),
            Fault::Graph(error) if *step == Step::RevokeSessions && is_refusal(&error) => {
                self.go_on_unrevoked(&error);
                None
            }
            Fault::Graph(error) => Some(self.judge_error(step, &error)),
            Fault::Refused(refusal) => {
                let event_type =
                    if self.is_new() { EventType::UserCreateProvision } else { event_type(step) };
                self.report_failure(event_type, &refusal.sentence, Trace::default());
                Some(End::Refused(refusal))
            }
            Fault::Busy => {
                let sentence =
                    "the account is being released by a user that was deleted a moment ago".to_owned();
                Some(Later { after: Some(Duration::from_secs(1)), pause: false, sentence }.into())
            }
            Fault::Later(sentence) => Some(Later::soon(sentence).into()),
        }
    }

    /// Sessions that Microsoft refuses to revoke end by themselves; that must keep neither a block nor an unblock
    /// from being carried out. It is told as a failure.
    fn go_on_unrevoked(&mut self, error: &graph::Error) {
        let sentence = error.advice();
        let blocked = self.given.owed.remove(&Owed::Block);
        let changed = self.given.owed.remove(&Owed::Password);
        if blocked {
            self.report_failure(EventType::UserDeprovision, &sentence, Trace::of_error(error));
        }
        if changed {
            self.report_failure(EventType::UserPasswordUpdateProvision, &sentence, Trace::of_error(error));
        }
        self.unrevoked = Some(sentence);
    }

    /// Graph does not know the account: not yet, or no longer.
    fn judge_missing(&mut self) -> Option<End> {
        let given_at = self.binding.given_at.unwrap_or_else(|| self.clock.millis());
        let fresh = self.clock.millis() - given_at < REPLICATION;
        if fresh && self.binding.attempts < REPLICATION_TRIES {
            let sentence = "Microsoft 365 does not show the new account everywhere yet; it is tried again";
            return Some(Later::soon(sentence).into());
        }
        if !self.is_gone() {
            self.report(EventType::UserDriftDetected, Vec::new());
        }
        self.account = None;
        self.given = Given::default();
        None
    }

    fn judge_error(&mut self, step: &Step, error: &graph::Error) -> End {
        if error.disposition() == Disposition::Ambiguous
            && let (Step::Bind, Some(address)) = (step, &self.address)
        {
            self.given.tried.insert(address.to_string());
        }
        let end = end::of_error(error);
        if let End::Refused(refusal) = &end {
            let event_type = if self.is_new() { EventType::UserCreateProvision } else { event_type(step) };
            let sentence = refusal.sentence.clone();
            self.report_failure(event_type, &sentence, Trace::of_error(error));
        }
        end
    }

    /// Whether the account was bound in this run or one before it that did not come to its end.
    fn is_new(&self) -> bool {
        self.given.owed.contains(&Owed::Creation)
    }

    fn call(&self) -> Call {
        Call { client_request_id: self.clock.uuid() }
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
