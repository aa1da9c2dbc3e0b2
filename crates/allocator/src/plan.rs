//! What to do with the blocks of one chunk: a function of what they look like.

use crate::block::Look;
use crate::region::BLOCKS_PER_CHUNK;

/// A block that nobody has used for so many ticks is given back.
pub(crate) const RETAINED_TICKS: u32 = 1000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Put memory behind the block with this number.
    Provide(usize),
    /// Give its memory back.
    Release(usize),
}

/// How many of the lowest free blocks of a chunk are to be ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Aim {
    pub(crate) ahead: usize,
    /// Those that are not ready are made so; otherwise only kept when they are.
    pub(crate) provide: bool,
}

/// Since when the blocks of a chunk have been idle, in ticks; 0 for those that are not.
pub(crate) type Idle = [u32; BLOCKS_PER_CHUNK];

/// Plans for a chunk: the first free blocks are to be ready, as the allocator takes the lowest; the others are given back
/// once they have been idle for long enough.
pub(crate) fn plan(looks: &[Look; BLOCKS_PER_CHUNK], idle: &mut Idle, aim: Aim, now: u32) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut free = 0;
    for (index, (look, since)) in looks.iter().zip(idle).enumerate() {
        match look {
            Look::Used => *since = 0,
            Look::Absent if free < aim.ahead && aim.provide => {
                free += 1;
                *since = 0;
                steps.push(Step::Provide(index));
            }
            Look::Absent => *since = 0,
            Look::Ready if free < aim.ahead => {
                free += 1;
                *since = 0;
            }
            Look::Ready if *since == 0 => *since = now,
            Look::Ready if now.saturating_sub(*since) >= RETAINED_TICKS => steps.push(Step::Release(index)),
            Look::Ready => {}
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn looks(text: &str) -> [Look; BLOCKS_PER_CHUNK] {
        let mut looks = [Look::Used; BLOCKS_PER_CHUNK];
        for (look, letter) in looks.iter_mut().zip(text.chars()) {
            *look = match letter {
                'r' => Look::Ready,
                'u' => Look::Used,
                _ => Look::Absent,
            };
        }
        looks
    }

    fn aim(ahead: usize) -> Aim {
        Aim { ahead, provide: true }
    }

    #[test]
    fn the_lowest_free_blocks_are_made_ready() {
        let mut idle = Idle::default();
        let steps = plan(&looks("uu.ru...uuuuuuuu"), &mut idle, aim(3), 1);
        assert_eq!(steps, [Step::Provide(2), Step::Provide(5)]);
    }

    #[test]
    fn a_quiet_chunk_keeps_what_is_ready() {
        let mut idle = Idle::default();
        assert_eq!(plan(&looks("u.rr.uuuuuuuuuuu"), &mut idle, Aim { ahead: 1, provide: false }, 9), []);
        assert_eq!(idle[..5], [0, 0, 0, 9, 0]);
    }

    #[test]
    fn idle_blocks_are_given_back_when_their_time_has_come() {
        let mut idle = Idle::default();
        let blocks = looks("urrruuuuuuuuuuuu");
        assert_eq!(plan(&blocks, &mut idle, aim(1), 5), []);
        assert_eq!(plan(&blocks, &mut idle, aim(1), 5 + RETAINED_TICKS - 1), []);
        assert_eq!(
            plan(&blocks, &mut idle, aim(1), 5 + RETAINED_TICKS),
            [Step::Release(2), Step::Release(3)]
        );
    }

    #[test]
    fn a_block_used_in_between_starts_anew() {
        let mut idle = Idle::default();
        plan(&looks("r"), &mut idle, aim(0), 1);
        plan(&looks("u"), &mut idle, aim(0), 2);
        assert_eq!(plan(&looks("r"), &mut idle, aim(0), 1 + RETAINED_TICKS), []);
    }

    proptest! {
        #[test]
        fn only_absent_blocks_are_provided_and_only_ready_ones_released(
            text in "[ru.]{16}",
            ahead in 0..6_usize,
            provide in any::<bool>(),
            since in any::<[bool; BLOCKS_PER_CHUNK]>(),
        ) {
            let blocks = looks(&text);
            let mut idle = since.map(u32::from);
            for step in plan(&blocks, &mut idle, Aim { ahead, provide }, 2 + RETAINED_TICKS) {
                match step {
                    Step::Provide(index) => prop_assert!(provide && blocks[index] == Look::Absent),
                    Step::Release(index) => prop_assert_eq!(blocks[index], Look::Ready),
                }
            }
        }
    }
}
