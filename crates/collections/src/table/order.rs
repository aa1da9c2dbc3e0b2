//! The order in which many elements are put into a table fastest.

use super::hashing::hash;

/// Elements that are looked at together: the processor fetches what it does not have of them at the same time.
const WINDOW: usize = 16;

/// Elements in the order of their hashes: each is put in behind the one before it.
#[derive(Debug)]
pub struct TableOrder {
    /// Hash in the upper half, place in the lower one.
    elements: Vec<u64>,
}

impl TableOrder {
    /// The order of elements that are given by their keys, each with the place where the caller has it.
    #[must_use]
    pub fn new<'k>(keys: impl Iterator<Item = (u32, &'k [u8])>) -> Self {
        let mut elements: Vec<u64> =
            keys.map(|(place, key)| u64::from(hash(key)) << 32 | u64::from(place)).collect();
        elements.sort_unstable();
        Self { elements }
    }

    /// Gives the places in order to `put`, until it says false; `key_at` tells the key at a place. Gives whether `put` was
    /// content with all of them.
    pub fn visit<'k>(&self, key_at: impl Fn(u32) -> &'k [u8], mut put: impl FnMut(u32) -> bool) -> bool {
        self.elements.chunks(WINDOW).all(|window| {
            let places = window.iter().map(|element| *element as u32);
            // The keys lie wherever they came. Waiting for each when it is its turn would take most of the time.
            for place in places.clone() {
                std::hint::black_box(key_at(place).first().copied());
            }
            places.into_iter().all(&mut put)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_element_is_visited_once_in_the_order_of_hashes() {
        let keys: Vec<String> = (0..1000).map(|number| format!("key {number}")).collect();
        let order = TableOrder::new((0..).zip(keys.iter().map(|key| key.as_bytes())));
        let mut visited = Vec::new();
        let key_at = |place: u32| keys[place as usize].as_bytes();
        assert!(order.visit(key_at, |place| {
            visited.push(place);
            true
        }));
        assert!(visited.is_sorted_by_key(|place| hash(key_at(*place))));
        visited.sort_unstable();
        assert_eq!(visited, (0..1000).collect::<Vec<u32>>());
        let mut left = 20;
        assert!(!order.visit(key_at, |_| {
            left -= 1;
            left > 0
        }));
        assert_eq!(left, 0, "the first refusal ends it");
    }
}
