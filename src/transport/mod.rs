//! Every connection that walferry opens starts here: reach the server, then negotiate TLS.
//!
//! ```text
//! dial: tcp | unix | ssh  →  SSLRequest → tls | plain  →  Transport
//!                                                  ├─ source::Connection (replication, COPY out)
//!                                                  └─ session: tokio-postgres (SQL)
//! ```
//!
//! [`establish()`] runs the attempts that an `sslmode` asks for, with the login as its last step,
//! since `allow` and `prefer` depend on how that ends.

pub use endpoint::{Endpoint, Host, Secret, SslMode, Tls};
pub use establish::establish;
pub use session::connect;
pub use stream::Transport;

mod certificate;
mod credentials;
mod dial;
mod endpoint;
mod establish;
mod login_watch;
mod session;
pub mod ssh;
mod stream;
mod tls;
mod verify;
