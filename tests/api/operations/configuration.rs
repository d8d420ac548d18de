//! `gangway config`: what can be used, and which setting from where cannot.

use std::fs;
use std::path::Path;

use crate::support::{Ended, command};

async fn check(folder: &Path, settings: &[(&str, &str)]) -> Ended {
    command(folder, &["config", "check"], settings).await
}

#[tokio::test(flavor = "multi_thread")]
async fn good_settings_from_all_sources_can_be_used() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    assert_eq!(check(folder, &[]).await.well(), "the configuration can be used\n");
    let default = command(folder, &["config", "default"], &[]).await;
    fs::write(folder.join("all.toml"), default.well()).unwrap();
    let all = command(folder, &["config", "check", "--config", "all.toml"], &[]).await;
    all.well();
    fs::write(folder.join("gangway.toml"), "[defaults.password]\nmax = 64\n").unwrap();
    let settings = [
        ("GANGWAY_DEFAULTS__ROUTING__UNMATCHED", "refuse"),
        ("GANGWAY_DEFAULTS__PASSWORD__MIN", "12"),
        ("GANGWAY_DATABASE_URL", "postgres://gangway:1234@127.0.0.1/gangway"),
        ("GANGWAY_BOOTSTRAP_TOKEN", "1234567890123456"),
        ("GANGWAY_LISTEN", "[::1]:8443"),
        ("GANGWAY_LOG_FORMAT", "json"),
    ];
    check(folder, &settings).await.well();
    let entries: Vec<_> = folder.read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(entries.len(), 2, "a check makes nothing: {entries:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_in_the_environment_is_named_with_its_source() {
    let folder = tempfile::tempdir().unwrap();
    for (name, value, says) in [
        ("GANGWAY_MAX_BODY_BYTES", "many", &["max_body_bytes", "GANGWAY_", "environment"][..]),
        ("GANGWAY_LISTEN", "everywhere", &["listen", "environment"]),
        ("GANGWAY_NO_SUCH_SETTING", "1", &["no_such_setting"]),
        ("GANGWAY_WORKER__NO_SUCH_SETTING", "1", &["no_such_setting"]),
        ("GANGWAY_SETTLE_DEADLINE", "a while", &["settle_deadline", "environment"]),
        ("GANGWAY_SIMULATOR__MODE", "perhaps", &["mode", "perhaps", "built_in", "external", "off"]),
        ("GANGWAY_SIMULATOR__MODE", "external", &["simulator.url"]),
        ("GANGWAY_DEFAULTS__ROUTING__UNMATCHED", "somewhere", &["unmatched", "somewhere", "refuse"]),
        ("GANGWAY_DEFAULTS__PASSWORD__MIN", "4", &["password.min", "8 <= min"]),
        ("GANGWAY_DEFAULTS__PASSWORD__MAX", "300", &["password.max"]),
        ("GANGWAY_DEFAULTS__ON_DELETE", "purge", &["on_delete", "purge", "soft_delete"]),
        ("GANGWAY_LOG", "gangway=[", &["log", "info,gangway=debug"]),
        ("GANGWAY_LOG_FORMAT", "xml", &["log_format", "xml", "json"]),
        ("GANGWAY_CONFIG", "missing.toml", &["missing.toml", "is not there", "GANGWAY_CONFIG"]),
    ] {
        let ended = check(folder.path(), &[(name, value)]).await;
        for says in says {
            // The environment's names are in capitals.
            assert!(
                ended.badly().to_lowercase().contains(&says.to_lowercase()),
                "{name}={value} does not say {says}: {ended:?}"
            );
        }
        let serve = command(folder.path(), &[], &[(name, value)]).await;
        assert_eq!(serve.badly(), ended.stderr, "the server says the same");
    }
    assert_eq!(folder.path().read_dir().unwrap().count(), 0, "and makes nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_in_a_file_is_named_with_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (text, says) in [
        ("lisen = '127.0.0.1:1'", &["lisen", "gangway.toml"][..]),
        ("max_body_bytes = 'many'", &["max_body_bytes", "gangway.toml"]),
        ("listen = ", &["gangway.toml"]),
        ("[defaults.pasword]\nmin = 9", &["pasword", "gangway.toml"]),
        ("[worker]\nlease = 5", &["lease", "gangway.toml"]),
    ] {
        fs::write(folder.join("gangway.toml"), text).unwrap();
        let ended = check(folder, &[]).await;
        for says in says {
            assert!(ended.badly().contains(says), "{text} does not say {says}: {ended:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_in_a_message_about_settings() {
    let folder = tempfile::tempdir().unwrap();
    for (name, value) in [
        ("GANGWAY_DATABASE_URL", "postgres://gangway:Sesame-Open@127.0.0.1:9/gangway"),
        ("GANGWAY_DATABASE_URL", "nonsense://gangway:Sesame-Open@127.0.0.1:9/gangway"),
        ("GANGWAY_DATABASE_URL", "Sesame-Open"),
        ("GANGWAY_MASTER_KEY", "Sesame-Open"),
        ("GANGWAY_BOOTSTRAP_TOKEN", "Sesame-Open and blanks"),
    ] {
        let folder_name = folder.path().to_str().unwrap();
        let settings = [(name, value), ("GANGWAY_DATA_DIR", folder_name), ("GANGWAY_LOG", "trace")];
        let ended = command(folder.path(), &["migrate"], &settings).await;
        assert!(!ended.badly().is_empty(), "{name}={value} is refused with a sentence");
        assert!(!ended.stderr.contains("Sesame"), "{name}={value}: {}", ended.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn flags_override_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let bad = [("GANGWAY_LISTEN", "everywhere"), ("GANGWAY_LOG", "[")];
    let arguments = ["config", "check", "--listen", "127.0.0.1:1", "--log", "info"];
    command(folder.path(), &arguments, &bad).await.well();
    let shells = command(folder.path(), &["completions", "bash"], &[]).await;
    assert!(shells.well().contains("gangway"));
    for (arguments, says) in [(&["nonsense"][..], "nonsense"), (&["serve", "--listn", "x"], "--listn")] {
        let ended = command(folder.path(), arguments, &[]).await;
        assert!(ended.badly().contains(says), "{ended:?}");
    }
}
