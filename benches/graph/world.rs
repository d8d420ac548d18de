//! The server and the simulator, each in a process of its own.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use tempfile::TempDir;

const TOKEN: &str = "benchmark-0123456789abcdef0123456789";
const EXTENSION: &str = "urn:ietf:params:scim:schemas:extension:gangway:2.0";
const PAUSE: Duration = Duration::from_millis(50);
const PATIENCE: Duration = Duration::from_mins(30);

/// A program that is killed when it is dropped.
struct Program(Child);

impl Program {
    /// Starts `gangway` with these arguments and settings; the word after `label` of what it prints.
    fn start(folder: &Path, arguments: &[&str], settings: &[(&str, &str)], label: &str) -> (Self, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gangway"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("GANGWAY_") {
                command.env_remove(name);
            }
        }
        command.args(arguments).current_dir(folder).envs(settings.iter().copied());
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = lines.by_ref().map(Result::unwrap).find(|line| line.contains(label));
        let line = line.unwrap_or_else(|| panic!("gangway {arguments:?} ended before it said {label:?}"));
        // Read on, so that a full pipe never holds it up.
        std::thread::spawn(move || lines.for_each(drop));
        let word = line.split_once(label).unwrap().1.split_whitespace().next().unwrap().to_owned();
        (Self(child), word)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A simulator of its own.
pub(crate) struct Microsoft {
    http: reqwest::Client,
    pub(crate) url: String,
    _program: Program,
    folder: TempDir,
}

impl Microsoft {
    /// Starts one with these further arguments.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let arguments = [&["simulator", "--listen", "127.0.0.1:0"], arguments].concat();
        let (program, url) = Program::start(folder.path(), &arguments, &[], "Microsoft Graph simulator at");
        let url = url.trim_end_matches('/').to_owned();
        Self { http: http(), url, _program: program, folder }
    }

    /// How often each operation was called, what was in batches one by one, without batches and tokens themselves.
    pub(crate) async fn counts(&self) -> BTreeMap<String, u64> {
        let url = format!("{}/_simulator/counts", self.url);
        let text = self.http.get(url).send().await.unwrap().text().await.unwrap();
        let mut counts: BTreeMap<String, u64> = serde_json::from_str(&text).unwrap();
        counts.retain(|operation, _| !operation.contains("/oauth2/") && !operation.contains("$batch"));
        counts
    }

    pub(crate) async fn count(&self, operation: &str) -> u64 {
        self.counts().await.get(operation).copied().unwrap_or_default()
    }

    /// Meters calls by Microsoft's own quotas from now on.
    pub(crate) async fn limit(&self) {
        let request = self.http.put(format!("{}/_simulator/limits", self.url)).body("{}");
        read(request, "the limits").await;
    }

    /// Counts from nothing again.
    pub(crate) async fn forget_counts(&self) {
        self.http.delete(format!("{}/_simulator/counts", self.url)).send().await.unwrap();
    }
}

/// A running server on a new SQLite database, and its simulator.
pub(crate) struct World {
    http: reqwest::Client,
    base: String,
    _program: Program,
    pub(crate) microsoft: Microsoft,
}

impl World {
    /// Starts a server that provisions into `microsoft`, with these further settings.
    pub(crate) fn start(microsoft: Microsoft, settings: &[(&str, &str)]) -> Self {
        let mut all = vec![
            ("GANGWAY_BOOTSTRAP_TOKEN", TOKEN),
            ("GANGWAY_LISTEN", "127.0.0.1:0"),
            ("GANGWAY_DATA_DIR", "data"),
            ("GANGWAY_LOG", "warn"),
            ("GANGWAY_SIMULATOR__MODE", "external"),
            ("GANGWAY_SIMULATOR__URL", microsoft.url.as_str()),
            // Rounds in between would be counted too.
            ("GANGWAY_DEFAULTS__DRIFT__INTERVAL", "1d"),
        ];
        all.extend(settings);
        let (program, base) = Program::start(microsoft.folder.path(), &["serve"], &all, "SCIM base URL");
        Self { http: http(), base, _program: program, microsoft }
    }

    fn request(&self, method: Method, path: &str, body: Option<&Value>) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base)).bearer_auth(TOKEN);
        match body {
            Some(body) => request.header("content-type", "application/scim+json").body(body.to_string()),
            None => request,
        }
    }

    /// Sends a push and returns its answer's body, which must be good.
    pub(crate) async fn push(&self, method: Method, path: &str, body: &Value) -> Value {
        read(self.request(method, path, Some(body)), path).await
    }

    /// Sends a push that does not wait for Microsoft 365.
    pub(crate) async fn push_on(&self, method: Method, path: &str, body: &Value) -> Value {
        read(self.request(method, path, Some(body)).header("prefer", "respond-async"), path).await
    }

    /// Waits until the user or group at `path` is not pending; it must be `synced` then.
    pub(crate) async fn settled(&self, path: &str) {
        let urn = format!("{EXTENSION}:{}", if path.starts_with("/Users") { "User" } else { "Group" });
        let asked = format!("{path}?attributes={urn}:syncStatus,{urn}:syncError");
        let began = Instant::now();
        loop {
            let body = read(self.request(Method::GET, &asked, None), path).await;
            match body[&urn]["syncStatus"].as_str() {
                Some("synced") => return,
                Some("pending") => {}
                other => panic!("{path} is {other:?}: {body}"),
            }
            assert!(began.elapsed() < PATIENCE, "{path} is still pending");
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// The calls to Graph by status, from the server's own metrics: all, and those answered 429.
    pub(crate) async fn calls(&self) -> (f64, f64) {
        let origin = self.base.strip_suffix("/scim/v2").expect("the base URL of SCIM");
        let text = self.http.get(format!("{origin}/metrics")).send().await.unwrap().text().await.unwrap();
        let lines = text.lines().filter(|line| line.starts_with("gangway_graph_calls_total{"));
        let (mut all, mut refused) = (0.0, 0.0);
        for line in lines
            .filter(|line| !line.contains("operation=\"token\"") && !line.contains("operation=\"batch\""))
        {
            let count: f64 = line.rsplit(' ').next().unwrap().parse().unwrap();
            all += count;
            if line.contains("status=\"429\"") {
                refused += count;
            }
        }
        (all, refused)
    }
}

/// A body of JSON, which must be good; null where there is none.
async fn read(request: RequestBuilder, path: &str) -> Value {
    let response = request.send().await.unwrap();
    let (status, text) = (response.status(), response.text().await.unwrap());
    assert!(status.is_success(), "{path}: {status} {text}");
    serde_json::from_str(&text).unwrap_or_default()
}

fn http() -> reqwest::Client {
    reqwest::Client::builder().timeout(Duration::from_mins(1)).no_proxy().build().unwrap()
}
