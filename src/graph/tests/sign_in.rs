//! Each way of signing in, against the simulator, which was written apart from the client.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rcgen::KeyPair;
use rstest::rstest;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use url::Url;

use crate::clock::Clock;
use crate::graph::authorize::{Application, Callback, Granted, TimeLimits};
use crate::graph::certificate::tests::Made;
use crate::graph::{
    ApplicationCredential, Call, Certificate, Cloud, Credential, Delegated, Error, FederatedToken, Grant,
    Graph, Settings, TokenFault,
};
use crate::simulator::{AppSeed, FederatedSeed, Options, Simulator, TenantSeed};

const NOW: i64 = 1_750_000_000_000;
const SECRET: &str = "simulator-secret";
const ISSUER: &str = "https://issuer.example";
const SUBJECT: &str = "system:serviceaccount:gangway:gangway";
const REDIRECT: &str = "http://127.0.0.1/oauth/callback";
const ADMINISTRATOR: (&str, &str) = ("admin@contoso.example", "Simulator-Admin-1");

/// A simulator whose application differs from Contoso's by `change`.
struct World {
    simulator: Simulator,
    tenant: String,
    client_id: String,
    clock: Clock,
}

impl World {
    async fn with(change: impl FnOnce(&mut AppSeed)) -> Self {
        let mut seed = TenantSeed::contoso();
        change(&mut seed.apps[0]);
        let (tenant, client_id) = (seed.tenant_id.to_string(), seed.apps[0].client_id.to_string());
        let clock = Clock::fixed(NOW);
        let options = Options { tenant: seed, ..Options::default() };
        let simulator = Simulator::start(options, clock.clone()).await.unwrap();
        Self { simulator, tenant, client_id, clock }
    }

    fn cloud(&self) -> Cloud {
        let url = self.simulator.url();
        Cloud::custom(url.as_str(), url.as_str()).unwrap()
    }

    fn settings(&self, credential: Credential) -> Settings {
        Settings::new(self.cloud(), &self.tenant, &self.client_id, credential)
    }

    fn graph(&self, credential: Credential) -> Graph {
        Graph::new(self.settings(credential), self.clock.clone()).unwrap()
    }

    fn application(&self) -> Application {
        Application {
            cloud: self.cloud(),
            tenant: self.tenant.clone(),
            client_id: self.client_id.clone(),
            credential: ApplicationCredential::Secret(SECRET.into()),
        }
    }

    fn call(&self) -> Call {
        Call::new(&self.clock)
    }

    /// Signs in twice, so that what must not be used twice is noticed.
    async fn signs_in(&self, graph: &Graph) {
        for _ in 0..2 {
            graph.ensure_token().await.unwrap();
            let tenant = graph.organization(&self.call()).await.unwrap().value;
            assert_eq!(tenant.id.to_string(), self.tenant);
            self.clock.advance(3_700_000);
        }
    }

    /// What the browser brings back after a person has clicked through the pages from `url`.
    async fn click_through(&self, url: Url, (login, password): (&str, &str)) -> Callback {
        let browser = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
        let browser = browser.build().unwrap();
        let mut answer = browser.get(url.clone()).send().await.unwrap();
        for _ in 0..3 {
            if let Some(location) = answer.headers().get("location") {
                let back = Url::parse(location.to_str().unwrap()).unwrap();
                assert!(back.as_str().starts_with(REDIRECT), "{back}");
                return Callback::parse(back.query().unwrap()).unwrap();
            }
            let page = answer.text().await.unwrap();
            let after = |mark: &str| {
                let (_, rest) = page.split_once(mark).unwrap_or_else(|| panic!("no {mark} in {page}"));
                rest.split('"').next().unwrap().to_owned()
            };
            let target = url.join(&after("action=\"")).unwrap();
            let request = after("name=\"request\" value=\"");
            let form =
                [("request", request.as_str()), ("login", login), ("passwd", password), ("answer", "accept")];
            answer = browser.post(target).form(&form).send().await.unwrap();
        }
        panic!("too many pages");
    }

    async fn authorised(&self) -> Granted {
        let (application, redirect) = (self.application(), REDIRECT.parse().unwrap());
        let begun = application.begin(&redirect).unwrap();
        let brought = self.click_through(begun.url, ADMINISTRATOR).await;
        let Callback::Code { code, state } = brought else { panic!("{brought:?}") };
        assert_eq!(state.expose_secret(), begun.state.expose_secret());
        let limits = TimeLimits { total: Duration::from_secs(10), connect: Duration::from_secs(5) };
        let granted =
            application.redeem(&redirect, &code, &begun.verifier, &begun.nonce, &self.clock, limits).await;
        let again =
            application.redeem(&redirect, &code, &begun.verifier, &begun.nonce, &self.clock, limits).await;
        let again = again.unwrap_err();
        assert!(again.to_string().contains("good for ten minutes and for one use"), "{again:?}");
        granted.unwrap()
    }
}

fn fault(error: &Error) -> TokenFault {
    match error {
        Error::Token(failure) => failure.fault,
        other => panic!("not about the token: {other:?}"),
    }
}

#[tokio::test]
async fn by_a_client_secret() {
    let world = World::with(|_| {}).await;
    let graph = world.graph(Credential::ClientSecret(SECRET.into()));
    world.signs_in(&graph).await;
    assert!(graph.permissions().unwrap().contains(&"User.ReadWrite.All".to_owned()));
    let claims = graph.claims().unwrap();
    assert_eq!((claims.tenant.as_deref(), claims.is_delegated()), (Some(world.tenant.as_str()), false));
    assert_eq!(claims.application.as_deref(), Some(world.client_id.as_str()));
}

#[tokio::test]
async fn by_a_certificate() {
    let made = Made::rsa();
    let world = World::with(|app| app.certificates = vec![made.certificate.pem()]).await;
    let graph = world.graph(Credential::Certificate(Certificate::from_pem(&made.pem()).unwrap()));
    world.signs_in(&graph).await;
    let unknown = Certificate::from_pem(&Made::rsa().pem()).unwrap();
    let error = world.graph(Credential::Certificate(unknown)).ensure_token().await.unwrap_err();
    assert_eq!(fault(&error), TokenFault::WrongAssertion);
}

#[tokio::test]
async fn by_an_identity_token_of_another_issuer() {
    let key = KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
    let trusted = FederatedSeed {
        issuer: ISSUER.to_owned(),
        subject: SUBJECT.to_owned(),
        audience: "api://AzureADTokenExchange".to_owned(),
        public_key: key.public_key_pem(),
    };
    let world = World::with(|app| app.federated = vec![trusted]).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let write = |subject: &str, expires: i64| {
        let claims = json!({
            "iss": ISSUER, "sub": subject, "aud": "api://AzureADTokenExchange", "nbf": NOW / 1000 - 60,
            "iat": NOW / 1000 - 60, "exp": expires,
        });
        let der = key.serialize_der();
        let signing = EncodingKey::from_rsa_der(crate::graph::certificate::tests::pkcs1(&der));
        let token = jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims, &signing).unwrap();
        std::fs::write(&file, token).unwrap();
    };
    let credential = || Credential::Federated(FederatedToken { file: file.clone() });
    write(SUBJECT, NOW / 1000 + 86_400);
    world.signs_in(&world.graph(credential())).await;
    write("another", NOW / 1000 + 86_400);
    let error = world.graph(credential()).ensure_token().await.unwrap_err();
    assert_eq!(fault(&error), TokenFault::NoFederation);
    write(SUBJECT, NOW / 1000 - 3600);
    let error = world.graph(credential()).ensure_token().await.unwrap_err();
    assert_eq!(fault(&error), TokenFault::AssertionTime);
}

#[tokio::test]
async fn on_behalf_of_an_administrator() {
    let world = World::with(|_| {}).await;
    let granted = world.authorised().await;
    assert_eq!(
        (granted.tenant_id.to_string(), granted.user_name.as_str()),
        (world.tenant.clone(), ADMINISTRATOR.0)
    );

    let once = world.settings(Credential::ClientSecret("unused".into()));
    let once = Graph::with_token(once, granted.access, world.clock.clone()).unwrap();
    assert_eq!(once.me(&world.call()).await.unwrap().value.to_string(), granted.user_id.to_string());

    let kept = Arc::new(std::sync::Mutex::new(granted.refresh));
    let (loading, keeping) = (Arc::clone(&kept), Arc::clone(&kept));
    let grant = Grant {
        load: Arc::new(move || {
            let token: SecretString = loading.lock().unwrap().clone();
            async move { Ok(Some(token)) }.boxed()
        }),
        keep: Arc::new(move |token| {
            *keeping.lock().unwrap() = token;
            async { Ok(()) }.boxed()
        }),
    };
    let first = kept.lock().unwrap().expose_secret().to_owned();
    let application = ApplicationCredential::Secret(SECRET.into());
    let graph = world.graph(Credential::Delegated(Delegated { application, grant }));
    world.signs_in(&graph).await;
    assert_ne!(kept.lock().unwrap().expose_secret(), first);
    assert!(graph.claims().unwrap().is_delegated());
    assert!(graph.permissions().unwrap().contains(&"User.ReadWrite.All".to_owned()));
}

#[tokio::test]
async fn an_administrator_consents_for_the_tenant() {
    let world = World::with(|app| app.delegated = Vec::new()).await;
    let url = world.application().admin_consent_url(&REDIRECT.parse().unwrap(), &"the-state".into()).unwrap();
    let brought = world.click_through(url, ADMINISTRATOR).await;
    let Callback::Consent { tenant, state } = brought else { panic!("{brought:?}") };
    assert_eq!((tenant, state.expose_secret()), (world.tenant.clone(), "the-state"));
}

#[rstest]
#[case::secret("wrong", |_: &mut AppSeed| {}, TokenFault::WrongSecret)]
#[case::expired(SECRET, |app: &mut AppSeed| app.secret_expires = Some(NOW - 1), TokenFault::ExpiredSecret)]
#[case::disabled(SECRET, |app: &mut AppSeed| app.disabled = true, TokenFault::DisabledApplication)]
#[case::public(SECRET, |app: &mut AppSeed| app.public = true, TokenFault::PublicClient)]
#[tokio::test]
async fn what_the_application_lacks_is_told(
    #[case] secret: &str,
    #[case] change: fn(&mut AppSeed),
    #[case] expected: TokenFault,
) {
    let world = World::with(change).await;
    let error = world.graph(Credential::ClientSecret(secret.into())).ensure_token().await.unwrap_err();
    assert_eq!(fault(&error), expected, "{error}");
}

#[rstest]
#[case::tenant(|settings: &mut Settings| settings.tenant = "unknown.example".to_owned(), TokenFault::UnknownTenant)]
#[case::application(
    |settings: &mut Settings| settings.client_id = "99999999-9999-4999-8999-999999999999".to_owned(),
    TokenFault::UnknownApplication
)]
#[case::cloud(
    |settings: &mut Settings| settings.cloud = Cloud::custom(settings.cloud.login().as_str(), "https://graph.microsoft.us").unwrap(),
    TokenFault::BadScope
)]
#[tokio::test]
async fn a_wrong_setting_is_told(#[case] change: fn(&mut Settings), #[case] expected: TokenFault) {
    let world = World::with(|_| {}).await;
    let mut settings = world.settings(Credential::ClientSecret(SECRET.into()));
    change(&mut settings);
    let error = Graph::new(settings, world.clock.clone()).unwrap().ensure_token().await.unwrap_err();
    assert_eq!(fault(&error), expected, "{error}");
}
