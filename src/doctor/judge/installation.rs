//! This computer and the database.

use std::fmt::Display;
use std::path::Path;

use super::super::facts::{Database, Folder, Installation, Key};
use super::super::{Check, Finding};

/// What is to be said of this computer and the database.
pub fn installation(seen: &Installation) -> Vec<Finding> {
    vec![
        Finding::ok(Check::Configuration, "it can be used"),
        folder(&seen.folder),
        key(&seen.key, &seen.database),
        database(&seen.database),
    ]
}

/// The connections could not be read.
pub fn unreadable(error: &impl Display) -> Finding {
    Finding::fail(Check::Database, "unreadable", "the connections cannot be read", format!("{error}"))
}

fn folder(folder: &Folder) -> Finding {
    match folder {
        Folder::Good(path) => Finding::ok(Check::DataFolder, path.display().to_string()),
        Folder::Missing(path) => Finding::warn(
            Check::DataFolder,
            "missing",
            format!("{} is not there yet", path.display()),
            "The first start makes it; if Gangway has run before, give --data-dir or GANGWAY_DATA_DIR as it had them.",
        ),
        Folder::Open(path, mode) => Finding::warn(
            Check::DataFolder,
            "open",
            format!("{} can be looked into by others (mode {mode:03o})", path.display()),
            format!("`chmod 700 {}`.", path.display()),
        ),
        Folder::Unusable(path, reason) => Finding::fail(
            Check::DataFolder,
            "unusable",
            format!("{} cannot be used: {reason}", path.display()),
            "Check GANGWAY_DATA_DIR, and that the folder belongs to the user whom Gangway runs as.",
        ),
    }
}

fn key(key: &Key, database: &Database) -> Finding {
    match key {
        Key::Configured => Finding::ok(Check::MasterKey, "it comes from the configuration"),
        Key::File(path) => Finding::ok(Check::MasterKey, path.display().to_string()),
        Key::OpenFile(path, mode) => open_key(path, *mode),
        // A database without its key: what is sealed in it is lost, unless the key is found.
        Key::Missing(path) if matches!(database, Database::Open { .. }) => Finding::fail(
            Check::MasterKey,
            "missing",
            format!(
                "there is a database and no key, neither in GANGWAY_MASTER_KEY nor at {}",
                path.display()
            ),
            "Start with the key that the database was made with; without it the credentials must be set anew.",
        ),
        Key::Missing(path) => Finding::warn(
            Check::MasterKey,
            "missing",
            format!("there is none yet at {}", path.display()),
            "The first start makes it. Keep a copy apart from the database's.",
        ),
        Key::Unusable(sentence) => {
            Finding::fail(Check::MasterKey, "unusable", "it cannot be used", capital(sentence))
        }
    }
}

fn open_key(path: &Path, mode: u32) -> Finding {
    Finding::warn(
        Check::MasterKey,
        "open",
        format!("{} can be read by others (mode {mode:03o})", path.display()),
        format!("`chmod 600 {}`: whoever has it and the database can read the credentials.", path.display()),
    )
}

fn database(database: &Database) -> Finding {
    match database {
        Database::Absent(place) => Finding::warn(
            Check::Database,
            "missing",
            format!("{place} is not there yet"),
            "The first start makes it; if Gangway has run before, give the settings that it had.",
        ),
        Database::Unusable(sentence) => {
            Finding::fail(Check::Database, "unusable", "it cannot be opened", sentence.clone())
        }
        Database::Open { place, unknown: Some(reason), .. } => Finding::fail(
            Check::Database,
            "unknown_tables",
            format!("the tables in {place} are not those of this version: {reason}"),
            "Start the version of Gangway that used it last, or a newer one.",
        ),
        Database::Open { place, behind, .. } if *behind > 0 => Finding::fail(
            Check::Database,
            "behind",
            format!("the tables in {place} are {behind} migrations behind this version"),
            "`gangway migrate`, or start the server, which does the same. Until then nothing else can be looked at.",
        ),
        Database::Open { place, read_only: Some(reason), .. } => Finding::fail(
            Check::Database,
            "read_only",
            format!("{place} cannot be written: {reason}"),
            "Pushes are refused until it can be: look at the disk, at the file's owner, or at PostgreSQL's role and replica.",
        ),
        Database::Open { place, .. } => Finding::ok(Check::Database, format!("{place}, up to date")),
    }
}

fn capital(sentence: &str) -> String {
    let mut letters = sentence.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str().trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::super::Level;
    use super::*;

    fn open() -> Database {
        Database::Open { place: "sqlite://x.db".into(), behind: 0, unknown: None, read_only: None }
    }

    fn good() -> Installation {
        Installation { folder: Folder::Good("data".into()), key: Key::Configured, database: open() }
    }

    fn bad(seen: &Installation) -> Vec<(Check, Level, &'static str)> {
        let bad = installation(seen).into_iter().filter(|finding| finding.level > Level::Ok);
        bad.map(|finding| {
            assert!(!finding.advice.is_empty(), "{finding:?}");
            (finding.check, finding.level, finding.code)
        })
        .collect()
    }

    #[test]
    fn a_good_installation_has_no_fault() {
        assert_eq!(bad(&good()), []);
        assert_eq!(installation(&good()).len(), 4);
    }

    #[rstest]
    #[case::missing(Folder::Missing("data".into()), Level::Warn, "missing")]
    #[case::open(Folder::Open("data".into(), 0o755), Level::Warn, "open")]
    #[case::unusable(Folder::Unusable("data".into(), "denied".into()), Level::Fail, "unusable")]
    fn a_folder_is_judged(#[case] folder: Folder, #[case] level: Level, #[case] code: &'static str) {
        assert_eq!(bad(&Installation { folder, ..good() }), [(Check::DataFolder, level, code)]);
    }

    #[rstest]
    #[case::lost(Key::Missing("k".into()), open(), Level::Fail, "missing")]
    #[case::first(Key::Missing("k".into()), Database::Unusable("x".into()), Level::Warn, "missing")]
    #[case::open(Key::OpenFile("k".into(), 0o644), open(), Level::Warn, "open")]
    #[case::unusable(Key::Unusable("it is short".into()), open(), Level::Fail, "unusable")]
    fn a_key_is_judged(
        #[case] key: Key,
        #[case] database: Database,
        #[case] level: Level,
        #[case] code: &'static str,
    ) {
        let found = bad(&Installation { key, database, ..good() });
        assert_eq!(found[0], (Check::MasterKey, level, code));
    }

    #[rstest]
    #[case::absent(Database::Absent("sqlite://x.db".into()), Level::Warn, "missing")]
    #[case::unusable(Database::Unusable("it is not reached".into()), Level::Fail, "unusable")]
    #[case::behind(Database::Open { place: "x".into(), behind: 2, unknown: None, read_only: None }, Level::Fail, "behind")]
    #[case::newer(
        Database::Open { place: "x".into(), behind: 0, unknown: Some("m0099".into()), read_only: None },
        Level::Fail,
        "unknown_tables"
    )]
    #[case::read_only(
        Database::Open { place: "x".into(), behind: 0, unknown: None, read_only: Some("readonly".into()) },
        Level::Fail,
        "read_only"
    )]
    fn a_database_is_judged(#[case] database: Database, #[case] level: Level, #[case] code: &'static str) {
        assert_eq!(bad(&Installation { database, ..good() }), [(Check::Database, level, code)]);
    }
}
