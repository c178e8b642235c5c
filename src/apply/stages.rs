//! The staging tables of a session, made when first needed.

use std::collections::HashMap;

use super::flight::{Sent, Session, Wanted};
use super::steps::Step;
use crate::batch::{RowIdentity, Target, TargetColumn};
use crate::limits::{STAGE_DEAD_BYTES_MAX, STAGES_MAX};
use crate::sql::apply::{self as sql, Staged};

/// The staging tables of one session.
#[derive(Default)]
pub(super) struct Stages {
    stages: HashMap<(u32, Staged), Stage>,
    made: u64,
}

/// A staging table.
#[derive(Debug)]
struct Stage {
    name: String,
    /// What it was made for.
    columns: Vec<TargetColumn>,
    identity: RowIdentity,
    wide: bool,
    /// Bytes that were deleted from it since it was last truncated.
    dead_bytes: u64,
}

impl Stages {
    /// Makes room where a transaction begins, so that nothing in use is dropped. A transaction of
    /// several parts may have more than that many, and one that is rolled back leaves those that
    /// were dropped here, until the session ends.
    pub(super) fn make_room(&mut self, session: &mut Session, target_count: usize) {
        if self.stages.len() + target_count > STAGES_MAX {
            self.drop_all(session);
        }
    }

    /// Drops all, also those that a rollback has removed.
    pub(super) fn drop_all(&mut self, session: &mut Session) {
        for (_, stage) in self.stages.drain() {
            session.once(&sql::drop_stage(&stage.name, stage.wide));
        }
        session.forget_statements();
    }

    /// The name of the staging table for a target; it is made if it is not there.
    pub(super) fn name(
        &mut self,
        session: &mut Session,
        target: &Target,
        staged: Staged,
    ) -> String {
        if let Some(stage) = self.stages.get(&(target.oid, staged)) {
            let same = stage.columns == target.columns && stage.identity == target.identity;
            if same && stage.wide == target.wide {
                return stage.name.clone();
            }
            session.once(&sql::drop_stage(&stage.name, stage.wide));
        }
        self.made += 1;
        let name = format!("walferry_{}", self.made);
        for statement in sql::create_stage(&name, target, staged) {
            session.once(&statement);
        }
        let stage = Stage {
            name: name.clone(),
            columns: target.columns.clone(),
            identity: target.identity.clone(),
            wide: target.wide,
            dead_bytes: 0,
        };
        self.stages.insert((target.oid, staged), stage);
        name
    }

    /// Empties a staging table after use, when it had `bytes` more. DELETE leaves dead rows,
    /// TRUNCATE writes to the catalogs: the first while there is little, the second once there
    /// is much.
    pub(super) fn empty(
        &mut self,
        session: &mut Session,
        target: &Target,
        staged: Staged,
        step: Step,
        bytes: u64,
    ) {
        let Some(stage) = self.stages.get_mut(&(target.oid, staged)) else {
            return;
        };
        stage.dead_bytes += bytes;
        let statement = if stage.dead_bytes > STAGE_DEAD_BYTES_MAX {
            stage.dead_bytes = 0;
            sql::truncate_stage(&stage.name)
        } else {
            sql::empty_stage(&stage.name)
        };
        let sent = Sent {
            step,
            table: None,
            wanted: Wanted::Done,
        };
        session.execute(&statement, std::iter::empty(), sent);
    }
}
