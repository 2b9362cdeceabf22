//! A proxy before the API server that does what networks and busy servers do, at random.
//!
//! ```text
//! operator ── plain HTTP ──> proxy ── as the user of KUBECONFIG ──> API server
//!                            └ some requests meet a fault of the tables below
//! ```

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, Method, Request, Response, StatusCode, header};
use futures::{StreamExt, stream};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What may happen to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    /// Status 500, and nothing was done.
    Failed,
    /// Status 500, and it was done.
    FailedAfter,
    /// Status 429 with `Retry-After`.
    Busy,
    /// The answer takes a while.
    Slow,
    /// The connection is reset, and nothing was done.
    Reset,
    /// The connection is reset, and it was done.
    ResetAfter,
    /// What a moment ago was the answer is it again.
    Stale,
    /// A watch ends as watches do.
    Closed,
    /// The connection of a watch is reset.
    Broken,
    /// A watch cannot go on from the version that it was asked for.
    Expired,
}

/// How many of a thousand requests meet which fault.
const REQUESTS: [(Fault, u32); 7] = [
    (Fault::Failed, 15),
    (Fault::FailedAfter, 10),
    (Fault::Busy, 20),
    (Fault::Slow, 20),
    (Fault::Reset, 10),
    (Fault::ResetAfter, 10),
    (Fault::Stale, 50),
];

/// How many of a thousand watches meet which fault: all of them.
const WATCHES: [(Fault, u32); 6] = [
    (Fault::Failed, 50),
    (Fault::Busy, 50),
    (Fault::Reset, 50),
    (Fault::Expired, 50),
    (Fault::Closed, 500),
    (Fault::Broken, 300),
];

/// The slowest answer, and the longest life of a watch that is ended, in milliseconds.
const SLOWEST: u64 = 2000;
const LONGEST_WATCH: u64 = 20_000;
/// How old an answer may be that is given again: servers lag behind by seconds at most.
const STALEST: Duration = Duration::from_secs(5);
const MAX_BODY: usize = 64 << 20;

/// The proxy; it ends with the value.
pub struct FaultProxy {
    /// Where clients find it.
    pub url: String,
    faults: Arc<Faults>,
    task: JoinHandle<()>,
}

struct Faults {
    server: kube::Client,
    dice: Mutex<StdRng>,
    met: Mutex<BTreeMap<Fault, usize>>,
    /// The last answer to each question.
    answers: Mutex<HashMap<String, (Instant, Answer)>>,
}

#[derive(Clone)]
struct Answer {
    status: StatusCode,
    head: HeaderMap,
    body: Bytes,
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl FaultProxy {
    /// Starts on a free port; the same seed throws the same dice.
    pub async fn start(seed: u64) -> Self {
        let mut config = kube::Config::infer().await.expect("KUBECONFIG names a cluster");
        config.default_retry = false;
        let faults = Arc::new(Faults {
            server: kube::Client::try_from(config).expect("the cluster's configuration can be used"),
            dice: Mutex::new(StdRng::seed_from_u64(seed)),
            met: Mutex::default(),
            answers: Mutex::default(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a free port");
        let url = format!("http://{}", listener.local_addr().expect("the port has a number"));
        let task = tokio::spawn(serve(listener, Arc::clone(&faults)));
        Self { url, faults, task }
    }

    /// A kubeconfig of its clients.
    pub fn kubeconfig(&self) -> String {
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "proxy",
            "clusters": [{"name": "proxy", "cluster": {"server": self.url}}],
            "users": [{"name": "proxy", "user": {}}],
            "contexts": [{"name": "proxy", "context": {"cluster": "proxy", "user": "proxy"}}],
        });
        config.to_string()
    }

    /// How often each fault was met.
    pub fn met(&self) -> String {
        format!("{:?}", self.faults.met.lock().expect("no thread panics"))
    }
}

async fn serve(listener: TcpListener, faults: Arc<Faults>) {
    while let Ok((connection, _)) = listener.accept().await {
        // What is dropped is reset, not closed.
        let _ = connection.set_zero_linger();
        let faults = Arc::clone(&faults);
        let answer = service_fn(move |request| {
            let faults = Arc::clone(&faults);
            async move { faults.answer(request).await }
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(connection), answer));
    }
}

impl Faults {
    /// The fault that a request meets, if any.
    fn fault(&self, table: &[(Fault, u32)]) -> Option<Fault> {
        let mut number = self.dice.lock().expect("no thread panics").random_range(0..1000);
        let fault = table.iter().find_map(|(fault, share)| {
            let hit = number < *share;
            number = number.saturating_sub(*share);
            hit.then_some(*fault)
        })?;
        *self.met.lock().expect("no thread panics").entry(fault).or_default() += 1;
        Some(fault)
    }

    fn up_to(&self, milliseconds: u64) -> Duration {
        Duration::from_millis(self.dice.lock().expect("no thread panics").random_range(0..milliseconds))
    }

    /// The answer to a request; the connection is reset for an error.
    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Body>, io::Error> {
        let question = request.uri().to_string();
        let is_watch = request.uri().query().is_some_and(|query| query.contains("watch="));
        let is_read = request.method() == Method::GET;
        let fault = self.fault(if is_watch { &WATCHES } else { &REQUESTS });
        match fault {
            Some(Fault::Failed) => return Ok(refused(StatusCode::INTERNAL_SERVER_ERROR, "InternalError")),
            Some(Fault::Busy) => return Ok(refused(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests")),
            Some(Fault::Reset) => return Err(io::ErrorKind::ConnectionReset.into()),
            Some(Fault::Expired) => return Ok(expired()),
            Some(Fault::Slow) => tokio::time::sleep(self.up_to(SLOWEST)).await,
            Some(Fault::Stale) if is_read => {
                let answers = self.answers.lock().expect("no thread panics");
                if let Some((at, answer)) = answers.get(&question)
                    && at.elapsed() < STALEST
                {
                    return Ok(answer.clone().into());
                }
            }
            _ => {}
        }
        let (mut head, body) = self.forward(request).await?;
        head.headers.remove(header::TRANSFER_ENCODING);
        if is_watch {
            return Ok(Response::from_parts(head, self.ended(fault, body)));
        }
        let body = to_bytes(body, MAX_BODY).await.map_err(io::Error::other)?;
        if is_read {
            let answer = Answer { status: head.status, head: head.headers.clone(), body: body.clone() };
            let mut answers = self.answers.lock().expect("no thread panics");
            answers.retain(|_, (at, _)| at.elapsed() < STALEST);
            // The age of an answer counts from when it was first given.
            answers.entry(question).or_insert((Instant::now(), answer));
        }
        match fault {
            Some(Fault::FailedAfter) => Ok(refused(StatusCode::INTERNAL_SERVER_ERROR, "InternalError")),
            Some(Fault::ResetAfter) => Err(io::ErrorKind::ConnectionReset.into()),
            _ => Ok(Response::from_parts(head, body.into())),
        }
    }

    /// What the server says.
    async fn forward(
        &self,
        request: Request<Incoming>,
    ) -> Result<(axum::http::response::Parts, Body), io::Error> {
        let (mut head, body) = request.into_parts();
        for name in [header::HOST, header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::ACCEPT_ENCODING]
        {
            head.headers.remove(name);
        }
        let body = to_bytes(Body::new(body), MAX_BODY).await.map_err(io::Error::other)?;
        let request = Request::from_parts(head, kube::client::Body::from(body));
        let (head, body) = self.server.send(request).await.map_err(io::Error::other)?.into_parts();
        Ok((head, Body::new(body)))
    }

    /// The events of a watch, until its fault.
    fn ended(&self, fault: Option<Fault>, body: Body) -> Body {
        let events = body.into_data_stream().map(|part| part.map_err(io::Error::other));
        let end = tokio::time::sleep(self.up_to(LONGEST_WATCH));
        let reset = stream::once(async { Err(io::ErrorKind::ConnectionReset.into()) });
        match fault {
            Some(Fault::Closed) => Body::from_stream(events.take_until(end)),
            Some(Fault::Broken) => Body::from_stream(events.take_until(end).chain(reset)),
            _ => Body::from_stream(events),
        }
    }
}

impl From<Answer> for Response<Body> {
    fn from(answer: Answer) -> Self {
        let mut response = Response::new(answer.body.into());
        *response.status_mut() = answer.status;
        *response.headers_mut() = answer.head;
        response
    }
}

fn status(code: StatusCode, reason: &str) -> Value {
    json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "code": code.as_u16(),
        "message": "a fault on purpose", "details": {"retryAfterSeconds": 1},
    })
}

fn refused(code: StatusCode, reason: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(status(code, reason).to_string()));
    *response.status_mut() = code;
    let json = header::HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    if code == StatusCode::TOO_MANY_REQUESTS {
        response.headers_mut().insert(header::RETRY_AFTER, 1.into());
    }
    response
}

fn expired() -> Response<Body> {
    let event = json!({"type": "ERROR", "object": status(StatusCode::GONE, "Expired")});
    Response::new(Body::from(format!("{event}\n")))
}
