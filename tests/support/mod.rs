//! What every scenario needs: servers, a daemon, and a judge.

mod backup;
pub mod bookkeeping;
mod daemon;
mod figures;
mod held_load;
mod judge;
mod metrics;
mod pair;
mod pgbench;
mod refused;
mod relay;
pub mod sshd;
mod standby;
mod stopped;
mod verb;

pub use backup::{Backup, fail_over, promote};
pub use daemon::Daemon;
pub use figures::{Figures, up_to};
pub use held_load::{hold_loads, let_loads_go_on, until_held};
pub use judge::{compare, equal_soon};
pub use metrics::Metrics;
pub use pair::Pair;
pub use pgbench::{Pgbench, client_tool};
pub use refused::{FRESH, halts, log_length, lose_slot, refuses_to_start, start_afresh};
pub use relay::Relay;
pub use standby::{commits_go_on, commits_wait};
pub use stopped::{do_on, drain, followed_pair, stopped_pair, until};
pub use verb::{
    CANARY, Ran, Running, all_things, assert_discreet, edited_config, psql, quoted, run, things,
    walferry, walferry_with, write_private,
};

use std::time::Duration;

use walferry::demo::binaries::Binaries;

/// How long anything may take that is not a fault, on a machine that is slow and busy.
pub const PATIENCE: Duration = Duration::from_mins(5);

/// The major versions to test on: 15 and 18, as far as this machine has them. What it lacks is
/// said, never passed over.
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
