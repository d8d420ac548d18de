//! A browser, as far as a sign-in needs one: cookies, redirects and forms.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Method, Response, redirect};
use url::Url;

const MOST_REDIRECTS: usize = 10;

/// A person's browser. Another one has none of its cookies.
#[derive(Debug)]
pub(crate) struct Browser {
    http: reqwest::Client,
    /// By origin and name.
    cookies: BTreeMap<(String, String), String>,
    /// What every `Set-Cookie` said.
    pub(crate) set_cookies: Vec<String>,
}

/// What it shows.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    pub(crate) url: Url,
    pub(crate) status: u16,
    pub(crate) text: String,
}

impl Browser {
    pub(crate) fn new() -> Self {
        let http = reqwest::Client::builder()
            .redirect(redirect::Policy::none())
            .timeout(Duration::from_secs(20))
            .pool_max_idle_per_host(0)
            .no_proxy()
            .build()
            .unwrap();
        Self { http, cookies: BTreeMap::new(), set_cookies: Vec::new() }
    }

    /// Opens an address and follows where it leads.
    pub(crate) async fn open(&mut self, url: &str) -> Page {
        let url = Url::parse(url).unwrap();
        self.go(Method::GET, url, &[]).await
    }

    /// Opens an address; where it leads to, without going there.
    pub(crate) async fn look(&mut self, url: &str) -> (u16, Option<Url>) {
        let url = Url::parse(url).unwrap();
        let response = self.send(Method::GET, &url, &[]).await;
        (response.status().as_u16(), location(&url, &response))
    }

    /// Sends the page's form with these fields filled in, hidden ones as they are.
    pub(crate) async fn submit(&mut self, page: &Page, fields: &[(&str, &str)]) -> Page {
        let (method, action, mut all) = form(page);
        for (name, value) in fields {
            all.retain(|(known, _)| known != name);
            all.push(((*name).to_owned(), (*value).to_owned()));
        }
        self.go(method, action, &all).await
    }

    /// Sends the page's form, consents where that is asked for, and stops before it leaves Microsoft: where it leads to.
    pub(crate) async fn submit_and_look(&mut self, page: &Page, fields: &[(&str, &str)]) -> Url {
        let mut page = page.clone();
        let mut fields: Vec<(String, String)> =
            fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        for _ in 0..3 {
            let (method, action, mut all) = form(&page);
            all.retain(|(known, _)| fields.iter().all(|(name, _)| name != known));
            all.append(&mut fields);
            let response = self.send(method, &action, &all).await;
            if let Some(next) = location(&action, &response) {
                return next;
            }
            let status = response.status().as_u16();
            page = Page { url: action, status, text: response.text().await.unwrap() };
            fields = vec![("answer".to_owned(), "accept".to_owned())];
        }
        panic!("Microsoft does not send the browser back: {}", page.text);
    }

    async fn go(&mut self, mut method: Method, mut url: Url, fields: &[(String, String)]) -> Page {
        let mut fields = fields;
        for _ in 0..MOST_REDIRECTS {
            let response = self.send(method.clone(), &url, fields).await;
            let Some(next) = location(&url, &response) else {
                let status = response.status().as_u16();
                return Page { url, status, text: response.text().await.unwrap() };
            };
            (method, url, fields) = (Method::GET, next, &[]);
        }
        panic!("it leads on and on: {url}");
    }

    async fn send(&mut self, method: Method, url: &Url, fields: &[(String, String)]) -> Response {
        let origin = url.origin().ascii_serialization();
        let own = self.cookies.iter().filter(|((of, _), _)| *of == origin);
        let cookies: Vec<String> = own.map(|((_, name), value)| format!("{name}={value}")).collect();
        let mut request = self.http.request(method.clone(), url.clone());
        if !cookies.is_empty() {
            request = request.header(COOKIE, cookies.join("; "));
        }
        if method == Method::POST {
            request = request.form(fields);
        }
        let response = request.send().await.unwrap();
        for cookie in response.headers().get_all(SET_COOKIE) {
            let text = cookie.to_str().unwrap();
            self.set_cookies.push(text.to_owned());
            let pair = text.split(';').next().unwrap_or_default();
            if let Some((name, value)) = pair.split_once('=') {
                self.cookies.insert((origin.clone(), name.trim().to_owned()), value.trim().to_owned());
            }
        }
        response
    }
}

impl Page {
    /// Whether it says this, in any case of letters.
    pub(crate) fn says(&self, what: &str) -> bool {
        plain(&self.text).to_lowercase().contains(&what.to_lowercase())
    }
}

fn location(url: &Url, response: &Response) -> Option<Url> {
    if !response.status().is_redirection() {
        return None;
    }
    let to = response.headers().get(LOCATION).expect("a redirect leads somewhere").to_str().unwrap();
    Some(url.join(to).unwrap())
}

/// The first form of a page: its method, its address and its fields.
fn form(page: &Page) -> (Method, Url, Vec<(String, String)>) {
    let form =
        tags(&page.text, "form").into_iter().next().unwrap_or_else(|| panic!("no form:\n{}", page.text));
    let post = attribute(&form, "method").is_some_and(|method| method.eq_ignore_ascii_case("post"));
    let action = page.url.join(&attribute(&form, "action").unwrap_or_default()).unwrap();
    let inputs = tags(&page.text, "input").into_iter().filter_map(|input| {
        Some((attribute(&input, "name")?, attribute(&input, "value").unwrap_or_default()))
    });
    (if post { Method::POST } else { Method::GET }, action, inputs.collect())
}

/// The start tags of this name, without their brackets.
fn tags(html: &str, name: &str) -> Vec<String> {
    let begin = format!("<{name} ");
    html.split(&begin).skip(1).filter_map(|rest| Some(rest.split_once('>')?.0.to_owned())).collect()
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!("{name}=\""))?;
    Some(plain(rest.split_once('"')?.0))
}

/// The text that escapes stand for.
fn plain(html: &str) -> String {
    let escapes = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&#60;", "<"),
        ("&#62;", ">"),
        ("&#38;", "&"),
        ("&amp;", "&"),
    ];
    escapes.iter().fold(html.to_owned(), |text, (escape, character)| text.replace(escape, character))
}
