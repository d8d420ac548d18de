//! The client of one connection: requests go through its dispatcher, and lists are read over their pages.

use std::num::NonZeroU32;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::answer::Answer;
use super::dispatch::Dispatcher;
use super::request::Request;
use super::token::Tokens;
use super::wire::Wire;
pub(super) use super::wire::{fault, read, reason, record, retry_after};
use super::{BudgetState, Call, ConfigurationError, Effect, Error, Oddity, Pace, Reply, Settings, wire};
use crate::clock::Clock;

/// The most pages that are read of one list: more than a tenant's 5,000 domains by 100.
const MOST_PAGES: usize = 100;

/// The client of one connection.
#[derive(Debug)]
pub(super) struct Client {
    dispatcher: Arc<Dispatcher>,
}

/// A page of a list.
#[derive(Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
struct Page<T> {
    value: Vec<T>,
    #[serde(default, rename = "@odata.nextLink")]
    next: Option<String>,
}

impl Client {
    pub(super) fn new(settings: Settings, clock: Clock) -> Result<Self, ConfigurationError> {
        settings.check()?;
        let http = wire::http(&settings)?;
        let wire = Wire::new(http.clone(), settings.cloud.graph().clone(), clock.clone());
        let tokens = Tokens::new(http, settings, clock.clone())?;
        Ok(Self { dispatcher: Arc::new(Dispatcher::new(wire, tokens, clock)) })
    }

    pub(super) fn tokens(&self) -> &Tokens {
        self.dispatcher.tokens()
    }

    pub(super) fn budget(&self) -> BudgetState {
        self.dispatcher.budget()
    }

    pub(super) fn set_pace(&self, pace: Pace) {
        self.dispatcher.set_pace(pace);
    }

    pub(super) fn set_share(&self, share: NonZeroU32) {
        self.dispatcher.set_share(share);
    }

    /// The whole address of what is at `path`, as a reference to it is written.
    pub(super) fn address(&self, path: &str) -> String {
        self.dispatcher.wire().address(path)
    }

    /// Path and query of a link below `/v1.0/` of Graph's host; None if it leads elsewhere.
    pub(super) fn target_of(&self, link: &str) -> Option<String> {
        self.dispatcher.wire().target_of(link)
    }

    /// Has the request made, when it is its turn. The answer is a 2xx.
    pub(super) async fn execute(&self, call: &Call, request: Request) -> Result<Answer, Error> {
        self.dispatcher.execute(*call, request).await
    }

    /// All items of a list, over all of its pages.
    pub(super) async fn list<T: DeserializeOwned>(
        &self,
        call: &Call,
        mut request: Request,
    ) -> Result<Reply<Vec<T>>, Error> {
        let mut items = Vec::new();
        for _ in 0..MOST_PAGES {
            let answer = self.execute(call, request.clone()).await?;
            let (page, answer) = answer.read::<Page<T>>()?;
            items.extend(page.value);
            let Some(next) = page.next else {
                return Ok(answer.reply(items));
            };
            // The token goes along, so the link must not lead elsewhere.
            let Some(target) = self.target_of(&next) else {
                return Err(answer.odd(Oddity::ForeignLink));
            };
            request.target = target;
        }
        Err(Error::Malformed {
            oddity: Oddity::TooLarge,
            effect: Effect::None,
            failure: Box::new(call.nothing_from(request.operation)),
        })
    }

    /// The first item of a list that always has one.
    pub(super) async fn first<T: DeserializeOwned>(
        &self,
        call: &Call,
        request: Request,
    ) -> Result<Reply<T>, Error> {
        let (page, answer) = self.execute(call, request).await?.read::<Page<T>>()?;
        match page.value.into_iter().next() {
            Some(item) => Ok(answer.reply(item)),
            None => Err(answer.odd(Oddity::Shape)),
        }
    }
}
