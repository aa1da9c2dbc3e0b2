//! Ranges of scores and of members.

/// Scores from `min` to `max`, each of which belongs to the range or not.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoreRange {
    /// The lower end; never NaN.
    pub min: f64,
    /// Whether the lower end itself is left out.
    pub excludes_min: bool,
    /// The upper end; never NaN.
    pub max: f64,
    /// Whether the upper end itself is left out.
    pub excludes_max: bool,
}

impl ScoreRange {
    /// Whether `score` lies before the range.
    #[inline]
    pub(super) fn is_after(&self, score: f64) -> bool {
        if self.excludes_min { score <= self.min } else { score < self.min }
    }

    /// Whether `score` lies in the range or before it.
    #[inline]
    pub(super) fn reaches(&self, score: f64) -> bool {
        if self.excludes_max { score < self.max } else { score <= self.max }
    }
}

/// An end of a range of members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LexBound<'a> {
    /// Before all members, `-`.
    Lowest,
    /// Behind all members, `+`.
    Highest,
    /// At this member, which belongs to the range.
    Including(&'a [u8]),
    /// At this member, which does not belong to the range.
    Excluding(&'a [u8]),
}

/// Members from `min` to `max`, by their bytes. Only in a sorted set in which all scores are equal does it say something
/// meaningful.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LexRange<'a> {
    /// The lower end.
    pub min: LexBound<'a>,
    /// The upper end.
    pub max: LexBound<'a>,
}

impl LexRange<'_> {
    /// Whether `member` lies before the range.
    #[inline]
    pub(super) fn is_after(&self, member: &[u8]) -> bool {
        match self.min {
            LexBound::Lowest => false,
            LexBound::Highest => true,
            LexBound::Including(min) => member < min,
            LexBound::Excluding(min) => member <= min,
        }
    }

    /// Whether `member` lies in the range or before it.
    #[inline]
    pub(super) fn reaches(&self, member: &[u8]) -> bool {
        match self.max {
            LexBound::Lowest => false,
            LexBound::Highest => true,
            LexBound::Including(max) => member <= max,
            LexBound::Excluding(max) => member < max,
        }
    }
}
