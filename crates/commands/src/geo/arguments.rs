//! Positions, lengths and units as arguments and in replies.

use lastsave_resp::{ReplyBuffer, Request};

use super::cell::{LATITUDE_MAX, LATITUDE_MIN, LONGITUDE_MAX, LONGITUDE_MIN};
use super::distance::{Position, Shape};
use crate::double::{double_argument, to_decimals};
use crate::reply::{Replied, error};

/// Decimals of a distance.
const DISTANCE_DECIMALS: usize = 4;
const DISTANCE_SCALE: f64 = 10_000.0;

/// The position in the arguments from `index` on, longitude first.
pub(super) fn position_argument(
    reply: &mut ReplyBuffer,
    request: Request<'_>,
    index: usize,
) -> Result<Position, Replied> {
    let longitude = double_argument(reply, request.arg(index), None)?;
    let latitude = double_argument(reply, request.arg(index + 1), None)?;
    if (LONGITUDE_MIN..=LONGITUDE_MAX).contains(&longitude)
        && (LATITUDE_MIN..=LATITUDE_MAX).contains(&latitude)
    {
        return Ok(Position { longitude, latitude });
    }
    Err(error(reply, &format!("ERR invalid longitude,latitude pair {longitude:.6},{latitude:.6}")))
}

/// Meters in the unit that an argument names.
pub(super) fn unit_argument(reply: &mut ReplyBuffer, argument: &[u8]) -> Result<f64, Replied> {
    match argument {
        unit if unit.eq_ignore_ascii_case(b"m") => Ok(1.0),
        unit if unit.eq_ignore_ascii_case(b"km") => Ok(1000.0),
        unit if unit.eq_ignore_ascii_case(b"ft") => Ok(0.3048),
        unit if unit.eq_ignore_ascii_case(b"mi") => Ok(1609.34),
        _ => Err(error(reply, "ERR unsupported unit provided. please use M, KM, FT, MI")),
    }
}

/// The circle in the two arguments from `index` on, with the meters in its unit.
pub(super) fn circle_argument(
    reply: &mut ReplyBuffer,
    request: Request<'_>,
    index: usize,
) -> Result<(Shape, f64), Replied> {
    let radius = double_argument(reply, request.arg(index), Some("ERR need numeric radius"))?;
    if radius < 0.0 {
        return Err(error(reply, "ERR radius cannot be negative"));
    }
    Ok((Shape::Circle { radius }, unit_argument(reply, request.arg(index + 1))?))
}

/// The rectangle in the three arguments from `index` on, with the meters in its unit.
pub(super) fn rectangle_argument(
    reply: &mut ReplyBuffer,
    request: Request<'_>,
    index: usize,
) -> Result<(Shape, f64), Replied> {
    let width = double_argument(reply, request.arg(index), Some("ERR need numeric width"))?;
    let height = double_argument(reply, request.arg(index + 1), Some("ERR need numeric height"))?;
    if height < 0.0 || width < 0.0 {
        return Err(error(reply, "ERR height or width cannot be negative"));
    }
    Ok((Shape::Rectangle { width, height }, unit_argument(reply, request.arg(index + 2))?))
}

/// A position.
pub(super) fn reply_position(reply: &mut ReplyBuffer, position: Position) {
    reply.array(2);
    reply.double_text(&to_decimals(position.longitude));
    reply.double_text(&to_decimals(position.latitude));
}

/// A distance.
pub(super) fn reply_distance(reply: &mut ReplyBuffer, distance: f64) {
    // Not the nearest decimal, but the nearest integer to the rounded product.
    let scaled = (distance * DISTANCE_SCALE).round_ties_even() as u64;
    let (whole, fraction) = (scaled / DISTANCE_SCALE as u64, scaled % DISTANCE_SCALE as u64);
    reply.bulk_display(format_args!("{whole}.{fraction:0DISTANCE_DECIMALS$}"));
}
