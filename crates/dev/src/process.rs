//! What a process has cost, as the kernel counts it.

use std::time::Duration;

/// Clock ticks per second in `/proc`; fixed by Linux's interface to programs.
const TICKS: u64 = 100;

/// CPU time that a process has used so far, in user and kernel mode.
///
/// # Errors
/// If there is no such process.
pub fn cpu_time(pid: u32) -> anyhow::Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fields = stat.rsplit_once(')').map(|(_, rest)| rest.split_whitespace().collect::<Vec<_>>()).unwrap_or_default();
    // Fields 14 and 15 of proc(5); the list here begins with field 3.
    let ticks = |index: usize| fields.get(index).and_then(|text| text.parse::<u64>().ok());
    let ticks = ticks(11).zip(ticks(12)).map(|(user, system)| user + system);
    let ticks = ticks.ok_or_else(|| anyhow::anyhow!("/proc/{pid}/stat is not understood"))?;
    Ok(Duration::from_millis(ticks * 1000 / TICKS))
}

/// Most memory that a process has had resident, in bytes.
///
/// # Errors
/// If there is no such process.
pub fn peak_memory(pid: u32) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|text| text.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kilobytes.map(|kilobytes| kilobytes * 1024).ok_or_else(|| anyhow::anyhow!("/proc/{pid}/status is not understood"))
}
