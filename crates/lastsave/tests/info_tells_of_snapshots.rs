//! The fields of INFO persistence about snapshots and loading: all that Redis has, with its meanings.

mod harness;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use harness::{Client, Instance, Program, eventually, files, free_port, has_oracle, temporary_directory};

/// The fields of Redis 7.2 in its order, without those of the log and of loading.
const FIELDS: &[&str] = &[
    "loading",
    "async_loading",
    "current_cow_peak",
    "current_cow_size",
    "current_cow_size_age",
    "current_fork_perc",
    "current_save_keys_processed",
    "current_save_keys_total",
    "rdb_changes_since_last_save",
    "rdb_bgsave_in_progress",
    "rdb_last_save_time",
    "rdb_last_bgsave_status",
    "rdb_last_bgsave_time_sec",
    "rdb_current_bgsave_time_sec",
    "rdb_saves",
    "rdb_last_cow_size",
    "rdb_last_load_keys_expired",
    "rdb_last_load_keys_loaded",
    "aof_enabled",
    "aof_rewrite_in_progress",
    "aof_rewrite_scheduled",
    "aof_last_rewrite_time_sec",
    "aof_current_rewrite_time_sec",
    "aof_last_bgrewrite_status",
    "aof_rewrites",
    "aof_rewrites_consecutive_failures",
    "aof_last_write_status",
    "aof_last_cow_size",
    "module_fork_in_progress",
    "module_fork_last_cow_size",
];

/// Those that are there while loading, besides.
const LOADING_FIELDS: &[&str] = &[
    "loading_start_time",
    "loading_total_bytes",
    "loading_rdb_used_mem",
    "loading_loaded_bytes",
    "loading_loaded_perc",
    "loading_eta_seconds",
];

fn persistence(client: &mut Client) -> Vec<(String, String)> {
    let text = client.run("INFO persistence");
    let fields = text.lines().filter_map(|line| line.trim_end().split_once(':'));
    fields.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn value(fields: &[(String, String)], name: &str) -> String {
    let field = fields.iter().find(|(known, _)| known == name);
    field.unwrap_or_else(|| panic!("no {name} in {fields:?}")).1.clone()
}

fn number(fields: &[(String, String)], name: &str) -> f64 {
    value(fields, name).parse().unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The compared fields; a time only as far as there is one.
fn compared(client: &mut Client) -> Vec<String> {
    let fields = persistence(client);
    let told = |name: &&str| match value(&fields, name) {
        time if name.ends_with("_time_sec") && time != "-1" => "some".to_owned(),
        told => told,
    };
    COMPARED.iter().map(told).collect()
}

fn unix_seconds() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is right").as_secs_f64()
}

fn wait_for_save(client: &mut Client) {
    eventually("the end of the save", || client.info("rdb_bgsave_in_progress") == "0");
}

#[test]
fn every_field_of_redis_is_there_in_its_order() {
    let directory = temporary_directory();
    let server = Instance::lastsave(directory.path(), &[]);
    let ours = persistence(&mut server.client());
    let names: Vec<&str> = ours.iter().map(|(name, _)| &name[..]).take(FIELDS.len()).collect();
    assert_eq!(names, FIELDS);
    if has_oracle() {
        let directory = temporary_directory();
        let redis = Instance::start(Program::Redis, directory.path(), &[]);
        // 7.0 has none that 7.2 has not.
        for (name, _) in persistence(&mut redis.client()) {
            assert!(FIELDS.contains(&&name[..]), "{name}");
        }
    }
}

/// What both servers tell after a step, without times.
const COMPARED: &[&str] = &[
    "loading",
    "async_loading",
    "current_fork_perc",
    "current_save_keys_processed",
    "current_save_keys_total",
    "rdb_changes_since_last_save",
    "rdb_bgsave_in_progress",
    "rdb_last_bgsave_status",
    "rdb_last_bgsave_time_sec",
    "rdb_current_bgsave_time_sec",
    "rdb_saves",
    "rdb_last_load_keys_expired",
    "rdb_last_load_keys_loaded",
];

#[test]
fn the_counts_are_those_of_redis() {
    if !has_oracle() {
        return;
    }
    let told = |program: Program| {
        let mut told = Vec::new();
        let directory = temporary_directory();
        let arguments = ["--save", "3600 1000"];
        {
            let server = Instance::start(program, directory.path(), &arguments);
            let mut client = server.client();
            for step in [
                "PING",
                "SET a 1",
                "MSET b 2 c 3",
                "SAVE",
                "SADD s 1 2 3",
                "BGSAVE",
                "BGSAVE SCHEDULE",
                "BGSAVE NOW",
                "BGSAVE SCHEDULE NOW",
                "BGSAVE SCHEDULE SCHEDULE",
                "DEBUG RELOAD",
                "PSETEX short 1 v",
                "DEL a",
                "FLUSHALL",
                "CONFIG RESETSTAT",
                "SET last 1",
                "SET over 1 PX 1",
                "SHUTDOWN",
            ] {
                if step == "SHUTDOWN" {
                    client.run("DEBUG SET-ACTIVE-EXPIRE 0");
                    server.shut_down("");
                    break;
                }
                let answer = client.run(step);
                eventually("the save", || client.info("rdb_bgsave_in_progress") == "0");
                // Redis learns of the end of its child in the next tick, and takes the end of the process for that of the file.
                if step.starts_with("BGSAVE") && !answer.starts_with('-') {
                    eventually("the count", || client.info("rdb_changes_since_last_save") == "0");
                }
                if step == "PSETEX short 1 v" {
                    eventually("its end", || client.run("EXISTS short") == ":0");
                }
                told.push((step, answer, compared(&mut client)));
            }
        }
        let server = Instance::start(program, directory.path(), &arguments);
        told.push(("start", String::new(), compared(&mut server.client())));
        told
    };
    for (ours, theirs) in told(Program::Lastsave).into_iter().zip(told(Program::Redis)) {
        assert_eq!(ours, theirs);
    }
}

#[test]
fn a_running_save_tells_how_far_it_is() {
    let directory = temporary_directory();
    let server = Instance::lastsave(directory.path(), &["--rdb-key-save-delay", "2000"]);
    let mut client = server.client();
    assert_eq!(client.run("DEBUG POPULATE 1000"), "OK");
    assert_eq!(client.run("BGSAVE"), "Background saving started");
    let mut before = 0.0;
    for _ in 0..3 {
        eventually("progress", || {
            client.info("current_save_keys_processed").parse::<f64>().unwrap() > before
        });
        let fields = persistence(&mut client);
        let done = number(&fields, "current_save_keys_processed");
        assert!(done > before && done <= 1000.0);
        assert_eq!(value(&fields, "current_save_keys_total"), "1000");
        assert!((number(&fields, "current_fork_perc") - done / 10.0).abs() < 0.01);
        assert_eq!(value(&fields, "rdb_bgsave_in_progress"), "1");
        assert!(number(&fields, "rdb_current_bgsave_time_sec") >= 0.0);
        before = done;
    }
    // What writers change while the snapshot still needs it is its extra memory.
    for key in 0..1000 {
        client.run(&format!("APPEND key:{key} changed"));
    }
    assert!(number(&persistence(&mut client), "current_cow_size") > 0.0);
    assert_eq!(client.run("CONFIG SET rdb-key-save-delay 0"), "OK");
    assert_eq!(client.run("BGSAVE CANCEL"), "Background saving cancelled");
    wait_for_save(&mut client);
    let fields = persistence(&mut client);
    for name in
        ["current_save_keys_processed", "current_save_keys_total", "current_cow_size", "current_cow_peak"]
    {
        assert_eq!(value(&fields, name), "0", "{name}");
    }
    assert_eq!(value(&fields, "current_fork_perc"), "0.00");
    assert!(number(&fields, "rdb_last_cow_size") > 0.0);
}

#[test]
fn loading_tells_how_far_it_is_and_for_how_long() {
    let directory = temporary_directory();
    {
        let server = Instance::lastsave(directory.path(), &[]);
        let mut client = server.client();
        assert_eq!(client.run("DEBUG POPULATE 2000 key 50"), "OK");
        assert_eq!(client.run("SAVE"), "OK");
        server.kill();
    }
    let size = files::read(&directory.path().join("dump.rdb")).len() as f64;
    let started = unix_seconds();
    let port = free_port();
    let mut command = std::process::Command::new(harness::PROGRAM);
    command.args(["--port", &port.to_string(), "--save", "", "--key-load-delay", "1000"]);
    let mut server = Instance::spawn(&mut command, directory.path(), port);
    eventually("a socket", || Client::try_connect(port).is_ok());
    let mut client = Client::connect(port);
    let mut before = 0.0;
    for _ in 0..3 {
        eventually("progress", || {
            let fields = persistence(&mut client);
            assert_eq!(value(&fields, "loading"), "1");
            number(&fields, "loading_loaded_bytes") > before
        });
        let fields = persistence(&mut client);
        let names: Vec<&str> = fields.iter().map(|(name, _)| &name[..]).collect();
        assert!(names.ends_with(LOADING_FIELDS), "{names:?}");
        let loaded = number(&fields, "loading_loaded_bytes");
        assert!(loaded > before && loaded <= size);
        assert!(number(&fields, "loading_total_bytes") == size);
        assert!((number(&fields, "loading_loaded_perc") - loaded * 100.0 / size).abs() < 0.01);
        assert!(number(&fields, "loading_rdb_used_mem") > 0.0);
        assert!(number(&fields, "loading_eta_seconds") >= 0.0);
        assert!((number(&fields, "loading_start_time") - started).abs() < 10.0);
        before = loaded;
    }
    server.wait_until_ready().expect("it loads");
    server.wait_for_log("Done loading RDB, keys loaded: 2000, keys expired: 0.");
    let fields = persistence(&mut client);
    assert_eq!(value(&fields, "loading"), "0");
    assert!(!fields.iter().any(|(name, _)| name.starts_with("loading_")));
    assert_eq!(value(&fields, "rdb_last_load_keys_loaded"), "2000");
}

#[test]
fn the_time_of_the_last_verified_snapshot_is_told() {
    let directory = temporary_directory();
    let server = Instance::lastsave(directory.path(), &["--save", "3600 1"]);
    let mut client = server.client();
    assert_eq!(client.info("rdb_last_verified_time"), "0");
    assert_eq!(client.run("SET a 1"), "OK");
    for save in ["SAVE", "BGSAVE"] {
        client.run(save);
        wait_for_save(&mut client);
        let fields = persistence(&mut client);
        let verified = number(&fields, "rdb_last_verified_time");
        assert!((verified - unix_seconds()).abs() < 5.0);
        assert!((verified - number(&fields, "rdb_last_save_time")).abs() <= 1.0);
        assert_eq!(client.run("LASTSAVE"), format!(":{}", value(&fields, "rdb_last_save_time")));
        std::thread::sleep(Duration::from_millis(1100));
    }
    // One that fails is not verified.
    let before = client.info("rdb_last_verified_time");
    files::remove(&directory.path().join("dump.rdb"));
    files::make_directory(&directory.path().join("dump.rdb"));
    client.run("BGSAVE");
    eventually("the failure", || client.info("rdb_last_bgsave_status") == "err");
    assert_eq!(client.info("rdb_last_verified_time"), before);
}

#[test]
fn a_save_can_be_cancelled_while_it_runs_and_while_it_waits() {
    let directory = temporary_directory();
    let mut server =
        Instance::lastsave(directory.path(), &["--appendonly", "yes", "--rdb-key-save-delay", "4000"]);
    let mut client = server.client();
    const NOTHING: &str = "-ERR Background saving is currently not in progress or scheduled";
    assert_eq!(client.run("BGSAVE CANCEL"), NOTHING);
    assert_eq!(client.run("BGSAVE CANCEL CANCEL"), "-ERR syntax error");
    assert_eq!(client.run("DEBUG POPULATE 500"), "OK");
    assert_eq!(client.run("SET a 1"), "OK");
    assert_eq!(client.run("BGSAVE"), "Background saving started");
    assert_eq!(client.run("bgsave cancel"), "Background saving cancelled");
    wait_for_save(&mut client);
    server.wait_for_log("Background saving cancelled");
    assert_eq!(client.info("rdb_last_bgsave_status"), "ok");
    assert_ne!(client.info("rdb_changes_since_last_save"), "0");
    assert_eq!(client.run("BGSAVE CANCEL"), NOTHING);
    // A rewrite is no save, and goes on.
    assert_eq!(client.run("BGREWRITEAOF"), "Background append only file rewriting started");
    assert_eq!(client.run("BGSAVE SCHEDULE"), "Background saving scheduled");
    assert_eq!(client.run("BGSAVE CANCEL"), "Scheduled background saving cancelled");
    assert_eq!(client.run("BGSAVE CANCEL"), NOTHING);
    assert_eq!(client.info("aof_rewrite_in_progress"), "1");
    assert_eq!(client.run("CONFIG SET rdb-key-save-delay 0"), "OK");
    let names = files::names(directory.path());
    assert!(!names.contains(&"dump.rdb".to_owned()), "{names:?}");
    eventually("the end of the rewrite", || client.info("aof_rewrite_in_progress") == "0");
    // Inside a transaction it is scheduled, so that no snapshot cuts it in two.
    assert_eq!(client.run("MULTI"), "OK");
    assert_eq!(client.run("BGSAVE"), "QUEUED");
    assert_eq!(client.run("EXEC"), "[Background saving scheduled]");
    eventually("the dump", || files::names(directory.path()).contains(&"dump.rdb".to_owned()));
}
