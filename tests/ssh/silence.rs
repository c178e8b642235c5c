//! Whoever is asked on the way through SSH and never answers is given up in time, and named.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, UnixListener};
use walferry::error::{Error, Kind};
use walferry::transport::connect;

use crate::support::sshd::Sshd;
use crate::support::{quoted, write_private};

/// Of all connects here: enough for an sshd on a busy machine.
const LIMIT: Duration = Duration::from_secs(8);

/// A busy machine is slow, and a wait that has no end is longer than this.
const LATE: Duration = Duration::from_mins(1);

/// A listener whose queue is full, with who fills it: the kernel drops whatever else calls.
struct Deaf {
    port: u16,
    _listener: socket2::Socket,
    _waiting: Vec<std::net::TcpStream>,
}

impl Deaf {
    fn new() -> Deaf {
        let (domain, sort) = (socket2::Domain::IPV4, socket2::Type::STREAM);
        let listener = socket2::Socket::new(domain, sort, None).unwrap();
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        listener.bind(&any.into()).unwrap();
        listener.listen(0).unwrap();
        let address = listener.local_addr().unwrap().as_socket().unwrap();
        let mut waiting = Vec::new();
        let patience = Duration::from_millis(300);
        while let Ok(stream) = std::net::TcpStream::connect_timeout(&address, patience) {
            waiting.push(stream);
            assert!(waiting.len() < 100, "its queue has no end");
        }
        Deaf {
            port: address.port(),
            _listener: listener,
            _waiting: waiting,
        }
    }
}

/// Both sides at this port behind a section `[*.ssh]` with these keys.
fn config(folder: &Path, name: &str, port: u16, ssh: &str) -> PathBuf {
    let side = |side: &str| {
        format!(
            "host = \"127.0.0.1\"\nport = {port}\nuser = \"walferry\"\npassword = \"x\"\n\
             sslmode = \"disable\"\nconnect_timeout = \"8s\"\ndatabase = \"{side}\"\n"
        )
    };
    let text = format!(
        "[pipeline]\nname = \"app\"\n[destination]\n{}schema_prefix = \"app\"\n\
         [source]\n{}[source.ssh]\n{ssh}\n",
        side("destination"),
        side("source"),
    );
    write_private(folder.join(name), &text)
}

/// Connects in vain; what is said, after the limit and before it is too late.
async fn given_up(config: &Path) -> Error {
    let config = walferry::config::load(Some(config)).unwrap();
    let started = Instant::now();
    let error = connect(&config.source.endpoint, "silence")
        .await
        .err()
        .unwrap();
    let waited = started.elapsed();
    assert!((LIMIT..LATE).contains(&waited), "{waited:?}: {error}");
    assert!(error.hint().is_some(), "{error}");
    error
}

#[tokio::test]
async fn what_is_behind_a_bastion_and_never_answers_is_given_up_in_time() {
    let folder = tempfile::tempdir().unwrap();
    let sshd = Sshd::start().await;
    let keys = sshd.keys(folder.path(), "");
    let deaf = Deaf::new();
    let behind = config(folder.path(), "behind.toml", deaf.port, &keys);
    // accepts in the kernel, and nobody ever reads or writes
    let mute = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mute = (mute.local_addr().unwrap().port(), mute);
    let second = |port: u16| {
        let second = keys.replace(
            &format!("port = {}\n", sshd.port),
            &format!("port = {port}\n"),
        );
        format!("{second}[[source.ssh.jump]]\n{keys}")
    };
    let hop = config(folder.path(), "hop.toml", 1, &second(mute.0));
    let far = config(folder.path(), "far.toml", 1, &second(deaf.port));
    let (behind, hop, far) = tokio::join!(given_up(&behind), given_up(&hop), given_up(&far));
    for (error, port, says) in [
        (behind, deaf.port, "was not reached from there"),
        (hop, mute.0, "did not exchange keys"),
        (far, deaf.port, "was not reached"),
    ] {
        let said = error.to_string();
        let limit = format!(" {says} within the connect_timeout of 8s");
        assert!(said.contains(&format!(":{port}")), "{port}: {said}");
        assert!(said.contains(&limit), "{says:?}: {said}");
        assert_eq!(error.kind(), Kind::Unreachable);
    }
}

#[tokio::test]
async fn a_login_at_a_bastion_that_hangs_is_given_up_in_time() {
    let folder = tempfile::tempdir().unwrap();
    // as a directory service that does not answer
    let mut sshd = Sshd::start().await;
    sshd.down();
    sshd.configure(&format!(
        "AuthorizedKeysFile none\nAuthorizedKeysCommand /bin/sleep 600\n\
         AuthorizedKeysCommandUser {}",
        sshd.user
    ));
    sshd.up();
    let config = config(
        folder.path(),
        "login.toml",
        1,
        &sshd.keys(folder.path(), ""),
    );
    let error = given_up(&config).await;
    let says = "did not finish the login within the connect_timeout of 8s";
    assert!(error.to_string().contains(says), "{error}");
    assert_eq!(error.kind(), Kind::Unreachable);
}

#[tokio::test]
async fn an_agent_that_says_nothing_is_given_up_in_time_and_not_taken_for_the_bastion() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("agent");
    // accepts in the kernel, and nobody ever reads or writes
    let _listener = UnixListener::bind(&socket).unwrap();
    let ssh = format!(
        "host = \"127.0.0.1\"\nport = 1\nuser = \"tunnel\"\nagent_socket = {}\n\
         host_key = \"SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"",
        quoted(socket.to_str().unwrap())
    );
    let error = given_up(&config(folder.path(), "agent.toml", 1, &ssh)).await;
    let said = error.to_string();
    assert!(said.contains("The SSH agent at"), "{said}");
    assert!(
        said.contains("did not answer within the connect_timeout of 8s"),
        "{said}"
    );
}
