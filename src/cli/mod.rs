//! The command line: one verb a file. Errors are rendered here and nowhere else.

mod check;
mod demo;
mod discover;
mod init;
mod resync;
mod run;
mod setup_sql;
mod status;
mod teardown;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{self, Config};
use crate::error::{Error, Kind, Result};
use crate::printable::{Lines, OneLine};

/// How a command ended, as its exit code says it (design section 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// 0: done.
    Done,
    /// 3: `check` found a failure.
    CheckFailed,
}

/// Keeps chosen tables of one PostgreSQL database, exactly once, in schemas of another.
#[derive(Debug, Parser)]
#[command(name = "walferry", version, max_term_width = 100, after_help = AFTER_HELP)]
struct Arguments {
    /// The configuration; default: ./walferry.toml, then /etc/walferry/walferry.toml. Every key
    /// can also be set as `WALFERRY__SECTION__KEY`.
    #[arg(long, global = true, value_name = "FILE", env = "WALFERRY_CONFIG")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    verb: Verb,
}

const AFTER_HELP: &str = "\
First steps:
  walferry init > walferry.toml     a commented configuration, to be filled in
  walferry setup-sql                the SQL that both administrators run once
  walferry check                    connects everywhere and says what is missing
  walferry run                      copies, then follows, until SIGTERM

Exit codes: 0 done, 1 unexpected, 2 usage or configuration, 3 check failed,
4 halted and needs an operator, 5 verify found differences.";

#[derive(Debug, Subcommand)]
enum Verb {
    /// Print a commented configuration file
    Init(init::Options),
    /// Print the least-privilege SQL for the administrators of both databases
    SetupSql(setup_sql::Options),
    /// Connect everywhere and print each finding with its remedy
    Check(check::Options),
    /// List the tables of the source: size, key, replica identity, published, selected
    Discover(discover::Options),
    /// Copy what is missing, then follow the source until told to stop
    Run(run::Options),
    /// Show where a running pipeline is
    Status(status::Options),
    /// Load tables again while the others are followed
    Resync(resync::Options),
    /// Drop what walferry made: slot, publication, bookkeeping
    Teardown(teardown::Options),
    /// See it work on two throw-away clusters
    Demo(demo::Options),
}

/// Parses, runs, renders an error if there is one, and says how to exit.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return render(&Error::from(error)),
    };
    match runtime.block_on(dispatch(arguments)) {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::CheckFailed) => ExitCode::from(3),
        Err(error) => render(&error),
    }
}

async fn dispatch(arguments: Arguments) -> Result<Outcome> {
    let load = || -> Result<Config> { config::load(arguments.config.as_deref()) };
    match arguments.verb {
        Verb::Init(options) => init::run(&options),
        Verb::SetupSql(options) => setup_sql::run(&load()?, &options).await,
        Verb::Check(options) => check::run(&load()?, &options).await,
        Verb::Discover(options) => discover::run(&load()?, &options).await,
        Verb::Run(options) => run::run(load()?, &options).await,
        Verb::Status(options) => status::run(&load()?, &options).await,
        Verb::Resync(options) => resync::run(&load()?, &options).await,
        Verb::Teardown(options) => teardown::run(&load()?, &options).await,
        Verb::Demo(options) => demo::run(&options).await,
    }
}

/// The one place where an error meets a person: what, context, remedy.
fn render(error: &Error) -> ExitCode {
    let (red, bold, plain) = if styled() {
        ("\x1b[1;31m", "\x1b[1m", "\x1b[0m")
    } else {
        ("", "", "")
    };
    // faults of a configuration, and logs of the demo, are several lines: nothing of a server's
    if error.side().is_none() {
        eprintln!("{red}error:{plain} {}", Lines(error));
    } else {
        eprintln!("{red}error:{plain} {}", OneLine(error));
    }
    if let Some(hint) = error.hint() {
        eprintln!("\n{bold}hint:{plain} {}", OneLine(hint));
    }
    ExitCode::from(exit_code(error.kind()))
}

/// Colours only for a terminal, and never against <https://no-color.org>.
fn styled() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
}

fn exit_code(kind: Kind) -> u8 {
    match kind {
        Kind::Config => 2,
        Kind::Unknown | Kind::Io | Kind::Spool | Kind::Ahead | Kind::Protocol => 1,
        _ => 4,
    }
}
