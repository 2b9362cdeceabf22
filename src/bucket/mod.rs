//! Objects of an S3-compatible bucket: files are stored, fetched and removed.
//!
//! ```text
//! Bucket ─ rusty_s3 signs the address ─> http::Request ─> the store
//! ```
//!
//! Requests are signed by their addresses (AWS Signature Version 4), so that a file needs no look before it is sent.
//! Large files go in parts; what fails for a reason that may pass is tried again.

mod error;

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use rusty_s3::actions::{
    AbortMultipartUpload, CompleteMultipartUpload, CompleteMultipartUploadResponse, CreateMultipartUpload,
    DeleteObject, GetObject, PutObject, S3Action, UploadPart,
};
use rusty_s3::{Credentials, UrlStyle};

pub use error::Error;

use crate::http::{Authorities, Follow, Request, Response, Transport};

/// How long a signed address is good for: one try.
const SIGNED_FOR: Duration = Duration::from_secs(3600);
/// How long a store may take to answer; it may look at a whole part first.
const PATIENCE: Duration = Duration::from_secs(300);
/// Pauses before what failed is tried again.
const PAUSES: [Duration; 3] = [Duration::from_millis(300), Duration::from_secs(2), Duration::from_secs(8)];
/// What larger files are cut into, in bytes; the files of one part go at once.
const PART: u64 = 32 << 20;
/// The most parts that a file may have ("Amazon S3 multipart upload limits").
const PARTS: u64 = 10_000;

/// Which bucket, where, and as whom.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The bucket.
    pub bucket: String,
    /// The address of the store; that of AWS in the region when missing.
    pub endpoint: Option<String>,
    /// The region; stores that have none take any.
    pub region: String,
    /// Whether the bucket stands in the path of addresses instead of their host.
    pub path_style: bool,
    /// The id of the access key.
    pub access_key_id: String,
    /// The secret access key.
    pub secret_access_key: String,
    /// The token of temporary credentials.
    pub session_token: Option<String>,
    /// Whom to trust instead of the system's authorities.
    pub ca: Option<Authorities>,
}

/// A bucket.
pub struct Bucket {
    bucket: rusty_s3::Bucket,
    credentials: Credentials,
    transport: Transport,
    part: u64,
}

impl Bucket {
    /// The bucket of these settings; nothing is asked yet.
    ///
    /// # Errors
    /// [`Error::Settings`].
    pub fn new(settings: Settings) -> Result<Self, Error> {
        if settings.bucket.is_empty() || settings.bucket.contains('/') {
            return Err(Error::Settings(format!("{:?} is no name of a bucket", settings.bucket)));
        }
        let endpoint =
            settings.endpoint.unwrap_or_else(|| format!("https://s3.{}.amazonaws.com", settings.region));
        let wrong =
            |error: &dyn std::fmt::Display| Error::Settings(format!("endpoint {endpoint:?}: {error}"));
        let url = endpoint.parse().map_err(|error: url::ParseError| wrong(&error))?;
        let style = if settings.path_style { UrlStyle::Path } else { UrlStyle::VirtualHost };
        let bucket = rusty_s3::Bucket::new(url, style, settings.bucket, settings.region)
            .map_err(|error| wrong(&error))?;
        let (id, secret) = (settings.access_key_id, settings.secret_access_key);
        let credentials = match settings.session_token {
            Some(token) => Credentials::new_with_token(id, secret, token),
            None => Credentials::new(id, secret),
        };
        let transport = Transport { timeout: PATIENCE, ca: settings.ca, ..Transport::default() };
        Ok(Self { bucket, credentials, transport, part: PART })
    }

    /// The same bucket, whose larger files are cut into parts of so many bytes; stores take none under 5 MiB.
    #[must_use]
    pub fn with_parts_of(self, bytes: u64) -> Self {
        Self { part: bytes, ..self }
    }

    /// Stores a file under a key, whole or not at all; how many bytes it has.
    ///
    /// # Errors
    /// The file cannot be read; refusals of the store.
    pub async fn put(&self, key: &str, file: &Path) -> Result<u64, Error> {
        let unreadable = |error| Error::file(file, &error);
        let mut source = File::open(file).map_err(unreadable)?;
        let size = source.metadata().map_err(unreadable)?.len();
        if size > self.part {
            let upload = self.begin(key).await?;
            let stored = self.put_parts(&upload, file, &mut source, size).await;
            if stored.is_err() {
                self.abort(&upload).await;
            }
            return stored.map(|()| size);
        }
        let mut content = Vec::new();
        source.read_to_end(&mut content).map_err(unreadable)?;
        let action = PutObject::new(&self.bucket, Some(&self.credentials), key);
        self.ask(key, &action, Some(content)).await?;
        Ok(size)
    }

    /// Fetches the object of a key into a file; whether there is one.
    ///
    /// # Errors
    /// The file cannot be written, the content ended early; refusals of the store.
    pub async fn get(&self, key: &str, file: &Path) -> Result<bool, Error> {
        let action = GetObject::new(&self.bucket, Some(&self.credentials), key);
        let mut response = match self.ask(key, &action, None).await {
            Ok(response) => response,
            Err(error) if error.is_missing() => return Ok(false),
            Err(error) => return Err(error),
        };
        let mut target = File::create(file).map_err(|error| Error::file(file, &error))?;
        response.write_to(&mut target).await.map_err(Error::unreachable(key))?;
        Ok(true)
    }

    /// Removes the object of a key, if there is one.
    ///
    /// # Errors
    /// Refusals of the store.
    pub async fn delete(&self, key: &str) -> Result<(), Error> {
        let action = DeleteObject::new(&self.bucket, Some(&self.credentials), key);
        match self.ask(key, &action, None).await {
            Err(error) if error.is_missing() => Ok(()),
            answer => answer.map(drop),
        }
    }

    async fn begin<'k>(&self, key: &'k str) -> Result<Upload<'k>, Error> {
        let action = CreateMultipartUpload::new(&self.bucket, Some(&self.credentials), key);
        let text = self.text(key, &action, Vec::new()).await?;
        let begun = CreateMultipartUpload::parse_response(&text).map_err(|_| Error::answer(key, &text))?;
        Ok(Upload { key, id: begun.upload_id().to_owned() })
    }

    async fn put_parts(
        &self,
        upload: &Upload<'_>,
        file: &Path,
        source: &mut File,
        size: u64,
    ) -> Result<(), Error> {
        let (key, id, credentials) = (upload.key, upload.id.as_str(), Some(&self.credentials));
        let part = self.part.max(size.div_ceil(PARTS));
        let mut tags = Vec::new();
        for number in 1..=u16::MAX {
            let mut content = Vec::new();
            let read = source.take(part).read_to_end(&mut content);
            if read.map_err(|error| Error::file(file, &error))? == 0 {
                break;
            }
            let action = UploadPart::new(&self.bucket, credentials, key, number, id);
            let answer = self.ask(key, &action, Some(content)).await?;
            let tag = answer.header("etag").ok_or_else(|| Error::answer(key, "a part got no ETag"))?;
            tags.push(tag.to_owned());
        }
        let tags = || tags.iter().map(String::as_str);
        let action = CompleteMultipartUpload::new(&self.bucket, credentials, key, id, tags());
        let body = CompleteMultipartUpload::new(&self.bucket, credentials, key, id, tags()).body();
        let text = self.text(key, &action, body.into_bytes()).await?;
        // A store that needs time to put the parts together says first that all is well.
        CompleteMultipartUploadResponse::parse(&text).map_err(|_| Error::answer(key, &text))?;
        Ok(())
    }

    /// What was sent takes room until somebody says that no more comes.
    async fn abort(&self, upload: &Upload<'_>) {
        let action = AbortMultipartUpload::new(&self.bucket, Some(&self.credentials), upload.key, &upload.id);
        if let Err(error) = self.ask(upload.key, &action, None).await {
            tracing::warn!(%error, "the parts that were stored are still there");
        }
    }

    async fn text<'a>(&self, key: &str, action: &impl S3Action<'a>, body: Vec<u8>) -> Result<String, Error> {
        let mut response = self.ask(key, action, Some(body)).await?;
        let content = response.bytes().await.map_err(Error::unreachable(key))?;
        Ok(String::from_utf8_lossy(&content).into_owned())
    }

    /// Sends a request until it is answered for good; an answer that is no success is an error.
    async fn ask<'a, A: S3Action<'a>>(
        &self,
        key: &str,
        action: &A,
        body: Option<Vec<u8>>,
    ) -> Result<Response, Error> {
        let mut request = Request {
            method: A::METHOD.to_str().to_owned(),
            body,
            follow: Follow::None,
            decompress: false,
            transport: self.transport.clone(),
            ..Request::get("")
        };
        let mut pauses = PAUSES.iter();
        loop {
            request.url = action.sign(SIGNED_FOR).into();
            let result = match request.send().await {
                Ok(response) if (200..300).contains(&response.status()) => Ok(response),
                Ok(response) => Err(Error::refused(key, response).await),
                Err(source) => Err(Error::unreachable(key)(source)),
            };
            match (result, pauses.next()) {
                (Err(error), Some(pause)) if error.may_pass() => {
                    tracing::warn!(%error, retry_in = ?pause, "the store did not take a request");
                    tokio::time::sleep(*pause).await;
                }
                (result, _) => return result,
            }
        }
    }
}

/// A file that goes in parts.
struct Upload<'k> {
    key: &'k str,
    id: String,
}
