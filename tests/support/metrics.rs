//! What the daemon's `/metrics` says, by a parser that is not ours.

use prometheus_parse::{LineInfo, Scrape, Value};

use super::Daemon;

/// One scrape.
pub struct Metrics(Scrape);

impl Metrics {
    /// Asks the daemon; panics on any line that the parser does not take.
    pub async fn of(daemon: &Daemon) -> Metrics {
        let answer = daemon.get("/metrics").await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        for line in body.lines() {
            let is_float = |value: &str| value.parse::<f64>().is_ok();
            match LineInfo::parse(line) {
                LineInfo::Sample { value, .. } => assert!(is_float(value), "{line}"),
                LineInfo::Ignored => panic!("not in Prometheus' format: {line}"),
                _ => {}
            }
        }
        let lines = body.lines().map(|line| Ok(line.to_owned()));
        Metrics(Scrape::parse(lines).unwrap())
    }

    /// Whether there is a sample of this name.
    pub fn has(&self, name: &str) -> bool {
        self.0.samples.iter().any(|sample| sample.metric == name)
    }

    /// The value of a counter or gauge with these labels.
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let mut samples = self.0.samples.iter();
        let sample = samples.find(|sample| {
            let fits = |(name, value): &(&str, &str)| sample.labels.get(name) == Some(*value);
            sample.metric == name && labels.iter().all(fits)
        })?;
        match sample.value {
            Value::Counter(value) | Value::Gauge(value) | Value::Untyped(value) => Some(value),
            Value::Histogram(_) | Value::Summary(_) => None,
        }
    }

    /// Lost connections to `endpoint` that were opened again.
    pub fn reconnects(&self, endpoint: &str) -> f64 {
        let labels = [("endpoint", endpoint)];
        self.value("walferry_reconnects_total", &labels).unwrap()
    }
}
