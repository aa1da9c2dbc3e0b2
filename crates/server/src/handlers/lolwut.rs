//! LOLWUT: a drawing, and the version.

use std::fmt::Write as _;

use lastsave_resp::{Request, parse_integer};

use super::texts;
use crate::client::Client;
use crate::identity::REDIS_VERSION;
use crate::server::Server;

/// Columns and rows of the drawing.
const COLUMNS: i64 = 64;
const ROWS: i64 = 12;

impl Server {
    /// LOLWUT [VERSION version]
    pub(super) fn lolwut(&self, client: &mut Client, request: Request<'_>) {
        if request.get(1).is_some_and(|word| word.eq_ignore_ascii_case(b"version"))
            && let Some(version) = request.get(2)
            && parse_integer(version).is_none()
        {
            return client.reply.error(texts::NOT_AN_INTEGER);
        }
        let mut text = draw(client.id.wrapping_add(self.clock.monotonic_ms()));
        let _infallible = write!(text, "\nRedis ver. {REDIS_VERSION}\n");
        client.reply.verbatim("txt", text.as_bytes());
    }
}

/// A disk that is written by an arm: rings of sectors, those behind the arm filled.
fn draw(seed: u64) -> String {
    const SHADES: [char; 4] = ['.', ':', '+', '#'];
    let mut text = String::new();
    for row in 0..ROWS {
        let line_start = text.len();
        for column in 0..COLUMNS {
            // Characters are about twice as high as wide.
            let (x, y) = (column - COLUMNS / 2, (row - ROWS / 2) * 2 + 1);
            let distance = x * x + y * y * 4;
            let ring = (1..).find(|ring| ring * ring * 36 > distance).unwrap_or(0);
            let shade = (ring as u64).wrapping_mul(seed | 1).wrapping_add((x + y) as u64 / 7) as usize;
            text.push(match ring {
                1 => 'O',
                2..=5 => SHADES[shade % SHADES.len()],
                _ => ' ',
            });
        }
        text.truncate(line_start + text[line_start..].trim_end().len());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_seed_draws_lines_of_bounded_length() {
        for seed in 0..50 {
            let text = super::draw(seed);
            assert_eq!(text.lines().count(), 12);
            assert!(text.lines().all(|line| line.len() <= 64));
        }
    }
}
