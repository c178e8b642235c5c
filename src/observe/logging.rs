//! Log lines: readable, JSON, or straight to the journal. They go to the standard error, since
//! the standard output belongs to the commands' results.
//!
//! What libraries say below `info` is never written, whatever the level: their debug lines hold
//! what they send and receive, so parameters of statements and with them rows.

use std::fmt;
use std::io::{self, IsTerminal, Write};

use tracing::field::Field;
use tracing::{Level, Metadata};
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::filter::{EnvFilter, FilterExt, filter_fn};
use tracing_subscriber::fmt::format::{Writer, debug_fn};
use tracing_subscriber::fmt::{MakeWriter, layer};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry};

use super::progress;
use crate::config::{LogFormat, Observability};
use crate::error::{Error, Kind, Result};
use crate::printable::OneLine;

/// Installs the process's logger; once a process.
///
/// # Errors
/// [`Kind::Config`] for a filter that cannot be read or a journal that is not there.
pub fn init(config: &Observability) -> Result<()> {
    let filter = filter(&config.log_level)?;
    let lines: Box<dyn Layer<Registry> + Send + Sync> = match config.log_format {
        LogFormat::Text => layer()
            .with_ansi(styled())
            .with_target(false)
            .fmt_fields(debug_fn(write_field).delimited(" "))
            .with_writer(BesideBars)
            .boxed(),
        LogFormat::Json => layer()
            .json()
            .flatten_event(true)
            .with_writer(io::stderr)
            .boxed(),
        LogFormat::Journald => tracing_journald::layer()
            .map_err(|error| no_journal(&error))?
            .boxed(),
    };
    Registry::default()
        .with(lines.with_filter(filter.and(filter_fn(may_be_written))))
        .try_init()
        .map_err(|error| Error::new(Kind::Unknown, format!("Could not start logging: {error}")))
}

/// As the library does, but that no value commands the terminal or begins another line. Where a
/// line of the `log` crate comes from is said by its target.
fn write_field(writer: &mut Writer<'_>, field: &Field, value: &dyn fmt::Debug) -> fmt::Result {
    let value = OneLine(format_args!("{value:?}"));
    match field.name() {
        "message" => write!(writer, "{value}"),
        name if name.starts_with("log.") => Ok(()),
        name if writer.has_ansi_escapes() => {
            write!(writer, "\x1b[3m{name}\x1b[0m\x1b[2m=\x1b[0m{value}")
        }
        name => write!(writer, "{name}={value}"),
    }
}

fn filter(level: &str) -> Result<EnvFilter> {
    EnvFilter::builder().parse(level).map_err(|error| {
        Error::new(
            Kind::Config,
            format!("[observability] log_level \"{level}\" is not a filter: {error}"),
        )
        .remedy(
            "Write error, warn, info, debug or trace, or name modules: \
             \"info,walferry::apply=debug\".",
        )
    })
}

fn may_be_written(metadata: &Metadata<'_>) -> bool {
    *metadata.level() <= Level::INFO || metadata.target().starts_with("walferry")
}

fn no_journal(error: &io::Error) -> Error {
    Error::new(
        Kind::Config,
        format!(
            "[observability] log_format is journald, but the journal cannot be reached: {error}"
        ),
    )
    .remedy("Use log_format = \"text\" or \"json\" where systemd-journald does not run.")
}

/// Colours only for a terminal, and never against <https://no-color.org>.
fn styled() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
}

/// Writes to the standard error with the progress bars out of the way.
#[derive(Clone, Copy)]
struct BesideBars;

impl<'a> MakeWriter<'a> for BesideBars {
    type Writer = BesideBars;

    fn make_writer(&'a self) -> BesideBars {
        *self
    }
}

impl Write for BesideBars {
    /// The logger calls this once a line.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        // fields that are left out leave their blanks
        let shown = [line.trim_ascii_end(), b"\n"].concat();
        progress::beside_bars(|| io::stderr().write_all(&shown))?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_by_level_and_by_module_are_understood() {
        for level in ["info", "WARN", "off", "info,walferry::apply=debug"] {
            filter(level).unwrap();
        }
    }

    #[test]
    fn a_filter_that_cannot_be_read_says_what_could() {
        let error = filter("info,walferry=chatty").unwrap_err();
        assert_eq!(error.kind(), Kind::Config);
        assert!(error.to_string().contains("chatty"), "{error}");
        assert!(error.hint().is_some_and(|hint| hint.contains("debug")));
    }
}
