//! What the directory did, as JSON Lines, so that a restart finds it again.
//!
//! Each line is written with one system call before its change is answered: a process that is killed loses nothing.
//! (A machine that loses power may; nothing here is worth a sync for each write.)

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::account::Account;
use super::directory::Entry;
use super::group::Group;

/// One line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Line {
    /// The object as it is now.
    Put(Box<Account>),
    /// The object is gone for good.
    Purge(Uuid),
    /// The group as it is now; its members stay.
    Group(Box<Group>),
    /// These are members of the group now.
    Joined { group: Uuid, members: Vec<Uuid> },
    /// These are no members of the group any more.
    Left { group: Uuid, members: Vec<Uuid> },
}

/// What a journal holds.
#[derive(Debug, Default)]
pub(super) struct Held {
    pub(super) accounts: BTreeMap<Uuid, Account>,
    pub(super) groups: BTreeMap<Uuid, Group>,
    /// The members of each group that has any.
    pub(super) members: BTreeMap<Uuid, BTreeSet<Uuid>>,
}

impl Held {
    fn apply(&mut self, line: Line) {
        match line {
            Line::Put(account) => {
                self.accounts.insert(account.id, *account);
            }
            Line::Group(group) => {
                self.groups.insert(group.id, *group);
            }
            Line::Joined { group, members } => self.members.entry(group).or_default().extend(members),
            Line::Left { group, members } => {
                let kept = self.members.entry(group).or_default();
                for member in members {
                    kept.remove(&member);
                }
            }
            Line::Purge(id) => {
                self.accounts.remove(&id);
                self.groups.remove(&id);
                self.members.remove(&id);
                for members in self.members.values_mut() {
                    members.remove(&id);
                }
            }
        }
    }

    fn write(&self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        for account in self.accounts.values() {
            line(&mut bytes, &Line::Put(Box::new(account.clone())))?;
        }
        for group in self.groups.values() {
            line(&mut bytes, &Line::Group(Box::new(group.clone())))?;
        }
        for (&group, members) in self.members.iter().filter(|(_, members)| !members.is_empty()) {
            line(&mut bytes, &Line::Joined { group, members: members.iter().copied().collect() })?;
        }
        Ok(bytes)
    }
}

/// An open journal.
#[derive(Debug)]
pub(super) struct Journal {
    file: File,
}

impl Journal {
    /// Opens the journal at `path`, or begins it, and returns what it holds. The file is rewritten without what was overtaken.
    pub(super) fn open(path: &Path) -> io::Result<(Self, Held)> {
        let held = match fs::read(path) {
            Ok(bytes) => replay(&bytes)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Held::default(),
            Err(error) => return Err(error),
        };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let fresh = beside(path);
        fs::write(&fresh, held.write()?)?;
        fs::rename(&fresh, path)?;
        let file = OpenOptions::new().append(true).open(path)?;
        Ok((Self { file }, held))
    }

    /// Writes a change.
    pub(super) fn write(&mut self, entry: &Entry) -> io::Result<()> {
        let line = match entry {
            Entry::Put(account) => Line::Put(Box::new(Account::clone(account))),
            Entry::Purge(id) => Line::Purge(*id),
            Entry::Group(group) => Line::Group(Box::new(Group::clone(group))),
            Entry::Joined { group, members } => Line::Joined { group: *group, members: members.clone() },
            Entry::Left { group, members } => Line::Left { group: *group, members: members.clone() },
        };
        self.append(&line)
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

fn replay(bytes: &[u8]) -> io::Result<Held> {
    let mut held = Held::default();
    let lines: Vec<&[u8]> = bytes.split(|&b| b == b'\n').collect();
    // Behind the last line break stands either nothing or a line that was torn by a crash, and never answered.
    let whole = lines.len().saturating_sub(1);
    for (number, text) in lines.iter().take(whole).enumerate().filter(|(_, text)| !text.is_empty()) {
        match serde_json::from_slice(text) {
            Ok(line) => held.apply(line),
            Err(error) => {
                let message = format!("line {}: {error}", number + 1);
                return Err(io::Error::new(io::ErrorKind::InvalidData, message));
            }
        }
    }
    Ok(held)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;

    fn put(n: u128, name: &str) -> Entry {
        let mut account = Account::new(Uuid::from_u128(n));
        account.set("displayName", json!(name));
        Entry::Put(Arc::new(account))
    }

    #[test]
    fn what_was_put_is_there_again_and_what_was_purged_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/state.jsonl");
        let (mut journal, before) = Journal::open(&path).unwrap();
        assert!(before.accounts.is_empty());
        journal.write(&put(1, "Old")).unwrap();
        journal.write(&put(2, "Gone")).unwrap();
        journal.write(&put(1, "New")).unwrap();
        journal.write(&Entry::Purge(Uuid::from_u128(2))).unwrap();
        drop(journal);

        let (_, after) = Journal::open(&path).unwrap();
        assert_eq!(after.accounts.len(), 1);
        assert_eq!(after.accounts[&Uuid::from_u128(1)].text("displayName"), Some("New"));
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 1, "compacted");
    }

    #[test]
    fn a_group_comes_back_with_its_members() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.jsonl");
        let (mut journal, _) = Journal::open(&path).unwrap();
        let id = Uuid::from_u128;
        let mut group = Group::new(id(9));
        group.set("displayName", json!("Old"));
        journal.write(&Entry::Group(Arc::new(group.clone()))).unwrap();
        journal.write(&Entry::Joined { group: id(9), members: vec![id(1), id(2), id(3)] }).unwrap();
        group.set("displayName", json!("New"));
        journal.write(&Entry::Group(Arc::new(group.clone()))).unwrap();
        journal.write(&Entry::Left { group: id(9), members: vec![id(1)] }).unwrap();
        journal.write(&Entry::Purge(id(2))).unwrap();
        drop(journal);

        for _ in 0..2 {
            let (_, after) = Journal::open(&path).unwrap();
            assert_eq!(after.groups[&id(9)].text("displayName"), Some("New"));
            assert_eq!(after.members[&id(9)], BTreeSet::from([id(3)]));
        }
    }

    #[test]
    fn a_torn_last_line_is_passed_over_and_a_broken_one_before_it_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.jsonl");
        let (mut journal, _) = Journal::open(&path).unwrap();
        journal.write(&put(1, "Whole")).unwrap();
        journal.file.write_all(b"{\"put\":{\"id\":").unwrap();
        drop(journal);
        let (mut journal, after) = Journal::open(&path).unwrap();
        assert_eq!(after.accounts.len(), 1);
        journal.file.write_all(b"nonsense\n").unwrap();
        drop(journal);
        let error = Journal::open(&path).unwrap_err();
        assert!(error.to_string().starts_with("line 2:"), "{error}");
    }
}
