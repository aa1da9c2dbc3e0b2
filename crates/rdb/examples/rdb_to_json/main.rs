//! Prints an RDB file from standard input as JSON lines: one per key or function library, then one with the counts.
//!
//! ```text
//! cargo run -p lastsave-rdb --example rdb_to_json < dump.rdb | jq 'select(.type == "stream-v3").key'
//! ```
//! Bytes that are not ASCII text stand as `\u00XX`, one escape per byte. Memory is needed for one key at a time.

mod json;

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use lastsave_rdb::{Event, Reader, ReaderOptions};

fn main() -> io::Result<ExitCode> {
    let mut output = BufWriter::new(io::stdout().lock());
    let mut reader = Reader::new(io::stdin().lock(), ReaderOptions::default());
    let (mut database, mut keys) = (0, 0_u64);
    loop {
        match reader.next_event() {
            Ok(Event::SelectDatabase(index)) => database = index,
            Ok(Event::Key(record)) => {
                keys += 1;
                writeln!(output, "{}", json::key_line(database, &record))?;
            }
            Ok(Event::FunctionLibrary { code }) => {
                writeln!(output, "{{\"function_library\":{}}}", json::quoted(&code))?;
            }
            Ok(Event::End { .. }) => break,
            Ok(_) => {}
            Err(error) => {
                output.flush()?;
                eprintln!("{error}");
                return Ok(ExitCode::FAILURE);
            }
        }
    }
    writeln!(output, "{{\"keys\":{keys},\"bytes\":{}}}", reader.offset())?;
    output.flush()?;
    Ok(ExitCode::SUCCESS)
}
