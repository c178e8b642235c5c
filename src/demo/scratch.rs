//! Directories that vanish with what runs in them, however their maker ends.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::error::{Error, Kind, Result};

/// What watches over the directory; it outlives even a SIGKILL of this process.
const GUARD: &str = include_str!("guard.sh");

/// A directory for one run. On drop every process whose working directory is inside ends, and
/// the directory is removed.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
    guard: Child,
}

impl Scratch {
    /// Makes a directory of mode 0700; `owner` gets it when this process is root.
    ///
    /// # Errors
    /// When the directory for temporary files cannot be written or belongs to somebody else.
    pub fn create(label: &str, owner: Option<ServerUser>) -> Result<Scratch> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = root()?.join(format!("{label}-{}-{number}", std::process::id()));
        DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .map_err(|error| {
                Error::new(
                    Kind::Io,
                    format!("Could not make {}: {error}", path.display()),
                )
            })?;
        let guard = Command::new("sh")
            .args(["-c", GUARD, "guard"])
            .arg(&path)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // out of reach of the terminal's Ctrl-C
            .process_group(0)
            .spawn()?;
        let scratch = Scratch { path, guard };
        if let Some(user) = owner {
            std::os::unix::fs::chown(&scratch.path, Some(user.uid), Some(user.gid))?;
        }
        Ok(scratch)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        // the guard bounds its own waits, so this ends
        let _ = self.guard.wait();
    }
}

/// The account that servers run as when this process is root, which PostgreSQL refuses to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerUser {
    /// Its user id.
    pub uid: u32,
    /// Its group id.
    pub gid: u32,
}

impl ServerUser {
    /// `postgres`, else `nobody`, for root; `None` for everybody else.
    ///
    /// # Errors
    /// When root's machine has neither account.
    pub fn needed() -> Result<Option<ServerUser>> {
        if effective_uid()? != 0 {
            return Ok(None);
        }
        let accounts = fs::read_to_string("/etc/passwd")?;
        let found =
            find_account(&accounts, "postgres").or_else(|| find_account(&accounts, "nobody"));
        found.map(Some).ok_or_else(|| {
            let what = "A PostgreSQL server does not run as root, and there is no user \
                        \"postgres\" or \"nobody\"";
            Error::new(Kind::Io, what)
                .remedy("Run it as an ordinary user, or make one: useradd --system postgres.")
        })
    }
}

fn find_account(accounts: &str, name: &str) -> Option<ServerUser> {
    accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next() != Some(name) {
            return None;
        }
        Some(ServerUser {
            uid: fields.nth(1)?.parse().ok()?,
            gid: fields.next()?.parse().ok()?,
        })
    })
}

/// Where scratch directories and templates are: one directory for each account, which others may
/// pass through (the server's user has to) but neither list nor write.
pub(super) fn root() -> Result<PathBuf> {
    let uid = effective_uid()?;
    let root = std::env::temp_dir().join(format!("walferry-{uid}"));
    match DirBuilder::new().mode(0o711).create(&root) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            return Err(Error::new(
                Kind::Io,
                format!("Could not make {}: {error}", root.display()),
            ));
        }
        _ => {}
    }
    let found = fs::symlink_metadata(&root)?;
    if !found.is_dir() || found.uid() != uid {
        return Err(Error::new(
            Kind::Io,
            format!("{} belongs to another user", root.display()),
        )
        .remedy("Set TMPDIR to a directory of your own."));
    }
    Ok(root)
}

fn effective_uid() -> Result<u32> {
    Ok(fs::metadata("/proc/self")?.uid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_found_by_its_whole_name() {
        let accounts = "root:x:0:0:root:/root:/bin/sh\npostgres2:x:7:8::/:/bin/sh\n\
                        postgres:x:105:112:,,,:/var/lib/postgresql:/bin/bash\n";
        let found = find_account(accounts, "postgres");
        assert_eq!(found, Some(ServerUser { uid: 105, gid: 112 }));
        assert_eq!(find_account(accounts, "nobody"), None);
    }

    #[test]
    fn a_dropped_directory_takes_its_processes_with_it() {
        let scratch = Scratch::create("unit", None).unwrap();
        let path = scratch.path().to_owned();
        let mut sleeper = Command::new("sleep")
            .arg("60")
            .current_dir(&path)
            .spawn()
            .unwrap();
        drop(scratch);
        assert!(!path.exists());
        assert!(!sleeper.wait().unwrap().success());
    }
}
