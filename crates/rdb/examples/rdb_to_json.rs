//! Prints an RDB file from standard input as JSON lines: one per key, then one with the counts.
//!
//! ```text
//! cargo run -p lastsave-rdb --example rdb_to_json < dump.rdb
//! ```
//! Bytes that are not ASCII text stand as `\u00XX`, one escape per byte.

use std::{
    fmt::Write as _,
    io::{self, BufWriter, Write},
    process::ExitCode,
};

use lastsave_rdb::{Event, KeyRecord, Reader, ReaderOptions, Value};

/// A JSON string of arbitrary bytes.
fn quoted(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() + 2);
    text.push('"');
    for &byte in bytes {
        match byte {
            b'"' => text.push_str("\\\""),
            b'\\' => text.push_str("\\\\"),
            b' '..=b'~' => text.push(char::from(byte)),
            _ => {
                let _ = write!(text, "\\u{byte:04x}");
            }
        }
    }
    text.push('"');
    text
}

fn print_key(output: &mut impl Write, database: u64, record: KeyRecord) -> io::Result<()> {
    write!(output, "{{\"db\":{database},\"key\":{}", quoted(&record.key))?;
    if let Some(expires_at_ms) = record.metadata.expires_at_ms {
        write!(output, ",\"expires_at_ms\":{expires_at_ms}")?;
    }
    if let Value::String(value) = record.value {
        write!(output, ",\"string\":{}", quoted(&value.into_bytes()))?;
    }
    writeln!(output, "}}")
}

fn main() -> io::Result<ExitCode> {
    let mut output = BufWriter::new(io::stdout().lock());
    let mut reader = Reader::new(io::stdin().lock(), ReaderOptions::default());
    let (mut database, mut keys) = (0, 0_u64);
    loop {
        match reader.next_event() {
            Ok(Event::SelectDatabase(index)) => database = index,
            Ok(Event::Key(record)) => {
                keys += 1;
                print_key(&mut output, database, record)?;
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
