//! Interfaces, addresses and routes, from the kernel's files.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{Facts, read};
use crate::jinja::Value;

/// `ansible_dns`, from `/etc/resolv.conf`.
pub(super) fn dns() -> Facts {
    let text = read("/etc/resolv.conf").unwrap_or_default();
    let mut servers = Vec::new();
    let mut entries: Vec<(&str, Value)> = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with(['#', ';'])) {
        let mut words = line.split_whitespace();
        let list = |words: std::str::SplitWhitespace<'_>| Value::list(words.map(Value::from).collect());
        match words.next() {
            Some("nameserver") => servers.extend(words.map(Value::from)),
            Some("domain") => entries.extend(words.next().map(|domain| ("domain", Value::from(domain)))),
            Some("search") => entries.push(("search", list(words))),
            Some("sortlist") => entries.push(("sortlist", list(words))),
            Some("options") => {
                let option = |word: &str| match word.split_once(':') {
                    Some((name, value)) => (name.to_owned(), Value::from(value)),
                    None => (word.to_owned(), Value::Bool(true)),
                };
                let options: Vec<(String, Value)> = words.map(option).collect();
                entries.push(("options", Value::dict(options)));
            }
            _ => {}
        }
    }
    if !servers.is_empty() {
        entries.insert(0, ("nameservers", Value::list(servers)));
    }
    vec![("dns", Value::dict(entries))]
}

/// An IPv4 address of this machine and the network that it is in.
#[derive(Debug, Clone)]
struct Address {
    interface: String,
    address: Ipv4Addr,
    network: Ipv4Addr,
    prefix: u32,
}

/// The facts of this family; each interface is a fact of its own.
pub(super) fn facts() -> Vec<(String, Value)> {
    let interfaces = interfaces();
    let routes = routes();
    let addresses = addresses(&routes);
    let sixes = addresses6();
    let mut facts = Vec::new();
    for name in &interfaces {
        facts.push((
            format!("ansible_{}", name.replace(['-', ':'], "_")),
            interface(name, &addresses, &sixes),
        ));
    }
    let text = |text: String| Value::from(text);
    let all4: Vec<Value> = addresses
        .iter()
        .filter(|it| !it.address.is_loopback())
        .map(|it| text(it.address.to_string()))
        .collect();
    let all6: Vec<Value> =
        sixes.iter().filter(|it| !it.address.is_loopback()).map(|it| text(it.address.to_string())).collect();
    let names = interfaces.iter().map(|name| Value::from(name.as_str())).collect();
    facts.push(("ansible_interfaces".to_owned(), Value::list(names)));
    facts.push(("ansible_default_ipv4".to_owned(), default4(&routes, &addresses)));
    facts.push(("ansible_default_ipv6".to_owned(), default6(&sixes)));
    facts.push(("ansible_all_ipv4_addresses".to_owned(), Value::list(all4)));
    facts.push(("ansible_all_ipv6_addresses".to_owned(), Value::list(all6)));
    facts
}

fn interfaces() -> Vec<String> {
    let entries = std::fs::read_dir("/sys/class/net").into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn attribute(interface: &str, name: &str) -> Option<String> {
    read(&format!("/sys/class/net/{interface}/{name}"))
}

/// Mac address, MTU and type of an interface.
fn link(name: &str) -> Vec<(&'static str, Value)> {
    let mut entries = Vec::new();
    let address = attribute(name, "address").filter(|mac| !mac.is_empty() && mac != "00:00:00:00:00:00");
    entries.extend(address.map(|mac| ("macaddress", Value::from(mac))));
    let mtu = attribute(name, "mtu").and_then(|mtu| mtu.parse::<i64>().ok());
    entries.extend(mtu.map(|mtu| ("mtu", Value::Int(mtu))));
    let kind = match attribute(name, "type").as_deref() {
        Some("1") if std::path::Path::new(&format!("/sys/class/net/{name}/bridge")).exists() => "bridge",
        Some("1") => "ether",
        Some("512") => "ppp",
        Some("772") => "loopback",
        _ => "unknown",
    };
    entries.push(("type", Value::from(kind)));
    entries
}

fn interface(name: &str, addresses: &[Address], sixes: &[Address6]) -> Value {
    let flags = attribute(name, "flags")
        .and_then(|flags| u32::from_str_radix(flags.trim_start_matches("0x"), 16).ok());
    let flags = flags.unwrap_or(0);
    let mut entries = vec![("device", Value::from(name)), ("active", Value::Bool(flags & 1 != 0))];
    entries.extend(link(name));
    entries.push(("promisc", Value::Bool(flags & 0x100 != 0)));
    let mut own = addresses.iter().filter(|it| it.interface == name).map(of_address);
    entries.extend(own.next().map(|first| ("ipv4", Value::dict(first))));
    let rest: Vec<Value> = own.map(Value::dict).collect();
    if !rest.is_empty() {
        entries.push(("ipv4_secondaries", Value::list(rest)));
    }
    let own6: Vec<Value> =
        sixes.iter().filter(|it| it.interface == name).map(|it| Value::dict(it.entries())).collect();
    if !own6.is_empty() {
        entries.push(("ipv6", Value::list(own6)));
    }
    Value::dict(entries)
}

fn of_address(it: &Address) -> Vec<(&'static str, Value)> {
    let mask = u32::MAX.checked_shl(32 - it.prefix).unwrap_or(0);
    let broadcast = Ipv4Addr::from(u32::from(it.network) | !mask);
    let broadcast = if it.address.is_loopback() { String::new() } else { broadcast.to_string() };
    vec![
        ("address", Value::from(it.address.to_string())),
        ("broadcast", Value::from(broadcast)),
        ("netmask", Value::from(Ipv4Addr::from(mask).to_string())),
        ("network", Value::from(it.network.to_string())),
        ("prefix", Value::from(it.prefix.to_string())),
    ]
}

/// A route: interface, destination, gateway, prefix, metric.
struct Route {
    interface: String,
    destination: Ipv4Addr,
    gateway: Ipv4Addr,
    prefix: u32,
    metric: u32,
}

fn routes() -> Vec<Route> {
    let text = read("/proc/net/route").unwrap_or_default();
    let address =
        |hex: &str| u32::from_str_radix(hex, 16).ok().map(|number| Ipv4Addr::from(number.swap_bytes()));
    let route = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let mask = fields.get(7).and_then(|mask| address(mask))?;
        Some(Route {
            interface: (*fields.first()?).to_owned(),
            destination: address(fields.get(1)?)?,
            gateway: address(fields.get(2)?)?,
            prefix: u32::from(mask).leading_ones(),
            metric: fields.get(6)?.parse().ok()?,
        })
    };
    text.lines().skip(1).filter_map(route).collect()
}

/// The local addresses of the routing table's trie, each in the narrowest network that holds it.
fn addresses(routes: &[Route]) -> Vec<Address> {
    let text = read("/proc/net/fib_trie").unwrap_or_default();
    let mut found: Vec<Ipv4Addr> = Vec::new();
    let mut last: Option<Ipv4Addr> = None;
    for line in text.lines() {
        let line = line.trim();
        if let Some(rest) = line.strip_prefix("|-- ") {
            last = rest.trim().parse().ok();
        } else if line.starts_with("/32 host LOCAL")
            && let Some(address) = last.filter(|address| !found.contains(address))
        {
            found.push(address);
        }
    }
    let place = |address: Ipv4Addr| {
        if address.is_loopback() {
            let network = Ipv4Addr::new(127, 0, 0, 0);
            return Some(Address { interface: "lo".to_owned(), address, network, prefix: 8 });
        }
        let holds = |route: &&Route| {
            let mask = u32::MAX.checked_shl(32 - route.prefix).unwrap_or(0);
            route.prefix > 0 && u32::from(address) & mask == u32::from(route.destination)
        };
        let route = routes.iter().filter(holds).max_by_key(|route| route.prefix)?;
        Some(Address {
            interface: route.interface.clone(),
            address,
            network: route.destination,
            prefix: route.prefix,
        })
    };
    found.into_iter().filter_map(place).collect()
}

fn default4(routes: &[Route], addresses: &[Address]) -> Value {
    let defaults = routes.iter().filter(|route| route.prefix == 0 && !route.gateway.is_unspecified());
    let Some(route) = defaults.min_by_key(|route| route.metric) else {
        return Value::dict(Vec::<(&str, Value)>::new());
    };
    let name = route.interface.as_str();
    let mut entries = vec![
        ("gateway", Value::from(route.gateway.to_string())),
        ("interface", Value::from(name)),
        ("alias", Value::from(name)),
    ];
    entries.extend(addresses.iter().find(|it| it.interface == name).map(of_address).unwrap_or_default());
    entries.extend(link(name));
    Value::dict(entries)
}

/// An IPv6 address of this machine.
#[derive(Debug, Clone)]
struct Address6 {
    interface: String,
    address: Ipv6Addr,
    prefix: u32,
    scope: &'static str,
}

impl Address6 {
    fn entries(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("address", Value::from(self.address.to_string())),
            ("prefix", Value::from(self.prefix.to_string())),
            ("scope", Value::from(self.scope)),
        ]
    }
}

fn addresses6() -> Vec<Address6> {
    let text = read("/proc/net/if_inet6").unwrap_or_default();
    let address = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let number = u128::from_str_radix(fields.first()?, 16).ok()?;
        Some(Address6 {
            address: Ipv6Addr::from(number),
            prefix: u32::from_str_radix(fields.get(2)?, 16).ok()?,
            scope: match *fields.get(3)? {
                "10" => "host",
                "20" => "link",
                "40" => "site",
                _ => "global",
            },
            interface: (*fields.last()?).to_owned(),
        })
    };
    text.lines().filter_map(address).collect()
}

fn default6(addresses: &[Address6]) -> Value {
    let text = read("/proc/net/ipv6_route").unwrap_or_default();
    let route = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let zero = fields.first()?.bytes().all(|byte| byte == b'0') && *fields.get(1)? == "00";
        let gateway = Ipv6Addr::from(u128::from_str_radix(fields.get(4)?, 16).ok()?);
        (zero && !gateway.is_unspecified()).then(|| (gateway, (*fields.last().unwrap_or(&"")).to_owned()))
    };
    let Some((gateway, name)) = text.lines().find_map(route) else {
        return Value::dict(Vec::<(&str, Value)>::new());
    };
    let mut entries =
        vec![("gateway", Value::from(gateway.to_string())), ("interface", Value::from(name.as_str()))];
    let own = addresses.iter().find(|it| it.interface == name && it.scope == "global");
    entries.extend(own.map(Address6::entries).unwrap_or_default());
    entries.extend(link(&name));
    Value::dict(entries)
}
