//! HEAD wherever GET is (RFC 9110 §9.3.2).

use actix_web::Error;
use actix_web::body::{self, BodySize, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::Next;

/// Lets GET answer a HEAD. The server sends the headers only, with the length that the body would have; a body whose
/// length nobody knows before it is made is not made.
pub(super) async fn by_get(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let is_head = request.method() == Method::HEAD;
    if is_head {
        request.head_mut().method = Method::GET;
    }
    let response = next.call(request).await?;
    let unmade = is_head && response.response().body().size() == BodySize::Stream;
    Ok(response.map_body(
        |_, body| {
            if unmade { EitherBody::right(body::None::new()) } else { EitherBody::left(body) }
        },
    ))
}
