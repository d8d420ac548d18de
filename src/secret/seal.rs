//! Sealing with the installation's key: XChaCha20-Poly1305, a random 24-byte nonce for each message.

use std::fmt;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead as _, Generate as _, Key, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

const FORMAT: u8 = 1;
const KEY_ID_LENGTH: usize = 4;
const NONCE_LENGTH: usize = 24;
const HEADER_LENGTH: usize = 1 + KEY_ID_LENGTH + NONCE_LENGTH;
const KEY_FILE: &str = "master.key";

/// The installation's key. Whoever has it and the database can read the sealed credentials.
#[derive(Clone)]
pub struct MasterKey {
    cipher: XChaCha20Poly1305,
    id: [u8; KEY_ID_LENGTH],
}

/// A message that only the installation's key opens: format, key id, nonce, ciphertext.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(Vec<u8>);

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The text is not a key.
    #[error(
        "the master key is not 32 bytes in base64; make one with `openssl rand -base64 32` and set GANGWAY_MASTER_KEY"
    )]
    Malformed,
    /// The key file cannot be read or made.
    #[error(
        "the key file {path} cannot be used ({source}); check its owner and mode, or set GANGWAY_MASTER_KEY"
    )]
    File {
        /// The key file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Why a sealed message cannot be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnsealError {
    /// It was sealed with another key.
    #[error("it was sealed with another master key; start with the key that the database was made with")]
    OtherKey,
    /// It is not what was sealed, or it belongs to something else.
    #[error("the sealed value is damaged or belongs to another record; set it anew")]
    Damaged,
}

impl MasterKey {
    /// Reads a key written as 32 bytes in base64.
    pub fn parse(text: &SecretString) -> Result<Self, KeyError> {
        let bytes = STANDARD.decode(text.expose_secret().trim()).map_err(|_| KeyError::Malformed)?;
        let key = Key::<XChaCha20Poly1305>::try_from(bytes.as_slice()).map_err(|_| KeyError::Malformed)?;
        Ok(Self::new(&key))
    }

    /// The key in `folder`, made there (mode 0600) when there is none.
    pub fn load_or_create(folder: &Path) -> Result<Self, KeyError> {
        let path = folder.join(KEY_FILE);
        let fault = |source| KeyError::File { path: path.clone(), source };
        match fs::read_to_string(&path) {
            Ok(text) => return Self::parse(&text.into()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(fault(error)),
        }
        let key = Key::<XChaCha20Poly1305>::generate();
        write_private(&path, STANDARD.encode(key.as_slice()).as_bytes()).map_err(fault)?;
        Ok(Self::new(&key))
    }

    fn new(key: &Key<XChaCha20Poly1305>) -> Self {
        let digest = Sha256::digest(key);
        let mut id = [0; KEY_ID_LENGTH];
        id.copy_from_slice(&digest[..KEY_ID_LENGTH]);
        Self { cipher: XChaCha20Poly1305::new(key), id }
    }

    /// Seals `secret`; it opens only with the same `owner` (the id of the record that holds it).
    pub fn seal(&self, secret: &SecretString, owner: uuid::Uuid) -> Sealed {
        let nonce = XNonce::generate();
        let message = Payload { msg: secret.expose_secret().as_bytes(), aad: owner.as_bytes() };
        // The cipher refuses only messages beyond 256 GiB; an empty body then fails to open, loudly.
        let body = self.cipher.encrypt(&nonce, message).unwrap_or_default();
        let mut sealed = Vec::with_capacity(HEADER_LENGTH + body.len());
        sealed.push(FORMAT);
        sealed.extend_from_slice(&self.id);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&body);
        Sealed(sealed)
    }

    /// Opens what [`MasterKey::seal`] made for `owner`.
    pub fn open(&self, sealed: &Sealed, owner: uuid::Uuid) -> Result<SecretString, UnsealError> {
        let (header, body) = sealed.0.split_at_checked(HEADER_LENGTH).ok_or(UnsealError::Damaged)?;
        if header[0] != FORMAT {
            return Err(UnsealError::Damaged);
        }
        if header[1..=KEY_ID_LENGTH] != self.id {
            return Err(UnsealError::OtherKey);
        }
        let nonce = XNonce::try_from(&header[1 + KEY_ID_LENGTH..]).map_err(|_| UnsealError::Damaged)?;
        let message = Payload { msg: body, aad: owner.as_bytes() };
        let plain = self.cipher.decrypt(&nonce, message).map_err(|_| UnsealError::Damaged)?;
        String::from_utf8(plain).map(SecretString::from).map_err(|_| UnsealError::Damaged)
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

impl Sealed {
    /// The bytes as they are stored.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[sealed]")
    }
}

impl From<Vec<u8>> for Sealed {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl From<Sealed> for Vec<u8> {
    fn from(sealed: Sealed) -> Self {
        sealed.0
    }
}

/// Writes a file that only its owner can read, whole or not at all.
fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let draft = path.with_extension("new");
    let mut file = options.open(&draft)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&draft, path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn key() -> MasterKey {
        MasterKey::parse(&STANDARD.encode([7; 32]).into()).unwrap()
    }

    #[test]
    fn what_is_sealed_opens_for_its_owner_only() {
        let owner = Uuid::from_u128(1);
        let sealed = key().seal(&"Ab3-xY7q".into(), owner);
        assert_eq!(key().open(&sealed, owner).unwrap().expose_secret(), "Ab3-xY7q");
        assert_eq!(key().open(&sealed, Uuid::from_u128(2)).unwrap_err(), UnsealError::Damaged);
        assert!(!String::from_utf8_lossy(sealed.as_bytes()).contains("Ab3-xY7q"));
    }

    #[test]
    fn another_key_is_told_from_damage() {
        let owner = Uuid::from_u128(1);
        let sealed = key().seal(&"secret".into(), owner);
        let other = MasterKey::parse(&STANDARD.encode([8; 32]).into()).unwrap();
        assert_eq!(other.open(&sealed, owner).unwrap_err(), UnsealError::OtherKey);
        let mut bent = sealed.as_bytes().to_vec();
        *bent.last_mut().unwrap() ^= 1;
        assert_eq!(key().open(&bent.into(), owner).unwrap_err(), UnsealError::Damaged);
        assert_eq!(key().open(&vec![1, 2].into(), owner).unwrap_err(), UnsealError::Damaged);
    }

    #[test]
    fn the_key_file_is_made_once_and_private() {
        let folder = tempfile::tempdir().unwrap();
        let sealed = MasterKey::load_or_create(folder.path()).unwrap().seal(&"x".into(), Uuid::nil());
        let again = MasterKey::load_or_create(folder.path()).unwrap();
        assert_eq!(again.open(&sealed, Uuid::nil()).unwrap().expose_secret(), "x");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(folder.path().join(KEY_FILE)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_short_key_is_refused() {
        assert!(matches!(MasterKey::parse(&"c2hvcnQ=".into()), Err(KeyError::Malformed)));
    }
}
