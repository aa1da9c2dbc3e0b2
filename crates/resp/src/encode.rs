//! Commands in their canonical form: what logs, replicas and clients of other servers are sent.

use bytes::{BufMut, BytesMut};

use crate::request::Request;

/// Appends a command: an array of bulk strings with minimal lengths.
///
/// ```
/// let mut out = bytes::BytesMut::new();
/// lastsave_resp::encode_command(&mut out, &[b"DEL", b"key"]);
/// assert_eq!(&out[..], b"*2\r\n$3\r\nDEL\r\n$3\r\nkey\r\n");
/// ```
pub fn encode_command(out: &mut BytesMut, args: &[&[u8]]) {
    out.reserve(encoded_len(args.iter().copied()));
    encode_array_header(out, args.len());
    for arg in args {
        encode_bulk(out, arg);
    }
}

/// Appends a received command in canonical form: a copy of its bytes if they are that already.
pub fn encode_request(out: &mut BytesMut, request: Request<'_>) {
    if request.is_canonical() {
        out.extend_from_slice(request.frame());
        return;
    }
    out.reserve(encoded_len(request.args()));
    encode_array_header(out, request.len());
    for arg in request.args() {
        encode_bulk(out, arg);
    }
}

/// Appends `*<count>` CR LF, for a command whose arguments follow one by one.
#[inline]
pub fn encode_array_header(out: &mut BytesMut, count: usize) {
    encode_length(out, b'*', count);
}

/// Appends one argument.
#[inline]
pub fn encode_bulk(out: &mut BytesMut, arg: &[u8]) {
    encode_length(out, b'$', arg.len());
    out.reserve(arg.len() + 2);
    out.put_slice(arg);
    out.put_slice(b"\r\n");
}

#[inline]
fn encode_length(out: &mut BytesMut, marker: u8, length: usize) {
    let mut line = LengthLine::new();
    out.extend_from_slice(line.format(marker, length as u64));
}

/// Bytes that a command takes in canonical form, or a few more.
pub(crate) fn encoded_len<'a>(args: impl Iterator<Item = &'a [u8]>) -> usize {
    const LENGTH_LINE_BYTES_MAX: usize = 24;
    args.fold(LENGTH_LINE_BYTES_MAX, |sum, arg| {
        let header = if arg.len() < 100_000 { 8 } else { LENGTH_LINE_BYTES_MAX };
        sum + header + arg.len() + 2
    })
}

/// Room for one length line, so that it is appended in one piece.
pub(crate) struct LengthLine {
    bytes: [u8; 24],
}

impl LengthLine {
    #[inline]
    pub(crate) fn new() -> Self {
        Self { bytes: [0; 24] }
    }

    /// `marker`, the decimal digits of `value`, CR LF.
    #[inline]
    pub(crate) fn format(&mut self, marker: u8, value: u64) -> &[u8] {
        if value < 10 {
            self.bytes[..4].copy_from_slice(&[marker, b'0' + value as u8, b'\r', b'\n']);
            return &self.bytes[..4];
        }
        if value < 100 {
            let (tens, ones) = ((value / 10) as u8, (value % 10) as u8);
            self.bytes[..5].copy_from_slice(&[marker, b'0' + tens, b'0' + ones, b'\r', b'\n']);
            return &self.bytes[..5];
        }
        let mut digits = itoa::Buffer::new();
        let digits = digits.format(value).as_bytes();
        let end = 1 + digits.len();
        self.bytes[0] = marker;
        self.bytes[1..end].copy_from_slice(digits);
        self.bytes[end..end + 2].copy_from_slice(b"\r\n");
        &self.bytes[..end + 2]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_lines_of_every_width() {
        let mut value = 1u64;
        for _ in 0..19 {
            for value in [value - 1, value, value + 1, value * 9] {
                assert_eq!(LengthLine::new().format(b'$', value), format!("${value}\r\n").as_bytes());
            }
            value *= 10;
        }
        assert_eq!(LengthLine::new().format(b'*', u64::MAX), format!("*{}\r\n", u64::MAX).as_bytes());
    }
}
