//! What the doctor says.

use std::fmt;

use serde_json::{Value, json};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Nothing is to be done.
    Ok,
    /// It works now; somebody should look at it.
    Warn,
    /// Something that Gangway is there for does not work.
    Fail,
}

/// What was looked at, in the order in which it is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Check {
    /// The settings of the process.
    Configuration,
    /// The folder of what is kept in files.
    DataFolder,
    /// The key that seals credentials.
    MasterKey,
    /// The database, its tables, and whether it can be written.
    Database,
    /// Whether there are connections, and the state of one.
    Connection,
    /// A connection's own settings.
    Settings,
    /// The stored credential and when it ends.
    Credential,
    /// The host that gives tokens.
    LoginHost,
    /// This computer's clock against Microsoft's.
    Clock,
    /// Getting an access token.
    Token,
    /// The host of Microsoft Graph.
    GraphHost,
    /// Whether the tenant is the one that was meant.
    Tenant,
    /// What the application was granted.
    Permissions,
    /// The administrator role beside the permissions.
    Role,
    /// The tenant's domains and those that the connection has.
    Domains,
    /// Licences and their seats.
    Licences,
    /// How much Microsoft allows at this moment.
    Throttling,
    /// What waits and what has failed.
    Work,
    /// The list of accounts that are never touched.
    NeverTouch,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at.
    pub check: Check,
    /// The connection's name, where it is about one.
    pub connection: Option<String>,
    /// How bad it is.
    pub level: Level,
    /// The fault's name for programs, such as `wrong_secret`; empty where there is none.
    pub code: &'static str,
    /// What was found.
    pub found: String,
    /// What to do; empty where there is nothing to do.
    pub advice: String,
}

/// All that was found, in the order in which it was looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The findings.
    pub findings: Vec<Finding>,
}

impl Level {
    /// The word in the report.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

impl Check {
    /// The word in the report.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::DataFolder => "data_folder",
            Self::MasterKey => "master_key",
            Self::Database => "database",
            Self::Connection => "connection",
            Self::Settings => "settings",
            Self::Credential => "credential",
            Self::LoginHost => "login_host",
            Self::Clock => "clock",
            Self::Token => "token",
            Self::GraphHost => "graph_host",
            Self::Tenant => "tenant",
            Self::Permissions => "permissions",
            Self::Role => "role",
            Self::Domains => "domains",
            Self::Licences => "licences",
            Self::Throttling => "throttling",
            Self::Work => "work",
            Self::NeverTouch => "never_touch",
        }
    }
}

impl Finding {
    /// Nothing is to be done.
    pub fn ok(check: Check, found: impl Into<String>) -> Self {
        Self::new(check, Level::Ok, "", found, "")
    }

    /// Somebody should look at it.
    pub fn warn(
        check: Check,
        code: &'static str,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self::new(check, Level::Warn, code, found, advice)
    }

    /// It does not work.
    pub fn fail(
        check: Check,
        code: &'static str,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self::new(check, Level::Fail, code, found, advice)
    }

    fn new(
        check: Check,
        level: Level,
        code: &'static str,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self { check, connection: None, level, code, found: found.into(), advice: advice.into() }
    }

    /// The finding as one of this connection.
    #[must_use]
    pub fn of(mut self, connection: &str) -> Self {
        self.connection = Some(connection.to_owned());
        self
    }
}

impl Report {
    /// The worst of the findings.
    pub fn level(&self) -> Level {
        self.findings.iter().map(|finding| finding.level).max().unwrap_or(Level::Ok)
    }

    /// The exit code: 0 all is well, 1 somebody should look, 2 something does not work.
    pub fn exit_code(&self) -> u8 {
        match self.level() {
            Level::Ok => 0,
            Level::Warn => 1,
            Level::Fail => 2,
        }
    }

    /// The report for programs.
    pub fn to_json(&self) -> Value {
        let findings: Vec<Value> = self
            .findings
            .iter()
            .map(|finding| {
                json!({
                    "check": finding.check.name(),
                    "connection": finding.connection,
                    "level": finding.level.name(),
                    "code": finding.code,
                    "found": finding.found,
                    "advice": finding.advice,
                })
            })
            .collect();
        json!({ "level": self.level().name(), "findings": findings })
    }
}

impl fmt::Display for Report {
    /// The report for people: a line a finding, and beneath it what to do.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut about: Option<&str> = None;
        for finding in &self.findings {
            if let Some(connection) = finding.connection.as_deref()
                && about != Some(connection)
            {
                writeln!(f, "\nConnection {connection}")?;
                about = Some(connection);
            }
            writeln!(f, "{:<5} {:<14} {}", finding.level.name(), finding.check.name(), finding.found)?;
            if !finding.advice.is_empty() {
                writeln!(f, "{:21}{}", "", finding.advice)?;
            }
        }
        let count = |level| self.findings.iter().filter(|finding| finding.level == level).count();
        match (count(Level::Fail), count(Level::Warn)) {
            (0, 0) => writeln!(f, "\nAll is well."),
            (fails, warns) => writeln!(f, "\n{fails} failed, {warns} to look at."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(levels: &[Level]) -> Report {
        let findings = levels.iter().map(|level| Finding {
            level: *level,
            ..Finding::warn(Check::Token, "wrong_secret", "found", "do this").of("contoso")
        });
        Report { findings: findings.collect() }
    }

    #[test]
    fn the_exit_code_is_that_of_the_worst() {
        assert_eq!(report(&[]).exit_code(), 0);
        assert_eq!(report(&[Level::Ok, Level::Ok]).exit_code(), 0);
        assert_eq!(report(&[Level::Warn, Level::Ok]).exit_code(), 1);
        assert_eq!(report(&[Level::Ok, Level::Fail, Level::Warn]).exit_code(), 2);
    }

    #[test]
    fn a_report_names_the_connection_once_and_what_to_do() {
        let text = report(&[Level::Fail, Level::Warn]).to_string();
        assert_eq!(text.matches("Connection contoso").count(), 1, "{text}");
        assert_eq!(text.matches("do this").count(), 2, "{text}");
        assert!(text.ends_with("1 failed, 1 to look at.\n"), "{text}");
    }

    #[test]
    fn a_report_can_be_read_by_programs() {
        let json = report(&[Level::Warn]).to_json();
        assert_eq!(json["level"], "warn");
        assert_eq!(
            json["findings"][0],
            json!({"check": "token", "connection": "contoso", "level": "warn", "code": "wrong_secret",
                "found": "found", "advice": "do this"})
        );
    }
}
