//! URLs (sprig `url.go`; Go `net/url`).

use std::collections::BTreeMap;

use super::args::{bytes, fail, fixed, map, text};
use super::{Outcome, runes};
use crate::gotmpl::fmt::kind_name;
use crate::gotmpl::strconv::quote;
use crate::gotmpl::{FuncContext, FuncDef, FuncError, Map, MapType, Param, Str, Value};

pub(super) const FUNCTIONS: &[FuncDef] =
    &[fixed("urlParse", &[Param::Str], url_parse), fixed("urlJoin", &[Param::Map], url_join)];

/// A parsed URL; texts are decoded except where named raw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Url {
    scheme: Vec<u8>,
    opaque: Vec<u8>,
    user: Option<User>,
    host: Vec<u8>,
    path: Vec<u8>,
    raw_query: Vec<u8>,
    fragment: Vec<u8>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct User {
    name: Vec<u8>,
    password: Option<Vec<u8>>,
}

/// Where a text stands in a URL, which decides what must be escaped.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Path,
    Host,
    Zone,
    User,
    Fragment,
}

fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn quoted(bytes: &[u8]) -> String {
    text_of(&quote(bytes))
}

fn url_parse(_: &mut dyn FuncContext, args: &[Value]) -> Outcome {
    let input = bytes(args, 0);
    let url = Url::parse(input).map_err(|problem| fail(format!("unable to parse url: {problem}")))?;
    let user = url.user.as_ref().map(User::encode).unwrap_or_default();
    let hostname = url.hostname().to_vec();
    let entries = [
        ("scheme", url.scheme),
        ("host", url.host),
        ("hostname", hostname),
        ("path", url.path),
        ("query", url.raw_query),
        ("opaque", url.opaque),
        ("fragment", url.fragment),
        ("userinfo", user),
    ];
    let entries: BTreeMap<Str, Value> =
        entries.into_iter().map(|(key, value)| (key.into(), Value::from(value))).collect();
    Ok(Value::Map(Map::from_entries(MapType::Any, entries)))
}

fn url_join(_: &mut dyn FuncContext, args: &[Value]) -> Outcome {
    let map = map(args, 0);
    let mut url = Url {
        scheme: entry(&map, "scheme")?,
        host: entry(&map, "host")?,
        path: entry(&map, "path")?,
        raw_query: entry(&map, "query")?,
        opaque: entry(&map, "opaque")?,
        fragment: entry(&map, "fragment")?,
        user: None,
    };
    let user = entry(&map, "userinfo")?;
    if !user.is_empty() {
        let source = [b"proto://", user.as_slice(), b"@host"].concat();
        let parsed = Url::parse(&source);
        url.user =
            parsed.map_err(|problem| fail(format!("unable to parse userinfo in dict: {problem}")))?.user;
    }
    text(url.encode())
}

fn entry(map: &Map, key: &str) -> Result<Vec<u8>, FuncError> {
    match map.get(key.as_bytes()) {
        None => Ok(Vec::new()),
        Some(Value::Str(text)) => Ok(text.to_vec()),
        Some(Value::Nil) => Err(super::args::nil_dereference()),
        Some(other) => Err(fail(format!(
            "unable to parse {key} key, must be of type string, but {} found",
            kind_name(&other)
        ))),
    }
}

impl Url {
    /// `url.Parse`; the error is the whole text of Go's.
    fn parse(input: &[u8]) -> Result<Self, String> {
        let (before, fragment) = match memchr::memchr(b'#', input) {
            Some(at) => (&input[..at], Some(&input[at + 1..])),
            None => (input, None),
        };
        let failed = |whole: &[u8], problem: String| format!("parse {}: {problem}", quoted(whole));
        let mut url = Self::parse_without_fragment(before).map_err(|problem| failed(before, problem))?;
        if let Some(fragment) = fragment {
            url.fragment = unescape(fragment, Part::Fragment).map_err(|problem| failed(input, problem))?;
        }
        Ok(url)
    }

    fn parse_without_fragment(input: &[u8]) -> Result<Self, String> {
        if input.iter().any(|byte| *byte < b' ' || *byte == 0x7f) {
            return Err("net/url: invalid control character in URL".to_owned());
        }
        let mut url = Self::default();
        if input == b"*" {
            url.path = b"*".to_vec();
            return Ok(url);
        }
        let (scheme, mut rest) = cut_scheme(input)?;
        url.scheme = scheme.to_ascii_lowercase();
        if let Some(at) = memchr::memchr(b'?', rest) {
            url.raw_query = rest[at + 1..].to_vec();
            rest = &rest[..at];
        }
        if !rest.starts_with(b"/") {
            if !url.scheme.is_empty() {
                url.opaque = rest.to_vec();
                return Ok(url);
            }
            let segment = rest.split(|byte| *byte == b'/').next().unwrap_or_default();
            if segment.contains(&b':') {
                return Err("first path segment in URL cannot contain colon".to_owned());
            }
        }
        let has_authority = !url.scheme.is_empty() || !rest.starts_with(b"///");
        if let Some(body) = rest.strip_prefix(b"//").filter(|_| has_authority) {
            let end = memchr::memchr(b'/', body).unwrap_or(body.len());
            (url.user, url.host) = parse_authority(&url.scheme, &body[..end])?;
            rest = &body[end..];
        }
        url.path = unescape(rest, Part::Path)?;
        Ok(url)
    }

    /// The host without its port and brackets.
    fn hostname(&self) -> &[u8] {
        let host = &self.host[..];
        let name = match memchr::memrchr(b':', host) {
            Some(colon) if is_port(&host[colon..]) => &host[..colon],
            _ => host,
        };
        name.strip_prefix(b"[").and_then(|name| name.strip_suffix(b"]")).unwrap_or(name)
    }

    /// `URL.String`.
    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        if !self.scheme.is_empty() {
            out.extend_from_slice(&self.scheme);
            out.push(b':');
        }
        if self.opaque.is_empty() {
            self.encode_hierarchy(&mut out);
        } else {
            out.extend_from_slice(&self.opaque);
        }
        if !self.raw_query.is_empty() {
            out.push(b'?');
            out.extend_from_slice(&self.raw_query);
        }
        if !self.fragment.is_empty() {
            out.push(b'#');
            escape(&mut out, &self.fragment, Part::Fragment);
        }
        out
    }

    fn encode_hierarchy(&self, out: &mut Vec<u8>) {
        if !self.scheme.is_empty() || !self.host.is_empty() || self.user.is_some() {
            if !self.host.is_empty() || !self.path.is_empty() || self.user.is_some() {
                out.extend_from_slice(b"//");
            }
            if let Some(user) = &self.user {
                out.extend_from_slice(&user.encode());
                out.push(b'@');
            }
            escape(out, &self.host, Part::Host);
        }
        let mut path = Vec::new();
        if self.path == b"*" {
            path.push(b'*');
        } else {
            escape(&mut path, &self.path, Part::Path);
        }
        if path.first().is_some_and(|byte| *byte != b'/') && !self.host.is_empty() {
            out.push(b'/');
        }
        if out.is_empty() {
            let segment = path.split(|byte| *byte == b'/').next().unwrap_or_default();
            if segment.contains(&b':') {
                out.extend_from_slice(b"./");
            }
        }
        out.extend_from_slice(&path);
    }
}

impl User {
    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        escape(&mut out, &self.name, Part::User);
        if let Some(password) = &self.password {
            out.push(b':');
            escape(&mut out, password, Part::User);
        }
        out
    }
}

/// The scheme before the first colon, if there is one, and the rest.
fn cut_scheme(input: &[u8]) -> Result<(&[u8], &[u8]), String> {
    for (index, byte) in input.iter().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if index > 0 => {}
            b':' if index == 0 => return Err("missing protocol scheme".to_owned()),
            b':' => return Ok((&input[..index], &input[index + 1..])),
            _ => break,
        }
    }
    Ok((&[], input))
}

fn is_port(text: &[u8]) -> bool {
    text.is_empty() || text[0] == b':' && text[1..].iter().all(u8::is_ascii_digit)
}

fn parse_authority(scheme: &[u8], authority: &[u8]) -> Result<(Option<User>, Vec<u8>), String> {
    let at = memchr::memrchr(b'@', authority);
    let host = parse_host(scheme, &authority[at.map_or(0, |at| at + 1)..])?;
    let Some(at) = at else { return Ok((None, host)) };
    let info = &authority[..at];
    let is_valid = |rune: char| rune.is_ascii_alphanumeric() || "-._:~!$&'()*+,;=%@".contains(rune);
    if !runes::iter(info).all(is_valid) {
        return Err("net/url: invalid userinfo".to_owned());
    }
    let (name, password) = match memchr::memchr(b':', info) {
        Some(colon) => (&info[..colon], Some(&info[colon + 1..])),
        None => (info, None),
    };
    let name = unescape(name, Part::User)?;
    let password = password.map(|password| unescape(password, Part::User)).transpose()?;
    Ok((Some(User { name, password }), host))
}

fn parse_host(scheme: &[u8], host: &[u8]) -> Result<Vec<u8>, String> {
    let bad_port = |port: &[u8]| format!("invalid port {} after host", quoted(port));
    let open = memchr::memrchr(b'[', host);
    if let Some(open) = open {
        if open > 0 {
            return Err("invalid IP-literal".to_owned());
        }
        let Some(close) = memchr::memrchr(b']', host) else { return Err("missing ']' in host".to_owned()) };
        if !is_port(&host[close + 1..]) {
            return Err(bad_port(&host[close + 1..]));
        }
        return parse_bracketed(host, close);
    }
    // Web addresses have one colon at most; other schemes list several hosts.
    let is_web = matches!(scheme, b"http" | b"https");
    let colon = if is_web { memchr::memchr(b':', host) } else { memchr::memrchr(b':', host) };
    if let Some(colon) = colon
        && !is_port(&host[colon..])
    {
        return Err(bad_port(&host[colon..]));
    }
    unescape(host, Part::Host)
}

/// An IPv6 address in brackets, which may name a zone behind `%25`.
fn parse_bracketed(host: &[u8], close: usize) -> Result<Vec<u8>, String> {
    let zone = memchr::memmem::find(&host[..close], b"%25");
    let name = match zone {
        Some(zone) => {
            let mut name = unescape(&host[1..zone], Part::Host)?;
            name.extend(unescape(&host[zone..close], Part::Zone)?);
            name
        }
        None => unescape(&host[1..close], Part::Host)?,
    };
    let address = name.split(|byte| *byte == b'%').next().unwrap_or_default();
    let is_address =
        std::str::from_utf8(address).is_ok_and(|address| address.parse::<std::net::Ipv6Addr>().is_ok());
    if !is_address {
        return Err(format!("invalid host: ParseAddr({}): unable to parse IP", quoted(&name)));
    }
    let port = unescape(&host[close + 1..], Part::Host)?;
    Ok([b"[", name.as_slice(), b"]", &port].concat())
}

/// Replaces `%xx`.
fn unescape(input: &[u8], part: Part) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(input.len());
    let mut at = 0;
    while at < input.len() {
        let byte = input[at];
        if byte != b'%' {
            if matches!(part, Part::Host | Part::Zone) && byte < 0x80 && must_escape(byte, part) {
                return Err(format!("invalid character {} in host name", quoted(&[byte])));
            }
            out.push(byte);
            at += 1;
            continue;
        }
        let digit = |index: usize| input.get(at + index).and_then(|byte| char::from(*byte).to_digit(16));
        let (Some(high), Some(low)) = (digit(1), digit(2)) else {
            let end = (at + 3).min(input.len());
            return Err(format!("invalid URL escape {}", quoted(&input[at..end])));
        };
        let escaped = &input[at..at + 3];
        let byte = (high * 16 + low) as u8;
        let forbidden = match part {
            Part::Host => byte < 0x80 && escaped != b"%25",
            Part::Zone => escaped != b"%25" && byte != b' ' && must_escape(byte, Part::Host),
            _ => false,
        };
        if forbidden {
            return Err(format!("invalid URL escape {}", quoted(escaped)));
        }
        out.push(byte);
        at += 3;
    }
    Ok(out)
}

fn escape(out: &mut Vec<u8>, input: &[u8], part: Part) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in input {
        if must_escape(*byte, part) {
            out.extend([b'%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        } else {
            out.push(*byte);
        }
    }
}

/// Whether a byte may not stand as itself in a part of a URL.
fn must_escape(byte: u8, part: Part) -> bool {
    if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
        return false;
    }
    let allowed: &[u8] = match part {
        Part::Host | Part::Zone => b"!$&'()*+,;=:[]<>\"",
        Part::Path => b"$&+,/:;=@",
        Part::User => b"$&+,;=",
        Part::Fragment => b"$&+,/:;=?@!()*",
    };
    !allowed.contains(&byte)
}
