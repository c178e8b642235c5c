//! All tests that need a server, and the rules of the tree: one binary, one file a scenario.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(unreachable_pub, reason = "nothing here is reached from outside")]

mod support;

mod acceptance;
mod any_character;
mod bad_input;
mod canary;
mod cases;
mod copied_indexes;
mod exposed;
mod failover;
mod hostile;
mod hostile_names;
mod ignored_columns;
mod interrupted_load;
mod kept_load;
mod least_privilege;
mod live_copy;
mod load_progress;
mod locked_source;
mod lost_slot;
mod model;
mod native_scenarios;
mod newcomers;
mod partial_load;
mod protected;
mod quarantine;
mod refusals;
mod replaced;
mod ssh;
mod streamed;
mod teardown;
mod throw_away_clusters;
mod tidy;
mod tls;
mod types;
