//! The `ipaddr` family of `ansible.utils`: addresses and networks.

mod network;
mod query;

use num_traits::ToPrimitive as _;

use super::bind::{bind, needed, text};
use crate::jinja::error::Error;
use crate::jinja::eval::Interpreter;
use crate::jinja::object::Args;
use crate::jinja::ops;
use crate::jinja::plugins::Filter;
use crate::jinja::value::Value;
use network::Network;
use query::{QUERIES, Subject};

/// The filters of this family.
pub(super) const FILTERS: &[(&str, Filter)] = &[
    ("ipaddr", |_, value, args| filter(value, args, None, "ipaddr")),
    ("ipv4", |_, value, args| filter(value, args, Some(false), "ipv4")),
    ("ipv6", |_, value, args| filter(value, args, Some(true), "ipv6")),
    ("ipwrap", ipwrap),
    ("ipsubnet", ipsubnet),
    ("ipmath", ipmath),
    ("nthhost", nthhost),
    ("network_in_network", |_, value, args| network_in(value, args, false)),
    ("network_in_usable", |_, value, args| network_in(value, args, true)),
    ("next_nth_usable", |_, value, args| nth_usable(value, args, 1)),
    ("previous_nth_usable", |_, value, args| nth_usable(value, args, -1)),
    ("ip4_hex", ip4_hex),
];

fn filter(value: Value, args: Args, v6: Option<bool>, alias: &str) -> Result<Value, Error> {
    let [query] = bind(args, ["query"])?;
    let query = query.map_or(Ok(String::new()), |query| text(&query))?;
    ask(&value, &query, v6, alias)
}

/// The answer of a query: false for what is no address, none for an address without an answer.
fn ask(value: &Value, query: &str, v6: Option<bool>, alias: &str) -> Result<Value, Error> {
    ops::defined(value)?;
    if value.is_sequence() || matches!(value, Value::Iterator(_)) {
        let mut found = Vec::new();
        for item in ops::iterate(value)? {
            let answer = ask(&item, query, v6, alias)?;
            if ops::truthy_or_false(&answer) {
                found.push(answer);
            }
        }
        return Ok(Value::list(found));
    }
    let no = Ok(Value::Bool(false));
    if !ops::truthy_or_false(value) || matches!(value, Value::Bool(true)) {
        return no;
    }
    let written = value.to_string();
    let Some((at, is_network, written)) = read(&written, v6) else { return no };
    if v6.is_some_and(|v6| v6 != at.v6) {
        return no;
    }
    let subject = Subject { at, is_network, text: &written };
    if let Some((_, run)) = QUERIES.iter().find(|(name, _)| *name == query) {
        return Ok(run(&subject)?.unwrap_or(Value::None));
    }
    if let Ok(index) = query.parse::<i128>() {
        return Ok(nth(&subject, index));
    }
    match Network::parse(query) {
        Some(container) if at.within(&container) => Ok(Value::from(written.as_str())),
        Some(_) => no,
        None => Err(Error::plugin(format!("{alias}: unknown filter type: {query}"))),
    }
}

/// An address, whether it was written with a prefix, and its text.
fn read(written: &str, v6: Option<bool>) -> Option<(Network, bool, String)> {
    let number = |text: &str| {
        text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u128>().ok()).flatten()
    };
    let numeric = |value: u128, prefix: Option<u32>| {
        let short = (v6 != Some(true)).then(|| Network::from_number(value, false, prefix)).flatten();
        short.or_else(|| Network::from_number(value, true, prefix))
    };
    if let Some(value) = number(written) {
        let at = numeric(value, None)?;
        return Some((at, false, at.text()));
    }
    if let Some(at) = Network::parse(written) {
        return Some((at, written.contains('/'), written.to_owned()));
    }
    let (address, prefix) = written.split_once('/')?;
    let at = numeric(number(address)?, Some(prefix.parse().ok()?))?;
    Some((at, true, at.text()))
}

/// The address with this index in its network, from the end if it is negative.
fn nth(subject: &Subject<'_>, index: i128) -> Value {
    let at = &subject.at;
    if at.span() == 0 {
        return Value::from(if subject.is_network { at.text() } else { at.ip() });
    }
    match offset(at, index) {
        Some(value) => Value::from(format!("{}/{}", at.address(value), at.prefix)),
        None => Value::Bool(false),
    }
}

fn offset(at: &Network, index: i128) -> Option<u128> {
    let value = if index >= 0 {
        at.first().checked_add(index.unsigned_abs())
    } else {
        at.last().checked_sub(index.unsigned_abs() - 1)
    };
    value.filter(|value| (at.first()..=at.last()).contains(value))
}

/// The network of a value: an address as itself, a network as its first address.
fn normal(value: &Value) -> Option<Network> {
    let (at, ..) = read(&value.to_string(), None)?;
    Some(if at.is_first() { at.cidr() } else { at })
}

fn ipwrap(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [query] = bind(args, ["query"])?;
    let query = query.map_or(Ok(String::new()), |query| text(&query))?;
    ops::defined(&value)?;
    let wrap = |value: &Value| {
        let found = ask(value, &query, None, "ipwrap").unwrap_or(Value::None);
        let subject = if value.is_sequence() { value } else { &found };
        let wrapped =
            if ops::truthy_or_false(&found) { ask(subject, "wrap", None, "ipwrap") } else { Ok(Value::None) };
        wrapped.ok().filter(ops::truthy_or_false).unwrap_or_else(|| value.clone())
    };
    if value.is_sequence() {
        return Ok(Value::list(ops::iterate(&value)?.iter().map(wrap).collect()));
    }
    Ok(wrap(&value))
}

fn ipsubnet(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [query, index] = bind(args, ["query", "index"])?;
    ops::defined(&value)?;
    let no = Ok(Value::Bool(false));
    let Some(at) = normal(&value) else { return no };
    let at = at.cidr();
    let query = query.map_or(Ok(String::new()), |query| text(&query))?;
    let index = index.filter(|index| !index.is_none());
    let index = index.map(|index| text(&index)).transpose()?.and_then(|index| index.parse::<i128>().ok());
    if query.is_empty() {
        return Ok(Value::from(at.text()));
    }
    if let Ok(prefix) = query.parse::<u32>() {
        if prefix > at.bits() {
            return no;
        }
        return subnet(&at, prefix, index);
    }
    let container = normal(&Value::from(query.as_str())).ok_or_else(|| {
        Error::plugin(format!("You must pass a valid subnet or IP address; {query} is invalid"))
    })?;
    if !at.within(&container.cidr()) {
        let (own, other) = (at.text(), container.cidr().text());
        return Err(Error::plugin(format!("{own} is not in the subnet {other}")));
    }
    let position = (at.value - container.first()).checked_shr(at.bits() - at.prefix).unwrap_or(0);
    Ok(Value::from((position + 1).to_string()))
}

/// A network of another size: around an address, or within a network.
fn subnet(at: &Network, prefix: u32, index: Option<i128>) -> Result<Value, Error> {
    if at.span() == 0 {
        let count = i128::from(at.bits() - prefix);
        let step = index.unwrap_or(0);
        let step = if step < 0 { step + count } else { step };
        if step < 0 || step >= count.max(1) {
            return Ok(Value::Bool(false));
        }
        let length = prefix + u32::try_from(step).unwrap_or(0);
        return Ok(Value::from(Network { prefix: length, ..*at }.cidr().text()));
    }
    let Some(levels) = prefix.checked_sub(at.prefix) else {
        return Err(Error::plugin(format!("Requested subnet size of {prefix} is invalid")));
    };
    let count = 1_i128.checked_shl(levels).filter(|count| *count > 0).unwrap_or(i128::MAX);
    let Some(index) = index else { return Ok(Value::from(count.to_string())) };
    let index = if index < 0 { index + count } else { index };
    if !(0..count).contains(&index) {
        return Ok(Value::Bool(false));
    }
    let shifted = index.unsigned_abs().checked_shl(at.bits() - prefix).unwrap_or(0);
    Ok(Value::from(Network { v6: at.v6, value: at.first() + shifted, prefix }.text()))
}

/// The integer of an argument.
fn amount(value: Option<Value>, name: &str, refusal: impl Fn(&Value) -> String) -> Result<i128, Error> {
    let value = needed(value, name)?;
    ops::defined(&value)?;
    let number = match &value {
        Value::BigInt(number) => number.to_i128(),
        other => other.as_int().map(i128::from),
    };
    number.ok_or_else(|| Error::plugin(refusal(&value)))
}

fn ipmath(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [given] = bind(args, ["amount"])?;
    let source = text(&value)?;
    let invalid = || Error::plugin(format!("You must pass a valid IP address; {source} is invalid"));
    let at = Network::parse(&source).ok_or_else(invalid)?;
    let given = amount(given, "amount", |given| {
        format!("You must pass an integer for arithmetic; {given} is not a valid integer")
    })?;
    let moved = at.value.checked_add_signed(given).filter(|value| at.v6 || *value <= u128::from(u32::MAX));
    moved
        .map(|value| Value::from(at.address(value)))
        .ok_or_else(|| Error::exception("result outside valid IP address boundary!"))
}

fn nthhost(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [query] = bind(args, ["query"])?;
    ops::defined(&value)?;
    let no = Ok(Value::Bool(false));
    let Some(at) = normal(&value) else { return no };
    let index = query.filter(ops::truthy_or_false).map(|query| text(&query)).transpose()?;
    let Some(index) = index.and_then(|index| index.trim().parse::<i128>().ok()) else { return no };
    Ok(offset(&at, index).map_or(Value::Bool(false), |value| Value::from(at.address(value))))
}

fn network_in(value: Value, args: Args, only_usable: bool) -> Result<Value, Error> {
    let [test] = bind(args, ["test"])?;
    let test = needed(test, "test")?;
    ops::defined(&value)?;
    ops::defined(&test)?;
    let (Some(outer), Some(inner)) = (normal(&value), normal(&test)) else { return Ok(Value::Bool(false)) };
    let (outer, inner) = (outer.cidr(), inner.cidr());
    let whole = (outer.first(), outer.last());
    let (first, last) = if only_usable { outer.usable().unwrap_or(whole) } else { whole };
    Ok(Value::Bool(outer.v6 == inner.v6 && inner.first() >= first && inner.last() <= last))
}

fn nth_usable(value: Value, args: Args, sign: i128) -> Result<Value, Error> {
    let [given] = bind(args, ["offset"])?;
    ops::defined(&value)?;
    let given = amount(given, "offset", |_| "Must pass in an integer".to_owned())?;
    let Some(at) = normal(&value) else { return Ok(Value::Bool(false)) };
    let Some((first, last)) = at.usable() else { return Ok(Value::None) };
    let moved = at.value.checked_add_signed(given * sign).filter(|value| (first..=last).contains(value));
    Ok(moved.map_or(Value::None, |value| Value::from(at.address(value))))
}

fn ip4_hex(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [delimiter] = bind(args, ["delimiter"])?;
    let delimiter = delimiter.map_or(Ok(String::new()), |delimiter| text(&delimiter))?;
    let source = text(&value)?;
    let address = source
        .parse::<std::net::Ipv4Addr>()
        .map_err(|_| Error::plugin(format!("You must pass a valid IP address; {source} is invalid")))?;
    let octets = address.octets().map(|octet| format!("{octet:02x}"));
    Ok(Value::from(octets.join(&delimiter)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers of ansible.utils 5 with netaddr 1.3.
    const RECORDED: &[(&str, &str, &str)] = &[
        ("192.168.1.5/24", "address", "192.168.1.5"),
        ("192.168.1.5/24", "network", "192.168.1.0"),
        ("192.168.1.5/24", "netmask", "255.255.255.0"),
        ("192.168.1.0/24", "size", "256"),
        ("192.168.1.5/24", "broadcast", "192.168.1.255"),
        ("192.168.1.0/24", "range_usable", "192.168.1.1-192.168.1.254"),
        ("192.168.1.0/24", "-1", "192.168.1.255/24"),
        ("2001:db8::1", "wrap", "[2001:db8::1]"),
        ("10.1.2.3", "10.0.0.0/8", "10.1.2.3"),
        ("nonsense", "", "False"),
    ];

    #[test]
    fn queries_answer_as_recorded() {
        for (value, query, expected) in RECORDED {
            let got = ask(&Value::from(*value), query, None, "ipaddr").unwrap();
            assert_eq!(got.to_string(), *expected, "{value} {query}");
        }
    }
}
