//! Files as people and ssh-keygen write them, and what a server may show.

use super::*;
use crate::fuzz::{Target, fuzz, outcome, outcome_of_text};

use russh::keys::ssh_key::certificate::Builder;
use russh::keys::ssh_key::private::{Ed25519Keypair, KeypairData};
use russh::keys::{EcdsaCurve, PrivateKey};

const NOW: u64 = 1_700_000_000;

/// A key that is the same in each run.
fn private(seed: u8) -> PrivateKey {
    let pair = Ed25519Keypair::from_seed(&[seed; 32]);
    PrivateKey::new(KeypairData::Ed25519(pair), "").unwrap()
}

fn key(seed: u8) -> PublicKey {
    private(seed).public_key().clone()
}

fn text(seed: u8) -> String {
    key(seed).to_openssh().unwrap()
}

fn known(text: &str) -> KnownHosts {
    let mut known = KnownHosts::default();
    known.add(Path::new("kh"), text).unwrap();
    known
}

fn judge(file: &str, host: &str, port: u16, seed: u8) -> Verdict {
    known(file).judge(host, port, Shown::Key(&key(seed)), NOW)
}

fn known_by(line: usize) -> Verdict {
    let origin = format!("kh line {line}");
    Verdict::Known { origin }
}

const UNKNOWN: Verdict = Verdict::Unknown {
    other_types: Vec::new(),
};

#[test]
fn a_name_is_found_among_comments_blanks_tabs_and_lines_that_are_none() {
    let file = format!(
        "# a\n\nnonsense\n bastion,other\t{}  of the bastion # 1 \nb ssh-dss AAAA\n",
        text(1)
    );
    assert_eq!(judge(&file, "bastion", 22, 1), known_by(4));
    assert_eq!(judge(&file, "BASTION", 22, 1), known_by(4));
    assert_eq!(judge(&file, "basti", 22, 1), UNKNOWN);
    assert_eq!(judge("", "bastion", 22, 1), UNKNOWN);
}

#[test]
fn a_port_that_is_not_22_has_to_stand_there() {
    let file = format!("bastion {}\n[bastion]:2222 {}\n", text(1), text(2));
    assert_eq!(judge(&file, "bastion", 22, 1), known_by(1));
    assert_eq!(judge(&file, "bastion", 2222, 2), known_by(2));
    assert!(matches!(
        judge(&file, "bastion", 2222, 1),
        Verdict::Changed { .. }
    ));
    assert_eq!(judge(&file, "bastion", 2223, 1), UNKNOWN);
    let file = format!("[::1]:2222,::1 {}", text(1));
    assert_eq!(judge(&file, "::1", 2222, 1), known_by(1));
    assert_eq!(judge(&file, "::1", 22, 1), known_by(1));
}

#[test]
fn stars_and_question_marks_match_and_an_exclamation_mark_excludes() {
    let file = format!("*.example.com,!db?.example.com,10.0.0.* {}", text(1));
    assert_eq!(judge(&file, "b.example.com", 22, 1), known_by(1));
    assert_eq!(judge(&file, "10.0.0.7", 22, 1), known_by(1));
    assert_eq!(judge(&file, "db1.example.com", 22, 1), UNKNOWN);
    assert_eq!(judge(&file, "example.com", 22, 1), UNKNOWN);
    assert_eq!(judge(&format!("!a {}", text(1)), "b", 22, 1), UNKNOWN);
    assert_eq!(judge(&format!("* {}", text(1)), "any", 99, 1), known_by(1));
    for (pattern, name, fits) in [
        ("a*b*c", "a__b_b_c", true),
        ("a*b*c", "a__b_b_d", false),
        ("**", "", true),
        ("?", "", false),
        ("a?c", "abc", true),
        ("[*]:22??", "[h]:2222", true),
        ("", "a", false),
    ] {
        assert_eq!(is_like(pattern, name), fits, "{pattern} {name}");
    }
}

#[test]
fn a_hashed_name_is_found() {
    // made by `ssh-keygen -H` for "bastion" and "[bastion]:2222"
    let hashed = |name: &str| {
        use russh::keys::ssh_key::encoding::base64::{Base64, Encoding};
        let salt = [7; 20];
        let signing = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &salt);
        let hash = hmac::sign(&signing, name.as_bytes());
        let (salt, hash) = (
            Base64::encode_string(&salt),
            Base64::encode_string(hash.as_ref()),
        );
        format!("|1|{salt}|{hash} {}\n", text(1))
    };
    let file = hashed("bastion");
    assert_eq!(judge(&file, "bastion", 22, 1), known_by(1));
    assert_eq!(judge(&file, "bastion", 2222, 1), UNKNOWN);
    assert_eq!(
        judge(&hashed("[bastion]:2222"), "bastion", 2222, 1),
        known_by(1)
    );
}

#[test]
fn another_key_of_the_type_is_a_change_and_one_of_another_type_is_unknown() {
    let file = format!("bastion {}\n", text(1));
    let Verdict::Changed { origin, known: was } = judge(&file, "bastion", 22, 2) else {
        panic!("no change");
    };
    assert_eq!(origin, "kh line 1");
    assert_eq!(was, key(1).fingerprint(HashAlg::Sha256).to_string());
    // one of several is enough
    let both = format!("{file}bastion {}\n", text(2));
    assert_eq!(judge(&both, "bastion", 22, 2), known_by(2));

    let ecdsa = "bastion ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABB\
                 BEmKSENjQEezOmxkZMy7opKgwFB9nkt5YRrYMjNuG5N87uRgg6CLrbo5wAdT/y6v0mKV0U2w0WZ2YB/\
                 ++Tpockg=\n";
    let verdict = judge(ecdsa, "bastion", 22, 1);
    let Verdict::Unknown { other_types } = verdict else {
        panic!("{verdict:?}");
    };
    assert_eq!(other_types, ["ecdsa-sha2-nistp256"]);
    let (first, certified) = known(ecdsa).algorithms("bastion", 22);
    let curve = EcdsaCurve::NistP256;
    assert_eq!(
        (first, certified),
        (vec![Algorithm::Ecdsa { curve }], false)
    );
}

#[test]
fn a_revoked_key_is_refused_whatever_else_stands_there() {
    let file = format!("bastion {}\n@revoked * {}\n", text(1), text(1));
    let origin = "kh line 2".to_owned();
    assert_eq!(judge(&file, "bastion", 22, 1), Verdict::Revoked { origin });
    let unreadable = KnownHosts::default().add(Path::new("kh"), "@revoked * ssh-ed25519 A");
    assert_eq!(unreadable.unwrap_err(), "kh line 1");
}

/// A certificate of key 1 by key 9, for these names.
fn certified(names: &[&str], sort: CertType, valid: (u64, u64)) -> Certificate {
    let mut builder = Builder::new([3; 16], key(1), valid.0, valid.1).unwrap();
    builder.cert_type(sort).unwrap();
    builder.key_id("test").unwrap();
    for name in names {
        builder.valid_principal(*name).unwrap();
    }
    builder.sign(&private(9)).unwrap()
}

const VALID: (u64, u64) = (NOW - 10, NOW + 10);

#[test]
fn a_certificate_of_a_known_authority_is_enough() {
    let file = format!("@cert-authority *.example.com {}\n", text(9));
    let known = known(&file);
    let certificate = certified(&["b.example.com"], CertType::Host, VALID);
    let shown = Shown::Certificate(&certificate);
    let origin = "kh line 1".to_owned();
    assert_eq!(
        known.judge("b.example.com", 22, shown, NOW),
        Verdict::Vouched { origin }
    );
    assert!(known.algorithms("b.example.com", 22).1);
    // not an authority for this host
    assert_eq!(known.judge("other", 22, shown, NOW), UNKNOWN);
    assert!(!known.algorithms("other", 22).1);
    // the authority's key is no host key
    assert_eq!(judge(&file, "b.example.com", 22, 9), UNKNOWN);
}

#[test]
fn a_certificate_that_does_not_fit_is_refused_with_the_reason() {
    let known = known(&format!("@cert-authority * {}\n", text(9)));
    let why = |certificate: Certificate, now| match known.judge(
        "bastion",
        22,
        Shown::Certificate(&certificate),
        now,
    ) {
        Verdict::CertificateUnfit { why } => why,
        other => panic!("{other:?}"),
    };
    let names = |names: &[&str]| certified(names, CertType::Host, VALID);
    assert!(why(names(&["other"]), NOW).contains("other hosts"));
    assert!(why(names(&["bastion"]), NOW + 11).contains("expired"));
    assert!(why(names(&["bastion"]), NOW - 11).contains("not valid yet"));
    let user = certified(&["bastion"], CertType::User, VALID);
    assert!(why(user, NOW).contains("of a user"));
}

#[test]
fn a_certificate_of_an_unknown_or_revoked_authority_vouches_for_nothing() {
    let certificate = certified(&["bastion"], CertType::Host, VALID);
    let shown = Shown::Certificate(&certificate);
    let other = known(&format!("@cert-authority * {}\n", text(8)));
    assert_eq!(other.judge("bastion", 22, shown, NOW), UNKNOWN);
    let plain = known(&format!("bastion {}\n", text(1)));
    assert_eq!(plain.judge("bastion", 22, shown, NOW), known_by(1));
    let authority = format!("@cert-authority * {0}\n@revoked * {0}\n", text(9));
    let revoked = known(&authority).judge("bastion", 22, shown, NOW);
    assert!(matches!(revoked, Verdict::Revoked { .. }), "{revoked:?}");
}

#[test]
fn fuzzed_files_never_panic_and_never_trust_a_key_that_they_do_not_hold() {
    let line = format!("[bastion]:2222,*.example.com,!db? {} c\n", text(1));
    let samples = vec![
        line.clone().into_bytes(),
        format!("@cert-authority * {}\n{line}", text(1)).into_bytes(),
        format!("@revoked * {}\n", text(1)).into_bytes(),
        b"|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= ssh-ed25519 AAAA".to_vec(),
    ];
    let target = Target {
        name: "known_hosts",
        one_in: 100,
        times: 64,
        samples,
    };
    let stranger = key(9);
    fuzz(target, |bytes| {
        let mut known = KnownHosts::default();
        let added = known.add(Path::new("kh"), &String::from_utf8_lossy(bytes));
        if let Err(origin) = added {
            return outcome_of_text(&origin);
        }
        let verdict = known.judge("bastion", 2222, Shown::Key(&stranger), NOW);
        assert!(!matches!(verdict, Verdict::Known { .. }), "{verdict:?}");
        outcome((std::mem::discriminant(&verdict), known.0.len()))
    });
}
