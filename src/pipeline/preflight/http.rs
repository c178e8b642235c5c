//! Findings about the HTTP endpoint: who can see it. Only `check` asks; a daemon finds out when it
//! begins to serve, and what becomes of the files later must not stop its pipeline. Of who else can
//! see it `run` warns in the same words.

use super::report::{Finding, Report};
use crate::config::Observability;
use crate::observe::http;

/// What is to be said of it.
pub async fn endpoint(config: &Observability) -> Vec<Finding> {
    let mut report = Report::default();
    let subject = "http";
    let Some(listen) = config.listen else {
        report.ok_here(subject, "The HTTP endpoint is off");
        return report.into_findings();
    };
    if let Err(error) = http::examine(config).await {
        report.error_here(subject, &error);
        return report.into_findings();
    }
    match http::exposure(config) {
        Some((what, remedy)) => report.warning_here(subject, what, remedy),
        None if listen.ip().to_canonical().is_loopback() => {
            let what = format!("Only this machine reaches {listen}");
            report.ok_here(subject, what);
        }
        None => {
            let what = format!("{listen} speaks TLS and asks for the token");
            report.ok_here(subject, what);
        }
    }
    report.into_findings()
}

#[cfg(test)]
mod tests {
    use super::super::report::Level;
    use super::*;
    use crate::observe::http::tests::open;
    use crate::transport::Secret;

    async fn found(listen: &str, token: Option<&str>) -> Finding {
        let config = Observability {
            listen: listen.parse().ok(),
            token: token.map(|token| Secret::Inline(token.into())),
            ..open()
        };
        let mut findings = endpoint(&config).await;
        assert_eq!(findings.len(), 1, "{findings:?}");
        findings.swap_remove(0)
    }

    #[tokio::test]
    async fn an_endpoint_that_others_can_reach_without_a_token_is_a_warning() {
        let token = Some("0123456789abcdef");
        for listen in [
            "127.0.0.1:9780",
            "[::1]:9780",
            "[::ffff:127.0.0.1]:9780",
            "off",
        ] {
            assert_eq!(found(listen, None).await.level, Level::Ok);
        }
        for listen in ["0.0.0.0:9780", "[::]:9780", "192.0.2.1:9780"] {
            let finding = found(listen, None).await;
            assert_eq!(finding.level, Level::Warning);
            assert!(finding.remedy.unwrap().contains("token_file"));
            let finding = found(listen, token).await;
            assert_eq!(finding.level, Level::Warning);
            assert!(finding.remedy.unwrap().contains("tls_cert"));
        }
        let finding = found("0.0.0.0:9780", Some("short")).await;
        assert_eq!(finding.level, Level::Failure);
        assert!(!finding.what.contains("\"short\""), "{finding:?}");
    }
}
