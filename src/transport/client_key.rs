//! The key of our certificate: PKCS #8, PKCS #1 and SEC 1, and PKCS #8 with a passphrase.

use std::path::Path;

use pkcs8::EncryptedPrivateKeyInfoRef;
use pkcs8::der::SecretDocument;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use secrecy::{ExposeSecret, SecretString};

use super::tls::{read, unfit};
use crate::error::{Error, Result};

const BEGIN: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----";
const END: &str = "-----END ENCRYPTED PRIVATE KEY-----";

/// Reads it, and opens it with `sslpassword` if it is encrypted; a password that nothing asks for
/// is ignored, as libpq does. Slow on purpose when there is a password: not for an async task.
pub(super) fn load(path: &Path, password: Option<&SecretString>) -> Result<PrivateKeyDer<'static>> {
    let pem = read(path)?;
    let text = String::from_utf8_lossy(&pem);
    if let Some(encrypted) = section(&text) {
        return match password {
            Some(password) => open(path, encrypted, password),
            None => Err(unfit(path, "is encrypted with a passphrase").remedy(format!(
                "Set sslpassword_file, sslpassword_command or sslpassword, or take the passphrase \
                 off: {}",
                without_passphrase(path)
            ))),
        };
    }
    if text.contains("Proc-Type: 4,ENCRYPTED") {
        return Err(
            unfit(path, "is encrypted in the old way of OpenSSL").remedy(format!(
                "Write it anew, with a passphrase: openssl pkcs8 -topk8 -v2 aes256 -in {0} -out \
             client.key; or without: {1}",
                path.display(),
                without_passphrase(path)
            )),
        );
    }
    PrivateKeyDer::from_pem_slice(&pem)
        .map_err(|_| unfit(path, "holds no private key in PKCS #8, PKCS #1 or SEC 1"))
}

fn open(path: &Path, pem: &str, password: &SecretString) -> Result<PrivateKeyDer<'static>> {
    let (_, document) = SecretDocument::from_pem(pem).map_err(|_| unfit(path, "is damaged"))?;
    let info =
        EncryptedPrivateKeyInfoRef::try_from(document.as_bytes()).map_err(|_| unsupported(path))?;
    let key = info
        .decrypt(password.expose_secret())
        .map_err(|error| match error {
            pkcs8::Error::EncryptedPrivateKey(pkcs8::pkcs5::Error::DecryptFailed) => {
                unfit(path, "cannot be opened: sslpassword is wrong").remedy(format!(
                    "Try it: openssl pkey -noout -in {} asks for the passphrase.",
                    path.display()
                ))
            }
            _ => unsupported(path),
        })?;
    // a wrong passphrase may by chance leave something that only looks decrypted
    PrivateKeyDer::try_from(key.as_bytes())
        .map(|_| PrivatePkcs8KeyDer::from(key.as_bytes().to_vec()).into())
        .map_err(|_| unfit(path, "cannot be opened: sslpassword is wrong"))
}

fn unsupported(path: &Path) -> Error {
    unfit(path, "is encrypted in a way that walferry does not know").remedy(format!(
        "Write it anew: openssl pkcs8 -topk8 -v2 aes256 -in {} -out client.key; \
         chmod 600 client.key",
        path.display()
    ))
}

fn without_passphrase(path: &Path) -> String {
    format!(
        "openssl pkcs8 -topk8 -nocrypt -in {} -out client.key; chmod 600 client.key",
        path.display()
    )
}

/// What may stand around it does not matter.
fn section(text: &str) -> Option<&str> {
    let begin = text.find(BEGIN)?;
    let end = text[begin..].find(END)? + END.len();
    Some(&text[begin..begin + end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loaded(pem: &str, password: Option<&str>) -> Result<PrivateKeyDer<'static>> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), pem).unwrap();
        load(file.path(), password.map(SecretString::from).as_ref())
    }

    #[test]
    fn a_key_that_needs_a_passphrase_says_what_to_do() {
        let pem = format!("Bag Attributes\n{BEGIN}\nAAAA\n{END}\n");
        let error = loaded(&pem, None).unwrap_err();
        let hint = error.hint().unwrap();
        assert!(
            hint.contains("sslpassword_file") && hint.contains("openssl pkcs8"),
            "{hint}"
        );
        let old = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n";
        let error = loaded(old, Some("x")).unwrap_err();
        assert!(
            error
                .hint()
                .is_some_and(|hint| hint.contains("-topk8 -v2 aes256"))
        );
    }

    #[test]
    fn what_is_damaged_is_told_from_what_is_locked() {
        let pem = format!("{BEGIN}\nAAAA\n{END}\n");
        let error = loaded(&pem, Some("canary")).unwrap_err().to_string();
        assert!(error.contains("is damaged"), "{error}");
        assert!(!error.contains("canary"), "{error}");
        assert!(
            loaded("nothing", None)
                .unwrap_err()
                .to_string()
                .contains("no private key")
        );
    }
}
