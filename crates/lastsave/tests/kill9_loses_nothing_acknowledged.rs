//! `kill -9` at any moment loses nothing that was acknowledged, whatever `appendfsync` says, and leaves no transaction
//! half done.

mod harness;

use std::path::Path;
use std::time::{Duration, Instant};

use harness::{Disturbance, Instance, Program, Workload, files, temporary_directory};

const CONNECTIONS: usize = 5;

/// Writes, kills, starts again and compares, over and over in the same directory.
fn rounds(directory: &Path, arguments: &[&str], disturbances: &[Disturbance], units_per_round: u64) {
    let mut workload = Workload::new(CONNECTIONS);
    for (round, disturbance) in disturbances.iter().enumerate() {
        let server = Instance::lastsave(directory, arguments);
        workload.check(server.port);
        let running = workload.start(server.port);
        let mut client = server.client();
        let mut step = 0;
        // A different moment in each round.
        let enough = units_per_round * (10 + 3 * round as u64) / 10;
        while running.acknowledged() < enough {
            disturbance.step(&mut client, step);
            step += 1;
            std::thread::sleep(Duration::from_millis(5));
            assert!(step < 6000, "the workload makes no progress");
        }
        server.kill();
        workload = running.finish();
    }
    let server = Instance::lastsave(directory, arguments);
    workload.check(server.port);
}

#[test]
fn with_appendfsync_always() {
    let directory = temporary_directory();
    rounds(directory.path(), &["--appendonly", "yes", "--appendfsync", "always"], &Disturbance::ALL, 2000);
}

#[test]
fn with_appendfsync_everysec() {
    let directory = temporary_directory();
    rounds(directory.path(), &["--appendonly", "yes", "--appendfsync", "everysec"], &Disturbance::ALL, 4000);
}

#[test]
fn with_appendfsync_no() {
    let directory = temporary_directory();
    rounds(directory.path(), &["--appendonly", "yes", "--appendfsync", "no"], &Disturbance::ALL, 4000);
}

#[test]
fn with_bases_of_commands_and_timestamps() {
    let directory = temporary_directory();
    let arguments = [
        "--appendonly",
        "yes",
        "--aof-use-rdb-preamble",
        "no",
        "--aof-timestamp-enabled",
        "yes",
        "--appendfsync",
        "no",
    ];
    rounds(directory.path(), &arguments, &Disturbance::ALL[..3], 3000);
}

#[test]
fn without_frames() {
    let directory = temporary_directory();
    for policy in ["always", "everysec"] {
        let arguments = ["--appendonly", "yes", "--aof-frames", "no", "--appendfsync", policy];
        rounds(
            &directory.path().join(policy_directory(directory.path(), policy)),
            &arguments,
            &Disturbance::ALL[..3],
            2000,
        );
    }
}

/// Forms of the log that a long campaign goes through.
const FORMS: [&[&str]; 8] = [
    &["--appendfsync", "always"],
    &["--appendfsync", "everysec"],
    &["--appendfsync", "no"],
    &["--appendfsync", "always", "--aof-prepare", "no"],
    &["--appendfsync", "everysec", "--aof-frames", "no"],
    &["--appendfsync", "no", "--aof-use-rdb-preamble", "no"],
    &["--appendfsync", "always", "--aof-timestamp-enabled", "yes"],
    &[
        "--appendfsync",
        "everysec",
        "--auto-aof-rewrite-min-size",
        "100kb",
        "--auto-aof-rewrite-percentage",
        "30",
    ],
];

/// One directory, whose server is killed over and over, each time in another form and at another moment. A few seconds
/// in a test run; `cargo xtask crash --kill9 SECONDS` goes on for as long as it is told to.
#[test]
fn for_as_long_as_there_is_time() {
    let seconds = std::env::var("LASTSAVE_KILL9_SECONDS").ok().and_then(|text| text.parse().ok());
    let end = Instant::now() + Duration::from_secs(seconds.unwrap_or(3));
    let (mut kills, mut units) = (0, 0);
    while Instant::now() < end {
        // What is found is read whole each time; a directory that has grown big gives way to a new one.
        let directory = temporary_directory();
        let mut workload = Workload::new(CONNECTIONS);
        for _ in 0..3 * FORMS.len() {
            let arguments = [&["--appendonly", "yes"], FORMS[kills % FORMS.len()]].concat();
            let server = Instance::lastsave(directory.path(), &arguments);
            workload.check(server.port);
            if Instant::now() >= end {
                break;
            }
            let before = workload.acknowledged();
            let running = workload.start(server.port);
            let mut client = server.client();
            let disturbance = Disturbance::ALL[kills / FORMS.len() % Disturbance::ALL.len()];
            for step in 0..kills * 7 % 40 + 1 {
                disturbance.step(&mut client, step);
                std::thread::sleep(Duration::from_millis(3));
            }
            server.kill();
            workload = running.finish();
            kills += 1;
            units += workload.acknowledged() - before;
        }
    }
    println!("kill -9: {kills} kills, {units} units acknowledged, none of them lost");
}

fn policy_directory(directory: &Path, policy: &str) -> String {
    files::make_directory(&directory.join(policy));
    policy.to_owned()
}

#[test]
fn with_the_form_of_the_log_changing_from_start_to_start() {
    let directory = temporary_directory();
    let forms: [&[&str]; 4] = [
        &["--appendfsync", "always"],
        &["--appendfsync", "everysec", "--aof-frames", "no"],
        &["--appendfsync", "always", "--aof-prepare", "no"],
        &["--appendfsync", "no", "--aof-use-rdb-preamble", "no"],
    ];
    let mut workload = Workload::new(CONNECTIONS);
    for form in forms.iter().cycle().take(8) {
        let arguments = [&["--appendonly", "yes"], *form].concat();
        let server = Instance::lastsave(directory.path(), &arguments);
        workload.check(server.port);
        let running = workload.start(server.port);
        running.wait_for(1000);
        server.kill();
        workload = running.finish();
    }
    let server = Instance::lastsave(directory.path(), &["--appendonly", "yes"]);
    workload.check(server.port);
}

#[test]
fn when_rewrites_come_by_themselves() {
    let directory = temporary_directory();
    let arguments = [
        "--appendonly",
        "yes",
        "--auto-aof-rewrite-min-size",
        "100kb",
        "--auto-aof-rewrite-percentage",
        "30",
        "--hz",
        "100",
    ];
    rounds(directory.path(), &arguments, &[Disturbance::Nothing; 3], 6000);
}

#[test]
fn while_a_start_is_still_loading() {
    let directory = temporary_directory();
    let arguments = ["--appendonly", "yes"];
    let server = Instance::lastsave(directory.path(), &arguments);
    let running = Workload::new(CONNECTIONS).start(server.port);
    running.wait_for(4000);
    server.kill();
    let mut workload = running.finish();
    for delay_ms in [20, 60, 150] {
        let slow = ["--appendonly", "yes", "--key-load-delay", "50"];
        let server = Instance::launch(Program::Lastsave, directory.path(), &slow);
        std::thread::sleep(Duration::from_millis(delay_ms));
        server.kill();
    }
    let server = Instance::lastsave(directory.path(), &arguments);
    workload.check(server.port);
}

#[test]
fn before_an_acknowledgement_is_read() {
    // One client, one command at a time: every single reply is checked against what is found after the kill.
    let directory = temporary_directory();
    for policy in ["always", "everysec", "no"] {
        let arguments = ["--appendonly", "yes", "--appendfsync", policy];
        for round in 0..4 {
            let server = Instance::lastsave(directory.path(), &arguments);
            let mut client = server.client();
            let expected = client.run("INCR counter");
            server.kill();
            let server = Instance::lastsave(directory.path(), &arguments);
            let found = server.client().run("GET counter");
            assert_eq!(format!(":{found}"), expected, "{policy}, round {round}");
        }
    }
}
