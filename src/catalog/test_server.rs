//! A throw-away PostgreSQL server for the tests of this crate: one a test process, on a socket in
//! a temporary directory, gone when the process ends however it ends.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use tokio_postgres::{Client, Config, NoTls};

/// The running server.
pub(crate) struct TestServer {
    /// The directory of its socket.
    pub(crate) socket: PathBuf,
    /// Holds the pipe whose end tells the shell to stop the server.
    _shell: Child,
}

/// Where `initdb` and `postgres` are: `WALFERRY_TEST_PG_BIN`, else Debian's place.
fn binaries() -> PathBuf {
    std::env::var_os("WALFERRY_TEST_PG_BIN")
        .map_or_else(|| "/usr/lib/postgresql/15/bin".into(), PathBuf::from)
}

const START: &str = r#"
set -e
"$0/initdb" -D "$1/data" -U admin -A trust -E UTF8 --locale=C --no-sync >"$1/initdb.log" 2>&1
"$0/postgres" -D "$1/data" -k "$1" -c listen_addresses= -c wal_level=logical -c fsync=off \
    -c shared_buffers=16MB >"$1/log" 2>&1 </dev/null &
server=$!
cat >/dev/null
kill -QUIT $server
wait $server || true
rm -rf "$1"
"#;

/// The server, started at the first call.
pub(crate) fn server() -> &'static TestServer {
    static SERVER: OnceLock<TestServer> = OnceLock::new();
    SERVER.get_or_init(|| {
        let socket = tempfile::tempdir().unwrap().keep();
        let is_root = std::fs::metadata("/proc/self").is_ok_and(|me| {
            use std::os::unix::fs::MetadataExt;
            me.uid() == 0
        });
        // a server refuses to run as root
        let mut command = if is_root {
            let owned = Command::new("chown").arg("postgres").arg(&socket).status();
            assert!(owned.unwrap().success(), "there is no user postgres");
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--", "sh"]);
            command
        } else {
            Command::new("sh")
        };
        let shell = command
            .args(["-c", START])
            .args([binaries(), socket.clone()])
            .current_dir("/")
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        wait_for(&socket.join(".s.PGSQL.5432"));
        TestServer {
            socket,
            _shell: shell,
        }
    })
}

fn wait_for(path: &Path) {
    for _ in 0..600 {
        if path.exists() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    panic!("the server did not start within a minute; see {path:?}'s directory");
}

impl TestServer {
    /// A session as walferry opens it: with an empty `search_path`.
    pub(crate) async fn session(&self, user: &str, database: &str) -> Client {
        let mut config = Config::new();
        config.host_path(&self.socket).user(user).dbname(database);
        let mut tries = 0;
        let (client, connection) = loop {
            match config.connect(NoTls).await {
                Ok(pair) => break pair,
                // the socket is there before the server is ready
                Err(_) if tries < 100 => tries += 1,
                Err(error) => panic!("{error:?}"),
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        };
        tokio::spawn(connection);
        client.batch_execute("SET search_path = ''").await.unwrap();
        client
    }

    /// A new, empty database, and a superuser's session in it.
    pub(crate) async fn database(&self, name: &str) -> Client {
        let admin = self.session("admin", "postgres").await;
        let create = format!("CREATE DATABASE {name}");
        admin.batch_execute(&create).await.unwrap();
        self.session("admin", name).await
    }
}
