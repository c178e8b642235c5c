//! `walferry check`

use std::fmt::Write;
use std::io::IsTerminal;

use super::Outcome;
use crate::config::Config;
use crate::error::{Error, Kind, Result, Side};
use crate::pipeline::preflight::{self, Finding, Level};
use crate::printable::OneLine;

/// Options of `walferry check`.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Print the findings as a JSON array
    #[arg(long)]
    json: bool,
}

/// Looks at both sides, the HTTP endpoint and the spool, changes nothing, and prints what it finds.
pub(super) async fn run(config: &Config, options: &Options) -> Result<Outcome> {
    let mut findings = preflight::findings(config).await?;
    findings.extend(preflight::endpoint(&config.observability).await);
    findings.extend(preflight::spool(&config.apply).await);
    if options.json {
        let json = serde_json::to_string_pretty(&findings)
            .map_err(|error| Error::new(Kind::Unknown, format!("Could not write JSON: {error}")))?;
        println!("{json}");
    } else {
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let colours = std::io::stdout().is_terminal() && !no_color;
        print!("{}", render(&findings, colours));
    }
    Ok(if count(&findings, Level::Failure) > 0 {
        Outcome::CheckFailed
    } else {
        Outcome::Done
    })
}

fn count(findings: &[Finding], level: Level) -> usize {
    findings.iter().filter(|f| f.level == level).count()
}

/// Longest subject that keeps its line aligned; longer ones push their text to the right.
const SUBJECT_WIDTH_MAX: usize = 40;

fn render(findings: &[Finding], colours: bool) -> String {
    let width = findings
        .iter()
        .map(|finding| OneLine(&finding.subject).to_string().chars().count())
        .filter(|&width| width <= SUBJECT_WIDTH_MAX)
        .max()
        .unwrap_or_default();
    let mut text = String::new();
    for side in [Some(Side::Source), Some(Side::Destination), None] {
        let mut found = findings
            .iter()
            .filter(|finding| finding.side == side)
            .peekable();
        if let Some(first) = found.peek() {
            let _ = writeln!(text, "{}", first.side_name());
            text.extend(found.map(|finding| line(finding, width, colours)));
            text.push('\n');
        }
    }
    text + &format!(
        "ok {}, warnings {}, failures {}\n",
        count(findings, Level::Ok),
        count(findings, Level::Warning),
        count(findings, Level::Failure)
    )
}

fn line(finding: &Finding, width: usize, colours: bool) -> String {
    let (on, off) = match (colours, finding.level) {
        (false, _) => ("", ""),
        (true, Level::Ok) => ("\x1b[32m", "\x1b[0m"),
        (true, Level::Warning) => ("\x1b[33m", "\x1b[0m"),
        (true, Level::Failure) => ("\x1b[1;31m", "\x1b[0m"),
    };
    let level = finding.level.as_str();
    let mut text = format!(
        "  {on}{level:<7}{off}  {:<width$}  {}\n",
        OneLine(&finding.subject),
        OneLine(&finding.what)
    );
    if let Some(remedy) = &finding.remedy {
        let _ = writeln!(text, "           → {}", OneLine(remedy));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(side: Side, subject: &str, level: Level) -> Finding {
        Finding {
            side: Some(side),
            subject: subject.to_owned(),
            level,
            what: "It is so".to_owned(),
            remedy: (level != Level::Ok).then(|| "Mend it.".to_owned()),
            kind: None,
        }
    }

    #[test]
    fn findings_are_aligned_and_grouped_by_side() {
        let findings = [
            finding(Side::Destination, "schema app", Level::Failure),
            finding(Side::Source, "server", Level::Ok),
        ];
        let expected = "\
source
  ok       server      It is so

destination
  failure  schema app  It is so
           → Mend it.

ok 1, warnings 0, failures 1
";
        assert_eq!(render(&findings, false), expected);
        assert!(render(&findings, true).contains("\x1b[1;31mfailure\x1b[0m"));
    }
}
