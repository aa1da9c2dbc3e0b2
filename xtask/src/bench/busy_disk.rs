//! Somebody else who keeps the disk busy: writes a big file and syncs it, again and again.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use anyhow::{Context as _, Result, anyhow};

const FILE_BYTES: usize = 256 << 20;
const WRITE_BYTES: usize = 1 << 20;

/// Writes until it is stopped or dropped; the file is gone then.
pub(super) struct BusyDisk {
    file: PathBuf,
    must_stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Result<u64>>>,
}

impl BusyDisk {
    /// Begins, with a file in this folder.
    pub(super) fn start(folder: &Path) -> Result<Self> {
        let path = folder.join(format!("busy-{}", std::process::id()));
        let mut file = File::create(&path).with_context(|| format!("cannot create {}", path.display()))?;
        let must_stop = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&must_stop);
        let thread = std::thread::spawn(move || write_and_sync(&mut file, &flag));
        Ok(Self { file: path, must_stop, thread: Some(thread) })
    }

    /// Ends it; returns how many bytes it wrote.
    pub(super) fn stop(mut self) -> Result<u64> {
        self.must_stop.store(true, Ordering::Relaxed);
        let Some(thread) = self.thread.take() else { return Ok(0) };
        thread.join().map_err(|_| anyhow!("the thread that keeps the disk busy panicked"))?
    }
}

impl Drop for BusyDisk {
    fn drop(&mut self) {
        self.must_stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
        // What is left behind is in the target directory.
        let _ = std::fs::remove_file(&self.file);
    }
}

/// Begins with an empty file each time, so that the file system's own books are written too.
fn write_and_sync(file: &mut File, must_stop: &AtomicBool) -> Result<u64> {
    // Zeros could be left out by a disk that looks at what it gets.
    let block: Vec<u8> = (0..WRITE_BYTES).map(|at| (at ^ (at >> 8)) as u8).collect();
    let mut written = 0;
    while !must_stop.load(Ordering::Relaxed) {
        std::io::Seek::rewind(file)?;
        file.set_len(0)?;
        for _ in 0..FILE_BYTES / WRITE_BYTES {
            if must_stop.load(Ordering::Relaxed) {
                break;
            }
            file.write_all(&block)?;
            written += WRITE_BYTES as u64;
        }
        file.sync_all()?;
    }
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_writes_until_it_is_stopped_and_leaves_nothing() {
        let folder = std::env::temp_dir().join(format!("lastsave-busy-disk-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let busy = BusyDisk::start(&folder).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(50));
        assert!(busy.stop().unwrap() >= WRITE_BYTES as u64);
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
        std::fs::remove_dir(&folder).unwrap();
    }
}
