//! A folder in which commands run, and what the doctor said there.

use std::path::Path;

use gangway::simulator::{AppSeed, Simulator, TenantSeed};
use secrecy::ExposeSecret as _;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::support::{Backend, Ended, command, database, simulator_with};

/// A fault that the doctor told: `token fail wrong_secret`.
pub(crate) fn faults(report: &Value) -> Vec<String> {
    let findings = report["findings"].as_array().expect("a list of findings");
    let text = |finding: &Value, name: &str| finding[name].as_str().unwrap().to_owned();
    let bad = findings.iter().filter(|finding| finding["level"] != "ok");
    bad.map(|finding| {
        assert!(text(finding, "advice").len() > 10, "nothing to do is told: {finding}");
        format!("{} {} {}", text(finding, "check"), text(finding, "level"), text(finding, "code"))
    })
    .collect()
}

/// What is to be done about the only fault of a check.
#[track_caller]
pub(crate) fn advice(report: &Value, check: &str) -> String {
    let findings = report["findings"].as_array().expect("a list of findings");
    let found = findings.iter().find(|finding| finding["check"] == check && finding["level"] != "ok");
    found.unwrap_or_else(|| panic!("no fault of {check}: {report}"))["advice"].as_str().unwrap().to_owned()
}

/// An installation that commands work on.
pub(crate) struct Installation {
    folder: TempDir,
    url: Option<String>,
}

impl Installation {
    /// None where the database is not installed.
    pub(crate) async fn new(backend: Backend) -> Option<Self> {
        let url = database(backend).await?;
        Some(Self { folder: tempfile::tempdir().unwrap(), url })
    }

    pub(crate) fn data(&self) -> std::path::PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Runs a command with these further settings.
    pub(crate) async fn run(&self, arguments: &[&str], settings: &[(&str, &str)]) -> Ended {
        let data = self.data();
        let mut all = vec![
            ("GANGWAY_DATA_DIR", data.to_str().unwrap()),
            ("GANGWAY_SIMULATOR__MODE", "off"),
            ("GANGWAY_GRAPH__TIMEOUT", "5s"),
            ("GANGWAY_GRAPH__CONNECT_TIMEOUT", "2s"),
        ];
        all.extend(self.url.as_deref().map(|url| ("GANGWAY_DATABASE_URL", url)));
        all.extend(settings);
        command(self.folder(), arguments, &all).await
    }

    /// What the doctor says, whose exit code must fit.
    pub(crate) async fn examine(&self, settings: &[(&str, &str)]) -> Value {
        let ended = self.run(&["doctor", "--json"], settings).await;
        assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
        let report: Value =
            serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
        let code = match report["level"].as_str() {
            Some("ok") => 0,
            Some("warn") => 1,
            Some("fail") => 2,
            other => panic!("{other:?}"),
        };
        assert_eq!(ended.code, Some(code), "{report:#}");
        report
    }
}

/// How a tenant is connected.
#[derive(Clone)]
pub(crate) struct Connected {
    pub(crate) tenant: String,
    pub(crate) client_id: String,
    pub(crate) secret: Option<String>,
    pub(crate) login: String,
    pub(crate) graph: String,
    pub(crate) domain: String,
    /// Further arguments of `connection add`.
    pub(crate) more: Vec<String>,
}

impl Connected {
    /// As is right for this simulator.
    pub(crate) fn to(simulator: &Simulator) -> Self {
        let seed = TenantSeed::contoso();
        let app = &seed.apps[0];
        Self {
            tenant: seed.tenant_id.to_string(),
            client_id: app.client_id.to_string(),
            secret: Some(app.client_secret.expose_secret().to_owned()),
            login: simulator.url().to_string(),
            graph: simulator.url().to_string(),
            domain: "contoso.example".to_owned(),
            more: Vec::new(),
        }
    }

    /// Adds the connection.
    pub(crate) async fn add(&self, installation: &Installation) {
        let mut arguments = vec![
            "connection",
            "add",
            "contoso",
            "--tenant",
            &self.tenant,
            "--client-id",
            &self.client_id,
            "--login-url",
            &self.login,
            "--graph-url",
            &self.graph,
            "--domain",
            &self.domain,
        ];
        arguments.extend(self.more.iter().map(String::as_str));
        let secret = self.secret.as_deref().map(|secret| ("GANGWAY_CLIENT_SECRET", secret));
        let settings: Vec<_> = secret.into_iter().collect();
        installation.run(&arguments, &settings).await.well();
    }
}

/// A simulator whose application differs from Contoso's.
pub(crate) async fn with_app(adjust: impl FnOnce(&mut AppSeed)) -> Simulator {
    simulator_with(|options| {
        let app = &mut options.tenant.apps[0];
        // What the doctor looks for beyond the practical set.
        app.permissions.push("Directory.Read.All".to_owned());
        adjust(app);
    })
    .await
}

/// The address of a host that answers everything with a page, as a captive portal does.
pub(crate) async fn pages() -> String {
    const ANSWER: &[u8] =
        b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 19\r\nconnection: close\r\n\r\n<html>Welcome</html";
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            // What was asked does not matter.
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(ANSWER).await;
        }
    });
    format!("http://{address}")
}
