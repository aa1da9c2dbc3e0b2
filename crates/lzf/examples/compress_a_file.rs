//! Compresses what comes on standard input and says what that saves: `cargo run --example compress_a_file < FILE`.

use std::io::{self, Read};

use lastsave_lzf::{Compressor, decompress};

fn main() -> io::Result<()> {
    let mut input = Vec::new();
    io::stdin().read_to_end(&mut input)?;
    let mut output = Vec::new();
    if !Compressor::default().compress(&input, input.len(), &mut output) {
        println!("{} bytes do not become fewer", input.len());
        return Ok(());
    }
    let again = decompress(&output, input.len() as u64).map_err(io::Error::other)?;
    assert_eq!(again, input, "what was compressed comes back");
    println!("{} bytes become {}", input.len(), output.len());
    Ok(())
}
