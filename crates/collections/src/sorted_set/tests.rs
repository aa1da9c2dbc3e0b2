//! Sorted sets against a sorted vector, packed and big, with clones that must not change.

use proptest::prelude::*;

use super::*;

type Model = Vec<(Vec<u8>, f64)>;

const LIMITS: [SortedSetLimits; 3] = [
    SortedSetLimits { listpack_entries_max: 0, listpack_value_bytes_max: 0 },
    SortedSetLimits { listpack_entries_max: 20, listpack_value_bytes_max: 64 },
    SortedSetLimits { listpack_entries_max: 100_000, listpack_value_bytes_max: 1000 },
];

fn contents(set: &SortedSet) -> Model {
    set.elements(0..usize::MAX).map(|(member, score)| (member.to_vec(), score)).collect()
}

fn sort(model: &mut Model) {
    model.sort_by(|(member, score), (other, other_score)| {
        score.partial_cmp(other_score).expect("no NaN").then_with(|| member.cmp(other))
    });
}

fn member_strategy() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        5 => (0_u32..400).prop_map(|number| number.to_string().into_bytes()),
        3 => (0_u32..200).prop_map(|number| format!("member:{number}").into_bytes()),
        1 => (0_u32..60).prop_map(|number| format!("{number}{}", "x".repeat(60)).into_bytes()),
        1 => Just(Vec::new()),
    ]
}

fn score_strategy() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => (-5_i32..5).prop_map(f64::from),
        2 => (-1000_i32..1000).prop_map(|number| f64::from(number) / 16.0),
        1 => prop_oneof![Just(f64::INFINITY), Just(f64::NEG_INFINITY), Just(-0.0), Just(1e300), Just(5e18)],
    ]
}

fn check(set: &SortedSet, model: &Model) {
    assert_eq!(&contents(set), model);
    assert_eq!(set.len(), model.len());
    let mut backwards: Model =
        set.elements_backwards(0..usize::MAX).map(|(member, score)| (member.to_vec(), score)).collect();
    backwards.reverse();
    assert_eq!(&backwards, model);
    for (rank, (member, score)) in model.iter().enumerate() {
        assert_eq!(set.rank(member), Some((rank, *score)));
        assert_eq!(set.score(member), Some(*score));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn it_is_a_sorted_vector_and_clones_stay_as_they_are(
        limits in proptest::sample::select(&LIMITS[..]),
        steps in proptest::collection::vec((0_u8..14, member_strategy(), score_strategy(), 0_usize..300), 1..700),
    ) {
        let mut set = SortedSet::new();
        let mut model = Model::new();
        let mut clones: Vec<(SortedSet, Model)> = Vec::new();
        for (kind, member, score, number) in steps {
            let found = model.iter().position(|(other, _)| *other == member);
            match kind {
                0..=8 => {
                    let before = set.insert(&member, score, &limits);
                    prop_assert_eq!(before, found.map(|index| model[index].1));
                    match found {
                        Some(index) => model[index].1 = score,
                        None => model.push((member, score)),
                    }
                    sort(&mut model);
                }
                9 | 10 => {
                    let before = found.map(|index| model.remove(index).1);
                    prop_assert_eq!(set.remove(&member), before);
                }
                11 => {
                    let range = ScoreRange {
                        min: score.min(number as f64 / 30.0),
                        excludes_min: number % 2 == 0,
                        max: score.max(number as f64 / 30.0),
                        excludes_max: number % 3 == 0,
                    };
                    let ranks = set.ranks_by_score(&range);
                    let inside = |score: f64| {
                        (if range.excludes_min { score > range.min } else { score >= range.min })
                            && (if range.excludes_max { score < range.max } else { score <= range.max })
                    };
                    let expected = model.iter().filter(|(_, score)| inside(*score)).count();
                    prop_assert_eq!(ranks.len(), expected);
                    prop_assert!(model[ranks].iter().all(|(_, score)| inside(*score)));
                }
                12 => {
                    let ranks = number..number + member.len();
                    let kept = model.len().min(number)..model.len().min(number + member.len());
                    prop_assert_eq!(set.remove_ranks(ranks), kept.len());
                    model.drain(kept);
                }
                _ if clones.len() < 3 => clones.push((set.clone(), model.clone())),
                _ => {
                    let (clone, model) = clones.swap_remove(number % 3);
                    check(&clone, &model);
                }
            }
        }
        check(&set, &model);
        for (clone, model) in &clones {
            check(clone, model);
        }
        let (mut scanned, mut cursor) = (Model::new(), 0);
        loop {
            cursor = set.scan(cursor, 7, |member, score| scanned.push((member.to_vec(), score)));
            if cursor == 0 {
                break;
            }
        }
        sort(&mut scanned);
        prop_assert_eq!(&scanned, &model);
        set.fit(&SortedSetLimits::default());
        check(&set, &model);
    }

    #[test]
    fn members_of_equal_scores_have_ranges(
        limits in proptest::sample::select(&LIMITS[..]),
        members in proptest::collection::btree_set(member_strategy(), 0..200),
        min in member_strategy(),
        max in member_strategy(),
        kinds in (0_u8..4, 0_u8..4),
    ) {
        let mut set = SortedSet::new();
        for member in &members {
            set.insert(member, 1.5, &limits);
        }
        let bound = |kind, member| match kind {
            0 => LexBound::Lowest,
            1 => LexBound::Highest,
            2 => LexBound::Including(member),
            _ => LexBound::Excluding(member),
        };
        let range = LexRange { min: bound(kinds.0, &min), max: bound(kinds.1, &max) };
        let expected: Vec<_> =
            members.iter().filter(|member| !range.is_after(member) && range.reaches(member)).collect();
        let ranks = set.ranks_by_lex(&range);
        prop_assert_eq!(ranks.len(), expected.len());
        let found: Vec<_> = set.elements(ranks).map(|(member, _)| member.to_vec()).collect();
        prop_assert!(found.iter().eq(expected));
    }
}

#[test]
fn forms_change_at_the_limits() {
    let limits = SortedSetLimits { listpack_entries_max: 3, listpack_value_bytes_max: 4 };
    let mut set = SortedSet::new();
    for member in ["a", "b", "c"] {
        set.insert(member.as_bytes(), 1.0, &limits);
    }
    assert_eq!(set.encoding(), CollectionEncoding::Listpack);
    set.insert(b"a", 2.0, &limits);
    assert_eq!(set.encoding(), CollectionEncoding::Listpack);
    set.insert(b"d", 2.0, &limits);
    assert_eq!(set.encoding(), CollectionEncoding::Skiplist);
    set.remove(b"d");
    assert_eq!(set.encoding(), CollectionEncoding::Skiplist);
    set.fit(&limits);
    assert_eq!(set.encoding(), CollectionEncoding::Listpack);
    set.insert(b"longer", 2.0, &limits);
    assert_eq!(set.encoding(), CollectionEncoding::Skiplist);
    set.fit(&limits);
    assert_eq!(set.encoding(), CollectionEncoding::Skiplist);
}

#[test]
fn packed_scores_have_the_bytes_redis_gives_them() {
    let mut set = SortedSet::new();
    for (member, score) in [("a", 1.0), ("b", 1.5), ("c", f64::INFINITY), ("d", -0.0), ("e", 1e19)] {
        set.insert(member.as_bytes(), score, &SortedSetLimits::default());
    }
    let texts: Vec<_> = set.as_listpack().expect("packed").iter().map(ListpackValue::to_vec).collect();
    assert_eq!(texts, ["d", "0", "a", "1", "b", "1.5", "e", "1e+19", "c", "inf"].map(Vec::from));
}

#[test]
fn listpacks_from_elsewhere_are_checked() {
    let listpack = |texts: &[&str]| {
        let mut listpack = Listpack::new();
        listpack.append_many(texts.iter().map(|text| text.as_bytes()));
        SortedSet::from_listpack(listpack)
    };
    assert_eq!(listpack(&["a"]).expect_err("bad"), NotASortedSet::NoScore);
    assert_eq!(listpack(&["a", "1", "b", "x"]).expect_err("bad"), NotASortedSet::BadScore { index: 1 });
    assert_eq!(listpack(&["a", "nan"]).expect_err("bad"), NotASortedSet::BadScore { index: 0 });
    let mut twice = listpack(&["b", "2", "a", "1", "b", "3"]).expect("scores are numbers");
    twice.fit(&SortedSetLimits { listpack_entries_max: 1, listpack_value_bytes_max: 64 });
    check(&twice, &vec![(b"a".to_vec(), 1.0), (b"b".to_vec(), 2.0)]);
}

#[test]
fn a_big_sorted_set_takes_little_more_than_its_elements() {
    for (member_bytes, bytes_max) in [(10, 75), (64, 175), (1000, 1110)] {
        let mut set = SortedSet::with_expected(30_000, 0, &SortedSetLimits::default());
        for number in 0..30_000_u32 {
            let member = format!("{:0>member_bytes$}", number.wrapping_mul(2_654_435_761) % 1_000_003);
            set.insert(
                member.as_bytes(),
                f64::from(number.wrapping_mul(2_246_822_519)),
                &SortedSetLimits::default(),
            );
        }
        let bytes = set.heap_bytes() / set.len();
        assert!(bytes >= member_bytes && bytes <= bytes_max, "{member_bytes}: {bytes}");
    }
}

#[test]
fn an_edit_of_a_shared_sorted_set_copies_little() {
    let mut set = SortedSet::with_expected(60_000, 0, &SortedSetLimits::default());
    for number in 0..60_000_u32 {
        set.insert(
            format!("member:{number}").as_bytes(),
            f64::from(number % 1000),
            &SortedSetLimits::default(),
        );
    }
    set.take_copied_bytes();
    let clone = set.clone();
    set.insert(b"member:4711", -1.0, &SortedSetLimits::default());
    let copied = set.take_copied_bytes();
    assert!(copied > 0 && copied < 60_000, "{copied}");
    set.insert(b"member:4711", -2.0, &SortedSetLimits::default());
    assert_eq!(set.take_copied_bytes(), 0, "the paths are its own now");
    assert_eq!((clone.score(b"member:4711"), clone.rank(b"member:0")), (Some(711.0), Some((0, 0.0))));
}
