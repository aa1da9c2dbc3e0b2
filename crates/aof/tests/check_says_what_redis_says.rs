//! `check-aof` prints what `redis-check-aof` prints, and cuts what it cuts; frames add a line.

#![expect(clippy::unwrap_used, reason = "a failed setup fails the test")]
#![expect(clippy::disallowed_methods, reason = "the other tool reads the files")]

mod support;

use std::path::Path;

use lastsave_aof::{
    CheckAction, CheckConsole, CheckOptions, CheckReport, FileVerdict, RdbChecker, RdbVerdict, check_log,
};
use lastsave_fsync_scheduler::Position;
use lastsave_storage::sim::SimulatedStorage;
use lastsave_storage::{FileReader, RealStorage, Storage};
use support::{Driver, INCREMENT, MANIFEST, contents, record, settings, start, unit};

#[derive(Default)]
struct Console {
    lines: Vec<String>,
    prompted: String,
    answer: bool,
}

/// Takes every RDB for one that ends at this offset.
struct RdbEnd(Option<u64>);

impl RdbChecker for RdbEnd {
    fn check(&self, file_name: &str, _reader: FileReader) -> RdbVerdict {
        RdbVerdict { lines: vec![format!("Checking {file_name}").into_bytes()], end: self.0 }
    }
}

impl CheckConsole for Console {
    fn line(&mut self, text: &str) {
        let prompted = std::mem::take(&mut self.prompted);
        self.lines.push(prompted + text);
    }

    fn confirm(&mut self, prompt: &str) -> bool {
        self.prompted = prompt.to_owned();
        self.answer
    }

    fn rdb_line(&mut self, text: &[u8]) {
        self.lines.push(String::from_utf8_lossy(text).into_owned());
    }
}

const FIX: CheckAction = CheckAction::Fix { even_durable: false };

fn check(
    storage: &dyn Storage,
    path: &str,
    action: CheckAction,
    answer: bool,
) -> (Result<CheckReport, CheckReport>, Vec<String>) {
    let mut console = Console { answer, ..Console::default() };
    let options = CheckOptions { threads: 3, ..CheckOptions::new(action) };
    let report = check_log(storage, Path::new(path), &options, &RdbEnd(Some(9)), &mut console);
    (if report.is_valid { Ok(report) } else { Err(report) }, console.lines)
}

fn ok_bytes() -> Vec<u8> {
    [record(&[b"SELECT", b"0"]), record(&[b"SET", b"a", b"b"])].concat()
}

#[test]
fn single_files() {
    let ok = ok_bytes();
    let with = |tail: &[u8]| [ok.as_slice(), tail].concat();
    let transaction = [record(&[b"MULTI"]), record(&[b"SET", b"a", b"b"])].concat();
    // What redis-check-aof 7.0.15 prints.
    let cases: &[(Vec<u8>, &[&str])] = &[
        (
            ok.clone(),
            &["AOF analyzed: filename=f, size=50, ok_up_to=50, ok_up_to_line=13, diff=0", "AOF f is valid"],
        ),
        (
            with(b"*3\r\n$3\r\nSET\r\n$1"),
            &[
                "0x              3f: Expected \\r\\n, got: 0000",
                "AOF analyzed: filename=f, size=65, ok_up_to=50, ok_up_to_line=16, diff=15",
                "AOF f is not valid. Use the --fix option to try fixing it.",
            ],
        ),
        (
            with(b"xx\r\n"),
            &[
                "AOF f format error",
                "AOF analyzed: filename=f, size=54, ok_up_to=50, ok_up_to_line=13, diff=4",
                "AOF f is not valid. Use the --fix option to try fixing it.",
            ],
        ),
        (
            with(&transaction),
            &[
                "0x              59: Reached EOF before reading EXEC for MULTI",
                "AOF analyzed: filename=f, size=92, ok_up_to=50, ok_up_to_line=23, diff=42",
                "AOF f is not valid. Use the --fix option to try fixing it.",
            ],
        ),
        (
            with(b"*1\r\n$4\r\nPINGxx*1\r\n$4\r\nPING\r\n"),
            &[
                "0x              3a: Expected \\r\\n, got: 7878",
                "AOF analyzed: filename=f, size=78, ok_up_to=50, ok_up_to_line=15, diff=28",
                "AOF f is not valid. Use the --fix option to try fixing it.",
            ],
        ),
        (
            with(&record(&[b"EXEC"])),
            &[
                "0x              3a: Unexpected EXEC in AOF f",
                "AOF analyzed: filename=f, size=64, ok_up_to=50, ok_up_to_line=16, diff=14",
                "AOF f is not valid. Use the --fix option to try fixing it.",
            ],
        ),
        (
            with(&[transaction.as_slice(), &record(&[b"MULTI"])].concat()),
            &[
                "0x              64: Unexpected MULTI in AOF f",
                "AOF analyzed: filename=f, size=107, ok_up_to=50, ok_up_to_line=26, diff=57",
                "AOF f is not valid. Use the --fix option to try fixing it.",
            ],
        ),
        (
            with(b"*3\r\n$3\r\nSET\r\nx1\r\na\r\n"),
            &[
                "0x              3f: Expected prefix '$', got: 'x'",
                "AOF analyzed: filename=f, size=70, ok_up_to=50, ok_up_to_line=16, diff=20",
                "AOF f is not valid. Use the --fix option to try fixing it.",
            ],
        ),
        (
            with(b"*x\r\n$3\r\n"),
            &[
                "0x              32: Expected \\r\\n, got: 780d",
                "AOF analyzed: filename=f, size=58, ok_up_to=50, ok_up_to_line=13, diff=8",
                "AOF f is not valid. Use the --fix option to try fixing it.",
            ],
        ),
        (
            b"*1\r\n$4\r\nPI".to_vec(),
            &[
                "0x               8: Expected to read 6 bytes, got 2 bytes",
                "AOF analyzed: filename=f, size=10, ok_up_to=0, ok_up_to_line=3, diff=10",
                "AOF f is not valid. Use the --fix option to try fixing it.",
            ],
        ),
        (
            b"*2\r\n$4\r\nPING\r\n".to_vec(),
            &[
                "AOF analyzed: filename=f, size=14, ok_up_to=0, ok_up_to_line=4, diff=14",
                "AOF f is not valid. Use the --fix option to try fixing it.",
            ],
        ),
        (
            b"*1\r\n$-1\r\n".to_vec(),
            &[
                "0x               4: Expected to read string of -1 bytes, which is not in the suitable range",
                "AOF analyzed: filename=f, size=9, ok_up_to=0, ok_up_to_line=3, diff=9",
                "AOF f is not valid. Use the --fix option to try fixing it.",
            ],
        ),
        (
            b"#TS:100\r\n#partial".to_vec(),
            &["AOF analyzed: filename=f, size=17, ok_up_to=17, ok_up_to_line=1, diff=0", "AOF f is valid"],
        ),
        (Vec::new(), &["AOF f is empty"]),
    ];
    for (bytes, expected) in cases {
        let storage = SimulatedStorage::new(1);
        storage.put("f", bytes.clone()).unwrap();
        let (outcome, lines) = check(&storage, "f", CheckAction::Verify, false);
        assert_eq!(lines[0], "Start checking Old-Style AOF");
        assert_eq!(&lines[1..], *expected);
        assert_eq!(outcome.is_ok(), !lines.last().unwrap().contains("not valid"));
    }
}

fn multi_part() -> SimulatedStorage {
    let storage = SimulatedStorage::new(1);
    storage.put("d/a.1.base.aof", ok_bytes()).unwrap();
    storage.put("d/a.1.incr.aof", ok_bytes()).unwrap();
    storage.put("d/a.2.incr.aof", [ok_bytes().as_slice(), b"*3\r\n$3\r\nSET\r\n$1"].concat()).unwrap();
    storage
        .put(
            "d/a.manifest",
            "file a.1.base.aof seq 1 type b\nfile a.1.incr.aof seq 1 type i\nfile a.2.incr.aof seq 2 type i\n",
        )
        .unwrap();
    storage
}

#[test]
fn a_manifest_with_its_files() {
    let storage = multi_part();
    let (outcome, lines) = check(&storage, "d/a.manifest", FIX, true);
    assert!(outcome.is_ok());
    assert_eq!(
        lines,
        [
            "Start checking Multi Part AOF",
            "Start to check BASE AOF (RESP format).",
            "AOF analyzed: filename=a.1.base.aof, size=50, ok_up_to=50, ok_up_to_line=13, diff=0",
            "BASE AOF a.1.base.aof is valid",
            "Start to check INCR files.",
            "AOF analyzed: filename=a.1.incr.aof, size=50, ok_up_to=50, ok_up_to_line=25, diff=0",
            "INCR AOF a.1.incr.aof is valid",
            "0x              3f: Expected \\r\\n, got: 0000",
            "AOF analyzed: filename=a.2.incr.aof, size=65, ok_up_to=50, ok_up_to_line=40, diff=15",
            "This will shrink the AOF a.2.incr.aof from 65 bytes, with 15 bytes, to 50 bytes",
            "Continue? [y/N]: Successfully truncated AOF a.2.incr.aof",
            "All AOF files and manifest are valid",
        ]
    );
    assert_eq!(contents(&storage, "d/a.2.incr.aof"), ok_bytes());

    let storage = multi_part();
    let (outcome, lines) = check(&storage, "d/a.manifest", FIX, false);
    assert!(outcome.is_err());
    assert_eq!(lines.last().unwrap(), "Continue? [y/N]: Aborting...");

    storage.put("d/a.3.incr.aof", ok_bytes()).unwrap();
    let at = contents(&storage, "d/a.manifest").len();
    storage.overwrite("d/a.manifest", at, b"file a.3.incr.aof seq 3 type i\n").unwrap();
    let (outcome, lines) = check(&storage, "d/a.manifest", FIX, true);
    assert!(outcome.is_err());
    assert_eq!(lines.last().unwrap(), "Failed to truncate AOF a.2.incr.aof because it is not the last file");
}

#[test]
fn a_dry_run_changes_nothing_and_asks_nothing() {
    let storage = multi_part();
    let before = contents(&storage, "d/a.2.incr.aof");
    let options = CheckOptions { dry_run: true, ..CheckOptions::new(FIX) };
    let mut console = Console::default();
    let report = check_log(&storage, Path::new("d/a.manifest"), &options, &RdbEnd(None), &mut console);
    assert_eq!(contents(&storage, "d/a.2.incr.aof"), before);
    assert!(!report.is_valid);
    assert_eq!(report.files[2].verdict, FileVerdict::WouldTruncate);
    assert_eq!((report.files[2].size, report.files[2].ok_up_to), (65, 50));
    assert!(console.lines.iter().any(|line| line.starts_with("This will shrink the AOF a.2.incr.aof")));
    assert_eq!(console.lines.last().unwrap(), "Dry run: nothing was changed.");
    assert!(console.prompted.is_empty());
}

#[test]
fn what_cannot_be_opened_or_read() {
    let storage = multi_part();
    assert_eq!(
        check(&storage, "nofile", CheckAction::Verify, false).1,
        ["Cannot open file nofile: No such file or directory"]
    );
    storage.unlink(Path::new("d/a.1.incr.aof")).unwrap();
    let (_, lines) = check(&storage, "d/a.manifest", CheckAction::Verify, false);
    assert_eq!(
        lines.last().unwrap(),
        "Cannot open file d/a.1.incr.aof: No such file or directory, aborting..."
    );
    storage.put("d/a.manifest", "file x\n").unwrap();
    let (_, lines) = check(&storage, "d/a.manifest", CheckAction::Verify, false);
    assert_eq!(lines.last().unwrap(), "Invalid AOF manifest file format");
}

#[test]
fn cutting_to_a_time() {
    let bytes = [b"#TS:100\r\n".as_slice(), &ok_bytes(), b"#TS:200\r\n", &ok_bytes()].concat();
    for (limit, length, last) in [
        (50, 118, "AOF f has nothing before timestamp 50, aborting..."),
        (150, 59, "Successfully truncated AOF f to timestamp 150"),
        (250, 118, "AOF f is valid"),
    ] {
        let storage = SimulatedStorage::new(1);
        storage.put("f", bytes.clone()).unwrap();
        let (_, lines) = check(&storage, "f", CheckAction::TruncateToTimestamp(limit), false);
        assert_eq!(lines.last().unwrap(), last);
        assert_eq!(contents(&storage, "f").len(), length);
        if limit == 250 {
            assert_eq!(lines[1], "Truncate nothing in AOF f to timestamp 250");
        }
    }
}

#[test]
fn an_rdb_before_the_commands() {
    let storage = SimulatedStorage::new(1);
    storage.put("f", [b"REDIS0011".as_slice(), &ok_bytes()].concat()).unwrap();
    let (outcome, lines) = check(&storage, "f", CheckAction::Verify, false);
    assert!(outcome.is_ok());
    assert_eq!(lines[1..3], ["Checking f", "RDB preamble is OK, proceeding with AOF tail..."]);
    assert_eq!(lines.last().unwrap(), "AOF f is valid");
    let mut console = Console::default();
    let options = CheckOptions::new(CheckAction::Verify);
    assert!(!check_log(&storage, Path::new("f"), &options, &RdbEnd(None), &mut console).is_valid);
    assert_eq!(console.lines.last().unwrap(), "RDB preamble of AOF file is not sane, aborting.");
}

#[test]
fn frames_decide_what_is_cut_and_what_is_not() {
    let storage = SimulatedStorage::new(1);
    let mut driver = Driver::new(start(&storage, &settings(1)).log, 0, Position::ZERO);
    for _ in 0..3 {
        driver.write(1, false, true).unwrap();
        driver.sync().unwrap();
    }
    let end = driver.log.current_file_bytes().unwrap() as usize;
    storage.settle();
    let (outcome, lines) = check(&storage, MANIFEST, CheckAction::Verify, false);
    assert!(outcome.is_ok(), "{lines:?}");
    assert!(
        lines.contains(&format!("AOF appendonly.aof.1.incr.aof frames: {end} bytes verified")),
        "{lines:?}"
    );

    // A sound record without its frame is not part of the log.
    storage.overwrite(INCREMENT, end, &unit(3)).unwrap();
    assert!(check(&storage, MANIFEST, CheckAction::Verify, false).0.is_err());
    let (outcome, lines) = check(&storage, MANIFEST, FIX, true);
    assert!(outcome.is_ok(), "{lines:?}");
    assert_eq!(contents(&storage, INCREMENT).len(), end);

    // Durable data is not cut off for damage before it.
    storage.flip_bits(INCREMENT, 150, 1).unwrap();
    let (outcome, lines) = check(&storage, MANIFEST, FIX, true);
    assert!(outcome.is_err());
    assert!(
        lines.last().unwrap().starts_with("Refusing to truncate AOF appendonly.aof.1.incr.aof"),
        "{lines:?}"
    );
    assert_eq!(contents(&storage, INCREMENT).len(), end);
    assert!(check(&storage, MANIFEST, CheckAction::Fix { even_durable: true }, true).0.is_ok());
    assert!(contents(&storage, INCREMENT).len() < end);
}

/// Behind the end of a line the real tool prints a byte that its buffer happens to hold.
fn without_stale_byte(text: &str) -> String {
    match text.find("got: 00") {
        Some(at) => format!("{}{}", &text[..at + 7], &text[at + 9..]),
        None => text.to_owned(),
    }
}

#[test]
fn the_real_tool_agrees() {
    use std::process::Command;
    if Command::new("redis-check-aof").output().is_err() {
        // Past the harness, which would keep it to itself.
        let _ =
            std::io::Write::write_all(&mut std::io::stderr(), b"SKIPPED: redis-check-aof is not installed\n");
        return;
    }
    let directory = std::env::temp_dir().join(format!("lastsave-check-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let storage = RealStorage::open(&directory).unwrap();
    let whole = [ok_bytes(), record(&[b"MULTI"]), record(&[b"SET", b"k", b"v"]), record(&[b"EXEC"])].concat();
    for cut in 0..whole.len() {
        for (name, bytes) in [
            ("cut", whole[..cut].to_vec()),
            ("flip", {
                let mut bytes = whole.clone();
                bytes[cut] ^= 3;
                bytes
            }),
        ] {
            let lossless = String::from_utf8(bytes.clone()).is_ok() && !bytes.contains(&0);
            std::fs::write(directory.join(name), &bytes).unwrap();
            let theirs = Command::new("redis-check-aof").arg(name).current_dir(&directory).output().unwrap();
            let theirs_text = String::from_utf8_lossy(&theirs.stdout).into_owned();
            let (outcome, lines) = check(&storage, name, CheckAction::Verify, false);
            assert!(lossless);
            let ours_text: String = lines.iter().map(|line| format!("{line}\n")).collect();
            assert_eq!(without_stale_byte(&ours_text), without_stale_byte(&theirs_text), "{name} at {cut}");
            assert_eq!(outcome.is_ok(), theirs.status.success(), "{name} at {cut}");
        }
    }
    std::fs::remove_dir_all(&directory).unwrap();
}
