//! Commands of the real program other than `serve`.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// What a command that ended has said.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) success: bool,
    /// The exit code; None where a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A command that runs until it is dropped.
pub(crate) struct Running {
    child: Child,
    /// The lines of standard output that it began with.
    pub(crate) lines: Vec<String>,
}

/// `gangway` with these arguments in `folder`, with these settings and no others of the environment.
fn gangway(folder: &Path, arguments: &[&str], settings: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gangway"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("GANGWAY_") {
            command.env_remove(name);
        }
    }
    command.args(arguments).current_dir(folder).envs(settings.iter().copied()).stdin(Stdio::null());
    command
}

/// Runs a command to its end.
pub(crate) async fn command(folder: &Path, arguments: &[&str], settings: &[(&str, &str)]) -> Ended {
    let mut command = gangway(folder, arguments, settings);
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    Ended {
        success: output.status.success(),
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Ended {
    /// Its standard output, if it went well.
    #[track_caller]
    pub(crate) fn well(&self) -> &str {
        assert!(self.success, "{self:?}");
        &self.stdout
    }

    /// What it says in one line, if it failed.
    #[track_caller]
    pub(crate) fn badly(&self) -> &str {
        assert!(!self.success, "{self:?}");
        assert_eq!(self.stdout, "", "a failure says nothing on standard output");
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        &self.stderr
    }
}

impl Running {
    /// Starts a command and reads its first lines.
    pub(crate) async fn start(
        folder: &Path,
        arguments: &[&str],
        settings: &[(&str, &str)],
        lines: usize,
    ) -> Self {
        let mut command = gangway(folder, arguments, settings);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let read = move || stdout.lines().take(lines).collect::<Result<Vec<_>, _>>();
        let lines = tokio::task::spawn_blocking(read).await.unwrap().unwrap();
        Self { child, lines }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
