//! Every connection that walferry opens starts here: reach the server, then negotiate TLS.
//!
//! ```text
//! dial: tcp | unix  →  SSLRequest → rustls | plain  →  Transport
//!                                                        ├─ source::Connection (replication, COPY out)
//!                                                        └─ session: tokio-postgres (SQL)
//! ```

pub use endpoint::{Endpoint, Host, Secret, SslMode, Tls};
pub use session::connect;
pub use stream::Transport;

mod endpoint;
mod session;
mod stream;
