//! A request as data, and the response to it.

use std::path::PathBuf;
use std::time::SystemTime;

use http::header::{AUTHORIZATION, CONTENT_ENCODING, COOKIE, LOCATION, SET_COOKIE, WWW_AUTHENTICATE};
use url::Url;

use super::client::Transport;
use super::cookies::{Cookie, Jar};
use super::credentials::{Credentials, basic};
use super::error::Error;
use super::redirect::Follow;

/// How many redirects are followed before the last one is the response (`urllib`'s limit).
const MAX_REDIRECTS: usize = 10;

/// Headers that speak of content and are dropped with it.
const CONTENT_HEADERS: [&str; 3] = ["content-length", "content-type", "transfer-encoding"];

/// A request as data.
#[derive(Debug, Clone)]
pub struct Request {
    /// `GET`, `POST`, …
    pub method: String,
    /// The address; may hold credentials.
    pub url: String,
    /// Headers, in order; a later one of the same name replaces an earlier one.
    pub headers: Vec<(String, String)>,
    /// Names of headers that a redirect does not carry on.
    pub unredirected_headers: Vec<String>,
    /// The content.
    pub body: Option<Vec<u8>>,
    /// Which redirects are followed.
    pub follow: Follow,
    /// Who asks.
    pub credentials: Option<Credentials>,
    /// Whether the credentials are sent before the server asks for them.
    pub force_basic_auth: bool,
    /// Whether credentials may come from `~/.netrc` or `NETRC`.
    pub use_netrc: bool,
    /// `User-Agent`.
    pub agent: Option<String>,
    /// Caches on the way must not answer.
    pub no_cache: bool,
    /// Ask for content only when it changed after this moment.
    pub modified_since: Option<SystemTime>,
    /// Whether gzip content is unpacked.
    pub decompress: bool,
    /// The way to the server.
    pub transport: Transport,
}

impl Request {
    /// A GET of an address, following all redirects.
    #[must_use]
    pub fn get(url: impl Into<String>) -> Request {
        Request {
            method: "GET".to_owned(),
            url: url.into(),
            headers: Vec::new(),
            unredirected_headers: Vec::new(),
            body: None,
            follow: Follow::All,
            credentials: None,
            force_basic_auth: false,
            use_netrc: false,
            agent: None,
            no_cache: false,
            modified_since: None,
            decompress: true,
            transport: Transport::default(),
        }
    }

    /// Sends the request and those that redirects and challenges make of it.
    ///
    /// # Errors
    /// No response: see [`Error`]. Any status is a response.
    pub async fn send(&self) -> Result<Response, Error> {
        let client = self.transport.client()?;
        let mut url = parse(&self.url)?;
        let credentials = self.credentials(&mut url)?;
        let mut headers = self.all_headers(&url, credentials.as_ref());
        let mut method = self.method.clone();
        let mut body = self.body.clone();
        let mut jar = Jar::default();
        let mut redirects = 0;
        let mut answered = false;
        loop {
            let response = transmit(&client, &method, &url, &headers, body.clone(), jar.header(&url)).await?;
            let texts = |name: http::HeaderName| {
                response.headers().get_all(name).iter().filter_map(|value| value.to_str().ok())
            };
            jar.take(&url, texts(SET_COOKIE));
            if response.status() == 401
                && !answered
                && let Some(credentials) = &credentials
            {
                let target = match url.query() {
                    Some(query) => format!("{}?{query}", url.path()),
                    None => url.path().to_owned(),
                };
                let answer = texts(WWW_AUTHENTICATE)
                    .find_map(|challenge| credentials.answer(challenge, &method, &target));
                if let Some(answer) = answer {
                    answered = true;
                    set(&mut headers, AUTHORIZATION.as_str(), &answer);
                    continue;
                }
            }
            let location = texts(LOCATION).next();
            let next = self.follow.next(&method, response.status().as_u16(), &url, location);
            let Some(next) = next.filter(|_| redirects < MAX_REDIRECTS) else {
                return Ok(Response {
                    url: url.to_string(),
                    cookies: jar.into_cookies(),
                    decompress: self.decompress,
                    inner: response,
                });
            };
            redirects += 1;
            answered = false;
            (method, url) = (next.method, next.url);
            headers.retain(|(name, _)| {
                let dropped = |other: &str| name.eq_ignore_ascii_case(other);
                !self.unredirected_headers.iter().any(|other| dropped(other))
                    && (next.keeps_content || !CONTENT_HEADERS.into_iter().any(dropped))
            });
            if !next.keeps_content {
                body = None;
            }
        }
    }

    /// Sends the request from code that is not asynchronous, on a thread of its own, and reads the content.
    ///
    /// # Errors
    /// No response, or its content could not be read.
    pub fn fetch_blocking(&self) -> Result<(Response, Vec<u8>), Error> {
        let work = || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.map_err(|error| Error::Setup(error.to_string()))?;
            runtime.block_on(async {
                let mut response = self.send().await?;
                let content = response.bytes().await?;
                Ok((response, content))
            })
        };
        std::thread::scope(|scope| scope.spawn(work).join())
            .unwrap_or_else(|_| Err(Error::Setup("the request ended unexpectedly".to_owned())))
    }

    /// The given credentials, or those in the address, which lose their place there.
    fn credentials(&self, url: &mut Url) -> Result<Option<Credentials>, Error> {
        let within = match (url.username(), url.password()) {
            ("", None) => None,
            (username, password) => Some(Credentials {
                username: decode(username),
                password: decode(password.unwrap_or_default()),
            }),
        };
        if within.is_some() && (url.set_username("").is_err() || url.set_password(None).is_err()) {
            return Err(Error::Url(format!("the address '{}' cannot hold credentials", self.url)));
        }
        Ok(self.credentials.clone().or(within))
    }

    fn all_headers(&self, url: &Url, credentials: Option<&Credentials>) -> Vec<(String, String)> {
        let mut headers = Vec::new();
        if let Some(agent) = &self.agent {
            set(&mut headers, "User-Agent", agent);
        }
        if self.no_cache {
            set(&mut headers, "Cache-Control", "no-cache");
        } else if let Some(date) = self.modified_since.and_then(http_date) {
            set(&mut headers, "If-Modified-Since", &date);
        }
        for (name, value) in &self.headers {
            set(&mut headers, name, value);
        }
        match credentials {
            Some(who) if self.force_basic_auth => {
                set(&mut headers, "Authorization", &basic(&who.username, &who.password));
            }
            None if self.use_netrc => {
                let path = self.transport.env("NETRC").map(PathBuf::from);
                let path = path
                    .or_else(|| self.transport.env("HOME").map(|home| PathBuf::from(home).join(".netrc")));
                let found = path.and_then(|path| Credentials::from_netrc(&path, url.host_str()?));
                if let Some(who) = found {
                    set(&mut headers, "Authorization", &basic(&who.username, &who.password));
                }
            }
            _ => {}
        }
        headers
    }
}

/// One request without its consequences.
async fn transmit(
    client: &reqwest::Client,
    method: &str,
    url: &Url,
    headers: &[(String, String)],
    body: Option<Vec<u8>>,
    cookies: Option<String>,
) -> Result<reqwest::Response, Error> {
    let method = reqwest::Method::from_bytes(method.as_bytes())
        .map_err(|_| Error::Setup(format!("the method '{method}' is malformed")))?;
    let mut request = client.request(method, url.clone());
    for (name, value) in headers {
        request = request.header(name, value);
    }
    if let Some(cookies) = cookies {
        request = request.header(COOKIE, cookies);
    }
    if let Some(body) = body {
        request = request.body(body);
    }
    request.send().await.map_err(|error| Error::of(&error))
}

fn set(headers: &mut Vec<(String, String)>, name: &str, value: &str) {
    headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
    headers.push((name.to_owned(), value.to_owned()));
}

fn parse(text: &str) -> Result<Url, Error> {
    let unknown = || Error::Url(format!("unknown url type: '{text}'"));
    let url = Url::parse(text).map_err(|error| match error {
        url::ParseError::RelativeUrlWithoutBase => unknown(),
        other => Error::Url(format!("the address '{text}' is malformed: {other}")),
    })?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        other => Err(Error::Url(format!("<urlopen error unknown url type: {other}>"))),
    }
}

/// Text without its `%XX`.
fn decode(text: &str) -> String {
    let pair = format!("={text}").replace('+', "%2B");
    url::form_urlencoded::parse(pair.as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

/// A moment as HTTP writes it: `Wed, 21 Oct 2015 07:28:00 GMT`.
fn http_date(moment: SystemTime) -> Option<String> {
    let moment = jiff::Timestamp::try_from(moment).ok()?.to_zoned(jiff::tz::TimeZone::UTC);
    Some(moment.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string())
}

/// A response; its content is read when it is asked for.
#[derive(Debug)]
pub struct Response {
    /// The address that answered, after redirects.
    pub url: String,
    /// The cookies that the chain of requests collected.
    pub cookies: Vec<Cookie>,
    decompress: bool,
    inner: reqwest::Response,
}

impl Response {
    /// The status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.inner.status().as_u16()
    }

    /// The words beside the status.
    #[must_use]
    pub fn reason(&self) -> String {
        let given = self.inner.extensions().get::<hyper::ext::ReasonPhrase>();
        let given = given.map(|reason| String::from_utf8_lossy(reason.as_bytes()).into_owned());
        given.unwrap_or_else(|| self.inner.status().canonical_reason().unwrap_or_default().to_owned())
    }

    /// The first header of this name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.inner.headers().get(name).and_then(|value| value.to_str().ok())
    }

    /// All headers, names in lower case, values of the same name joined by a comma.
    #[must_use]
    pub fn headers(&self) -> indexmap::IndexMap<String, String> {
        let mut joined = indexmap::IndexMap::<String, String>::new();
        for (name, value) in self.inner.headers() {
            let value = String::from_utf8_lossy(value.as_bytes());
            let entry = joined.entry(name.as_str().to_owned()).or_default();
            if !entry.is_empty() {
                entry.push_str(", ");
            }
            entry.push_str(&value);
        }
        joined
    }

    /// Reads the whole content.
    ///
    /// # Errors
    /// The connection ended early, or the content is not what its encoding says.
    pub async fn bytes(&mut self) -> Result<Vec<u8>, Error> {
        let mut content = Vec::new();
        self.write_to(&mut content).await?;
        Ok(content)
    }

    /// Reads the content piece by piece into a writer; how many bytes came over the wire.
    ///
    /// # Errors
    /// The connection ended early, the content is not what its encoding says, or writing failed.
    pub async fn write_to(&mut self, out: &mut (impl std::io::Write + Send)) -> Result<u64, Error> {
        let gzip = self.header(CONTENT_ENCODING.as_str()).is_some_and(|it| it.eq_ignore_ascii_case("gzip"));
        let failed = |error: std::io::Error| Error::Body(error.to_string());
        let mut count = 0;
        if gzip && self.decompress {
            let mut out = flate2::write::MultiGzDecoder::new(out);
            while let Some(chunk) = self.chunk().await? {
                count += chunk.len() as u64;
                std::io::Write::write_all(&mut out, &chunk).map_err(failed)?;
            }
            out.finish().map_err(failed)?;
            return Ok(count);
        }
        while let Some(chunk) = self.chunk().await? {
            count += chunk.len() as u64;
            out.write_all(&chunk).map_err(failed)?;
        }
        Ok(count)
    }

    async fn chunk(
        &mut self,
    ) -> Result<Option<impl AsRef<[u8]> + std::ops::Deref<Target = [u8]> + use<>>, Error> {
        self.inner.chunk().await.map_err(|error| Error::of(&error))
    }
}
