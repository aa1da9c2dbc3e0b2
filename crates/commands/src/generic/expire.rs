//! EXPIRE, PEXPIRE, EXPIREAT and PEXPIREAT.

use lastsave_resp::{ReplyBuffer, Request};
use smallvec::SmallVec;

use crate::context::Context;
use crate::reply::{Replied, error, integer_argument, invalid_expire_time};
use crate::signals::EventClass;
use crate::spec::{Argument, Categories, CommandSpec, Flags, Group, Handler, KeyFlags, KeySpec};
use crate::table::printable;

pub(crate) const COMMANDS: &[CommandSpec] = &[EXPIRE, PEXPIRE, EXPIREAT, PEXPIREAT];

const EXPIRE: CommandSpec = CommandSpec {
    summary: "Sets the expiration time of a key in seconds.",
    complexity: "O(1)",
    since: "1.0.0",
    arity: -3,
    flags: Flags::WRITE.and(Flags::FAST),
    declared_categories: Categories::KEYSPACE,
    key_specs: &[KeySpec::first(KeyFlags::RW.and(KeyFlags::UPDATE))],
    history: &[("7.0.0", "Added options: `NX`, `XX`, `GT` and `LT`.")],
    arguments: &[
        Argument::key("key", 0),
        Argument::integer("seconds"),
        Argument::one_of(
            "condition",
            &[
                Argument::pure_token("nx", "NX"),
                Argument::pure_token("xx", "XX"),
                Argument::pure_token("gt", "GT"),
                Argument::pure_token("lt", "LT"),
            ],
        )
        .since("7.0.0")
        .optional(),
    ],
    ..CommandSpec::new("expire", Group::Generic, Handler::Data(expire))
};

fn expire(context: &mut Context<'_>, request: Request<'_>) {
    let form = Form { base_ms: context.now_ms, unit_ms: 1000, full_name: EXPIRE.full_name, as_logged: false };
    expire_with(context, request, &form);
}

const PEXPIRE: CommandSpec = CommandSpec {
    summary: "Sets the expiration time of a key in milliseconds.",
    complexity: "O(1)",
    since: "2.6.0",
    arity: -3,
    flags: Flags::WRITE.and(Flags::FAST),
    declared_categories: Categories::KEYSPACE,
    key_specs: &[KeySpec::first(KeyFlags::RW.and(KeyFlags::UPDATE))],
    history: &[("7.0.0", "Added options: `NX`, `XX`, `GT` and `LT`.")],
    arguments: &[
        Argument::key("key", 0),
        Argument::integer("milliseconds"),
        Argument::one_of(
            "condition",
            &[
                Argument::pure_token("nx", "NX"),
                Argument::pure_token("xx", "XX"),
                Argument::pure_token("gt", "GT"),
                Argument::pure_token("lt", "LT"),
            ],
        )
        .since("7.0.0")
        .optional(),
    ],
    ..CommandSpec::new("pexpire", Group::Generic, Handler::Data(pexpire))
};

fn pexpire(context: &mut Context<'_>, request: Request<'_>) {
    let form = Form { base_ms: context.now_ms, unit_ms: 1, full_name: PEXPIRE.full_name, as_logged: false };
    expire_with(context, request, &form);
}

const EXPIREAT: CommandSpec = CommandSpec {
    summary: "Sets the expiration time of a key to a Unix timestamp.",
    complexity: "O(1)",
    since: "1.2.0",
    arity: -3,
    flags: Flags::WRITE.and(Flags::FAST),
    declared_categories: Categories::KEYSPACE,
    key_specs: &[KeySpec::first(KeyFlags::RW.and(KeyFlags::UPDATE))],
    history: &[("7.0.0", "Added options: `NX`, `XX`, `GT` and `LT`.")],
    arguments: &[
        Argument::key("key", 0),
        Argument::unix_time("unix-time-seconds"),
        Argument::one_of(
            "condition",
            &[
                Argument::pure_token("nx", "NX"),
                Argument::pure_token("xx", "XX"),
                Argument::pure_token("gt", "GT"),
                Argument::pure_token("lt", "LT"),
            ],
        )
        .since("7.0.0")
        .optional(),
    ],
    ..CommandSpec::new("expireat", Group::Generic, Handler::Data(expireat))
};

fn expireat(context: &mut Context<'_>, request: Request<'_>) {
    let form = Form { base_ms: 0, unit_ms: 1000, full_name: EXPIREAT.full_name, as_logged: false };
    expire_with(context, request, &form);
}

const PEXPIREAT: CommandSpec = CommandSpec {
    summary: "Sets the expiration time of a key to a Unix milliseconds timestamp.",
    complexity: "O(1)",
    since: "2.6.0",
    arity: -3,
    flags: Flags::WRITE.and(Flags::FAST),
    declared_categories: Categories::KEYSPACE,
    key_specs: &[KeySpec::first(KeyFlags::RW.and(KeyFlags::UPDATE))],
    history: &[("7.0.0", "Added options: `NX`, `XX`, `GT` and `LT`.")],
    arguments: &[
        Argument::key("key", 0),
        Argument::unix_time("unix-time-milliseconds"),
        Argument::one_of(
            "condition",
            &[
                Argument::pure_token("nx", "NX"),
                Argument::pure_token("xx", "XX"),
                Argument::pure_token("gt", "GT"),
                Argument::pure_token("lt", "LT"),
            ],
        )
        .since("7.0.0")
        .optional(),
    ],
    ..CommandSpec::new("pexpireat", Group::Generic, Handler::Data(pexpireat))
};

fn pexpireat(context: &mut Context<'_>, request: Request<'_>) {
    let form = Form { base_ms: 0, unit_ms: 1, full_name: PEXPIREAT.full_name, as_logged: true };
    expire_with(context, request, &form);
}

/// How the command at hand counts time.
struct Form {
    base_ms: i64,
    unit_ms: i64,
    full_name: &'static str,
    /// The request is what the log needs.
    as_logged: bool,
}

#[derive(Debug, Clone, Copy, Default)]
struct Conditions {
    no_expiry: bool,
    some_expiry: bool,
    greater: bool,
    less: bool,
}

fn parse(reply: &mut ReplyBuffer, request: Request<'_>) -> Result<Conditions, Replied> {
    let mut conditions = Conditions::default();
    for word in request.args().skip(3) {
        if word.eq_ignore_ascii_case(b"nx") {
            conditions.no_expiry = true;
        } else if word.eq_ignore_ascii_case(b"xx") {
            conditions.some_expiry = true;
        } else if word.eq_ignore_ascii_case(b"gt") {
            conditions.greater = true;
        } else if word.eq_ignore_ascii_case(b"lt") {
            conditions.less = true;
        } else {
            reply.error_bytes(&[b"ERR Unsupported option ", printable(word, word.len())].concat());
            return Err(Replied);
        }
    }
    if conditions.no_expiry && (conditions.some_expiry || conditions.greater || conditions.less) {
        return Err(error(reply, "ERR NX and XX, GT or LT options at the same time are not compatible"));
    }
    if conditions.greater && conditions.less {
        return Err(error(reply, "ERR GT and LT options at the same time are not compatible"));
    }
    Ok(conditions)
}

impl Conditions {
    /// Whether a key with the first expiry may get the second. No expiry counts as one that never comes.
    fn allow(self, before: Option<i64>, after: i64) -> bool {
        match before {
            None => !self.some_expiry && !self.greater,
            Some(before) => {
                !self.no_expiry && (!self.greater || after > before) && (!self.less || after < before)
            }
        }
    }
}

fn expire_with(context: &mut Context<'_>, request: Request<'_>, form: &Form) {
    let Ok(conditions) = parse(context.reply, request) else { return };
    let Ok(number) = integer_argument(context.reply, request.arg(2)) else { return };
    // Only too large a sum is refused: a negative time is merely past.
    let at = number.checked_mul(form.unit_ms).and_then(|ms| ms.checked_add(form.base_ms));
    let Some(at) = at else {
        invalid_expire_time(context.reply, form.full_name);
        return;
    };
    let key = context.key(request.arg(1));
    let before = context.find(&key, |entry, _| entry.map(|entry| entry.expires_at_ms()));
    if !before.is_some_and(|before| conditions.allow(before, at)) {
        return context.reply.integer(0);
    }
    if context.is_over(at) {
        context.keyspace.db_mut(context.db).remove(&key);
        context.notify(EventClass::Generic, "del", &key);
        context.log_command(&[context.expire_command(), key.bytes()], 1);
    } else {
        context.keyspace.db_mut(context.db).set_expiry(&key, Some(at));
        context.notify(EventClass::Generic, "expire", &key);
        if form.as_logged {
            context.log_verbatim(1);
        } else {
            let at = itoa::Buffer::new().format(at).to_owned();
            let mut args: SmallVec<[&[u8]; 5]> = SmallVec::new();
            args.extend([b"PEXPIREAT", key.bytes(), at.as_bytes()]);
            args.extend(request.args().skip(3));
            context.log_command(&args, 1);
        }
    }
    context.modified(&key);
    context.reply.integer(1);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_compare_with_the_expiry_the_key_has() {
        let none = Conditions::default();
        let nx = Conditions { no_expiry: true, ..none };
        let xx = Conditions { some_expiry: true, ..none };
        let gt = Conditions { greater: true, ..none };
        let lt = Conditions { less: true, ..none };
        for (conditions, without, earlier, equal, later) in [
            (none, true, true, true, true),
            (nx, true, false, false, false),
            (xx, false, true, true, true),
            (gt, false, false, false, true),
            (lt, true, true, false, false),
        ] {
            assert_eq!(conditions.allow(None, 5), without, "{conditions:?}");
            assert_eq!(conditions.allow(Some(5), 4), earlier, "{conditions:?}");
            assert_eq!(conditions.allow(Some(5), 5), equal, "{conditions:?}");
            assert_eq!(conditions.allow(Some(5), 6), later, "{conditions:?}");
        }
    }
}
