//! What every scenario needs: servers, a daemon, and a judge.

use walferry::demo::binaries::Binaries;

/// The major versions to test on: 15 and 18, as far as this machine has them.
pub async fn majors() -> Vec<u32> {
    let mut found = Vec::new();
    for major in [15, 18] {
        match Binaries::find(Some(major)).await {
            Ok(_) => found.push(major),
            Err(error) => eprintln!("SKIPPED: PostgreSQL {major}: {error}"),
        }
    }
    assert!(
        !found.is_empty(),
        "no PostgreSQL server at all: run ./dev setup"
    );
    found
}
