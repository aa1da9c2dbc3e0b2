//! When the fields of a hash expire.

use lastsave_listpack::ListpackValue;
use triomphe::Arc;

use super::{Form, Hash, Other};
use crate::collection::Collection;
use crate::sorted_set::{ScoreRange, SortedSet, SortedSetLimits};

/// A hash of which at least one field expires.
#[derive(Debug, Clone)]
pub(super) struct ExpiringHash {
    /// The fields with their values. None of them expires in it.
    plain: Hash,
    /// The fields that expire, by unix time in milliseconds. Doubles hold every time that the format can store.
    times: SortedSet,
}

impl ExpiringHash {
    pub(super) fn plain(&self) -> &Hash {
        &self.plain
    }

    pub(super) fn plain_mut(&mut self) -> &mut Hash {
        &mut self.plain
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.plain.heap_bytes() + self.times.heap_bytes()
    }

    pub(super) fn take_copied_bytes(&mut self) -> usize {
        self.plain.take_copied_bytes() + self.times.take_copied_bytes()
    }
}

impl Hash {
    fn expiring(&self) -> Option<&ExpiringHash> {
        match &self.0 {
            Form::Other(other) => match &**other {
                Other::Expiring(expiring) => Some(expiring),
                Other::Big(_) => None,
            },
            Form::Packed(_) => None,
        }
    }

    pub(super) fn expiring_mut(&mut self) -> Option<&mut ExpiringHash> {
        self.expiring()?;
        match &mut self.0 {
            Form::Other(other) => match Arc::make_mut(other) {
                Other::Expiring(expiring) => Some(expiring),
                Other::Big(_) => None,
            },
            Form::Packed(_) => None,
        }
    }

    /// When the soonest of its fields expires, unix time in milliseconds.
    #[must_use]
    #[inline]
    pub fn next_expiry_ms(&self) -> Option<i64> {
        self.expiring()?.times.element(0).map(|(_, time)| time as i64)
    }

    /// Number of fields that expire.
    #[must_use]
    pub fn expiring_len(&self) -> usize {
        self.expiring().map_or(0, |expiring| expiring.times.len())
    }

    /// When a field expires, unix time in milliseconds, if it does.
    #[must_use]
    pub fn expires_at_ms(&self, field: &[u8]) -> Option<i64> {
        self.expiring()?.times.score(field).map(|time| time as i64)
    }

    /// The fields that expire, the soonest first, each with the unix time in milliseconds at which it does.
    pub fn expiries(&self) -> impl Iterator<Item = (ListpackValue<'_>, i64)> {
        let elements = self.expiring().map(|expiring| expiring.times.elements(0..expiring.times.len()));
        elements.into_iter().flatten().map(|(field, time)| (field, time as i64))
    }

    /// Makes a field, which is there, expire at a unix time in milliseconds below 2^53.
    pub fn set_expiry(&mut self, field: &[u8], at_ms: i64) {
        if self.expiring().is_none() {
            let expiring = ExpiringHash { plain: std::mem::take(self), times: SortedSet::new() };
            self.0 = Form::Other(Arc::new(Other::Expiring(expiring)));
        }
        if let Some(expiring) = self.expiring_mut() {
            expiring.times.insert(field, at_ms as f64, &SortedSetLimits::default());
        }
    }

    /// Makes a field not expire any more. Gives whether it did.
    #[inline]
    pub fn clear_expiry(&mut self, field: &[u8]) -> bool {
        if self.expires_at_ms(field).is_none() {
            return false;
        }
        if let Some(expiring) = self.expiring_mut() {
            expiring.times.remove(field);
        }
        self.settle();
        true
    }

    /// Removes up to `fields_max` fields whose time is before `now_ms`, and gives them.
    pub fn take_expired(&mut self, now_ms: i64, fields_max: usize) -> Vec<Vec<u8>> {
        let Some(expiring) = self.expiring_mut() else { return Vec::new() };
        let range = ScoreRange {
            min: f64::NEG_INFINITY,
            excludes_min: false,
            max: now_ms as f64,
            excludes_max: true,
        };
        let mut ranks = expiring.times.ranks_by_score(&range);
        ranks.end = ranks.end.min(fields_max);
        let fields: Vec<_> =
            expiring.times.elements(ranks.clone()).map(|(field, _)| field.to_vec()).collect();
        expiring.times.remove_ranks(ranks);
        for field in &fields {
            expiring.plain.remove(field);
        }
        self.settle();
        fields
    }

    /// A hash of which no field expires any more is a plain one.
    fn settle(&mut self) {
        if let Some(expiring) = self.expiring_mut()
            && expiring.times.is_empty()
        {
            *self = std::mem::take(&mut expiring.plain);
        }
    }
}
