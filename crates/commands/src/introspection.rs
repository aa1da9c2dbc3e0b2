//! Replies that describe commands: what COMMAND INFO, COMMAND DOCS and COMMAND GETKEYS are made of.

use lastsave_resp::{ReplyBuffer, Request};

use crate::spec::{Argument, BeginSearch, CommandSpec, FindKeys, Flags, KeySpec, find_keys};
use crate::table::lookup;

fn text(reply: &mut ReplyBuffer, text: &str) {
    reply.bulk(text.as_bytes());
}

fn field(reply: &mut ReplyBuffer, name: &str, value: &str) {
    text(reply, name);
    text(reply, value);
}

fn optional_field(reply: &mut ReplyBuffer, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        field(reply, name, value);
    }
}

fn number_field(reply: &mut ReplyBuffer, name: &str, value: i32) {
    text(reply, name);
    reply.integer(i64::from(value));
}

fn names(reply: &mut ReplyBuffer, names: impl Iterator<Item = &'static str> + Clone) {
    reply.set(names.clone().count());
    for name in names {
        reply.simple(name);
    }
}

/// One element of COMMAND and COMMAND INFO: null for an unknown command.
pub fn reply_command_info(reply: &mut ReplyBuffer, spec: Option<&CommandSpec>) {
    let Some(spec) = spec else { return reply.null() };
    reply.array(10);
    text(reply, spec.full_name);
    reply.integer(i64::from(spec.arity));
    names(reply, flag_names(spec.flags.names()).into_iter());
    for position in [spec.key_range.first, spec.key_range.last, spec.key_range.step] {
        reply.integer(i64::from(position));
    }
    names(reply, flag_names(spec.categories().names()).into_iter());
    reply.set(spec.tips.len());
    for tip in spec.tips {
        text(reply, tip);
    }
    reply.set(spec.key_specs.len());
    for key_spec in spec.key_specs {
        reply_key_spec(reply, key_spec);
    }
    if spec.subcommands.is_empty() {
        reply.set(0);
    } else {
        reply.array(spec.subcommands.len());
    }
    for sub in spec.subcommands {
        reply_command_info(reply, Some(sub));
    }
}

fn flag_names(names: impl Iterator<Item = &'static str>) -> Vec<&'static str> {
    names.collect()
}

fn reply_key_spec(reply: &mut ReplyBuffer, spec: &KeySpec) {
    reply.map(if spec.notes.is_some() { 4 } else { 3 });
    optional_field(reply, "notes", spec.notes);
    text(reply, "flags");
    names(reply, flag_names(spec.flags.names()).into_iter());
    text(reply, "begin_search");
    reply.map(2);
    match spec.begin_search {
        BeginSearch::Index(index) => {
            field(reply, "type", "index");
            text(reply, "spec");
            reply.map(1);
            number_field(reply, "index", index);
        }
        BeginSearch::Keyword { keyword, start_from } => {
            field(reply, "type", "keyword");
            text(reply, "spec");
            reply.map(2);
            field(reply, "keyword", keyword);
            number_field(reply, "startfrom", start_from);
        }
        BeginSearch::Unknown => reply_unknown(reply),
    }
    text(reply, "find_keys");
    reply.map(2);
    match spec.find_keys {
        FindKeys::Range { last, step, limit } => {
            field(reply, "type", "range");
            text(reply, "spec");
            reply.map(3);
            number_field(reply, "lastkey", last);
            number_field(reply, "keystep", step);
            number_field(reply, "limit", limit);
        }
        FindKeys::KeyNumber { number_index, first, step } => {
            field(reply, "type", "keynum");
            text(reply, "spec");
            reply.map(3);
            number_field(reply, "keynumidx", number_index);
            number_field(reply, "firstkey", first);
            number_field(reply, "keystep", step);
        }
        FindKeys::Unknown => reply_unknown(reply),
    }
}

fn reply_unknown(reply: &mut ReplyBuffer) {
    field(reply, "type", "unknown");
    text(reply, "spec");
    reply.map(0);
}

/// The documentation of one command: what follows its name in COMMAND DOCS.
pub fn reply_command_docs(reply: &mut ReplyBuffer, spec: &CommandSpec) {
    let optional = [
        !spec.complexity.is_empty(),
        !spec.doc_flags.is_empty(),
        spec.deprecated_since.is_some(),
        spec.replaced_by.is_some(),
        !spec.history.is_empty(),
        !spec.arguments.is_empty(),
        !spec.subcommands.is_empty(),
    ];
    // Summary, version and group are always there.
    reply.map(3 + optional.iter().filter(|present| **present).count());
    field(reply, "summary", spec.summary);
    field(reply, "since", spec.since);
    field(reply, "group", spec.group.name());
    optional_field(reply, "complexity", Some(spec.complexity).filter(|text| !text.is_empty()));
    if !spec.doc_flags.is_empty() {
        text(reply, "doc_flags");
        names(reply, flag_names(spec.doc_flags.names()).into_iter());
    }
    optional_field(reply, "deprecated_since", spec.deprecated_since);
    optional_field(reply, "replaced_by", spec.replaced_by);
    if !spec.history.is_empty() {
        text(reply, "history");
        reply.set(spec.history.len());
        for (since, change) in spec.history {
            reply.array(2);
            field(reply, since, change);
        }
    }
    if !spec.arguments.is_empty() {
        text(reply, "arguments");
        reply_arguments(reply, spec.arguments);
    }
    if !spec.subcommands.is_empty() {
        text(reply, "subcommands");
        reply.map(spec.subcommands.len());
        for sub in spec.subcommands {
            text(reply, sub.full_name);
            reply_command_docs(reply, sub);
        }
    }
}

fn reply_arguments(reply: &mut ReplyBuffer, arguments: &[Argument]) {
    reply.array(arguments.len());
    for argument in arguments {
        let flags: Vec<&'static str> = [
            (argument.optional, "optional"),
            (argument.multiple, "multiple"),
            (argument.multiple_token, "multiple_token"),
        ]
        .into_iter()
        .filter_map(|(present, name)| present.then_some(name))
        .collect();
        let optional = [
            argument.key_spec_index.is_some(),
            argument.token.is_some(),
            argument.summary.is_some(),
            argument.since.is_some(),
            argument.deprecated_since.is_some(),
            !flags.is_empty(),
        ];
        // Name and kind are always there, and either what is nested in it or a text to show.
        reply.map(3 + optional.iter().filter(|present| **present).count());
        field(reply, "name", argument.name);
        field(reply, "type", argument.kind.name());
        if argument.arguments.is_empty() {
            field(reply, "display_text", argument.display.unwrap_or(argument.name));
        }
        if let Some(index) = argument.key_spec_index {
            number_field(reply, "key_spec_index", i32::from(index));
        }
        optional_field(reply, "token", argument.token);
        optional_field(reply, "summary", argument.summary);
        optional_field(reply, "since", argument.since);
        optional_field(reply, "deprecated_since", argument.deprecated_since);
        if !flags.is_empty() {
            text(reply, "flags");
            names(reply, flags.into_iter());
        }
        if !argument.arguments.is_empty() {
            text(reply, "arguments");
            reply_arguments(reply, argument.arguments);
        }
    }
}

/// COMMAND GETKEYS and GETKEYSANDFLAGS: the keys of the command that begins at argument `from` of the request.
pub fn reply_command_keys(reply: &mut ReplyBuffer, request: Request<'_>, from: usize, with_flags: bool) {
    let count = request.len() - from;
    let argument = |index: usize| request.arg(from + index);
    let command = lookup(argument(0)).and_then(|spec| {
        if spec.subcommands.is_empty() || count == 1 { Some(spec) } else { spec.subcommand(argument(1)) }
    });
    let Some(spec) = command else { return reply.error("ERR Invalid command specified") };
    if !spec.has_keys() {
        return reply.error("ERR The command has no key arguments");
    }
    if !spec.accepts(count) {
        return reply.error("ERR Invalid number of arguments specified for command");
    }
    let keys = find_keys(spec, count, &argument).unwrap_or_default();
    if keys.is_empty() && !spec.flags.has(Flags::NO_MANDATORY_KEYS) {
        return reply.error("ERR Invalid arguments specified for command");
    }
    reply.array(keys.len());
    for key in keys {
        if with_flags {
            reply.array(2);
            reply.bulk(argument(key.index));
            names(reply, flag_names(key.flags.names()).into_iter());
        } else {
            reply.bulk(argument(key.index));
        }
    }
}
