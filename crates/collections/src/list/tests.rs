//! Lists against vectors, with clones that must not change.

use proptest::prelude::*;

use super::*;

type Model = Vec<Vec<u8>>;

fn contents(list: &List) -> Model {
    let mut elements = Vec::new();
    list.visit(0, false, |element| {
        elements.push(element.to_text(&mut itoa::Buffer::new()).to_vec());
        true
    });
    elements
}

/// Checks what must hold in every list; the content is compared from both ends and at some indexes.
fn check(list: &List, model: &Model) {
    assert_eq!(list.len(), model.len());
    assert_eq!(&contents(list), model);
    let mut backwards = Vec::new();
    list.visit(model.len().saturating_sub(1), true, |element| {
        backwards.push(element.to_text(&mut itoa::Buffer::new()).to_vec());
        true
    });
    backwards.reverse();
    assert_eq!(&backwards, model);
    for index in [0, 1, model.len() / 3, model.len() / 2, model.len().saturating_sub(1), model.len()] {
        let found = list.with_element(index, |element| element.to_text(&mut itoa::Buffer::new()).to_vec());
        assert_eq!(found.as_ref(), model.get(index));
    }
    if let Form::Quick(list) = &list.0 {
        check_nodes(list);
    }
}

fn check_nodes(list: &Quicklist) {
    let nodes: Vec<&Node> = list.tree.leaves().collect();
    let depth = list.compress_depth as usize;
    for (index, node) in nodes.iter().enumerate() {
        assert!(node.len() > 0 || nodes.len() == 1, "only an empty list has an empty node");
        if let Node::Large(bytes) = node {
            assert!(list.limit.is_large(bytes.len()));
        }
        let is_outer = index < depth || index + depth >= nodes.len();
        let is_compressed = matches!(node, Node::Compressed(_));
        if depth == 0 || is_outer {
            assert!(!is_compressed, "node {index} of {}", nodes.len());
        } else {
            assert!(!node.is_worth_compressing(), "node {index} of {}", nodes.len());
        }
    }
}

#[derive(Debug, Clone)]
enum Step {
    Push(bool, usize),
    Pop(bool),
    Insert(usize, usize),
    Replace(usize, usize),
    Remove(usize, usize),
    RemoveMatches(usize, bool, usize),
    Find(usize, bool, usize),
    Pack(bool),
    Clone,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (any::<bool>(), 0..40_usize).prop_map(|(left, element)| Step::Push(left, element)),
        3 => any::<bool>().prop_map(Step::Pop),
        3 => (0..1000_usize, 0..40_usize).prop_map(|(at, element)| Step::Insert(at, element)),
        2 => (0..1000_usize, 0..40_usize).prop_map(|(at, element)| Step::Replace(at, element)),
        1 => (0..1000_usize, 0..60_usize).prop_map(|(at, count)| Step::Remove(at, count)),
        1 => (0..40_usize, any::<bool>(), 1..9_usize).prop_map(|(e, left, max)| Step::RemoveMatches(e, left, max)),
        1 => (0..40_usize, any::<bool>(), 1..99_usize).prop_map(|(e, left, max)| Step::Find(e, left, max)),
        1 => any::<bool>().prop_map(Step::Pack),
        1 => Just(Step::Clone),
    ]
}

/// A few different elements: numbers, short and long strings, and some that are too long for a node.
fn element(number: usize) -> Vec<u8> {
    match number {
        0..10 => (number as i64 * 700 - 900).to_string().into_bytes(),
        10..20 => vec![b'a' + number as u8; number * 3],
        20..30 => (0..number * 7).map(|index| (index * number * 31 % 251) as u8).collect(),
        30..38 => vec![b'z'; number * 20],
        _ => vec![b'L'; number * 130],
    }
}

fn run(steps: Vec<Step>, limits: ListLimits) {
    let (mut list, mut model) = (List::new(), Model::new());
    let mut clones: Vec<(List, Model)> = Vec::new();
    let end = |left: bool| if left { ListEnd::Left } else { ListEnd::Right };
    for step in steps {
        match step {
            Step::Push(left, number) => {
                let element = element(number);
                list.prepare_growth(1, element.len(), &limits);
                list.push(end(left), NewElement::Bytes(&element));
                model.insert(if left { 0 } else { model.len() }, element);
            }
            Step::Pop(left) => {
                let popped = list.pop(end(left));
                let popped =
                    popped.map(|element| element.as_element().to_text(&mut itoa::Buffer::new()).to_vec());
                let expected = match (model.is_empty(), left) {
                    (true, _) => None,
                    (false, true) => Some(model.remove(0)),
                    (false, false) => model.pop(),
                };
                assert_eq!(popped, expected);
            }
            Step::Insert(at, number) => {
                let (at, element) = (at % (model.len() + 1), element(number));
                list.prepare_growth(1, element.len(), &limits);
                list.insert(at, NewElement::Bytes(&element));
                model.insert(at, element);
            }
            Step::Replace(at, number) => {
                let element = element(number);
                list.prepare_growth(1, element.len(), &limits);
                assert_eq!(list.replace(at, NewElement::Bytes(&element)), at < model.len());
                if let Some(place) = model.get_mut(at) {
                    *place = element;
                }
            }
            Step::Remove(at, count) => {
                list.remove(at..at + count);
                let at = at.min(model.len());
                model.drain(at..(at + count).min(model.len()));
            }
            Step::RemoveMatches(number, left, max) => {
                let element = element(number);
                let mut indexes: Vec<usize> =
                    (0..model.len()).filter(|index| model[*index] == element).collect();
                if !left {
                    indexes.reverse();
                }
                indexes.truncate(max);
                assert_eq!(list.remove_matches(&element, end(left), max), indexes.len());
                let mut index = 0;
                model.retain(|_| {
                    index += 1;
                    !indexes.contains(&(index - 1))
                });
            }
            Step::Find(number, left, max) => {
                let element = element(number);
                let mut found = Vec::new();
                list.find(&element, end(left), max, |index| {
                    found.push(index);
                    true
                });
                let mut indexes: Vec<usize> = (0..model.len()).collect();
                if !left {
                    indexes.reverse();
                }
                indexes.truncate(max);
                indexes.retain(|index| model[*index] == element);
                assert_eq!(found, indexes);
            }
            Step::Pack(is_shrinking) => list.pack_if_small(is_shrinking, &limits),
            Step::Clone if clones.len() < 3 => clones.push((list.clone(), model.clone())),
            Step::Clone => {
                let (clone, model) = clones.remove(0);
                check(&clone, &model);
            }
        }
    }
    check(&list, &model);
    for (clone, model) in &clones {
        check(clone, model);
    }
}

fn limits() -> impl Strategy<Value = ListLimits> {
    let sizes = prop_oneof![Just(-1), Just(-2), Just(1), Just(3), Just(20)];
    (sizes, 0..3_u32, prop_oneof![Just(0_usize), Just(100)]).prop_map(
        |(listpack_size, compress_depth, plain_bytes_min)| ListLimits {
            listpack_size,
            compress_depth,
            plain_bytes_min,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn it_is_a_vector_and_clones_stay_as_they_are(
        steps in proptest::collection::vec(step(), 1..400),
        limits in limits(),
    ) {
        run(steps, limits);
    }
}

const SMALL: ListLimits = ListLimits { listpack_size: -1, compress_depth: 0, plain_bytes_min: 0 };

fn numbers(count: usize, limits: &ListLimits) -> List {
    let mut list = List::new();
    for number in 0..count {
        let text = number.to_string();
        list.prepare_growth(1, text.len(), limits);
        list.push(ListEnd::Right, NewElement::Bytes(text.as_bytes()));
    }
    list
}

#[test]
fn pushes_leave_full_nodes_behind() {
    let list = numbers(100_000, &SMALL);
    let shape = list.quicklist_shape().expect("it is long");
    assert!(shape.nodes <= shape.uncompressed_bytes / 4000 + 2, "{shape:?}");
    assert!(list.heap_bytes() < shape.uncompressed_bytes * 106 / 100, "{} {shape:?}", list.heap_bytes());
}

#[test]
fn a_change_of_a_shared_list_copies_one_path() {
    let mut list = numbers(200_000, &SMALL);
    let clone = list.clone();
    list.insert(100_000, NewElement::Bytes(b"new"));
    let copied = list.take_copied_bytes();
    assert!(copied > 4000 && copied < 20_000, "{copied}");
    list.push(ListEnd::Right, NewElement::Bytes(b"new"));
    list.take_copied_bytes();
    list.push(ListEnd::Right, NewElement::Bytes(b"new"));
    assert_eq!(list.take_copied_bytes(), 0, "the path is the list's own now");
    assert_eq!((clone.len(), list.len()), (200_000, 200_003));
}

#[test]
fn conversions_follow_the_limits() {
    let limits = ListLimits { listpack_size: 4, ..SMALL };
    let mut list = numbers(4, &limits);
    assert_eq!(list.encoding(), CollectionEncoding::Listpack);
    list.prepare_growth(1, 1, &limits);
    assert_eq!(list.encoding(), CollectionEncoding::Quicklist);
    list.pop(ListEnd::Left);
    list.pack_if_small(true, &limits);
    assert_eq!(list.encoding(), CollectionEncoding::Quicklist);
    list.pop(ListEnd::Left);
    list.pack_if_small(true, &limits);
    assert_eq!((list.encoding(), list.len()), (CollectionEncoding::Listpack, 2));
}

#[test]
fn long_elements_are_kept_by_reference() {
    let long = bytes::Bytes::from(vec![b'x'; 100_000]);
    let mut list = List::new();
    list.prepare_growth(1, long.len(), &SMALL);
    list.push(ListEnd::Left, NewElement::Shared(&long));
    list.push(ListEnd::Right, NewElement::Bytes(b"short"));
    list.insert(1, NewElement::Shared(&long));
    for end in [ListEnd::Left, ListEnd::Left] {
        match list.pop(end) {
            Some(OwnedElement::Shared(bytes)) => assert_eq!(bytes.as_ptr(), long.as_ptr()),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(list.len(), 1);
}

#[test]
fn a_built_list_is_what_was_put_in() {
    let mut builder = ListBuilder::new(&SMALL);
    builder.push_listpack([&b"a"[..], b"b"].into_iter().collect());
    builder.push_listpack(Listpack::new());
    builder.push_plain(bytes::Bytes::from(vec![b'p'; 9000]));
    builder.push_element(b"c");
    let list = builder.finish();
    assert_eq!(contents(&list), [b"a".to_vec(), b"b".to_vec(), vec![b'p'; 9000], b"c".to_vec()]);
    assert_eq!(list.nodes().count(), 3);
    let mut builder = ListBuilder::new(&SMALL);
    builder.push_element(b"c");
    assert_eq!(builder.finish().encoding(), CollectionEncoding::Listpack);
    assert!(ListBuilder::new(&SMALL).finish().is_empty());
}
