//! The token endpoint of a tenant. It answers as a recorded UAA does (see `tests/data/uaa.http`).

mod answers;

use hyper::{Method, Response};

use crate::dispatch::{self, Outcome};
use crate::http::{Body, Call, Dropped, problem};
use crate::keys::fingerprint;
use crate::state::{Tenants, new_secret};

/// Lifetime of an access token, in seconds: the default of XSUAA.
const EXPIRES_IN: u32 = 43_199;

/// Answers a call of a tenant's token endpoint.
pub(crate) async fn answer(call: &Call, zone: &str, tenants: &Tenants) -> Result<Response<Body>, Dropped> {
    let Some(tenant) = tenants.find(zone) else { return Ok(answers::no_zone(call)) };
    if call.path != "/oauth/token" {
        return Ok(problem(404, "UnknownPath", "the token endpoint is /oauth/token"));
    }
    if call.method != Method::POST {
        return Ok(problem(405, "MethodNotAllowed", "tokens are requested by POST"));
    }
    dispatch::run(tenants, call, "SignIn", &tenant, |tenant| {
        let field = |name: &str| call.field(name).unwrap_or_default();
        let (client, secret, grant) = (field("client_id"), field("client_secret"), field("grant_type"));
        // UAA authenticates the client before it looks at the grant.
        let response = match tenant.keys.sign_in(&client, &secret) {
            None => answers::unauthorized(call),
            Some(_) if grant != "client_credentials" => answers::unsupported_grant(call, &grant),
            Some(scope) => answers::token(call, &new_secret(), EXPIRES_IN, scope),
        };
        let key = Some(fingerprint(&client, &secret));
        Outcome { key, clientid: Some(client), ..Outcome::without_effect(response) }
    })
    .await
}
