//! The password file of libpq: `.pgpass`, or what `passfile` or `PGPASSFILE` names.
//!
//! It is asked when the configuration names no password. As with libpq the first line that fits
//! counts, and a file that libpq would find is not used when others can get at it; whether they can
//! get at one that was named, the configuration has checked as for every file with a secret.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};

use super::{Endpoint, Host};
use crate::error::{Error, Kind, Result};
use crate::limits::PASSFILE_BYTES_MAX;

/// Directories of unix sockets for which a line says `localhost`: what servers are built with.
const DEFAULT_SOCKET_DIRECTORIES: [&str; 3] = ["/var/run/postgresql", "/run/postgresql", "/tmp"];

/// The password that the file has for this server; `None` when no line fits, or there is no file
/// and none was named.
///
/// Fails with [`Kind::Io`] when a file that was named cannot be read, and with [`Kind::Config`]
/// when it is no such file. One that libpq would find by itself is passed over in these cases, with
/// a warning, and when others can get at it; then [`unused`] tells of it.
pub(super) async fn look_up(endpoint: &Endpoint) -> Result<Option<SecretString>> {
    let named = endpoint.passfile.clone();
    let Some(path) = named.clone().or_else(usual) else {
        return Ok(None);
    };
    match read(&path, named.is_none()).await {
        Ok(Some(text)) => Ok(find(&text, endpoint)),
        Ok(None) if named.is_none() => Ok(None),
        Ok(None) => Err(Error::new(
            Kind::Io,
            format!("The password file {} does not exist", path.display()),
        )),
        Err(error) if named.is_none() => {
            tracing::warn!(side = %endpoint.side, %error, "the password file is not used");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Why there is a password file and no password of it, for a login that lacks one.
pub(super) fn unused(endpoint: &Endpoint) -> Option<String> {
    let path = usual().filter(|_| endpoint.password.is_none() && endpoint.passfile.is_none())?;
    let mode = path.metadata().ok()?.permissions().mode() & 0o7777;
    (mode & 0o077 != 0).then(|| {
        let shown = path.display();
        format!("{shown} is not used, since others can get at it (mode {mode:04o})")
    })
}

/// Where libpq looks.
fn usual() -> Option<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    variable("PGPASSFILE")
        .map(PathBuf::from)
        .or_else(|| variable("HOME").map(|home| Path::new(&home).join(".pgpass")))
}

/// `None` when there is no such file. `strict` refuses what others can get at.
async fn read(path: &Path, strict: bool) -> Result<Option<SecretString>> {
    let shown = path.display();
    let failed = |kind, why: String| Error::new(kind, format!("The password file {shown} {why}"));
    let unreadable = |error| failed(Kind::Io, format!("cannot be read: {error}"));
    let metadata = match tokio::fs::metadata(path).await {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    };
    if !metadata.is_file() {
        return Err(failed(Kind::Config, "is not a plain file".to_owned()));
    }
    let mode = metadata.permissions().mode();
    if strict && mode & 0o077 != 0 {
        let why = format!("can be got at by others (mode {:04o})", mode & 0o7777);
        return Err(failed(Kind::Config, why).remedy(format!("Run: chmod 600 {shown}")));
    }
    if metadata.len() > PASSFILE_BYTES_MAX {
        let why = format!("is larger than {} MiB", PASSFILE_BYTES_MAX >> 20);
        return Err(failed(Kind::Config, why));
    }
    let bytes = tokio::fs::read(path).await.map_err(unreadable)?;
    let text = String::from_utf8(bytes);
    text.map(|text| Some(SecretString::from(text)))
        .map_err(|_| failed(Kind::Config, "is not UTF-8".to_owned()))
}

fn find(text: &SecretString, endpoint: &Endpoint) -> Option<SecretString> {
    let host = match &endpoint.host {
        Host::Tcp(host) => host.clone(),
        Host::Unix(directory) => directory.display().to_string(),
    };
    let host = if DEFAULT_SOCKET_DIRECTORIES.contains(&host.as_str()) {
        "localhost".to_owned()
    } else {
        host
    };
    let port = endpoint.port.to_string();
    let wanted = [&host, &port, &endpoint.database, &endpoint.user];
    let lines = text.expose_secret().lines();
    lines
        .filter(|line| !line.starts_with('#'))
        .find_map(|line| {
            wanted
                .iter()
                .try_fold(line, |rest, field| after(rest, field))
        })
        .map(unescaped)
        .filter(|password| !password.expose_secret().is_empty())
}

/// The rest of the line after a field that is `wanted` or `*`, and its colon.
fn after<'a>(line: &'a str, wanted: &str) -> Option<&'a str> {
    if let Some(rest) = line.strip_prefix("*:") {
        return Some(rest);
    }
    let mut wanted = wanted.chars();
    let mut field = line.chars();
    loop {
        match field.next()? {
            ':' if wanted.as_str().is_empty() => return Some(field.as_str()),
            // also a colon; libpq takes one for itself where the name has it
            '\\' if wanted.next() == field.next() && !field.as_str().is_empty() => {}
            c if c != '\\' && wanted.next() == Some(c) => {}
            _ => return None,
        }
    }
}

/// Up to the next colon; a backslash takes away what the sign after it means.
fn unescaped(rest: &str) -> SecretString {
    let mut password = String::with_capacity(rest.len());
    let mut signs = rest.chars();
    while let Some(sign) = signs.next() {
        match sign {
            ':' => break,
            '\\' => password.push(signs.next().unwrap_or('\\')),
            sign => password.push(sign),
        }
    }
    SecretString::from(password)
}

#[cfg(test)]
mod tests {
    use super::super::SslMode;
    use super::super::endpoint::tests::endpoint;
    use super::*;

    fn found(text: &str, host: &str, database: &str) -> Option<String> {
        let mut endpoint = endpoint(5432, SslMode::Disable);
        endpoint.host = if host.starts_with('/') {
            Host::Unix(host.into())
        } else {
            Host::Tcp(host.to_owned())
        };
        endpoint.database = database.to_owned();
        let password = find(&SecretString::from(text), &endpoint);
        password.map(|password| password.expose_secret().to_owned())
    }

    #[test]
    fn the_first_line_that_fits_counts() {
        let text = "# db:5432:app:walferry:comment\n\nother:5432:app:walferry:1\n\
                    db:5433:app:walferry:2\ndb:5432:app:walferry:3\r\n*:*:*:*:4\n";
        assert_eq!(found(text, "db", "app").as_deref(), Some("3"));
        assert_eq!(found(text, "db", "warehouse").as_deref(), Some("4"));
        assert_eq!(found("db:5432:app:some:1\n", "db", "app"), None);
        assert_eq!(found("db:5432:app\n", "db", "app"), None);
        assert_eq!(found("db:5432:app:walferry:\n", "db", "app"), None);
    }

    #[test]
    fn a_backslash_takes_the_meaning_of_colons_and_of_itself() {
        let text = "\\:\\:1:*:a\\\\b\\:c:walferry:p\\:a\\\\s\\s:rest\n";
        assert_eq!(found(text, "::1", "a\\b:c").as_deref(), Some("p:a\\ss"));
        // without it a colon in a name fits itself, as in libpq
        assert_eq!(
            found("::1:5432:app:walferry:x", "::1", "app").as_deref(),
            Some("x")
        );
        assert_eq!(found("db*:5432:app:walferry:x", "dbs", "app"), None);
        assert_eq!(found("*b:5432:app:walferry:x", "db", "app"), None);
        // the sign at the end stands for itself in a password, and for nothing in a name
        assert_eq!(found("db:*:*:*:x\\", "db", "app").as_deref(), Some("x\\"));
        assert_eq!(found("db\\", "db", "app"), None);
    }

    #[test]
    fn the_usual_sockets_are_localhost() {
        let text = "localhost:*:*:*:l\n/srv/pg:*:*:*:s\n";
        assert_eq!(
            found(text, "/var/run/postgresql", "app").as_deref(),
            Some("l")
        );
        assert_eq!(found(text, "/srv/pg", "app").as_deref(), Some("s"));
        assert_eq!(found(text, "/srv/other", "app"), None);
    }

    #[tokio::test]
    async fn a_file_that_others_can_read_is_refused_unless_it_was_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "*:*:*:*:canary\n").unwrap();
        let mode = |mode| {
            let permissions = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(file.path(), permissions).unwrap();
        };
        mode(0o640);
        let error = read(file.path(), true).await.unwrap_err();
        assert!(error.to_string().contains("0640"), "{error}");
        assert!(!error.to_string().contains("canary"), "{error}");
        assert!(read(file.path(), false).await.unwrap().is_some());
        mode(0o600);
        assert!(read(file.path(), true).await.unwrap().is_some());
        let mut endpoint = endpoint(5432, SslMode::Disable);
        endpoint.passfile = Some("/nowhere/pgpass".into());
        assert_eq!(look_up(&endpoint).await.unwrap_err().kind(), Kind::Io);
    }
}
