//! The server and the simulator, each in a process of its own.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use reqwest::{Method, RequestBuilder, Response};
use serde_json::Value;
use tempfile::TempDir;

const TOKEN: &str = "benchmark-0123456789abcdef0123456789";

/// What stands for Microsoft 365.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Microsoft {
    /// The simulator, in a process of its own.
    Simulator,
    /// Nothing: no connection.
    None,
}

impl Microsoft {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Simulator => "simulator in another process",
            Self::None => "none",
        }
    }
}

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

/// A running server on a new SQLite database, and its simulator.
pub(crate) struct Server {
    http: reqwest::Client,
    base: String,
    program: Program,
    pub(crate) microsoft: Microsoft,
    _simulator: Option<Program>,
    _folder: TempDir,
}

impl Server {
    pub(crate) fn start(microsoft: Microsoft) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (mut simulator, mut url) = (None, String::new());
        if microsoft == Microsoft::Simulator {
            let (program, address) = Program::start(
                folder.path(),
                &["simulator", "--listen", "127.0.0.1:0"],
                &[],
                "Microsoft Graph simulator at",
            );
            (simulator, url) = (Some(program), address);
        }
        let mut settings = vec![
            ("GANGWAY_BOOTSTRAP_TOKEN", TOKEN),
            ("GANGWAY_LISTEN", "127.0.0.1:0"),
            ("GANGWAY_DATA_DIR", "data"),
            ("GANGWAY_LOG", "warn"),
        ];
        match microsoft {
            Microsoft::Simulator => settings
                .extend([("GANGWAY_SIMULATOR__MODE", "external"), ("GANGWAY_SIMULATOR__URL", url.as_str())]),
            Microsoft::None => settings.extend([
                ("GANGWAY_SIMULATOR__MODE", "off"),
                ("GANGWAY_DEFAULTS__ROUTING__UNMATCHED", "unbound"),
            ]),
        }
        let (program, base) = Program::start(folder.path(), &["serve"], &settings, "SCIM base URL");
        let http = reqwest::Client::builder().timeout(Duration::from_mins(10)).no_proxy().build().unwrap();
        Self { http, base, program, microsoft, _simulator: simulator, _folder: folder }
    }

    /// A request to a path below the base URL.
    pub(crate) fn request(&self, method: Method, path: &str, body: Option<&Value>) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base)).bearer_auth(TOKEN);
        match body {
            Some(body) => request.header("content-type", "application/scim+json").body(body.to_string()),
            None => request,
        }
    }

    /// Its answer, which must be good.
    pub(crate) async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Response {
        let response = self.request(method.clone(), path, body).send().await.unwrap();
        good(response, &format!("{method} {path}")).await
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let text = self.send(Method::GET, path, None).await.text().await.unwrap();
        serde_json::from_str(&text).unwrap()
    }

    /// A figure of `/proc/PID/status` in megabytes: `VmRSS` now, `VmHWM` at most.
    pub(crate) fn memory(&self, name: &str) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.program.0.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with(name)).expect("the figure is there");
        let kilobytes: f64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        kilobytes / 1024.0
    }
}

/// The answer, if it is 2xx.
pub(crate) async fn good(response: Response, of: &str) -> Response {
    let status = response.status();
    if status.is_success() {
        return response;
    }
    panic!("{of}: {status} {}", response.text().await.unwrap_or_default());
}
