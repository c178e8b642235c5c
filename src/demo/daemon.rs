//! The daemon of the demo: this very program, as `walferry run`, in a process of its own.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use super::cluster::send;
use super::port::{self, Port};
use super::scratch::Scratch;
use super::shop::Shop;
use crate::error::{Error, Kind, Result};
use crate::limits::DRAIN_MAX;

/// The port of the documentation, taken when it is free.
const USUAL_PORT: u16 = 9780;

/// How long one look at `/status` may take.
const LOOK_MAX: Duration = Duration::from_millis(500);

/// More than any status of five tables.
const STATUS_BYTES_MAX: u64 = 1 << 20;

pub(super) struct Daemon {
    // ends before its directory goes
    process: Child,
    scratch: Scratch,
    address: SocketAddr,
    _claim: Option<Port>,
}

/// What the screen wants of `/status`.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Status {
    pub(super) state: String,
    #[serde(default)]
    pub(super) lag: Lag,
    #[serde(default)]
    pub(super) counters: Counters,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(super) struct Lag {
    pub(super) bytes: Option<u64>,
    pub(super) seconds: Option<f64>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(super) struct Counters {
    #[serde(default)]
    pub(super) changes: u64,
}

impl Daemon {
    /// Writes the configuration and starts the daemon on it.
    pub(super) fn start(shop: &Shop, http_port: Option<u16>) -> Result<Daemon> {
        let claim = match http_port {
            None if !port::is_silent(USUAL_PORT) => Some(Port::claim()?),
            _ => None,
        };
        let usual = http_port.unwrap_or(USUAL_PORT);
        let port = claim.as_ref().map_or(usual, Port::number);
        let scratch = Scratch::create("demo", None)?;
        let config = write_config(scratch.path(), shop, port)?;
        let log = File::create(log_in(scratch.path()))?;
        let mut command = Command::new(std::env::current_exe()?);
        for (name, _) in std::env::vars_os() {
            // somebody's own settings are not for the demo
            if name.to_string_lossy().starts_with("WALFERRY_") {
                command.env_remove(name);
            }
        }
        let process = command
            .args(["run", "--config"])
            .arg(config)
            // the guard of the directory ends what works in it
            .current_dir(scratch.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        Ok(Daemon {
            process,
            scratch,
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            _claim: claim,
        })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn log_path(&self) -> PathBuf {
        log_in(self.scratch.path())
    }

    /// An error with the end of its log when the daemon has ended.
    pub(super) fn must_run(&mut self) -> Result<()> {
        let Some(status) = self.process.try_wait()? else {
            return Ok(());
        };
        let log = fs::read_to_string(self.log_path()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let last = &lines[lines.len().saturating_sub(10)..];
        Err(Error::new(
            Kind::Unknown,
            format!(
                "The daemon ended ({status}); its log ends:\n{}",
                last.join("\n")
            ),
        ))
    }

    /// What it says of itself; `None` while it does not answer.
    pub(super) async fn status(&self) -> Option<Status> {
        tokio::time::timeout(LOOK_MAX, get_status(self.address))
            .await
            .ok()?
            .ok()
    }

    /// Asks it to drain and waits for it.
    pub(super) async fn stop(mut self) -> Result<()> {
        if let Some(pid) = self.process.id() {
            send("TERM", pid).await?;
        }
        let ended = tokio::time::timeout(DRAIN_MAX * 2, self.process.wait()).await;
        match ended {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(Error::new(
                Kind::Unknown,
                format!("The daemon was asked to stop and ended with {status}"),
            )),
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Err(Error::new(
                Kind::Unknown,
                "The daemon does not stop when asked to",
            )),
        }
    }
}

fn log_in(directory: &Path) -> PathBuf {
    directory.join("walferry.log")
}

fn write_config(directory: &Path, shop: &Shop, http_port: u16) -> Result<PathBuf> {
    let password = directory.join("password");
    write_private(&password, &shop.password)?;
    // a JSON string is a TOML string, too
    let password = serde_json::Value::from(password.to_string_lossy()).to_string();
    let config = include_str!("walferry.toml")
        .replace("{password_file}", &password)
        .replace("{source_port}", &shop.source.port().to_string())
        .replace("{destination_port}", &shop.destination.port().to_string())
        .replace("{http_port}", &http_port.to_string());
    let path = directory.join("walferry.toml");
    write_private(&path, &config)?;
    Ok(path)
}

fn write_private(path: &Path, content: &str) -> Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    Ok(file.write_all(content.as_bytes())?)
}

/// HTTP/1.0, so that the end of the answer is the end of the stream.
async fn get_status(address: SocketAddr) -> Result<Status> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET /status HTTP/1.0\r\nHost: {address}\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream
        .take(STATUS_BYTES_MAX)
        .read_to_string(&mut answer)
        .await?;
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    serde_json::from_str(body)
        .map_err(|error| Error::new(Kind::Protocol, format!("Not a status: {error}")))
}
