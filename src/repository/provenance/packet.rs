//! OpenPGP packets, and the bytes in them.

/// A packet: what it is, and its content.
pub(super) struct Packet<'a> {
    pub(super) tag: u8,
    pub(super) body: &'a [u8],
}

/// Bytes that are read from the front.
#[derive(Clone, Copy)]
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl<'a> Bytes<'a> {
    pub(super) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    /// A number of so many bytes, the highest first.
    pub(super) fn number(&mut self, length: usize) -> Option<usize> {
        let bytes = self.take(length)?;
        Some(bytes.iter().fold(0, |number, byte| number << 8 | usize::from(*byte)))
    }

    /// A large number: its length in bits, then its bytes.
    pub(super) fn mpi(&mut self) -> Option<&'a [u8]> {
        let bits = self.number(2)?;
        self.take(bits.div_ceil(8))
    }

    /// The length in front of subpackets and of packets of the new format.
    pub(super) fn length(&mut self) -> Option<usize> {
        match self.byte()? {
            first @ 0..=191 => Some(usize::from(first)),
            first @ 192..=223 => {
                let second = self.byte()?;
                Some(((usize::from(first) - 192) << 8) + usize::from(second) + 192)
            }
            255 => self.number(4),
            // The length of a part, which keys and signatures do not have.
            _ => None,
        }
    }
}

/// The packets in some bytes; `None` when they are malformed.
pub(super) fn packets(data: &[u8]) -> Option<Vec<Packet<'_>>> {
    let mut bytes = Bytes(data);
    let mut packets = Vec::new();
    while let Some(first) = bytes.byte() {
        let (tag, length) = match first {
            0xC0..=0xFF => (first & 0x3F, bytes.length()?),
            0x80..=0xBF => {
                let length = match first & 3 {
                    0 => bytes.number(1)?,
                    1 => bytes.number(2)?,
                    2 => bytes.number(4)?,
                    _ => return None,
                };
                (first >> 2 & 0xF, length)
            }
            _ => return None,
        };
        packets.push(Packet { tag, body: bytes.take(length)? });
    }
    Some(packets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_of_both_formats_are_read() {
        let data = [0x98, 1, 7, 0xC2, 2, 8, 9, 0xCD, 192, 0];
        let mut data = data.to_vec();
        data.extend([1; 192]);
        let read = packets(&data).unwrap();
        let shapes: Vec<(u8, usize)> = read.iter().map(|packet| (packet.tag, packet.body.len())).collect();
        assert_eq!(shapes, [(6, 1), (2, 2), (13, 192)]);
        for broken in [&data[..20], &[0x98, 9], &[0], &[0xC2, 230, 1], &[0xC2, 255, 255, 255, 255, 255]] {
            assert!(packets(broken).is_none());
        }
        assert_eq!(Bytes(&[0, 9, 1, 2, 3]).mpi(), Some(&[1, 2][..]));
    }
}
