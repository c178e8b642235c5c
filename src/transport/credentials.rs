//! Passwords, fetched anew for each connect.

use std::process::Stdio;
use std::time::Duration;

use secrecy::SecretString;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;

use super::{Endpoint, Secret, passfile};
use crate::error::{Error, Kind, Result};
use crate::limits::{PASSWORD_COMMAND_MAX, SECRET_BYTES_MAX};

impl Endpoint {
    /// The password as it is now, without its last line break; `None` when none is configured and
    /// the `passfile` has none.
    ///
    /// Reads the file or runs the program, within [`SECRET_BYTES_MAX`] and
    /// [`PASSWORD_COMMAND_MAX`]. Fails with [`Kind::Io`] when that does not work, and with
    /// [`Kind::Config`] when what comes out cannot be a password.
    pub async fn password(&self) -> Result<Option<SecretString>> {
        let password = match &self.password {
            Some(secret) => secret.read("password").await.map(Some),
            None => passfile::look_up(self).await,
        };
        password.map_err(|error| error.on(self.side))
    }
}

impl Secret {
    /// The secret as it is now; `noun` says in messages what it is.
    pub(crate) async fn read(&self, noun: &str) -> Result<SecretString> {
        match self {
            Secret::Inline(secret) => Ok(secret.clone()),
            Secret::File(path) => {
                let origin = format!("The {noun} file {}", path.display());
                match tokio::fs::File::open(path).await {
                    Ok(file) => text(file, noun, &origin).await,
                    Err(error) => Err(Error::new(
                        Kind::Io,
                        format!("{origin} cannot be read: {error}"),
                    )),
                }
            }
            Secret::Command(words) => run(words, noun, PASSWORD_COMMAND_MAX).await,
        }
    }
}

/// Only the program is ever named: an argument may be a secret. What it writes to its standard
/// error is not shown for the same reason.
async fn run(words: &[String], noun: &str, limit: Duration) -> Result<SecretString> {
    let [program, arguments @ ..] = words else {
        return Err(Error::new(
            Kind::Config,
            format!("The {noun} command is empty"),
        ));
    };
    let failed = |why: String| {
        Error::new(Kind::Io, format!("The {noun} command {program:?} {why}"))
            .remedy("Run the command by hand as the user that walferry runs as.")
    };
    let work = async {
        let mut command = Command::new(program);
        // one program has no business with the secrets of another side
        for (name, _) in std::env::vars_os() {
            if name
                .to_str()
                .is_some_and(|name| name.starts_with("WALFERRY__"))
            {
                command.env_remove(name);
            }
        }
        let mut child = command
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| failed(format!("cannot be started: {error}")))?;
        let Some(mut output) = child.stdout.take() else {
            return Err(failed("has no output".to_owned()));
        };
        let password = text(&mut output, noun, &format!("The output of {program:?}")).await;
        // Read to its end: a broken pipe would look like a failure of the command.
        tokio::io::copy(&mut output, &mut tokio::io::sink()).await?;
        let status = child
            .wait()
            .await
            .map_err(|error| failed(format!("cannot be waited for: {error}")))?;
        if !status.success() {
            return Err(failed(format!("failed: {status}")));
        }
        password
    };
    tokio::time::timeout(limit, work).await.unwrap_or_else(|_| {
        let limit = humantime_serde::re::humantime::format_duration(limit);
        Err(failed(format!("took longer than {limit}")))
    })
}

async fn text(from: impl AsyncRead + Unpin, noun: &str, origin: &str) -> Result<SecretString> {
    let mut bytes = Vec::new();
    from.take(SECRET_BYTES_MAX as u64 + 1)
        .read_to_end(&mut bytes)
        .await
        .map_err(|error| Error::new(Kind::Io, format!("{origin} cannot be read: {error}")))?;
    let unfit = |why: &str| Error::new(Kind::Config, format!("{origin} {why}"));
    if bytes.len() > SECRET_BYTES_MAX {
        return Err(unfit(&format!("is too long for a {noun}")));
    }
    let text = String::from_utf8(bytes).map_err(|_| unfit("is not UTF-8"))?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let password = line.strip_suffix('\r').unwrap_or(line);
    if password.is_empty() {
        return Err(unfit("is empty"));
    }
    if password.contains('\0') {
        return Err(unfit("holds a NUL character"));
    }
    Ok(SecretString::from(password))
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Instant;

    use secrecy::ExposeSecret;

    use super::*;

    async fn printed(script: &str) -> Result<String> {
        let words = ["sh", "-c", script].map(str::to_owned);
        let password = run(&words, "password", PASSWORD_COMMAND_MAX).await?;
        Ok(password.expose_secret().to_owned())
    }

    #[tokio::test]
    async fn only_the_last_line_break_is_cut_off() {
        assert_eq!(printed("printf 'a b\\n\\n'").await.unwrap(), "a b\n");
        assert_eq!(printed("printf ' p@/é '").await.unwrap(), " p@/é ");
        assert_eq!(printed("printf 'a\\r\\n'").await.unwrap(), "a");
    }

    #[tokio::test]
    async fn what_cannot_be_a_password_is_refused() {
        let kind = async |script| printed(script).await.unwrap_err().kind();
        assert_eq!(kind("true").await, Kind::Config);
        assert_eq!(kind("printf 'a\\0b'").await, Kind::Config);
        assert_eq!(kind("printf '\\377'").await, Kind::Config);
        assert_eq!(
            kind("head -c 70000 /dev/zero | tr '\\0' x").await,
            Kind::Config
        );
        assert_eq!(kind("echo a; exit 3").await, Kind::Io);
    }

    #[tokio::test]
    async fn a_failing_command_is_named_without_its_arguments() {
        let words = ["/nowhere/pass", "canary"].map(str::to_owned);
        let ran = run(&words, "password", PASSWORD_COMMAND_MAX).await;
        let error = ran.unwrap_err().to_string();
        assert!(error.contains("/nowhere/pass"), "{error}");
        assert!(!error.contains("canary"), "{error}");
    }

    #[tokio::test]
    async fn a_command_that_does_not_end_is_ended() {
        let folder = tempfile::tempdir().unwrap();
        let (limit, late) = (Duration::from_secs(2), Duration::from_secs(30));
        let script = format!(
            "cd {}; echo $$ > pid; echo canary; exec sleep 600",
            folder.path().display()
        );
        let words = ["sh", "-c", &script].map(str::to_owned);
        let started = Instant::now();
        let error = run(&words, "password", limit).await.unwrap_err();
        let waited = started.elapsed();
        assert!((limit..late).contains(&waited), "{waited:?}");
        assert_eq!(error.kind(), Kind::Io);
        let error = error.to_string();
        assert!(error.contains("\"sh\" took longer than 2s"), "{error}");
        assert!(!error.contains("canary"), "{error}");
        let pid = std::fs::read_to_string(folder.path().join("pid")).unwrap();
        let process = Path::new("/proc").join(pid.trim());
        while runs(&process) {
            assert!(started.elapsed() < late, "{process:?} goes on");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Neither gone nor waiting to be collected.
    fn runs(process: &Path) -> bool {
        let stat = std::fs::read_to_string(process.join("stat"));
        stat.is_ok_and(|stat| !stat.contains(") Z "))
    }
}
