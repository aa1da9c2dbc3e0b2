//! A real redis-server to compare with: its own process, directory and socket, gone when the value is dropped.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use lastsave_resp::{Reply, decode_reply, encode_command};

/// The version whose replies are compared byte for byte.
const VERSION: &str = "v=7.0.15";

pub(crate) struct Oracle {
    process: Child,
    stream: UnixStream,
    input: Vec<u8>,
    _directory: tempfile::TempDir,
}

impl Drop for Oracle {
    fn drop(&mut self) {
        // By process id, and only the one started here. It may be gone already.
        let _gone = self.process.kill();
        let _reaped = self.process.wait();
    }
}

impl Oracle {
    /// Starts a server, or says loudly that there is none of the version needed.
    pub(crate) fn start() -> Option<Self> {
        let version = Command::new("redis-server").arg("--version").output();
        let version =
            version.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
        if !version.contains(VERSION) {
            eprintln!("\n*** SKIPPED: no redis-server {VERSION} on this machine, nothing was compared ***\n");
            return None;
        }
        let directory = tempfile::tempdir().expect("a temporary directory");
        let socket = directory.path().join("oracle.sock");
        let process = Command::new("redis-server")
            .current_dir(directory.path())
            .args(["--port", "0", "--save", "", "--appendonly", "no", "--rdbcompression", "no"])
            .args(["--enable-debug-command", "yes", "--loglevel", "warning", "--unixsocket"])
            .arg(&socket)
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server starts");
        let deadline = Instant::now() + Duration::from_secs(20);
        let stream = loop {
            match UnixStream::connect(&socket) {
                Ok(stream) => break stream,
                Err(error) if Instant::now() > deadline => panic!("redis-server does not listen: {error}"),
                Err(_) => std::thread::sleep(Duration::from_millis(20)),
            }
        };
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("timeouts can be set");
        let mut oracle = Self { process, stream, input: Vec::new(), _directory: directory };
        assert_eq!(oracle.run(&[b"DEBUG", b"SET-ACTIVE-EXPIRE", b"0"]), b"+OK\r\n");
        Some(oracle)
    }

    /// Runs a command and gives the bytes of its reply.
    pub(crate) fn run(&mut self, args: &[&[u8]]) -> Vec<u8> {
        let mut frame = BytesMut::new();
        encode_command(&mut frame, args);
        self.stream.write_all(&frame).expect("redis-server takes the command");
        let mut chunk = [0; 64 * 1024];
        loop {
            if let Some((_, len)) = decode_reply(&self.input).expect("redis-server replies well-formed") {
                return self.input.drain(..len).collect();
            }
            let count = self.stream.read(&mut chunk).expect("redis-server replies");
            assert!(count > 0, "redis-server closed the connection on {:?}", args.first());
            self.input.extend_from_slice(&chunk[..count]);
        }
    }

    pub(crate) fn run_decoded(&mut self, args: &[&[u8]]) -> Reply {
        let bytes = self.run(args);
        decode(&bytes)
    }
}

pub(crate) fn decode(bytes: &[u8]) -> Reply {
    decode_reply(bytes).expect("a well-formed reply").expect("a whole reply").0
}
