//! Tells where replies end, without looking at what they say.

/// Follows one connection's replies: single lines and bulk strings, which is all that GET and SET are answered with.
#[derive(Default)]
pub(super) struct Replies {
    state: State,
    /// The text of the first error reply.
    error: Vec<u8>,
}

#[derive(Default)]
enum State {
    #[default]
    Start,
    /// Inside a line that began with this byte; the number that it holds so far, when it is a length.
    Line { kind: u8, number: usize, is_negative: bool },
    /// So many bytes of a bulk string are still to come.
    Bulk { left: usize },
}

impl Replies {
    /// Reads on; returns how many replies ended.
    ///
    /// # Errors
    /// The text of an error reply.
    pub(super) fn read(&mut self, mut bytes: &[u8]) -> Result<u64, String> {
        const OK: &[u8] = b"+OK\r\n";
        let mut ended = 0;
        loop {
            match &mut self.state {
                State::Start => {
                    while let Some(rest) = bytes.strip_prefix(OK) {
                        bytes = rest;
                        ended += 1;
                    }
                    let Some((kind, rest)) = bytes.split_first() else { return Ok(ended) };
                    bytes = rest;
                    self.state = State::Line { kind: *kind, number: 0, is_negative: false };
                }
                State::Line { kind, number, is_negative } => {
                    let Some((byte, rest)) = bytes.split_first() else { return Ok(ended) };
                    bytes = rest;
                    match (*kind, *byte) {
                        (b'-', b'\n') => {
                            return Err(String::from_utf8_lossy(&self.error).trim_end().to_owned());
                        }
                        (b'-', byte) => self.error.push(byte),
                        (b'$', b'\n') if !*is_negative => self.state = State::Bulk { left: *number + 2 },
                        (_, b'\n') => {
                            self.state = State::Start;
                            ended += 1;
                        }
                        (b'$', b'-') => *is_negative = true,
                        (b'$', digit @ b'0'..=b'9') => *number = *number * 10 + usize::from(digit - b'0'),
                        _ => {}
                    }
                }
                State::Bulk { left } => {
                    let taken = bytes.len().min(*left);
                    bytes = &bytes[taken..];
                    *left -= taken;
                    if *left > 0 {
                        return Ok(ended);
                    }
                    self.state = State::Start;
                    ended += 1;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_counted_however_they_are_cut() {
        let text = b"+OK\r\n$3\r\na\r\n\r\n$-1\r\n:12\r\n+OK\r\n$0\r\n\r\n+PONG\r\n";
        for piece in 1..text.len() {
            let mut replies = Replies::default();
            let ended: u64 = text.chunks(piece).map(|bytes| replies.read(bytes).unwrap()).sum();
            assert_eq!(ended, 7, "in pieces of {piece}");
        }
    }

    #[test]
    fn errors_are_told() {
        let mut replies = Replies::default();
        assert_eq!(replies.read(b"+OK\r\n-MISCONF no sp").unwrap(), 1);
        assert_eq!(replies.read(b"ace\r\n").unwrap_err(), "MISCONF no space");
    }
}
