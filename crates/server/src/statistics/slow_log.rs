//! The slow log: the last commands that took long.

use std::collections::VecDeque;

use lastsave_resp::Request;

/// Arguments kept of one command.
const ARGUMENTS_MAX: usize = 32;
/// Bytes kept of one argument.
const ARGUMENT_BYTES_MAX: usize = 128;

/// One command that took long.
#[derive(Debug)]
pub(crate) struct SlowCommand {
    /// Counts up from the start of the server.
    pub(crate) id: u64,
    /// When it ended, in seconds of Unix time.
    pub(crate) unix_seconds: i64,
    /// How long it took.
    pub(crate) duration_us: u64,
    /// What was sent, shortened.
    pub(crate) arguments: Vec<Vec<u8>>,
    /// Address of the client.
    pub(crate) peer: String,
    /// Name of the client.
    pub(crate) client_name: String,
}

/// The last slow commands, the newest first.
#[derive(Debug, Default)]
pub(crate) struct SlowLog {
    entries: VecDeque<SlowCommand>,
    next_id: u64,
}

impl SlowLog {
    /// Adds a command; the oldest ones beyond `length_max` go.
    pub(crate) fn push(&mut self, mut entry: SlowCommand, length_max: u64) {
        entry.id = self.next_id;
        self.next_id += 1;
        self.entries.push_front(entry);
        self.entries.truncate(usize::try_from(length_max).unwrap_or(usize::MAX));
    }

    /// The entries, the newest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &SlowCommand> {
        self.entries.iter()
    }

    /// How many entries there are.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Forgets all entries.
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }
}

/// The arguments of a request in the form in which the slow log keeps them; `shown` is what may be shown of each.
pub(crate) fn shorten<'a>(request: Request<'a>, shown: impl Fn(usize) -> &'a [u8]) -> Vec<Vec<u8>> {
    let count = request.len();
    let kept = count.min(ARGUMENTS_MAX);
    (0..kept)
        .map(|index| {
            if kept < count && index == kept - 1 {
                return format!("... ({} more arguments)", count - kept + 1).into_bytes();
            }
            let argument = shown(index);
            if argument.len() <= ARGUMENT_BYTES_MAX {
                return argument.to_vec();
            }
            let mut short = argument[..ARGUMENT_BYTES_MAX].to_vec();
            short.extend(format!("... ({} more bytes)", argument.len() - ARGUMENT_BYTES_MAX).bytes());
            short
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use lastsave_resp::OwnedRequest;

    use super::*;

    fn shortened(arguments: &[&[u8]]) -> Vec<Vec<u8>> {
        let owned = OwnedRequest::from_args(arguments);
        let request = owned.as_request();
        shorten(request, |index| request.arg(index))
    }

    #[test]
    fn long_arguments_and_many_arguments_are_cut() {
        let long = vec![b'A'; 129];
        let kept = shortened(&[b"SET", b"k", &long]);
        assert_eq!(kept[2], [&long[..128], b"... (1 more bytes)"].concat());
        let many: Vec<&[u8]> = std::iter::repeat_n(&b"x"[..], 33).collect();
        let kept = shortened(&many);
        assert_eq!((kept.len(), kept[31].as_slice()), (32, &b"... (2 more arguments)"[..]));
        assert_eq!(shortened(&many[..32])[31], b"x");
    }

    #[test]
    fn the_oldest_entries_go_and_ids_go_on() {
        let entry = || SlowCommand {
            id: 0,
            unix_seconds: 1,
            duration_us: 2,
            arguments: Vec::new(),
            peer: String::new(),
            client_name: String::new(),
        };
        let mut log = SlowLog::default();
        for _ in 0..5 {
            log.push(entry(), 3);
        }
        assert_eq!(log.iter().map(|entry| entry.id).collect::<Vec<_>>(), [4, 3, 2]);
        log.clear();
        log.push(entry(), 3);
        assert_eq!(log.iter().next().map(|entry| entry.id), Some(5));
    }
}
