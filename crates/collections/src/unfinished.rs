//! Types whose structure is still to come.
use crate::{Collection, CollectionEncoding};
macro_rules! unfinished {
    ($($name:ident $encoding:ident),*) => { $(
        /// Still to come.
        #[derive(Debug, Clone, Default)]
        pub struct $name(Box<[u8]>);
        impl Collection for $name {
            fn is_empty(&self) -> bool { self.0.is_empty() }
            fn heap_bytes(&self) -> usize { self.0.len() }
            fn take_copied_bytes(&mut self) -> usize { 0 }
            fn encoding(&self) -> CollectionEncoding { CollectionEncoding::$encoding }
        }
    )* };
}
unfinished!(Stream Stream);
