//! A throw-away PostgreSQL cluster.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use tokio::process::Command;
use tokio_postgres::{Client, NoTls};
use tracing::debug;

use super::binaries::{self, Binaries};
use super::port::{self, Port};
use super::scratch::{self, Scratch};
use crate::error::{self, Error, Kind, Result};

/// How long a server may take to start or to stop; crash recovery is part of a start.
const TURN_MAX: Duration = Duration::from_mins(3);

/// How long drop waits for an orderly end before it kills.
const DROP_MAX: Duration = Duration::from_secs(10);

/// The superuser of every throw-away cluster.
pub const SUPERUSER: &str = "postgres";

/// How connections to 127.0.0.1 prove who they are; the unix socket always trusts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Auth {
    /// With a password, by SCRAM-SHA-256.
    #[default]
    Scram,
    /// Not at all.
    Trust,
}

/// The word of `pg_ctl stop -m` and what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Sessions are ended, then a checkpoint is made.
    Fast,
    /// At once, without a checkpoint; the next start recovers.
    Immediate,
}

/// A running, or stopped, cluster of its own. Whatever happens, it is gone after drop: server,
/// shared memory and files, even when this process is killed.
#[derive(Debug)]
pub struct Cluster {
    // before `scratch`, whose drop ends the server: a child must not be reaped twice
    postmaster: Option<Child>,
    scratch: Scratch,
    binaries: Binaries,
    port: Port,
}

impl Cluster {
    /// Makes a cluster and starts it, on a free port of 127.0.0.1 and a unix socket in its own
    /// directory. `wal_level` is logical, nothing is flushed; `settings` come last and win.
    ///
    /// # Errors
    /// When initdb fails or the server does not start within 3 minutes; its log is in the message.
    pub async fn create(
        binaries: &Binaries,
        auth: Auth,
        settings: &[(&str, &str)],
    ) -> Result<Cluster> {
        let template = template(binaries).await?;
        let scratch = Scratch::create("cluster", binaries.user())?;
        let data = scratch.path().join("data");
        let mut copy = binaries::command_as(Path::new("cp"), binaries.user());
        copy.args(["-a", "--reflink=auto"])
            .arg(&template)
            .arg(&data);
        binaries::succeed(&mut Command::from(copy), "copy the template of the cluster").await?;
        write_settings(&data, scratch.path(), settings)?;
        fs::write(data.join("pg_hba.conf"), host_based_access(auth))?;
        let mut cluster = Cluster {
            postmaster: None,
            scratch,
            binaries: binaries.clone(),
            port: Port::claim()?,
        };
        cluster.start().await?;
        Ok(cluster)
    }

    /// The port on 127.0.0.1, the same after every restart.
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// The directory of the unix socket, what libpq calls the host.
    pub fn socket_directory(&self) -> &Path {
        self.scratch.path()
    }

    /// `PGDATA`
    pub fn data_directory(&self) -> PathBuf {
        self.scratch.path().join("data")
    }

    /// What the server logs.
    pub fn log_path(&self) -> PathBuf {
        self.scratch.path().join("server.log")
    }

    /// What it runs on.
    pub fn binaries(&self) -> &Binaries {
        &self.binaries
    }

    /// Starts a stopped server and waits until it takes connections. Does nothing when it runs.
    ///
    /// # Errors
    /// When it ends instead, or takes longer than 3 minutes.
    pub async fn start(&mut self) -> Result<()> {
        if self.is_running()? {
            return Ok(());
        }
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log_path())?;
        let mut command = self.binaries.command("postgres");
        command
            .arg("-D")
            .arg(self.data_directory())
            .args(["-p", &self.port().to_string()])
            .stdout(log.try_clone()?)
            .stderr(log)
            // a Ctrl-C at the terminal is for us; the server ends when we say so
            .process_group(0);
        let postmaster = command.spawn()?;
        debug!(
            port = self.port(),
            pid = postmaster.id(),
            "starting a cluster"
        );
        let pid = postmaster.id();
        self.postmaster = Some(postmaster);
        let started = Instant::now();
        while !self.reports_ready(pid) {
            if !self.is_running()? {
                return Err(self.failed_start("The server ended while it started"));
            }
            if started.elapsed() > TURN_MAX {
                return Err(self.failed_start("The server did not start in time"));
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// Stops the server and waits until it is gone. Does nothing when it is stopped.
    ///
    /// # Errors
    /// When it takes longer than 3 minutes.
    pub async fn stop(&mut self, mode: Stop) -> Result<()> {
        let signal = match mode {
            Stop::Fast => "INT",
            Stop::Immediate => "QUIT",
        };
        if let Some(postmaster) = &self.postmaster {
            send(signal, postmaster.id()).await?;
        }
        self.wait_for_end().await
    }

    /// Stops and starts.
    ///
    /// # Errors
    /// Those of [`Cluster::stop`] and [`Cluster::start`].
    pub async fn restart(&mut self, mode: Stop) -> Result<()> {
        self.stop(mode).await?;
        self.start().await
    }

    /// SIGKILL to the postmaster and to every session, as a crash of the machine would; returns
    /// once all of them are gone and the port is free.
    ///
    /// # Errors
    /// When they are still there after 3 minutes.
    pub async fn kill9(&mut self) -> Result<()> {
        if let Some(postmaster) = &mut self.postmaster {
            postmaster.kill()?;
        }
        self.wait_for_end().await?;
        let started = Instant::now();
        loop {
            let sessions = working_in(&self.data_directory());
            if sessions.is_empty() && port::is_silent(self.port()) {
                return Ok(());
            }
            if started.elapsed() > TURN_MAX {
                return Err(Error::new(
                    Kind::Io,
                    "Sessions of a killed server do not end",
                ));
            }
            for pid in sessions {
                // it may have ended since
                let _ = send("KILL", pid).await;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// A session of the superuser, through the unix socket.
    ///
    /// # Errors
    /// When the server does not take it.
    pub async fn superuser(&self, database: &str) -> Result<Client> {
        let connected = tokio_postgres::Config::new()
            .host_path(self.socket_directory())
            .port(self.port())
            .user(SUPERUSER)
            .dbname(database)
            .connect(NoTls)
            .await;
        let (client, connection) = connected.map_err(|error| {
            let said = error::postgres::with_causes(&error);
            Error::new(
                Kind::Unreachable,
                format!("Could not connect to a cluster: {said}"),
            )
        })?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                debug!(%error, "a session with a cluster ended");
            }
        });
        Ok(client)
    }

    fn is_running(&mut self) -> Result<bool> {
        if let Some(postmaster) = &mut self.postmaster
            && postmaster.try_wait()?.is_some()
        {
            self.postmaster = None;
        }
        Ok(self.postmaster.is_some())
    }

    async fn wait_for_end(&mut self) -> Result<()> {
        let started = Instant::now();
        while self.is_running()? {
            if started.elapsed() > TURN_MAX {
                return Err(Error::new(Kind::Io, "The server did not stop in time"));
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// The eighth line of the pid file is what `pg_ctl` goes by, too.
    fn reports_ready(&self, pid: u32) -> bool {
        let Ok(text) = fs::read_to_string(self.data_directory().join("postmaster.pid")) else {
            return false;
        };
        let mut lines = text.lines().map(str::trim_end);
        lines.next() == Some(pid.to_string().as_str()) && lines.nth(6) == Some("ready")
    }

    fn failed_start(&self, what: &str) -> Error {
        let log = fs::read_to_string(self.log_path()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let last = &lines[lines.len().saturating_sub(8)..];
        Error::new(
            Kind::Io,
            format!("{what}; its log ends:\n{}", last.join("\n")),
        )
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // after SIGQUIT it gives back its shared memory; a child nobody waits for stays a zombie
        if let Some(mut postmaster) = self.postmaster.take() {
            let pid = postmaster.id().to_string();
            let _ = signal_command("QUIT", &pid).status();
            let asked = Instant::now();
            while matches!(postmaster.try_wait(), Ok(None)) && asked.elapsed() < DROP_MAX {
                std::thread::sleep(Duration::from_millis(5));
            }
            let _ = postmaster.kill();
            let _ = postmaster.wait();
        }
    }
}

/// The cluster every other one of this version is a copy of, made by initdb once.
async fn template(binaries: &Binaries) -> Result<PathBuf> {
    let template = scratch::root()?.join(format!("template-{}", binaries.version()));
    // tidy-up jobs for /tmp remove files and leave directories
    let is_whole = || template.join("PG_VERSION").is_file();
    if is_whole() {
        return Ok(template);
    }
    // somebody else may have put it there since
    if template.exists() && !is_whole() {
        fs::remove_dir_all(&template)?;
    }
    let work = Scratch::create("initdb", binaries.user())?;
    let partial = work.path().join("data");
    let mut initdb = binaries.command("initdb");
    initdb
        .arg("-D")
        .arg(&partial)
        .args(["-U", SUPERUSER, "-E", "UTF8", "--locale=C"]);
    initdb.args(["--auth=trust", "--no-sync"]);
    binaries::succeed(&mut Command::from(initdb), "make a cluster").await?;
    binaries::put_in_place(&partial, &template)?;
    Ok(template)
}

fn write_settings(data: &Path, socket_directory: &Path, extra: &[(&str, &str)]) -> Result<()> {
    let sockets = socket_directory.to_string_lossy();
    let settings = [
        ("listen_addresses", "127.0.0.1"),
        ("unix_socket_directories", sockets.as_ref()),
        ("wal_level", "logical"),
        ("max_wal_senders", "20"),
        ("max_replication_slots", "20"),
        ("max_connections", "60"),
        ("shared_buffers", "64MB"),
        ("max_wal_size", "512MB"),
        ("dynamic_shared_memory_type", "mmap"),
        ("password_encryption", "scram-sha-256"),
        ("timezone", "UTC"),
        ("log_timezone", "UTC"),
        ("log_line_prefix", "%m [%p] %q%u@%d "),
        // nothing here outlives the machine, so nothing waits for its disk
        ("fsync", "off"),
        ("full_page_writes", "off"),
    ];
    let mut file = File::options()
        .append(true)
        .open(data.join("postgresql.conf"))?;
    for (name, value) in settings.iter().chain(extra) {
        writeln!(file, "{name} = '{}'", value.replace('\'', "''"))?;
    }
    Ok(())
}

fn host_based_access(auth: Auth) -> String {
    let method = match auth {
        Auth::Scram => "scram-sha-256",
        Auth::Trust => "trust",
    };
    ["all", "replication"]
        .map(|database| {
            format!("local {database} all trust\nhost {database} all 127.0.0.1/32 {method}\n")
        })
        .concat()
}

fn signal_command(signal: &str, pid: &str) -> std::process::Command {
    // the shell's own kill: the program of that name is not on every machine
    let mut command = std::process::Command::new("sh");
    command.args(["-c", "kill -s \"$1\" \"$2\"", "kill", signal, pid]);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// Sends `signal`, such as `TERM`, to a process.
///
/// # Errors
/// When there is no such process.
pub async fn send(signal: &str, pid: u32) -> Result<()> {
    let mut command = Command::from(signal_command(signal, &pid.to_string()));
    if command.status().await?.success() {
        return Ok(());
    }
    Err(Error::new(
        Kind::Io,
        format!("Could not signal process {pid}"),
    ))
}

/// The processes whose working directory is `directory`, as every server process keeps its own.
fn working_in(directory: &Path) -> Vec<u32> {
    let Ok(processes) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    processes
        .flatten()
        .filter(|process| {
            fs::read_link(process.path().join("cwd")).is_ok_and(|cwd| cwd == directory)
        })
        .filter_map(|process| process.file_name().to_str()?.parse().ok())
        .collect()
}
