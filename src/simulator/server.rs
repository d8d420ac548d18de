//! The HTTP server around the service.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;

use actix_web::body::{BodyStream, SizedStream};
use actix_web::dev::Server;
use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{Bytes, Data, Payload};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use futures_util::{Stream, StreamExt as _, stream};

use super::control;
use super::message::{Body, Request, Response};
use super::service::Service;

/// The largest body: 4 MB, as Graph's photos and requests may be.
const LIMIT: usize = 4 * 1024 * 1024;

/// A server on `listener`, not yet driven.
pub(super) fn run(listener: TcpListener, service: Arc<Service>, workers: usize) -> io::Result<Server> {
    let server = HttpServer::new(move || {
        App::new().app_data(Data::from(Arc::clone(&service))).default_service(web::to(answer))
    });
    Ok(server.workers(workers.max(1)).disable_signals().shutdown_timeout(1).listen(listener)?.run())
}

async fn answer(http: HttpRequest, payload: Payload, service: Data<Service>) -> HttpResponse {
    let body = match payload.to_bytes_limited(LIMIT).await {
        Ok(Ok(body)) => body.to_vec(),
        Ok(Err(_)) => return closed(),
        Err(_) => return HttpResponse::PayloadTooLarge().finish(),
    };
    let request = request(&http, body);
    let service = service.into_inner();
    let response = if control::is_for(&request) {
        Some(control::answer(&service, &request).await)
    } else {
        service.serve(request).await
    };
    response.map_or_else(closed, |response| render(&response))
}

fn request(http: &HttpRequest, body: Vec<u8>) -> Request {
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let headers = http
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), text(value.as_bytes())))
        .collect();
    Request {
        method: http.method().as_str().to_owned(),
        path: http.uri().path().to_owned(),
        query: http.uri().query().unwrap_or_default().to_owned(),
        headers,
        body,
        base: format!("http://{}", http.connection_info().host()),
    }
}

fn render(response: &Response) -> HttpResponse {
    let status = StatusCode::from_u16(response.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut builder = HttpResponse::build(status);
    for header in &response.headers {
        builder.insert_header((header.0, header.1.as_str()));
    }
    let (kind, bytes) = response.body.bytes();
    if !kind.is_empty() {
        builder.insert_header((CONTENT_TYPE, kind));
    }
    match &response.body {
        Body::Empty => builder.finish(),
        Body::Half(_) => builder.body(half(bytes)),
        Body::Huge(length) => {
            builder.insert_header((CONTENT_TYPE, "application/json"));
            builder.body(SizedStream::new(*length, huge(*length)))
        }
        _ => builder.body(bytes),
    }
}

/// The first half of a body whose whole length is announced.
fn half(bytes: Vec<u8>) -> SizedStream<impl Stream<Item = io::Result<Bytes>>> {
    let (length, middle) = (bytes.len(), bytes.len().div_ceil(2));
    let first = Bytes::from(bytes).slice(..middle);
    let torn = async {
        // What is ready is sent before a body that has nothing more; an error would take it along.
        tokio::task::yield_now().await;
        Err(io::Error::from(io::ErrorKind::ConnectionReset))
    };
    SizedStream::new(length as u64, stream::iter([Ok(first)]).chain(stream::once(torn)))
}

/// An endless list of blanks, cut behind so many bytes.
fn huge(length: u64) -> impl Stream<Item = io::Result<Bytes>> {
    const CHUNK: usize = 64 * 1024;
    let chunk = Bytes::from(vec![b' '; CHUNK]);
    stream::unfold(length, move |left| {
        let chunk = chunk.clone();
        async move {
            let size = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
            (size > 0).then(|| (Ok(chunk.slice(..size)), left - size as u64))
        }
    })
}

/// Closes the connection without an answer: a body that fails before its first byte takes the unsent head with it.
fn closed() -> HttpResponse {
    let broken = io::Error::from(io::ErrorKind::ConnectionReset);
    HttpResponse::Ok().body(BodyStream::new(stream::iter([Err::<Bytes, io::Error>(broken)])))
}
