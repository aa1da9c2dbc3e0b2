//! Both directions with a real redis-server: it loads a framed log with prepared space, appends to it, and its own log is
//! loaded here.

#![expect(clippy::unwrap_used, reason = "a failed setup fails the test")]
#![expect(clippy::disallowed_methods, reason = "the files are shared with another program")]

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use lastsave_aof::{AofDirectory, LoadOptions, LogSettings, OpenedLog, RecoveredLog, check_log, open_log};
use lastsave_fsync_scheduler::Position;
use lastsave_storage::{RealStorage, Storage};
use support::{Driver, count_units, load, names, payload, record};

/// A directory of our own, removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("lastsave-aof-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A running redis-server.
struct Redis {
    child: Child,
    port: u16,
}

impl Redis {
    fn start(scratch: &Scratch) -> Option<Self> {
        // A port nobody listens on at this moment.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--appendonly", "yes", "--save", "", "--dir"])
            .arg(&scratch.0)
            .args(["--auto-aof-rewrite-percentage", "0", "--aof-timestamp-enabled", "yes"])
            .stdout(Stdio::null())
            .spawn()
            .ok()?;
        let redis = Self { child, port };
        for _ in 0..100 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() && redis.ask(&[b"PING"]).starts_with(b"+PONG")
            {
                return Some(redis);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("redis-server did not come up");
    }

    fn ask(&self, arguments: &[&[u8]]) -> Vec<u8> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.write_all(&record(arguments)).unwrap();
        let mut reader = BufReader::new(stream);
        let mut line = Vec::new();
        reader.read_until(b'\n', &mut line).unwrap();
        if let Some(length) = line.strip_prefix(b"$") {
            let length: i64 = String::from_utf8_lossy(length).trim().parse().unwrap();
            let mut value = vec![0; usize::try_from(length).unwrap_or(0)];
            reader.read_exact(&mut value).unwrap();
            return value;
        }
        line
    }

    fn stop(mut self) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.write_all(&record(&[b"SHUTDOWN", b"NOSAVE"])).unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn is_installed() -> bool {
    let found = Command::new("redis-server").arg("--version").output().is_ok();
    if !found {
        // Past the harness, which would keep it to itself.
        let _ = writeln!(std::io::stderr(), "SKIPPED: redis-server is not installed");
    }
    found
}

fn open(scratch: &Scratch) -> (Arc<AofDirectory>, Arc<LogSettings>) {
    let storage: Arc<dyn Storage> = Arc::new(RealStorage::open(&scratch.0).unwrap());
    let settings = Arc::new(LogSettings::new().with_prepare_step_bytes(64 * 1024));
    settings.set_prepare(true);
    (AofDirectory::open(storage, names()).unwrap(), settings)
}

fn start_existing(scratch: &Scratch) -> (Vec<Vec<Vec<u8>>>, RecoveredLog) {
    let (directory, settings) = open(scratch);
    let opened = open_log(&directory, &settings, LoadOptions::default()).unwrap().0;
    let OpenedLog::Existing(mut loader) = opened else { panic!("there is a log") };
    let records = load(&mut loader).unwrap();
    (records, loader.finish(Position::ZERO).unwrap())
}

fn assert_redis_has(redis: &Redis, units: u64) {
    assert_eq!(redis.ask(&[b"DBSIZE"]), format!(":{units}\r\n").as_bytes());
    for number in 0..units {
        assert_eq!(redis.ask(&[b"GET", format!("key:{number}").as_bytes()]), payload(number));
    }
}

#[test]
fn redis_loads_a_framed_log_with_prepared_space_and_appends_to_it() {
    if !is_installed() {
        return;
    }
    let scratch = Scratch::new("ours");
    let (directory, settings) = open(&scratch);
    let OpenedLog::Empty(empty) = open_log(&directory, &settings, LoadOptions::default()).unwrap().0 else {
        panic!("nothing there yet")
    };
    let (log, _) = empty.create(None, Position::ZERO).unwrap();
    let mut driver = Driver::new(log, 0, Position::ZERO);
    driver.prepare().unwrap();
    for round in 0..20 {
        driver.write(1 + round % 4, round % 5 == 0, round % 2 == 0).unwrap();
        driver.sync().unwrap();
        driver.prepare().unwrap();
    }
    let units = driver.written_units;
    // As kill -9 leaves it: nothing is trimmed.
    let logical_end = driver.log.current_file_bytes().unwrap();
    drop(driver);
    let path = scratch.0.join(support::INCREMENT);
    assert!(std::fs::metadata(&path).unwrap().len() > logical_end + 1000, "there is prepared space");
    let status = Command::new("redis-check-aof").arg(scratch.0.join(support::MANIFEST)).output().unwrap();
    assert!(status.status.success(), "{}", String::from_utf8_lossy(&status.stdout));

    let redis = Redis::start(&scratch).unwrap();
    assert_redis_has(&redis, units);
    redis.ask(&[b"SET", b"from", b"redis"]);
    redis.stop();

    let (mut records, recovered) = start_existing(&scratch);
    assert_eq!(recovered.cuts, []);
    let appended = records.pop().unwrap();
    assert_eq!(appended, [b"SET".to_vec(), b"from".to_vec(), b"redis".to_vec()]);
    assert_eq!(count_units(&records), units);

    // Ours again behind Redis', cleanly closed, and Redis once more.
    let mut driver = Driver::new(recovered.log, units, Position::ZERO);
    driver.write(3, true, true).unwrap();
    driver.sync().unwrap();
    driver.close().unwrap();
    let redis = Redis::start(&scratch).unwrap();
    assert_eq!(redis.ask(&[b"DEL", b"from"]), b":1\r\n");
    assert_redis_has(&redis, units + 3);
    redis.stop();
    let (mut records, recovered) = start_existing(&scratch);
    assert_eq!(recovered.cuts, []);
    records.retain(|record| record[1] != b"from");
    assert_eq!(count_units(&records), units + 3);
}

#[test]
fn a_log_of_redis_is_loaded_and_gone_on_with() {
    if !is_installed() {
        return;
    }
    let scratch = Scratch::new("theirs");
    let redis = Redis::start(&scratch).unwrap();
    for number in 0..8 {
        redis.ask(&[b"SET", format!("key:{number}").as_bytes(), &payload(number)]);
    }
    redis.ask(&[b"EVAL", b"redis.call('set','a','1') redis.call('set','b','2') return 1", b"0"]);
    redis.stop();

    // The base is an RDB without keys; the loader hands it to the caller, who takes all of it.
    let (records, recovered) = start_existing(&scratch);
    assert_eq!(recovered.cuts, []);
    let (units, others): (Vec<_>, Vec<_>) =
        records.into_iter().partition(|record| record[1].starts_with(b"key:"));
    assert_eq!(count_units(&units), 8);
    let sets: Vec<_> = others.iter().filter(|record| record[0].eq_ignore_ascii_case(b"set")).collect();
    assert_eq!(sets.len(), 2, "the transaction is whole: {others:?}");

    let mut driver = Driver::new(recovered.log, 8, Position::ZERO);
    driver.write(2, true, true).unwrap();
    driver.sync().unwrap();
    driver.close().unwrap();
    let storage = RealStorage::open(&scratch.0).unwrap();
    let manifest = std::path::Path::new(support::MANIFEST);
    let options = lastsave_aof::CheckOptions::new(lastsave_aof::CheckAction::Verify);
    assert!(check_log(&storage, manifest, &options, &Quiet, &mut Quiet).is_valid);
    let redis = Redis::start(&scratch).unwrap();
    redis.ask(&[b"DEL", b"a"]);
    redis.ask(&[b"DEL", b"b"]);
    assert_redis_has(&redis, 10);
    redis.stop();
}

/// Prints nothing; takes every RDB for sane.
struct Quiet;

impl lastsave_aof::CheckConsole for Quiet {
    fn line(&mut self, _text: &str) {}

    fn confirm(&mut self, _prompt: &str) -> bool {
        false
    }

    fn rdb_line(&mut self, _text: &[u8]) {}
}

impl lastsave_aof::RdbChecker for Quiet {
    fn check(&self, _file_name: &str, reader: lastsave_storage::FileReader) -> lastsave_aof::RdbVerdict {
        let end = lastsave_storage::File::len(&**reader.file()).ok();
        lastsave_aof::RdbVerdict { lines: Vec::new(), end }
    }
}
