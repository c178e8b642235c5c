//! Where a promoted server left the timelines that it was on before.
//!
//! A standby that is promoted goes on with a timeline of its own from where it stood. What its
//! primary wrote after that is not in its log, whatever its positions say later: they count on from
//! there, and soon stand for other bytes than those of the old primary.

use super::connection::Connection;
use crate::error::Result;
use crate::lsn::Lsn;
use crate::sql::replication::timeline_history;

/// Where the server, on the timeline `now`, left its earlier timeline `then`; `None` when it never
/// was on that.
///
/// # Errors
/// When the server does not have the history of its timeline.
pub async fn left(session: &mut Connection, now: i32, then: i32) -> Result<Option<Lsn>> {
    let doing = "read the history of the source's timeline";
    let rows = session.query(doing, &timeline_history(now)).await?;
    let text = rows.into_iter().next().and_then(|mut row| row.pop()?);
    Ok(text.and_then(|text| left_in(&text, then)))
}

/// The lines of a history are the number of a timeline, where it was left, and why.
fn left_in(history: &str, then: i32) -> Option<Lsn> {
    history.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        let timeline: i32 = words.next()?.parse().ok()?;
        let left = words.next()?.parse().ok()?;
        (timeline == then).then_some(left)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::{Target, fuzz, outcome_of_text};

    const HISTORY: &str = "1\t0/3000148\tno recovery target specified\n\n\
                           # by hand\n3\t16/B374D848\tat restore point \"1 a\"\n";

    #[test]
    fn a_timeline_was_left_where_its_line_says() {
        assert_eq!(left_in(HISTORY, 1), Some(Lsn(0x300_0148)));
        assert_eq!(left_in(HISTORY, 3), Some(Lsn(0x16_B374_D848)));
        assert_eq!(left_in(HISTORY, 2), None);
    }

    #[test]
    fn fuzzed_histories_never_panic() {
        let target = Target {
            name: "timeline history",
            one_in: 1,
            times: 4_096,
            samples: vec![HISTORY.as_bytes().to_vec()],
        };
        fuzz(target, |bytes| {
            let left = left_in(&String::from_utf8_lossy(bytes), 3);
            outcome_of_text(&left.map_or(String::new(), |left| left.to_string()))
        });
    }
}
