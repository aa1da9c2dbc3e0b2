//! Streams against maps, with clones that must not change.

use std::collections::BTreeMap;

use lastsave_listpack::Listpack;
use proptest::prelude::*;

use super::{Group, Pending, Stream, StreamId, StreamLimits, Trim};
use crate::Collection as _;

type Fields = Vec<(Vec<u8>, Vec<u8>)>;
type Model = BTreeMap<StreamId, Fields>;

#[derive(Debug, Clone)]
enum Step {
    Append { ms: u64, seq: u64, fields: Fields },
    AppendMany(u64),
    Delete(u64),
    TrimLen(u64),
    TrimId(u64),
    TrimNodes(u64, u64),
    Snapshot,
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        "[a-c]{0,3}".prop_map(String::into_bytes),
        any::<i32>().prop_map(|number| number.to_string().into_bytes()),
        prop::collection::vec(any::<u8>(), 0..100),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let fields = prop::collection::vec((text(), text()), 1..4);
    let step = prop_oneof![
        8 => (0..3_u64, 1..4_u64, fields).prop_map(|(ms, seq, fields)| Step::Append { ms, seq, fields }),
        2 => (1..200_u64).prop_map(Step::AppendMany),
        6 => any::<u64>().prop_map(Step::Delete),
        1 => (0..300_u64).prop_map(Step::TrimLen),
        1 => any::<u64>().prop_map(Step::TrimId),
        1 => (0..300_u64, 0..200_u64).prop_map(|(len, limit)| Step::TrimNodes(len, limit)),
        1 => Just(Step::Snapshot),
    ];
    prop::collection::vec(step, 1..60)
}

/// The id at a place that a random number names.
fn chosen(model: &Model, number: u64) -> StreamId {
    let index = number as usize % (model.len() + 1);
    model.keys().nth(index).copied().unwrap_or(StreamId::new(number % 1000, 0))
}

fn refs(fields: &Fields) -> impl ExactSizeIterator<Item = (&[u8], &[u8])> + Clone {
    fields.iter().map(|(field, value)| (&field[..], &value[..]))
}

fn content(stream: &Stream, start: StreamId, end: StreamId, is_reverse: bool) -> Vec<(StreamId, Fields)> {
    let entries = stream.range(start, end, is_reverse);
    entries
        .map(|entry| {
            (entry.id, entry.fields.map(|(field, value)| (field.to_vec(), value.to_vec())).collect())
        })
        .collect()
}

fn assert_same(stream: &Stream, model: &Model) {
    assert_eq!(stream.length(), model.len() as u64);
    let expected: Vec<_> = model.iter().map(|(id, fields)| (*id, fields.clone())).collect();
    assert_eq!(content(stream, StreamId::MIN, StreamId::MAX, false), expected);
    let backwards: Vec<_> = expected.iter().rev().cloned().collect();
    assert_eq!(content(stream, StreamId::MIN, StreamId::MAX, true), backwards);
    assert_eq!(stream.first_id(), model.keys().next().copied().unwrap_or_default());
    assert_eq!(stream.last_entry_id(), model.keys().last().copied());
    if let (Some(start), Some(end)) = (model.keys().nth(model.len() / 3), model.keys().nth(model.len() / 2)) {
        let part: Vec<_> = model.range(start..=end).map(|(id, fields)| (*id, fields.clone())).collect();
        assert_eq!(content(stream, *start, *end, false), part);
        assert!(content(stream, *start, *end, true).into_iter().rev().eq(part));
        assert_eq!(stream.entry(*end).map(|entry| entry.id), Some(*end));
    }
    assert_eq!(stream.nodes().count(), stream.node_count());
    let nodes = stream.nodes().map(|node| {
        let listpack = Listpack::from_bytes(node.listpack.as_bytes()).expect("a node is a listpack");
        (node.id, listpack)
    });
    let mut rebuilt = Stream::from_nodes(nodes);
    rebuilt.set_ids(stream.last_id(), stream.max_deleted_id(), stream.entries_added());
    assert_eq!(content(&rebuilt, StreamId::MIN, StreamId::MAX, false), expected);
    assert_eq!(rebuilt.first_id(), stream.first_id());
}

fn apply(stream: &mut Stream, model: &mut Model, step: Step, limits: &StreamLimits) {
    match step {
        Step::Append { ms, seq, fields } => {
            let last = stream.last_id();
            let id =
                if ms == 0 { StreamId::new(last.ms, last.seq + seq) } else { StreamId::new(last.ms + ms, 0) };
            stream.append(id, refs(&fields), limits);
            model.insert(id, fields);
            assert_eq!(stream.last_id(), id);
        }
        Step::AppendMany(count) => {
            for number in 0..count {
                let fields = vec![(b"number".to_vec(), number.to_string().into_bytes())];
                let id = stream.last_id().next().expect("there are more");
                stream.append(id, refs(&fields), limits);
                model.insert(id, fields);
            }
        }
        Step::Delete(number) => {
            let id = chosen(model, number);
            assert_eq!(stream.delete(id), model.remove(&id).is_some());
        }
        Step::TrimLen(len) => {
            let removed = stream.trim(Trim::MaxLen(len), false, 0);
            assert_eq!(removed, (model.len() as u64).saturating_sub(len));
            for _ in 0..removed {
                model.pop_first();
            }
        }
        Step::TrimId(number) => {
            let id = chosen(model, number);
            let kept = model.split_off(&id);
            assert_eq!(stream.trim(Trim::MinId(id), false, 0), model.len() as u64);
            *model = kept;
        }
        Step::TrimNodes(len, limit) => {
            let removed = stream.trim(Trim::MaxLen(len), true, limit);
            assert!(removed <= (model.len() as u64).saturating_sub(len));
            assert!(limit == 0 || removed <= limit);
            for _ in 0..removed {
                model.pop_first();
            }
        }
        Step::Snapshot => {}
    }
}

proptest! {
    #[test]
    fn it_is_an_ordered_map_and_its_clones_stay_as_they_are(steps in steps(), small in any::<bool>()) {
        let limits = if small {
            StreamLimits { node_bytes_max: 200, node_entries_max: 7 }
        } else {
            StreamLimits::default()
        };
        let (mut stream, mut model) = (Stream::new(), Model::new());
        let mut snapshots = Vec::new();
        for step in steps {
            if matches!(step, Step::Snapshot) {
                snapshots.push((stream.clone(), model.clone()));
            }
            apply(&mut stream, &mut model, step, &limits);
        }
        assert_same(&stream, &model);
        for (stream, model) in &snapshots {
            assert_same(stream, model);
        }
    }

    #[test]
    fn pending_entries_belong_to_one_consumer(
        steps in prop::collection::vec((0..40_u64, 0..4_usize, 0..4_u8), 1..200),
    ) {
        const NAMES: [&[u8]; 4] = [b"d", b"a", b"", b"c"];
        let mut stream = Stream::new();
        stream.create_group(b"g", StreamId::MIN, None);
        let mut model: BTreeMap<StreamId, (usize, u64)> = BTreeMap::new();
        let snapshot = stream.clone();
        for (number, name, kind) in steps {
            let id = StreamId::new(number, 0);
            let edited = stream.edit_group(b"g", |group| match kind {
                0 => assert_eq!(group.acknowledge(id), model.remove(&id).is_some()),
                1 => {
                    let before = model.len();
                    model.retain(|_, (owner, _)| *owner != name);
                    let deleted = group.delete_consumer(NAMES[name]);
                    assert_eq!(deleted.unwrap_or(0), before - model.len());
                }
                _ => {
                    let (consumer, _) = group.create_consumer(NAMES[name], 5, None);
                    group.set_pending(id, Pending { consumer, delivered_ms: 5, deliveries: number });
                    model.insert(id, (name, number));
                }
            });
            prop_assert!(edited.is_some());
        }
        let group = stream.group(b"g").expect("the group exists");
        check_group(group, &model, &NAMES)?;
        prop_assert_eq!(snapshot.group(b"g").map(|group| (group.pending_len(), group.consumers_len())), Some((0, 0)));
    }
}

fn check_group(
    group: &Group,
    model: &BTreeMap<StreamId, (usize, u64)>,
    names: &[&[u8]],
) -> Result<(), TestCaseError> {
    let pending = group
        .pending_from(StreamId::MIN)
        .map(|(id, pending)| (id, (group.consumer(pending.consumer).name().to_vec(), pending.deliveries)));
    let expected = model.iter().map(|(id, (owner, deliveries))| (*id, (names[*owner].to_vec(), *deliveries)));
    prop_assert!(pending.eq(expected));
    prop_assert_eq!(group.last_pending_id(), model.keys().last().copied());
    let mut before: Option<&[u8]> = None;
    for (number, consumer) in group.consumers() {
        prop_assert!(before < Some(consumer.name()));
        before = Some(consumer.name());
        prop_assert_eq!(group.number_of(consumer.name()), Some(number));
        let own = model.iter().filter(|(_, (owner, _))| names[*owner] == consumer.name()).map(|(id, _)| *id);
        prop_assert!(consumer.pending_from(StreamId::MIN).eq(own));
    }
    Ok(())
}

fn numbered(count: u64) -> Stream {
    let mut stream = Stream::new();
    for ms in 1..=count {
        stream.append(StreamId::new(ms, 0), [(&b"f"[..], &b"v"[..])].into_iter(), &StreamLimits::default());
    }
    stream
}

#[test]
fn one_command_on_a_shared_stream_copies_one_path_of_each_tree() {
    const PENDING: u64 = 100_000;
    let mut stream = numbered(PENDING);
    stream.create_group(b"g", StreamId::MIN, None);
    stream.edit_group(b"g", |group| {
        let (consumer, _) = group.create_consumer(b"c", 0, None);
        for ms in 1..=PENDING {
            group.set_pending(StreamId::new(ms, 0), Pending { consumer, delivered_ms: 0, deliveries: 1 });
        }
    });
    stream.take_copied_bytes();
    let mut copied = Vec::new();
    let mut snapshots = Vec::new();
    for number in 1..5 {
        snapshots.push(stream.clone());
        let id = StreamId::new(number * 20_000, 0);
        assert_eq!(stream.edit_group(b"g", |group| group.acknowledge(id)), Some(true));
        copied.push(stream.take_copied_bytes());
        snapshots.push(stream.clone());
        assert!(stream.delete(id));
        copied.push(stream.take_copied_bytes());
    }
    assert!(copied.iter().all(|bytes| (1000..30_000).contains(bytes)), "{copied:?}");
    assert_eq!(snapshots[0].group(b"g").map(Group::pending_len), Some(PENDING as usize));
    assert_eq!(snapshots[0].length(), PENDING);
}

#[test]
fn sizes_are_exact_after_shared_changes() {
    let mut stream = numbered(5000);
    let bytes = stream.heap_bytes();
    let snapshot = stream.clone();
    for ms in 1..=5000 {
        assert!(stream.delete(StreamId::new(ms, 0)));
    }
    assert_eq!(stream.heap_bytes(), Stream::new().heap_bytes());
    assert!(!stream.is_empty() && stream.node_count() == 0);
    assert_eq!(snapshot.heap_bytes(), bytes);
    assert!(bytes < 5000 * 30, "{bytes} bytes");
}

#[test]
fn what_a_group_has_read_is_known_unless_deletions_spoil_it() {
    let mut stream = numbered(10);
    let id = |ms| StreamId::new(ms, 0);
    assert_eq!(
        [0, 1, 5, 10, 11].map(|ms| stream.entries_up_to(id(ms))),
        [Some(0), Some(1), None, Some(10), None]
    );
    stream.create_group(b"g", id(4), Some(4));
    let lag = |stream: &Stream| stream.lag(stream.group(b"g").expect("it exists"));
    assert_eq!(lag(&stream), Some(6));
    stream.delete(id(3));
    assert_eq!(lag(&stream), Some(6));
    assert_eq!((stream.has_deleted_from(id(3)), stream.has_deleted_from(id(4))), (true, false));
    stream.delete(id(7));
    assert_eq!(lag(&stream), None);
    stream.trim(Trim::MinId(id(8)), false, 0);
    assert_eq!(lag(&stream), Some(6));
}
