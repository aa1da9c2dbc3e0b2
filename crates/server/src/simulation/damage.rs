//! Damage to durable bytes, which a server must notice: it may refuse to start, but never take the data for sound. And
//! what another server appends, which it must take.

use std::path::{Path, PathBuf};

use lastsave_storage::Storage as _;
use lastsave_storage::sim::SimulatedStorage;

use super::backups::BACKUPS;
use super::campaign::Run;
use super::model::FOREIGN_KEY;

/// Who damages, or looks, in the counts of call sites. None of them counts as one of the server.
pub(super) const DAMAGE: &str = "damage";

/// What was done to a log.
pub(super) struct Damage {
    /// For people.
    pub(super) what: String,
    /// Nothing was damaged: a Redis has written a key.
    pub(super) is_an_append: bool,
}

impl Run {
    /// Damages the log: a file that can tell (an RDB, or an increment with frames), a file that cannot but in a way that
    /// shows, or its names. Or appends to it.
    pub(super) fn damage(&mut self, disk: &SimulatedStorage) -> Option<Damage> {
        disk.set_caller(DAMAGE);
        let files = files_of_log(disk);
        let can_tell = !self.unframed && files.iter().all(|(path, _)| can_tell(disk, path));
        let what = match self.random.index(8) {
            0 if can_tell => return append_like_redis(disk, &files),
            1 | 2 if !can_tell => self.damage_loose(disk, &files)?,
            3 if !can_tell => {
                // Bytes of a file with frames; where such a file ends, one without does not say.
                let framed: Vec<_> =
                    files.into_iter().filter(|(path, _)| has_head(disk, path, b"#LASTSAVE")).collect();
                let (path, bytes) = self.pick_file(&framed)?;
                self.change_bytes(disk, &path, bytes)?
            }
            _ if !can_tell => return None,
            1 => self.lose_name(disk, &files)?,
            _ => self.damage_bytes(disk, &files)?,
        };
        Some(Damage { what, is_an_append: false })
    }

    fn damage_bytes(&mut self, disk: &SimulatedStorage, files: &[(PathBuf, u64)]) -> Option<String> {
        let (path, bytes) = self.pick_file(files)?;
        let what = match self.random.index(9) {
            0..=6 => return self.change_bytes(disk, &path, bytes),
            7 => {
                let mut noise = vec![b'#'; self.random.pick(1..200) as usize];
                self.random.fill(&mut noise);
                disk.overwrite(&path, bytes as usize, &noise).ok()?;
                format!("{} bytes added", noise.len())
            }
            _ => {
                // An empty base counts as one of commands, as in Redis.
                let offset = self.random.pick(0..bytes).max(1).min(bytes - 1);
                disk.cut(&path, offset as usize).ok()?;
                format!("cut to {offset} bytes")
            }
        };
        Some(format!("damage to {}: {what}", path.display()))
    }

    fn change_bytes(&mut self, disk: &SimulatedStorage, path: &Path, bytes: u64) -> Option<String> {
        let offset = self.random.pick(0..bytes).max(1).min(bytes - 1);
        if self.random.chance(1, 2) {
            let mask = 1 << self.random.index(8);
            disk.flip_bits(path, offset, mask).ok()?;
            return Some(format!("damage to {}: the bits {mask:#x} inverted at {offset}", path.display()));
        }
        let length = self.random.pick(1..600).min(bytes - offset) as usize;
        let mut noise = vec![0; length];
        if self.random.chance(1, 2) {
            self.random.fill(&mut noise);
        }
        disk.overwrite(path, offset as usize, &noise).ok()?;
        Some(format!("damage to {}: {length} bytes overwritten at {offset}", path.display()))
    }

    fn lose_name(&mut self, disk: &SimulatedStorage, files: &[(PathBuf, u64)]) -> Option<String> {
        let (path, _) = self.pick_file(files)?;
        let names = disk.files();
        let manifest = names.keys().find(|path| path.ends_with("appendonly.aof.manifest")).cloned();
        let lost = manifest.filter(|_| self.random.chance(1, 2)).unwrap_or(path);
        disk.unlink(&lost).ok()?;
        disk.settle();
        Some(format!("the loss of {}", lost.display()))
    }

    /// Damage that shows by Redis' rules as well: an end in the middle of a record, or noise behind the last one.
    fn damage_loose(&mut self, disk: &SimulatedStorage, files: &[(PathBuf, u64)]) -> Option<String> {
        let loose: Vec<_> = files.iter().filter(|(path, _)| !can_tell(disk, path)).cloned().collect();
        let (path, bytes) = self.pick_file(&loose)?;
        if self.random.chance(1, 2) {
            // No record begins with this, and none goes on with it.
            let noise = vec![0xee; self.random.pick(1..200) as usize];
            if !ends_with_a_record(&disk.contents(&path)?) {
                return None;
            }
            disk.overwrite(&path, bytes as usize, &noise).ok()?;
            return Some(format!("{} bytes of noise added to {}", noise.len(), path.display()));
        }
        let content = disk.contents(&path)?;
        let end = self.random.pick(1..bytes) as usize;
        // A file that ends with a line may end with a record.
        let cut = (1..end).rev().find(|&end| content[end - 1] != b'\n')?;
        disk.cut(&path, cut).ok()?;
        Some(format!("{} cut to {cut} bytes", path.display()))
    }

    fn pick_file(&mut self, files: &[(PathBuf, u64)]) -> Option<(PathBuf, u64)> {
        let files: Vec<&(PathBuf, u64)> = files.iter().filter(|(_, bytes)| *bytes > 1).collect();
        (!files.is_empty()).then(|| files[self.random.index(files.len())].clone())
    }
}

/// A Redis was started on the directory, loaded it, and wrote a key before it was ended.
fn append_like_redis(disk: &SimulatedStorage, files: &[(PathBuf, u64)]) -> Option<Damage> {
    let (path, bytes) = files.iter().rfind(|(path, _)| path.to_string_lossy().ends_with(".incr.aof"))?;
    let mut records = b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n".to_vec();
    records.extend_from_slice(format!("${}\r\n", FOREIGN_KEY.len()).as_bytes());
    records.extend_from_slice(FOREIGN_KEY);
    records.extend_from_slice(b"\r\n$1\r\n1\r\n");
    disk.overwrite(path, *bytes as usize, &records).ok()?;
    Some(Damage { what: format!("a key that Redis appended to {}", path.display()), is_an_append: true })
}

/// Whether damage to a file shows.
fn can_tell(disk: &SimulatedStorage, path: &Path) -> bool {
    has_head(disk, path, b"#LASTSAVE") || has_head(disk, path, b"REDIS")
}

fn has_head(disk: &SimulatedStorage, path: &Path, head: &[u8]) -> bool {
    disk.contents(path).is_some_and(|bytes| bytes.starts_with(head))
}

/// Bases and increments with their lengths, in the order of their names.
fn files_of_log(disk: &SimulatedStorage) -> Vec<(PathBuf, u64)> {
    let is_of_log = |path: &Path| {
        let name = path.to_string_lossy();
        // A backup is not what is read.
        !path.starts_with(BACKUPS) && (name.ends_with(".base.rdb") || name.ends_with(".incr.aof"))
    };
    disk.files().into_iter().filter(|(path, _)| is_of_log(path)).collect()
}

/// Whether a file of records without frames, which may be torn, ends with a whole record.
fn ends_with_a_record(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    let mut arguments_left = 0;
    while !rest.is_empty() {
        let Some(end) = rest.windows(2).position(|pair| pair == b"\r\n") else { return false };
        let (line, behind) = (&rest[..end], &rest[end + 2..]);
        let number = || std::str::from_utf8(line.get(1..)?).ok()?.parse::<usize>().ok();
        rest = match line.first() {
            Some(b'#') if arguments_left == 0 => behind,
            Some(b'*') if arguments_left == 0 => {
                let Some(count) = number() else { return false };
                arguments_left = count;
                behind
            }
            Some(b'$') if arguments_left > 0 => {
                let Some(behind) = number().and_then(|length| behind.get(length + 2..)) else { return false };
                arguments_left -= 1;
                behind
            }
            _ => return false,
        };
    }
    arguments_left == 0
}

#[cfg(test)]
mod tests {
    use super::ends_with_a_record;

    #[test]
    fn only_whole_records_are_taken_for_whole() {
        let record = b"#TS:1\r\n*2\r\n$3\r\nGET\r\n$4\r\n\r\n$1\r\n";
        assert!(ends_with_a_record(b""));
        assert!(ends_with_a_record(record));
        for end in 8..record.len() {
            assert!(!ends_with_a_record(&record[..end]), "{end}");
        }
    }
}
