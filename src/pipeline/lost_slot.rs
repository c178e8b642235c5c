//! `[source.replication] on_lost_slot = "resync"`: going on after changes that nobody can send.
//!
//! The copies are then of a past that the stream does not begin at, so all of them are loaded
//! again, as `walferry resync` has it: the stream goes on from where the slot is now, the old
//! copies stand still, and each table takes its place, whole, where the stream is by then.
//!
//! **Why this is right.** The request for all loads is written down first, and the position is
//! moved only when the slot is there. Should we be killed in between, the next start finds a slot
//! past the position, and begins again likewise; it never finds a position that was moved and a
//! table that is not to be loaded. Rows that the source deleted meanwhile are not in the new load.
//!
//! **What can go wrong.** Whatever took the slot may do it again; each time is logged, and counted
//! in the metrics. A source that is another one, or on a timeline without the checkpoint, halts as
//! ever: to load from that one would be to guess.

use super::take_over::make_slot;
use crate::catalog::source::Facts;
use crate::checkpoint::Writer;
use crate::config::{Config, LostSlot};
use crate::error::{Error, Kind, Result, Side};
use crate::lsn::Lsn;
use crate::source::Connection;
use crate::source::slot;

/// The configuration asks for new loads after such an error.
pub(super) fn is_mended(config: &Config, error: &Error) -> bool {
    let of_slot = matches!(
        error.kind(),
        Kind::SlotMissing | Kind::SlotLost | Kind::SlotAhead
    );
    of_slot && config.source.lost_slot == LostSlot::Resync
}

/// The slot may have gone after the start looked at it, which the next one finds out: it does not
/// exist (42704), or was invalidated (55000).
pub(super) fn may_have_gone(config: &Config, error: &Error) -> bool {
    let of_state = matches!(error.sqlstate(), Some("42704" | "55000"));
    let of_source = error.kind() == Kind::Definite && error.side() == Some(Side::Source);
    is_mended(config, error)
        || (of_state && of_source && config.source.lost_slot == LostSlot::Resync)
}

/// Has all tables loaded again, and goes on from where the slot is, or from a new one.
pub(super) async fn begin_again(
    config: &Config,
    mut session: Connection,
    writer: &mut Writer,
    facts: &Facts,
    error: &Error,
) -> Result<()> {
    let usable = usable(facts, error);
    let tables = writer.begin_again(usable.is_none()).await?;
    tracing::warn!(
        kind = error.kind().as_str(),
        %error,
        tables,
        "changes are lost: all tables are loaded again beside the stream"
    );
    if let Some(confirmed) = usable {
        return writer.advance_idle(confirmed).await;
    }
    if facts.slot.is_some() {
        slot::drop(&mut session, &config.source.slot).await?;
    }
    let exported = make_slot(config, session, facts).await?;
    writer.advance_idle(exported.lsn).await
}

/// Where the slot is that is there and was not lost.
fn usable(facts: &Facts, error: &Error) -> Option<Lsn> {
    let slot = facts.slot.as_ref();
    let slot = slot.filter(|_| error.kind() == Kind::SlotAhead);
    slot.and_then(|slot| slot.confirmed_flush_lsn)
}
