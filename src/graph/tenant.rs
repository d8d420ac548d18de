//! The calls on the tenant itself.

use super::request::{Query, Request};
use super::{Call, Domain, Error, Graph, Operation, Organization, Reply};

impl Graph {
    /// The tenant's domains, verified or not: `GET /domains` ("List domains").
    pub async fn domains(&self, call: &Call) -> Result<Reply<Vec<Domain>>, Error> {
        let request = Request::get(Operation::ListDomains, "domains".to_owned());
        self.0.list(call, request).await
    }

    /// The tenant: `GET /organization` ("List organizations"), which always has one item.
    pub async fn organization(&self, call: &Call) -> Result<Reply<Organization>, Error> {
        let query = Query::new().and("$select", "id,displayName,onPremisesSyncEnabled");
        let request = Request::get(Operation::ReadOrganization, query.after("organization"));
        self.0.first(call, request).await
    }
}
