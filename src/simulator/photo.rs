//! `/users/{id}/photo/$value`.

use std::fmt::Write as _;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use super::Error;
use super::message::{Body, Request, Response};
use super::refusal::Refusal;
use super::service::Service;

/// The largest photo, in bytes.
const LIMIT: usize = 4 * 1024 * 1024;

/// A user's photo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Photo(pub(super) Vec<u8>);

impl Photo {
    /// The media type that the first bytes tell; none for what is neither a JPEG nor a PNG.
    pub(super) fn kind(bytes: &[u8]) -> Option<&'static str> {
        if bytes.starts_with(&[0xff, 0xd8, 0xff]) {
            return Some("image/jpeg");
        }
        bytes.starts_with(b"\x89PNG\r\n\x1a\n").then_some("image/png")
    }
}

impl Photo {
    /// A photo that a test gives in base64; none where the text is empty.
    pub(super) fn seeded(text: &str) -> Result<Option<Arc<Self>>, Error> {
        let bytes = STANDARD.decode(text).map_err(|_| Error::Seed("the photo is not base64".to_owned()))?;
        Ok((!bytes.is_empty()).then(|| Arc::new(Self(bytes))))
    }

    /// The SHA-256 of its bytes, in hexadecimal digits.
    pub(super) fn digest(&self) -> String {
        Sha256::digest(&self.0).iter().fold(String::new(), |mut text, byte| {
            // Writing to a text never fails.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

/// In a journal it is base64.
impl Serialize for Photo {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        STANDARD.encode(&self.0).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Photo {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map(Self).map_err(serde::de::Error::custom)
    }
}

/// `GET /users/{id}/photo/$value`.
pub(super) fn get(service: &Service, key: &str) -> Result<Response, Refusal> {
    let account = service.read().find(key).cloned().ok_or_else(|| Refusal::not_found(key))?;
    let photo = account.photo.as_ref().ok_or_else(absent)?;
    let kind = Photo::kind(&photo.0).unwrap_or("image/jpeg");
    Ok(Response { status: 200, headers: Vec::new(), body: Body::Bytes(kind, photo.0.clone()) })
}

/// `PUT /users/{id}/photo/$value`: 200 without a body. (That it takes nothing but images is documented; the words of
/// the refusals are not.)
pub(super) fn put(service: &Service, request: &Request, key: &str) -> Result<Response, Refusal> {
    let kind = request.header("content-type").unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_lowercase();
    if kind != "image/jpeg" && kind != "image/png" {
        return Err(Refusal::new(415, "UnsupportedMediaType", "The Content-Type must be that of an image."));
    }
    if request.body.len() > LIMIT {
        return Err(Refusal::new(413, "RequestEntityTooLarge", "The image is larger than 4 MB."));
    }
    if Photo::kind(&request.body) != Some(kind.as_str()) {
        return Err(Refusal::new(400, "ErrorInvalidImage", "The content is not a valid image of its type."));
    }
    service.write().set_photo(key, Some(Arc::new(Photo(request.body.clone()))))?;
    Ok(Response { status: 200, headers: Vec::new(), body: Body::Empty })
}

fn absent() -> Refusal {
    Refusal::new(
        404,
        "ImageNotFound",
        "Exception of type 'Microsoft.Fast.Profile.Core.Exception.ImageNotFoundException' was thrown.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_tell_the_kind() {
        assert_eq!(Photo::kind(&[0xff, 0xd8, 0xff, 0xe0]), Some("image/jpeg"));
        assert_eq!(Photo::kind(b"\x89PNG\r\n\x1a\nIHDR"), Some("image/png"));
        assert_eq!(Photo::kind(b"GIF89a"), None);
        assert_eq!(Photo::kind(&[]), None);
    }

    #[test]
    fn a_journal_holds_it_as_base64() {
        let photo = Photo(vec![0xff, 0xd8, 0xff]);
        let text = serde_json::to_string(&photo).unwrap();
        assert_eq!(text, "\"/9j/\"");
        assert_eq!(serde_json::from_str::<Photo>(&text).unwrap(), photo);
    }
}
