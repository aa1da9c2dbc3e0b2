//! The least client that can fill a server and ask it something.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// No answer for this long is a failure, not slowness.
const TIMEOUT: Duration = Duration::from_secs(60);
const OK: &[u8] = b"+OK\r\n";
/// Commands sent before their replies are read: enough to hide the way there and back, few enough for socket buffers.
const PIPELINE: u64 = 500;

/// 16 bytes, in the form that redis-benchmark uses.
const KEY_BYTES: usize = 16;

pub(super) struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    pub(super) fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).with_context(|| format!("cannot connect to {address}"))?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// Sends a command and returns the first line of its reply, without the line end.
    pub(super) fn command(&mut self, arguments: &[&str]) -> Result<String> {
        let mut frame = Vec::new();
        write_command(&mut frame, arguments.iter().map(|argument| argument.as_bytes()));
        self.stream.get_mut().write_all(&frame)?;
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }

    /// Sets the keys number 0 to `keys` - 1, each to `value_bytes` letters of its own.
    pub(super) fn fill(&mut self, keys: u64, value_bytes: usize) -> Result<()> {
        let mut random = 0x9e37_79b9_7f4a_7c15_u64;
        let mut frames = Vec::new();
        let mut replies = vec![0; OK.len() * PIPELINE as usize];
        let mut value = vec![0; value_bytes];
        let mut next = 0;
        while next < keys {
            let end = keys.min(next + PIPELINE);
            frames.clear();
            for number in next..end {
                for byte in &mut value {
                    random ^= random << 13;
                    random ^= random >> 7;
                    random ^= random << 17;
                    *byte = b'a' + (random >> 32) as u8 % 26;
                }
                let key = format!("key:{number:012}");
                debug_assert_eq!(key.len(), KEY_BYTES);
                write_command(&mut frames, [b"SET".as_slice(), key.as_bytes(), &value]);
            }
            self.stream.get_mut().write_all(&frames)?;
            let expected = &mut replies[..OK.len() * (end - next) as usize];
            self.stream.read_exact(expected)?;
            if expected.chunks_exact(OK.len()).any(|reply| reply != OK) {
                bail!("a SET failed: {}", String::from_utf8_lossy(expected));
            }
            next = end;
        }
        Ok(())
    }
}

fn write_command<'a>(
    out: &mut Vec<u8>,
    arguments: impl IntoIterator<Item = &'a [u8], IntoIter: ExactSizeIterator>,
) {
    let arguments = arguments.into_iter();
    out.extend_from_slice(format!("*{}\r\n", arguments.len()).as_bytes());
    for argument in arguments {
        out.extend_from_slice(format!("${}\r\n", argument.len()).as_bytes());
        out.extend_from_slice(argument);
        out.extend_from_slice(b"\r\n");
    }
}
