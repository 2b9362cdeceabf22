//! Host names with ports and ranges: `www[01:50:2].example.com:2222` (`parsing/utils/addresses.py`,
//! `plugins/inventory/__init__.py`).

use std::net::Ipv6Addr;

use super::error::InventoryError;

/// How many hosts one pattern may mean.
const MAX_HOSTS: usize = 1_000_000;

/// The host and the port of an address; `ranges` allows `[x:y]` in it.
///
/// # Errors
/// The text is no host name, IPv4 or IPv6 address.
pub fn parse_address(address: &str, ranges: bool) -> Result<(&str, Option<u16>), InventoryError> {
    let (host, port) = split_port(address);
    if !is_hostname(host) && !is_ipv6(host) {
        return Err(InventoryError::new(format!("Not a valid network hostname: {host}")));
    }
    if !ranges && host.contains('[') {
        return Err(InventoryError::new("Detected range in host but was asked to ignore ranges"));
    }
    Ok((host, port))
}

/// Whether the name is an IP address, which has no short form.
#[must_use]
pub(super) fn is_ip(name: &str) -> bool {
    is_ipv6(name) || name.parse::<std::net::Ipv4Addr>().is_ok()
}

/// `[host]:port` or `host:port`; brackets within the host are ranges.
fn split_port(address: &str) -> (&str, Option<u16>) {
    let Some((host, port)) = address.rsplit_once(':') else { return (address, None) };
    let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let Some(port) = port.parse().ok().filter(|_| digits) else { return (address, None) };
    if let Some(inner) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'))
        && !inner.is_empty()
        && (!inner.contains(['[', ']']))
        && !is_range(inner)
    {
        return (inner, Some(port));
    }
    let mut inside = false;
    for c in host.chars() {
        match c {
            '[' if !inside => inside = true,
            ']' if inside => inside = false,
            ':' | '[' | ']' if !inside => return (address, None),
            _ => {}
        }
    }
    if inside { (address, None) } else { (host, Some(port)) }
}

/// Labels between dots: letters, digits, `_`, `-` and ranges; none begins with `-` or ends with `-` or `_`.
fn is_hostname(host: &str) -> bool {
    let mut rest = host;
    let mut last: Option<char> = None;
    while let Some(c) = rest.chars().next() {
        match c {
            '[' => {
                let Some(end) = rest.find(']') else { return false };
                if !is_range(&rest[1..end]) {
                    return false;
                }
                rest = &rest[end + 1..];
                last = Some(']');
                continue;
            }
            '.' if last.is_none_or(|last| matches!(last, '.' | '-' | '_')) => return false,
            '-' if last.is_none_or(|last| last == '.') => return false,
            '.' | '-' | '_' => {}
            c if c.is_alphanumeric() => {}
            _ => return false,
        }
        last = Some(c);
        rest = &rest[c.len_utf8()..];
    }
    last.is_some_and(|last| !matches!(last, '.' | '-' | '_'))
}

/// `a:z`, `0:9` or `0:f`, with an optional step.
fn is_range(text: &str) -> bool {
    let parts: Vec<&str> = text.split(':').collect();
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let letter = |part: &str| part.len() == 1 && part.bytes().all(|byte| byte.is_ascii_alphabetic());
    match parts.as_slice() {
        [begin, end, step @ ..] if step.len() < 2 => {
            step.iter().all(|step| digits(step))
                && ((digits(begin) && digits(end)) || (letter(begin) && letter(end)))
        }
        _ => false,
    }
}

/// An IPv6 address; a range may stand for a part of it.
fn is_ipv6(host: &str) -> bool {
    let mut plain = String::new();
    let mut rest = host;
    while let Some((before, after)) = rest.split_once('[') {
        let Some((range, after)) = after.split_once(']') else { return false };
        let hex = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !(2..=3).contains(&range.split(':').count()) || !range.split(':').all(hex) {
            return false;
        }
        plain.push_str(before);
        plain.push('1');
        rest = after;
    }
    plain.push_str(rest);
    plain.parse::<Ipv6Addr>().is_ok()
}

/// The hosts that an entry of an inventory means, and their port.
///
/// # Errors
/// A range is wrong.
pub fn expand_pattern(pattern: &str) -> Result<(Vec<String>, Option<u16>), InventoryError> {
    let (pattern, port) = parse_address(pattern, true).unwrap_or((pattern, None));
    if !pattern.contains('[') {
        return Ok((vec![pattern.to_owned()], port));
    }
    let mut hosts = Vec::new();
    expand(pattern, &mut hosts)?;
    Ok((hosts, port))
}

fn expand(pattern: &str, hosts: &mut Vec<String>) -> Result<(), InventoryError> {
    let Some((head, rest)) = pattern.split_once('[') else {
        hosts.push(pattern.to_owned());
        return if hosts.len() > MAX_HOSTS {
            Err(InventoryError::new(format!("host range means more than {MAX_HOSTS} hosts")))
        } else {
            Ok(())
        };
    };
    let (range, tail) = rest
        .split_once(']')
        .ok_or_else(|| InventoryError::new("host range must be begin:end or begin:end:step"))?;
    for value in range_values(range)? {
        expand(&format!("{head}{value}{tail}"), hosts)?;
    }
    Ok(())
}

/// The values of `begin:end:step`; the end is included.
fn range_values(range: &str) -> Result<Vec<String>, InventoryError> {
    let error = |message: &str| Err(InventoryError::new(message));
    let bounds: Vec<&str> = range.split(':').collect();
    let (begin, end, step) = match bounds.as_slice() {
        [begin, end] => (*begin, *end, "1"),
        [begin, end, step] => (*begin, *end, *step),
        _ => return error("host range must be begin:end or begin:end:step"),
    };
    if end.is_empty() {
        return error("host range must specify end value");
    }
    let begin = if begin.is_empty() { "0" } else { begin };
    let width = if begin.len() > 1 && begin.starts_with('0') { begin.len() } else { 0 };
    if width > 0 && width != end.len() {
        return error("host range must specify equal-length begin and end formats");
    }
    let number = |text: &str| {
        text.parse::<usize>().map_err(|_| {
            InventoryError::of_value(format!("invalid literal for int() with base 10: '{text}'"))
        })
    };
    let step = number(step)?;
    if step == 0 {
        return Err(InventoryError::of_value("slice step cannot be zero"));
    }
    if let (Some(first), Some(last)) = (letter(begin), letter(end)) {
        if first > last {
            return error("host range must have begin <= end");
        }
        return Ok(LETTERS.chars().take(last + 1).skip(first).step_by(step).map(String::from).collect());
    }
    let (first, last) = (number(begin)?, number(end)?);
    if last.saturating_sub(first) / step > MAX_HOSTS {
        return Err(InventoryError::new(format!("host range means more than {MAX_HOSTS} hosts")));
    }
    Ok((first..=last).step_by(step).map(|number| format!("{number:0width$}")).collect())
}

/// The letters in the order in which ranges count them.
const LETTERS: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

fn letter(text: &str) -> Option<usize> {
    let mut chars = text.chars();
    let (only, more) = (chars.next()?, chars.next());
    if more.is_some() { None } else { LETTERS.find(only) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let parsed = |text| parse_address(text, true).ok();
        assert_eq!(parsed("foo.example.com"), Some(("foo.example.com", None)));
        assert_eq!(parsed("foo_bar-1:22"), Some(("foo_bar-1", Some(22))));
        assert_eq!(parsed("192.0.2.3:99"), Some(("192.0.2.3", Some(99))));
        assert_eq!(parsed("[::1]:22"), Some(("::1", Some(22))));
        assert_eq!(parsed("2001:db8::1"), Some(("2001:db8::1", None)));
        assert_eq!(parsed("www[01:50:2].x:2"), Some(("www[01:50:2].x", Some(2))));
        assert_eq!(parsed("db-[a:f]"), Some(("db-[a:f]", None)));
        for bad in ["", "-a", "a-", "a..b", "a b", "a:b", "foo[1-3]", "a[", "x:"] {
            assert!(parse_address(bad, true).is_err(), "{bad:?}");
        }
        assert!(parse_address("a[1:2]", false).is_err());
    }

    #[test]
    fn ranges() {
        let hosts = |text| expand_pattern(text).map(|(hosts, _)| hosts.join(" "));
        assert_eq!(hosts("www[01:05:2]").unwrap(), "www01 www03 www05");
        assert_eq!(hosts("db[a:c]-[1:2]").unwrap(), "dba-1 dba-2 dbb-1 dbb-2 dbc-1 dbc-2");
        assert_eq!(hosts("a[:2]").unwrap(), "a0 a1 a2");
        assert_eq!(hosts("a[8:11]:22").unwrap(), "a8 a9 a10 a11");
        assert!(hosts("a[01:5]").is_err());
        assert!(hosts("a[1:]").is_err());
        assert!(hosts("a[c:a]").is_err());
        assert!(hosts("a[1:2:0]").is_err());
        assert!(hosts("a[0:99999999]").is_err());
        assert!(hosts("a[1").is_err());
    }
}
