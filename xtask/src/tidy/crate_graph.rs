//! Which crate may know which. A new edge is a decision about the architecture, taken by changing this table.

use super::{Finding, Repository};

/// What one package may depend on among the workspace's own.
struct Allowed {
    package: &'static str,
    /// In its library or program.
    uses: &'static [&'static str],
    /// In its tests, examples and benches, besides `uses`.
    tests_use: &'static [&'static str],
}

const GRAPH: &[Allowed] = &[
    Allowed { package: "lastsave-resp", uses: &[], tests_use: &[] },
    Allowed { package: "lastsave-listpack", uses: &[], tests_use: &[] },
    Allowed { package: "lastsave-lzf", uses: &[], tests_use: &[] },
    Allowed { package: "lastsave-allocator", uses: &[], tests_use: &[] },
    // Packed scores are written as on the wire.
    Allowed {
        package: "lastsave-collections",
        uses: &["lastsave-listpack", "lastsave-lzf", "lastsave-resp"],
        tests_use: &[],
    },
    Allowed { package: "lastsave-keyspace", uses: &["lastsave-collections"], tests_use: &[] },
    Allowed { package: "lastsave-rdb", uses: &["lastsave-listpack", "lastsave-lzf"], tests_use: &[] },
    Allowed { package: "lastsave-storage", uses: &[], tests_use: &[] },
    Allowed { package: "lastsave-config", uses: &["lastsave-storage"], tests_use: &[] },
    Allowed { package: "lastsave-fsync-scheduler", uses: &["lastsave-storage"], tests_use: &[] },
    Allowed {
        package: "lastsave-aof",
        uses: &["lastsave-storage", "lastsave-fsync-scheduler"],
        tests_use: &[],
    },
    Allowed {
        package: "lastsave-commands",
        uses: &[
            "lastsave-resp",
            "lastsave-listpack",
            "lastsave-collections",
            "lastsave-keyspace",
            "lastsave-rdb",
        ],
        tests_use: &[],
    },
    Allowed {
        package: "lastsave-server",
        uses: &[
            "lastsave-resp",
            "lastsave-keyspace",
            "lastsave-rdb",
            "lastsave-storage",
            "lastsave-fsync-scheduler",
            "lastsave-aof",
            "lastsave-commands",
            "lastsave-config",
        ],
        tests_use: &[],
    },
    Allowed {
        package: "lastsave-tools",
        uses: &["lastsave-storage", "lastsave-aof", "lastsave-rdb", "lastsave-commands"],
        tests_use: &[],
    },
    Allowed {
        package: "lastsave",
        uses: &[
            "lastsave-allocator",
            "lastsave-server",
            "lastsave-tools",
            "lastsave-rdb",
            "lastsave-aof",
            "lastsave-config",
            "lastsave-storage",
        ],
        // Its tests talk to the program as a client does.
        tests_use: &["lastsave-resp", "lastsave-commands"],
    },
    Allowed {
        package: "lastsave-benches",
        uses: &[
            "lastsave-allocator",
            "lastsave-resp",
            "lastsave-listpack",
            "lastsave-lzf",
            "lastsave-keyspace",
            "lastsave-rdb",
            "lastsave-storage",
            "lastsave-fsync-scheduler",
            "lastsave-aof",
            "lastsave-commands",
            "lastsave-config",
            "lastsave-server",
        ],
        tests_use: &[],
    },
    Allowed { package: "xtask", uses: &[], tests_use: &[] },
];

pub(super) fn check(repository: &Repository, findings: &mut Vec<Finding>) {
    for package in &repository.packages {
        let manifest = format!("{}/Cargo.toml", package.folder);
        let Some(allowed) = GRAPH.iter().find(|allowed| allowed.package == package.name) else {
            findings.push(Finding::about(
                manifest,
                format!("{} is not in the crate graph; add it in {}", package.name, file!()),
            ));
            continue;
        };
        for dependency in &package.own_dependencies {
            let name = dependency.name.as_str();
            let is_allowed = allowed.uses.contains(&name)
                || dependency.for_development && allowed.tests_use.contains(&name);
            if !is_allowed {
                findings.push(Finding::about(
                    &manifest,
                    format!("{} must not depend on {name} (crate graph: {})", package.name, file!()),
                ));
            }
        }
    }
    for allowed in GRAPH {
        if !repository.packages.iter().any(|package| package.name == allowed.package) {
            findings.push(Finding::about(
                file!(),
                format!("{} is in the crate graph but not in the workspace; remove it", allowed.package),
            ));
        }
    }
}
