//! Who may knock: a few at a time at each SSH server, since sshd turns the others away
//! (`MaxStartups`).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::error::{Error, Kind, Result};
use crate::limits::{SSH_HANDSHAKES_MAX, SSH_TURN_MAX};

/// Of this whole process, by address: both sides may use the same server.
static DOORS: Mutex<BTreeMap<String, Arc<Semaphore>>> = Mutex::new(BTreeMap::new());

/// Waits for a turn at the server; it lasts until the answer is dropped.
pub(super) async fn turn(address: &str) -> Result<OwnedSemaphorePermit> {
    let door = {
        let mut doors = DOORS.lock().unwrap_or_else(PoisonError::into_inner);
        let door = doors
            .entry(address.to_owned())
            .or_insert_with(|| Arc::new(Semaphore::new(SSH_HANDSHAKES_MAX)));
        Arc::clone(door)
    };
    if let Ok(Ok(turn)) = timeout(SSH_TURN_MAX, door.acquire_owned()).await {
        return Ok(turn);
    }
    let seconds = SSH_TURN_MAX.as_secs();
    let what = format!("It was not our turn at {address} within {seconds} s");
    Err(Error::new(Kind::Unreachable, what)
        .remedy("It lets others in too slowly: see the load and the log of its sshd."))
}
