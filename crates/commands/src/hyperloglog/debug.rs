//! PFDEBUG and PFSELFTEST.

use std::fmt::Write as _;

use lastsave_keyspace::Key;
use lastsave_resp::Request;
use rand::Rng;

use super::dense::{self, DENSE_BYTES};
use super::hash::place;
use super::header::{Draft, HEADER_BYTES, Stored, View};
use super::key::{CORRUPT, find, make_raw, store};
use super::{Corrupt, REGISTER_MAX, REGISTERS, sparse};
use crate::context::Context;
use crate::spec::{Argument, Categories, CommandSpec, DocFlags, Flags, Group, Handler, KeyFlags, KeySpec};
use crate::table::{QUOTED_BYTES_MAX, printable};

pub(crate) const COMMANDS: &[CommandSpec] = &[PFDEBUG, PFSELFTEST];

const PFDEBUG: CommandSpec = CommandSpec {
    summary: "Internal commands for debugging HyperLogLog values.",
    complexity: "N/A",
    since: "2.8.9",
    arity: 3,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::ADMIN),
    declared_categories: Categories::HYPERLOGLOG,
    key_specs: &[KeySpec::range(2, 0, 1, KeyFlags::RW.and(KeyFlags::ACCESS))],
    doc_flags: DocFlags::SYSCMD,
    arguments: &[Argument::string("subcommand"), Argument::key("key", 0)],
    ..CommandSpec::new("pfdebug", Group::HyperLogLog, Handler::Data(pfdebug))
};

fn pfdebug(context: &mut Context<'_>, request: Request<'_>) {
    let key = context.key(request.arg(2));
    let found = find(context, &key, |found| found.map(|found| (Draft::copy_of(found.text), found.is_raw)));
    let (draft, is_raw) = match found {
        Err(_) => return,
        Ok(None) => return context.reply.error("ERR The specified key does not exist"),
        Ok(Some(found)) => found,
    };
    if !is_raw {
        make_raw(context, &key);
    }
    match request.arg(1).to_ascii_lowercase().as_slice() {
        b"getreg" => get_registers(context, &key, draft),
        b"decode" => decode(context, &draft),
        b"encoding" => context.reply.simple(if draft.is_dense() { "dense" } else { "sparse" }),
        b"todense" => match make_dense(context, &key, draft) {
            Ok(changed) => context.reply.integer(i64::from(changed)),
            Err(Corrupt) => context.reply.error(CORRUPT),
        },
        _ => {
            let name = printable(request.arg(1), QUOTED_BYTES_MAX);
            context.reply.error_bytes(&[b"ERR Unknown PFDEBUG subcommand '", name, b"'"].concat());
        }
    }
}

/// Makes the stored representation dense. Gives whether it was not.
fn make_dense(context: &mut Context<'_>, key: &Key<'_>, mut draft: Draft) -> Result<bool, Corrupt> {
    let changed = draft.make_dense()?;
    if changed {
        store(context, key, draft);
        context.log_verbatim(1);
    }
    Ok(changed)
}

fn get_registers(context: &mut Context<'_>, key: &Key<'_>, draft: Draft) {
    let mut registers = [0; REGISTERS];
    let merged = View::parse(&draft.text).map_or(Err(Corrupt), |view| view.merge_into(&mut registers));
    if merged.and_then(|()| make_dense(context, key, draft)).is_err() {
        return context.reply.error(CORRUPT);
    }
    context.reply.array(REGISTERS);
    for value in registers {
        context.reply.integer(i64::from(value));
    }
}

fn decode(context: &mut Context<'_>, draft: &Draft) {
    let Some(View { stored: Stored::Sparse(runs), .. }) = View::parse(&draft.text) else {
        return context.reply.error("ERR HLL encoding is not sparse");
    };
    let mut text = String::new();
    let decoded = sparse::for_each(runs, |_, run| {
        let separator = if text.is_empty() { "" } else { " " };
        let written = match (run.value, run.is_long) {
            (0, false) => write!(text, "{separator}z:{}", run.len),
            (0, true) => write!(text, "{separator}Z:{}", run.len),
            (value, _) => write!(text, "{separator}v:{value},{}", run.len),
        };
        written.expect("writing to a string cannot fail");
    });
    match decoded {
        Ok(()) => context.reply.bulk(text.as_bytes()),
        Err(Corrupt) => context.reply.error(CORRUPT),
    }
}

const PFSELFTEST: CommandSpec = CommandSpec {
    summary: "An internal command for testing HyperLogLog values.",
    complexity: "N/A",
    since: "2.8.9",
    arity: 1,
    flags: Flags::ADMIN,
    declared_categories: Categories::HYPERLOGLOG,
    doc_flags: DocFlags::SYSCMD,
    ..CommandSpec::new("pfselftest", Group::HyperLogLog, Handler::Data(pfselftest))
};

/// Rounds of random registers.
const REGISTER_ROUNDS: usize = 20;
/// Elements counted. Redis counts ten times as many, and serves nobody for seconds.
const ELEMENTS: u64 = 1_000_000;
/// The standard error is 1.04 / sqrt(registers); so many times it never happens.
const ERRORS_MAX: f64 = 6.0;

fn pfselftest(context: &mut Context<'_>, _request: Request<'_>) {
    match check_registers(context).and_then(|()| check_estimates(context)) {
        Ok(()) => context.reply.ok(),
        Err(text) => context.reply.error(&text),
    }
}

fn check_registers(context: &mut Context<'_>) -> Result<(), String> {
    let mut stored = Box::new([0; DENSE_BYTES]);
    for _ in 0..REGISTER_ROUNDS {
        let values: Vec<u8> = (0..REGISTERS).map(|_| context.random.random_range(0..=REGISTER_MAX)).collect();
        for (register, value) in values.iter().enumerate() {
            dense::set(&mut stored, register, *value);
        }
        for (register, value) in values.iter().enumerate() {
            let found = dense::get(&stored, register);
            if found != *value {
                return Err(format!("TESTFAILED Register {register} should be {value} but is {found}"));
            }
        }
    }
    Ok(())
}

fn check_estimates(context: &mut Context<'_>) -> Result<(), String> {
    let sparse_bytes_max = context.options.hll_sparse_max_bytes;
    let seed: u64 = context.random.random();
    let (mut dense_one, mut sparse_one) = (Draft::empty(), Draft::empty());
    let corrupt = |Corrupt| "TESTFAILED registers are corrupt".to_owned();
    let count = |draft: &Draft| View::parse(&draft.text).map_or(Err(Corrupt), |view| view.cardinality());
    dense_one.make_dense().map_err(corrupt)?;
    let mut checkpoint = 1;
    for number in 1..=ELEMENTS {
        let (register, value) = place(&(number ^ seed).to_le_bytes());
        dense_one.raise(register, value, sparse_bytes_max).map_err(corrupt)?;
        sparse_one.raise(register, value, sparse_bytes_max).map_err(corrupt)?;
        if number != checkpoint {
            continue;
        }
        checkpoint *= 10;
        if (number as usize) < sparse_bytes_max / 2 && sparse_one.is_dense() {
            return Err("TESTFAILED sparse encoding not used".to_owned());
        }
        let counted = count(&dense_one).map_err(corrupt)?;
        if count(&sparse_one) != Ok(counted) {
            return Err("TESTFAILED dense/sparse disagree".to_owned());
        }
        let error = counted.abs_diff(number as i64);
        let allowed = (1.04 / (REGISTERS as f64).sqrt() * ERRORS_MAX * number as f64).ceil();
        if error as f64 > allowed {
            return Err(format!("TESTFAILED Too big error. card:{number} abserr:{error}"));
        }
    }
    debug_assert_eq!(dense_one.text.len(), HEADER_BYTES + DENSE_BYTES);
    Ok(())
}
