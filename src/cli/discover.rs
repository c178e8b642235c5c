//! `walferry discover`

use bytesize::ByteSize;

use super::Outcome;
use crate::catalog::ReplicaIdentity;
use crate::catalog::source::{self, SourceTable};
use crate::config::Config;
use crate::error::{Error, Kind, Result};
use crate::pipeline::locked;
use crate::printable::OneLine;
use crate::protect::{Before, Protector, listed};
use crate::transport::connect;

/// Options of `walferry discover`.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Print the tables as a JSON array
    #[arg(long)]
    json: bool,
}

/// One line of the list.
#[derive(Debug, serde::Serialize)]
struct Entry {
    schema: String,
    table: String,
    /// An estimate; absent when the table was never analysed.
    rows: Option<u64>,
    bytes: u64,
    key: Vec<String>,
    replica_identity: &'static str,
    published: bool,
    selected: bool,
    mode: &'static str,
    /// Columns that are hashed, masked or left out, by patterns that match their names.
    protected: Vec<String>,
}

/// Lists the source's tables.
pub(super) async fn run(config: &Config, options: &Options) -> Result<Outcome> {
    let endpoint = &config.source.endpoint;
    let client = connect(endpoint, "discover").await?;
    let mut tables = match source::tables(&client, &config.source.publications).await {
        Ok(tables) => tables,
        Err(error) => return Err(locked::named(endpoint, error).await),
    };
    let protector = Protector::for_names(config);
    for table in &mut tables {
        protector.protect(table, Before::default());
    }
    let entries: Vec<Entry> = tables.iter().map(|table| entry(config, table)).collect();
    if options.json {
        let json = serde_json::to_string_pretty(&entries)
            .map_err(|error| Error::new(Kind::Unknown, format!("Could not write JSON: {error}")))?;
        println!("{json}");
    } else {
        println!("{}", render(&entries));
    }
    Ok(Outcome::Done)
}

fn entry(config: &Config, table: &SourceTable) -> Entry {
    let selected = config.tables.selects(&table.name.schema, &table.name.name);
    Entry {
        schema: table.name.schema.clone(),
        table: table.name.name.clone(),
        rows: table.rows_estimate,
        bytes: table.bytes,
        key: table
            .key()
            .iter()
            .map(|&at| table.columns[at].name.clone())
            .collect(),
        replica_identity: match table.identity {
            ReplicaIdentity::Default => "default",
            ReplicaIdentity::Nothing => "nothing",
            ReplicaIdentity::Full => "full",
            ReplicaIdentity::Index => "index",
        },
        published: table.published,
        selected,
        mode: if selected { mode(table) } else { "-" },
        protected: listed(table),
    }
}

/// How changes of the table are applied.
fn mode(table: &SourceTable) -> &'static str {
    match (table.has_identity(), table.key().is_empty()) {
        (true, false) => "upsert",
        (true, true) => "whole row",
        // the source refuses updates and deletes, so that only inserts come
        (false, _) => "append",
    }
}

fn render(entries: &[Entry]) -> comfy_table::Table {
    let mut list = comfy_table::Table::new();
    list.load_style(comfy_table::presets::NOTHING).set_header([
        "table",
        "rows",
        "size",
        "key",
        "replica identity",
        "published",
        "selected",
        "mode",
        "protected",
    ]);
    let yes = |value: bool| if value { "yes" } else { "no" }.to_owned();
    for entry in entries {
        list.add_row([
            OneLine(format!("{}.{}", entry.schema, entry.table)).to_string(),
            entry.rows.map_or("?".to_owned(), |rows| format!("~{rows}")),
            ByteSize(entry.bytes).to_string(),
            if entry.key.is_empty() {
                "-".to_owned()
            } else {
                OneLine(entry.key.join(", ")).to_string()
            },
            entry.replica_identity.to_owned(),
            yes(entry.published),
            yes(entry.selected),
            entry.mode.to_owned(),
            OneLine(entry.protected.join("; ")).to_string(),
        ]);
    }
    for column in [1, 2] {
        if let Some(column) = list.column_mut(column) {
            column.set_cell_alignment(comfy_table::CellAlignment::Right);
        }
    }
    list
}
