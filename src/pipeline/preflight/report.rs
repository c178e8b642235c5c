//! What was found.

use crate::error::{Error, Kind, Side};

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// Which database it is about; `None`: walferry itself.
    #[serde(serialize_with = "side")]
    pub side: Option<Side>,
    /// What was looked at: `server`, `role walferry`, `table public.users`, …
    pub subject: String,
    /// How bad it is.
    pub level: Level,
    /// What was found: a sentence without a full stop.
    pub what: String,
    /// What to do; ready-to-run SQL where there is any.
    pub remedy: Option<String>,
    /// The class of failure that `run` would stop with; only failures have one.
    #[serde(serialize_with = "kind", skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Ok,
    /// Works, with a limit or a risk worth knowing.
    Warning,
    /// Has to be mended first.
    Failure,
}

impl Level {
    /// The word in lists and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Ok => "ok",
            Level::Warning => "warning",
            Level::Failure => "failure",
        }
    }
}

/// The failure that has to be mended first, as the error that `run` stops with; `None` when nothing
/// failed. A wrong configuration comes first: with another one, the other findings may be others.
/// All other failures are logged.
pub fn first_failure(findings: &[Finding]) -> Option<Error> {
    let mut failures: Vec<&Finding> = findings
        .iter()
        .filter(|finding| finding.level == Level::Failure)
        .collect();
    failures.sort_by_key(|finding| finding.kind != Some(Kind::Config));
    let (first, others) = failures.split_first()?;
    for other in others {
        tracing::error!(
            side = other.side_name(),
            subject = other.subject,
            kind = other.kind.map(Kind::as_str),
            hint = other.remedy.as_deref(),
            "{}",
            other.what
        );
    }
    Some(first.error())
}

impl Finding {
    /// What it is about, as lists and JSON have it.
    pub fn side_name(&self) -> &'static str {
        side_name(self.side)
    }

    fn error(&self) -> Error {
        let kind = self.kind.unwrap_or(Kind::Unknown);
        let error = match self.subject.strip_prefix("table ") {
            Some(table) => Error::new(kind, &self.what).table(table),
            None => Error::new(kind, format!("{} ({})", self.what, self.subject)),
        };
        let error = match self.side {
            Some(side) => error.on(side),
            None => error,
        };
        match &self.remedy {
            Some(remedy) => error.remedy(remedy),
            None => error,
        }
    }
}

fn side_name(side: Option<Side>) -> &'static str {
    side.map_or("walferry", Side::as_str)
}

/// Findings in the order in which they were made.
#[derive(Debug, Default)]
pub(super) struct Report(Vec<Finding>);

impl Report {
    pub(super) fn ok(&mut self, side: Side, subject: impl Into<String>, what: impl Into<String>) {
        let (subject, what) = (subject.into(), what.into());
        self.push(Some(side), subject, Level::Ok, what, None, None);
    }

    /// As it should be in walferry itself.
    pub(super) fn ok_here(&mut self, subject: impl Into<String>, what: impl Into<String>) {
        self.push(None, subject.into(), Level::Ok, what.into(), None, None);
    }

    pub(super) fn warning(
        &mut self,
        side: Side,
        subject: impl Into<String>,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let (subject, what, remedy) = (subject.into(), what.into(), Some(remedy.into()));
        self.push(Some(side), subject, Level::Warning, what, remedy, None);
    }

    /// A warning about walferry itself.
    pub(super) fn warning_here(
        &mut self,
        subject: impl Into<String>,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let (subject, what, remedy) = (subject.into(), what.into(), Some(remedy.into()));
        self.push(None, subject, Level::Warning, what, remedy, None);
    }

    pub(super) fn failure(
        &mut self,
        kind: Kind,
        side: Side,
        subject: impl Into<String>,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let (subject, what, remedy) = (subject.into(), what.into(), Some(remedy.into()));
        let level = Level::Failure;
        self.push(Some(side), subject, level, what, remedy, Some(kind));
    }

    /// A failure that was met while looking.
    pub(super) fn error(&mut self, side: Side, subject: impl Into<String>, error: &Error) {
        self.met(Some(side), subject.into(), error);
    }

    /// A failure of walferry itself.
    pub(super) fn error_here(&mut self, subject: impl Into<String>, error: &Error) {
        self.met(None, subject.into(), error);
    }

    fn met(&mut self, side: Option<Side>, subject: String, error: &Error) {
        let what = match error.sqlstate() {
            Some(sqlstate) => format!("{} (SQLSTATE {sqlstate})", error.what()),
            None => error.what().to_owned(),
        };
        let remedy = error.hint().map(str::to_owned);
        let kind = Some(error.kind());
        self.push(side, subject, Level::Failure, what, remedy, kind);
    }

    pub(super) fn into_findings(self) -> Vec<Finding> {
        self.0
    }

    fn push(
        &mut self,
        side: Option<Side>,
        subject: String,
        level: Level,
        what: String,
        remedy: Option<String>,
        kind: Option<Kind>,
    ) {
        self.0.push(Finding {
            side,
            subject,
            level,
            what,
            remedy,
            kind,
        });
    }
}

#[expect(
    clippy::ref_option,
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands out references"
)]
fn side<S: serde::Serializer>(side: &Option<Side>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(side_name(*side))
}

#[expect(
    clippy::ref_option,
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands out references"
)]
fn kind<S: serde::Serializer>(kind: &Option<Kind>, serializer: S) -> Result<S::Ok, S::Error> {
    match kind {
        Some(kind) => serializer.serialize_str(kind.as_str()),
        None => serializer.serialize_none(),
    }
}
