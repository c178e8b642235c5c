//! Slot and checkpoint: whether they belong together, and what happens when there is neither.

use super::lost_slot;
use super::publications::publication_gone;
use crate::catalog::source::Facts;
use crate::checkpoint::{NewPipeline, Pipeline, Writer};
use crate::config::Config;
use crate::error::{Error, Kind, Result, Side};
use crate::lsn::Lsn;
use crate::observe::Board;
use crate::source::slot::{self, ExportedSnapshot, System};
use crate::source::{Connection, timeline};
use crate::sql;

/// From this version on, a source decodes without the publication.
pub(super) const PUBLICATION_MAY_BE_MISSING: i32 = 18_00_00;

/// Makes sure that slot and checkpoint belong together, and makes both when there is neither.
/// Returns the snapshot of a slot that was just made.
pub(super) async fn take_over(
    config: &Config,
    board: &Board,
    mut session: Connection,
    writer: &mut Writer,
    facts: &Facts,
    made_publication: bool,
) -> Result<Option<ExportedSnapshot>> {
    let system = slot::identify(&mut session).await?;
    let pipeline = if let Some(pipeline) = writer.read().await? {
        pipeline
    } else {
        // Registered before the slot is made, so that no slot of ours is ever without a row.
        writer
            .register(&registration(config, facts, &system, made_publication))
            .await?;
        writer.read().await?.ok_or_else(|| vanished(config))?
    };
    check_same_source(config, &pipeline, &system)?;
    check_same_history(&mut session, &pipeline, &system, facts.in_recovery).await?;
    check_same_publication(&pipeline, facts)?;
    let slot = match slot_to_use(config, &pipeline, facts) {
        Err(error) if lost_slot::is_mended(config, &error) => {
            board.error(&error);
            writer.take_over(system.timeline).await?;
            lost_slot::begin_again(config, session, writer, facts, &error).await?;
            return Ok(None);
        }
        slot => slot?,
    };
    let applied = writer.take_over(system.timeline).await?;
    if applied.lsn() != Lsn::ZERO {
        return Ok(None);
    }
    if let Some(confirmed) = slot {
        // Made by an administrator, or by a start that did not get further.
        writer.advance_idle(confirmed).await?;
        return Ok(None);
    }
    let exported = make_slot(config, session, facts).await?;
    writer.advance_idle(exported.lsn).await?;
    Ok(Some(exported))
}

/// Makes the permanent slot.
pub(super) async fn make_slot(
    config: &Config,
    session: Connection,
    facts: &Facts,
) -> Result<ExportedSnapshot> {
    let failover = facts.version_num >= 170_000 && !facts.in_recovery;
    let exported = slot::create(session, &config.source.slot, failover).await?;
    tracing::info!(slot = config.source.slot, lsn = %exported.lsn, "slot made");
    Ok(exported)
}

fn registration(
    config: &Config,
    facts: &Facts,
    system: &System,
    made_publication: bool,
) -> NewPipeline {
    NewPipeline {
        slot: config.source.slot.clone(),
        publication: config.source.publications[0].clone(),
        publication_oid: facts.publications.first().map(|found| found.oid),
        made_slot: facts.slot.is_none(),
        made_publication,
        system_identifier: system.identifier.clone(),
        timeline: system.timeline,
        source_database: config.source.endpoint.database.clone(),
        start: Lsn::ZERO,
    }
}

fn vanished(config: &Config) -> Error {
    let what = format!(
        "The bookkeeping row of pipeline \"{}\" vanished",
        config.pipeline
    );
    Error::new(Kind::Fenced, what).on(Side::Destination)
}

const ON_PURPOSE: &str = "If this is on purpose, run `walferry teardown --drop-data` with the old \
                          configuration and start afresh.";

/// Refuses a source that is not the one the checkpoint was made from.
fn check_same_source(config: &Config, pipeline: &Pipeline, system: &System) -> Result<()> {
    let registered = &pipeline.registered;
    if registered.system_identifier != system.identifier
        || registered.source_database != config.source.endpoint.database
    {
        let what = format!(
            "The source is another database than the one the pipeline \"{}\" was made from \
             (system identifier {} and database \"{}\", now {} and \"{}\")",
            config.pipeline,
            registered.system_identifier,
            registered.source_database,
            system.identifier,
            config.source.endpoint.database
        );
        return Err(Error::new(Kind::OtherSystem, what)
            .on(Side::Source)
            .remedy(ON_PURPOSE));
    }
    if registered.slot != config.source.slot {
        let what = format!(
            "The pipeline \"{}\" was made with slot \"{}\", but the configuration says \"{}\"",
            config.pipeline, registered.slot, config.source.slot
        );
        let remedy =
            "Set [source.replication] slot back, or give this one another [pipeline] name.";
        return Err(Error::new(Kind::SlotUnfit, what)
            .on(Side::Source)
            .remedy(remedy));
    }
    Ok(())
}

/// Refuses a source whose log is not the one that the checkpoint is a position of: it ends before
/// that, or went another way before it came there. A standby may still be on its way.
async fn check_same_history(
    session: &mut Connection,
    pipeline: &Pipeline,
    system: &System,
    in_recovery: bool,
) -> Result<()> {
    let (then, now) = (pipeline.registered.timeline, system.timeline);
    let applied = pipeline.applied.0;
    let refuse = |what: String| {
        let error = Error::new(Kind::OlderTimeline, what).on(Side::Source);
        Err(error.at(applied).remedy(ON_PURPOSE))
    };
    if now < then {
        return refuse(format!(
            "The source is on timeline {now}, but the checkpoint was made on timeline {then}: it \
             was restored from a backup, or it is an old primary"
        ));
    }
    if system.position < applied && !in_recovery {
        return refuse(format!(
            "The source ends at {}, before the checkpoint: it was restored from a backup, or it \
             was promoted without the last commits of the old primary",
            system.position
        ));
    }
    if now == then || applied == Lsn::ZERO {
        return Ok(());
    }
    match timeline::left(session, now, then).await? {
        Some(left) if applied <= left => Ok(()),
        Some(left) => refuse(format!(
            "The source left timeline {then} for timeline {now} at {left}, before the checkpoint: \
             it lacks the last commits of the old primary, or was restored from a backup"
        )),
        None => refuse(format!(
            "The source never was on timeline {then}, where the checkpoint was made: it was \
             restored from a backup"
        )),
    }
}

/// Refuses a publication that was dropped and made again. A source before 18 fails by itself when
/// it decodes a change that was written meanwhile; since 18 it leaves that change out. Where others
/// stand beside it or in its place, each table knows which of them has sent it.
pub(super) fn check_same_publication(pipeline: &Pipeline, facts: &Facts) -> Result<()> {
    let registered = &pipeline.registered;
    let now = facts.publication(&registered.publication);
    let same = now.is_none_or(|now| registered.publication_oid.is_none_or(|oid| oid == now.oid));
    if same || facts.version_num < PUBLICATION_MAY_BE_MISSING {
        return Ok(());
    }
    Err(publication_gone(&registered.publication).at(pipeline.applied.0))
}

const LOAD_AGAIN: &str = "The changes in between are lost for good. Run `walferry teardown \
     --drop-data` and start again with a new initial load; or set [source.replication] \
     on_lost_slot = \"resync\" and start: then all tables are loaded again, and readers keep the \
     old rows until the new ones are complete.";

/// The slot's acknowledged position, when there is a slot; refuses one that does not fit.
fn slot_to_use(config: &Config, pipeline: &Pipeline, facts: &Facts) -> Result<Option<Lsn>> {
    let name = &config.source.slot;
    let applied = pipeline.applied.0;
    let Some(slot) = &facts.slot else {
        if applied == Lsn::ZERO {
            return Ok(None);
        }
        let what = format!("The slot \"{name}\" that the checkpoint belongs to is gone");
        return Err(Error::new(Kind::SlotMissing, what)
            .on(Side::Source)
            .at(applied)
            .remedy(LOAD_AGAIN));
    };
    let ours = slot.slot_type == "logical"
        && slot.plugin.as_deref() == Some("pgoutput")
        && slot.database.as_deref() == Some(&config.source.endpoint.database);
    if !ours {
        let what = format!("The slot \"{name}\" is not a pgoutput slot of this database");
        let remedy = "Choose another name in [source.replication] slot, or drop that slot.";
        return Err(Error::new(Kind::SlotUnfit, what)
            .on(Side::Source)
            .remedy(remedy));
    }
    if slot.synced && facts.in_recovery {
        let what =
            format!("The source is a standby, which only keeps a copy of the slot \"{name}\"");
        let remedy = "Nothing has to be done if it is about to be promoted. Otherwise connect to \
                      the primary.";
        return Err(Error::new(Kind::ServerBusy, what)
            .on(Side::Source)
            .remedy(remedy));
    }
    if slot.wal_status.as_deref() == Some("lost") {
        let what = format!("The source removed WAL that the slot \"{name}\" needs");
        let remedy = format!("{LOAD_AGAIN} Raise max_slot_wal_keep_size on the source first.");
        return Err(Error::new(Kind::SlotLost, what)
            .on(Side::Source)
            .at(applied)
            .remedy(remedy));
    }
    let Some(confirmed) = slot.confirmed_flush_lsn else {
        if slot.active {
            let what = format!("The slot \"{name}\" is still being made by an earlier session");
            let remedy = "It waits for all transactions that were running when it was asked for: \
                          look for old ones in pg_stat_activity (xact_start).";
            return Err(Error::new(Kind::SlotInUse, what)
                .on(Side::Source)
                .remedy(remedy));
        }
        let what = format!("The slot \"{name}\" never became consistent");
        let remedy = format!("Drop it: {}", sql::remedy::drop_slot(name));
        return Err(Error::new(Kind::SlotUnfit, what)
            .on(Side::Source)
            .remedy(remedy));
    };
    if applied != Lsn::ZERO && confirmed > applied {
        let what = format!(
            "The slot \"{name}\" was acknowledged up to {confirmed}, past the checkpoint: it was \
             made anew or read by others, or the destination lost its last commits"
        );
        return Err(Error::new(Kind::SlotAhead, what)
            .on(Side::Source)
            .at(applied)
            .remedy(LOAD_AGAIN));
    }
    Ok(Some(confirmed))
}
