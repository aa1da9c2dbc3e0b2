//! Medians, and when a difference is more than noise.

/// The middle one, or the mean of the two in the middle. There must be one.
pub(in crate::bench) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { f64::midpoint(values[middle - 1], values[middle]) }
}

/// Whether every value of one side is below every value of the other: by chance, that happens to three and three rounds of
/// the same thing in one of ten cases, to five and five in one of 126.
pub(super) fn are_apart(one: &[f64], other: &[f64]) -> bool {
    let (Some((one_low, one_high)), Some((low, high))) = (range(one), range(other)) else { return false };
    one_high < low || high < one_low
}

/// The lowest and the highest; `None` of nothing.
pub(super) fn range(values: &[f64]) -> Option<(f64, f64)> {
    let low = values.iter().copied().min_by(f64::total_cmp)?;
    let high = values.iter().copied().max_by(f64::total_cmp)?;
    Some((low, high))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_are_in_the_middle() {
        assert!((median(vec![3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!((median(vec![4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < f64::EPSILON);
    }

    #[test]
    fn overlapping_rounds_are_noise() {
        assert!(are_apart(&[1.0, 2.0], &[2.1, 9.0]));
        assert!(are_apart(&[5.0], &[4.0, 4.5]));
        assert!(!are_apart(&[1.0, 3.0], &[2.0, 9.0]));
        assert!(!are_apart(&[], &[2.0]));
    }
}
