//! The never-touch list: accounts that no push changes, such as break-glass accounts.

use crate::directory::Directory;
use crate::directory::connections::Place;
use crate::directory::error::Error;
use crate::directory::refusal::{Refusal, RefusalKind};
use crate::settings::Settings;
use crate::store::Tx;
use crate::store::bindings::Binding;
use crate::store::connections;
use crate::store::users::User;

/// Refuses a push for an account on the list: before Graph is asked, and before anything is written.
pub(super) fn check_place(place: &Place, binding: Option<&Binding>) -> Result<(), Error> {
    let address = place.bound.as_ref().map(|(_, address)| address.as_str());
    check(&place.settings, address, binding)
}

fn check(settings: &Settings, address: Option<&str>, binding: Option<&Binding>) -> Result<(), Error> {
    let account = binding.and_then(|binding| binding.account_id.as_deref());
    // Also the address that it has had until now: a rename must not lead off the list.
    let given = binding.and_then(|binding| binding.given.pointer("/properties/userPrincipalName")?.as_str());
    let mut named = [address, account, given].into_iter().flatten();
    let Some(name) = named.find(|name| settings.must_not_touch(name)) else {
        return Ok(());
    };
    let sentence = format!(
        "the account {name} is on the never-touch list of its Microsoft 365 connection, so nothing was changed; \
         change it by hand, or ask an administrator to take it off the list"
    );
    Err(Error::Refused(Refusal { kind: RefusalKind::Forbidden, sentence, code: None }))
}

impl Directory {
    /// The same for a user who leaves: also where the name finds no place today.
    pub(super) async fn check_leaver(&self, tx: &Tx, user: &User, binding: &Binding) -> Result<(), Error> {
        if let Ok(place) = self.place(tx, user.organization, &user.user_name).await {
            return check_place(&place, Some(binding));
        }
        let Some(connection) = connections::get(tx, user.organization, binding.connection).await? else {
            return Ok(());
        };
        check(&self.settings(&connection.settings)?, Some(&user.user_name), Some(binding))
    }
}
