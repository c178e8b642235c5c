//! The session that changes the tables. It sends in *flights*: any number of statements with
//! their values and COPY data, one Sync, and only then does it wait for the answers.
//!
//! **Why this is right.** A server does what comes in a flight one after the other, and after an
//! error nothing more until the Sync. So nothing that was sent behind a faulty statement is done,
//! and the first error is the one that counts. A batch and its checkpoint row are one flight,
//! COMMIT is another: it is not sent before every statement is known to have touched as many rows
//! as it should.
//!
//! **What can go wrong.** A server that has answers to give may stop reading. While a flight is
//! written its answers are therefore read; nothing waits for the other side in a circle.
//!
//! A server keeps the plan of a join for as long as nobody changes or analyses its tables. One that
//! was made for a handful of rows reads all of the table for each staged row (seen on 18), and
//! would still do so when there are millions. A table only grows by rows that were sent here, so
//! joins are prepared anew after every [`PLAN_ROWS_MAX`] of these.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::time::Instant;

use bytes::{BufMut, BytesMut};

use super::encode::{self, Format, FormatMismatch};
use super::message::{begin, bind_values, close, end, parse, put_string, statement_name};
use super::steps::{Step, Steps};
use crate::decode::Cell;
use crate::error::{Error, Kind, Result, Side};
use crate::limits::{COPY_CHUNK_BYTES, FLIGHT_BACKLOG_BYTES, PLAN_ROWS_MAX, STATEMENTS_MAX};
use crate::source::{Connection, Mode, Wire, answer_error, lost, unexpected};
use crate::sql::apply as sql;
use crate::transport::{Endpoint, Transport};

/// Completes "Could not …".
pub(super) const DOING: &str = "apply a batch";

/// A session of walferry's own protocol, and what was sent on it.
pub(super) struct Session {
    wire: Wire<Transport>,
    /// Prepared statements by their text.
    prepared: HashMap<String, Prepared>,
    numbers: u32,
    /// Rows that each table got, by its oid on the source.
    added: HashMap<u32, u64>,
    /// Statements whose answers have not come, in order.
    sent: VecDeque<Sent>,
    /// The first thing that went wrong in this flight.
    failure: Option<Failure>,
    row: Option<Row>,
    steps: Steps,
    /// When the last answer came: statements are timed by their answers.
    answered_at: Instant,
}

/// A statement that the server keeps, with its plan.
#[derive(Clone, Copy, Debug)]
struct Prepared {
    number: u32,
    /// What its table had got by then.
    added: u64,
}

/// The values of a row, as text.
pub(super) type Row = Vec<Option<String>>;

/// A statement that waits for its answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    /// What its time counts as.
    pub(super) step: Step,
    /// The table that it is about, by its place in the batch, or in the list of who sends it.
    pub(super) table: Option<usize>,
    /// What its answer has to be.
    pub(super) wanted: Wanted,
}

/// What the answer to a statement has to be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wanted {
    /// Anything but an error.
    Done,
    /// This many rows; what they are completes "Of 3 …".
    Rows(u64, &'static str),
    /// That it committed, not that it rolled back.
    Committed,
    /// One row: none when another daemon has taken the pipeline over.
    Ours,
    /// No row: one when the table has got something that the catalog did not tell of.
    AsKnown,
}

/// What went wrong, and with which table of the batch.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) error: Error,
    pub(super) table: Option<usize>,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure { error, table: None }
    }
}

/// What a flight brought.
pub(super) struct Landed {
    /// The last row of its last statement that returned one.
    pub(super) row: Option<Row>,
    /// Where its time went.
    pub(super) steps: Steps,
}

impl Session {
    /// Connects, and sets what holds for all batches; `settings` are statements.
    pub(super) async fn open(endpoint: &Endpoint, settings: &[&str]) -> Result<Self> {
        let mut connection = Connection::open(endpoint, "apply", Mode::Sql).await?;
        connection
            .query("set the session up", &settings.join("; "))
            .await?;
        Ok(Session {
            wire: connection.into_wire(),
            prepared: HashMap::new(),
            numbers: 0,
            added: HashMap::new(),
            sent: VecDeque::new(),
            failure: None,
            row: None,
            steps: Steps::default(),
            answered_at: Instant::now(),
        })
    }

    /// Forgets the prepared statements once there are very many.
    pub(super) fn make_room(&mut self) {
        if self.prepared.len() > STATEMENTS_MAX {
            self.forget_statements();
        }
    }

    /// Forgets the prepared statements.
    pub(super) fn forget_statements(&mut self) {
        self.once(sql::FORGET_STATEMENTS);
        self.prepared.clear();
        self.added.clear();
    }

    /// Sends a statement that will not come again.
    pub(super) fn once(&mut self, text: &str) {
        self.once_for(None, text);
    }

    /// The same, about a table by its place in the list of who sends it.
    pub(super) fn once_for(&mut self, table: Option<usize>, text: &str) {
        parse(self.wire.outgoing(), "", text);
        self.run("", |_| 0);
        self.note(Step::Other, table, Wanted::Done);
    }

    /// Sends a statement, prepared at its first use, with values as the wire has them.
    pub(super) fn execute<'v>(
        &mut self,
        text: &str,
        values: impl Iterator<Item = Cell<'v>> + Clone,
        sent: Sent,
    ) {
        let name = self.prepare(text, 0);
        self.run(&name, |out| bind_values(out, values));
        self.sent.push_back(sent);
    }

    /// The same for one whose plan depends on how large the table is that has this oid.
    pub(super) fn join<'v>(
        &mut self,
        oid: u32,
        text: &str,
        values: impl Iterator<Item = Cell<'v>> + Clone,
        sent: Sent,
    ) {
        let added = self.added.get(&oid).copied().unwrap_or_default();
        let name = self.prepare(text, added);
        self.run(&name, |out| bind_values(out, values));
        self.sent.push_back(sent);
    }

    /// The table gets rows.
    pub(super) fn add(&mut self, oid: u32, rows: u64) {
        *self.added.entry(oid).or_default() += rows;
    }

    /// Sends a statement whose parameters are arrays of `types`, each of one column of `rows`; so
    /// many rows have to be touched. It is planned for just these, each time: a plan that is kept
    /// would be one for a handful.
    pub(super) async fn execute_lists<'r, R>(
        &mut self,
        text: &str,
        types: &[u32],
        rows: impl Iterator<Item = R> + Clone,
        sent: Sent,
    ) -> Result<(), Failure>
    where
        R: Iterator<Item = Cell<'r>>,
    {
        parse(self.wire.outgoing(), "", text);
        let mut count = Ok(0);
        self.run("", |out| {
            // all of them are binary
            out.put_i16(1);
            out.put_i16(1);
            let number = i16::try_from(types.len()).unwrap_or(i16::MAX);
            out.put_i16(number);
            for (at, element) in types.iter().enumerate() {
                let values = rows.clone().filter_map(|mut row| row.nth(at));
                count = count.and_then(|_| encode::list(*element, values, out));
            }
            number
        });
        let count = count.map_err(|error| mixed(error, sent.table))?;
        let wanted = match sent.wanted {
            Wanted::Rows(_, what) => Wanted::Rows(count, what),
            other => other,
        };
        self.sent.push_back(Sent { wanted, ..sent });
        self.relieve().await
    }

    /// Sends a COPY and its rows; there have to be `sent.wanted` of them unless that is
    /// [`Wanted::Done`]. Returns their number and bytes.
    pub(super) async fn copy<'r, R>(
        &mut self,
        text: &str,
        format: Format,
        rows: impl Iterator<Item = R>,
        sent: Sent,
    ) -> Result<(u64, u64), Failure>
    where
        R: Iterator<Item = Cell<'r>>,
    {
        let name = self.prepare(text, 0);
        self.run(&name, |_| 0);
        self.sent.push_back(sent);
        let (mut count, mut bytes) = (0, 0);
        let mut piece = begin(self.wire.outgoing(), b'd');
        format.begin(self.wire.outgoing());
        for row in rows {
            let out = self.wire.outgoing();
            format
                .row(row, out)
                .map_err(|error| mixed(error, sent.table))?;
            count += 1;
            if out.len() - piece >= COPY_CHUNK_BYTES {
                bytes += end(out, piece);
                self.relieve().await?;
                piece = begin(self.wire.outgoing(), b'd');
            }
        }
        let out = self.wire.outgoing();
        format.end(out);
        bytes += end(out, piece);
        let done = begin(out, b'c');
        end(out, done);
        if let Some(Sent {
            wanted: Wanted::Rows(wanted, _),
            ..
        }) = self.sent.back_mut()
        {
            *wanted = count;
        }
        self.relieve().await?;
        Ok((count, bytes))
    }

    /// Ends the flight and waits for all answers.
    pub(super) async fn land(&mut self) -> Result<Landed, Failure> {
        let out = self.wire.outgoing();
        let sync = begin(out, b'S');
        end(out, sync);
        while !self.take_answers()? {
            let exchanged = self.wire.fill().await;
            exchanged.map_err(|error| lost(Side::Destination, DOING, &error))?;
        }
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        Ok(Landed {
            row: self.row.take(),
            steps: std::mem::take(&mut self.steps),
        })
    }

    /// As much waits to be written as should.
    pub(super) fn is_full(&mut self) -> bool {
        self.wire.outgoing().len() > FLIGHT_BACKLOG_BYTES
    }

    /// Writes what has piled up, and gives up at once when the server has refused something.
    pub(super) async fn relieve(&mut self) -> Result<(), Failure> {
        while self.is_full() {
            let exchanged = self.wire.exchange().await;
            exchanged.map_err(|error| lost(Side::Destination, DOING, &error))?;
            self.take_answers()?;
        }
        match self.failure.take() {
            Some(failure) => Err(failure),
            None => Ok(()),
        }
    }

    fn note(&mut self, step: Step, table: Option<usize>, wanted: Wanted) {
        self.sent.push_back(Sent {
            step,
            table,
            wanted,
        });
    }

    /// The name under which a statement is prepared; `Parse` is sent when it is not yet, or when
    /// its table has got too many rows since, of `added` in all.
    fn prepare(&mut self, text: &str, added: u64) -> String {
        if self.sent.is_empty() && self.wire.outgoing().is_empty() {
            self.answered_at = Instant::now();
        }
        match self.prepared.get(text) {
            Some(prepared) if added - prepared.added < PLAN_ROWS_MAX => {
                return statement_name(prepared.number);
            }
            Some(outgrown) => close(self.wire.outgoing(), &statement_name(outgrown.number)),
            None => {}
        }
        self.numbers += 1;
        let (number, name) = (self.numbers, statement_name(self.numbers));
        parse(self.wire.outgoing(), &name, text);
        self.prepared
            .insert(text.to_owned(), Prepared { number, added });
        name
    }

    /// Bind and Execute; `values` writes formats and values and says how many there are.
    fn run(&mut self, name: &str, values: impl FnOnce(&mut BytesMut) -> i16) {
        let out = self.wire.outgoing();
        let bind = begin(out, b'B');
        out.put_u8(0);
        put_string(out, name);
        if values(out) == 0 {
            out.put_i16(0);
            out.put_i16(0);
        }
        // results come as text
        out.put_i16(0);
        end(out, bind);
        let execute = begin(out, b'E');
        out.put_u8(0);
        out.put_i32(0);
        end(out, execute);
    }

    /// Takes the answers that have arrived; true once the flight has landed.
    fn take_answers(&mut self) -> Result<bool> {
        let failed = |error| lost(Side::Destination, DOING, &error);
        while let Some(frame) = self.wire.next_frame().map_err(failed)? {
            match frame.tag {
                b'C' => {
                    let tag = String::from_utf8_lossy(frame.body).into_owned();
                    self.completed(tag.trim_end_matches('\0'))?;
                }
                b'D' => self.row = Some(text_row(frame.body)?),
                b'E' => {
                    let error = answer_error(Side::Destination, DOING, frame.whole);
                    let table = self.sent.front().and_then(|sent| sent.table);
                    self.failure.get_or_insert(Failure { error, table });
                }
                b'Z' => {
                    self.sent.clear();
                    return Ok(true);
                }
                // prepared, bound, closed, no data, described, ready for COPY data; notices and
                // settings
                b'1' | b'2' | b'3' | b'n' | b'T' | b'G' | b'N' | b'S' | b'I' => {}
                _ => return Err(unexpected(Side::Destination, DOING)),
            }
        }
        Ok(false)
    }

    fn completed(&mut self, tag: &str) -> Result<()> {
        let Some(sent) = self.sent.pop_front() else {
            return Err(unexpected(Side::Destination, DOING));
        };
        let now = Instant::now();
        self.steps.add(sent.step, now - self.answered_at);
        self.answered_at = now;
        let error = match sent.wanted {
            Wanted::Done => None,
            Wanted::Rows(wanted, what) => {
                let count = tag.rsplit(' ').next().and_then(|n| n.parse().ok());
                let found: u64 = count.unwrap_or(0);
                (found != wanted).then(|| diverged(found, wanted, what))
            }
            Wanted::Ours => tag.ends_with(" 0").then(|| {
                let what = "Another walferry took over the pipeline";
                Error::new(Kind::Fenced, what).on(Side::Destination)
            }),
            Wanted::AsKnown => (!tag.ends_with(" 0")).then(|| {
                let what = "The destination table has got a trigger, a foreign key, a rule, a \
                            child, a column or a publication meanwhile: its rows are written in \
                            another way";
                Error::new(Kind::Contention, what).on(Side::Destination)
            }),
            Wanted::Committed => (tag != sql::COMMIT).then(|| {
                let what = "The destination rolled back a batch instead of committing it";
                Error::new(Kind::Unknown, what).on(Side::Destination)
            }),
        };
        if let Some(error) = error {
            let table = sent.table;
            self.failure.get_or_insert(Failure { error, table });
        }
        Ok(())
    }
}

fn diverged(found: u64, wanted: u64, what: &str) -> Error {
    let what = format!("Of {wanted} {what}, the destination table took or had {found}");
    let remedy = "Somebody else wrote to the table, or a trigger skips rows. Stop that, then load \
                  the table again: `walferry resync`, and start walferry. Nothing of this batch \
                  was committed.";
    Error::new(Kind::Diverged, what)
        .on(Side::Destination)
        .remedy(remedy)
}

pub(super) fn mixed(_: FormatMismatch, table: Option<usize>) -> Failure {
    let what = "The source sent a value in another format than the table's other values";
    let error = Error::new(Kind::Protocol, what).on(Side::Source);
    Failure { error, table }
}

/// The values of a `DataRow`.
fn text_row(body: &[u8]) -> Result<Row> {
    let broken = || unexpected(Side::Destination, DOING);
    let (count, mut rest) = body.split_first_chunk::<2>().ok_or_else(broken)?;
    let mut row = Vec::new();
    for _ in 0..u16::from_be_bytes(*count) {
        let (length, after) = rest.split_first_chunk::<4>().ok_or_else(broken)?;
        let Ok(length) = usize::try_from(i32::from_be_bytes(*length)) else {
            row.push(None);
            rest = after;
            continue;
        };
        let (value, after) = after.split_at_checked(length).ok_or_else(broken)?;
        row.push(Some(String::from_utf8_lossy(value).into_owned()));
        rest = after;
    }
    Ok(row)
}
