//! Requests to a server on the loopback that answers from a script.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;

use super::{Credentials, Error, Follow, Request};

/// A server that gives one scripted answer for each connection, and the requests that it got.
struct Server {
    address: String,
    seen: std::thread::JoinHandle<Vec<String>>,
}

impl Server {
    fn start(answers: Vec<Vec<u8>>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let seen =
            std::thread::spawn(move || answers.into_iter().map(|answer| serve(&listener, &answer)).collect());
        Server { address, seen }
    }

    fn requests(self) -> Vec<String> {
        self.seen.join().expect("the server ends")
    }
}

fn serve(listener: &TcpListener, answer: &[u8]) -> String {
    let (mut stream, _) = listener.accept().expect("a connection");
    let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
    let (mut text, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("a line");
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
        text.push_str(&line);
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("the content");
    text.push_str(&String::from_utf8_lossy(&body));
    stream.write_all(answer).expect("the answer is sent");
    text
}

fn answer(status: &str, headers: &[&str], body: &[u8]) -> Vec<u8> {
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    let head =
        format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n", body.len());
    [head.as_bytes(), body].concat()
}

#[tokio::test]
async fn a_redirect_carries_cookies_and_leaves_content_behind() {
    let server = Server::start(vec![
        answer("302 Found", &["Location: /there", "Set-Cookie: id=7; Path=/"], b""),
        answer("200 OK", &["X-A: 1", "X-A: 2"], b"here"),
    ]);
    let mut request = Request::get(format!("{}/start", server.address));
    request.method = "POST".to_owned();
    request.body = Some(b"content".to_vec());
    request.headers = vec![("X-Keep".into(), "k".into()), ("X-Drop".into(), "d".into())];
    request.unredirected_headers = vec!["x-drop".into()];
    let mut response = request.send().await.expect("a response");
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers().get("x-a").map(String::as_str), Some("1, 2"));
    assert_eq!(response.bytes().await.expect("content"), b"here");
    assert!(response.url.ends_with("/there"));
    let seen = server.requests();
    assert!(
        seen[0].starts_with("POST /start") && seen[0].contains("x-drop: d") && seen[0].ends_with("content")
    );
    assert!(
        seen[1].starts_with("GET /there")
            && seen[1].contains("x-keep: k")
            && seen[1].contains("cookie: id=7")
    );
    assert!(!seen[1].contains("x-drop") && !seen[1].contains("content"));
}

#[tokio::test]
async fn credentials_of_the_address_answer_a_challenge() {
    let server = Server::start(vec![
        answer("401 Unauthorized", &["WWW-Authenticate: Basic realm=\"r\""], b""),
        answer("200 OK", &[], b""),
    ]);
    let request = Request::get(server.address.replace("http://", "http://us%40er:pass@"));
    assert_eq!(request.send().await.expect("a response").status(), 200);
    let seen = server.requests();
    assert!(!seen[0].contains("authorization"));
    assert!(seen[1].contains(&super::basic("us@er", "pass")));
}

#[tokio::test]
async fn credentials_are_sent_at_once_when_forced() {
    let server = Server::start(vec![answer("404 No such page", &[], b"")]);
    let mut request = Request::get(&server.address);
    request.credentials = Some(Credentials { username: "u".into(), password: "p".into() });
    request.force_basic_auth = true;
    let response = request.send().await.expect("a response");
    assert_eq!((response.status(), response.reason()), (404, "No such page".to_owned()));
    assert!(server.requests()[0].contains(&super::basic("u", "p")));
}

#[tokio::test]
async fn gzip_content_is_unpacked_unless_told_otherwise() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(b"plain").expect("packs");
    let packed = packed.finish().expect("packs");
    for (decompress, expected) in [(true, b"plain".to_vec()), (false, packed.clone())] {
        let server = Server::start(vec![answer("200 OK", &["Content-Encoding: gzip"], &packed)]);
        let mut request = Request::get(&server.address);
        request.decompress = decompress;
        let mut response = request.send().await.expect("a response");
        assert_eq!(response.bytes().await.expect("content"), expected);
    }
}

#[tokio::test]
async fn errors_say_what_happened() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("an address");
    let error =
        |url: String| async move { Request::get(url).send().await.map(|_| ()).expect_err("no response") };
    let refused = error(format!("http://{free}/")).await;
    assert_eq!(refused, Error::Connect("[Errno 111] Connection refused".into()));
    assert_eq!(error("nowhere".into()).await, Error::Url("unknown url type: 'nowhere'".into()));
    let unknown = error("gopher://a/".into()).await;
    assert_eq!(unknown, Error::Url("<urlopen error unknown url type: gopher>".into()));
}

#[test]
fn code_that_is_not_asynchronous_can_ask_too() {
    let server = Server::start(vec![answer("302 Found", &["Location: /x"], b"moved")]);
    let mut request = Request::get(&server.address);
    request.follow = Follow::None;
    let (response, content) = request.fetch_blocking().expect("a response");
    assert_eq!((response.status(), content), (302, b"moved".to_vec()));
}
