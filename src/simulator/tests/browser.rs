//! A browser at the login host: sign-in, consent, codes, refresh tokens, and what goes wrong with them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rstest::rstest;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::client::{Client, Reply, send};
use super::*;

const REDIRECT: &str = "http://127.0.0.1:8080/oauth/callback";
const VERIFIER: &str = "a-verifier-of-forty-three-characters-or-more";
const ADMIN: (&str, &str) = ("admin@contoso.example", "Simulator-Admin-1");

fn encode(values: &[(&str, &str)]) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(values.iter().filter(|(_, value)| !value.is_empty()));
    form.finish()
}

fn tenant() -> String {
    TenantSeed::contoso().tenant_id.to_string()
}

fn challenge() -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER))
}

impl Client {
    /// Opens the login page; `change` replaces a parameter, or leaves it out if it is empty.
    async fn open(&self, change: (&str, &str)) -> Reply {
        let (id, _) = app();
        let scope = format!("openid profile offline_access {}User.ReadWrite.All", self.simulator.url());
        let challenge = challenge();
        let mut values = vec![
            ("client_id", id.as_str()),
            ("response_type", "code"),
            ("redirect_uri", REDIRECT),
            ("response_mode", "query"),
            ("scope", scope.as_str()),
            ("state", "a state & more"),
            ("nonce", "a nonce"),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
        ];
        values.retain(|(name, _)| *name != change.0);
        values.push(change);
        let head = format!("GET /{}/oauth2/v2.0/authorize?{}", tenant(), encode(&values));
        send(&self.simulator.url(), &head, &[], "").await.unwrap()
    }

    /// Posts the page's form with these fields.
    async fn submit(&self, page: &Reply, fields: &[(&str, &str)]) -> Reply {
        let between = |before: &str| {
            let (_, rest) = page.text.split_once(before).unwrap_or_else(|| panic!("{before}: {page:?}"));
            rest.split('"').next().unwrap().to_owned()
        };
        let (action, request) = (between("action=\""), between("name=\"request\" value=\""));
        let mut all = vec![("request", request.as_str())];
        all.extend(fields);
        let kind = [("content-type", "application/x-www-form-urlencoded")];
        send(&self.simulator.url(), &format!("POST {action}"), &kind, &encode(&all)).await.unwrap()
    }

    async fn sign_in(&self, page: &Reply, person: (&str, &str)) -> Reply {
        self.submit(page, &[("login", person.0), ("passwd", person.1)]).await
    }

    /// A code for the administrator.
    async fn code(&self) -> String {
        let reply = self.sign_in(&self.open(("", "")).await, ADMIN).await;
        back(&reply).into_iter().find(|(name, _)| name == "code").unwrap().1
    }

    /// A token request of a person's grant.
    async fn redeem(&self, form: &[(&str, &str)]) -> Reply {
        let (id, secret) = app();
        let mut all = vec![("client_id", id.as_str()), ("client_secret", secret), ("scope", "")];
        all.extend(form);
        self.grant(&all).await
    }

    async fn redeem_code(&self, code: &str, change: (&str, &str)) -> Reply {
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
        ];
        form.retain(|(name, _)| *name != change.0);
        form.push(change);
        self.redeem(&form).await
    }

    async fn redeem_refresh(&self, token: &str) -> Reply {
        self.redeem(&[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    async fn refresh_token(&self) -> String {
        text(&self.redeem_code(&self.code().await, ("", "")).await.json()["refresh_token"])
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// Where a redirect goes to, as its parameters.
fn back(reply: &Reply) -> Vec<(String, String)> {
    assert_eq!(reply.status, 302, "{reply:?}");
    let address = Url::parse(reply.header("location").unwrap()).unwrap();
    assert!(address.as_str().starts_with(REDIRECT), "{address}");
    address.query_pairs().into_owned().collect()
}

fn value<'a>(fields: &'a [(String, String)], name: &str) -> &'a str {
    fields.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
}

fn claims(token: &Value) -> Value {
    let part = token.as_str().unwrap().split('.').nth(1).unwrap().to_owned();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

fn number(reply: &Reply) -> u64 {
    reply.json()["error_codes"][0].as_u64().unwrap_or_else(|| panic!("{reply:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_and_the_application_acts_for_them() {
    let mut client = Client::plain().await;
    let page = client.open(("", "")).await;
    assert_eq!(page.status, 200);
    for label in ["<label for=\"login\">", "<label for=\"passwd\">", "type=\"password\""] {
        assert!(page.text.contains(label), "{label}");
    }
    assert!(!page.text.contains("<script"));
    let wrong = client.sign_in(&page, (ADMIN.0, "Wrong-1234")).await;
    assert!(wrong.text.contains("role=\"alert\"") && wrong.text.contains("invalid username or password"));
    let fields = back(&client.sign_in(&wrong, ADMIN).await);
    assert_eq!(value(&fields, "state"), "a state & more");

    let code = value(&fields, "code").to_owned();
    let granted = client.redeem_code(&code, ("", "")).await;
    assert_eq!(granted.status, 200, "{granted:?}");
    let granted = granted.json();
    let identity = claims(&granted["id_token"]);
    assert_eq!((&identity["nonce"], &identity["tid"]), (&json!("a nonce"), &json!(tenant())));
    assert_eq!((&identity["aud"], &identity["preferred_username"]), (&json!(app().0), &json!(ADMIN.0)));
    let access = claims(&granted["access_token"]);
    assert!(access["scp"].as_str().unwrap().split(' ').any(|one| one == "User.ReadWrite.All"));
    assert_eq!((&access["idtyp"], &access["oid"]), (&json!("user"), &identity["oid"]));
    assert!(access.get("roles").is_none());

    client.token = text(&granted["access_token"]);
    assert_eq!(client.call("POST /users", super::client::user("made")).await.status, 201);
    let again = client.redeem_code(&code, ("", "")).await;
    assert_eq!((again.status, number(&again)), (400, 54_005), "a code is used once");

    let first = text(&granted["refresh_token"]);
    let renewed = client.redeem_refresh(&first).await.json();
    let second = text(&renewed["refresh_token"]);
    assert_ne!(first, second);
    assert!(renewed["id_token"].is_string());
    assert_eq!(client.redeem_refresh(&first).await.status, 200, "an old one is not revoked by its use");
    assert_eq!(client.redeem_refresh(&second).await.status, 200);
    assert_eq!(number(&client.redeem_refresh("nonsense").await), 9_002_313);
    client.simulator.directory().revoke_refresh_tokens();
    let revoked = client.redeem_refresh(&second).await;
    assert_eq!((revoked.status, number(&revoked)), (400, 50_173));
    assert_eq!(revoked.json()["error"], "invalid_grant");

    let kept = client.simulator.directory().exchanges();
    let all: String = kept.iter().map(ToString::to_string).collect();
    for secret in [ADMIN.1, &code, &first, VERIFIER, client.token.as_str()] {
        assert!(!all.contains(secret), "{secret} is in the recording");
    }
}

#[rstest]
#[case(("code_verifier", "another-verifier-of-forty-three-characters-or"), 501_481)]
#[case(("code_verifier", ""), 501_481)]
#[case(("code_verifier", "short"), 501_491)]
#[case(("redirect_uri", "http://127.0.0.1:8081/oauth/callback"), 500_112)]
#[case(("redirect_uri", ""), 900_144)]
#[case(("code", "another"), 70_000)]
#[case(("client_secret", "wrong"), 7_000_215)]
#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_is_not_redeemed(#[case] change: (&str, &str), #[case] expected: u64) {
    let client = Client::rough().await;
    assert_eq!(number(&client.redeem_code(&client.code().await, change).await), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_lives_ten_minutes_and_a_refresh_token_ninety_days() {
    let clock = Clock::fixed(1_790_000_000_000);
    let client = Client::start(Options::default(), clock.clone()).await;
    let (code, refresh) = (client.code().await, client.refresh_token().await);
    clock.advance(10 * 60 * 1000);
    assert_eq!(number(&client.redeem_code(&code, ("", "")).await), 70_008);
    assert_eq!(client.redeem_refresh(&refresh).await.status, 200);
    clock.advance(90 * 24 * 60 * 60 * 1000);
    assert_eq!(number(&client.redeem_refresh(&refresh).await), 70_008);
}

#[rstest]
#[case(Obstacle::Mfa, "interaction_required", 50_076)]
#[case(Obstacle::ConditionalAccess, "invalid_grant", 53_003)]
#[case(Obstacle::Consent, "invalid_grant", 65_001)]
#[tokio::test(flavor = "multi_thread")]
async fn an_obstacle_is_met_by_a_new_sign_in_or_not_at_all(
    #[case] obstacle: Obstacle,
    #[case] error: &str,
    #[case] expected: u64,
) {
    let clock = Clock::fixed(1_790_000_000_000);
    let client = Client::start(Options::default(), clock.clone()).await;
    let refresh = client.refresh_token().await;
    let rules = SignInRules { obstacle: Some(obstacle), ..SignInRules::default() };
    client.simulator.directory().set_sign_in_rules(rules);
    let refused = client.redeem_refresh(&refresh).await;
    assert_eq!((number(&refused), &refused.json()["error"]), (expected, &json!(error)));
    clock.advance(1);
    let page = client.sign_in(&client.open(("", "")).await, ADMIN).await;
    match obstacle {
        Obstacle::Mfa => assert_eq!(page.status, 302),
        Obstacle::ConditionalAccess => assert!(page.text.contains("AADSTS53003"), "{page:?}"),
        Obstacle::Consent => {
            back(&client.submit(&page, &[("answer", "accept")]).await);
            assert_eq!(client.redeem_refresh(&refresh).await.status, 200);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_is_blocked_or_has_a_new_password_refreshes_no_more() {
    let client = Client::plain().await;
    let directory = client.simulator.directory();
    let refresh = client.refresh_token().await;
    directory
        .put(
            &UserSeed::default()
                .with("userPrincipalName", json!(ADMIN.0))
                .with("accountEnabled", json!(false)),
        )
        .unwrap();
    assert_eq!(number(&client.redeem_refresh(&refresh).await), 50_057);
    let blocked = client.sign_in(&client.open(("", "")).await, ADMIN).await;
    assert!(blocked.text.contains("The user account is disabled."));
    let reset = UserSeed::default()
        .with("userPrincipalName", json!(ADMIN.0))
        .with("accountEnabled", json!(true))
        .with("signInSessionsValidFromDateTime", json!("2200-01-01T00:00:00Z"));
    directory.put(&reset).unwrap();
    assert_eq!(number(&client.redeem_refresh(&refresh).await), 50_173);
}

#[tokio::test(flavor = "multi_thread")]
async fn consent_is_asked_for_once_and_of_an_administrator() {
    let client = Client::plain().await;
    let directory = client.simulator.directory();
    let id = TenantSeed::contoso().apps[0].client_id;
    directory.change_app(id, |app| app.delegated = vec!["User.Read".to_owned()]);
    let mut lee = UserSeed::new("lee@contoso.example");
    lee.password = Some("Person-1234".into());
    directory.put(&lee).unwrap();
    let person = ("lee@contoso.example", "Person-1234");

    let refused = client.sign_in(&client.open(("", "")).await, person).await;
    assert_eq!(refused.status, 403);
    assert!(refused.text.contains("AADSTS90094") && refused.text.contains("id=\"back\""), "{refused:?}");
    let asked = client.sign_in(&client.open(("", "")).await, ADMIN).await;
    assert!(asked.text.contains("<li>User.ReadWrite.All</li>"), "{asked:?}");
    let fields = back(&client.submit(&asked, &[("answer", "cancel")]).await);
    assert_eq!((value(&fields, "error"), value(&fields, "state")), ("access_denied", "a state & more"));
    let asked = client.sign_in(&client.open(("", "")).await, ADMIN).await;
    let fields = back(&client.submit(&asked, &[("answer", "accept")]).await);
    assert!(!value(&fields, "code").is_empty());
    assert!(!value(&back(&client.sign_in(&client.open(("", "")).await, person).await), "code").is_empty());
    let asked = client.sign_in(&client.open(("prompt", "consent")).await, ADMIN).await;
    assert!(asked.text.contains("Permissions requested"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_consents_for_everybody() {
    let mut client = Client::plain().await;
    let directory = client.simulator.directory();
    let id = TenantSeed::contoso().apps[0].client_id;
    directory.change_app(id, |app| app.permissions.clear());
    client.authorize().await;
    assert_eq!(client.get("/users").await.error().0, 403);
    let values = [("client_id", app().0), ("redirect_uri", REDIRECT.to_owned()), ("state", "s".to_owned())];
    let values: Vec<_> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let head = format!("GET /{}/adminconsent?{}", tenant(), encode(&values));
    let open = async || send(&client.simulator.url(), &head, &[], "").await.unwrap();
    let asked = client.sign_in(&open().await, ADMIN).await;
    let fields = back(&client.submit(&asked, &[("answer", "cancel")]).await);
    assert_eq!(value(&fields, "error"), "permission_denied");
    let asked = client.sign_in(&open().await, ADMIN).await;
    let fields = back(&client.submit(&asked, &[("answer", "accept")]).await);
    assert_eq!((value(&fields, "admin_consent"), value(&fields, "tenant")), ("True", tenant().as_str()));
    assert_eq!(value(&fields, "state"), "s");
    client.authorize().await;
    assert_eq!(client.get("/users").await.status, 200);
}

#[rstest]
#[case(("redirect_uri", "https://evil.example/oauth/callback"), "AADSTS50011")]
#[case(("redirect_uri", ""), "AADSTS900144")]
#[case(("client_id", "6a7e57a9-0000-4000-8000-000000000000"), "AADSTS700016")]
#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_sent_to_an_unknown_address(#[case] change: (&str, &str), #[case] expected: &str) {
    let client = Client::rough().await;
    let page = client.open(change).await;
    assert_eq!(page.status, 400);
    assert!(page.text.contains(expected) && page.header("location").is_none(), "{page:?}");
}

#[rstest]
#[case(("response_type", "token"), "unsupported_response_type")]
#[case(("scope", "https://graph.microsoft.us/User.Read"), "invalid_scope")]
#[case(("code_challenge_method", "plain"), "invalid_request")]
#[case(("prompt", "none"), "login_required")]
#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_told_to_the_application(#[case] change: (&str, &str), #[case] error: &str) {
    let client = Client::rough().await;
    let fields = back(&client.open(change).await);
    assert_eq!((value(&fields, "error"), value(&fields, "state")), (error, "a state & more"));
    assert!(value(&fields, "error_description").starts_with("AADSTS"), "{fields:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_carries_the_code_where_that_is_asked_for_and_pages_escape() {
    let client = Client::rough().await;
    let id = TenantSeed::contoso().apps[0].client_id;
    client.simulator.directory().change_app(id, |app| app.display_name = "<script>\"".to_owned());
    let page = client.open(("response_mode", "form_post")).await;
    assert!(!page.text.contains("<script"), "{page:?}");
    let sent = client.sign_in(&page, ADMIN).await;
    assert_eq!(sent.status, 200);
    assert!(sent.text.contains(&format!("action=\"{REDIRECT}\"")) && sent.text.contains("name=\"code\""));
    let forged = client.submit(&page, &[("login", "\"><script>"), ("passwd", "x")]).await;
    assert!(!forged.text.contains("<script"), "{forged:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_request_cannot_be_made_up() {
    let client = Client::rough().await;
    let page = client.open(("", "")).await;
    let forged = Reply {
        text: page.text.replacen("name=\"request\" value=\"", "name=\"request\" value=\"x", 1),
        ..page
    };
    assert!(client.sign_in(&forged, ADMIN).await.text.contains("AADSTS900561"));
}
