//! The local time zone's distance from UTC, for log lines.
//!
//! Reads the zone file (TZif) that `TZ` or `/etc/localtime` names once, on first use; without one, local time
//! is UTC. Only the transitions listed in the file are used, which cover the years until 2037.

use std::sync::OnceLock;

static ZONE: OnceLock<Zone> = OnceLock::new();

/// Seconds to add to UTC at the given Unix time.
pub(crate) fn offset_seconds(unix_seconds: i64) -> i64 {
    ZONE.get_or_init(Zone::load).offset_at(unix_seconds)
}

/// Transitions in ascending order, each with the offset that holds from there on.
#[derive(Debug, Default, PartialEq)]
struct Zone {
    first_offset: i64,
    transitions: Vec<(i64, i64)>,
}

impl Zone {
    fn load() -> Self {
        let path = match std::env::var("TZ") {
            Ok(name) if name.is_empty() || name == "UTC" || name == "UTC0" => return Self::default(),
            Ok(name) => {
                let name = name.trim_start_matches(':').to_owned();
                if name.starts_with('/') { name } else { format!("/usr/share/zoneinfo/{name}") }
            }
            Err(_) => "/etc/localtime".to_owned(),
        };
        crate::system_files::read(&path).and_then(|bytes| Self::parse(&bytes)).unwrap_or_default()
    }

    fn offset_at(&self, unix_seconds: i64) -> i64 {
        let after = self.transitions.partition_point(|&(from, _)| from <= unix_seconds);
        if after == 0 { self.first_offset } else { self.transitions[after - 1].1 }
    }

    /// Parses a TZif file of version 2 or later (its second block has 64-bit times).
    fn parse(bytes: &[u8]) -> Option<Self> {
        let (header, body) = split_header(bytes)?;
        if header.version == 0 {
            return Self::parse_block(&header, body, 4);
        }
        let (header, body) = split_header(body.get(header.block_bytes(4)..)?)?;
        Self::parse_block(&header, body, 8)
    }

    fn parse_block(header: &Header, body: &[u8], time_bytes: usize) -> Option<Self> {
        let times = body.get(..header.times * time_bytes)?;
        let kinds = body.get(times.len()..times.len() + header.times)?;
        let types_at = times.len() + kinds.len();
        let types = body.get(types_at..types_at + header.types * 6)?;
        let offset_of = |kind: usize| -> Option<i64> {
            let bytes = types.get(kind * 6..kind * 6 + 4)?;
            Some(i64::from(i32::from_be_bytes(bytes.try_into().ok()?)))
        };
        let mut transitions = Vec::with_capacity(header.times);
        for (time, kind) in times.chunks_exact(time_bytes).zip(kinds) {
            let at = if time_bytes == 8 {
                i64::from_be_bytes(time.try_into().ok()?)
            } else {
                i64::from(i32::from_be_bytes(time.try_into().ok()?))
            };
            transitions.push((at, offset_of(usize::from(*kind))?));
        }
        Some(Self { first_offset: offset_of(0).unwrap_or(0), transitions })
    }
}

/// Counts of one TZif block.
#[derive(Debug)]
struct Header {
    version: u8,
    times: usize,
    types: usize,
    fixed: usize,
    leaps: usize,
    characters: usize,
    indicators: usize,
}

impl Header {
    fn block_bytes(&self, time_bytes: usize) -> usize {
        self.times * (time_bytes + 1)
            + self.types * 6
            + self.characters
            + self.leaps * (time_bytes + 4)
            + self.fixed
            + self.indicators
    }
}

fn split_header(bytes: &[u8]) -> Option<(Header, &[u8])> {
    const HEADER_BYTES: usize = 44;
    // No count of a real zone comes near this; it bounds the arithmetic on hostile files.
    const COUNT_MAX: u32 = 1 << 16;
    let header = bytes.get(..HEADER_BYTES)?;
    if &header[..4] != b"TZif" {
        return None;
    }
    let count = |index: usize| -> Option<usize> {
        let at = 20 + index * 4;
        let value = u32::from_be_bytes(header[at..at + 4].try_into().ok()?);
        (value <= COUNT_MAX).then_some(value as usize)
    };
    let parsed = Header {
        version: header[4],
        indicators: count(0)?,
        fixed: count(1)?,
        leaps: count(2)?,
        times: count(3)?,
        types: count(4)?,
        characters: count(5)?,
    };
    Some((parsed, &bytes[HEADER_BYTES..]))
}

#[cfg(test)]
mod tests {
    use super::Zone;

    fn block(times: &[(i64, u8)], offsets: &[i32]) -> Vec<u8> {
        let mut file = Vec::new();
        for version_block in 0..2 {
            file.extend_from_slice(b"TZif2");
            file.extend_from_slice(&[0; 15]);
            let (listed, kinds) = if version_block == 0 { (0, 1) } else { (times.len(), offsets.len()) };
            for count in [0, 0, 0, listed, kinds, 0] {
                file.extend_from_slice(&(count as u32).to_be_bytes());
            }
            if version_block == 0 {
                file.extend_from_slice(&[0; 6]);
                continue;
            }
            for (at, _) in times {
                file.extend_from_slice(&at.to_be_bytes());
            }
            file.extend(times.iter().map(|(_, kind)| *kind));
            for offset in offsets {
                file.extend_from_slice(&offset.to_be_bytes());
                file.extend_from_slice(&[0, 0]);
            }
        }
        file
    }

    #[test]
    fn the_offset_in_force_is_found() {
        let zone = Zone::parse(&block(&[(100, 1), (200, 0)], &[3600, 7200])).expect("valid file");
        assert_eq!(zone.offset_at(99), 3600);
        assert_eq!(zone.offset_at(100), 7200);
        assert_eq!(zone.offset_at(200), 3600);
    }

    #[test]
    fn damaged_files_are_refused_without_panic() {
        let good = block(&[(100, 1), (200, 0)], &[3600, 7200]);
        for length in 0..good.len() {
            assert_eq!(Zone::parse(&good[..length]), None, "cut at {length}");
        }
        assert_eq!(Zone::parse(&[0xff; 200]), None);
    }
}
