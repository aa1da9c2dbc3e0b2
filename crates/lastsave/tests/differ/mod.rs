//! The same random commands on redis-server and here.

mod compare;
mod differences;
mod grammar;
mod stream;
mod words;

pub(crate) use grammar::Generator;
pub(crate) use stream::{Pair, Stream};
