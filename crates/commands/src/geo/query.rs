//! What the search commands are told, and how they find and reply it.

use std::cmp::Ordering;

use lastsave_collections::{ScoreRange, SortedSet};
use lastsave_resp::{ReplyBuffer, Request};

use super::area::cells_of;
use super::arguments::{
    circle_argument, position_argument, rectangle_argument, reply_distance, reply_position,
};
use super::cell::position_of;
use super::distance::{Position, Region};
use crate::context::Context;
use crate::reply::{Replied, SYNTAX_ERROR, error, integer_argument};
use crate::sorted_sets::store_result;

/// How the command at hand is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// key, then everything as options.
    Search,
    /// destination, key, then everything as options.
    SearchStore,
    /// key, longitude, latitude, radius, unit.
    Radius { may_store: bool },
    /// key, member, radius, unit.
    RadiusByMember { may_store: bool },
}

impl Form {
    fn is_search(self) -> bool {
        matches!(self, Self::Search | Self::SearchStore)
    }

    fn may_store(self) -> bool {
        matches!(self, Self::Radius { may_store: true } | Self::RadiusByMember { may_store: true })
    }

    fn source_at(self) -> usize {
        if self == Self::SearchStore { 2 } else { 1 }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Nearest,
    Farthest,
}

/// Something found.
#[derive(Debug)]
struct Found {
    member: Vec<u8>,
    position: Position,
    /// From the center, in meters.
    distance_m: f64,
    score: f64,
}

#[derive(Debug, Default)]
struct Query<'a> {
    region: Region,
    /// Which of the two shapes was given.
    has_circle: bool,
    has_rectangle: bool,
    /// Which of the two centers was given.
    from_member: bool,
    from_position: bool,
    with_distance: bool,
    with_hash: bool,
    with_position: bool,
    order: Option<Order>,
    /// Most elements; 0 for all.
    count: usize,
    /// The first ones found will do.
    any: bool,
    destination: Option<&'a [u8]>,
    stores_distances: bool,
}

pub(super) fn search(context: &mut Context<'_>, request: Request<'_>, form: Form) {
    let source = context.key(request.arg(form.source_at()));
    let Ok(set) = context.read_as(&source, |set: Option<&SortedSet>, _| set.cloned()) else { return };
    let Ok(query) = Query::parse(context.reply, request, form, set.as_ref()) else { return };
    let found = set.map(|set| query.find(&set)).unwrap_or_default();
    match query.destination {
        None => query.reply(context.reply, &found),
        Some(destination) => {
            let limits = context.options.sorted_set_limits();
            let longest = found.iter().map(|found| found.member.len()).max().unwrap_or(0);
            let mut result = SortedSet::with_expected(found.len(), longest, &limits);
            for Found { member, distance_m, score, .. } in &found {
                let score = if query.stores_distances { distance_m / query.region.unit_m } else { *score };
                let before = result.score(member);
                result.set(member, before, score, &limits);
            }
            let destination = context.key(destination);
            let event = if form.is_search() { "geosearchstore" } else { "georadiusstore" };
            let changes = result.len() as u64;
            store_result(context, &destination, result, event, changes);
        }
    }
}

impl<'a> Query<'a> {
    fn parse(
        reply: &mut ReplyBuffer,
        request: Request<'a>,
        form: Form,
        set: Option<&SortedSet>,
    ) -> Result<Self, Replied> {
        let mut query = Self::default();
        let options_at = match form {
            Form::Search => 2,
            Form::SearchStore => {
                query.destination = Some(request.arg(1));
                3
            }
            Form::Radius { .. } => {
                query.region.center = position_argument(reply, request, 2)?;
                (query.region.shape, query.region.unit_m) = circle_argument(reply, request, 4)?;
                6
            }
            Form::RadiusByMember { .. } => {
                // Without a key there is nothing to find, but the options decide what the reply is.
                if let Some(set) = set {
                    query.region.center = member_position(reply, set, request.arg(2))?;
                    (query.region.shape, query.region.unit_m) = circle_argument(reply, request, 3)?;
                }
                5
            }
        };
        let mut index = options_at;
        while index < request.len() {
            index += 1 + query.parse_option(reply, request, index, form, set)?;
        }
        query.check(reply, request, form)?;
        if query.count != 0 && query.order.is_none() && !query.any {
            query.order = Some(Order::Nearest);
        }
        Ok(query)
    }

    /// Reads the option at `index`. Gives the number of its arguments.
    fn parse_option(
        &mut self,
        reply: &mut ReplyBuffer,
        request: Request<'a>,
        index: usize,
        form: Form,
        set: Option<&SortedSet>,
    ) -> Result<usize, Replied> {
        let word = request.arg(index);
        let is = |name: &[u8]| word.eq_ignore_ascii_case(name);
        let behind = request.len() - index - 1;
        if is(b"withdist") {
            self.with_distance = true;
        } else if is(b"withhash") {
            self.with_hash = true;
        } else if is(b"withcoord") {
            self.with_position = true;
        } else if is(b"any") {
            self.any = true;
        } else if is(b"asc") {
            self.order = Some(Order::Nearest);
        } else if is(b"desc") {
            self.order = Some(Order::Farthest);
        } else if is(b"count") && behind >= 1 {
            let count = integer_argument(reply, request.arg(index + 1))?;
            let count = usize::try_from(count).ok().filter(|count| *count > 0);
            self.count = count.ok_or_else(|| error(reply, "ERR COUNT must be > 0"))?;
            return Ok(1);
        } else if (is(b"store") || is(b"storedist")) && behind >= 1 && form.may_store() {
            self.destination = Some(request.arg(index + 1));
            self.stores_distances = is(b"storedist");
            return Ok(1);
        } else if is(b"storedist") && form == Form::SearchStore {
            self.stores_distances = true;
        } else if form.is_search() {
            return self.parse_where(reply, request, index, set);
        } else {
            return Err(error(reply, SYNTAX_ERROR));
        }
        Ok(0)
    }

    /// Reads the option at `index`, which says where is searched. Gives the number of its arguments.
    fn parse_where(
        &mut self,
        reply: &mut ReplyBuffer,
        request: Request<'a>,
        index: usize,
        set: Option<&SortedSet>,
    ) -> Result<usize, Replied> {
        let word = request.arg(index);
        let is = |name: &[u8]| word.eq_ignore_ascii_case(name);
        let behind = request.len() - index - 1;
        if is(b"frommember") && behind >= 1 && !self.from_position {
            if let Some(set) = set {
                self.region.center = member_position(reply, set, request.arg(index + 1))?;
            }
            self.from_member = true;
            Ok(1)
        } else if is(b"fromlonlat") && behind >= 2 && !self.from_member {
            self.region.center = position_argument(reply, request, index + 1)?;
            self.from_position = true;
            Ok(2)
        } else if is(b"byradius") && behind >= 2 && !self.has_rectangle {
            (self.region.shape, self.region.unit_m) = circle_argument(reply, request, index + 1)?;
            self.has_circle = true;
            Ok(2)
        } else if is(b"bybox") && behind >= 3 && !self.has_circle {
            (self.region.shape, self.region.unit_m) = rectangle_argument(reply, request, index + 1)?;
            self.has_rectangle = true;
            Ok(3)
        } else {
            Err(error(reply, SYNTAX_ERROR))
        }
    }

    /// Checks that the options go together.
    fn check(&self, reply: &mut ReplyBuffer, request: Request<'_>, form: Form) -> Result<(), Replied> {
        let has_extras = self.with_distance || self.with_hash || self.with_position;
        if self.destination.is_some() && has_extras {
            let what = if form.is_search() { "GEOSEARCHSTORE" } else { "STORE option in GEORADIUS" };
            let text = format!("ERR {what} is not compatible with WITHDIST, WITHHASH and WITHCOORD options");
            return Err(error(reply, &text));
        }
        let exactly_one = |what: &str| {
            [b"ERR exactly one of ", what.as_bytes(), b" can be specified for ", request.arg(0)].concat()
        };
        if form.is_search() && !(self.from_member || self.from_position) {
            reply.error_bytes(&exactly_one("FROMMEMBER or FROMLONLAT"));
            return Err(Replied);
        }
        if form.is_search() && !(self.has_circle || self.has_rectangle) {
            reply.error_bytes(&exactly_one("BYRADIUS and BYBOX"));
            return Err(Replied);
        }
        if self.any && self.count == 0 {
            return Err(error(reply, "ERR the ANY argument requires COUNT argument"));
        }
        Ok(())
    }

    /// What is asked for, in the order that is asked for.
    fn find(&self, set: &SortedSet) -> Vec<Found> {
        let mut found = Vec::new();
        let limit = if self.any { self.count } else { usize::MAX };
        let mut cell_before = None;
        for (index, cell) in cells_of(&self.region).enumerate() {
            // In a huge region, cells around one are the same again.
            if index > 1 && cell_before == Some(cell) {
                continue;
            }
            if found.len() >= limit {
                break;
            }
            let (min, max) = cell.scores();
            let range =
                ScoreRange { min: min as f64, excludes_min: false, max: max as f64, excludes_max: true };
            self.find_in(set, &range, limit, &mut found);
            cell_before = Some(cell);
        }
        match self.order {
            None => {}
            Some(Order::Nearest) => found.sort_by(|one, other| compare(one.distance_m, other.distance_m)),
            Some(Order::Farthest) => found.sort_by(|one, other| compare(other.distance_m, one.distance_m)),
        }
        if self.count != 0 {
            found.truncate(self.count);
        }
        found
    }

    fn find_in(&self, set: &SortedSet, range: &ScoreRange, limit: usize, found: &mut Vec<Found>) {
        for (member, score) in set.elements(set.ranks_by_score(range)) {
            let position = position_of(score);
            if let Some(distance_m) = self.region.distance_inside_m(position) {
                found.push(Found { member: member.to_vec(), position, distance_m, score });
                if found.len() >= limit {
                    return;
                }
            }
        }
    }

    fn reply(&self, reply: &mut ReplyBuffer, found: &[Found]) {
        let extras = [self.with_distance, self.with_hash, self.with_position];
        let extras = extras.iter().filter(|wanted| **wanted).count();
        reply.array(found.len());
        for Found { member, position, distance_m, score } in found {
            if extras > 0 {
                reply.array(1 + extras);
            }
            reply.bulk(member);
            if self.with_distance {
                reply_distance(reply, distance_m / self.region.unit_m);
            }
            if self.with_hash {
                reply.integer(*score as i64);
            }
            if self.with_position {
                reply_position(reply, *position);
            }
        }
    }
}

fn compare(distance: f64, other: f64) -> Ordering {
    distance.partial_cmp(&other).unwrap_or(Ordering::Equal)
}

/// Where a member is, or an error reply.
fn member_position(reply: &mut ReplyBuffer, set: &SortedSet, member: &[u8]) -> Result<Position, Replied> {
    let score = set.score(member);
    score.map(position_of).ok_or_else(|| error(reply, "ERR could not decode requested zset member"))
}
