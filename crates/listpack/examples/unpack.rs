//! Reads a packed value as hex digits from standard input and prints what is in it:
//!
//! ```sh
//! echo '0c000000 0200 816102 0101 ff' | cargo run -p lastsave-listpack --example unpack -- listpack
//! ```
//!
//! The argument is `listpack` (the default), `intset`, `ziplist` or `zipmap`.

use std::{
    env,
    error::Error,
    io::{self, Read},
};

use lastsave_listpack::{Intset, ListpackRef, Ziplist, Zipmap};

fn main() -> Result<(), Box<dyn Error>> {
    let mut text = String::new();
    io::stdin().read_to_string(&mut text)?;
    let bytes = hex_bytes(&text)?;
    match env::args().nth(1).as_deref() {
        None | Some("listpack") => {
            for (position, value) in ListpackRef::from_bytes(&bytes)?.entries() {
                println!("{:6}  {value:?}", position.offset());
            }
        }
        Some("intset") => Intset::from_bytes(bytes)?.iter().for_each(|member| println!("{member}")),
        Some("ziplist") => Ziplist::from_bytes(&bytes)?.iter().for_each(|value| println!("{value:?}")),
        Some("zipmap") => {
            for (key, value) in Zipmap::from_bytes(&bytes)? {
                println!("{key:?}: {value:?}");
            }
        }
        Some(other) => return Err(format!("no packed encoding is called {other}").into()),
    }
    Ok(())
}

fn hex_bytes(text: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    if !digits.len().is_multiple_of(2) {
        return Err("an odd number of hex digits".into());
    }
    let pair = |pair: &[u8]| Ok(u8::from_str_radix(str::from_utf8(pair)?, 16)?);
    digits.chunks(2).map(pair).collect()
}
