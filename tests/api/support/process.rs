//! The real program, for what only a process can show.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use url::Url;

use super::{Client, eventually};

/// `gangway` running on a folder. It is killed when it is dropped.
pub(crate) struct Process {
    child: Child,
    output: Arc<Mutex<String>>,
    base: String,
}

impl Process {
    /// Runs `gangway serve` on `folder` with these settings, as environment variables, and waits until it says that it is ready.
    pub(crate) async fn serve(folder: &Path, simulator: &Url, settings: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gangway"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("GANGWAY_") {
                command.env_remove(name);
            }
        }
        command
            .arg("serve")
            .current_dir(folder)
            .env("GANGWAY_LISTEN", "127.0.0.1:0")
            .env("GANGWAY_DATA_DIR", folder)
            .env("GANGWAY_SIMULATOR__MODE", "external")
            .env("GANGWAY_SIMULATOR__URL", simulator.as_str())
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let output = Arc::new(Mutex::new(String::new()));
        collect(child.stdout.take().unwrap(), &output);
        collect(child.stderr.take().unwrap(), &output);
        let mut process = Self { child, output, base: String::new() };
        process.base = eventually("the server prints its base URL", async || {
            let text = process.output();
            text.contains("curl").then(|| word_after(&text, "SCIM base URL").to_owned())
        })
        .await;
        process
    }

    /// What it wrote to standard output and standard error so far.
    pub(crate) fn output(&self) -> String {
        self.output.lock().unwrap().clone()
    }

    /// The token that it printed at its first start.
    pub(crate) fn token(&self) -> String {
        word_after(&self.output(), "Token").to_owned()
    }

    /// A client of its SCIM base URL.
    pub(crate) fn scim(&self, token: &str) -> Client {
        Client::new(&self.base).bearer(token)
    }

    /// A client of its origin.
    pub(crate) fn http(&self, token: &str) -> Client {
        let origin = self.base.strip_suffix("/scim/v2").expect("the base URL of SCIM");
        Client::new(origin).bearer(token)
    }

    /// Ends it as `kill -9` does.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends it a signal, such as `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(status.unwrap().success());
    }

    /// How it ended, once it has.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let child = &mut self.child;
        let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
        loop {
            if let Some(status) = child.try_wait().unwrap() {
                return status;
            }
            assert!(tokio::time::Instant::now() < deadline, "the program does not end");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn collect(stream: impl std::io::Read + Send + 'static, output: &Arc<Mutex<String>>) {
    let output = Arc::clone(output);
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            let mut output = output.lock().unwrap();
            output.push_str(&line);
            output.push('\n');
        }
    });
}

fn word_after<'a>(text: &'a str, label: &str) -> &'a str {
    let (_, rest) = text.split_once(label).unwrap_or_else(|| panic!("no {label:?} in:\n{text}"));
    rest.split_whitespace().next().unwrap_or_default()
}
