//! What the directory did, as JSON Lines, so that a restart finds it again.
//!
//! Each line is written with one system call before its change is answered: a process that is killed loses nothing.
//! (A machine that loses power may; nothing here is worth a sync for each write.)

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::account::Account;

/// One line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Line {
    /// The object as it is now.
    Put(Box<Account>),
    /// The object is gone for good.
    Purge(Uuid),
}

/// An open journal.
#[derive(Debug)]
pub(super) struct Journal {
    file: File,
}

impl Journal {
    /// Opens the journal at `path`, or begins it, and returns what it holds. The file is rewritten without what was overtaken.
    pub(super) fn open(path: &Path) -> io::Result<(Self, Vec<Account>)> {
        let accounts = match fs::read(path) {
            Ok(bytes) => replay(&bytes)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let fresh = beside(path);
        let mut compact = Vec::new();
        for account in &accounts {
            line(&mut compact, &Line::Put(Box::new(account.clone())))?;
        }
        fs::write(&fresh, compact)?;
        fs::rename(&fresh, path)?;
        let file = OpenOptions::new().append(true).open(path)?;
        Ok((Self { file }, accounts))
    }

    /// Writes the object as it is now.
    pub(super) fn put(&mut self, account: &Account) -> io::Result<()> {
        self.append(&Line::Put(Box::new(account.clone())))
    }

    /// Writes that the object is gone for good.
    pub(super) fn purge(&mut self, id: Uuid) -> io::Result<()> {
        self.append(&Line::Purge(id))
    }

    fn append(&mut self, entry: &Line) -> io::Result<()> {
        let mut bytes = Vec::new();
        line(&mut bytes, entry)?;
        self.file.write_all(&bytes)
    }
}

fn line(out: &mut Vec<u8>, entry: &Line) -> io::Result<()> {
    serde_json::to_writer(&mut *out, entry)?;
    out.push(b'\n');
    Ok(())
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    PathBuf::from(name)
}

fn replay(bytes: &[u8]) -> io::Result<Vec<Account>> {
    let mut accounts = BTreeMap::new();
    let lines: Vec<&[u8]> = bytes.split(|&b| b == b'\n').collect();
    // Behind the last line break stands either nothing or a line that was torn by a crash, and never answered.
    let whole = lines.len().saturating_sub(1);
    for (number, text) in lines.iter().take(whole).enumerate().filter(|(_, text)| !text.is_empty()) {
        match serde_json::from_slice(text) {
            Ok(Line::Put(account)) => {
                accounts.insert(account.id, *account);
            }
            Ok(Line::Purge(id)) => {
                accounts.remove(&id);
            }
            Err(error) => {
                let message = format!("line {}: {error}", number + 1);
                return Err(io::Error::new(io::ErrorKind::InvalidData, message));
            }
        }
    }
    Ok(accounts.into_values().collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn account(n: u128, name: &str) -> Account {
        let mut account = Account::new(Uuid::from_u128(n));
        account.set("displayName", json!(name));
        account
    }

    #[test]
    fn what_was_put_is_there_again_and_what_was_purged_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/state.jsonl");
        let (mut journal, before) = Journal::open(&path).unwrap();
        assert!(before.is_empty());
        journal.put(&account(1, "Old")).unwrap();
        journal.put(&account(2, "Gone")).unwrap();
        journal.put(&account(1, "New")).unwrap();
        journal.purge(Uuid::from_u128(2)).unwrap();
        drop(journal);

        let (_, after) = Journal::open(&path).unwrap();
        assert_eq!(after.len(), 1);
        assert_eq!(after[0].text("displayName"), Some("New"));
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 1, "compacted");
    }

    #[test]
    fn a_torn_last_line_is_passed_over_and_a_broken_one_before_it_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.jsonl");
        let (mut journal, _) = Journal::open(&path).unwrap();
        journal.put(&account(1, "Whole")).unwrap();
        journal.file.write_all(b"{\"put\":{\"id\":").unwrap();
        drop(journal);
        let (mut journal, after) = Journal::open(&path).unwrap();
        assert_eq!(after.len(), 1);
        journal.file.write_all(b"nonsense\n").unwrap();
        drop(journal);
        let error = Journal::open(&path).unwrap_err();
        assert!(error.to_string().starts_with("line 2:"), "{error}");
    }
}
