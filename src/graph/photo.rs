//! An account's photo.

use std::fmt::{self, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_PAD_INDIFFERENT;
use sha2::{Digest as _, Sha256};

use super::request::Request;
use super::{AccountId, Call, Error, Graph, Operation, Reply};

/// The most bytes of a photo ("Update profilePhoto").
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// What kind of picture it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PhotoKind {
    /// `image/jpeg`
    Jpeg,
    /// `image/png`
    Png,
}

impl PhotoKind {
    /// By the first bytes (ISO 10918-1 §B.1.1.3 and PNG §5.2), since what a sender calls it is often wrong.
    fn of(bytes: &[u8]) -> Option<Self> {
        if bytes.starts_with(&[0xFF, 0xD8, 0xFF]) {
            return Some(Self::Jpeg);
        }
        bytes.starts_with(b"\x89PNG\r\n\x1a\n").then_some(Self::Png)
    }

    /// The content type that Graph is told.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
        }
    }
}

/// A picture that Graph takes as a photo: JPEG or PNG, at most 4 MiB.
#[derive(Clone, PartialEq, Eq)]
pub struct Photo {
    kind: PhotoKind,
    bytes: Vec<u8>,
}

/// Why a text holds no photo that Graph takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum InvalidPhoto {
    #[error(
        "The photo is not inside the request: send it as data:image/jpeg;base64,… or data:image/png;base64,…."
    )]
    NotData,
    #[error(
        "The photo's Base64 cannot be read: send it as data:image/jpeg;base64,… without other characters."
    )]
    Encoding,
    #[error("The photo is larger than 4 MiB, the most that Microsoft 365 takes: send a smaller picture.")]
    TooLarge,
    #[error("The photo is neither a JPEG nor a PNG picture, the two that Microsoft 365 takes: convert it.")]
    Kind,
}

impl Photo {
    /// Reads a `data:` URI in Base64 (RFC 2397). The kind is told by the picture itself, not by the media type.
    pub fn from_data_uri(uri: &str) -> Result<Self, InvalidPhoto> {
        let (scheme, rest) = uri.trim().split_once(':').ok_or(InvalidPhoto::NotData)?;
        let (media, data) = rest.split_once(',').ok_or(InvalidPhoto::NotData)?;
        let encoded = media.rsplit(';').next().is_some_and(|last| last.trim().eq_ignore_ascii_case("base64"));
        if !scheme.eq_ignore_ascii_case("data") || !encoded {
            return Err(InvalidPhoto::NotData);
        }
        // Four characters hold three bytes; line breaks come on top.
        if data.len() / 3 > MOST_BYTES {
            return Err(InvalidPhoto::TooLarge);
        }
        let data: Vec<u8> = data.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
        let bytes = STANDARD_PAD_INDIFFERENT.decode(data).map_err(|_| InvalidPhoto::Encoding)?;
        Self::new(bytes)
    }

    /// The picture of these bytes.
    pub fn new(bytes: Vec<u8>) -> Result<Self, InvalidPhoto> {
        if bytes.len() > MOST_BYTES {
            return Err(InvalidPhoto::TooLarge);
        }
        let kind = PhotoKind::of(&bytes).ok_or(InvalidPhoto::Kind)?;
        Ok(Self { kind, bytes })
    }

    /// What kind of picture it is.
    pub const fn kind(&self) -> PhotoKind {
        self.kind
    }

    /// The picture itself.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// SHA-256 in hexadecimal digits, by which the same picture is known again.
    pub fn digest(&self) -> String {
        Sha256::digest(&self.bytes).iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }
}

impl fmt::Debug for Photo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Photo({:?}, {} bytes)", self.kind, self.bytes.len())
    }
}

impl Graph {
    /// Sets the account's photo in the place of another: `PUT /users/{id}/photo/$value` ("Update profilePhoto"). It can be
    /// [`Error::NotFound`] for some time after the account was made.
    pub async fn set_photo(
        &self,
        call: &Call,
        account: &AccountId,
        photo: &Photo,
    ) -> Result<Reply<()>, Error> {
        let target = format!("users/{account}/photo/$value");
        let request =
            Request::put(Operation::SetPhoto, target).bytes(photo.kind.content_type(), photo.bytes.clone());
        self.0.execute(call, request).await?.nothing()
    }
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;
    use rstest::rstest;

    use super::*;

    const JPEG: &[u8] = &[0xFF, 0xD8, 0xFF, 0xE0, 1, 2, 3];
    const PNG: &[u8] = b"\x89PNG\r\n\x1a\nrest";

    fn uri(media: &str, bytes: &[u8]) -> String {
        format!("data:{media},{}", STANDARD.encode(bytes))
    }

    #[rstest]
    #[case(uri("image/jpeg;base64", JPEG), PhotoKind::Jpeg)]
    #[case(uri("image/png;base64", JPEG), PhotoKind::Jpeg)]
    #[case(uri("image/png;base64", PNG), PhotoKind::Png)]
    #[case(uri(";BASE64", PNG), PhotoKind::Png)]
    #[case(uri("image/jpeg;name=a;base64", JPEG).replace("data", "DATA").replace('=', ""), PhotoKind::Jpeg)]
    #[case(format!(" data:image/jpeg;base64,\r\n{}\r\n", STANDARD.encode(JPEG)), PhotoKind::Jpeg)]
    fn pictures_that_are_taken(#[case] uri: String, #[case] kind: PhotoKind) {
        let photo = Photo::from_data_uri(&uri).unwrap();
        assert_eq!(photo.kind(), kind);
        assert_eq!(photo.bytes(), if kind == PhotoKind::Jpeg { JPEG } else { PNG });
    }

    #[rstest]
    #[case("https://example.com/ada.jpg", InvalidPhoto::NotData)]
    #[case("", InvalidPhoto::NotData)]
    #[case("data:image/jpeg,%FF%D8", InvalidPhoto::NotData)]
    #[case("data:image/jpeg;base64,%%%%", InvalidPhoto::Encoding)]
    #[case("data:image/gif;base64,R0lGODlh", InvalidPhoto::Kind)]
    #[case("data:image/jpeg;base64,", InvalidPhoto::Kind)]
    fn pictures_that_are_refused(#[case] uri: &str, #[case] why: InvalidPhoto) {
        assert_eq!(Photo::from_data_uri(uri), Err(why));
    }

    #[test]
    fn four_mebibytes_are_the_most() {
        let of = |length: usize| {
            let mut bytes = PNG.to_vec();
            bytes.resize(length, 0);
            Photo::from_data_uri(&uri("image/png;base64", &bytes)).map(|photo| photo.bytes().len())
        };
        assert_eq!(of(MOST_BYTES), Ok(MOST_BYTES));
        assert_eq!(of(MOST_BYTES + 1), Err(InvalidPhoto::TooLarge));
        assert_eq!(of(MOST_BYTES * 2), Err(InvalidPhoto::TooLarge));
    }

    #[test]
    fn a_picture_is_known_by_its_digest_and_not_shown() {
        let photo = Photo::new(PNG.to_vec()).unwrap();
        assert_eq!(photo.digest().len(), 64);
        assert_eq!(photo.digest(), photo.clone().digest());
        assert_ne!(photo.digest(), Photo::new(JPEG.to_vec()).unwrap().digest());
        assert_eq!(format!("{photo:?}"), "Photo(Png, 12 bytes)");
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_fail(text: String) {
            let _ = Photo::from_data_uri(&text);
            let _ = Photo::from_data_uri(&format!("data:;base64,{text}"));
        }
    }
}
