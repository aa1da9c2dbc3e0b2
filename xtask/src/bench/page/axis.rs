//! Where values lie on an axis, and which of them are written beside it.

use super::short_number;

/// How values become distances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::bench) enum Scale {
    Linear,
    /// By powers of ten. Values must be positive; smaller ones than the lowest shown lie on the edge.
    Log,
    /// Shares from 0 to 1: every nine more takes the same room, as tails of latencies want it.
    Quantile,
}

/// One axis of a line chart.
#[derive(Clone, Debug)]
pub(in crate::bench) struct Axis {
    pub(in crate::bench) title: &'static str,
    pub(in crate::bench) scale: Scale,
    /// What is shown; without it what the series need. Charts side by side should have the same.
    pub(in crate::bench) range: Option<(f64, f64)>,
}

/// An axis whose range is known.
pub(super) struct Fitted {
    scale: Scale,
    low: f64,
    high: f64,
}

impl Axis {
    /// Fits the axis to values.
    pub(super) fn fit(&self, values: impl Iterator<Item = f64>) -> Fitted {
        let (mut low, mut high) = self.range.unwrap_or_else(|| {
            values
                .filter(|value| value.is_finite() && (self.scale != Scale::Log || *value > 0.0))
                .fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)))
        });
        if low > high {
            (low, high) = (0.1, 1.0);
        }
        if self.range.is_none() {
            match self.scale {
                Scale::Linear => low = low.min(0.0),
                Scale::Log => {
                    low = 10_f64.powf(low.log10().floor());
                    high = 10_f64.powf(high.log10().ceil());
                }
                Scale::Quantile => {}
            }
        }
        if low >= high {
            high = if self.scale == Scale::Log { low * 10.0 } else { low + 1.0 };
        }
        Fitted { scale: self.scale, low, high }
    }
}

impl Fitted {
    /// The place of a value: 0 at the low end, 1 at the high one; never outside.
    pub(super) fn place(&self, value: f64) -> f64 {
        let measure = |value: f64| match self.scale {
            Scale::Linear => value,
            Scale::Log => value.max(self.low).log10(),
            Scale::Quantile => -(1.0 - value.min(0.999_999)).log10(),
        };
        let (low, high) = (measure(self.low), measure(self.high));
        ((measure(value) - low) / (high - low)).clamp(0.0, 1.0)
    }

    /// Values to write beside the axis.
    pub(super) fn ticks(&self) -> Vec<(f64, String)> {
        let is_inside = |value: &f64| (self.low..=self.high * (1.0 + 1e-9)).contains(value);
        match self.scale {
            Scale::Linear => {
                let step = nice_step((self.high - self.low) / 6.0);
                let first = (self.low / step).ceil() as i64;
                let last = (self.high / step + 1e-9).floor() as i64;
                (first..=last)
                    .map(|index| index as f64 * step)
                    .map(|value| (value, short_number(value)))
                    .collect()
            }
            Scale::Log => {
                let decades = self.low.log10().ceil() as i32..=self.high.log10().floor() as i32;
                decades.map(|decade| 10_f64.powi(decade)).map(|value| (value, short_number(value))).collect()
            }
            Scale::Quantile => {
                [(0.0, "0"), (0.5, "50"), (0.9, "90"), (0.99, "99"), (0.999, "99.9"), (0.9999, "99.99")]
                    .into_iter()
                    .filter(|(value, _)| is_inside(value))
                    .map(|(value, text)| (value, format!("{text} %")))
                    .collect()
            }
        }
    }
}

/// 1, 2 or 5 times a power of ten: the least that is not below `step`.
fn nice_step(step: f64) -> f64 {
    let power = 10_f64.powf(step.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|factor| factor * power).find(|nice| *nice >= step).unwrap_or(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(scale: Scale, range: (f64, f64)) -> Vec<String> {
        let axis = Axis { title: "", scale, range: Some(range) };
        axis.fit(std::iter::empty()).ticks().into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn ticks_are_round_numbers() {
        assert_eq!(texts(Scale::Linear, (0.0, 11.0)), ["0", "2", "4", "6", "8", "10"]);
        assert_eq!(texts(Scale::Log, (0.1, 100.0)), ["0.1", "1", "10", "100"]);
        assert_eq!(texts(Scale::Quantile, (0.0, 0.999)), ["0 %", "50 %", "90 %", "99 %", "99.9 %"]);
    }

    #[test]
    fn places_stay_inside() {
        let log = Axis { title: "", scale: Scale::Log, range: None }.fit([0.0, 0.5, 20.0].into_iter());
        assert!((log.place(0.1) - 0.0).abs() < 1e-9 && (log.place(100.0) - 1.0).abs() < 1e-9);
        assert!((log.place(0.0) - 0.0).abs() < 1e-9 && (log.place(1e9) - 1.0).abs() < 1e-9);
        let nothing = Axis { title: "", scale: Scale::Linear, range: None }.fit(std::iter::empty());
        assert!(nothing.place(0.5).is_finite());
        let one = Axis { title: "", scale: Scale::Log, range: None }.fit([1.0].into_iter());
        assert!(one.place(1.0).is_finite());
    }
}
