//! The one HTTP client of the program: what `uri`, `get_url`, the `url` lookup and chart repositories ask,
//! and what traces are sent with.
//!
//! ```text
//! Request (data) ─ send ─> Transport ─> reqwest::Client ─┬─> Response ─ bytes, write_to
//!                    ^                                   │
//!                    └─ credentials, cookies, redirects ─┘
//! ```
//!
//! A [`Request`] is data; redirects, cookies and credentials follow Ansible's `module_utils/urls.py`,
//! which is Python's `urllib` with four ways to follow redirects. TLS is rustls with ring.

mod client;
mod cookies;
mod credentials;
mod error;
mod redirect;
mod request;
mod roots;
#[cfg(test)]
mod tests;

pub use client::{Authorities, Transport};
pub use cookies::Cookie;
pub use credentials::{Credentials, basic};
pub use error::Error;
pub use redirect::Follow;
pub use request::{Request, Response};
pub(crate) use roots::trusted;
