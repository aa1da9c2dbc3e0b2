//! Which key a command is about.

use clap::ValueEnum;

use super::random::Random;

/// How commands spread over the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::bench) enum Distribution {
    /// All keys alike.
    Uniform,
    /// A few keys get most of the commands: the one of rank r in proportion to r to the power of -0.99, as YCSB has it.
    Zipfian,
}

impl Distribution {
    pub(in crate::bench) fn name(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::Zipfian => "zipfian",
        }
    }
}

/// Coprime to every number of keys that anybody asks for; spreads neighbouring ranks over the whole range.
const STRIDE: u64 = 479_001_599;

/// Chooses keys by number.
pub(super) struct Keys {
    count: u64,
    zipf: Option<Zipf>,
}

impl Keys {
    /// Chooses among `count` keys, of which there must be one.
    pub(super) fn new(count: u64, distribution: Distribution) -> Self {
        let zipf = (distribution == Distribution::Zipfian).then(|| Zipf::new(count, 0.99));
        Self { count, zipf }
    }

    pub(super) fn choose(&self, random: &mut Random) -> u64 {
        match &self.zipf {
            None => random.below(self.count),
            // Popular keys are not neighbours, neither in number nor in the server's memory.
            Some(zipf) => {
                let rank = zipf.rank(random) - 1;
                (u128::from(rank) * u128::from(STRIDE) % u128::from(self.count)) as u64
            }
        }
    }
}

/// Ranks from 1 to n with probabilities in proportion to rank^-s, by rejection-inversion (Hörmann and Derflinger 1996):
/// no table, and the same time for every n.
struct Zipf {
    count: f64,
    exponent: f64,
    area_first: f64,
    area_all: f64,
    sure: f64,
}

impl Zipf {
    /// `exponent` is positive and not 1.
    fn new(count: u64, exponent: f64) -> Self {
        let mut zipf = Self { count: count as f64, exponent, area_first: 0.0, area_all: 0.0, sure: 0.0 };
        zipf.area_first = zipf.area(1.5) - 1.0;
        zipf.area_all = zipf.area(zipf.count + 0.5);
        zipf.sure = 2.0 - zipf.area_inverse(zipf.area(2.5) - zipf.density(2.0));
        zipf
    }

    fn rank(&self, random: &mut Random) -> u64 {
        loop {
            let area = self.area_all + random.unit() * (self.area_first - self.area_all);
            let x = self.area_inverse(area);
            let rank = x.round().clamp(1.0, self.count);
            if rank - x <= self.sure || area >= self.area(rank + 0.5) - self.density(rank) {
                return rank as u64;
            }
        }
    }

    fn density(&self, x: f64) -> f64 {
        x.powf(-self.exponent)
    }

    /// The integral of the density from 1 to x.
    fn area(&self, x: f64) -> f64 {
        let rest = 1.0 - self.exponent;
        (rest * x.ln()).exp_m1() / rest
    }

    fn area_inverse(&self, area: f64) -> f64 {
        let rest = 1.0 - self.exponent;
        ((area * rest).max(-1.0).ln_1p() / rest).exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zipfian_ranks_have_their_shares() {
        let (zipf, mut random) = (Zipf::new(1000, 0.99), Random::new(5));
        let samples = 200_000;
        let mut seen = [0_u32; 1001];
        for _ in 0..samples {
            seen[zipf.rank(&mut random) as usize] += 1;
        }
        let weight = |rank: usize| (rank as f64).powf(-0.99);
        let all: f64 = (1..=1000).map(weight).sum();
        for rank in [1, 2, 3, 10, 100] {
            let expected = weight(rank) / all * f64::from(samples);
            let got = f64::from(seen[rank]);
            assert!(
                (got - expected).abs() < 5.0 * expected.sqrt(),
                "rank {rank}: {got}, expected {expected}"
            );
        }
        assert_eq!(seen[0], 0);
    }

    #[test]
    fn every_key_can_be_chosen_and_no_other() {
        for distribution in [Distribution::Uniform, Distribution::Zipfian] {
            let (keys, mut random) = (Keys::new(7, distribution), Random::new(1));
            let mut seen = [false; 7];
            for _ in 0..1000 {
                seen[keys.choose(&mut random) as usize] = true;
            }
            assert_eq!(seen, [true; 7], "{distribution:?}");
        }
        assert_eq!(Keys::new(1, Distribution::Zipfian).choose(&mut Random::new(1)), 0);
    }
}
