//! GEOADD.

use lastsave_resp::Request;
use smallvec::SmallVec;

use super::arguments::position_argument;
use super::cell::score_of;
use crate::context::Context;
use crate::reply::SYNTAX_ERROR;
use crate::sorted_sets::add::{Options, Pair, add};
use crate::spec::{Argument, Categories, CommandSpec, Flags, Group, Handler, KeyFlags, KeySpec};

pub(crate) const COMMANDS: &[CommandSpec] = &[GEOADD];

const GEOADD: CommandSpec = CommandSpec {
    summary: "Adds one or more members to a geospatial index. The key is created if it doesn't \
         exist.",
    complexity: "O(log(N)) for each item added, where N is the number of elements in the sorted set.",
    since: "3.2.0",
    arity: -5,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    declared_categories: Categories::GEO,
    key_specs: &[KeySpec::first(KeyFlags::RW.and(KeyFlags::UPDATE))],
    history: &[("6.2.0", "Added the `CH`, `NX` and `XX` options.")],
    arguments: &[
        Argument::key("key", 0),
        Argument::one_of("condition", &[Argument::pure_token("nx", "NX"), Argument::pure_token("xx", "XX")])
            .since("6.2.0")
            .optional(),
        Argument::pure_token("change", "CH").since("6.2.0").optional(),
        Argument::block(
            "data",
            &[Argument::double("longitude"), Argument::double("latitude"), Argument::string("member")],
        )
        .multiple(),
    ],
    ..CommandSpec::new("geoadd", Group::Geo, Handler::Data(geoadd))
};

fn geoadd(context: &mut Context<'_>, request: Request<'_>) {
    let mut options = Options::default();
    let mut index = 2;
    while let Some(word) = request.get(index) {
        let option = match word {
            word if word.eq_ignore_ascii_case(b"nx") => &mut options.if_missing,
            word if word.eq_ignore_ascii_case(b"xx") => &mut options.if_exists,
            word if word.eq_ignore_ascii_case(b"ch") => &mut options.counts_changes,
            _ => break,
        };
        *option = true;
        index += 1;
    }
    let left = request.len() - index;
    if left == 0 || !left.is_multiple_of(3) || (options.if_missing && options.if_exists) {
        return context.reply.error(SYNTAX_ERROR);
    }
    let mut pairs: SmallVec<[Pair<'_>; 4]> = SmallVec::new();
    for at in (index..request.len()).step_by(3) {
        let Ok(position) = position_argument(context.reply, request, at) else { return };
        pairs.push((score_of(position) as f64, request.arg(at + 2)));
    }
    let key = context.key(request.arg(1));
    let Some(changes) = add(context, &key, &options, &pairs) else { return };
    let texts: Vec<String> =
        pairs.iter().map(|(score, _)| itoa::Buffer::new().format(*score as u64).to_owned()).collect();
    let mut command: Vec<&[u8]> = vec![b"zadd"];
    command.extend(request.args().take(index).skip(1));
    for (text, (_, member)) in texts.iter().zip(&pairs) {
        command.extend([text.as_bytes(), member]);
    }
    context.log_command(&command, changes);
}
