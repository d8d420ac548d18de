//! Answers of any length: what is short is sent whole, what is long in pieces as it is read, so that memory stays flat
//! however many members a group has.

use std::sync::Arc;
use std::vec::IntoIter;

use actix_web::web::Bytes;
use actix_web::{HttpResponse, HttpResponseBuilder};
use futures_util::future::ready;
use futures_util::stream::{StreamExt as _, once, try_unfold};
use uuid::Uuid;

use super::represent;
use crate::directory::{Directory, Error};
use crate::http::fault::SCIM_JSON;
use crate::ids::{GroupId, OrganizationId};
use crate::scim::Projection;

/// Bytes from which on what is there is sent.
const ENOUGH: usize = 64 * 1024;
/// Members that are read at once.
const AT_ONCE: u64 = 1_000;

/// A part of a JSON text.
pub(super) enum Piece {
    /// Ready to be sent.
    Text(String),
    /// `members` of this group, behind other attributes; nothing where it has none.
    Members(GroupId),
}

/// A JSON text that is read while it is sent. Members that come or go meanwhile may be in it or not.
pub(super) struct Pour {
    source: Source,
    pieces: IntoIter<Piece>,
    /// The group whose members are being sent.
    at: Option<At>,
}

/// Where members come from, and how they are shown.
pub(super) struct Source {
    pub(super) directory: Arc<Directory>,
    pub(super) organization: OrganizationId,
    pub(super) base_url: String,
    /// Of groups.
    pub(super) projection: Projection,
}

struct At {
    group: GroupId,
    after: Option<Uuid>,
    is_begun: bool,
}

impl Pour {
    pub(super) fn new(source: Source, pieces: Vec<Piece>) -> Self {
        Self { source, pieces: pieces.into_iter(), at: None }
    }

    /// The answer. Its beginning is read before it begins, so that a database that fails is told by a status; one that
    /// fails later breaks the answer off.
    pub(super) async fn answer(mut self, mut response: HttpResponseBuilder) -> Result<HttpResponse, Error> {
        response.content_type(SCIM_JSON);
        let first = self.more().await?;
        if self.is_done() {
            return Ok(response.body(first));
        }
        let rest = try_unfold(self, async |mut pour| {
            let chunk =
                pour.more().await.inspect_err(|error| tracing::error!(%error, "an answer was broken off"))?;
            Ok::<_, Error>((!chunk.is_empty()).then(|| (Bytes::from(chunk), pour)))
        });
        Ok(response.streaming(once(ready(Ok(Bytes::from(first)))).chain(rest)))
    }

    /// What comes next: enough to be sent, or all that is left.
    async fn more(&mut self) -> Result<String, Error> {
        let mut text = String::new();
        while text.len() < ENOUGH {
            if let Some(at) = &mut self.at {
                if !self.source.read(at, &mut text).await? {
                    self.at = None;
                }
                continue;
            }
            match self.pieces.next() {
                Some(Piece::Text(piece)) => text.push_str(&piece),
                Some(Piece::Members(group)) => self.at = Some(At { group, after: None, is_begun: false }),
                None => break,
            }
        }
        Ok(text)
    }

    fn is_done(&self) -> bool {
        self.at.is_none() && self.pieces.len() == 0
    }
}

impl Source {
    /// Writes some more members; whether there may be others.
    async fn read(&self, at: &mut At, text: &mut String) -> Result<bool, Error> {
        let page = self.directory.members(self.organization, at.group, at.after, AT_ONCE).await?;
        for element in represent::group::members(&page, &self.base_url, &self.projection) {
            text.push_str(if at.is_begun { "," } else { ",\"members\":[" });
            text.push_str(&element.to_string());
            at.is_begun = true;
        }
        at.after = page.last().map(|member| member.id);
        let is_more = page.len() as u64 == AT_ONCE;
        if !is_more && at.is_begun {
            text.push(']');
        }
        Ok(is_more)
    }
}
