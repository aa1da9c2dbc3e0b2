//! FCALL and FCALL_RO, which can only say that there is nothing here to run functions with.

use lastsave_resp::Request;

use crate::context::{Context, Dependency};
use crate::spec::{Argument, Categories, CommandSpec, Flags, Group, Handler, KeyFlags, KeySpec};

pub(crate) const COMMANDS: &[CommandSpec] = &[FCALL, FCALL_RO];

const NOT_FOUND: &str = "ERR Function not found";
const KEPT: &str =
    "ERR Functions cannot be called: this server keeps function libraries, but does not run them";

const ARGUMENTS: &[Argument] = &[
    Argument::string("function"),
    Argument::integer("numkeys"),
    Argument::key("key", 0).optional().multiple(),
    Argument::string("arg").optional().multiple(),
];

const FCALL: CommandSpec = CommandSpec {
    summary: "Invokes a function.",
    complexity: "Depends on the function that is executed.",
    since: "7.0.0",
    arity: -3,
    flags: Flags::NOSCRIPT
        .and(Flags::SKIP_MONITOR)
        .and(Flags::MAY_REPLICATE)
        .and(Flags::NO_MANDATORY_KEYS)
        .and(Flags::STALE),
    declared_categories: Categories::SCRIPTING,
    key_specs: &[KeySpec::counted(2, KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::UPDATE))
        .notes("We cannot tell how the keys will be used so we assume the worst, RW and UPDATE")],
    arguments: ARGUMENTS,
    ..CommandSpec::new("fcall", Group::Scripting, Handler::Data(call))
};

const FCALL_RO: CommandSpec = CommandSpec {
    summary: "Invokes a read-only function.",
    complexity: "Depends on the function that is executed.",
    since: "7.0.0",
    arity: -3,
    flags: Flags::NOSCRIPT
        .and(Flags::SKIP_MONITOR)
        .and(Flags::NO_MANDATORY_KEYS)
        .and(Flags::STALE)
        .and(Flags::READONLY),
    declared_categories: Categories::SCRIPTING,
    key_specs: &[KeySpec::counted(2, KeyFlags::RO.and(KeyFlags::ACCESS))
        .notes("We cannot tell how the keys will be used so we assume the worst, RO and ACCESS")],
    arguments: ARGUMENTS,
    ..CommandSpec::new("fcall_ro", Group::Scripting, Handler::Data(call))
};

fn call(context: &mut Context<'_>, _request: Request<'_>) {
    *context.depends = Dependency::Everything;
    context.reply.error(if context.functions.is_empty() { NOT_FOUND } else { KEPT });
}
