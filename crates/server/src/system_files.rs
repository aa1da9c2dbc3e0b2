//! Small files by which the system describes itself and this process.
//!
//! They are not part of the data, so they do not go through the storage seam.

/// Files longer than this are not what is expected here.
const FILE_BYTES_MAX: usize = 1 << 20;

/// The contents of a small file; `None` when it cannot be read or is not small.
pub(crate) fn read(path: &str) -> Option<Vec<u8>> {
    use rustix::fs::{Mode, OFlags};
    let file = rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()?;
    let mut bytes = Vec::with_capacity(8192);
    while bytes.len() < FILE_BYTES_MAX {
        bytes.reserve(4096);
        match rustix::io::read(&file, rustix::buffer::spare_capacity(&mut bytes)) {
            Ok(0) => return Some(bytes),
            Ok(_) => {}
            Err(_) => return None,
        }
    }
    None
}

/// The contents as text without the line end; empty when there are none.
pub(crate) fn read_line(path: &str) -> String {
    let bytes = read(path).unwrap_or_default();
    String::from_utf8_lossy(&bytes).trim_end().to_owned()
}

/// Resident bytes of this process.
pub(crate) fn resident_bytes() -> u64 {
    let pages = read_line("/proc/self/statm").split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or(0) * rustix::param::page_size() as u64
}

/// Bytes of memory of this machine.
pub(crate) fn total_memory_bytes() -> u64 {
    let text = read_line("/proc/meminfo");
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kibibytes.unwrap_or(0) * 1024
}

/// Seconds of CPU time spent in the system and in the program, by the process (`self`) or its thread of that id.
pub(crate) fn cpu_seconds(thread: Option<u32>) -> (f64, f64) {
    let path = thread.map_or_else(|| "/proc/self/stat".to_owned(), |id| format!("/proc/self/task/{id}/stat"));
    let text = read_line(&path);
    // The name in parentheses may contain blanks; the numbers come behind the last parenthesis.
    let numbers: Vec<&str> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let seconds = |index: usize| {
        let ticks = numbers.get(index).and_then(|ticks| ticks.parse::<f64>().ok()).unwrap_or(0.0);
        ticks / rustix::param::clock_ticks_per_second() as f64
    };
    (seconds(12), seconds(11))
}

/// One line for each thread of this process: name, state in the kernel's letters, and CPU seconds used.
pub(crate) fn thread_lines() -> Vec<String> {
    use rustix::fs::{Dir, Mode, OFlags};
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let Ok(directory) = rustix::fs::open("/proc/self/task", flags, Mode::empty()) else { return Vec::new() };
    let Ok(entries) = Dir::read_from(&directory) else { return Vec::new() };
    let ids = entries.flatten().filter_map(|entry| entry.file_name().to_str().ok()?.parse::<u32>().ok());
    ids.map(|id| {
        let name = read_line(&format!("/proc/self/task/{id}/comm"));
        let stat = read_line(&format!("/proc/self/task/{id}/stat"));
        let state = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().next()).unwrap_or("?");
        let (system, user) = cpu_seconds(Some(id));
        format!("{id} {name}: state {state}, {:.2} s of CPU", system + user)
    })
    .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn threads_are_told_by_name() {
        let (told, tell) = std::sync::mpsc::channel::<()>();
        let (running, runs) = std::sync::mpsc::channel();
        let body = move || running.send(()).and(tell.recv().map_err(|_| std::sync::mpsc::SendError(())));
        let thread = std::thread::Builder::new().name("counted".to_owned()).spawn(body).unwrap();
        runs.recv().unwrap();
        let lines = super::thread_lines();
        assert!(lines.iter().any(|line| line.contains(" counted: state ")), "{lines:?}");
        drop(told);
        assert!(thread.join().unwrap().is_err());
    }

    #[test]
    fn this_process_uses_memory_and_time() {
        assert!(super::resident_bytes() > 100 * 1024);
        assert!(super::total_memory_bytes() > super::resident_bytes());
        let (system, user) = super::cpu_seconds(None);
        assert!(system >= 0.0 && user >= 0.0);
    }
}
