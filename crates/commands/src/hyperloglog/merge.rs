//! PFMERGE.

use lastsave_resp::Request;

use super::header::{Draft, Stored};
use super::key::{CORRUPT, find, read, store};
use super::{Corrupt, REGISTERS, Registers};
use crate::context::Context;
use crate::signals::EventClass;
use crate::spec::{Argument, Categories, CommandSpec, Flags, Group, Handler, KeyFlags, KeySpec};

pub(crate) const COMMANDS: &[CommandSpec] = &[PFMERGE];

const PFMERGE: CommandSpec = CommandSpec {
    summary: "Merges one or more HyperLogLog values into a single key.",
    complexity: "O(N) to merge N HyperLogLogs, but with high constant times.",
    since: "2.8.9",
    arity: -2,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    declared_categories: Categories::HYPERLOGLOG,
    key_specs: &[
        KeySpec::first(KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::INSERT)),
        KeySpec::range(2, -1, 1, KeyFlags::RO.and(KeyFlags::ACCESS)),
    ],
    arguments: &[Argument::key("destkey", 0), Argument::key("sourcekey", 1).optional().multiple()],
    ..CommandSpec::new("pfmerge", Group::HyperLogLog, Handler::Data(pfmerge))
};

fn pfmerge(context: &mut Context<'_>, request: Request<'_>) {
    let mut registers = [0; REGISTERS];
    let mut any_dense = false;
    for name in request.args().skip(1) {
        let key = context.key(name);
        let merged = read(context, &key, |found| {
            let Some(found) = found else { return Ok(()) };
            any_dense |= matches!(found.view.stored, Stored::Dense(_));
            found.view.merge_into(&mut registers)
        });
        match merged {
            Err(_) => return,
            Ok(Err(Corrupt)) => return context.reply.error(CORRUPT),
            Ok(Ok(())) => {}
        }
    }
    let target = context.key(request.arg(1));
    let draft =
        find(context, &target, |found| found.map_or_else(Draft::empty, |found| Draft::copy_of(found.text)));
    let Ok(mut draft) = draft else { return };
    if fill(&mut draft, &registers, any_dense, context.options.hll_sparse_max_bytes).is_err() {
        return context.reply.error(CORRUPT);
    }
    draft.forget_cardinality();
    store(context, &target, draft);
    context.notify(EventClass::String, "pfadd", &target);
    context.log_verbatim(1);
    context.reply.ok();
}

/// Makes the registers these, which are nowhere lower than those already there.
fn fill(
    draft: &mut Draft,
    registers: &Registers,
    densely: bool,
    sparse_bytes_max: usize,
) -> Result<(), Corrupt> {
    if !densely {
        for (register, value) in registers.iter().enumerate().filter(|(_, value)| **value > 0) {
            draft.raise(register, *value, sparse_bytes_max)?;
            if draft.is_dense() {
                break;
            }
        }
    }
    if densely || draft.is_dense() {
        draft.replace_registers(registers);
    }
    Ok(())
}
