//! How big the nodes of a list may be.

/// Bytes of a node for each of the sizes -1 to -5.
const SIZE_CLASSES: [usize; 5] = [4096, 8192, 16_384, 32_768, 65_536];
/// Bytes of a node whose elements are counted.
const COUNTED_BYTES_MAX: usize = 8192;
/// What an element may take in a node besides its own bytes.
const ELEMENT_OVERHEAD_BYTES: usize = 8;
/// Redis keeps an element that is at least this long outside packed nodes.
const PLAIN_BYTES_MIN: usize = 1 << 30;

/// Settings that lists are made and converted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListLimits {
    /// `list-max-listpack-size`: elements of a node, or -1 to -5 for 4 to 64 KiB.
    pub listpack_size: i32,
    /// `list-compress-depth`: nodes at each end that stay uncompressed; 0 for no compression.
    pub compress_depth: u32,
    /// DEBUG QUICKLIST-PACKED-THRESHOLD: length from which on an element has a node of its own in any case; 0 for 1 GiB.
    pub plain_bytes_min: usize,
}

impl ListLimits {
    pub(super) fn node(&self) -> NodeLimit {
        NodeLimit { plain_bytes_min: self.plain_bytes_min(), ..NodeLimit::new(self.listpack_size) }
    }

    /// Whether a list whose only element is this long must not be packed.
    pub(super) fn is_plain(&self, bytes: usize) -> bool {
        bytes >= self.plain_bytes_min()
    }

    fn plain_bytes_min(&self) -> usize {
        if self.plain_bytes_min == 0 { PLAIN_BYTES_MIN } else { self.plain_bytes_min }
    }
}

/// The size of one node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NodeLimit {
    bytes: usize,
    count: usize,
    plain_bytes_min: usize,
}

impl NodeLimit {
    pub(super) fn new(listpack_size: i32) -> Self {
        match usize::try_from(listpack_size) {
            Ok(count) => {
                Self { bytes: COUNTED_BYTES_MAX, count: count.max(1), plain_bytes_min: PLAIN_BYTES_MIN }
            }
            Err(_) => {
                let class = listpack_size.unsigned_abs() as usize - 1;
                Self {
                    bytes: SIZE_CLASSES[class.min(SIZE_CLASSES.len() - 1)],
                    count: usize::MAX,
                    plain_bytes_min: PLAIN_BYTES_MIN,
                }
            }
        }
    }

    /// Whether a packed node of this size is too big.
    pub(super) fn is_exceeded(&self, bytes: usize, count: usize) -> bool {
        bytes > self.bytes || count > self.count
    }

    /// Whether a packed node of this size has room for an element of `added` bytes.
    pub(super) fn has_room(&self, bytes: usize, count: usize, added: usize) -> bool {
        !self.is_exceeded(bytes + added + ELEMENT_OVERHEAD_BYTES, count + 1)
    }

    /// Whether an element of `bytes` bytes leaves no room for another one in its node: then it has one of its own.
    pub(super) fn is_large(&self, bytes: usize) -> bool {
        bytes + ELEMENT_OVERHEAD_BYTES > self.bytes || bytes >= self.plain_bytes_min
    }

    /// Whether the only node of a list may become a packed list; after something was removed it must be half as big,
    /// so that a list does not go back and forth.
    pub(super) fn allows_packing(&self, bytes: usize, count: usize, is_shrinking: bool) -> bool {
        // Where elements are counted, their bytes make no difference here.
        let bytes_max = if self.count == usize::MAX { self.bytes } else { usize::MAX };
        let divisor = if is_shrinking { 2 } else { 1 };
        bytes <= bytes_max / divisor && count <= self.count / divisor
    }

    /// Whether a node is so small that it should be united with a neighbour.
    pub(super) fn is_underfull(&self, bytes: usize, count: usize) -> bool {
        bytes < self.bytes / 8 && count < self.count / 8
    }

    /// Whether two nodes may be united, with room to spare.
    pub(super) fn allows_uniting(&self, bytes: usize, count: usize) -> bool {
        bytes <= self.bytes / 2 && count <= self.count / 2
    }
}

#[cfg(test)]
mod tests {
    use super::NodeLimit;

    #[test]
    fn negative_sizes_are_classes_of_bytes_and_others_are_counts() {
        for (size, bytes) in [(-1, 4096), (-2, 8192), (-5, 65_536), (-6, 65_536), (i32::MIN, 65_536)] {
            let limit = NodeLimit::new(size);
            assert!(!limit.is_exceeded(bytes, 1_000_000) && limit.is_exceeded(bytes + 1, 1), "{size}");
        }
        for (size, count) in [(0, 1), (1, 1), (128, 128)] {
            let limit = NodeLimit::new(size);
            assert!(!limit.is_exceeded(8192, count) && limit.is_exceeded(10, count + 1), "{size}");
            assert!(limit.is_exceeded(8193, 1));
        }
    }

    #[test]
    fn packing_asks_for_half_the_size_after_a_removal() {
        let limit = NodeLimit::new(-1);
        assert!(limit.allows_packing(4096, 9, false) && !limit.allows_packing(4096, 9, true));
        assert!(limit.allows_packing(2048, 9, true));
        let limit = NodeLimit::new(3);
        assert!(limit.allows_packing(100_000, 3, false) && limit.allows_packing(100_000, 1, true));
        assert!(!limit.allows_packing(10, 2, true));
    }
}
