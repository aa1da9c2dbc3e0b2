//! LEN, the variable-length number of the format: big-endian, one to nine bytes, shortest form when written.

/// First byte of a length in 32 bits.
pub(crate) const LENGTH_32: u8 = 0x80;
/// First byte of a length in 64 bits.
pub(crate) const LENGTH_64: u8 = 0x81;

/// A short run of bytes that lives on the stack: the head of an encoded string, or a whole small record.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head {
    bytes: [u8; Self::CAPACITY],
    length: u8,
}

impl Head {
    /// Enough for the longest: an expiry, an idle time and a type (20), then the mark of a compressed key and two lengths
    /// (19); or a 64-bit number's text with its length (21).
    pub(crate) const CAPACITY: usize = 40;

    #[inline]
    pub(crate) fn new() -> Self {
        Self { bytes: [0; Self::CAPACITY], length: 0 }
    }

    /// Appends; the callers never exceed the capacity, which is checked.
    #[inline]
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let start = usize::from(self.length);
        self.bytes[start..start + bytes.len()].copy_from_slice(bytes);
        self.length += bytes.len() as u8;
    }

    /// Appends bytes of a number that the compiler knows.
    #[inline]
    pub(crate) fn push_array<const N: usize>(&mut self, bytes: [u8; N]) {
        let start = usize::from(self.length);
        self.bytes[start..start + N].copy_from_slice(&bytes);
        self.length += N as u8;
    }

    /// Appends a length in its shortest form.
    #[inline]
    pub(crate) fn push_length(&mut self, length: u64) {
        if length < 1 << 6 {
            self.push_array([length as u8]);
        } else if length < 1 << 14 {
            self.push_array([0x40 | (length >> 8) as u8, length as u8]);
        } else if let Ok(length) = u32::try_from(length) {
            self.push_array([LENGTH_32]);
            self.push_array(length.to_be_bytes());
        } else {
            self.push_array([LENGTH_64]);
            self.push_array(length.to_be_bytes());
        }
    }

    /// All bytes there is room for, and how many of them count.
    #[inline]
    pub(crate) fn as_room(&self) -> (&[u8; Self::CAPACITY], usize) {
        (&self.bytes, usize::from(self.length))
    }

    #[inline]
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_form_is_written() {
        let cases: [(u64, &[u8]); 10] = [
            (0, b"\x00"),
            (63, b"\x3f"),
            (64, b"\x40\x40"),
            (16383, b"\x7f\xff"),
            (16384, b"\x80\x00\x00\x40\x00"),
            (0xffff_ffff, b"\x80\xff\xff\xff\xff"),
            (0x1_0000_0000, b"\x81\x00\x00\x00\x01\x00\x00\x00\x00"),
            (u64::MAX - 1, b"\x81\xff\xff\xff\xff\xff\xff\xff\xfe"),
            (700, b"\x42\xbc"),
            (1, b"\x01"),
        ];
        for (length, expected) in cases {
            let mut head = Head::new();
            head.push_length(length);
            assert_eq!(head.as_bytes(), expected, "{length}");
        }
    }
}
