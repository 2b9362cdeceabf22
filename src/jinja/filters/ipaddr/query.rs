//! The queries of `ipaddr`: what each says of an address.

use super::network::Network;
use crate::jinja::error::Error;
use crate::jinja::value::Value;

/// What a query is asked of: the address, whether it was written with a prefix, the text itself.
pub(super) struct Subject<'a> {
    pub(super) at: Network,
    pub(super) is_network: bool,
    pub(super) text: &'a str,
}

/// A query; none for an address that has no answer.
pub(super) type Query = fn(&Subject<'_>) -> Result<Option<Value>, Error>;

fn text(text: String) -> Result<Option<Value>, Error> {
    Ok(Some(Value::from(text)))
}

fn when(condition: bool, answer: impl FnOnce() -> String) -> Result<Option<Value>, Error> {
    Ok(condition.then(|| Value::from(answer())))
}

/// Networks whose addresses are not global (IANA's special-purpose registries).
const NOT_GLOBAL: &[&str] = &[
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "240.0.0.0/4",
    "::1/128",
    "::/128",
    "::ffff:0:0/96",
    "64:ff9b:1::/48",
    "100::/64",
    "2001::/23",
    "2001:db8::/32",
    "2002::/16",
    "fc00::/7",
    "fe80::/10",
];

fn in_any(at: &Network, networks: &[&str]) -> bool {
    let own = Network { prefix: at.bits(), ..*at };
    networks.iter().filter_map(|network| Network::parse(network)).any(|network| own.within(&network))
}

fn is_multicast(at: &Network) -> bool {
    in_any(at, &["224.0.0.0/4", "ff00::/8"])
}

fn is_loopback(at: &Network) -> bool {
    in_any(at, &["127.0.0.0/8", "::1/128"])
}

/// The bounds of what is usable; an address alone has none.
fn usable(subject: &Subject<'_>) -> Result<Option<(u128, u128)>, Error> {
    if subject.is_network { Ok(subject.at.usable()) } else { Err(Error::plugin("Not a network address")) }
}

/// The address beside the own one, if it is usable.
fn beside(subject: &Subject<'_>, forward: bool) -> Result<Option<Value>, Error> {
    let Some((first, last)) = usable(subject)? else { return Ok(None) };
    let value = subject.at.value;
    let value = if forward { value.checked_add(1) } else { value.checked_sub(1) };
    let value = value.filter(|value| (first..=last).contains(value));
    Ok(value.map(|value| Value::from(subject.at.address(value))))
}

fn host(subject: &Subject<'_>) -> Result<Option<Value>, Error> {
    let at = &subject.at;
    let edge = at.span() > 1 && (at.is_first() || (!at.v6 && at.value == at.last()));
    if edge { Ok(Some(Value::Bool(false))) } else { text(at.text()) }
}

fn ip(subject: &Subject<'_>) -> Result<Option<Value>, Error> {
    let at = &subject.at;
    when(at.span() <= 1 || !at.is_first() || at.v6, || at.ip())
}

fn peer(subject: &Subject<'_>) -> Result<Option<Value>, Error> {
    usable(subject)?;
    let at = &subject.at;
    match (at.span(), at.value % 4) {
        (1, _) => text(at.address(at.value ^ 1)),
        (3, 0) => Err(Error::plugin("Network address of /30 has no peer")),
        (3, 3) => Err(Error::plugin("Broadcast address of /30 has no peer")),
        (3, _) => text(at.address(at.value ^ 3)),
        _ => Err(Error::plugin("Not a point-to-point network")),
    }
}

fn own(subject: &Subject<'_>, condition: bool) -> Result<Option<Value>, Error> {
    when(condition, || subject.text.to_owned())
}

fn version_4(subject: &Subject<'_>) -> Result<Option<Value>, Error> {
    let at = &subject.at;
    if !at.v6 {
        return own(subject, true);
    }
    let mapped = in_any(at, &["::ffff:0:0/96", "::/96"]);
    let v4 =
        Network { v6: false, value: at.value & u128::from(u32::MAX), prefix: at.prefix.saturating_sub(96) };
    Ok(Some(if mapped && at.prefix >= 96 { Value::from(v4.text()) } else { Value::Bool(false) }))
}

fn version_6(subject: &Subject<'_>) -> Result<Option<Value>, Error> {
    let at = &subject.at;
    if at.v6 {
        return own(subject, true);
    }
    text(Network { v6: true, value: (0xffff << 32) | at.value, prefix: at.prefix + 96 }.text())
}

/// A count that may not fit an `i64`.
fn count(number: u128) -> Value {
    Value::from(num_bigint::BigInt::from(number))
}

fn size(at: &Network) -> Value {
    Value::from(num_bigint::BigInt::from(at.span()) + 1)
}

/// The queries by name.
pub(super) const QUERIES: &[(&str, Query)] = &[
    ("", |it| text(if it.is_network { it.at.text() } else { it.at.ip() })),
    ("address", ip),
    ("address/prefix", host),
    ("bool", |_| Ok(Some(Value::Bool(true)))),
    ("broadcast", |it| when(it.at.span() > 1 && !it.at.v6, || it.at.address(it.at.last()))),
    ("cidr", |it| text(it.at.text())),
    ("first_usable", |it| {
        Ok(usable(it)?.map(|_| {
            let offset = u128::from(it.at.span() > 1);
            Value::from(it.at.address(it.at.first() + offset))
        }))
    }),
    ("gateway", host),
    ("gw", host),
    ("host", |it| when(it.at.span() <= 1 || !it.at.is_first(), || it.at.text())),
    ("host/prefix", host),
    ("hostmask", |it| text(it.at.address(it.at.hostmask()))),
    ("hostnet", host),
    ("int", |it| match it.is_network {
        true => text(format!("{}/{}", it.at.value, it.at.prefix)),
        false => Ok(Some(count(it.at.value))),
    }),
    ("ip", ip),
    ("ip/prefix", |it| when(it.at.span() == 1 || (it.at.span() > 1 && !it.at.is_first()), || it.at.text())),
    ("ip_netmask", |it| {
        let has = it.at.span() == 1 || (it.at.span() > 1 && !it.at.is_first());
        when(has, || format!("{} {}", it.at.ip(), it.at.address(it.at.netmask())))
    }),
    ("ipv4", version_4),
    ("ipv6", version_6),
    ("last_usable", |it| Ok(usable(it)?.map(|(_, last)| Value::from(it.at.address(last))))),
    ("link-local", |it| own(it, in_any(&it.at, &["169.254.0.0/16", "fe80::/10"]))),
    ("lo", |it| own(it, is_loopback(&it.at))),
    ("loopback", |it| own(it, is_loopback(&it.at))),
    ("multicast", |it| own(it, is_multicast(&it.at))),
    ("net", |it| when(it.at.span() > 0 && it.at.is_first(), || it.at.text())),
    ("netmask", |it| text(it.at.address(it.at.netmask()))),
    ("network", |it| text(it.at.address(it.at.first()))),
    ("network_id", |it| text(it.at.address(it.at.first()))),
    ("network/prefix", |it| text(it.at.cidr().text())),
    ("network_netmask", |it| {
        text(format!("{} {}", it.at.address(it.at.first()), it.at.address(it.at.netmask())))
    }),
    ("network_wildcard", |it| {
        text(format!("{} {}", it.at.address(it.at.first()), it.at.address(it.at.hostmask())))
    }),
    ("next_usable", |it| beside(it, true)),
    ("peer", peer),
    ("prefix", |it| Ok(Some(Value::Int(i64::from(it.at.prefix))))),
    ("previous_usable", |it| beside(it, false)),
    ("private", |it| own(it, in_any(&it.at, NOT_GLOBAL))),
    ("public", |it| own(it, !in_any(&it.at, NOT_GLOBAL) && !is_multicast(&it.at))),
    ("range_usable", |it| {
        Ok(usable(it)?
            .map(|(first, last)| Value::from(format!("{}-{}", it.at.address(first), it.at.address(last)))))
    }),
    ("revdns", |it| text(it.at.reverse_name())),
    ("router", host),
    ("size", |it| Ok(Some(size(&it.at)))),
    ("size_usable", |it| {
        Ok(Some(match it.at.span() {
            0 => Value::Int(0),
            1 => Value::Int(2),
            span => count(span - 1),
        }))
    }),
    ("subnet", |it| text(it.at.cidr().text())),
    ("type", |it| text(if it.at.span() > 0 && it.at.is_first() { "network" } else { "address" }.to_owned())),
    ("unicast", |it| own(it, !is_multicast(&it.at))),
    ("v4", version_4),
    ("v6", version_6),
    ("version", |it| Ok(Some(Value::Int(if it.at.v6 { 6 } else { 4 })))),
    ("wildcard", |it| text(it.at.address(it.at.hostmask()))),
    ("wrap", |it| match (it.at.v6, it.is_network) {
        (true, true) => text(format!("[{}]/{}", it.at.ip(), it.at.prefix)),
        (true, false) => text(format!("[{}]", it.at.ip())),
        (false, _) => own(it, true),
    }),
];
