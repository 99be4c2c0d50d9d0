//! What is of no use without this process, and goes when a signal ends it.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

static SCRAPS: Mutex<Vec<Arc<Kind>>> = Mutex::new(Vec::new());

#[derive(Debug)]
#[cfg_attr(not(unix), allow(dead_code))] // nobody listens to signals there
enum Kind {
    File(PathBuf),
    Folder(PathBuf),
    /// Files on their way to names that begin with this path.
    Unfinished(PathBuf),
    Process(Mutex<Child>),
}

fn scraps() -> MutexGuard<'static, Vec<Arc<Kind>>> {
    SCRAPS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Something that is to go when a signal ends the program, as long as this lives.
#[derive(Debug)]
pub(crate) struct Scrap(Arc<Kind>);

impl Scrap {
    /// A file, which may not be there yet.
    pub(crate) fn file(path: impl Into<PathBuf>) -> Self {
        Self::of(Kind::File(path.into()))
    }

    /// A folder with all that is in it.
    pub(crate) fn folder(path: impl Into<PathBuf>) -> Self {
        Self::of(Kind::Folder(path.into()))
    }

    /// What this process writes before it gets its name, which begins with `path`: `path.png` and `path.report.html` of
    /// `path`.
    pub(crate) fn unfinished(path: impl Into<PathBuf>) -> Self {
        Self::of(Kind::Unfinished(path.into()))
    }

    fn of(kind: Kind) -> Self {
        let kind = Arc::new(kind);
        scraps().push(Arc::clone(&kind));
        Self(kind)
    }
}

impl Drop for Scrap {
    fn drop(&mut self) {
        scraps().retain(|kind| !Arc::ptr_eq(kind, &self.0));
    }
}

/// How often a process is asked whether it has ended.
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// Runs a command to its end; a signal that ends this program ends it too.
pub(crate) fn status_of(command: &mut Command) -> io::Result<ExitStatus> {
    let process = {
        // Held, so that no process is begun that nobody would end.
        let mut scraps = scraps();
        let kind = Arc::new(Kind::Process(Mutex::new(command.spawn()?)));
        scraps.push(Arc::clone(&kind));
        Scrap(kind)
    };
    let Kind::Process(child) = &*process.0 else { return Err(io::ErrorKind::NotFound.into()) };
    loop {
        // Waiting for it would keep it from who is to end it.
        if let Some(status) = child.lock().unwrap_or_else(PoisonError::into_inner).try_wait()? {
            return Ok(status);
        }
        std::thread::sleep(BETWEEN_LOOKS);
    }
}

/// Removes all of it, the last first. As long as the answer lives there are no further ones: who would make one waits.
#[cfg(unix)]
pub(crate) fn remove() -> impl Sized {
    let scraps = scraps();
    scraps.iter().rev().for_each(|scrap| scrap.remove());
    scraps
}

#[cfg_attr(not(unix), allow(dead_code))]
impl Kind {
    /// As far as that is possible: the program ends.
    fn remove(&self) {
        match self {
            Self::File(path) => _ = fs::remove_file(path),
            Self::Folder(path) => _ = fs::remove_dir_all(path),
            Self::Unfinished(path) => unfinished(path).iter().for_each(|path| _ = fs::remove_file(path)),
            Self::Process(child) => end(&mut child.lock().unwrap_or_else(PoisonError::into_inner)),
        }
    }
}

/// Ends a process, and waits a little until it writes no more.
fn end(child: &mut Child) {
    let _ = child.kill();
    for _ in 0..50 {
        if !matches!(child.try_wait(), Ok(None)) {
            return;
        }
        std::thread::sleep(BETWEEN_LOOKS);
    }
}

/// The files of this process on their way to names that begin with this path.
fn unfinished(path: &Path) -> Vec<PathBuf> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let begin = path.file_name().unwrap_or_default();
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let ours = entries.filter(|entry| is_unfinished(&entry.file_name(), begin));
    ours.map(|entry| entry.path()).collect()
}

/// Whether a file has the name that `burn_pack::AtomicFile`, by which all of our files are written, gives one before it is
/// whole: `NAME.PROCESS-NUMBER.tmp`.
fn is_unfinished(name: &OsStr, begin: &OsStr) -> bool {
    let Some(rest) = name.as_encoded_bytes().strip_prefix(begin.as_encoded_bytes()) else { return false };
    let rest = String::from_utf8_lossy(rest);
    let Some(rest) = rest.strip_suffix(".tmp") else { return false };
    rest.rsplit_once('.').and_then(|(_, both)| both.split_once('-')).is_some_and(|(process, number)| {
        process == std::process::id().to_string() && number.parse::<u64>().is_ok()
    })
}

#[cfg(test)]
mod tests {
    use style_transfer::Animation;

    use super::*;

    #[test]
    fn what_this_process_has_not_finished_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.png");
        let animation = Animation::create(&path, 2, 2, Duration::from_secs(1)).unwrap();
        let scratch = animation.scratch().to_owned();
        let others = ["out.png", "out.png.tmp", "out.png.1-1.tmp", "out.png.lock", "other.png.tmp"];
        for name in others {
            fs::write(folder.path().join(name), b"").unwrap();
        }
        let process = std::process::id();
        let other = folder.path().join(format!("other.png.{process}-1.tmp"));
        fs::write(&other, b"").unwrap();
        assert_eq!(unfinished(&path), [&*scratch]);
        assert_eq!(unfinished(&folder.path().join("out")), [&*scratch], "it begins so");
        Kind::Unfinished(path).remove();
        assert!(!scratch.exists() && other.exists());
        assert!(others.iter().all(|name| folder.path().join(name).exists()));
    }

    #[test]
    fn files_and_folders_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let (file, inner) = (folder.path().join("a.lock"), folder.path().join("inner"));
        fs::write(&file, b"").unwrap();
        fs::create_dir_all(inner.join("deeper")).unwrap();
        Kind::File(file).remove();
        Kind::Folder(inner).remove();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_has_been_kept_is_a_scrap_no_more() {
        let count = |scrap: &Arc<Kind>| scraps().iter().filter(|kind| Arc::ptr_eq(kind, scrap)).count();
        let scrap = Scrap::file("of/no/use");
        let kind = Arc::clone(&scrap.0);
        assert_eq!(count(&kind), 1);
        drop(scrap);
        assert_eq!(count(&kind), 0);
    }

    #[cfg(unix)]
    #[test]
    fn a_process_is_waited_for_or_ended() {
        let status = status_of(Command::new("sh").args(["-c", "exit 7"])).unwrap();
        assert_eq!(status.code(), Some(7));
        let mut child = Command::new("sleep").arg("1000").spawn().unwrap();
        end(&mut child);
        assert!(child.try_wait().unwrap().is_some());
    }
}
