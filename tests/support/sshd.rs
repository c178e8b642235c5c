//! A bastion: OpenSSH's own sshd on a free port, with keys and rules of its own.

use std::fmt::Write as _;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use walferry::demo::binaries::Binaries;
use walferry::demo::port::Port;
use walferry::demo::scratch::Scratch;

use super::PATIENCE;
use super::{Pair, edited_config, quoted, write_private};

/// A name that only the bastion can look up: its sshd runs with a library that knows it.
pub const BEHIND: &str = "db.behind.test";

/// Makes a name out of nothing, where the resolver of the C library would be asked, and knows at
/// once that another is nobody's.
const RESOLVER: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <string.h>
typedef int (*lookup)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **found) {
    lookup real = (lookup)dlsym(RTLD_NEXT, "getaddrinfo");
    if (node && !strcmp(node, "nowhere.invalid"))
        return EAI_NONAME;
    return real(node && !strcmp(node, "db.behind.test") ? "127.0.0.1" : node, service, hints, found);
}
"#;

/// Its sshd and all of its sessions are killed on drop.
pub struct Sshd {
    process: Option<Child>,
    files: Scratch,
    /// Whom to log in as: an sshd that is not root's knows only its own user.
    pub user: String,
    pub port: u16,
    _claim: Port,
    uid: Option<(u32, u32)>,
}

/// The server, where Debian and others have it.
fn program() -> PathBuf {
    let places = ["/usr/sbin/sshd", "/usr/local/sbin/sshd"];
    let found = places.iter().map(PathBuf::from).find(|path| path.exists());
    found.unwrap_or_else(|| panic!("no sshd: run ./dev setup"))
}

impl Sshd {
    /// With an ed25519 host key, and one client key `id_ed25519` that may log in.
    pub async fn start() -> Sshd {
        Sshd::with("").await
    }

    /// With more lines of `sshd_config`, which win.
    pub async fn with(rules: &str) -> Sshd {
        let user = Binaries::find(None).await.unwrap().user();
        let files = Scratch::create("sshd", user).unwrap();
        let claim = Port::claim().unwrap();
        let mut sshd = Sshd {
            process: None,
            user: name_of(&files),
            files,
            port: claim.number(),
            _claim: claim,
            uid: user.map(|user| (user.uid, user.gid)),
        };
        sshd.keygen("host_ed25519", &["-t", "ed25519"]);
        sshd.keygen("id_ed25519", &["-t", "ed25519"]);
        sshd.authorize(&sshd.text("id_ed25519.pub"));
        std::fs::write(sshd.file("resolver.c"), RESOLVER).unwrap();
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-o"]);
        succeeds(
            cc.arg(sshd.file("resolver.so"))
                .arg(sshd.file("resolver.c")),
        );
        std::fs::write(sshd.file("sshd.log"), "").unwrap();
        sshd.own("sshd.log");
        sshd.configure(rules);
        sshd.up();
        sshd
    }

    /// Writes `sshd_config`, for the next start. sshd takes the first of several values.
    pub fn configure(&self, rules: &str) {
        let (port, files) = (self.port, self.files.path().display());
        let text = format!(
            "{rules}\nPort {port}\nListenAddress 127.0.0.1\nHostKey {files}/host_ed25519\n\
             AuthorizedKeysFile {files}/authorized_keys\nPidFile none\nUsePAM no\nStrictModes no\n\
             PasswordAuthentication no\nKbdInteractiveAuthentication no\nLogLevel VERBOSE\n"
        );
        std::fs::write(self.file("sshd_config"), text).unwrap();
        self.own("sshd_config");
    }

    /// Starts it, and waits until it listens.
    pub fn up(&mut self) {
        let mut command = Command::new(program());
        command
            .arg("-D")
            .arg("-f")
            .arg(self.file("sshd_config"))
            .arg("-E")
            .arg(self.file("sshd.log"))
            .env("LD_PRELOAD", self.file("resolver.so"))
            .stdin(Stdio::null())
            .current_dir("/");
        if let Some((uid, gid)) = self.uid {
            use std::os::unix::process::CommandExt;
            command.uid(uid).gid(gid);
        }
        self.process = Some(command.spawn().unwrap());
        let started = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(started.elapsed() < PATIENCE, "{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Kills it and every session that it has.
    pub fn down(&mut self) {
        let Some(mut process) = self.process.take() else {
            return;
        };
        let mut family = vec![process.id()];
        // first its sessions stop, so that none begins meanwhile
        let _ = signal("STOP", &family);
        let mut at = 0;
        while at < family.len() {
            family.extend(children(family[at]));
            at += 1;
        }
        let _ = signal("KILL", &family);
        process.wait().unwrap();
    }

    /// The path of a file of its own.
    pub fn file(&self, name: &str) -> PathBuf {
        self.files.path().join(name)
    }

    /// What a file holds, without the last line break.
    pub fn text(&self, name: &str) -> String {
        let text = std::fs::read_to_string(self.file(name)).unwrap();
        text.trim_end().to_owned()
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        self.text("sshd.log")
    }

    /// Lets a key in, and no other; options may stand before it.
    pub fn authorize(&self, line: &str) {
        std::fs::write(self.file("authorized_keys"), format!("{line}\n")).unwrap();
        self.own("authorized_keys");
    }

    /// Makes a key without a passphrase, unless the arguments give it one.
    pub fn keygen(&self, name: &str, arguments: &[&str]) {
        let mut command = Command::new("ssh-keygen");
        command.args(["-q", "-C", ""]).args(arguments);
        if !arguments.contains(&"-N") {
            command.args(["-N", ""]);
        }
        succeeds(command.arg("-f").arg(self.file(name)));
        self.own(name);
    }

    /// Its line for a `known_hosts` file, with the public key in `name`.
    pub fn known(&self, name: &str) -> String {
        let key = self.text(name);
        format!("[127.0.0.1]:{} {}\n", self.port, key.trim_end())
    }

    /// The section's keys that reach it, and more of them.
    pub fn keys(&self, folder: &Path, more: &str) -> String {
        let known = write_private(folder.join("known_hosts"), &self.known("host_ed25519.pub"));
        let mut keys = format!(
            "host = \"127.0.0.1\"\nport = {}\nuser = {}\n",
            self.port,
            quoted(&self.user)
        );
        if !more.contains("private_key_file") && !more.contains("agent_socket") {
            let key = self.private("id_ed25519", folder);
            let _ = writeln!(keys, "private_key_file = {}", quoted(key.to_str().unwrap()));
        }
        if !more.contains("known_hosts_file") && !more.contains("host_key") {
            let _ = writeln!(
                keys,
                "known_hosts_file = {}",
                quoted(known.to_str().unwrap())
            );
        }
        keys + more + "\n"
    }

    /// A copy of a private key that walferry can read, and nobody else.
    pub fn private(&self, name: &str, folder: &Path) -> PathBuf {
        let text = std::fs::read_to_string(self.file(name)).unwrap();
        write_private(folder.join(name), &text)
    }

    fn own(&self, name: &str) {
        if let Some((uid, gid)) = self.uid {
            std::os::unix::fs::chown(self.file(name), Some(uid), Some(gid)).unwrap();
        }
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.down();
        if std::thread::panicking() {
            eprintln!("sshd said:\n{}", self.log());
        }
    }
}

/// The configuration of the pair with both sides as `host` behind a bastion with these keys;
/// `SIDE` in them stands for the section.
pub fn through(pair: &Pair, host: &str, name: &str, keys: &str) -> PathBuf {
    let of = |side: &str| format!("[{side}.ssh]\n{}", keys.replace("SIDE", side));
    let head = "schema_prefix = \"app\"\n";
    let host = format!("host = {}", quoted(host));
    let edits = [
        ("host = \"127.0.0.1\"", host.as_str()),
        (
            "[destination]\n",
            &format!("{}[destination]\n", of("source")),
        ),
        (head, &format!("{head}{}", of("destination"))),
    ];
    edited_config(pair, name, &edits)
}

/// Panics unless the command ends well.
pub fn succeeds(command: &mut Command) {
    let ended = command.stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{command:?}: {said}");
}

fn signal(name: &str, to: &[u32]) -> std::io::Result<()> {
    let mut kill = Command::new("kill");
    kill.arg(format!("-{name}"));
    kill.args(to.iter().map(u32::to_string));
    kill.stderr(Stdio::null()).status().map(drop)
}

fn children(pid: u32) -> Vec<u32> {
    let path = format!("/proc/{pid}/task/{pid}/children");
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.split_whitespace()
        .map(|child| child.parse().unwrap())
        .collect()
}

/// The name of the user whose folder it is.
fn name_of(files: &Scratch) -> String {
    let mut stat = Command::new("stat");
    let ended = stat.args(["-c", "%U"]).arg(files.path()).output().unwrap();
    String::from_utf8(ended.stdout).unwrap().trim().to_owned()
}

/// An agent of OpenSSH; killed on drop.
pub struct Agent {
    process: Child,
    pub socket: PathBuf,
}

impl Agent {
    /// With these keys, whose passphrases are none.
    pub fn with(folder: &Path, keys: &[PathBuf]) -> Agent {
        let socket = folder.join("agent");
        let mut command = Command::new("ssh-agent");
        let log = File::create(folder.join("agent.log")).unwrap();
        command.args(["-D", "-a"]).arg(&socket).stdout(log);
        let agent = Agent {
            process: command.spawn().unwrap(),
            socket,
        };
        let started = Instant::now();
        while std::os::unix::net::UnixStream::connect(&agent.socket).is_err() {
            assert!(started.elapsed() < PATIENCE, "no agent");
            std::thread::sleep(Duration::from_millis(10));
        }
        for key in keys {
            let mut add = Command::new("ssh-add");
            succeeds(add.arg("-q").arg(key).env("SSH_AUTH_SOCK", &agent.socket));
        }
        agent
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
