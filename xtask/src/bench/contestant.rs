//! The programs under measurement, and the machine.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::shell::Tool;
use crate::workspace;

/// A server program.
pub(super) struct Contestant {
    pub(super) name: String,
    pub(super) program: PathBuf,
}

impl Contestant {
    /// Ours: `program`, or else built in the release profile.
    pub(super) fn ours(program: Option<&Path>) -> Result<Self> {
        let program = match program {
            Some(program) => located(program)?,
            None => {
                Tool::cargo().args(["build", "--release", "--package", "lastsave"]).run()?;
                workspace::target_directory().join("release").join("lastsave-server")
            }
        };
        Ok(Self { name: "lastsave".to_owned(), program })
    }

    /// Another one, named after its file; a name that is taken gets a number.
    pub(super) fn other(program: &Path, taken: &[Self]) -> Result<Self> {
        let located = located(program)?;
        let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let same = taken.iter().filter(|known| known.name.split('#').next() == Some(&name)).count();
        let name = if same == 0 { name } else { format!("{name}#{}", same + 1) };
        Ok(Self { name, program: located })
    }

    pub(super) fn version(&self) -> Result<String> {
        Ok(Tool::new(&self.program).arg("--version").output()?.trim().to_owned())
    }
}

/// A path as it is; a bare name as `PATH` has it.
fn located(program: &Path) -> Result<PathBuf> {
    let is_bare = program.components().count() == 1;
    let found = if is_bare {
        program.to_str().and_then(workspace::find_program)
    } else {
        std::path::absolute(program).ok().filter(|program| program.is_file())
    };
    found.with_context(|| format!("there is no program {}", program.display()))
}

/// Names and values about the machine.
pub(super) fn machine(directory: &Path) -> Vec<(String, String)> {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpu = read("/proc/cpuinfo");
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let memory = read("/proc/meminfo");
    let memory = memory.lines().find_map(|line| line.strip_prefix("MemTotal:")).unwrap_or_default();
    let pair = |name: &str, value: &str| (name.to_owned(), value.trim().to_owned());
    vec![
        pair("processor", &format!("{}, {cores} cores", model.map_or("unknown", |(_, model)| model))),
        pair("memory", memory),
        pair("kernel", &read("/proc/sys/kernel/osrelease")),
        pair("file system", &file_system(directory)),
        pair("load average at the start", &load_average()),
    ]
}

/// What the machine had to do in the last minute, five and fifteen.
pub(super) fn load_average() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

fn file_system(directory: &Path) -> String {
    let kind = Tool::new("stat").args(["--file-system", "--format=%T"]).arg(directory).output();
    kind.map_or_else(|_| "unknown".to_owned(), |kind| kind.trim().to_owned())
}

/// Numbers of a log on a file system in memory say nothing about disks.
pub(super) fn warn_about_memory_file_system(directory: &Path) {
    if matches!(file_system(directory).as_str(), "tmpfs" | "ramfs") {
        println!("warning: {} is in memory; syncs cost nothing there (--directory)", directory.display());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_different() {
        let mut all = vec![Contestant { name: "lastsave".to_owned(), program: PathBuf::new() }];
        for _ in 0..3 {
            let next = Contestant::other(Path::new("sh"), &all).unwrap();
            all.push(next);
        }
        let names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["lastsave", "sh", "sh#2", "sh#3"]);
        assert!(Contestant::other(Path::new("./nowhere/there"), &all).is_err());
    }
}
