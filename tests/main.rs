//! All tests that need a server: one binary, one file a scenario.

mod support;

mod throw_away_clusters;
