//! Keys and values too long to lie in their leaf. They are shared, so that copying the leaf does not copy them.

use bytes::Bytes;

/// The long keys and values of a leaf, each under a number that its record has.
#[derive(Debug, Clone, Default)]
pub(super) struct Outside {
    slots: Vec<Option<Bytes>>,
    bytes: usize,
}

impl Outside {
    /// Keeps `bytes`; gives their number.
    pub(super) fn put(&mut self, bytes: Bytes) -> u16 {
        self.bytes += bytes.len();
        let number = match self.slots.iter().position(Option::is_none) {
            Some(free) => {
                self.slots[free] = Some(bytes);
                free
            }
            None => {
                self.slots.push(Some(bytes));
                self.slots.len() - 1
            }
        };
        u16::try_from(number).expect("a leaf has few elements")
    }

    pub(super) fn get(&self, number: u16) -> &Bytes {
        self.slots[usize::from(number)].as_ref().expect("a record refers to what was put there")
    }

    pub(super) fn remove(&mut self, number: u16) {
        if let Some(bytes) = self.slots[usize::from(number)].take() {
            self.bytes -= bytes.len();
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.slots.iter().all(Option::is_none)
    }

    /// Bytes allocated outside its own struct.
    pub(super) fn heap_bytes(&self) -> usize {
        self.slots.capacity() * size_of::<Option<Bytes>>() + self.bytes
    }
}
