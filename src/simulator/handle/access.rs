//! The hosts from within: the applications, what stands in the way of a sign-in, the tokens, the quotas, the
//! replicas.

use std::time::Duration;

use uuid::Uuid;

use super::super::application::AppSeed;
use super::super::login::SignInRules;
use super::super::throttle::Limits;
use super::Handle;

impl Handle {
    /// The applications of the tenant as they are now.
    pub fn apps(&self) -> Vec<AppSeed> {
        self.0.login.apps()
    }

    /// Adds an application, or puts it in the place of the one with its id.
    pub fn put_app(&self, app: AppSeed) {
        self.0.login.put_app(app);
    }

    /// Changes an application. Directory roles count at once; permissions are in the tokens, as in Entra: those that are
    /// out keep what they hold until [`Handle::expire_tokens`] or their time ends them. False if there is none.
    pub fn change_app(&self, client_id: Uuid, change: impl FnOnce(&mut AppSeed)) -> bool {
        self.0.login.change_app(client_id, change)
    }

    /// What stands in the way of every sign-in, and what new tokens are like.
    pub fn sign_in_rules(&self) -> SignInRules {
        self.0.login.rules()
    }

    /// Sets what stands in the way of every sign-in, and what new tokens are like.
    pub fn set_sign_in_rules(&self, rules: SignInRules) {
        self.0.login.set_rules(rules, self.0.clock.millis());
    }

    /// Makes every access token expired.
    pub fn expire_tokens(&self) {
        self.0.login.tokens.expire();
    }

    /// The quotas in force.
    pub fn limits(&self) -> Option<Limits> {
        self.0.throttle.limits()
    }

    /// Sets other quotas, of which nothing is used yet; none: no call is metered.
    pub fn set_limits(&self, limits: Option<Limits>) {
        self.0.throttle.set(limits);
    }

    /// How far reads lag behind writes.
    pub fn replication(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.replication()).unwrap_or(0))
    }

    /// Lets reads lag this far behind writes, and advanced queries twice as far.
    pub fn set_replication(&self, delay: Duration) {
        self.0.set_replication(i64::try_from(delay.as_millis()).unwrap_or(i64::MAX / 4));
    }

    /// Revokes every refresh token: whoever holds one must sign in anew.
    pub fn revoke_refresh_tokens(&self) {
        self.0.login.tokens.revoke();
    }
}
