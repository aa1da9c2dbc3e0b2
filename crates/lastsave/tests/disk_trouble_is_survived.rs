//! A disk that is full, or a file that cannot be written, costs writes while it lasts and nothing that was acknowledged;
//! when it is over, writes work again without a restart.

mod harness;

use std::path::Path;
use std::process::Command;
use std::thread::JoinHandle;
use std::time::Duration;

use harness::samples::noise;
use harness::{Client, Instance, PROGRAM, eventually, files, free_port, show, skipped, temporary_directory};
use tempfile::TempDir;

const FULL: &str = "-MISCONF Errors writing to the AOF file: No space left on device";
const NOT_SAVED: &str =
    "-MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.";

/// A file system of its own that is soon full.
struct SmallDisk {
    directory: TempDir,
}

impl SmallDisk {
    /// Mounts one, or says that this was not tested.
    fn mount(kilobytes: u32) -> Option<Self> {
        let directory = temporary_directory();
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", &format!("size={kilobytes}k"), "tmpfs"]).arg(directory.path());
        if command.output().is_ok_and(|output| output.status.success()) {
            return Some(Self { directory });
        }
        skipped("a small file system cannot be mounted without privileges");
        None
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Takes all space but so many bytes.
    fn fill_up(&self, left: usize) {
        let ballast = self.path().join("ballast");
        // A server may be taking space at the same time.
        eventually("the ballast", || {
            let output = Command::new("df").args(["--output=avail", "-B1"]).arg(self.path()).output();
            let text = String::from_utf8(output.expect("df runs").stdout).expect("df prints text");
            let available: usize =
                text.lines().nth(1).expect("df has a second line").trim().parse().expect("a number");
            files::try_write(&ballast, &vec![1; available.saturating_sub(left)]).is_ok()
        });
    }

    fn free(&self) {
        files::remove(&self.path().join("ballast"));
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: whoever still has a file open there keeps it until he ends.
        let _unmounted = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

/// Sets one key after the other until the server refuses or is gone; gives how many were acknowledged.
fn set_until_refused(port: u16, from: usize, value: Vec<u8>) -> JoinHandle<usize> {
    std::thread::spawn(move || {
        let mut client = Client::connect(port);
        let mut next = from;
        loop {
            client.send(&[&b"SET"[..], format!("key:{next}").as_bytes(), &value]);
            match client.try_read() {
                Some(harness::Reply::Simple(_)) => next += 1,
                Some(other) => {
                    assert!(show(&other).starts_with("-MISCONF"), "{other:?}");
                    return next;
                }
                None => return next,
            }
        }
    })
}

fn acknowledged_keys_are_there(client: &mut Client, keys: usize, value: &[u8]) {
    for key in 0..keys {
        let found = client.command(&["GET", &format!("key:{key}")]);
        assert!(found == harness::Reply::Bulk(value.to_vec()), "key {key} of {keys}: {found:?}");
    }
}

/// Fills the disk, waits for refusals, makes room, writes on, kills, starts again.
fn a_full_disk(arguments: &[&str]) {
    let Some(disk) = SmallDisk::mount(4096) else { return };
    let arguments = [&["--appendonly", "yes"], arguments].concat();
    let value = noise(1, 3000);
    let mut keys = 0;
    for round in 0..2 {
        let mut server = Instance::lastsave(disk.path(), &arguments);
        let mut client = server.client();
        acknowledged_keys_are_there(&mut client, keys, &value);
        assert_eq!(client.run("SELECT 1"), "OK");
        assert_eq!(client.run("SET durable 1"), "OK");
        disk.fill_up(100_000);
        // The command that met the failure was executed: its reply is held until there is room.
        let writer = set_until_refused(server.port, keys, value.clone());
        server.wait_for_log("Error writing to the AOF file: No space left on device");
        assert_eq!(client.info("aof_last_write_status"), "err");
        // Reads go on where nothing waits to be logged, and writes say what is the matter.
        assert_eq!(server.client().run("SET other 1"), FULL);
        assert_eq!(client.run("DEL durable"), FULL);
        assert_eq!(client.run("MULTI"), "OK");
        assert_eq!(client.run("SET other 1"), FULL);
        assert!(client.run("EXEC").starts_with("-EXECABORT"));
        assert_eq!(client.run("GET durable"), "1");
        std::thread::sleep(Duration::from_millis(500));
        assert_eq!(client.run("DEL durable"), FULL);
        assert_eq!(client.run("GET durable"), "1");
        disk.free();
        eventually("the recovery", || client.run(&format!("SET round {round}")) == "OK");
        server.wait_for_log("AOF write error looks solved, Redis can write again.");
        assert_eq!(client.info("aof_last_write_status"), "ok");
        // The writer goes on as well, until the server is killed; this time with room.
        std::thread::sleep(Duration::from_millis(50));
        server.kill();
        keys = writer.join().expect("the writer has met no wrong reply");
        let server = Instance::lastsave(disk.path(), &arguments);
        let mut client = server.client();
        acknowledged_keys_are_there(&mut client, keys, &value);
        assert_eq!(client.run("SELECT 1"), "OK");
        assert_eq!(client.run("GET round"), round.to_string());
        assert_eq!(client.run("SELECT 0"), "OK");
        // Room for the next round.
        for key in 0..keys {
            assert_eq!(client.run(&format!("DEL key:{key}")), ":1");
        }
        assert_eq!(show(&client.command(&[&b"SET"[..], b"key:0", &value])), "OK");
        keys = 1;
        assert_eq!(client.run("BGREWRITEAOF"), "Background append only file rewriting started");
        eventually("the rewrite", || client.info("aof_rewrite_in_progress") == "0");
        assert_eq!(client.info("aof_last_bgrewrite_status"), "ok");
        server.kill();
    }
}

#[test]
fn a_full_disk_with_appendfsync_always() {
    a_full_disk(&["--appendfsync", "always"]);
}

#[test]
fn a_full_disk_with_appendfsync_always_and_no_prepared_space() {
    a_full_disk(&["--appendfsync", "always", "--aof-prepare", "no"]);
}

#[test]
fn a_full_disk_with_appendfsync_everysec() {
    a_full_disk(&["--appendfsync", "everysec"]);
}

#[test]
fn a_full_disk_with_appendfsync_no_and_no_frames() {
    a_full_disk(&["--appendfsync", "no", "--aof-frames", "no"]);
}

#[test]
fn a_kill_while_the_disk_is_full_loses_nothing_acknowledged() {
    for policy in ["always", "everysec"] {
        let Some(disk) = SmallDisk::mount(4096) else { return };
        let arguments = ["--appendonly", "yes", "--appendfsync", policy];
        let mut server = Instance::lastsave(disk.path(), &arguments);
        let value = noise(2, 3000);
        disk.fill_up(200_000);
        let writer = set_until_refused(server.port, 0, value.clone());
        server.wait_for_log("Error writing to the AOF file: No space left on device");
        assert_eq!(server.client().info("aof_last_write_status"), "err");
        server.kill();
        let keys = writer.join().unwrap();
        assert!(keys > 10, "{keys}");
        // Even with no room at all the data can be read again.
        let server = Instance::lastsave(disk.path(), &arguments);
        let mut client = server.client();
        acknowledged_keys_are_there(&mut client, keys, &value);
        disk.free();
        eventually("the recovery", || client.run("SET after 1") == "OK");
        server.kill();
        let server = Instance::lastsave(disk.path(), &arguments);
        assert_eq!(server.client().run("GET after"), "1");
    }
}

#[test]
fn a_reply_that_has_waited_too_long_for_a_full_disk_is_never_given() {
    let Some(disk) = SmallDisk::mount(4096) else { return };
    let arguments = ["--appendonly", "yes", "--aof-held-reply-timeout", "400"];
    let mut server = Instance::lastsave(disk.path(), &arguments);
    let (mut reader, mut idle) = (server.client(), server.client());
    assert_eq!(reader.run("SET durable 1"), "OK");
    disk.fill_up(100_000);
    let value = noise(6, 3000);
    let mut writer = server.client();
    for key in 0..200 {
        writer.send(&[&b"SET"[..], format!("key:{key}").as_bytes(), &value]);
    }
    server
        .wait_for_log("Closing a client whose reply has waited 400 ms for the append only file, unanswered");
    let mut acknowledged = 0;
    while let Some(reply) = writer.try_read() {
        assert_eq!(show(&reply), "OK");
        acknowledged += 1;
    }
    assert!(acknowledged < 200, "{acknowledged}");
    // Who waits for nothing stays.
    assert_eq!(idle.info("aof_last_write_status"), "err");
    disk.free();
    eventually("the recovery", || idle.run("SET after 1") == "OK");
    server.kill();
    let server = Instance::lastsave(disk.path(), &arguments);
    let mut client = server.client();
    acknowledged_keys_are_there(&mut client, acknowledged, &value);
    assert_eq!(client.run("GET after"), "1");
}

#[test]
fn a_rewrite_that_finds_no_room_leaves_the_log_as_it_is() {
    let Some(disk) = SmallDisk::mount(4096) else { return };
    let arguments = ["--appendonly", "yes"];
    let server = Instance::lastsave(disk.path(), &arguments);
    let mut client = server.client();
    let value = noise(3, 100_000);
    for key in 0..10 {
        assert_eq!(show(&client.command(&[&b"SET"[..], format!("key:{key}").as_bytes(), &value])), "OK");
    }
    disk.fill_up(300_000);
    assert_eq!(client.run("BGREWRITEAOF"), "Background append only file rewriting started");
    eventually("the rewrite", || client.info("aof_rewrite_in_progress") == "0");
    assert_eq!(client.info("aof_last_bgrewrite_status"), "err");
    // What it has written is gone again, so that the log can go on.
    let left: Vec<String> =
        files::names(disk.path()).into_iter().filter(|name| name.starts_with("temp-")).collect();
    assert_eq!(left, Vec::<String>::new());
    assert_eq!(client.run("SET small 1"), "OK");
    disk.free();
    assert_eq!(client.run("BGREWRITEAOF"), "Background append only file rewriting started");
    eventually("the rewrite", || client.info("aof_rewrite_in_progress") == "0");
    assert_eq!(client.info("aof_last_bgrewrite_status"), "ok");
    assert_eq!(client.run("SET small 2"), "OK");
    server.kill();
    let server = Instance::lastsave(disk.path(), &arguments);
    let mut client = server.client();
    acknowledged_keys_are_there(&mut client, 10, &value);
    assert_eq!(client.run("GET small"), "2");
}

#[test]
fn a_rewrite_that_fails_before_the_log_has_moved_does_not_stand_in_the_way_of_others() {
    let directory = temporary_directory();
    let server = Instance::lastsave(directory.path(), &["--appendonly", "yes", "--appendfsync", "always"]);
    let (mut client, mut writer) = (server.client(), server.client());
    // The file that the base is written to cannot be created, and the log is busy when that is found out.
    let place = directory.path().join(format!("temp-rewriteaof-{}.aof", server.pid()));
    files::make_directory(&place);
    assert_eq!(client.run("DEBUG AOF-FLUSH-SLEEP 300000"), "OK");
    writer.send(&["SET", "a", "1"]);
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(client.run("BGREWRITEAOF"), "Background append only file rewriting started");
    eventually("the rewrite", || client.info("aof_rewrite_in_progress") == "0");
    assert_eq!(client.info("aof_last_bgrewrite_status"), "err");
    assert_eq!(show(&writer.read()), "OK");
    assert_eq!(client.run("DEBUG AOF-FLUSH-SLEEP 0"), "OK");
    std::fs::remove_dir(&place).unwrap();
    for round in 0..2 {
        assert_eq!(client.run("BGREWRITEAOF"), "Background append only file rewriting started");
        eventually("the rewrite", || client.info("aof_rewrite_in_progress") == "0");
        assert_eq!(client.info("aof_last_bgrewrite_status"), "ok", "round {round}");
    }
    assert_eq!(client.run("SET b 1"), "OK");
    server.kill();
    let server = Instance::lastsave(directory.path(), &["--appendonly", "yes"]);
    assert_eq!(server.client().run("MGET a b"), "[1 1]");
}

#[test]
fn a_save_that_finds_no_room_stops_writes_until_one_succeeds() {
    let Some(disk) = SmallDisk::mount(4096) else { return };
    let server = Instance::lastsave(disk.path(), &["--save", "3600 1"]);
    let mut client = server.client();
    let value = noise(4, 1_000_000);
    assert_eq!(client.run("SET a 1"), "OK");
    assert_eq!(client.run("SAVE"), "OK");
    let before = files::read(&disk.path().join("dump.rdb"));
    assert_eq!(show(&client.command(&[&b"SET"[..], b"big", &value])), "OK");
    disk.fill_up(300_000);
    assert_eq!(client.run("BGSAVE"), "Background saving started");
    eventually("the save", || client.info("rdb_bgsave_in_progress") == "0");
    assert_eq!(client.info("rdb_last_bgsave_status"), "err");
    assert_eq!(files::read(&disk.path().join("dump.rdb")), before, "the old dump stays");
    assert!(client.run("SET b 1").starts_with(NOT_SAVED));
    disk.free();
    assert_eq!(client.run("BGSAVE"), "Background saving started");
    eventually("the save", || client.info("rdb_bgsave_in_progress") == "0");
    assert_eq!(client.info("rdb_last_bgsave_status"), "ok");
    assert_eq!(client.run("SET b 1"), "OK");
    server.shut_down("");
    let server = Instance::lastsave(disk.path(), &[]);
    assert_eq!(server.client().run("DBSIZE"), ":3");
}

#[test]
fn a_torn_log_on_a_full_disk_is_not_made_worse() {
    let Some(disk) = SmallDisk::mount(2048) else { return };
    let arguments = ["--appendonly", "yes"];
    let server = Instance::lastsave(disk.path(), &arguments);
    assert_eq!(server.client().run("SET a 1"), "OK");
    server.kill();
    files::append(&files::last_increment(disk.path()), &noise(5, 30_000));
    disk.fill_up(0);
    let mut refused = Instance::launch(harness::Program::Lastsave, disk.path(), &arguments);
    if let Err(log) = refused.wait_until_ready() {
        assert_eq!(refused.wait().code(), Some(1), "{log}");
        assert!(log.contains("No space left on device"), "{log}");
    }
    drop(refused);
    disk.free();
    let server = Instance::lastsave(disk.path(), &arguments);
    assert_eq!(server.client().run("KEYS *"), "[a]");
}

#[test]
fn a_dump_that_cannot_be_put_in_place_stops_writes_until_it_can() {
    // What stands in its place is a directory.
    let directory = temporary_directory();
    let place = directory.path().join("dump.rdb");
    let mut server = Instance::lastsave(directory.path(), &["--save", "3600 1"]);
    let mut client = server.client();
    assert_eq!(client.run("SET a 1"), "OK");
    files::make_directory(&place);
    assert_eq!(client.run("BGSAVE"), "Background saving started");
    eventually("the save", || client.info("rdb_bgsave_in_progress") == "0");
    assert_eq!(client.info("rdb_last_bgsave_status"), "err");
    server.wait_for_log("Error moving temp DB file");
    server.wait_for_log("Background saving error");
    for words in ["SET a 2", "DEL a", "FLUSHALL", "PING"] {
        let answer = client.run(words);
        assert!(answer.starts_with(NOT_SAVED), "{words}: {answer}");
    }
    assert_eq!(client.run("GET a"), "1");
    assert!(client.run("SAVE").starts_with("-ERR"));
    assert_eq!(client.run("CONFIG SET stop-writes-on-bgsave-error no"), "OK");
    assert_eq!(client.run("SET a 2"), "OK");
    assert_eq!(client.run("CONFIG SET stop-writes-on-bgsave-error yes"), "OK");
    assert!(client.run("SET a 3").starts_with(NOT_SAVED));
    assert_eq!(client.run("SHUTDOWN"), "-ERR Errors trying to SHUTDOWN. Check logs.");
    assert!(server.is_running());
    assert_eq!(files::names(directory.path()), ["dump.rdb"], "no temporary file is left");
    std::fs::remove_dir(&place).unwrap();
    assert_eq!(client.run("SAVE"), "OK");
    assert_eq!(client.info("rdb_last_bgsave_status"), "ok");
    assert_eq!(client.run("SET a 3"), "OK");
    server.shut_down("");
    let server = Instance::lastsave(directory.path(), &[]);
    assert_eq!(server.client().run("GET a"), "3");
}

#[test]
fn a_directory_that_is_gone_is_told() {
    let parent = temporary_directory();
    let directory = parent.path().join("data");
    files::make_directory(&directory);
    let mut server = Instance::lastsave(&directory, &["--save", "3600 1"]);
    let mut client = server.client();
    assert_eq!(client.run("SET a 1"), "OK");
    std::fs::remove_dir_all(&directory).unwrap();
    assert!(client.run("SAVE").starts_with("-ERR"));
    server.wait_for_log("No such file or directory");
    assert_eq!(client.run("BGSAVE"), "Background saving started");
    eventually("the save", || client.info("rdb_last_bgsave_status") == "err");
    assert!(client.run("SET a 2").starts_with(NOT_SAVED));
    assert_eq!(client.run("GET a"), "1");
    assert_eq!(client.run("SHUTDOWN"), "-ERR Errors trying to SHUTDOWN. Check logs.");
    assert_eq!(client.command(&["CONFIG", "SET", "save", ""]), harness::Reply::Simple(b"OK".to_vec()));
    assert_eq!(client.run("SET a 2"), "OK");
    server.shut_down("NOSAVE");
}

#[test]
fn a_limit_on_file_sizes_costs_writes_and_nothing_else() {
    let directory = temporary_directory();
    let port = free_port();
    let mut command = Command::new("bash");
    // 256 KiB, and no signal when it is reached.
    command.args(["-c", "trap '' XFSZ; ulimit -f 256; exec \"$@\"", "bash", PROGRAM]);
    command.args([
        "--port",
        &port.to_string(),
        "--save",
        "",
        "--appendonly",
        "yes",
        "--appendfsync",
        "always",
    ]);
    let mut server = Instance::spawn(&mut command, directory.path(), port);
    server.wait_until_ready().unwrap();
    let value = noise(6, 3000);
    let writer = set_until_refused(port, 0, value.clone());
    // Whether it goes on in another file or refuses: what it acknowledges is there.
    std::thread::sleep(Duration::from_secs(2));
    assert!(server.is_running(), "{}", server.log_text());
    let mut client = server.client();
    assert_eq!(client.command(&["GET", "key:0"]), harness::Reply::Bulk(value.clone()));
    server.kill();
    let keys = writer.join().unwrap();
    assert!(keys >= 70, "{keys}");
    // One increment is left behind when its 256 KiB are full; not one with every attempt to prepare space.
    let increments = files::names(&directory.path().join("appendonlydir"));
    assert!(increments.len() <= keys / 40 + 5, "{keys} keys in {increments:?}");
    let server = Instance::lastsave(directory.path(), &["--appendonly", "yes"]);
    acknowledged_keys_are_there(&mut server.client(), keys, &value);
}
