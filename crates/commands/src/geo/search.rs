//! GEOSEARCH and its relatives: what is in a circle or a rectangle.

use lastsave_resp::Request;

use super::query::{Form, search};
use crate::context::Context;
use crate::spec::{Argument, Categories, CommandSpec, DocFlags, Flags, Group, Handler, KeyFlags, KeySpec};

pub(crate) const COMMANDS: &[CommandSpec] =
    &[GEOSEARCH, GEOSEARCHSTORE, GEORADIUS, GEORADIUS_RO, GEORADIUSBYMEMBER, GEORADIUSBYMEMBER_RO];

const GEOSEARCH: CommandSpec = CommandSpec {
    summary: "Queries a geospatial index for members inside an area of a box or a circle.",
    complexity: "O(N+log(M)) where N is the number of elements in the grid-aligned bounding box area \
         around the shape provided as the filter and M is the number of items inside the \
         shape",
    since: "6.2.0",
    arity: -7,
    flags: Flags::READONLY,
    declared_categories: Categories::GEO,
    key_specs: &[KeySpec::first(KeyFlags::RO.and(KeyFlags::ACCESS))],
    history: &[("7.0.0", "Added support for uppercase unit names.")],
    arguments: &[
        Argument::key("key", 0),
        Argument::one_of(
            "from",
            &[
                Argument::string("member").token("FROMMEMBER"),
                Argument::block("fromlonlat", &[Argument::double("longitude"), Argument::double("latitude")])
                    .token("FROMLONLAT"),
            ],
        ),
        Argument::one_of(
            "by",
            &[
                Argument::block(
                    "circle",
                    &[
                        Argument::double("radius").token("BYRADIUS"),
                        Argument::one_of(
                            "unit",
                            &[
                                Argument::pure_token("m", "m"),
                                Argument::pure_token("km", "km"),
                                Argument::pure_token("ft", "ft"),
                                Argument::pure_token("mi", "mi"),
                            ],
                        ),
                    ],
                ),
                Argument::block(
                    "box",
                    &[
                        Argument::double("width").token("BYBOX"),
                        Argument::double("height"),
                        Argument::one_of(
                            "unit",
                            &[
                                Argument::pure_token("m", "m"),
                                Argument::pure_token("km", "km"),
                                Argument::pure_token("ft", "ft"),
                                Argument::pure_token("mi", "mi"),
                            ],
                        ),
                    ],
                ),
            ],
        ),
        Argument::one_of(
            "order",
            &[Argument::pure_token("asc", "ASC"), Argument::pure_token("desc", "DESC")],
        )
        .optional(),
        Argument::block(
            "count-block",
            &[Argument::integer("count").token("COUNT"), Argument::pure_token("any", "ANY").optional()],
        )
        .optional(),
        Argument::pure_token("withcoord", "WITHCOORD").optional(),
        Argument::pure_token("withdist", "WITHDIST").optional(),
        Argument::pure_token("withhash", "WITHHASH").optional(),
    ],
    ..CommandSpec::new("geosearch", Group::Geo, Handler::Data(geosearch))
};

fn geosearch(context: &mut Context<'_>, request: Request<'_>) {
    search(context, request, Form::Search);
}

const GEOSEARCHSTORE: CommandSpec = CommandSpec {
    summary: "Queries a geospatial index for members inside an area of a box or a circle, \
         optionally stores the result.",
    complexity: "O(N+log(M)) where N is the number of elements in the grid-aligned bounding box area \
         around the shape provided as the filter and M is the number of items inside the \
         shape",
    since: "6.2.0",
    arity: -8,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    declared_categories: Categories::GEO,
    key_specs: &[
        KeySpec::first(KeyFlags::OW.and(KeyFlags::UPDATE)),
        KeySpec::range(2, 0, 1, KeyFlags::RO.and(KeyFlags::ACCESS)),
    ],
    history: &[("7.0.0", "Added support for uppercase unit names.")],
    arguments: &[
        Argument::key("destination", 0),
        Argument::key("source", 1),
        Argument::one_of(
            "from",
            &[
                Argument::string("member").token("FROMMEMBER"),
                Argument::block("fromlonlat", &[Argument::double("longitude"), Argument::double("latitude")])
                    .token("FROMLONLAT"),
            ],
        ),
        Argument::one_of(
            "by",
            &[
                Argument::block(
                    "circle",
                    &[
                        Argument::double("radius").token("BYRADIUS"),
                        Argument::one_of(
                            "unit",
                            &[
                                Argument::pure_token("m", "m"),
                                Argument::pure_token("km", "km"),
                                Argument::pure_token("ft", "ft"),
                                Argument::pure_token("mi", "mi"),
                            ],
                        ),
                    ],
                ),
                Argument::block(
                    "box",
                    &[
                        Argument::double("width").token("BYBOX"),
                        Argument::double("height"),
                        Argument::one_of(
                            "unit",
                            &[
                                Argument::pure_token("m", "m"),
                                Argument::pure_token("km", "km"),
                                Argument::pure_token("ft", "ft"),
                                Argument::pure_token("mi", "mi"),
                            ],
                        ),
                    ],
                ),
            ],
        ),
        Argument::one_of(
            "order",
            &[Argument::pure_token("asc", "ASC"), Argument::pure_token("desc", "DESC")],
        )
        .optional(),
        Argument::block(
            "count-block",
            &[Argument::integer("count").token("COUNT"), Argument::pure_token("any", "ANY").optional()],
        )
        .optional(),
        Argument::pure_token("storedist", "STOREDIST").optional(),
    ],
    ..CommandSpec::new("geosearchstore", Group::Geo, Handler::Data(geosearchstore))
};

fn geosearchstore(context: &mut Context<'_>, request: Request<'_>) {
    search(context, request, Form::SearchStore);
}

const GEORADIUS: CommandSpec = CommandSpec {
    summary: "Queries a geospatial index for members within a distance from a coordinate, \
         optionally stores the result.",
    complexity: "O(N+log(M)) where N is the number of elements inside the bounding box of the \
         circular area delimited by center and radius and M is the number of items inside the \
         index.",
    since: "3.2.0",
    arity: -6,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    declared_categories: Categories::GEO,
    key_specs: &[
        KeySpec::first(KeyFlags::RO.and(KeyFlags::ACCESS)),
        KeySpec::after_keyword("STORE", 6, KeyFlags::OW.and(KeyFlags::UPDATE)),
        KeySpec::after_keyword("STOREDIST", 6, KeyFlags::OW.and(KeyFlags::UPDATE)),
    ],
    doc_flags: DocFlags::DEPRECATED,
    deprecated_since: Some("6.2.0"),
    replaced_by: Some("`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` argument"),
    history: &[
        ("6.2.0", "Added the `ANY` option for `COUNT`."),
        ("7.0.0", "Added support for uppercase unit names."),
    ],
    arguments: &[
        Argument::key("key", 0),
        Argument::double("longitude"),
        Argument::double("latitude"),
        Argument::double("radius"),
        Argument::one_of(
            "unit",
            &[
                Argument::pure_token("m", "m"),
                Argument::pure_token("km", "km"),
                Argument::pure_token("ft", "ft"),
                Argument::pure_token("mi", "mi"),
            ],
        ),
        Argument::pure_token("withcoord", "WITHCOORD").optional(),
        Argument::pure_token("withdist", "WITHDIST").optional(),
        Argument::pure_token("withhash", "WITHHASH").optional(),
        Argument::block(
            "count-block",
            &[
                Argument::integer("count").token("COUNT"),
                Argument::pure_token("any", "ANY").since("6.2.0").optional(),
            ],
        )
        .optional(),
        Argument::one_of(
            "order",
            &[Argument::pure_token("asc", "ASC"), Argument::pure_token("desc", "DESC")],
        )
        .optional(),
        Argument::one_of(
            "store",
            &[
                Argument::key("storekey", 1).token("STORE").display("key"),
                Argument::key("storedistkey", 2).token("STOREDIST").display("key"),
            ],
        )
        .optional(),
    ],
    ..CommandSpec::new("georadius", Group::Geo, Handler::Data(georadius))
};

fn georadius(context: &mut Context<'_>, request: Request<'_>) {
    search(context, request, Form::Radius { may_store: true });
}

const GEORADIUS_RO: CommandSpec = CommandSpec {
    summary: "Returns members from a geospatial index that are within a distance from a \
         coordinate.",
    complexity: "O(N+log(M)) where N is the number of elements inside the bounding box of the \
         circular area delimited by center and radius and M is the number of items inside the \
         index.",
    since: "3.2.10",
    arity: -6,
    flags: Flags::READONLY,
    declared_categories: Categories::GEO,
    key_specs: &[KeySpec::first(KeyFlags::RO.and(KeyFlags::ACCESS))],
    doc_flags: DocFlags::DEPRECATED,
    deprecated_since: Some("6.2.0"),
    replaced_by: Some("`GEOSEARCH` with the `BYRADIUS` argument"),
    history: &[("6.2.0", "Added the `ANY` option for `COUNT`.")],
    arguments: &[
        Argument::key("key", 0),
        Argument::double("longitude"),
        Argument::double("latitude"),
        Argument::double("radius"),
        Argument::one_of(
            "unit",
            &[
                Argument::pure_token("m", "m"),
                Argument::pure_token("km", "km"),
                Argument::pure_token("ft", "ft"),
                Argument::pure_token("mi", "mi"),
            ],
        ),
        Argument::pure_token("withcoord", "WITHCOORD").optional(),
        Argument::pure_token("withdist", "WITHDIST").optional(),
        Argument::pure_token("withhash", "WITHHASH").optional(),
        Argument::block(
            "count-block",
            &[
                Argument::integer("count").token("COUNT"),
                Argument::pure_token("any", "ANY").since("6.2.0").optional(),
            ],
        )
        .optional(),
        Argument::one_of(
            "order",
            &[Argument::pure_token("asc", "ASC"), Argument::pure_token("desc", "DESC")],
        )
        .optional(),
    ],
    ..CommandSpec::new("georadius_ro", Group::Geo, Handler::Data(georadius_ro))
};

fn georadius_ro(context: &mut Context<'_>, request: Request<'_>) {
    search(context, request, Form::Radius { may_store: false });
}

const GEORADIUSBYMEMBER: CommandSpec = CommandSpec {
    summary: "Queries a geospatial index for members within a distance from a member, optionally \
         stores the result.",
    complexity: "O(N+log(M)) where N is the number of elements inside the bounding box of the \
         circular area delimited by center and radius and M is the number of items inside the \
         index.",
    since: "3.2.0",
    arity: -5,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    declared_categories: Categories::GEO,
    key_specs: &[
        KeySpec::first(KeyFlags::RO.and(KeyFlags::ACCESS)),
        KeySpec::after_keyword("STORE", 5, KeyFlags::OW.and(KeyFlags::UPDATE)),
        KeySpec::after_keyword("STOREDIST", 5, KeyFlags::OW.and(KeyFlags::UPDATE)),
    ],
    doc_flags: DocFlags::DEPRECATED,
    deprecated_since: Some("6.2.0"),
    replaced_by: Some("`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` and `FROMMEMBER` arguments"),
    history: &[("7.0.0", "Added support for uppercase unit names.")],
    arguments: &[
        Argument::key("key", 0),
        Argument::string("member"),
        Argument::double("radius"),
        Argument::one_of(
            "unit",
            &[
                Argument::pure_token("m", "m"),
                Argument::pure_token("km", "km"),
                Argument::pure_token("ft", "ft"),
                Argument::pure_token("mi", "mi"),
            ],
        ),
        Argument::pure_token("withcoord", "WITHCOORD").optional(),
        Argument::pure_token("withdist", "WITHDIST").optional(),
        Argument::pure_token("withhash", "WITHHASH").optional(),
        Argument::block(
            "count-block",
            &[Argument::integer("count").token("COUNT"), Argument::pure_token("any", "ANY").optional()],
        )
        .optional(),
        Argument::one_of(
            "order",
            &[Argument::pure_token("asc", "ASC"), Argument::pure_token("desc", "DESC")],
        )
        .optional(),
        Argument::one_of(
            "store",
            &[
                Argument::key("storekey", 1).token("STORE").display("key"),
                Argument::key("storedistkey", 2).token("STOREDIST").display("key"),
            ],
        )
        .optional(),
    ],
    ..CommandSpec::new("georadiusbymember", Group::Geo, Handler::Data(georadiusbymember))
};

fn georadiusbymember(context: &mut Context<'_>, request: Request<'_>) {
    search(context, request, Form::RadiusByMember { may_store: true });
}

const GEORADIUSBYMEMBER_RO: CommandSpec = CommandSpec {
    summary: "Returns members from a geospatial index that are within a distance from a member.",
    complexity: "O(N+log(M)) where N is the number of elements inside the bounding box of the \
         circular area delimited by center and radius and M is the number of items inside the \
         index.",
    since: "3.2.10",
    arity: -5,
    flags: Flags::READONLY,
    declared_categories: Categories::GEO,
    key_specs: &[KeySpec::first(KeyFlags::RO.and(KeyFlags::ACCESS))],
    doc_flags: DocFlags::DEPRECATED,
    deprecated_since: Some("6.2.0"),
    replaced_by: Some("`GEOSEARCH` with the `BYRADIUS` and `FROMMEMBER` arguments"),
    arguments: &[
        Argument::key("key", 0),
        Argument::string("member"),
        Argument::double("radius"),
        Argument::one_of(
            "unit",
            &[
                Argument::pure_token("m", "m"),
                Argument::pure_token("km", "km"),
                Argument::pure_token("ft", "ft"),
                Argument::pure_token("mi", "mi"),
            ],
        ),
        Argument::pure_token("withcoord", "WITHCOORD").optional(),
        Argument::pure_token("withdist", "WITHDIST").optional(),
        Argument::pure_token("withhash", "WITHHASH").optional(),
        Argument::block(
            "count-block",
            &[Argument::integer("count").token("COUNT"), Argument::pure_token("any", "ANY").optional()],
        )
        .optional(),
        Argument::one_of(
            "order",
            &[Argument::pure_token("asc", "ASC"), Argument::pure_token("desc", "DESC")],
        )
        .optional(),
    ],
    ..CommandSpec::new("georadiusbymember_ro", Group::Geo, Handler::Data(georadiusbymember_ro))
};

fn georadiusbymember_ro(context: &mut Context<'_>, request: Request<'_>) {
    search(context, request, Form::RadiusByMember { may_store: false });
}
