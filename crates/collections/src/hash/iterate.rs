//! Going through the fields of a hash.

use lastsave_listpack::{ListpackRef, ListpackValue, Pairs};

use super::HashValue;
use crate::table;

/// The fields of a hash with their values.
#[derive(Debug, Clone)]
pub struct HashFields<'a>(Form<'a>);

#[derive(Debug, Clone)]
enum Form<'a> {
    Packed(Pairs<'a>),
    Big(Box<table::Iter<'a>>),
}

impl<'a> HashFields<'a> {
    pub(super) fn packed(listpack: ListpackRef<'a>) -> Self {
        Self(Form::Packed(listpack.pairs()))
    }

    pub(super) fn big(elements: table::Iter<'a>) -> Self {
        Self(Form::Big(Box::new(elements)))
    }
}

impl<'a> Iterator for HashFields<'a> {
    type Item = (ListpackValue<'a>, HashValue<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            Form::Packed(pairs) => pairs.next().map(|(field, value)| (field, value.into())),
            Form::Big(elements) => {
                let element = elements.next()?;
                Some((ListpackValue::Bytes(element.key), element.value.into()))
            }
        }
    }
}
