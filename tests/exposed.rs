//! What `check` finds about who else can read the daemon's pages, the daemon says once as it starts.

use std::time::{Duration, Instant};

use crate::support::PATIENCE;
use crate::support::{Running, walferry, write_private};

const WARNING: &str = "others can reach the HTTP endpoint";

#[tokio::test]
async fn a_daemon_that_others_can_ask_says_so_once_as_it_starts() {
    let folder = tempfile::tempdir().unwrap();
    let names = "can read names of tables, sizes, positions and errors";
    let token = "token = \"0123456789abcdef\"";
    for (listen, more, says) in [
        ("0.0.0.0:0", "", Some(names)),
        ("[::]:0", token, Some("The token crosses the network")),
        ("127.0.0.1:0", "", None),
    ] {
        // nobody is there, which neither has to do with it
        let side = "host = \"127.0.0.1\"\nport = 1\nuser = \"w\"\nsslmode = \"disable\"\n";
        let text = format!(
            "[pipeline]\nname = \"app\"\n[source]\n{side}database = \"a\"\n\
             [destination]\n{side}database = \"b\"\nschema_prefix = \"app\"\n\
             [observability]\nlisten = \"{listen}\"\n{more}\n"
        );
        let config = write_private(folder.path().join("exposed.toml"), &text);
        let ran = walferry(&config, &["check"]).await;
        assert_eq!(
            says.is_some_and(|says| ran.out.contains(says)),
            says.is_some()
        );
        let running = Running::start(&config, &[]);
        let started = Instant::now();
        while !running.log().contains("will try again") {
            assert!(started.elapsed() < PATIENCE, "{}", running.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let log = running.log();
        let warned: Vec<&str> = log.lines().filter(|line| line.contains(WARNING)).collect();
        assert_eq!(warned.len(), usize::from(says.is_some()), "{log}");
        for line in warned {
            assert!(
                line.contains("WARN") && line.contains(says.unwrap()),
                "{line}"
            );
            assert!(line.contains("Set [observability]"), "{line}");
            assert!(!line.contains("0123456789abcdef"), "{line}");
        }
        running.drain().await;
    }
}
