//! Cells: the world cut in two by longitude and by latitude, again and again.
//!
//! A cell's number has one bit for each cut, the first one highest, latitude and longitude taking turns with longitude
//! first. 26 cuts each give 52 bits, which a double holds exactly; they are the score of a position.

use super::distance::Position;

/// Cuts in each direction of the cells that are scores.
pub(super) const STEPS_MAX: u8 = 26;
pub(super) const LONGITUDE_MIN: f64 = -180.0;
pub(super) const LONGITUDE_MAX: f64 = 180.0;
/// Nearer to the poles there are no positions: the limits of the Mercator projection.
pub(super) const LATITUDE_MIN: f64 = -85.051_128_78;
pub(super) const LATITUDE_MAX: f64 = 85.051_128_78;
/// Latitudes of geohashes as other programs know them.
const STANDARD_LATITUDE_MAX: f64 = 90.0;
/// Digits of geohashes as other programs know them.
const ALPHABET: &[u8; 32] = b"0123456789bcdefghjkmnpqrstuvwxyz";
const STANDARD_DIGITS: usize = 11;

/// A cell of the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cell {
    bits: u64,
    /// Cuts in each direction.
    steps: u8,
}

/// From and to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) min: f64,
    pub(super) max: f64,
}

impl Span {
    /// How many of `2^steps` parts lie before `at`.
    fn part(self, at: f64, steps: u8) -> u32 {
        ((at - self.min) / (self.max - self.min) * (1_u64 << steps) as f64) as u32
    }

    /// The borders of part `index` of `2^steps`.
    fn of_part(self, index: u32, steps: u8) -> Self {
        let (parts, length) = ((1_u64 << steps) as f64, self.max - self.min);
        let border = |index: u32| self.min + f64::from(index) / parts * length;
        Self { min: border(index), max: border(index.wrapping_add(1)) }
    }
}

/// What a cell covers.
#[derive(Debug, Clone, Copy)]
pub(super) struct CellArea {
    pub(super) longitude: Span,
    pub(super) latitude: Span,
}

const WORLD: CellArea = CellArea {
    longitude: Span { min: LONGITUDE_MIN, max: LONGITUDE_MAX },
    latitude: Span { min: LATITUDE_MIN, max: LATITUDE_MAX },
};

impl Cell {
    /// The cell that has a position.
    pub(super) fn at(position: Position, steps: u8) -> Self {
        Self::within(&WORLD, position, steps)
    }

    fn within(world: &CellArea, position: Position, steps: u8) -> Self {
        let longitude = world.longitude.part(position.longitude, steps);
        let latitude = world.latitude.part(position.latitude, steps);
        Self::of_parts(longitude, latitude, steps)
    }

    fn of_parts(longitude: u32, latitude: u32, steps: u8) -> Self {
        Self { bits: spread(latitude) | spread(longitude) << 1, steps }
    }

    fn parts(self) -> (u32, u32) {
        (gather(self.bits >> 1), gather(self.bits))
    }

    /// The cell that is so many cells to the east and to the north. Behind the last one comes the first.
    pub(super) fn neighbor(self, east: i32, north: i32) -> Self {
        let (longitude, latitude) = self.parts();
        let moved = |part: u32, by: i32| match by {
            0 => part,
            _ => part.wrapping_add_signed(by) & ((1 << self.steps) - 1),
        };
        Self::of_parts(moved(longitude, east), moved(latitude, north), self.steps)
    }

    /// What the cell covers.
    pub(super) fn area(self) -> CellArea {
        let (longitude, latitude) = self.parts();
        CellArea {
            longitude: WORLD.longitude.of_part(longitude, self.steps),
            latitude: WORLD.latitude.of_part(latitude, self.steps),
        }
    }

    /// The lowest score in the cell, and the first one above it.
    pub(super) fn scores(self) -> (u64, u64) {
        let shift = 2 * (STEPS_MAX - self.steps);
        (self.bits << shift, (self.bits + 1) << shift)
    }
}

/// The score of a position.
pub(super) fn score_of(position: Position) -> u64 {
    Cell::at(position, STEPS_MAX).bits
}

/// The position in the middle of the cell that a score stands for.
pub(super) fn position_of(score: f64) -> Position {
    let area = Cell { bits: bits_of(score), steps: STEPS_MAX }.area();
    let middle = |span: Span, min, max| ((span.min + span.max) / 2.0).clamp(min, max);
    Position {
        longitude: middle(area.longitude, LONGITUDE_MIN, LONGITUDE_MAX),
        latitude: middle(area.latitude, LATITUDE_MIN, LATITUDE_MAX),
    }
}

/// The bits of a score. Any score is taken for a position, also one that is no 52-bit number; then the bits are those that
/// Redis gets on x86-64.
fn bits_of(score: f64) -> u64 {
    const HALF: f64 = (1_u64 << 63) as f64;
    if score < HALF {
        score as i64 as u64
    } else if score < 2.0 * HALF {
        score as u64
    } else {
        0
    }
}

/// The geohash of a position as other programs write it. They cut latitudes from pole to pole, so the cells differ. There
/// are 52 bits for eleven digits of five; the last digit is always 0.
pub(super) fn standard_hash(position: Position) -> [u8; STANDARD_DIGITS] {
    let poles = Span { min: -STANDARD_LATITUDE_MAX, max: STANDARD_LATITUDE_MAX };
    let bits = Cell::within(&CellArea { latitude: poles, ..WORLD }, position, STEPS_MAX).bits;
    let mut digits = [ALPHABET[0]; STANDARD_DIGITS];
    for (index, digit) in digits[..STANDARD_DIGITS - 1].iter_mut().enumerate() {
        *digit = ALPHABET[(bits >> (47 - 5 * index)) as usize % ALPHABET.len()];
    }
    digits
}

/// Puts a zero above each bit.
fn spread(bits: u32) -> u64 {
    let mut spread = u64::from(bits);
    for (shift, mask) in [
        (16, 0x0000_ffff_0000_ffff),
        (8, 0x00ff_00ff_00ff_00ff),
        (4, 0x0f0f_0f0f_0f0f_0f0f),
        (2, 0x3333_3333_3333_3333),
        (1, 0x5555_5555_5555_5555),
    ] {
        spread = (spread | spread << shift) & mask;
    }
    spread
}

/// Takes every second bit, the lowest first.
fn gather(bits: u64) -> u32 {
    let mut gathered = bits & 0x5555_5555_5555_5555;
    for (shift, mask) in [
        (1, 0x3333_3333_3333_3333),
        (2, 0x0f0f_0f0f_0f0f_0f0f),
        (4, 0x00ff_00ff_00ff_00ff),
        (8, 0x0000_ffff_0000_ffff),
        (16, 0x0000_0000_ffff_ffff),
    ] {
        gathered = (gathered | gathered >> shift) & mask;
    }
    gathered as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    const PALERMO: Position = Position { longitude: 13.361_389, latitude: 38.115_556 };

    #[test]
    fn a_position_is_the_score_that_the_documentation_shows() {
        assert_eq!(score_of(PALERMO), 3_479_099_956_230_698);
        assert_eq!(&standard_hash(position_of(3_479_099_956_230_698.0)), b"sqc8b49rny0");
        let position = position_of(3_479_099_956_230_698.0);
        assert_eq!((position.longitude, position.latitude), (13.361_389_338_970_184, 38.115_556_395_496_3));
    }

    #[test]
    fn a_neighbor_has_the_border_in_common() {
        for steps in [3, 10, 26] {
            let cell = Cell::at(PALERMO, steps);
            let (area, east, north) = (cell.area(), cell.neighbor(1, 0).area(), cell.neighbor(0, 1).area());
            assert_eq!(area.longitude.max, east.longitude.min);
            assert_eq!(area.latitude.max, north.latitude.min);
            assert_eq!(cell.neighbor(1, 0).neighbor(-1, 0), cell);
            assert_eq!(cell.neighbor(-1, -1).neighbor(1, 1), cell);
        }
        let last = Cell::at(Position { longitude: 179.999, latitude: 0.0 }, 5);
        assert_eq!(last.neighbor(1, 0).area().longitude.min, LONGITUDE_MIN);
    }

    proptest::proptest! {
        #[test]
        fn bits_are_gathered_as_they_were_spread(bits: u32) {
            proptest::prop_assert_eq!(gather(spread(bits)), bits);
            proptest::prop_assert_eq!(gather(spread(bits) << 1), 0);
        }

        #[test]
        fn a_position_is_found_again_within_a_meter(
            longitude in LONGITUDE_MIN..LONGITUDE_MAX,
            latitude in LATITUDE_MIN..LATITUDE_MAX,
        ) {
            let position = Position { longitude, latitude };
            let again = position_of(score_of(position) as f64);
            proptest::prop_assert!(position.distance_m(again) < 1.0);
        }
    }
}
