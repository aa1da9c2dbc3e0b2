//! Entry points for fuzzers: each takes any bytes and must return.

use lastsave_keyspace::{Keyspace, KeyspaceOptions};
use lastsave_resp::{Batch, Limits, Parser, Protocol, ReplyBuffer, decode_reply};
use rand::SeedableRng;
use rand::rngs::SmallRng;

use crate::blocking::BlockingTable;
use crate::context::{Context, Dependency, execute};
use crate::effects::Effects;
use crate::functions::{FunctionLibraries, FunctionLibrary};
use crate::glob::glob_matches;
use crate::long_double::LongDouble;
use crate::options::{DataOptions, DataStats};
use crate::signals::Signals;
use crate::spec::request_keys;
use crate::table::resolve;
use crate::watch::WatchTable;

/// The first byte says how long the pattern is; what follows it is the text.
pub fn glob(data: &[u8]) {
    let Some((len, rest)) = data.split_first() else { return };
    let (pattern, text) = rest.split_at(usize::from(*len).min(rest.len()));
    let _matches = glob_matches(pattern, text, len % 2 == 0);
}

/// The text of a floating-point number, added to itself and printed.
pub fn long_double(data: &[u8]) {
    if let Some(sum) = LongDouble::parse(data).and_then(|number| number.add(&number)) {
        assert!(LongDouble::parse(sum.to_plain_text().as_bytes()).is_some(), "what is printed can be read");
    }
}

/// The string of a HyperLogLog, and the runs of a sparse one.
pub fn hyperloglog(data: &[u8]) {
    crate::hyperloglog::fuzz_text(data);
    crate::hyperloglog::fuzz_runs(data);
}

/// The text of a function library.
pub fn function_library(data: &[u8]) {
    if let Ok(library) = FunctionLibrary::parse(data.to_vec().into()) {
        assert_eq!(&library.code()[..], data, "the text is kept as it is");
        let plain = [b"#!lua name=", &library.name()[..], b"\n"].concat();
        let again = FunctionLibrary::parse(plain.into()).expect("the name is one");
        assert_eq!(again.name(), library.name());
    }
}

/// Requests as a client sends them, each executed on the same small data set.
pub fn requests(data: &[u8]) {
    let mut batch = Batch::new();
    Parser::new().parse(data, &Limits { authenticated: true, ..Limits::default() }, &mut batch, 1000);
    let mut keyspace = Keyspace::new(&KeyspaceOptions::default());
    let options = DataOptions { proto_max_bulk_bytes: 64 * 1024, ..DataOptions::default() };
    let (mut watches, mut signals, mut stats) = (WatchTable::new(), Signals::new(), DataStats::default());
    let mut blocking = BlockingTable::new();
    let mut functions = FunctionLibraries::new();
    let mut random = SmallRng::seed_from_u64(0);
    for index in 0..batch.len() {
        let request = batch.request(index, data);
        let Ok(spec) = resolve(request) else { continue };
        let _invalid = request_keys(spec, request);
        let mut effects = Effects::new();
        let mut reply = ReplyBuffer::new(if index % 2 == 0 { Protocol::Resp2 } else { Protocol::Resp3 });
        let mut context = Context {
            keyspace: &mut keyspace,
            functions: &mut functions,
            db: index % 3,
            now_ms: 1_700_000_000_000 + index as i64,
            reply: &mut reply,
            effects: &mut effects,
            watches: &mut watches,
            blocking: &mut blocking,
            may_block: false,
            signals: &mut signals,
            client_id: 1,
            options: &options,
            stats: &mut stats,
            depends: &mut Dependency::Nothing,
            random: &mut random,
            replay: false,
            no_touch: false,
        };
        if execute(spec, &mut context, request) {
            let bytes = reply.to_vec();
            let whole = matches!(decode_reply(&bytes), Ok(Some((_, len))) if len == bytes.len());
            assert!(whole, "{} gives one well-formed reply", spec.full_name);
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_entry_points_take_anything() {
        for data in [
            &b""[..],
            b"\x02a*abc",
            b"1e5",
            b"#!lua name=a\n",
            b"SET k v\r\nAPPEND k w\r\nLCS k k IDX\r\nCOMMAND DOCS\r\n",
        ] {
            super::glob(data);
            super::long_double(data);
            super::hyperloglog(data);
            super::function_library(data);
            super::requests(data);
        }
    }
}
