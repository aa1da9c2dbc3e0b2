//! The reclaim thread: frees what is big, and what snapshots held, away from the executor.

use std::collections::BTreeMap;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};

use crate::cursor::{Cursor, Place};
use crate::directory::{CHUNK_BYTES, ChunkPtr, RootPtr};
use crate::entry_pointer::EntryPtr;
use crate::epoch::Epoch;
use crate::segment::SegmentPtr;

const KIND_MASK: usize = 7;
const ENTRY: usize = 0;
const SEGMENT: usize = 1;
const CHUNK: usize = 2;
const ROOT: usize = 3;
const TREE: usize = 4;

/// A node that its table has let go of: its address, with its kind in the low bits (all nodes are aligned to 8).
#[derive(Debug)]
pub(crate) struct Retired(NonNull<u8>);

// SAFETY: a retired node is owned by whoever holds this value; nobody but snapshots reads it any more.
unsafe impl Send for Retired {}

impl Retired {
    fn new(address: NonNull<u8>, kind: usize) -> Self {
        debug_assert_eq!(address.as_ptr().addr() & KIND_MASK, 0);
        Self(address.map_addr(|address| address | kind))
    }

    pub(crate) fn entry(entry: EntryPtr) -> Self {
        Self::new(entry.address(), ENTRY)
    }

    pub(crate) fn segment(segment: SegmentPtr) -> Self {
        Self::new(segment.address(), SEGMENT)
    }

    pub(crate) fn chunk(chunk: ChunkPtr) -> Self {
        Self::new(chunk.address(), CHUNK)
    }

    pub(crate) fn root(root: RootPtr) -> Self {
        Self::new(root.address(), ROOT)
    }

    /// A root with everything below it.
    pub(crate) fn tree(root: RootPtr) -> Self {
        Self::new(root.address(), TREE)
    }

    fn kind(&self) -> usize {
        self.0.as_ptr().addr() & KIND_MASK
    }

    fn address(&self) -> NonNull<u8> {
        let address = self.0.as_ptr().map_addr(|address| address & !KIND_MASK);
        NonNull::new(address).expect("the untagged address is a node's")
    }

    /// The node's birth. A tree counts as old as the keyspace: some of its nodes may be.
    fn birth(&self) -> Epoch {
        match self.kind() {
            ENTRY => EntryPtr::from_address(self.address()).birth(),
            SEGMENT => SegmentPtr::from_address(self.address()).birth(),
            CHUNK => ChunkPtr::from_address(self.address()).birth(),
            ROOT => RootPtr::from_address(self.address()).birth(),
            _ => 0,
        }
    }

    /// Frees the node. Gives the bytes it had.
    ///
    /// # Safety
    /// No live snapshot can see the node, or read it any more.
    unsafe fn free(self) -> usize {
        let address = self.address();
        // SAFETY: the value owns the node (it is consumed here) and no snapshot sees it, by the caller's promise.
        unsafe {
            match self.kind() {
                ENTRY => {
                    let entry = EntryPtr::from_address(address);
                    let bytes = entry.retired_bytes();
                    entry.free();
                    bytes
                }
                SEGMENT => {
                    let segment = SegmentPtr::from_address(address);
                    let bytes = segment.allocated_bytes();
                    segment.free();
                    bytes
                }
                CHUNK => {
                    ChunkPtr::from_address(address).free();
                    CHUNK_BYTES
                }
                ROOT => {
                    let root = RootPtr::from_address(address);
                    let bytes = root.bytes();
                    root.free();
                    bytes
                }
                _ => free_tree(RootPtr::from_address(address)),
            }
        }
    }
}

/// # Safety
/// No live snapshot can see any node below `root`, and its table has let go of it.
unsafe fn free_tree(root: RootPtr) -> usize {
    let mut bytes = root.bytes();
    for index in 0..root.segment_count() {
        let segment = root.segment(index);
        bytes += segment.allocated_bytes();
        for slot in 0..segment.len() {
            let entry = segment.entry(slot);
            bytes += entry.allocated_bytes();
            // SAFETY: each entry of a tree is in one segment, and is not used after this.
            unsafe { entry.free() }
        }
        // SAFETY: as above; its entries are gone.
        unsafe { segment.free() }
    }
    for chunk in root.chunks() {
        bytes += CHUNK_BYTES;
        // SAFETY: as above; its segments are gone.
        unsafe { chunk.free() }
    }
    // SAFETY: as above; its chunks are gone.
    unsafe { root.free() }
    bytes
}

enum Message {
    Started(Epoch, Arc<Cursor>),
    Ended(Epoch),
    /// Nodes that `youngest`, the youngest snapshot when they were retired, may see, each at its place there.
    Retired {
        youngest: Epoch,
        nodes: Vec<(Place, Retired)>,
    },
    /// A node that no snapshot sees, and how many keys it stands for.
    Free(Retired, u64),
    Barrier(Sender<()>),
}

/// The sending side of the reclaim thread. The thread ends when all of them are gone, with everything freed.
#[derive(Clone)]
pub(crate) struct Reclaimer {
    sender: Sender<Message>,
    counters: Arc<Counters>,
}

/// What both sides of the reclaim thread count.
#[derive(Debug, Default)]
struct Counters {
    /// Bytes not freed of nodes that snapshots see, or saw until a moment ago.
    held_bytes: AtomicUsize,
    /// Bytes not freed of nodes that no snapshot sees.
    unseen_bytes: AtomicUsize,
    /// Keys sent to the thread to be freed at once.
    sent_keys: AtomicU64,
    /// Those of them that are freed.
    freed_keys: AtomicU64,
}

impl Reclaimer {
    pub(crate) fn spawn() -> Self {
        let (sender, receiver) = unbounded();
        let counters = Arc::new(Counters::default());
        let worker = Worker { waiting: BTreeMap::new(), counters: Arc::clone(&counters) };
        std::thread::Builder::new()
            .name("reclaim".into())
            .spawn(move || worker.run(&receiver))
            .expect("the system can start one more thread");
        Self { sender, counters }
    }

    /// Bytes of everything that waits to be freed.
    pub(crate) fn retired_bytes(&self) -> usize {
        self.held_bytes() + self.counters.unseen_bytes.load(Ordering::Relaxed)
    }

    /// Bytes that wait because of snapshots.
    pub(crate) fn held_bytes(&self) -> usize {
        self.counters.held_bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn retired_grew(&self, bytes: usize) {
        self.counters.held_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Keys that are being freed, and keys freed so far.
    pub(crate) fn lazily_freed_keys(&self) -> (u64, u64) {
        let freed = self.counters.freed_keys.load(Ordering::Relaxed);
        (self.counters.sent_keys.load(Ordering::Relaxed).saturating_sub(freed), freed)
    }

    pub(crate) fn started(&self, epoch: Epoch, cursor: Arc<Cursor>) {
        self.send(Message::Started(epoch, cursor));
    }

    /// Sent by the snapshot itself, when its reader is done.
    pub(crate) fn ended(&self, epoch: Epoch) {
        self.send(Message::Ended(epoch));
    }

    pub(crate) fn retire(&self, youngest: Epoch, nodes: Vec<(Place, Retired)>) {
        self.send(Message::Retired { youngest, nodes });
    }

    /// Frees a node that no snapshot sees and that stands for so many keys.
    pub(crate) fn free(&self, node: Retired, bytes: usize, keys: u64) {
        self.counters.unseen_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.counters.sent_keys.fetch_add(keys, Ordering::Relaxed);
        self.send(Message::Free(node, keys));
    }

    fn send(&self, message: Message) {
        self.sender.send(message).expect("the reclaim thread runs as long as there is a sender");
    }

    /// Waits until everything sent so far has been worked off.
    pub(crate) fn wait(&self) {
        let (done, wait) = unbounded();
        self.send(Message::Barrier(done));
        wait.recv().expect("the reclaim thread answers");
    }
}

/// Places are grouped into runs of this many segments (a power of two) that are freed together.
const RUN_BITS: u32 = 6;

/// While nodes wait, the cursors are looked at this often even if no more nodes arrive.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// Nodes that a snapshot may see, under the last place of their run: once its cursor is past that, they can go.
struct Waiting {
    cursor: Arc<Cursor>,
    runs: BTreeMap<Place, Vec<Retired>>,
}

impl Waiting {
    fn add(&mut self, place: Place, node: Retired) {
        self.runs.entry(place.end_of_run(RUN_BITS)).or_default().push(node);
    }

    /// Takes out what the snapshot's reader is done with.
    fn take_passed(&mut self) -> Vec<Retired> {
        let mut passed = Vec::new();
        while let Some(run) = self.runs.first_entry().filter(|run| self.cursor.has_passed(*run.key())) {
            passed.append(&mut run.remove());
        }
        passed
    }
}

/// The thread's state: nodes waiting with each snapshot that may see them.
///
/// `Started` of a snapshot arrives before any node retired during its life, since the executor sends both. `Ended` comes
/// from the reader's thread and may overtake nodes that the executor retired before it noticed; they are then placed as
/// if the snapshot's list had just been handed on.
struct Worker {
    waiting: BTreeMap<Epoch, Waiting>,
    counters: Arc<Counters>,
}

impl Worker {
    fn run(mut self, messages: &Receiver<Message>) {
        loop {
            let message = if self.waiting.values().all(|waiting| waiting.runs.is_empty()) {
                messages.recv().map_err(|_| RecvTimeoutError::Disconnected)
            } else {
                messages.recv_timeout(LOOK_INTERVAL)
            };
            let message = match message {
                Ok(message) => message,
                Err(RecvTimeoutError::Timeout) => {
                    self.free_passed();
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => break,
            };
            match message {
                Message::Started(epoch, cursor) => {
                    self.waiting.insert(epoch, Waiting { cursor, runs: BTreeMap::new() });
                }
                Message::Ended(epoch) => {
                    let ended = self.waiting.remove(&epoch).expect("a snapshot starts before it ends");
                    self.hand_on(epoch, ended.runs.into_values().flatten());
                }
                Message::Retired { youngest, nodes } => self.receive(youngest, nodes),
                Message::Free(node, keys) => {
                    free(node, &self.counters.unseen_bytes);
                    self.counters.freed_keys.fetch_add(keys, Ordering::Relaxed);
                }
                Message::Barrier(done) => {
                    self.free_passed();
                    let _ = done.send(());
                }
            }
        }
        assert!(self.waiting.is_empty(), "every snapshot holds a sender");
    }

    /// Lets nodes wait with the youngest snapshot until it has passed them.
    fn receive(&mut self, youngest: Epoch, nodes: Vec<(Place, Retired)>) {
        if let Some(waiting) = self.waiting.get_mut(&youngest) {
            for (place, node) in nodes {
                waiting.add(place, node);
            }
            self.free_passed();
        } else {
            self.hand_on(youngest, nodes.into_iter().map(|(_, node)| node));
        }
    }

    /// Gives up what the readers have passed since the last look.
    fn free_passed(&mut self) {
        let epochs: Vec<Epoch> = self.waiting.keys().copied().collect();
        for epoch in epochs {
            let passed = self.waiting.get_mut(&epoch).map(Waiting::take_passed).unwrap_or_default();
            self.hand_on(epoch, passed);
        }
    }

    /// Lets each node, with which the snapshot `done` is done, wait with the youngest older one that sees it, to its end;
    /// or frees it.
    fn hand_on(&mut self, done: Epoch, nodes: impl IntoIterator<Item = Retired>) {
        for node in nodes {
            let birth = node.birth();
            match self.waiting.range_mut(..done).next_back() {
                Some((epoch, waiting)) if birth <= *epoch => waiting.add(Place::LAST, node),
                _ => free(node, &self.counters.held_bytes),
            }
        }
    }
}

/// Frees a node whose bytes are counted in `counter`.
fn free(node: Retired, counter: &AtomicUsize) {
    // SAFETY: no live snapshot that may still read the node lies between its birth and its retirement: the younger ones
    // were cut after its retirement or have passed its place, and the next older one, if any, was cut before its birth.
    let bytes = unsafe { node.free() };
    counter.fetch_sub(bytes, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use crate::{Expiry, Keyspace, KeyspaceOptions, NewValue};

    #[test]
    fn big_values_and_flushed_keys_are_counted_when_they_are_freed() {
        let mut keyspace = Keyspace::new(&KeyspaceOptions::default());
        for (name, len) in [(&b"small"[..], 10), (b"middling", 10_000), (b"big", 100_000)] {
            let key = keyspace.key(name);
            keyspace.db_mut(0).set(&key, NewValue::Shared(vec![0; len].into()), Expiry::Clear);
        }
        for name in [&b"middling"[..], b"big"] {
            let key = keyspace.key(name);
            keyspace.db_mut(0).remove(&key);
        }
        keyspace.wait_for_reclaim();
        let freed = |keyspace: &Keyspace| {
            let memory = keyspace.memory();
            (memory.lazyfree_pending_keys, memory.lazyfreed_keys, memory.retired_bytes)
        };
        assert_eq!(freed(&keyspace), (0, 1, 0));
        keyspace.flush_all();
        keyspace.wait_for_reclaim();
        assert_eq!(freed(&keyspace), (0, 2, 0));
    }
}
