//! The HTTP server around the service.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;

use actix_web::body::BodyStream;
use actix_web::dev::Server;
use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{Data, Payload};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use futures_util::stream;

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
    match &response.body {
        Body::Empty => builder.finish(),
        Body::Text(text) => builder.insert_header((CONTENT_TYPE, "text/plain")).body(text.clone()),
        Body::Json(json) => {
            let kind = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8";
            builder.insert_header((CONTENT_TYPE, kind)).body(json.to_string())
        }
    }
}

/// Closes the connection without an answer: a body that fails before its first byte takes the unsent head with it.
fn closed() -> HttpResponse {
    let broken = io::Error::from(io::ErrorKind::ConnectionReset);
    HttpResponse::Ok().body(BodyStream::new(stream::iter([Err::<web::Bytes, io::Error>(broken)])))
}
