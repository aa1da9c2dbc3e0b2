//! Which cells have to be looked through for what is in a region: the one with its center and some of those around it.

use super::cell::{Cell, STEPS_MAX};
use super::distance::{EARTH_RADIUS_M, Region, to_degrees, to_radians};

/// Half the length of the equator in the Mercator projection, about.
const HALF_EQUATOR_M: f64 = 20_037_726.37;

/// Cells around one, as steps to the east and to the north, in the order in which they are looked through.
const AROUND: [(i32, i32); 8] = [(0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, 1), (1, -1), (-1, -1)];

/// Borders of a region, in degrees. They may lie beyond the world's.
struct Borders {
    west: f64,
    south: f64,
    east: f64,
    north: f64,
}

impl Borders {
    fn of(region: &Region) -> Self {
        let (half_width_m, half_height_m) = region.half_sides_m();
        let center = region.center;
        let half_height = to_degrees(half_height_m / EARTH_RADIUS_M);
        // A degree of longitude is shorter the nearer it is to a pole.
        let nearest_to_pole =
            if center.latitude < 0.0 { center.latitude - half_height } else { center.latitude + half_height };
        let half_width = to_degrees(half_width_m / EARTH_RADIUS_M / to_radians(nearest_to_pole).cos());
        Self {
            west: center.longitude - half_width,
            south: center.latitude - half_height,
            east: center.longitude + half_width,
            north: center.latitude + half_height,
        }
    }

    /// Whether the cell and those around it leave out a part of what is within the borders.
    fn reach_beyond(&self, cell: Cell) -> bool {
        cell.neighbor(0, 1).area().latitude.max < self.north
            || cell.neighbor(0, -1).area().latitude.min > self.south
            || cell.neighbor(1, 0).area().longitude.max < self.east
            || cell.neighbor(-1, 0).area().longitude.min > self.west
    }
}

/// Cells that together have everything in the region. Two of them may be the same.
pub(super) fn cells_of(region: &Region) -> impl Iterator<Item = Cell> {
    let borders = Borders::of(region);
    let mut steps = steps_for(region.reach_m(), region.center.latitude);
    let mut cell = Cell::at(region.center, steps);
    if steps > 1 && borders.reach_beyond(cell) {
        steps -= 1;
        cell = Cell::at(region.center, steps);
    }
    let area = cell.area();
    let is_needed = move |(east, north): (i32, i32)| {
        let is_useless = (north < 0 && area.latitude.min < borders.south)
            || (north > 0 && area.latitude.max > borders.north)
            || (east < 0 && area.longitude.min < borders.west)
            || (east > 0 && area.longitude.max > borders.east);
        steps < 2 || !is_useless
    };
    let around = AROUND.into_iter().filter(move |place| is_needed(*place));
    std::iter::once(cell).chain(around.map(move |(east, north)| cell.neighbor(east, north)))
}

/// Cuts in each direction for cells that are not smaller than the region, and not much bigger.
fn steps_for(reach_m: f64, latitude: f64) -> u8 {
    if reach_m == 0.0 {
        return STEPS_MAX;
    }
    let mut steps = 1_i32;
    let mut doubled_m = reach_m;
    while doubled_m < HALF_EQUATOR_M {
        doubled_m *= 2.0;
        steps += 1;
    }
    // Most regions then lie within the cell and its neighbors.
    steps -= 2;
    // Cells are narrower near the poles.
    if latitude.abs() > 66.0 {
        steps -= 1;
        if latitude.abs() > 80.0 {
            steps -= 1;
        }
    }
    steps.clamp(1, i32::from(STEPS_MAX)) as u8
}
