//! `walferry status`: asks the running daemon's `/status` and draws it.

use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;

use comfy_table::presets::NOTHING;
use comfy_table::{Attribute, Cell, CellAlignment, Color, ContentArrangement, Table};
use indicatif::{HumanBytes, HumanCount};

use super::Outcome;
use crate::config::Config;
use crate::error::{Error, Kind, Result};
use crate::limits;
use crate::lsn::Lsn;
use crate::observe::http::client;
use crate::observe::load::{Load, remaining};
use crate::observe::status::{self, State, Status, TableState};
use crate::printable::OneLine;

/// Options of `walferry status`.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Print the JSON of the daemon's /status as it is
    #[arg(long)]
    json: bool,
    /// Ask and draw again every second, until interrupted
    #[arg(long)]
    watch: bool,
}

/// Prints where the running pipeline is.
///
/// # Errors
/// [`Kind::Config`] when the configuration turns the endpoint off, [`Kind::Unreachable`] when no
/// daemon answers, [`Kind::Authentication`] when it takes another token, [`Kind::Protocol`] when
/// something else answers.
pub(super) async fn run(config: &Config, options: &Options) -> Result<Outcome> {
    let listen = config.observability.listen.ok_or_else(|| {
        Error::new(
            Kind::Config,
            "The daemon's status cannot be asked for: [observability] listen is off",
        )
        .remedy("Set [observability] listen, for example to \"127.0.0.1:9780\", and restart it.")
    })?;
    loop {
        let answer = client::status(&config.observability, listen).await;
        if options.json {
            let mut body = answer?;
            body.push(b'\n');
            print(&body)?;
        } else {
            let drawn = answer.and_then(|body| Ok(draw(&parse(listen, &body)?)));
            // who watches wants to see the daemon come back
            let text = match drawn {
                Err(error) if options.watch => format!("{}\n", OneLine(error)),
                drawn => drawn?,
            };
            print(framed(&text, options.watch).as_bytes())?;
        }
        if !options.watch {
            return Ok(Outcome::Done);
        }
        tokio::time::sleep(limits::STATUS_INTERVAL).await;
    }
}

fn parse(listen: SocketAddr, body: &[u8]) -> Result<Status> {
    serde_json::from_slice(body).map_err(|error| client::not_walferry(listen, &error.to_string()))
}

fn print(text: &[u8]) -> Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text)?;
    Ok(out.flush()?)
}

/// Redrawing replaces the screen on a terminal; elsewhere, one drawing follows another.
fn framed(text: &str, watch: bool) -> String {
    if watch && io::stdout().is_terminal() {
        return format!("\x1b[H\x1b[2J{text}");
    }
    text.to_owned()
}

fn draw(status: &Status) -> String {
    let mut text = facts(status).to_string();
    text.push_str("\n\n");
    text.push_str(&positions(status).to_string());
    if !status.tables.is_empty() {
        text.push_str("\n\n");
        text.push_str(&tables(status).to_string());
    }
    text.push('\n');
    text.push_str(&quarantined(status));
    text
}

fn plain_table() -> Table {
    let mut table = Table::new();
    table
        .load_style(NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic);
    if std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty()) {
        table.force_no_tty();
    }
    table
}

fn facts(status: &Status) -> Table {
    let mut table = plain_table();
    let mut fact = |name: &str, value: Cell| {
        table.add_row(vec![Cell::new(name).add_attribute(Attribute::Bold), value]);
    };
    fact(
        "pipeline",
        Cell::new(OneLine(format!(
            "{}  (walferry {})",
            status.pipeline, status.version
        ))),
    );
    fact("source", Cell::new(OneLine(&status.source)));
    fact("destination", Cell::new(OneLine(&status.destination)));
    fact(
        "state",
        Cell::new(format!("{} since {}", status.state, status.since)).fg(state_color(status.state)),
    );
    if let Some(load) = &status.load {
        fact("load", Cell::new(under_way(load)));
    }
    fact("lag", Cell::new(lag(status)));
    fact("slot", Cell::new(OneLine(slot(status))));
    let sum = status.counters;
    fact(
        "applied",
        Cell::new(format!(
            "{} changes of {} transactions in {} batches",
            HumanCount(sum.changes),
            HumanCount(sum.transactions),
            HumanCount(sum.batches)
        )),
    );
    if let Some(error) = &status.last_error {
        let said = format!("{} ({})", OneLine(&error.what), error.at);
        fact("last error", Cell::new(said).fg(Color::Red));
        if let Some(remedy) = &error.remedy {
            fact("remedy", Cell::new(OneLine(remedy)));
        }
    }
    table
}

/// In two lines, so that it fits.
fn under_way(load: &Load) -> String {
    let (bytes, expected) = (HumanBytes(load.bytes), HumanBytes(load.bytes_expected));
    let rate = load.bytes_per_second.map(rate);
    let left = load
        .remaining_seconds
        .map(|left| format!("{} left", remaining(left)));
    let done = [Some(format!("{bytes} of {expected}")), rate, left];
    format!(
        "{} %, {} of {} tables, {} rows\n{}",
        load.percent,
        load.tables_loaded,
        load.tables,
        HumanCount(load.rows),
        done.into_iter().flatten().collect::<Vec<_>>().join(", ")
    )
}

fn rate(bytes_per_second: u64) -> String {
    format!("{}/s", HumanBytes(bytes_per_second))
}

fn lag(status: &Status) -> String {
    let bytes = status.lag.bytes.map(|b| HumanBytes(b).to_string());
    let seconds = status.lag.seconds.map(|s| format!("{s:.3} s"));
    let known: Vec<String> = [bytes, seconds].into_iter().flatten().collect();
    if known.is_empty() {
        return "not known yet".to_owned();
    }
    known.join(", ")
}

fn slot(status: &Status) -> String {
    let slot = &status.slot;
    let retained = slot.retained_bytes.map(HumanBytes);
    let safe = slot.safe_bytes.map(HumanBytes);
    let known = [
        Some(slot.name.clone()),
        retained.map(|bytes| format!("{bytes} retained")),
        safe.map(|bytes| format!("{bytes} to spare")),
        slot.wal_status.clone(),
    ];
    known.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn positions(status: &Status) -> Table {
    let at = &status.positions;
    let mut table = plain_table();
    let mut names = header(&["POSITION", "LSN"]);
    names.extend(numbers(&["BEHIND"]));
    table.set_header(names);
    for (name, position) in [
        ("server end", at.server_end),
        ("received", at.received),
        ("applied", at.applied),
        ("confirmed", at.confirmed),
    ] {
        let unknown = position == Lsn::ZERO || at.server_end == Lsn::ZERO;
        let behind = if unknown {
            "-".to_owned()
        } else {
            HumanBytes(at.server_end.bytes_since(position)).to_string()
        };
        table.add_row(vec![Cell::new(name), Cell::new(position), right(behind)]);
    }
    table
}

/// A line for each table that the pipeline goes on without.
fn quarantined(status: &Status) -> String {
    let tables = status.tables.iter();
    let errors = tables.filter_map(|table| Some((table, table.error.as_ref()?)));
    let lines = errors.map(|(table, error)| {
        let name = OneLine(format!("{}.{}", table.schema, table.table));
        format!("{name} is quarantined: {}\n", OneLine(error))
    });
    lines.collect::<Vec<_>>().concat()
}

fn tables(status: &Status) -> Table {
    if status.state == State::Snapshot {
        return loading_tables(status);
    }
    let mut table = plain_table();
    let mut names = header(&["TABLE", "STATE"]);
    names.extend(numbers(&["ROWS LOADED", "BYTES", "LOADED", "CHANGES"]));
    table.set_header(names);
    for one in &status.tables {
        table.add_row(vec![
            name(one),
            Cell::new(one.state).fg(table_color(one.state)),
            right(HumanCount(one.rows).to_string()),
            right(HumanBytes(one.bytes).to_string()),
            right(format!("{} %", one.percent)),
            right(HumanCount(one.changes).to_string()),
        ]);
    }
    table
}

/// During the initial load nothing else changes them: how fast they come takes the place of that.
/// Narrow, so that names keep theirs.
fn loading_tables(status: &Status) -> Table {
    let mut table = plain_table();
    let mut names = header(&["TABLE", "STATE"]);
    names.extend(numbers(&["ROWS", "BYTES", "RATE", "LEFT"]));
    table.set_header(names);
    for one in &status.tables {
        let state = match one.state {
            TableState::Copying => format!("{} %", one.percent),
            other => other.to_string(),
        };
        table.add_row(vec![
            name(one),
            Cell::new_owned(state).fg(table_color(one.state)),
            right(HumanCount(one.rows).to_string()),
            right(HumanBytes(one.bytes).to_string()),
            right(one.bytes_per_second.map_or_else(String::new, rate)),
            right(one.remaining_seconds.map_or_else(String::new, remaining)),
        ]);
    }
    table
}

fn name(table: &status::Table) -> Cell {
    Cell::new(OneLine(format!("{}.{}", table.schema, table.table)))
}

fn header(names: &[&str]) -> Vec<Cell> {
    let bold = |name: &&str| Cell::new(name).add_attribute(Attribute::Bold);
    names.iter().map(bold).collect()
}

/// Headers that stand over numbers.
fn numbers(names: &[&str]) -> Vec<Cell> {
    let cells = header(names).into_iter();
    cells
        .map(|cell| cell.set_alignment(CellAlignment::Right))
        .collect()
}

fn right(text: String) -> Cell {
    Cell::new_owned(text).set_alignment(CellAlignment::Right)
}

fn state_color(state: State) -> Color {
    match state {
        State::Streaming => Color::Green,
        State::Starting | State::Preflight | State::Snapshot => Color::Blue,
        State::Retrying | State::Draining | State::Stopped => Color::Yellow,
        State::Halted => Color::Red,
    }
}

fn table_color(state: TableState) -> Color {
    match state {
        TableState::Live => Color::Green,
        TableState::Copying | TableState::Indexing => Color::Blue,
        TableState::Pending => Color::Yellow,
        TableState::Quarantined => Color::Red,
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::catalog::TableName;
    use crate::observe::http::serve;
    use crate::observe::http::tests::open;
    use crate::observe::{Board, Identity};

    async fn fetch(address: SocketAddr) -> Result<Vec<u8>> {
        client::status(&open(), address).await
    }

    fn board() -> Board {
        let board = Board::new(Identity {
            pipeline: "app".to_owned(),
            slot: "walferry_app".to_owned(),
            ..Identity::default()
        });
        board.state(State::Streaming);
        board.positions(Lsn(3072), Lsn(2048), Lsn(1024), Lsn(4096));
        board.lag_seconds(0.25);
        board.slot(1 << 20, Some(1 << 30), "reserved");
        board.table_done(&TableName::new("public", "users"), 1234, 2048);
        board.table_quarantined(&TableName::new("public", "bad"), "It was refused");
        board.error(&Error::new(Kind::Contention, "Deadlock").remedy("Wait for it."));
        board
    }

    #[tokio::test]
    async fn the_daemons_own_answer_is_fetched_and_drawn() {
        let shutdown = CancellationToken::new();
        let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let config = open();
        let server = serve(&config, anywhere, board(), shutdown.clone());
        let server = server.await.unwrap();
        tokio::spawn(server.task);
        let body = fetch(server.address).await.unwrap();
        let text = draw(&parse(server.address, &body).unwrap());
        for expected in [
            "app",
            "streaming",
            "2.00 KiB, 0.250 s",
            "walferry_app, 1.00 MiB retained",
            "0/800",
            "public.users",
            "1,234",
            "100 %",
            "Deadlock",
            "Wait for it.",
            "public.bad is quarantined: It was refused",
        ] {
            assert!(text.contains(expected), "{expected} in\n{text}");
        }
    }

    #[test]
    fn a_load_is_drawn_in_80_columns_and_leaves_nothing_behind() {
        let name = TableName::new("public", "pgbench_accounts");
        let board = Board::new(Identity::default());
        board.state(State::Snapshot);
        board.table_done(&TableName::new("public", "users"), 1234, 2048);
        board.table_expected(&name, 1 << 30);
        board.table_copied(&name, 1 << 29, 1_234_567);
        let mut status = board.status();
        let load = status.load.as_mut().unwrap();
        load.bytes_per_second = Some(99 << 20);
        load.remaining_seconds = Some(3_599);
        let table = &mut status.tables[0];
        table.bytes_per_second = Some(99 << 20);
        table.remaining_seconds = Some(3_599);
        let text = draw(&status);
        for expected in [
            "load         50 %, 1 of 2 tables, 1,235,801 rows",
            "512.00 MiB of 1.00 GiB, 99.00 MiB/s, 59 m 59 s left",
            "public.pgbench_accounts  50 %   1,234,567  512.00 MiB  99.00 MiB/s  59 m 59 s",
        ] {
            assert!(text.contains(expected), "{expected} in\n{text}");
        }
        let wide = |line: &&str| line.trim_end().chars().count() > 80;
        assert_eq!(text.lines().find(wide), None, "{text}");
        board.state(State::Streaming);
        board.table_done(&name, 1, 1);
        let text = draw(&board.status());
        let gone = !text.contains("load  ") && text.contains("CHANGES");
        assert!(gone, "{text}");
    }

    #[tokio::test]
    async fn a_daemon_that_does_not_run_is_named_with_a_way_out() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let error = fetch(address).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Unreachable);
        assert!(
            error
                .hint()
                .is_some_and(|hint| hint.contains("walferry run"))
        );
    }

    #[tokio::test]
    async fn another_service_on_the_port_is_told_apart() {
        for answer in [
            "SSH-2.0-OpenSSH_9.2\r\n",
            "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}",
        ] {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
            let address = listener.local_addr().unwrap();
            let server = tokio::spawn(async move {
                let (mut stream, _) = listener.accept().await.unwrap();
                stream.write_all(answer.as_bytes()).await.unwrap();
                // kept open, as a server with keep-alive does
                stream
            });
            let outcome = fetch(address).await.and_then(|body| parse(address, &body));
            assert_eq!(outcome.unwrap_err().kind(), Kind::Protocol, "{answer}");
            server.await.unwrap();
        }
    }
}
