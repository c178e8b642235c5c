//! Which pipeline is being watched.

use super::status::Place;
use crate::config::Config;
use crate::transport::{Endpoint, Host};

/// Who is being watched; holds neither roles nor secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// `[pipeline] name`
    pub pipeline: String,
    /// The slot on the source.
    pub slot: String,
    /// The publication on the source; several with commas between them.
    pub publication: String,
    /// The database that is read.
    pub source: Place,
    /// The database that is written.
    pub destination: Place,
}

impl Identity {
    /// What the configuration names.
    pub fn of(config: &Config) -> Self {
        Identity {
            pipeline: config.pipeline.clone(),
            slot: config.source.slot.clone(),
            publication: config.source.publications.join(", "),
            source: place(&config.source.endpoint),
            destination: place(&config.destination.endpoint),
        }
    }
}

fn place(endpoint: &Endpoint) -> Place {
    let port = endpoint.port;
    Place {
        host: match &endpoint.host {
            Host::Tcp(name) if name.contains(':') => format!("[{name}]:{port}"),
            Host::Tcp(name) => format!("{name}:{port}"),
            Host::Unix(folder) => folder
                .join(format!(".s.PGSQL.{port}"))
                .display()
                .to_string(),
        },
        database: endpoint.database.clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::time::Duration;

    use super::*;
    use crate::error::Side;
    use crate::transport::{ChannelBinding, SslMode, Tls};

    fn host(host: Host) -> String {
        place(&Endpoint {
            side: Side::Source,
            host,
            port: 5432,
            database: "app".to_owned(),
            user: "walferry".to_owned(),
            password: None,
            passfile: None,
            tls: Tls::new(SslMode::Disable),
            channel_binding: ChannelBinding::Prefer,
            md5_in_clear: false,
            hops: Vec::new(),
            connect_timeout: Duration::from_secs(1),
            silence_timeout: Duration::from_secs(3),
        })
        .host
    }

    #[test]
    fn a_place_is_written_as_one_would_dial_it() {
        assert_eq!(host(Host::Tcp("db".to_owned())), "db:5432");
        assert_eq!(host(Host::Tcp("::1".to_owned())), "[::1]:5432");
        let folder = PathBuf::from("/run/postgresql");
        assert_eq!(host(Host::Unix(folder)), "/run/postgresql/.s.PGSQL.5432");
    }
}
