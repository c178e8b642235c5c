//! A logged-in connection: simple queries, COPY out, and the way into replication.

use std::time::Instant;

use bytes::{BufMut, Bytes, BytesMut};
use fallible_iterator::FallibleIterator;
use postgres_protocol::message::{backend, frontend};

use super::login::{Login, lost, message, server_error, unexpected};
use super::stream::Stream;
use super::wire::Wire;
use crate::error::{Error, Kind, Result, Side};
use crate::limits::{
    ANSWER_BYTES_MAX, COPY_CHUNK_BYTES, COPY_ROW_BYTES, NEAR_ANSWER_MAX, STREAM_BACKLOG_BYTES,
    WAL_SENDER_TIMEOUT,
};
use crate::lsn::Lsn;
use crate::sql;
use crate::sql::replication::Format;
use crate::transport::{Endpoint, Process, Transport, establish, watch};

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A walsender: replication commands, and SQL by simple queries.
    Replication,
    /// An ordinary session.
    Sql,
}

/// A row of a simple query's result, as text.
pub(super) type TextRow = Vec<Option<String>>;

/// A connection that walferry speaks itself.
pub struct Connection {
    wire: Wire<Transport>,
    side: Side,
    /// A COPY was started and its end has not come.
    copying: bool,
}

impl Connection {
    /// Connects and logs in, with the session's settings pinned.
    pub async fn open(endpoint: &Endpoint, application: &str, mode: Mode) -> Result<Self> {
        let application = &format!("walferry {application}");
        let side = endpoint.side;
        // a program that makes it has a limit of its own
        let password = &endpoint.password().await?;
        let (connection, process) = establish(endpoint, |transport: Transport| async move {
            let mut parameters = vec![
                ("database", endpoint.database.as_str()),
                ("application_name", application),
            ];
            let settings = match mode {
                Mode::Replication => sql::session::walsender_settings(),
                Mode::Sql => sql::session::settings(side),
            };
            parameters.extend(settings.iter().map(|(name, value)| (*name, value.as_ref())));
            if mode == Mode::Replication {
                parameters.push(("replication", "database"));
            }
            let login = Login {
                endpoint,
                password: password.clone(),
                parameters,
                private: transport.is_encrypted() || transport.is_local(),
                tls_server_end_point: transport.tls_server_end_point().map(<[u8]>::to_vec),
            };
            let mut wire = Wire::new(transport);
            login.run(&mut wire).await?;
            let mut connection = Connection {
                wire,
                side,
                copying: false,
            };
            let begin = [sql::session::WHICH_PROCESS, sql::session::NO_NEWER_LIMITS].join("; ");
            let which = connection.query("begin the session", &begin).await?;
            let which = which.into_iter().next();
            let which = which.and_then(|mut row| Process::parse(&row.pop()??));
            Ok((connection, which.unwrap_or_default()))
        })
        .await?;
        watch(endpoint, application, process, connection.wire.stream());
        Ok(connection)
    }

    /// The bytes themselves, for who speaks the rest of the protocol.
    pub(crate) fn into_wire(self) -> Wire<Transport> {
        self.wire
    }

    /// Runs a statement by the simple protocol; the rows of all its results, which are no more than
    /// [`ANSWER_BYTES_MAX`].
    pub async fn query(&mut self, doing: &str, sql: &str) -> Result<Vec<TextRow>> {
        frontend::query(sql, self.wire.outgoing())?;
        let mut rows = Vec::new();
        let mut left = ANSWER_BYTES_MAX;
        let mut failure = None;
        loop {
            let received = message(&mut self.wire, self.side, doing).await;
            match received {
                Ok(backend::Message::DataRow(body)) => {
                    let row = text_row(&body)?;
                    let values = row.len() * size_of::<Option<String>>();
                    let bytes = size_of::<TextRow>() + values + body.buffer().len();
                    let rest = left.checked_sub(bytes);
                    left = rest.ok_or_else(|| unexpected(self.side, doing))?;
                    rows.push(row);
                }
                Ok(backend::Message::ReadyForQuery(_)) => break,
                Ok(_) => {}
                // The server still sends ReadyForQuery after an error of its own.
                Err(error) if error.sqlstate().is_some() => failure = Some(error),
                Err(error) => return Err(error),
            }
        }
        failure.map_or(Ok(rows), Err)
    }

    /// Starts `COPY … TO STDOUT`; the data follows by [`Connection::copy_chunk`].
    pub async fn copy_out(&mut self, doing: &str, sql: &str) -> Result<()> {
        frontend::query(sql, self.wire.outgoing())?;
        match message(&mut self.wire, self.side, doing).await? {
            backend::Message::CopyOutResponse(_) => {
                self.copying = true;
                Ok(())
            }
            _ => Err(unexpected(self.side, doing)),
        }
    }

    /// The next piece of a COPY, of about [`COPY_CHUNK_BYTES`], and its rows; `None` at the end.
    pub async fn copy_chunk(&mut self, doing: &str) -> Result<Option<(Bytes, u64)>> {
        let mut chunk = BytesMut::new();
        let mut rows = 0;
        while self.copying {
            let frame = self
                .wire
                .frame()
                .await
                .map_err(|error| lost(self.side, doing, &error))?;
            match frame.tag {
                b'd' => {
                    if chunk.is_empty() {
                        chunk.reserve(COPY_CHUNK_BYTES + COPY_ROW_BYTES);
                    }
                    rows += 1;
                    chunk.put_slice(frame.body);
                    if chunk.len() >= COPY_CHUNK_BYTES {
                        return Ok(Some((chunk.freeze(), rows)));
                    }
                }
                b'c' => self.end_copy(doing).await?,
                b'N' | b'S' => {}
                b'E' => return Err(answer_error(self.side, doing, frame.whole)),
                _ => return Err(unexpected(self.side, doing)),
            }
        }
        Ok((!chunk.is_empty()).then(|| (chunk.freeze(), rows)))
    }

    async fn end_copy(&mut self, doing: &str) -> Result<()> {
        self.copying = false;
        loop {
            let received = message(&mut self.wire, self.side, doing).await?;
            if let backend::Message::ReadyForQuery(_) = received {
                return Ok(());
            }
        }
    }

    /// Turns the connection into a stream that starts after `start`.
    pub async fn start_replication(
        mut self,
        slot: &str,
        start: Lsn,
        publications: &[String],
        format: Format,
    ) -> Result<Stream> {
        let doing = "start the replication stream";
        if format.version >= 120_000 {
            let timeout = sql::replication::set_wal_sender_timeout(WAL_SENDER_TIMEOUT.as_millis());
            let asked = Instant::now();
            self.query("set wal_sender_timeout", &timeout).await?;
            if asked.elapsed() <= NEAR_ANSWER_MAX {
                self.wire.stream().limit_backlog(STREAM_BACKLOG_BYTES);
            }
        }
        let statement = sql::replication::start_replication(slot, start, publications, format);
        frontend::query(&statement, self.wire.outgoing())?;
        loop {
            let frame = self
                .wire
                .frame()
                .await
                .map_err(|error| lost(self.side, doing, &error))?;
            match frame.tag {
                b'W' => return Ok(Stream::new(self.wire, format.in_progress)),
                b'N' | b'S' => {}
                b'E' => return Err(answer_error(self.side, doing, frame.whole)),
                _ => return Err(unexpected(self.side, doing)),
            }
        }
    }
}

/// The error that an `ErrorResponse` frame holds.
pub(crate) fn answer_error(side: Side, doing: &str, whole: &[u8]) -> Error {
    match backend::Message::parse(&mut BytesMut::from(whole)) {
        Ok(Some(backend::Message::ErrorResponse(body))) => {
            server_error(&body).into_error(side, doing)
        }
        _ => Error::new(Kind::Protocol, "The server sent a broken error message").on(side),
    }
}

fn text_row(body: &backend::DataRowBody) -> Result<TextRow> {
    let (buffer, mut ranges) = (body.buffer(), body.ranges());
    // one by one: collecting would make room for as many as the server announces
    let mut row = TextRow::new();
    while let Some(range) = ranges.next()? {
        row.push(range.map(|range| String::from_utf8_lossy(&buffer[range]).into_owned()));
    }
    Ok(row)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::{Target, fuzz, outcome};

    fn framed(tag: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 4).unwrap();
        [&[tag], length.to_be_bytes().as_slice(), body].concat()
    }

    #[test]
    fn fuzzed_messages_of_a_server_never_panic() {
        let error = b"SERROR\0VERROR\0C23505\0Mduplicate key\0nk\0st\0tu\0\0";
        let row = b"\0\x02\0\0\0\x01a\xff\xff\xff\xff";
        let target = Target {
            name: "backend messages",
            one_in: 1,
            // a copy, and what was taken out of it
            times: 6,
            samples: vec![error.to_vec(), row.to_vec()],
        };
        fuzz(target, |bytes| {
            let error = answer_error(Side::Source, "read", &framed(b'E', bytes));
            let mut whole = BytesMut::from(framed(b'D', bytes).as_slice());
            let row = match backend::Message::parse(&mut whole) {
                Ok(Some(backend::Message::DataRow(body))) => text_row(&body).ok(),
                _ => None,
            };
            outcome((error.kind().as_str(), row.map(|row| row.len())))
        });
    }
}
