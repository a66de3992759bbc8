//! On what it was measured.

use std::{fs, path::Path, thread};

use serde::Serialize;

/// The machine, its system and this program.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    /// Cores that this process may use.
    pub cores: usize,
    /// The processor's name.
    pub cpu: String,
    /// Memory in MiB.
    pub memory_mib: u64,
    /// The distribution and the kernel.
    pub system: String,
    /// The file system of the folder for SQLite.
    pub file_system: String,
    /// This program's version.
    pub vidne: String,
    /// Whether it is a release build: the figures of any other tell nothing.
    pub release: bool,
}

impl Machine {
    /// This one. What the system does not tell is empty.
    pub fn this(folder: &Path) -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let memory = value(&read("/proc/meminfo"), "MemTotal", ':');
        let memory_kib: u64 = memory.split(' ').next().and_then(|text| text.parse().ok()).unwrap_or(0);
        let name = value(&read("/etc/os-release"), "PRETTY_NAME", '=');
        let kernel = read("/proc/sys/kernel/osrelease");
        Self {
            cores: thread::available_parallelism().map_or(0, usize::from),
            cpu: value(&read("/proc/cpuinfo"), "model name", ':'),
            memory_mib: memory_kib / 1024,
            system: format!("{name}, Linux {}", kernel.trim()),
            file_system: file_system(&read("/proc/self/mounts"), folder),
            vidne: env!("CARGO_PKG_VERSION").to_owned(),
            release: !cfg!(debug_assertions),
        }
    }
}

/// The value of the first line with this name, without quotes.
fn value(text: &str, name: &str, separator: char) -> String {
    let pairs = text.lines().filter_map(|line| line.split_once(separator));
    let found = pairs.into_iter().find(|(key, _)| key.trim() == name);
    found.map(|(_, value)| value.trim().trim_matches('"').to_owned()).unwrap_or_default()
}

/// The type of the deepest mount that holds the folder.
fn file_system(mounts: &str, folder: &Path) -> String {
    let folder = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    let mounts = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ').skip(1);
        Some((words.next()?, words.next()?))
    });
    let holding = mounts.filter(|(at, _)| folder.starts_with(at));
    holding.max_by_key(|(at, _)| at.len()).map(|(_, kind)| kind.to_owned()).unwrap_or_default()
}

/// The memory of a process that is resident, in MiB.
#[derive(Clone, Copy, Debug)]
pub(super) struct Memory {
    /// Right now.
    pub(super) resident: u64,
    /// The most there has been so far.
    pub(super) peak: u64,
}

/// The memory of a process; `None` if it is gone, or if the system does not tell.
pub(super) fn memory_mib(process: u32) -> Option<Memory> {
    let [resident, peak] = memory_kib(process)?;
    Some(Memory { resident: resident / 1024, peak: peak / 1024 })
}

/// The memory of a process that is resident right now, in KiB.
pub(super) fn resident_kib(process: u32) -> Option<u64> {
    memory_kib(process).map(|[resident, _]| resident)
}

/// Right now, and the most there has been.
fn memory_kib(process: u32) -> Option<[u64; 2]> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let kib = |name: &str| value(&status, name, ':').split(' ').next()?.parse().ok();
    Some([kib("VmRSS")?, kib("VmHWM")?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_the_system_writes_them() {
        let info = "processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\nmodel name\t: another\n";
        assert_eq!(value(info, "model name", ':'), "Some CPU @ 2 GHz");
        assert_eq!(value("PRETTY_NAME=\"A B\"\n", "PRETTY_NAME", '='), "A B");
        let mounts = "overlay / overlay rw 0 0\ntmpfs /no tmpfs rw 0 0\next4 /no/where ext4 rw 0 0\n";
        assert_eq!(file_system(mounts, Path::new("/no/where/below")), "ext4".to_owned());
        assert_eq!(file_system(mounts, Path::new("/nowhere")), "overlay".to_owned());
    }
}
