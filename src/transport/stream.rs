//! A connected byte stream, plain or encrypted.

/// A connected, TLS-negotiated stream.
pub struct Transport;
