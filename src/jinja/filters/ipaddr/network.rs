//! An address with its network, as `netaddr.IPNetwork` holds it.

use std::net::{Ipv4Addr, Ipv6Addr};

/// An address of either version and the length of its network's prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Network {
    /// Whether the address is of version 6.
    pub(super) v6: bool,
    /// The address as a number.
    pub(super) value: u128,
    /// The length of the prefix.
    pub(super) prefix: u32,
}

impl Network {
    /// Reads `address` or `address/prefix`, where the prefix may be a mask.
    pub(super) fn parse(text: &str) -> Option<Network> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let (v6, value) = address_value(address)?;
        let bits = if v6 { 128 } else { 32 };
        let prefix = match prefix {
            None => bits,
            Some(prefix) => match prefix.parse::<u32>() {
                Ok(length) if prefix.bytes().all(|byte| byte.is_ascii_digit()) => length,
                _ => mask_length(prefix, v6)?,
            },
        };
        (prefix <= bits).then_some(Network { v6, value, prefix })
    }

    /// A number as an address: of version 4 if it fits and nothing else is wanted.
    pub(super) fn from_number(value: u128, v6: bool, prefix: Option<u32>) -> Option<Network> {
        let bits = if v6 { 128 } else { 32 };
        let prefix = prefix.unwrap_or(bits);
        let fits = v6 || value <= u128::from(u32::MAX);
        (fits && prefix <= bits).then_some(Network { v6, value, prefix })
    }

    /// Bits of an address.
    pub(super) fn bits(&self) -> u32 {
        if self.v6 { 128 } else { 32 }
    }

    fn host_bits(&self) -> u32 {
        self.bits() - self.prefix
    }

    /// The bits that tell hosts apart.
    pub(super) fn hostmask(&self) -> u128 {
        1_u128.checked_shl(self.host_bits()).map_or(u128::MAX, |size| size - 1)
    }

    /// The bits of the network.
    pub(super) fn netmask(&self) -> u128 {
        let all = if self.v6 { u128::MAX } else { u128::from(u32::MAX) };
        all & !self.hostmask()
    }

    /// The first address.
    pub(super) fn first(&self) -> u128 {
        self.value & self.netmask()
    }

    /// The last address.
    pub(super) fn last(&self) -> u128 {
        self.first() | self.hostmask()
    }

    /// How many addresses there are beyond one.
    pub(super) fn span(&self) -> u128 {
        self.hostmask()
    }

    /// Whether the address is the first one.
    pub(super) fn is_first(&self) -> bool {
        self.value == self.first()
    }

    /// The first and last usable address; none in a network of one.
    pub(super) fn usable(&self) -> Option<(u128, u128)> {
        match self.span() {
            0 => None,
            1 => Some((self.first(), self.last())),
            _ => Some((self.first() + 1, self.last() - 1)),
        }
    }

    /// The text of an address of this version.
    pub(super) fn address(&self, value: u128) -> String {
        if self.v6 {
            Ipv6Addr::from(value).to_string()
        } else {
            Ipv4Addr::from(u32::try_from(value).unwrap_or(u32::MAX)).to_string()
        }
    }

    /// The own address.
    pub(super) fn ip(&self) -> String {
        self.address(self.value)
    }

    /// The own address and the prefix.
    pub(super) fn text(&self) -> String {
        format!("{}/{}", self.ip(), self.prefix)
    }

    /// The network: its first address and the prefix.
    pub(super) fn cidr(&self) -> Network {
        Network { value: self.first(), ..*self }
    }

    /// Whether this network lies within another.
    pub(super) fn within(&self, other: &Network) -> bool {
        self.v6 == other.v6 && self.first() >= other.first() && self.last() <= other.last()
    }

    /// The name of the address in the reverse domains.
    pub(super) fn reverse_name(&self) -> String {
        if self.v6 {
            let digits: Vec<char> = format!("{:032x}", self.value).chars().rev().collect();
            let digits: Vec<String> = digits.iter().map(char::to_string).collect();
            return format!("{}.ip6.arpa.", digits.join("."));
        }
        let [a, b, c, d] = u32::try_from(self.value).unwrap_or(0).to_be_bytes();
        format!("{d}.{c}.{b}.{a}.in-addr.arpa.")
    }
}

fn address_value(text: &str) -> Option<(bool, u128)> {
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        return Some((false, u128::from(u32::from(address))));
    }
    text.parse::<Ipv6Addr>().ok().map(|address| (true, u128::from(address)))
}

/// The length of a prefix that is written as a mask or as its opposite.
fn mask_length(text: &str, v6: bool) -> Option<u32> {
    let (mask_v6, value) = address_value(text)?;
    if mask_v6 != v6 {
        return None;
    }
    let bits = if v6 { 128 } else { 32 };
    let mask = if v6 { value } else { value << 96 };
    let ones = mask.leading_ones();
    if mask.checked_shl(ones).unwrap_or(0) == 0 {
        return Some(ones);
    }
    let zeros = value.leading_zeros() - (128 - bits);
    let rest = bits - zeros;
    let all = 1_u128.checked_shl(rest).map_or(u128::MAX, |size| size - 1);
    (value == all).then_some(zeros)
}
