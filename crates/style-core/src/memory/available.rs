//! What the system says about memory: how much it could still give to this process, and how much it gave.

use std::fs::read_to_string;
use std::path::{Path, PathBuf};

/// Memory in bytes that this process could still take: what the machine has left, swap included, within the limits of
/// the control groups that the process is in (a container's, a batch system's) and its own on addresses and data.
/// `None` where the system says nothing of it, which is everywhere but on Linux.
///
/// Files that the system keeps in memory only as long as nobody needs the room do not count as taken. The system's own
/// estimate leaves out what ZFS would give back: where ZFS is there, only the limits count.
#[must_use]
pub fn available_memory() -> Option<usize> {
    let status = read_to_string("/proc/self/status").ok();
    let meminfo = read_to_string("/proc/meminfo").ok();
    let free_swap = meminfo.as_deref().and_then(|text| kibibytes(text, "SwapFree")).unwrap_or(0);
    let has_zfs = Path::new("/proc/spl/kstat/zfs").exists();
    let machine = meminfo.filter(|_| !has_zfs).and_then(|text| left_on_machine(&text));
    let own = read_to_string("/proc/self/limits").ok().zip(status);
    let own = own.and_then(|(limits, status)| left_of_own_limits(&limits, &status));
    let groups = read_to_string("/proc/self/cgroup").ok();
    let groups = groups.and_then(|groups| left_in_groups(&groups, Path::new("/sys/fs/cgroup"), free_swap));
    [machine, own, groups].into_iter().flatten().min()
}

/// Most memory that this process has had so far, bytes; `None` where the system does not say it, which is everywhere but
/// on Linux.
#[must_use]
pub fn peak_memory() -> Option<u64> {
    let status = read_to_string("/proc/self/status").ok()?;
    kibibytes(&status, "VmHWM").map(|bytes| bytes as u64)
}

/// Memory that this process has now, bytes; `None` where the system does not say it, which is everywhere but on Linux.
#[must_use]
pub fn resident_memory() -> Option<u64> {
    let status = read_to_string("/proc/self/status").ok()?;
    kibibytes(&status, "VmRSS").map(|bytes| bytes as u64)
}

/// The line `key:   12 kB`, in bytes.
fn kibibytes(text: &str, key: &str) -> Option<usize> {
    let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
    line.trim().strip_suffix("kB")?.trim().parse::<usize>().ok()?.checked_mul(1024)
}

fn left_on_machine(meminfo: &str) -> Option<usize> {
    kibibytes(meminfo, "MemAvailable")?.checked_add(kibibytes(meminfo, "SwapFree").unwrap_or(0))
}

/// What is left of the limits that `ulimit -v` and `ulimit -d` set.
fn left_of_own_limits(limits: &str, status: &str) -> Option<usize> {
    let soft = |name: &str| {
        let line = limits.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<usize>().ok()
    };
    let left = |name, taken| Some(soft(name)?.saturating_sub(kibibytes(status, taken)?));
    [left("Max address space", "VmSize"), left("Max data size", "VmData")].into_iter().flatten().min()
}

/// What is left in the control groups of `/proc/self/cgroup` and in all above them.
///
/// A container often sees its own groups at the root while the file names their path outside: folders that are not
/// there say nothing.
fn left_in_groups(groups: &str, root: &Path, free_swap: usize) -> Option<usize> {
    let paths = groups.lines().filter_map(|line| {
        let mut parts = line.splitn(3, ':');
        let (_, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
        let path = path.trim_start_matches('/');
        match controllers {
            "" => Some((root.to_owned(), path.to_owned(), true)),
            _ if controllers.split(',').any(|name| name == "memory") => {
                Some((root.join("memory"), path.to_owned(), false))
            }
            _ => None,
        }
    });
    let left = paths.flat_map(|(mount, path, is_unified)| {
        let folder = mount.join(path);
        let within: Vec<PathBuf> =
            folder.ancestors().take_while(|at| at.starts_with(&mount)).map(Path::to_owned).collect();
        within.into_iter().filter_map(move |at| {
            if is_unified { left_in_group(&at, free_swap) } else { left_in_old_group(&at) }
        })
    });
    left.min()
}

/// In a group of version 2.
fn left_in_group(folder: &Path, free_swap: usize) -> Option<usize> {
    // "max" is no number, and no limit.
    let limit = number(folder, "memory.max")?;
    let left = left_below(limit, number(folder, "memory.current")?, folder, ["inactive_file", "active_file"]);
    let swap = match (number(folder, "memory.swap.max"), number(folder, "memory.swap.current")) {
        (Some(limit), Some(taken)) => limit.saturating_sub(taken).min(free_swap),
        _ => free_swap,
    };
    Some(left.saturating_add(swap))
}

/// In a group of version 1, whose swap is left alone.
fn left_in_old_group(folder: &Path) -> Option<usize> {
    let limit = number(folder, "memory.limit_in_bytes")?;
    let taken = number(folder, "memory.usage_in_bytes")?;
    Some(left_below(limit, taken, folder, ["total_inactive_file", "total_active_file"]))
}

/// What is left below a limit, when the kept files go.
fn left_below(limit: usize, taken: usize, folder: &Path, files: [&str; 2]) -> usize {
    let stat = read_to_string(folder.join("memory.stat")).unwrap_or_default();
    let of = |name: &str| -> usize {
        let value = stat.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.and_then(|value| value.trim().parse().ok()).unwrap_or(0)
    };
    limit.saturating_sub(taken.saturating_sub(files.into_iter().map(of).sum()))
}

fn number(folder: &Path, file: &str) -> Option<usize> {
    read_to_string(folder.join(file)).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use std::fs::{create_dir_all, write};

    use super::*;

    /// A folder of files that goes when it is dropped.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str, files: &[(&str, &str)]) -> Self {
            let root = std::env::temp_dir().join(format!("style-core-{name}-{}", std::process::id()));
            for (path, text) in files {
                let path = root.join(path);
                create_dir_all(path.parent().unwrap()).unwrap();
                write(path, text).unwrap();
            }
            Self(root)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn the_machine_has_left_what_linux_calls_available_and_the_free_swap() {
        let meminfo = "MemTotal:       16 kB\nMemFree: 1 kB\nMemAvailable:    8 kB\nSwapFree:        2 kB\n";
        assert_eq!(left_on_machine(meminfo), Some(10 * 1024));
        assert_eq!(left_on_machine("MemAvailable:    8 kB\n"), Some(8 * 1024));
        assert_eq!(left_on_machine("MemTotal:       16 kB\n"), None);
        assert_eq!(left_on_machine(&format!("MemAvailable: {} kB\n", usize::MAX)), None);
    }

    #[test]
    fn a_process_has_left_what_it_may_address_beyond_what_it_has() {
        let limits = "Limit                     Soft Limit           Hard Limit           Units     \n\
                      Max data size             unlimited            unlimited            bytes     \n\
                      Max address space         1048576              unlimited            bytes     \n";
        let status = "VmPeak:\t    2000 kB\nVmSize:\t    1000 kB\nVmData:\t     100 kB\n";
        assert_eq!(left_of_own_limits(limits, status), Some(24 * 1024));
        let both = limits.replacen("unlimited", "102401", 1);
        assert_eq!(left_of_own_limits(&both, status), Some(1));
        assert_eq!(left_of_own_limits(&limits.replace("1048576", "4096"), status), Some(0));
        assert_eq!(left_of_own_limits(&limits.replace("1048576", "unlimited"), status), None);
    }

    #[test]
    fn the_tightest_of_all_groups_above_decides() {
        let folder = Folder::new(
            "groups",
            &[
                ("a/b/memory.max", "max\n"),
                ("a/b/memory.current", "5\n"),
                ("a/memory.max", "1000\n"),
                ("a/memory.current", "900\n"),
                ("a/memory.stat", "anon 1\ninactive_file 300\nactive_file 20\nfile 9999\n"),
            ],
        );
        let left = |groups, swap| left_in_groups(groups, &folder.0, swap);
        assert_eq!(left("1:name=systemd:/x\n0::/a/b\n", 0), Some(1000 - (900 - 320)));
        assert_eq!(left("0::/a/b\n", 50), Some(420 + 50), "its swap has no limit");
        assert_eq!(left("0::/not/there\n", 0), None, "nor has a group that is not there");
        write(folder.0.join("a/memory.swap.max"), "30").unwrap();
        write(folder.0.join("a/memory.swap.current"), "10").unwrap();
        assert_eq!(left("0::/a/b\n", 50), Some(420 + 20));
        // The path as it is outside of a container, whose own group is the root that it sees.
        write(folder.0.join("memory.max"), "64").unwrap();
        write(folder.0.join("memory.current"), "60").unwrap();
        assert_eq!(left("0::/docker/0123\n", 0), Some(4));
        assert_eq!(left("0::/\n", 0), Some(4));
    }

    #[test]
    fn groups_of_version_1_have_names_of_their_own() {
        let folder = Folder::new(
            "old-groups",
            &[
                ("memory/job/memory.limit_in_bytes", "1000\n"),
                ("memory/job/memory.usage_in_bytes", "700\n"),
                ("memory/job/memory.stat", "inactive_file 1\ntotal_inactive_file 100\n"),
                ("memory/memory.limit_in_bytes", "9223372036854771712\n"),
                ("memory/memory.usage_in_bytes", "800\n"),
            ],
        );
        let left = |groups| left_in_groups(groups, &folder.0, 1 << 30);
        assert_eq!(left("4:cpu,memory:/job\n0::/\n"), Some(400));
        assert_eq!(left("4:memory:/job/unseen\n"), Some(400));
        assert_eq!(left("4:cpu:/job\n"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_machine_answers() {
        assert!(available_memory().is_some_and(|bytes| bytes > 1 << 20));
        assert!(peak_memory().is_some_and(|bytes| bytes > 1 << 20));
        assert!(resident_memory().zip(peak_memory()).is_some_and(|(now, most)| now > 1 << 20 && now <= most));
    }
}
