//! The resources of a process, by `/proc`.

use std::time::Duration;

use procfs::process::Process;
use procfs::ticks_per_second;

/// The memory of a process, in bytes.
#[derive(Clone, Copy)]
pub struct Memory {
    /// All resident pages, those of the program itself and of other files among them.
    pub resident: u64,
    /// Pages that belong to no file: heap and stacks.
    pub anonymous: u64,
}

/// Returns the memory of a process.
pub fn memory(pid: u32) -> Memory {
    let status = find(pid).status().expect("the process runs");
    let bytes = |kilobytes: Option<u64>| kilobytes.expect("Linux reports it") * 1024;
    Memory { resident: bytes(status.vmrss), anonymous: bytes(status.rssanon) }
}

/// The resources that a process uses.
#[derive(Clone, Copy)]
pub struct Resources {
    pub memory: Memory,
    /// Open file descriptors, connections among them.
    pub descriptors: u64,
    pub threads: u64,
}

/// Returns what a process uses.
pub fn resources(pid: u32) -> Resources {
    let process = find(pid);
    let descriptors = process.fd_count().expect("the process runs");
    Resources {
        memory: memory(pid),
        descriptors: u64::try_from(descriptors).expect("few"),
        threads: process.status().expect("the process runs").threads,
    }
}

/// Returns the peak of the resident memory of a process so far, in bytes.
pub fn peak(pid: u32) -> u64 {
    find(pid).status().expect("the process runs").vmhwm.expect("Linux reports it") * 1024
}

/// Returns the CPU time that a process has used in user and in kernel mode.
pub fn cpu(pid: u32) -> Duration {
    let stat = find(pid).stat().expect("the process runs");
    Duration::from_secs(1) * u32::try_from(stat.utime + stat.stime).expect("less than a year")
        / u32::try_from(ticks_per_second()).expect("a few hundred")
}

fn find(pid: u32) -> Process {
    Process::new(i32::try_from(pid).expect("a process id")).expect("the process runs")
}
