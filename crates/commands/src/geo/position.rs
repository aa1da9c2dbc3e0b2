//! Where members are, and how far from each other.

use lastsave_collections::SortedSet;
use lastsave_resp::Request;

use super::arguments::{reply_distance, reply_position, unit_argument};
use super::cell::{position_of, standard_hash};
use crate::context::Context;
use crate::reply::SYNTAX_ERROR;
use crate::spec::{Argument, Categories, CommandSpec, Flags, Group, Handler, KeyFlags, KeySpec};

pub(crate) const COMMANDS: &[CommandSpec] = &[GEODIST, GEOHASH, GEOPOS];

const GEODIST: CommandSpec = CommandSpec {
    summary: "Returns the distance between two members of a geospatial index.",
    complexity: "O(1)",
    since: "3.2.0",
    arity: -4,
    flags: Flags::READONLY,
    declared_categories: Categories::GEO,
    key_specs: &[KeySpec::first(KeyFlags::RO.and(KeyFlags::ACCESS))],
    arguments: &[
        Argument::key("key", 0),
        Argument::string("member1"),
        Argument::string("member2"),
        Argument::one_of(
            "unit",
            &[
                Argument::pure_token("m", "m"),
                Argument::pure_token("km", "km"),
                Argument::pure_token("ft", "ft"),
                Argument::pure_token("mi", "mi"),
            ],
        )
        .optional(),
    ],
    ..CommandSpec::new("geodist", Group::Geo, Handler::Data(geodist))
};

fn geodist(context: &mut Context<'_>, request: Request<'_>) {
    let unit_m = match request.get(4) {
        None => 1.0,
        Some(_) if request.len() > 5 => return context.reply.error(SYNTAX_ERROR),
        Some(unit) => match unit_argument(context.reply, unit) {
            Ok(unit_m) => unit_m,
            Err(_) => return,
        },
    };
    let key = context.key(request.arg(1));
    // A key of another type has been answered.
    let _answered = context.read_as(&key, |set: Option<&SortedSet>, reply| {
        let score = |index| set.and_then(|set| set.score(request.arg(index)));
        match score(2).zip(score(3)) {
            Some((from, to)) => {
                reply_distance(reply, position_of(from).distance_m(position_of(to)) / unit_m);
            }
            None => reply.null(),
        }
    });
}

const GEOHASH: CommandSpec = CommandSpec {
    summary: "Returns members from a geospatial index as geohash strings.",
    complexity: "O(1) for each member requested.",
    since: "3.2.0",
    arity: -2,
    flags: Flags::READONLY,
    declared_categories: Categories::GEO,
    key_specs: &[KeySpec::first(KeyFlags::RO.and(KeyFlags::ACCESS))],
    arguments: &[Argument::key("key", 0), Argument::string("member").optional().multiple()],
    ..CommandSpec::new("geohash", Group::Geo, Handler::Data(geohash))
};

fn geohash(context: &mut Context<'_>, request: Request<'_>) {
    let key = context.key(request.arg(1));
    let _answered = context.read_as(&key, |set: Option<&SortedSet>, reply| {
        reply.array(request.len() - 2);
        for member in request.args().skip(2) {
            match set.and_then(|set| set.score(member)) {
                Some(score) => reply.bulk(&standard_hash(position_of(score))),
                None => reply.null(),
            }
        }
    });
}

const GEOPOS: CommandSpec = CommandSpec {
    summary: "Returns the longitude and latitude of members from a geospatial index.",
    complexity: "O(1) for each member requested.",
    since: "3.2.0",
    arity: -2,
    flags: Flags::READONLY,
    declared_categories: Categories::GEO,
    key_specs: &[KeySpec::first(KeyFlags::RO.and(KeyFlags::ACCESS))],
    arguments: &[Argument::key("key", 0), Argument::string("member").optional().multiple()],
    ..CommandSpec::new("geopos", Group::Geo, Handler::Data(geopos))
};

fn geopos(context: &mut Context<'_>, request: Request<'_>) {
    let key = context.key(request.arg(1));
    let _answered = context.read_as(&key, |set: Option<&SortedSet>, reply| {
        reply.array(request.len() - 2);
        for member in request.args().skip(2) {
            match set.and_then(|set| set.score(member)) {
                Some(score) => reply_position(reply, position_of(score)),
                None => reply.null_array(),
            }
        }
    });
}
