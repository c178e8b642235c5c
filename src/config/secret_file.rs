//! Which files may hold a secret.

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Why `path` cannot serve as a file with a secret, if it cannot; goes on where the key ended.
pub(super) fn unfit(path: &Path) -> Option<(String, String)> {
    if let Some(fault) = unreadable(path) {
        return Some(fault);
    }
    match exposure(path) {
        Ok(Some(exposure)) => Some((
            format!("names {}, {exposure}", path.display()),
            format!(
                "Run `chmod 600 {}`; root's own files may be 0640, and systemd's LoadCredential \
                 needs nothing",
                path.display()
            ),
        )),
        _ => None,
    }
}

/// Why `path` cannot be read, if it cannot.
pub(super) fn unreadable(path: &Path) -> Option<(String, String)> {
    let shown = path.display();
    let problem = match std::fs::metadata(path) {
        Err(error) => error.to_string(),
        Ok(metadata) if !metadata.is_file() => "not a file".to_owned(),
        // only trying tells: rights come from modes, ACLs, capabilities and mounts
        Ok(_) => match File::open(path) {
            Ok(_) => return None,
            Err(error) => error.to_string(),
        },
    };
    let remedy = match (path.parent(), path.file_name()) {
        (Some(folder), Some(name)) if holds_systemd_credentials(folder) => format!(
            "Have the unit hand it over: LoadCredential={}:FILE; only the running service sees it",
            name.display()
        ),
        _ => "Name a file that the user walferry runs as can read".to_owned(),
    };
    Some((
        format!("names {shown}, which cannot be read: {problem}"),
        remedy,
    ))
}

/// Says who else can get at the file, by the rule that libpq has for keys: 0600, or 0640 when it is
/// root's. What systemd hands over is private whatever its mode says.
pub(super) fn exposure(path: &Path) -> std::io::Result<Option<String>> {
    let metadata = std::fs::metadata(path)?;
    let forbidden = if metadata.uid() == 0 { 0o037 } else { 0o077 };
    if metadata.mode() & forbidden == 0 || is_systemd_credential(path) {
        return Ok(None);
    }
    Ok(Some(format!(
        "which others can get at (mode {:04o})",
        metadata.mode() & 0o7777
    )))
}

fn is_systemd_credential(path: &Path) -> bool {
    credentials().is_some_and(|directory| {
        let whole = |path: &Path| path.canonicalize().ok();
        match (whole(path), whole(&directory)) {
            (Some(path), Some(directory)) => path.starts_with(directory),
            _ => false,
        }
    })
}

/// Of this service or, by its name, of any.
fn holds_systemd_credentials(folder: &Path) -> bool {
    folder.starts_with("/run/credentials") || is_systemd_credential(folder)
}

/// Where systemd puts what the service is to have.
fn credentials() -> Option<PathBuf> {
    let directory = std::env::var_os("CREDENTIALS_DIRECTORY").filter(|d| !d.is_empty());
    directory.map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn with_mode(mode: u32) -> Option<(String, String)> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("secret");
        std::fs::write(&path, "x").unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        unfit(&path)
    }

    #[test]
    fn a_file_that_others_can_read_is_refused_with_its_mode() {
        let (what, remedy) = with_mode(0o644).unwrap();
        assert!(what.contains("0644"), "{what}");
        assert!(remedy.contains("chmod 600"), "{remedy}");
        assert!(with_mode(0o660).is_some());
        assert!(with_mode(0o600).is_none());
        assert!(with_mode(0o400).is_none());
    }

    #[test]
    fn a_directory_or_a_missing_file_is_refused() {
        assert!(unfit(Path::new("/")).unwrap().0.contains("not a file"));
        let (_, remedy) = unfit(Path::new("/nowhere/at/all")).unwrap();
        assert!(remedy.contains("can read"), "{remedy}");
        let missing = Path::new("/run/credentials/walferry.service/source");
        let (what, remedy) = unfit(missing).unwrap();
        assert!(what.contains("cannot be read"), "{what}");
        assert!(remedy.contains("LoadCredential=source:FILE"), "{remedy}");
    }
}
