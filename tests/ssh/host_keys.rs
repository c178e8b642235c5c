//! Which host keys are trusted, and how a key is refused that is not.

use std::path::Path;
use std::process::Command;

use super::{LET_IN, Place};
use crate::support::sshd::succeeds;
use crate::support::{Daemon, quoted};

#[tokio::test]
async fn a_host_key_that_nothing_vouches_for_ends_it_before_anything_is_sent() {
    let place = Place::new().await;
    let sshd = &place.sshd;
    sshd.keygen("stranger", &["-t", "ed25519"]);
    let print = fingerprint(&sshd.file("host_ed25519.pub"));
    let line = sshd.known("host_ed25519.pub");
    let ran = place.check(&place.known("")).await;
    ran.ended(3, &["is not known", &print, line.trim(), "ssh-keyscan -p"]);
    let changed = sshd.known("stranger.pub");
    let ran = place.check(&place.known(&changed)).await;
    ran.ended(3, &["HAS CHANGED", &print, "ssh-keygen -R"]);
    let revoked = format!("{line}@revoked * {}\n", sshd.text("host_ed25519.pub"));
    place
        .check(&place.known(&revoked))
        .await
        .ended(3, &["IS REVOKED"]);
    let other = "host_key = \"SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"";
    place
        .check(other)
        .await
        .ended(3, &["IS NOT THE PINNED ONE"]);
    let log = sshd.log();
    assert!(
        !log.contains("Accepted") && !log.contains("Postponed"),
        "{log}"
    );

    // a daemon halts: asking again would not help
    let config = place.config("changed.toml", &place.known(&changed));
    let daemon = Daemon::start_on(&place.pair, &config);
    assert_eq!(daemon.wait_exit().await, Some(4));

    for rule in [
        format!("host_key = \"{print}\""),
        format!("host_key = {}", quoted(&sshd.text("host_ed25519.pub"))),
        place.known(&format!("{changed}{line}")),
        place.known(&format!("[127.0.*]:* {}\n", sshd.text("host_ed25519.pub"))),
    ] {
        let ran = place.check(&rule).await.ended(0, LET_IN);
        assert!(ran.out.contains(&print), "{}", ran.out);
    }
    let path = place.folder().join("hashed");
    std::fs::write(&path, &line).unwrap();
    succeeds(
        Command::new("ssh-keygen")
            .args(["-q", "-H", "-f"])
            .arg(&path),
    );
    let hashed = std::fs::read_to_string(&path).unwrap();
    assert!(hashed.starts_with("|1|"));
    place
        .check(&place.known(&hashed))
        .await
        .ended(0, &["line 1"]);
}

#[tokio::test]
async fn a_host_certificate_and_the_known_one_of_several_host_keys_are_asked_for() {
    let mut place = Place::new().await;
    let sshd = &place.sshd;
    sshd.keygen("host_ca", &["-t", "ed25519"]);
    sshd.keygen("host_rsa", &["-t", "rsa"]);
    let sign = |names: &str| {
        let mut sign = Command::new("ssh-keygen");
        sign.arg("-q").arg("-s").arg(sshd.file("host_ca"));
        sign.args(["-h", "-I", "bastion", "-n", names]);
        succeeds(sign.arg(sshd.file("host_ed25519.pub")));
    };
    let files = sshd.file("");
    let files = files.display();
    sign("127.0.0.1,bastion");
    sshd.configure(&format!(
        "HostCertificate {files}host_ed25519-cert.pub\nHostKey {files}host_rsa"
    ));
    place.sshd.down();
    place.sshd.up();
    let sshd = &place.sshd;
    let authority = format!(
        "@cert-authority [127.0.0.1]:* {}\n",
        sshd.text("host_ca.pub")
    );
    let ran = place.check(&place.known(&authority)).await;
    ran.ended(0, &["certified by the authority of"]);
    // it shows ed25519 to whoever does not ask for anything else
    let ran = place.check(&place.known(&sshd.known("host_rsa.pub"))).await;
    ran.ended(0, &["ssh-rsa SHA256:"]);
    let mut other = Command::new("ssh-keygen");
    other.arg("-q").arg("-s").arg(sshd.file("host_ca"));
    other.args(["-h", "-I", "bastion", "-n", "elsewhere"]);
    succeeds(other.arg(sshd.file("host_ed25519.pub")));
    place.sshd.down();
    place.sshd.up();
    let ran = place.check(&place.known(&authority)).await;
    ran.ended(3, &["names other hosts"]);
}

fn fingerprint(public: &Path) -> String {
    let mut command = Command::new("ssh-keygen");
    let ended = command.arg("-lf").arg(public).output().unwrap();
    let text = String::from_utf8(ended.stdout).unwrap();
    text.split_whitespace().nth(1).unwrap().to_owned()
}
