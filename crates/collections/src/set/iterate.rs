//! Going through the members of a set.

use lastsave_listpack::{IntsetIter, IntsetRef, ListpackRef, ListpackValue};

use crate::table;

/// The members of a set.
#[derive(Debug, Clone)]
pub struct SetMembers<'a>(Form<'a>);

#[derive(Debug, Clone)]
enum Form<'a> {
    Packed(lastsave_listpack::Iter<'a>),
    Integers(IntsetIter<'a>),
    Big(Box<table::Iter<'a>>),
}

impl<'a> SetMembers<'a> {
    pub(super) fn packed(listpack: ListpackRef<'a>) -> Self {
        Self(Form::Packed(listpack.iter()))
    }

    pub(super) fn integers(intset: IntsetRef<'a>) -> Self {
        Self(Form::Integers(intset.iter()))
    }

    pub(super) fn big(elements: table::Iter<'a>) -> Self {
        Self(Form::Big(Box::new(elements)))
    }
}

impl<'a> Iterator for SetMembers<'a> {
    type Item = ListpackValue<'a>;

    #[inline]
    fn next(&mut self) -> Option<ListpackValue<'a>> {
        match &mut self.0 {
            Form::Packed(members) => members.next(),
            Form::Integers(members) => members.next().map(ListpackValue::Integer),
            Form::Big(elements) => elements.next().map(|element| ListpackValue::Bytes(element.key)),
        }
    }
}
