//! `walferry setup-sql`

use super::Outcome;
use crate::config::{Config, Glob, Pattern};
use crate::error::{Result, Side};
use crate::sql::setup;

/// Options of `walferry setup-sql`.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Only the script of this side; both are printed otherwise
    #[arg(long, value_enum)]
    side: Option<WhichSide>,
    /// Make the destination's schemas here, so that the role needs no CREATE on the database
    #[arg(long)]
    pre_created_schemas: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum WhichSide {
    Source,
    Destination,
}

/// Prints the SQL that both administrators run once. Connects to nothing.
#[expect(clippy::unused_async, reason = "every verb has the same signature")]
pub async fn run(config: &Config, options: &Options) -> Result<Outcome> {
    if options.side != Some(WhichSide::Destination) {
        println!("{}", script(config, options, Side::Source));
    }
    if options.side != Some(WhichSide::Source) {
        println!("{}", script(config, options, Side::Destination));
    }
    Ok(Outcome::Done)
}

fn script(config: &Config, options: &Options, side: Side) -> String {
    if side == Side::Source {
        return source(config);
    }
    if !options.pre_created_schemas {
        return destination(config, None);
    }
    let (schemas, complete) = known_schemas(config);
    let mut script = destination(config, Some(schemas));
    if !complete {
        let example = config.destination.naming.destination_schema("SCHEMA");
        script += &format!(
            "\n-- A pattern of [tables] has a star for the schema: repeat the two or three lines \
             above\n-- for {example:?} of every source schema SCHEMA.\n"
        );
    }
    script
}

fn source(config: &Config) -> String {
    fn halves<'a>(
        patterns: impl Iterator<Item = &'a Pattern>,
    ) -> Vec<(setup::Pieces<'a>, setup::Pieces<'a>)> {
        patterns
            .map(|pattern| (pattern.schema().pieces(), pattern.table().pieces()))
            .collect()
    }
    setup::source(&setup::Source {
        database: &config.source.endpoint.database,
        role: &config.source.endpoint.user,
        publication: &config.source.publication,
        include: halves(config.tables.include()),
        exclude: halves(config.tables.exclude()),
    })
}

fn destination(config: &Config, schemas: Option<Vec<String>>) -> String {
    setup::destination(&setup::Destination {
        database: &config.destination.endpoint.database,
        role: &config.destination.endpoint.user,
        state_schema: &config.destination.state_schema,
        schemas,
        readers: &config.destination.readers,
    })
}

/// The destination schemas that the patterns and overrides name, and whether those are all.
fn known_schemas(config: &Config) -> (Vec<String>, bool) {
    let exact: Vec<Option<&str>> = config
        .tables
        .include()
        .map(Pattern::schema)
        .map(Glob::exact)
        .collect();
    let overrides = config.destination.naming.overrides.keys();
    let schemas: std::collections::BTreeSet<String> = exact
        .iter()
        .copied()
        .flatten()
        .chain(overrides.map(String::as_str))
        .map(|schema| config.destination.naming.destination_schema(schema))
        .collect();
    (
        schemas.into_iter().collect(),
        exact.iter().all(Option::is_some),
    )
}
