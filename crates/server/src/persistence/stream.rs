//! The effect stream: what commands did, encoded in the order in which they did it.
//!
//! A position in the stream counts its bytes since the process started. The stream ends after every unit: one command,
//! or a whole transaction.

use bytes::{Bytes, BytesMut};
use lastsave_commands::{Effect, Effects};
use lastsave_fsync_scheduler::Batch;
use lastsave_resp::{Request, encode_array_header, encode_bulk, encode_command, encode_request};

/// Requests from this size on are passed on by reference, when they lie in a buffer of their own.
const SHARE_FROM_BYTES: usize = 16 * 1024;

/// Capacity kept for the next turn's records.
const TAIL_BYTES: usize = 64 * 1024;

/// Collects the records of one turn.
#[derive(Debug, Default)]
pub(crate) struct EffectStream {
    /// Completed pieces of the batch, in order; `tail` follows them.
    parts: Vec<Bytes>,
    tail: BytesMut,
    position: u64,
    handed_over: u64,
    /// The database that a reader of the log has selected here; unknown at the start of a file.
    database: Option<usize>,
    /// The same where the batch being collected began.
    database_before: Option<usize>,
    /// Selects that database; kept because it seldom changes.
    select: Option<(usize, Bytes)>,
    /// Unix second of the last `#TS:` line, when they are written.
    timestamp: Option<i64>,
    transaction: Option<Transaction>,
}

/// Records of an open transaction, kept apart until it is known whether they need MULTI and EXEC around them.
#[derive(Debug, Default)]
struct Transaction {
    records: BytesMut,
    /// Database and end of each record.
    ends: Vec<(usize, usize)>,
}

impl EffectStream {
    /// End of the stream.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// End of what the last [`EffectStream::take_batch`] gave away.
    pub(crate) fn handed_over(&self) -> u64 {
        self.handed_over
    }

    /// Bytes that were not given away yet.
    pub(crate) fn pending_bytes(&self) -> u64 {
        self.position - self.handed_over
    }

    /// The log goes on in another file: readers of it start without a selected database.
    pub(crate) fn start_new_file(&mut self) {
        self.database = None;
        self.database_before = None;
        self.timestamp = None;
    }

    /// Writes `#TS:` lines from now on, or no longer; `now_s` is the time of what follows.
    pub(crate) fn note_time(&mut self, enabled: bool, now_s: i64) {
        if enabled && self.timestamp != Some(now_s) && self.transaction.is_none() {
            self.timestamp = Some(now_s);
            let line = format!("#TS:{now_s}\r\n");
            self.tail.extend_from_slice(line.as_bytes());
            self.position += line.len() as u64;
        }
    }

    /// Appends one unit. `request` is what `Verbatim` effects stand for.
    pub(crate) fn append_unit(&mut self, effects: &Effects, request: Option<Request<'_>>) {
        let wrap = effects.iter().nth(1).is_some();
        if wrap {
            self.append_record(None, |out| encode_command(out, &[b"MULTI"]));
        }
        for effect in effects.iter() {
            match effect {
                Effect::Verbatim { db } => {
                    let request = request.expect("a verbatim effect comes from a request");
                    self.append_request(db, request);
                }
                Effect::Command { db, bytes } => {
                    self.append_record(Some(db), |out| out.extend_from_slice(bytes));
                }
            }
        }
        if wrap {
            self.append_record(None, |out| encode_command(out, &[b"EXEC"]));
        }
    }

    /// Appends effects that have nothing to do with each other (expiry), each a unit of its own.
    pub(crate) fn append_separately(&mut self, effects: &Effects) {
        for effect in effects.iter() {
            match effect {
                Effect::Command { db, bytes } => {
                    self.append_record(Some(db), |out| out.extend_from_slice(bytes));
                }
                Effect::Verbatim { .. } => panic!("a verbatim effect comes from a request"),
            }
        }
    }

    /// Opens a unit of several commands.
    pub(crate) fn begin_transaction(&mut self) {
        assert!(self.transaction.is_none(), "transactions do not nest");
        self.transaction = Some(Transaction::default());
    }

    /// Whether a unit of several commands is open.
    pub(crate) fn in_transaction(&self) -> bool {
        self.transaction.is_some()
    }

    /// Appends the effects of one command of the open unit.
    pub(crate) fn append_to_transaction(&mut self, effects: &Effects, request: Request<'_>) {
        let transaction = self.transaction.as_mut().expect("a transaction is open");
        for effect in effects.iter() {
            let database = match effect {
                Effect::Verbatim { db } => {
                    encode_request(&mut transaction.records, request);
                    db
                }
                Effect::Command { db, bytes } => {
                    transaction.records.extend_from_slice(bytes);
                    db
                }
            };
            transaction.ends.push((database, transaction.records.len()));
        }
    }

    /// Closes the unit: nothing is written for one without effects, and one effect needs no MULTI.
    pub(crate) fn end_transaction(&mut self) {
        let Transaction { records, ends } = self.transaction.take().expect("a transaction is open");
        let wrap = ends.len() > 1;
        if wrap {
            self.append_record(None, |out| encode_command(out, &[b"MULTI"]));
        }
        let mut start = 0;
        for (database, end) in ends {
            self.append_record(Some(database), |out| out.extend_from_slice(&records[start..end]));
            start = end;
        }
        if wrap {
            self.append_record(None, |out| encode_command(out, &[b"EXEC"]));
        }
    }

    fn append_request(&mut self, database: usize, request: Request<'_>) {
        let shared = if request.is_canonical() && request.frame().len() >= SHARE_FROM_BYTES {
            request.shared_frame()
        } else {
            None
        };
        match shared {
            Some(frame) => {
                self.append_record(Some(database), |_| {});
                self.position += frame.len() as u64;
                if !self.tail.is_empty() {
                    self.parts.push(self.tail.split().freeze());
                }
                self.parts.push(frame);
            }
            None => self.append_record(Some(database), |out| encode_request(out, request)),
        }
    }

    fn append_record(&mut self, database: Option<usize>, encode: impl FnOnce(&mut BytesMut)) {
        let before = self.tail.len();
        if let Some(database) = database
            && self.database != Some(database)
        {
            self.database = Some(database);
            encode_array_header(&mut self.tail, 2);
            encode_bulk(&mut self.tail, b"SELECT");
            encode_bulk(&mut self.tail, itoa::Buffer::new().format(database).as_bytes());
        }
        encode(&mut self.tail);
        self.position += (self.tail.len() - before) as u64;
    }

    /// Gives away what was collected, if anything. The stream's position is the batch's end.
    pub(crate) fn take_batch(&mut self) -> Option<Batch> {
        if self.position == self.handed_over {
            return None;
        }
        self.handed_over = self.position;
        let tail = self.tail.split().freeze();
        if self.tail.capacity() < TAIL_BYTES / 4 {
            // The last piece's memory comes back once the log has written it; until then there is a second one.
            self.tail.reserve(TAIL_BYTES);
        }
        let preface = self.preface();
        self.database_before = self.database;
        if self.parts.is_empty() && preface.is_none() {
            return Some(Batch::One(tail));
        }
        if !tail.is_empty() {
            self.parts.push(tail);
        }
        let parts = std::mem::take(&mut self.parts);
        Some(match preface {
            Some(preface) => Batch::Continued { preface, parts },
            None => Batch::Many(parts),
        })
    }

    /// What selects the database in which the batch being collected began.
    fn preface(&mut self) -> Option<Bytes> {
        let database = self.database_before?;
        match &self.select {
            Some((selected, bytes)) if *selected == database => Some(bytes.clone()),
            _ => {
                let mut out = BytesMut::new();
                encode_command(&mut out, &[b"SELECT", itoa::Buffer::new().format(database).as_bytes()]);
                let bytes = out.freeze();
                self.select = Some((database, bytes.clone()));
                Some(bytes)
            }
        }
    }

    /// Forgets what was collected: there is no log to take it.
    pub(crate) fn discard_batch(&mut self) {
        self.parts.clear();
        self.tail.clear();
        self.handed_over = self.position;
        self.database_before = self.database;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lastsave_resp::OwnedRequest;

    fn text(stream: &mut EffectStream) -> String {
        let batch = stream.take_batch();
        let bytes: Vec<u8> = batch
            .iter()
            .flat_map(|batch| batch.parts().iter().flat_map(|part| part.iter().copied()))
            .collect();
        String::from_utf8(bytes).expect("these records are text").replace("\r\n", " ")
    }

    fn verbatim(database: usize) -> Effects {
        let mut effects = Effects::default();
        effects.verbatim(database);
        effects
    }

    #[test]
    fn select_is_inserted_when_the_database_changes_and_in_new_files() {
        let mut stream = EffectStream::default();
        let request = OwnedRequest::from_args(&[b"DEL", b"k"]);
        let del = "*2 $3 DEL $1 k ";
        stream.append_unit(&verbatim(3), Some(request.as_request()));
        stream.append_unit(&verbatim(3), Some(request.as_request()));
        assert_eq!(text(&mut stream), format!("*2 $6 SELECT $1 3 {del}{del}"));
        stream.append_unit(&verbatim(3), Some(request.as_request()));
        assert_eq!(text(&mut stream), del);
        stream.start_new_file();
        stream.append_unit(&verbatim(3), Some(request.as_request()));
        assert_eq!(text(&mut stream), format!("*2 $6 SELECT $1 3 {del}"));
        assert_eq!(stream.position(), stream.handed_over());
        assert!(stream.take_batch().is_none());
    }

    #[test]
    fn a_batch_knows_the_database_it_relies_on() {
        let mut stream = EffectStream::default();
        let request = OwnedRequest::from_args(&[b"DEL", b"k"]);
        let mut preface_of_next = |database| {
            stream.append_unit(&verbatim(database), Some(request.as_request()));
            stream.take_batch().and_then(|batch| batch.preface().cloned())
        };
        assert_eq!(preface_of_next(3), None, "a new file");
        assert_eq!(preface_of_next(3).as_deref(), Some(&b"*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n"[..]));
        assert_eq!(preface_of_next(4).as_deref(), Some(&b"*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n"[..]));
        assert_eq!(preface_of_next(4).as_deref(), Some(&b"*2\r\n$6\r\nSELECT\r\n$1\r\n4\r\n"[..]));
    }

    #[test]
    fn units_with_several_effects_are_wrapped() {
        let mut stream = EffectStream::default();
        let mut effects = Effects::default();
        effects.command(0, &[b"DEL", b"a"]);
        effects.command(0, &[b"DEL", b"b"]);
        stream.append_unit(&effects, None);
        assert_eq!(
            text(&mut stream),
            "*1 $5 MULTI *2 $6 SELECT $1 0 *2 $3 DEL $1 a *2 $3 DEL $1 b *1 $4 EXEC "
        );
    }

    #[test]
    fn effects_without_a_request_may_be_units_of_their_own() {
        let mut stream = EffectStream::default();
        let mut effects = Effects::default();
        effects.command(0, &[b"DEL", b"a"]);
        effects.command(0, &[b"DEL", b"b"]);
        stream.append_separately(&effects);
        assert_eq!(text(&mut stream), "*2 $6 SELECT $1 0 *2 $3 DEL $1 a *2 $3 DEL $1 b ");
    }

    #[test]
    fn transactions_are_wrapped_only_when_they_had_several_effects() {
        let mut stream = EffectStream::default();
        let request = OwnedRequest::from_args(&[b"DEL", b"k"]);
        stream.begin_transaction();
        stream.append_to_transaction(&Effects::default(), request.as_request());
        stream.end_transaction();
        assert_eq!(stream.position(), 0);
        stream.begin_transaction();
        stream.append_to_transaction(&verbatim(0), request.as_request());
        stream.end_transaction();
        assert_eq!(text(&mut stream), "*2 $6 SELECT $1 0 *2 $3 DEL $1 k ");
        stream.begin_transaction();
        stream.append_to_transaction(&verbatim(0), request.as_request());
        stream.append_to_transaction(&verbatim(1), request.as_request());
        stream.end_transaction();
        assert_eq!(
            text(&mut stream),
            "*1 $5 MULTI *2 $3 DEL $1 k *2 $6 SELECT $1 1 *2 $3 DEL $1 k *1 $4 EXEC "
        );
    }
}
