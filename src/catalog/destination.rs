//! What the destination has.
