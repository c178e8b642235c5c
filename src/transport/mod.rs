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

pub use endpoint::{
    ChannelBinding, ClientCertificate, Endpoint, Host, Secret, SslMode, SslNegotiation, Tls,
    TlsVersion,
};
pub use establish::establish;
pub use login_watch::Exposed;
pub use pulse::{Process, watch};
pub use session::{connect, refuse, unbound, without_password};
pub use stream::Transport;

mod certificate;
mod client_key;
mod credentials;
mod dial;
mod endpoint;
mod establish;
mod fault;
mod login_watch;
mod passfile;
mod pulse;
mod session;
pub mod ssh;
mod stream;
mod tls;
mod verify;
