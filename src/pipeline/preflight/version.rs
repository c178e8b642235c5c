//! Which servers are supported, and which of their minor releases have known bugs.

use super::report::Report;
use crate::error::{Kind, Side};

/// The newest major version that walferry is tested with.
const TESTED_MAX: i32 = 18;

/// A bug of logical decoding: affected from `first` up to, but not including, `fixed`.
struct Bug {
    first: i32,
    fixed: i32,
    what: &'static str,
}

const INDEX_CRASH: &str = "can crash while decoding changes of tables with indexes on \
     expressions (PostgreSQL bug #15114)";
const LOST_AT_ADD: &str = "can lose changes of a table that is added to a publication while a \
     transaction writes to it";
const INVALIDATIONS: &str = "can stop decoding with \"invalid memory alloc request size\" after \
     schema changes beside long transactions";
const COLUMN_LISTS: &str = "sends wrong tuples for tables with a column list";

/// Versions as `server_version_num`: 15.13 is 150013.
const BUGS: [Bug; 13] = [
    bug(10_00_00, 10_00_07, INDEX_CRASH),
    bug(11_00_00, 11_00_02, INDEX_CRASH),
    bug(15_00_00, 15_00_02, COLUMN_LISTS),
    bug(13_00_00, 13_00_21, LOST_AT_ADD),
    bug(14_00_00, 14_00_18, LOST_AT_ADD),
    bug(15_00_00, 15_00_13, LOST_AT_ADD),
    bug(16_00_00, 16_00_09, LOST_AT_ADD),
    bug(17_00_00, 17_00_05, LOST_AT_ADD),
    bug(13_00_21, 13_00_22, INVALIDATIONS),
    bug(14_00_18, 14_00_19, INVALIDATIONS),
    bug(15_00_13, 15_00_14, INVALIDATIONS),
    bug(16_00_09, 16_00_10, INVALIDATIONS),
    bug(17_00_05, 17_00_06, INVALIDATIONS),
];

const fn bug(first: i32, fixed: i32, what: &'static str) -> Bug {
    Bug { first, fixed, what }
}

/// The source: 10 to 18.
pub(super) fn source(version_num: i32, version: &str, report: &mut Report) {
    if !supported(Side::Source, 10, version_num, version, report) {
        return;
    }
    if version_num < 13_00_00 {
        let what = format!("PostgreSQL {version} {LOST_AT_ADD}; its series ended without a mend");
        report.warning(Side::Source, "server", what, "Plan an upgrade.");
    }
    for bug in &BUGS {
        if (bug.first..bug.fixed).contains(&version_num) {
            let (major, minor) = (bug.fixed / 10_000, bug.fixed % 10_000);
            report.warning(
                Side::Source,
                "server",
                format!("PostgreSQL {version} {}", bug.what),
                format!("Upgrade to the newest minor release, at least {major}.{minor}."),
            );
        }
    }
}

/// The destination: 13 to 18, and 12 as far as it goes. False: too old to be asked anything else.
pub(super) fn destination(version_num: i32, version: &str, report: &mut Report) -> bool {
    if !supported(Side::Destination, 12, version_num, version, report) {
        return false;
    }
    if version_num < 13_00_00 {
        report.warning(
            Side::Destination,
            "server",
            format!("PostgreSQL {version} is supported as far as it goes, and not tested fully"),
            "Plan an upgrade to 13 or later.",
        );
    }
    true
}

fn supported(side: Side, least: i32, version_num: i32, version: &str, report: &mut Report) -> bool {
    let major = version_num / 10_000;
    if major < least {
        report.failure(
            Kind::Unsupported,
            side,
            "server",
            format!("PostgreSQL {version} is too old for a {side}"),
            format!("Use PostgreSQL {least} to {TESTED_MAX}."),
        );
    } else if major > TESTED_MAX {
        report.warning(
            side,
            "server",
            format!("PostgreSQL {version} is newer than what walferry was tested with"),
            "Look for a newer release of walferry.",
        );
    } else {
        report.ok(side, "server", format!("PostgreSQL {version}"));
    }
    major >= least
}

#[cfg(test)]
mod tests {
    use super::super::report::{Finding, Level};
    use super::*;

    fn source_findings(version_num: i32) -> Vec<Finding> {
        let mut report = Report::default();
        source(version_num, "x", &mut report);
        report.into_findings()
    }

    #[test]
    fn minor_releases_with_decoding_bugs_are_named_and_their_successors_are_not() {
        let warned = |version| {
            source_findings(version)
                .iter()
                .filter(|f| f.level == Level::Warning)
                .count()
        };
        assert_eq!(warned(10_00_06), 2);
        assert_eq!(warned(10_00_07), 1);
        assert_eq!(warned(15_00_01), 2);
        assert_eq!(warned(15_00_12), 1);
        assert_eq!(warned(15_00_13), 1);
        assert_eq!(warned(15_00_14), 0);
        assert_eq!(warned(18_00_00), 0);
    }

    #[test]
    fn versions_outside_the_range_fail_or_warn() {
        assert_eq!(source_findings(9_06_24)[0].level, Level::Failure);
        assert_eq!(source_findings(19_00_00)[0].level, Level::Warning);
        let mut report = Report::default();
        assert!(!destination(11_00_22, "11.22", &mut report));
        assert!(destination(12_00_22, "12.22", &mut report));
        let levels: Vec<Level> = report.into_findings().iter().map(|f| f.level).collect();
        assert_eq!(levels, [Level::Failure, Level::Ok, Level::Warning]);
    }
}
