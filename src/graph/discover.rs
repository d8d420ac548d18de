//! What a login host says of a tenant without any credential: for finding out what is wrong when nobody can sign in.

use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE, DATE};
use reqwest::redirect;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use super::Cloud;
use super::wire::reason;

/// The login host's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discovered {
    /// The HTTP status.
    pub status: u16,
    /// Its content type, without parameters.
    pub content_type: String,
    /// Microsoft's time; None where the answer does not have it.
    pub date: Option<OffsetDateTime>,
}

/// Nothing was answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{host} is not reached: {reason}")]
pub struct Unreachable {
    /// The host.
    pub host: String,
    /// The cause in technical words: a name that is not found, a certificate that is refused.
    pub reason: String,
}

impl Discovered {
    /// Whether a login host answers like this: with JSON, also when it refuses.
    pub fn is_of_a_login_host(&self) -> bool {
        self.content_type.eq_ignore_ascii_case("application/json")
    }
}

/// Asks the login host for the tenant's OpenID configuration (OpenID Connect Discovery 1.0 §4), which needs no
/// credential and changes nothing. Redirects are not followed, and nothing of the body is read.
pub async fn discover(
    cloud: &Cloud,
    tenant: &str,
    timeout: Duration,
    connect_timeout: Duration,
) -> Result<Discovered, Unreachable> {
    let login = cloud.login();
    let unreachable =
        |error| Unreachable { host: login.host_str().unwrap_or_default().to_owned(), reason: reason(error) };
    let plain = login.scheme() == "http";
    let mut http = reqwest::Client::builder()
        .redirect(redirect::Policy::none())
        .timeout(timeout)
        .connect_timeout(connect_timeout)
        .https_only(!plain)
        .user_agent(concat!("Gangway/", env!("CARGO_PKG_VERSION")));
    if plain {
        http = http.no_proxy();
    }
    let http = http.build().map_err(unreachable)?;
    let mut url = login.clone();
    url.set_path(&format!("/{tenant}/v2.0/.well-known/openid-configuration"));
    let response = http.get(url).header(ACCEPT, "application/json").send().await.map_err(unreachable)?;
    let text = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
    let content_type = text(CONTENT_TYPE).unwrap_or_default().split(';').next().unwrap_or_default();
    Ok(Discovered {
        status: response.status().as_u16(),
        content_type: content_type.trim().to_owned(),
        date: text(DATE).and_then(|date| OffsetDateTime::parse(date, &Rfc2822).ok()),
    })
}

#[cfg(test)]
mod tests {
    use wiremock::matchers::{method, path};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    async fn ask(server: &MockServer) -> Result<Discovered, Unreachable> {
        let cloud = Cloud::custom(&server.uri(), &server.uri()).unwrap();
        discover(&cloud, "contoso.example", SECOND, SECOND).await
    }

    async fn answering(answer: ResponseTemplate) -> MockServer {
        let server = MockServer::start().await;
        let configuration = path("/contoso.example/v2.0/.well-known/openid-configuration");
        Mock::given(method("GET")).and(configuration).respond_with(answer).mount(&server).await;
        server
    }

    #[tokio::test]
    async fn a_login_host_tells_its_time() {
        let answer = ResponseTemplate::new(400)
            .insert_header("date", "Thu, 01 Jan 1970 00:01:30 GMT")
            .set_body_json(serde_json::json!({"error": "invalid_tenant"}));
        let found = ask(&answering(answer).await).await.unwrap();
        assert!(found.is_of_a_login_host());
        assert_eq!(found.status, 400);
        assert_eq!(found.date.map(OffsetDateTime::unix_timestamp), Some(90));
    }

    #[tokio::test]
    async fn a_page_and_a_redirect_are_none_of_a_login_host() {
        let page = ResponseTemplate::new(200).set_body_raw("<html>", "text/html; charset=utf-8");
        let found = ask(&answering(page).await).await.unwrap();
        assert_eq!((found.is_of_a_login_host(), found.content_type.as_str()), (false, "text/html"));
        let redirect = ResponseTemplate::new(302).insert_header("location", "http://127.0.0.1:9/");
        assert!(!ask(&answering(redirect).await).await.unwrap().is_of_a_login_host());
    }

    #[tokio::test]
    async fn a_host_that_is_not_there_is_named() {
        let closed = Cloud::custom("http://127.0.0.1:9", "http://127.0.0.1:9").unwrap();
        let error = discover(&closed, "contoso.example", SECOND, SECOND).await.unwrap_err();
        assert_eq!(error.host, "127.0.0.1");
        assert!(!error.reason.is_empty());
    }
}
