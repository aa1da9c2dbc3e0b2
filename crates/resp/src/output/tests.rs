//! Tests of the output module.

use proptest::prelude::*;

use super::*;

fn gathered(output: &Output, limit: u64) -> Vec<u8> {
    let mut slices = Vec::new();
    output.io_slices(limit, &mut slices);
    assert!(slices.len() <= IO_SLICES_MAX);
    assert!(slices.iter().all(|slice| !slice.is_empty()));
    slices.iter().flat_map(|slice| slice.to_vec()).collect()
}

#[test]
fn small_values_are_copied_and_big_ones_shared() {
    let mut output = Output::default();
    output.small.extend_from_slice(b"head");
    output.push_shared(&Bytes::from(vec![1; SHARED_BYTES_MIN - 1]));
    assert!(output.splices.is_empty());
    let big = Bytes::from(vec![2; SHARED_BYTES_MIN]);
    output.push_shared(&big);
    assert_eq!(output.splices[0].bytes.as_ptr(), big.as_ptr());
    output.small.extend_from_slice(b"tail");
    assert_eq!(output.pending(), 8 + 2 * SHARED_BYTES_MIN - 1);
    assert!(output.memory_bytes() >= output.pending());
    output.consume(output.pending());
    assert_eq!((output.pending(), output.produced()), (0, 7 + 2 * SHARED_BYTES_MIN as u64));
}

#[test]
fn many_shared_values_go_out_in_several_rounds() {
    let big = Bytes::from(vec![3; SHARED_BYTES_MIN]);
    let mut output = Output::default();
    for _ in 0..IO_SLICES_MAX {
        output.small.push(b'x');
        output.push_shared(&big);
    }
    let round = gathered(&output, u64::MAX).len();
    assert_eq!(round, IO_SLICES_MAX / 2 * (1 + SHARED_BYTES_MIN));
    output.consume(round);
    assert_eq!(gathered(&output, u64::MAX).len(), round);
}

#[test]
fn a_huge_reply_leaves_no_huge_buffer() {
    let mut output = Output::default();
    output.small.resize(KEPT_BYTES_MAX * 4, 0);
    output.consume(output.pending());
    assert_eq!(output.small.capacity(), 0);
    output.small.resize(100, 0);
    output.consume(100);
    assert!(output.small.capacity() >= 100);
    output.release_memory();
    assert_eq!((output.memory_bytes(), output.produced()), (0, KEPT_BYTES_MAX as u64 * 4 + 100));
}

#[test]
fn sent_bytes_are_not_dragged_along() {
    let mut output = Output::default();
    for _ in 0..1000 {
        output.small.extend_from_slice(&[7; 1000]);
        if output.pending() > 2000 {
            output.consume(1000);
        }
    }
    assert!(output.small.len() < 2 * SENT_BYTES_MAX + 4000);
}

#[derive(Debug, Clone)]
enum Action {
    Small(Vec<u8>),
    Shared(u8, usize),
    Mark,
    Insert(Vec<u8>),
    Truncate,
    TruncateAnywhere(u16),
    Consume(u16),
    Look(u16),
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        4 => prop::collection::vec(any::<u8>(), 0..50).prop_map(Action::Small),
        2 => (any::<u8>(), SHARED_BYTES_MIN - 2..SHARED_BYTES_MIN + 20).prop_map(|(byte, len)| Action::Shared(byte, len)),
        2 => Just(Action::Mark),
        1 => prop::collection::vec(any::<u8>(), 0..9).prop_map(Action::Insert),
        1 => Just(Action::Truncate),
        1 => any::<u16>().prop_map(Action::TruncateAnywhere),
        3 => any::<u16>().prop_map(Action::Consume),
        2 => any::<u16>().prop_map(Action::Look),
    ]
}

proptest! {
    #[test]
    fn behaves_as_one_plain_buffer(actions in prop::collection::vec(action(), 0..60)) {
        let mut output = Output::default();
        let mut model: Vec<u8> = Vec::new();
        let (mut consumed, mut mark) = (0u64, 0u64);
        for action in actions {
            match action {
                Action::Small(bytes) => {
                    output.small.extend_from_slice(&bytes);
                    model.extend_from_slice(&bytes);
                }
                Action::Shared(byte, len) => {
                    output.push_shared(&Bytes::from(vec![byte; len]));
                    model.extend(std::iter::repeat_n(byte, len));
                }
                Action::Mark => mark = output.produced(),
                Action::Insert(bytes) => {
                    if consumed <= mark && mark <= output.produced() {
                        output.insert(mark, &bytes);
                        let at = (mark - consumed) as usize;
                        model.splice(at..at, bytes);
                    }
                }
                Action::Truncate => {
                    output.truncate_to(mark);
                    model.truncate(mark.saturating_sub(consumed) as usize);
                }
                Action::TruncateAnywhere(at) => {
                    let at = usize::from(at).min(model.len());
                    output.truncate_to(consumed + at as u64);
                    model.truncate(at);
                    // A cut within a shared value leaves no boundary behind a mark there.
                    mark = output.produced();
                }
                Action::Consume(count) => {
                    let count = usize::from(count).min(model.len());
                    output.consume(count);
                    model.drain(..count);
                    consumed += count as u64;
                }
                Action::Look(upto) => {
                    let seen = gathered(&output, consumed + u64::from(upto));
                    prop_assert_eq!(&seen[..], &model[..usize::from(upto).min(model.len()).min(seen.len())]);
                }
            }
            prop_assert_eq!(output.pending(), model.len());
            prop_assert_eq!(output.produced(), consumed + model.len() as u64);
            prop_assert_eq!(output.to_vec(), model.clone());
        }
    }
}
