//! Decompressing bytes that nobody vouches for.

use crate::codec::LITERALS_MAX;

/// A three-byte token yields at most 264 bytes, and no token does better.
const EXPANSION_MAX: u64 = 88;
/// Room behind the result while it is made, so that a short run is copied as whole blocks.
const SLACK_BYTES: usize = LITERALS_MAX;
/// Matches that lie at least this far back are copied in blocks of as many bytes.
const BLOCK_BYTES: usize = 16;

/// What is wrong with a compressed string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LzfFault {
    /// A token is cut off by the end of the compressed bytes.
    #[error("it ends inside a token")]
    Truncated,
    /// A token refers to bytes before the start of the result.
    #[error("it refers to bytes before its start")]
    BadReference,
    /// The tokens produce a number of bytes other than the declared one.
    #[error("it does not hold the declared number of bytes")]
    WrongSize,
    /// The memory for the result cannot be had.
    #[error("no memory for its content")]
    OutOfMemory,
}

/// Decompresses `input`, which must produce exactly `size` bytes.
///
/// The tokens are walked once without producing anything, so that nothing is allocated for a stream that is not valid
/// from its first to its last token, however large the size it declares.
///
/// # Errors
/// What is wrong with the stream.
pub fn decompress(input: &[u8], size: u64) -> Result<Vec<u8>, LzfFault> {
    if size > EXPANSION_MAX * input.len() as u64 {
        return Err(LzfFault::WrongSize);
    }
    if measure(input)? != size {
        return Err(LzfFault::WrongSize);
    }
    let size = usize::try_from(size).map_err(|_| LzfFault::OutOfMemory)?;
    let mut output = Vec::new();
    decompress_into(input, size, &mut output)?;
    output.shrink_to_fit();
    Ok(output)
}

/// Decompresses `input`, which must produce exactly `size` bytes, into `output`, replacing what is there.
///
/// For short strings and a buffer that is used again: the stream is not walked before memory is reserved, at most 88
/// times the size of `input` and a few bytes.
///
/// # Errors
/// What is wrong with the stream; what is in `output` then is of no use.
pub fn decompress_into(input: &[u8], size: usize, output: &mut Vec<u8>) -> Result<(), LzfFault> {
    if size as u64 > EXPANSION_MAX * input.len() as u64 {
        return Err(LzfFault::WrongSize);
    }
    let room = size.checked_add(SLACK_BYTES).ok_or(LzfFault::OutOfMemory)?;
    output.clear();
    output.try_reserve_exact(room).map_err(|_| LzfFault::OutOfMemory)?;
    output.resize(room, 0);
    let produced = expand(input, size, output)?;
    output.truncate(size);
    if produced == size { Ok(()) } else { Err(LzfFault::WrongSize) }
}

/// How many bytes a token stream produces, if it is valid.
fn measure(input: &[u8]) -> Result<u64, LzfFault> {
    let mut position = 0;
    let mut produced = 0_u64;
    while let Some(&control) = input.get(position) {
        position += 1;
        if usize::from(control) < LITERALS_MAX {
            let length = usize::from(control) + 1;
            position += length;
            produced += length as u64;
        } else {
            let (length, distance, next) = reference(input, position, control)?;
            if distance as u64 > produced {
                return Err(LzfFault::BadReference);
            }
            position = next;
            produced += length as u64;
        }
    }
    // A literal run may have pointed past the end; nothing was read there, so one check suffices.
    if position > input.len() { Err(LzfFault::Truncated) } else { Ok(produced) }
}

/// Reads the rest of a reference token: match length, distance and the position after the token.
#[inline]
fn reference(input: &[u8], position: usize, control: u8) -> Result<(usize, usize, usize), LzfFault> {
    let mut position = position;
    let mut length = usize::from(control >> 5) + 2;
    if control >> 5 == 7 {
        length += usize::from(*input.get(position).ok_or(LzfFault::Truncated)?);
        position += 1;
    }
    let low = *input.get(position).ok_or(LzfFault::Truncated)?;
    let distance = (usize::from(control & 31) << 8 | usize::from(low)) + 1;
    Ok((length, distance, position + 1))
}

/// Produces at most `size` bytes at the start of `output`, which is longer by [`SLACK_BYTES`]. Gives how many.
fn expand(input: &[u8], size: usize, output: &mut [u8]) -> Result<usize, LzfFault> {
    let mut position = 0;
    let mut produced = 0;
    while let Some(&control) = input.get(position) {
        position += 1;
        if usize::from(control) < LITERALS_MAX {
            let length = usize::from(control) + 1;
            if produced + length > size {
                return Err(LzfFault::WrongSize);
            }
            if let Some(block) = input.get(position..position + LITERALS_MAX) {
                // More than the run, perhaps: what is too much is written over, or cut off at the end.
                output[produced..produced + LITERALS_MAX].copy_from_slice(block);
            } else {
                let run = input.get(position..position + length).ok_or(LzfFault::Truncated)?;
                output[produced..produced + length].copy_from_slice(run);
            }
            position += length;
            produced += length;
        } else {
            let (length, distance, next) = reference(input, position, control)?;
            position = next;
            let from = produced.checked_sub(distance).ok_or(LzfFault::BadReference)?;
            if produced + length > size {
                return Err(LzfFault::WrongSize);
            }
            repeat(output, from, produced, length);
            produced += length;
        }
    }
    Ok(produced)
}

/// Copies `length` bytes at `from` to `to`, which lies behind: what is produced may be read again at once.
#[inline]
fn repeat(output: &mut [u8], from: usize, to: usize, length: usize) {
    let distance = to - from;
    if distance >= BLOCK_BYTES {
        for done in (0..length).step_by(BLOCK_BYTES) {
            output.copy_within(from + done..from + done + BLOCK_BYTES, to + done);
        }
    } else if distance == 1 {
        let byte = output[from];
        output[to..to + length].fill(byte);
    } else {
        // The match overlaps what it produces: repeat the period, which doubles with every round.
        let mut done = 0;
        while done < length {
            let piece = (length - done).min(distance + done);
            output.copy_within(from..from + piece, to + done);
            done += piece;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn faults_are_told_apart() {
        assert_eq!(decompress(b"", 0), Ok(vec![]));
        assert_eq!(decompress(b"", 1), Err(LzfFault::WrongSize));
        assert_eq!(decompress(b"\x02ab", 3), Err(LzfFault::Truncated));
        assert_eq!(decompress(b"\x00a\x20", 4), Err(LzfFault::Truncated));
        assert_eq!(decompress(b"\x00a\xe0\x01", 10), Err(LzfFault::Truncated));
        assert_eq!(decompress(b"\x00a\x20\x01", 4), Err(LzfFault::BadReference));
        assert_eq!(decompress(b"\x20\x00", 3), Err(LzfFault::BadReference));
        assert_eq!(decompress(b"\x00a\x20\x00", 5), Err(LzfFault::WrongSize));
        assert_eq!(decompress(b"\x00a\x20\x00", 3), Err(LzfFault::WrongSize));
        assert_eq!(decompress(b"\x00a\x20\x00", 4), Ok(b"aaaa".to_vec()));
        assert_eq!(decompress(b"\x00a", u64::MAX), Err(LzfFault::WrongSize));
    }

    proptest! {
        /// Token streams, most of them valid in a part, against the simplest decoder there is.
        #[test]
        fn any_bytes_give_what_a_naive_decoder_gives(
            input in prop::collection::vec(prop_oneof![0..4_u8, 32..=255_u8, any::<u8>()], 0..60),
            size in 0..600_usize,
        ) {
            let mut naive = Some(Vec::new());
            let mut position = 0;
            while let (Some(output), Some(&control)) = (&mut naive, input.get(position)) {
                position += 1;
                if control < 32 {
                    let run = input.get(position..position + usize::from(control) + 1);
                    position += usize::from(control) + 1;
                    naive = run.map(|run| [output, run].concat());
                    continue;
                }
                let Ok((length, distance, next)) = reference(&input, position, control) else {
                    naive = None;
                    break;
                };
                position = next;
                if distance > output.len() {
                    naive = None;
                    break;
                }
                for _ in 0..length {
                    output.push(output[output.len() - distance]);
                }
            }
            let expected = naive.filter(|output| output.len() == size);
            let mut output = b"left over".to_vec();
            let result = decompress_into(&input, size, &mut output);
            prop_assert_eq!(result.ok().map(|()| &output), expected.as_ref());
            prop_assert_eq!(decompress(&input, size as u64).ok(), expected);
        }

        #[test]
        fn hostile_bytes_are_judged_as_the_lzf_crate_judges_them(
            input in prop::collection::vec(prop_oneof![any::<u8>(), 0..4_u8, 0xe0..=0xff_u8], 1..200),
            size in 1..2000_usize,
        ) {
            let size = measure(&input).ok().filter(|_| size % 2 == 0).map_or(size, |size| size as usize);
            let theirs = lzf::decompress(&input, size).ok().filter(|output| output.len() == size);
            prop_assert_eq!(measure(&input) == Ok(size as u64), theirs.is_some());
            let mut output = Vec::new();
            let expanded = decompress_into(&input, size, &mut output).ok().map(|()| output);
            prop_assert_eq!(&expanded, &theirs);
            prop_assert_eq!(decompress(&input, size as u64).ok(), theirs);
        }
    }
}
