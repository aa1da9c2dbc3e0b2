//! Batches are shared by all clients, so one huge command must not leave its memory in them.

use lastsave_resp::{Batch, Limits, Parser};

#[test]
fn after_a_million_arguments() {
    let mut input = b"*1000000\r\n".to_vec();
    input.extend_from_slice(&b"$0\r\n\r\n".repeat(1_000_000));
    let mut batch = Batch::new();
    for _ in 0..3 {
        batch.clear();
        assert!(batch.is_empty());
        let progress = Parser::new().parse(&input, &Limits::default(), &mut batch, 1);
        assert_eq!((progress.consumed, batch.request(0, &input).len()), (input.len(), 1_000_000));
    }
    let grown = batch.memory_bytes();
    batch.clear();
    assert!(batch.memory_bytes() * 4 < grown);
}
