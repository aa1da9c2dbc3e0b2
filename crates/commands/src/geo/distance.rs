//! Positions and how far they are from each other.

/// Mean radius of the earth.
pub(super) const EARTH_RADIUS_M: f64 = 6_372_797.560856;

/// Where something is, in degrees.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Position {
    pub(super) longitude: f64,
    pub(super) latitude: f64,
}

impl Position {
    /// The distance along a great circle, by the haversine formula.
    pub(super) fn distance_m(self, other: Self) -> f64 {
        let half_chord_east = ((to_radians(other.longitude) - to_radians(self.longitude)) / 2.0).sin();
        // On one meridian it is simple, and the formula would only round.
        if half_chord_east == 0.0 {
            return latitude_distance_m(self.latitude, other.latitude);
        }
        let (from, to) = (to_radians(self.latitude), to_radians(other.latitude));
        let half_chord_north = ((to - from) / 2.0).sin();
        let square =
            half_chord_north * half_chord_north + from.cos() * to.cos() * half_chord_east * half_chord_east;
        2.0 * EARTH_RADIUS_M * square.sqrt().asin()
    }
}

/// The distance of two positions on one meridian.
pub(super) fn latitude_distance_m(from: f64, to: f64) -> f64 {
    EARTH_RADIUS_M * (to_radians(to) - to_radians(from)).abs()
}

/// Degrees in radians, by one multiplication.
pub(super) fn to_radians(degrees: f64) -> f64 {
    degrees * (std::f64::consts::PI / 180.0)
}

/// Radians in degrees, by one division.
pub(super) fn to_degrees(radians: f64) -> f64 {
    radians / (std::f64::consts::PI / 180.0)
}

/// A length in the unit of a command, with the number of meters in that unit.
#[derive(Debug, Clone, Copy, Default)]
pub(super) enum Shape {
    /// Nothing.
    #[default]
    Point,
    Circle {
        radius: f64,
    },
    Rectangle {
        width: f64,
        height: f64,
    },
}

/// Where is searched.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Region {
    pub(super) center: Position,
    pub(super) shape: Shape,
    /// Meters in the unit of the shape's lengths.
    pub(super) unit_m: f64,
}

impl Region {
    /// The distance of a position from the center, if it is in the region.
    pub(super) fn distance_inside_m(&self, position: Position) -> Option<f64> {
        let distance_m = match self.shape {
            Shape::Point => return None,
            Shape::Circle { radius } => {
                let distance_m = self.center.distance_m(position);
                return (distance_m <= radius * self.unit_m).then_some(distance_m);
            }
            Shape::Rectangle { width, height } => {
                if latitude_distance_m(position.latitude, self.center.latitude) > height * self.unit_m / 2.0 {
                    return None;
                }
                let same_latitude = Position { latitude: position.latitude, ..self.center };
                if position.distance_m(same_latitude) > width * self.unit_m / 2.0 {
                    return None;
                }
                self.center.distance_m(position)
            }
        };
        Some(distance_m)
    }

    /// Half the width and half the height of what surrounds the region.
    pub(super) fn half_sides_m(&self) -> (f64, f64) {
        match self.shape {
            Shape::Point => (0.0, 0.0),
            Shape::Circle { radius } => (self.unit_m * radius, self.unit_m * radius),
            Shape::Rectangle { width, height } => (self.unit_m * (width / 2.0), self.unit_m * (height / 2.0)),
        }
    }

    /// How far the farthest points of the region are from the center.
    pub(super) fn reach_m(&self) -> f64 {
        let reach = match self.shape {
            Shape::Point => 0.0,
            Shape::Circle { radius } => radius,
            Shape::Rectangle { width, height } => {
                ((width / 2.0) * (width / 2.0) + (height / 2.0) * (height / 2.0)).sqrt()
            }
        };
        reach * self.unit_m
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PALERMO: Position = Position { longitude: 13.361_389_338_970_184, latitude: 38.115_556_395_496_3 };
    const CATANIA: Position = Position { longitude: 15.087_267_458_438_873, latitude: 37.502_668_423_331_62 };

    #[test]
    fn distances_are_those_of_the_documentation() {
        assert_eq!((PALERMO.distance_m(CATANIA) * 10_000.0).round(), 1_662_741_516.0);
        assert_eq!(PALERMO.distance_m(PALERMO), 0.0);
    }

    #[test]
    fn regions_have_their_center_and_not_what_is_far_away() {
        let circle = Region { center: PALERMO, shape: Shape::Circle { radius: 100.0 }, unit_m: 1000.0 };
        assert_eq!(circle.distance_inside_m(PALERMO), Some(0.0));
        assert_eq!(circle.distance_inside_m(CATANIA), None);
        let shape = Shape::Rectangle { width: 400.0, height: 400.0 };
        let rectangle = Region { shape, ..circle };
        assert!(rectangle.distance_inside_m(CATANIA).is_some());
        let flat = Region { shape: Shape::Rectangle { width: 400.0, height: 40.0 }, ..circle };
        assert_eq!(flat.distance_inside_m(CATANIA), None);
    }
}
