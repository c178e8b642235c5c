//! Where this machine keeps the programs of a PostgreSQL server.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use super::scratch::{self, ServerUser};
use crate::error::{Error, Kind, Result};

/// A `bin` directory with `postgres` and `initdb` that work for the user the server runs as.
#[derive(Clone, Debug)]
pub struct Binaries {
    directory: PathBuf,
    version: String,
    major: u32,
    user: Option<ServerUser>,
}

impl Binaries {
    /// Finds a server of `major`, or of any version. In this order: `WALFERRY_PG_BIN_<major>`
    /// (or `WALFERRY_PG_BIN` when any will do), `pg/<major>/bin` in the build directory,
    /// `pg_config` of PATH, `/usr/lib/postgresql` and `/usr/pgsql-*`, newest first.
    ///
    /// # Errors
    /// When there is none.
    pub async fn find(major: Option<u32>) -> Result<Binaries> {
        let user = ServerUser::needed()?;
        for directory in candidates(major).await {
            if let Some(found) = examine(&directory, user).await?
                && major.is_none_or(|wanted| wanted == found.major)
            {
                return Ok(found);
            }
        }
        let wanted = major.map_or(String::new(), |major| format!(" {major}"));
        let variable = major.map_or(String::new(), |major| format!("_{major}"));
        Err(Error::new(
            Kind::Unsupported,
            format!("No PostgreSQL{wanted} server programs were found"),
        )
        .remedy(format!(
            "Run `./dev setup`, install your system's PostgreSQL server package, or set \
             WALFERRY_PG_BIN{variable} to the directory that holds `postgres` and `initdb`."
        )))
    }

    /// The major version, such as 18.
    pub fn major(&self) -> u32 {
        self.major
    }

    /// The full version, such as `18.4`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The directory of the programs.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The account the server has to run as; `None` means ours.
    pub fn user(&self) -> Option<ServerUser> {
        self.user
    }

    /// A command that runs `program` of this server as the server's user, with nothing of our
    /// environment that could change what it does.
    pub(super) fn command(&self, program: &str) -> std::process::Command {
        command_as(&self.directory.join(program), self.user)
    }
}

/// `path` as the server's user, in a bare environment.
pub(super) fn command_as(path: &Path, user: Option<ServerUser>) -> std::process::Command {
    use std::os::unix::process::CommandExt;
    let mut command = std::process::Command::new(path);
    command.env_clear().env("LC_ALL", "C").env("TZ", "UTC");
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command.current_dir("/").stdin(Stdio::null());
    if let Some(user) = user {
        command.uid(user.uid).gid(user.gid);
    }
    command
}

async fn candidates(major: Option<u32>) -> Vec<PathBuf> {
    let variable = match major {
        Some(major) => format!("WALFERRY_PG_BIN_{major}"),
        None => "WALFERRY_PG_BIN".to_owned(),
    };
    let mut found: Vec<PathBuf> = std::env::var_os(variable)
        .into_iter()
        .map(PathBuf::from)
        .collect();
    if let Ok(program) = std::env::current_exe() {
        for above in program.ancestors().skip(1) {
            found.extend(versions_in(&above.join("pg"), ""));
        }
    }
    found.extend(bindir_of_pg_config().await);
    found.extend(versions_in(Path::new("/usr/lib/postgresql"), ""));
    found.extend(versions_in(Path::new("/usr"), "pgsql-"));
    found
}

/// `<directory>/<prefix><number>/bin`, highest number first.
fn versions_in(directory: &Path, prefix: &str) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(directory) else {
        return Vec::new();
    };
    let mut numbers: Vec<u32> = entries
        .flatten()
        .filter_map(|entry| {
            entry
                .file_name()
                .to_str()?
                .strip_prefix(prefix)?
                .parse()
                .ok()
        })
        .collect();
    numbers.sort_unstable_by(|a, b| b.cmp(a));
    let path = |number| directory.join(format!("{prefix}{number}/bin"));
    numbers.into_iter().map(path).collect()
}

async fn bindir_of_pg_config() -> Option<PathBuf> {
    let output = Command::new("pg_config")
        .arg("--bindir")
        .stdin(Stdio::null())
        .output()
        .await
        .ok()?;
    let printed = String::from_utf8(output.stdout).ok()?;
    output
        .status
        .success()
        .then(|| PathBuf::from(printed.trim_end()))
}

/// What is in `directory`, or `None` when no working server is.
async fn examine(directory: &Path, user: Option<ServerUser>) -> Result<Option<Binaries>> {
    if !directory.join("postgres").is_file() || !directory.join("initdb").is_file() {
        return Ok(None);
    }
    let mut directory = directory.to_owned();
    let mut version = version_of(&directory, user).await;
    if version.is_none() && user.is_some() {
        // root's own directories: the server's user cannot pass through them
        let Some(version_here) = version_of(&directory, None).await else {
            return Ok(None);
        };
        directory = copy_within_reach(&directory, &version_here).await?;
        version = version_of(&directory, user).await;
    }
    Ok(version.and_then(|version| {
        let major = major_of(&version)?;
        Some(Binaries {
            directory,
            version,
            major,
            user,
        })
    }))
}

/// The version as in "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)".
async fn version_of(directory: &Path, user: Option<ServerUser>) -> Option<String> {
    let command = command_as(&directory.join("postgres"), user);
    let mut command = Command::from(command);
    let output = command
        .arg("--version")
        .stderr(Stdio::null())
        .output()
        .await
        .ok()?;
    let printed = String::from_utf8(output.stdout).ok()?;
    printed.split_whitespace().nth(2).map(str::to_owned)
}

/// The leading number of `18.4`, `19devel` or `18beta1`.
fn major_of(version: &str) -> Option<u32> {
    let digits = version
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(version.len());
    version[..digits].parse().ok()
}

/// Copies the installation that `bin` belongs to where every account may read it.
async fn copy_within_reach(bin: &Path, version: &str) -> Result<PathBuf> {
    let installation = bin.parent().unwrap_or(bin);
    let target = scratch::root()?.join(format!("server-{version}"));
    if !target.join("bin/postgres").is_file() {
        let partial = target.with_extension(format!("part-{}", std::process::id()));
        let mut copy = Command::new("cp");
        copy.arg("-a").arg(installation).arg(&partial);
        succeed(
            &mut copy,
            "copy the server programs to where their user can reach them",
        )
        .await?;
        put_in_place(&partial, &target)?;
    }
    Ok(target.join("bin"))
}

/// Gives `partial` its name. When another process was first, theirs is kept.
pub(super) fn put_in_place(partial: &Path, target: &Path) -> Result<()> {
    if std::fs::rename(partial, target).is_err() {
        std::fs::remove_dir_all(partial)?;
    }
    Ok(())
}

/// Runs to the end; `doing` completes "Could not …".
///
/// # Errors
/// When it cannot be started or exits with anything but 0; the error carries what it said.
pub(super) async fn succeed(command: &mut Command, doing: &str) -> Result<()> {
    let output = command.stdin(Stdio::null()).output().await;
    let said = match output {
        Ok(output) if output.status.success() => return Ok(()),
        Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        Err(error) => error.to_string(),
    };
    Err(Error::new(Kind::Io, format!("Could not {doing}: {said}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_major_version_is_what_stands_before_the_first_other_sign() {
        assert_eq!(major_of("15.18"), Some(15));
        assert_eq!(major_of("19devel"), Some(19));
        assert_eq!(major_of("beta"), None);
    }
}
