//! What people and machines see of a running pipeline: metrics, HTTP, status, logs, progress.
