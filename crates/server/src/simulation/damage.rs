//! Damage to durable bytes, which a server must notice: it may refuse to start, but never take the data for sound.

use std::path::PathBuf;

use lastsave_storage::Storage as _;
use lastsave_storage::sim::SimulatedStorage;

use super::campaign::Run;

impl Run {
    /// Damages the log: a file that can tell (an RDB, or an increment with frames), or its names. Gives what was done.
    pub(super) fn damage(&mut self, disk: &SimulatedStorage) -> Option<String> {
        if self.unframed {
            return None;
        }
        let (path, bytes) = self.pick_file(disk)?;
        // An empty base counts as one of commands, as in Redis.
        let offset = self.random.pick(0..bytes).max(1).min(bytes - 1);
        let what = match self.random.index(10) {
            0..=3 => {
                let mask = 1 << self.random.index(8);
                disk.flip_bits(&path, offset, mask).ok()?;
                format!("the bits {mask:#x} inverted at {offset}")
            }
            4..=6 => {
                let length = self.random.pick(1..600).min(bytes - offset) as usize;
                let mut noise = vec![0; length];
                if self.random.chance(1, 2) {
                    self.random.fill(&mut noise);
                }
                disk.overwrite(&path, offset as usize, &noise).ok()?;
                format!("{length} bytes overwritten at {offset}")
            }
            7 => {
                let mut noise = vec![b'#'; self.random.pick(1..200) as usize];
                self.random.fill(&mut noise);
                disk.overwrite(&path, bytes as usize, &noise).ok()?;
                format!("{} bytes added", noise.len())
            }
            8 => {
                disk.cut(&path, offset as usize).ok()?;
                format!("cut to {offset} bytes")
            }
            _ => {
                let names = disk.files();
                let manifest = names.keys().find(|path| path.ends_with("appendonly.aof.manifest")).cloned();
                let lost = manifest.filter(|_| self.random.chance(1, 2)).unwrap_or(path);
                disk.unlink(&lost).ok()?;
                disk.settle();
                return Some(format!("the loss of {}", lost.display()));
            }
        };
        Some(format!("damage to {}: {what}", path.display()))
    }

    /// A file of the log that can be damaged noticeably, and its length.
    fn pick_file(&mut self, disk: &SimulatedStorage) -> Option<(PathBuf, u64)> {
        let can_tell = |path: &PathBuf| {
            let head = disk.contents(path).unwrap_or_default();
            head.starts_with(b"#LASTSAVE") || head.starts_with(b"REDIS")
        };
        let is_of_log = |path: &PathBuf| {
            let name = path.to_string_lossy();
            name.ends_with(".base.rdb") || name.ends_with(".incr.aof")
        };
        let mut files: Vec<(PathBuf, u64)> = disk.files().into_iter().collect();
        files.retain(|(path, _)| is_of_log(path));
        // An increment without frames says nothing about where the one before it ends.
        let all_can_tell = files.iter().all(|(path, _)| can_tell(path));
        if files.is_empty() || !all_can_tell {
            return None;
        }
        Some(files.swap_remove(self.random.index(files.len())))
    }
}
