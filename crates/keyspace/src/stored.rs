//! Collections as the values of keys: one kind of entry for each type.

use lastsave_collections::{Collection, Hash, List, Set, SortedSet, Stream};

use crate::shape::{KIND_HASH, KIND_LIST, KIND_SET, KIND_SORTED_SET, KIND_STREAM};
use crate::value::{NewValue, Value};

/// Bytes that any collection takes inside its entry.
pub(crate) const COLLECTION_BYTES: usize = 16;

mod sealed {
    pub trait Sealed {
        /// The kind that entries with this type have.
        const KIND: u8;
    }
}

/// A collection type that a key can hold.
pub trait Stored: Collection + sealed::Sealed {
    /// The collection in a value, if the value is of this type.
    fn of(value: Value<'_>) -> Option<&Self>;

    /// The value to write.
    fn into_new(self) -> NewValue<'static>;
}

/// The kind of entries that hold a `T`.
pub(crate) fn kind_of<T: Stored>() -> u8 {
    T::KIND
}

macro_rules! stored {
    ($($type:ident $kind:ident;)*) => {
        $(
            const _: () = assert!(size_of::<$type>() <= COLLECTION_BYTES && align_of::<$type>() <= 8);

            impl sealed::Sealed for $type {
                const KIND: u8 = $kind;
            }

            impl Stored for $type {
                fn of(value: Value<'_>) -> Option<&Self> {
                    match value {
                        Value::$type(collection) => Some(collection),
                        _ => None,
                    }
                }

                fn into_new(self) -> NewValue<'static> {
                    NewValue::$type(self)
                }
            }
        )*
    };
}

stored! {
    List KIND_LIST;
    Hash KIND_HASH;
    Set KIND_SET;
    SortedSet KIND_SORTED_SET;
    Stream KIND_STREAM;
}
