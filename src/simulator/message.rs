//! A request and its answer, free of any server, so that they can be recorded, repeated and tested by themselves.

use serde_json::Value;
use url::form_urlencoded;

use super::refusal::Refusal;

/// A request as it came in.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) method: String,
    /// The path as it was sent, percent-encoded.
    pub(super) path: String,
    /// The query as it was sent, percent-encoded, without `?`.
    pub(super) query: String,
    /// Names in lower case.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    /// Scheme, host and port as the client wrote them, without a slash at the end.
    pub(super) base: String,
}

impl Request {
    /// The value of the header `name` (in lower case).
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The path's segments, decoded.
    pub(super) fn segments(&self) -> Vec<String> {
        self.path.split('/').filter(|part| !part.is_empty()).map(decode).collect()
    }

    /// The query's options, decoded.
    pub(super) fn options(&self) -> Vec<(String, String)> {
        form_urlencoded::parse(self.query.as_bytes()).into_owned().collect()
    }

    /// The body as a form (`application/x-www-form-urlencoded`).
    pub(super) fn form(&self) -> Vec<(String, String)> {
        form_urlencoded::parse(&self.body).into_owned().collect()
    }

    /// Whether `ConsistencyLevel: eventual` was sent: half of an advanced query.
    pub(super) fn eventual(&self) -> bool {
        self.header("consistencylevel").is_some_and(|value| value.eq_ignore_ascii_case("eventual"))
    }

    /// The body as JSON.
    pub(super) fn json(&self) -> Result<Value, Refusal> {
        let kind = self.header("content-type").unwrap_or_default();
        if self.body.is_empty() {
            return Err(Refusal::new(400, "BadRequest", "Empty Payload. JSON content expected."));
        }
        if kind.is_empty() {
            return Err(Refusal::new(
                400,
                "BadRequest",
                "Write requests (excluding DELETE) must contain the Content-Type header declaration.",
            ));
        }
        let media = kind.split(';').next().unwrap_or_default().trim();
        if !media.eq_ignore_ascii_case("application/json") {
            return Err(unreadable());
        }
        serde_json::from_slice(&self.body).map_err(|_| unreadable())
    }
}

fn unreadable() -> Refusal {
    Refusal::new(
        400,
        "BadRequest",
        "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.",
    )
}

fn decode(part: &str) -> String {
    // A path keeps `+` as it is; a form would read it as a blank.
    let escaped = part.replace('+', "%2B");
    form_urlencoded::parse(format!("p={escaped}").replace('&', "%26").as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

/// An answer.
#[derive(Clone, Debug)]
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Body,
}

/// Graph's media type.
const JSON: &str =
    "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8";

/// What an answer carries.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Body {
    Empty,
    Json(Value),
    Text(String),
    /// Bytes of this media type, such as a photo.
    Bytes(&'static str, Vec<u8>),
    /// A text under a media type that a fault rule names.
    Raw(String, String),
    /// The first half of a body, behind which the connection closes.
    Half(Box<Body>),
    /// So many bytes of JSON that never ends well.
    Huge(u64),
}

impl Body {
    /// Whether it is no answer of Graph's but a fault that was asked for.
    pub(super) fn is_broken(&self) -> bool {
        matches!(self, Self::Raw(..) | Self::Half(_) | Self::Huge(_))
    }

    /// The media type and the bytes of a body that has both.
    pub(super) fn bytes(&self) -> (&str, Vec<u8>) {
        match self {
            Self::Empty | Self::Huge(_) => ("", Vec::new()),
            Self::Text(text) => ("text/plain", text.clone().into_bytes()),
            Self::Bytes(kind, bytes) => (kind, bytes.clone()),
            Self::Raw(kind, text) => (kind, text.clone().into_bytes()),
            Self::Half(whole) => whole.bytes(),
            Self::Json(json) => (JSON, json.to_string().into_bytes()),
        }
    }
}

impl Response {
    /// `status` with JSON.
    pub(super) fn json(status: u16, body: Value) -> Self {
        Self { status, headers: Vec::new(), body: Body::Json(body) }
    }

    /// 204.
    pub(super) fn no_content() -> Self {
        Self { status: 204, headers: Vec::new(), body: Body::Empty }
    }

    /// 200 with plain text, as `/$count` answers.
    pub(super) fn text(body: String) -> Self {
        Self { status: 200, headers: Vec::new(), body: Body::Text(body) }
    }
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn a_path_segment_is_decoded_but_keeps_its_plus_and_ampersand() {
        assert_eq!(decode("a+b%40c&d%23"), "a+b@c&d#");
        assert_eq!(decode("a=b%20c"), "a=b c");
    }
}
