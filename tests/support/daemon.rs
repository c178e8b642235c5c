//! `walferry run` as a process, with its log in a file.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use walferry::demo::cluster::send;

use super::PATIENCE;
use super::Pair;
use super::verb::{assert_commands_nothing, assert_keeps_secrets};

/// Starts `walferry run` in the directory of its configuration; killed on drop.
pub(super) fn spawn(config: &Path, log: File, variables: &[(&str, &str)]) -> Child {
    // another build, for figures
    let program = std::env::var_os("WALFERRY");
    let program = program.unwrap_or_else(|| env!("CARGO_BIN_EXE_walferry").into());
    Command::new(program)
        .args(["run", "--config"])
        .arg(config)
        .envs(variables.iter().copied())
        .current_dir(config.parent().unwrap())
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// Killed on drop.
pub struct Daemon {
    process: Child,
    log: PathBuf,
    http_port: u16,
}

impl Daemon {
    /// On the configuration that the pair wrote.
    pub fn start(pair: &Pair) -> Daemon {
        Daemon::start_on(pair, &pair.config())
    }

    /// On another configuration. All daemons of a pair write to one log.
    pub fn start_on(pair: &Pair, config: &Path) -> Daemon {
        let log = pair.directory().join("walferry.log");
        let file = OpenOptions::new().create(true).append(true).open(&log);
        Daemon {
            process: spawn(config, file.unwrap(), &[]),
            log,
            http_port: pair.http_port(),
        }
    }

    /// Until `/readyz` says 200: the stream is followed, and tables are loaded but for those that
    /// were left for a later load.
    pub async fn wait_ready(&mut self) {
        let started = Instant::now();
        while !self.get("/readyz").await.starts_with("HTTP/1.1 200") {
            if let Some(status) = self.process.try_wait().unwrap() {
                panic!("the daemon ended, {status}:\n{}", self.log());
            }
            assert!(started.elapsed() < PATIENCE, "not ready:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Its exit code if it has ended already.
    pub fn ended(&mut self) -> Option<i32> {
        self.process
            .try_wait()
            .unwrap()
            .and_then(|ended| ended.code())
    }

    /// The whole answer to a GET, status line first; empty when there is none.
    pub async fn get(&self, path: &str) -> String {
        self.get_with(path, "").await
    }

    /// The same with more lines in its head.
    pub async fn get_with(&self, path: &str, head: &str) -> String {
        let mut answer = String::new();
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.http_port)).await else {
            return answer;
        };
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{head}Connection: close\r\n\r\n");
        if stream.write_all(request.as_bytes()).await.is_ok() {
            // a daemon that is killed meanwhile has said what it has said
            let _ = stream.read_to_string(&mut answer).await;
        }
        answer
    }

    /// Asks it to drain; returns its exit code.
    pub async fn sigterm(self) -> Option<i32> {
        let pid = self.process.id().unwrap();
        send("TERM", pid).await.unwrap();
        self.wait_exit().await
    }

    /// SIGKILL, and waits until it is gone.
    pub async fn kill9(mut self) {
        self.process.kill().await.unwrap();
    }

    /// Its exit code once it has ended by itself; `None` when a signal ended it.
    pub async fn wait_exit(mut self) -> Option<i32> {
        match tokio::time::timeout(PATIENCE, self.process.wait()).await {
            Ok(status) => status.unwrap().code(),
            Err(late) => panic!("the daemon does not end, {late}:\n{}", self.log()),
        }
    }

    /// The most memory that it has had so far, in KiB.
    pub fn memory_peak(&self) -> u64 {
        let status = format!("/proc/{}/status", self.process.id().unwrap());
        let status = std::fs::read_to_string(status).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = peak.unwrap().trim().trim_end_matches(" kB");
        peak.parse().unwrap()
    }

    /// Panics unless it is still there, as nobody told it to end.
    pub fn assert_running(&mut self) {
        if let Some(status) = self.process.try_wait().unwrap() {
            panic!("the daemon ended by itself, {status}:\n{}", self.log());
        }
    }

    /// Waits until the daemons of this pair have logged this so often.
    pub async fn until_logged(&self, what: &str, times: usize) {
        let started = Instant::now();
        while self.log().matches(what).count() < times {
            assert!(started.elapsed() < PATIENCE, "{}", self.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// What they have logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }
}

impl Drop for Daemon {
    /// Whatever the test was about: no log may ever hold a secret, or command a terminal.
    fn drop(&mut self) {
        if !std::thread::panicking()
            && let Ok(log) = std::fs::read_to_string(&self.log)
        {
            assert_keeps_secrets(&log);
            assert_commands_nothing(&log);
        }
    }
}
