//! Keys and signatures that gpg makes here, each with something about it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, Weak};

use crate::data::shared;
use crate::tools::{Home, have};

/// One key with a signature over [`DATA`].
pub(crate) struct Made {
    pub(crate) name: &'static str,
    pub(crate) keyring: PathBuf,
    pub(crate) signature: PathBuf,
    /// The data that the signature is checked against.
    pub(crate) data: PathBuf,
    /// A text with its signature in it.
    pub(crate) clear: PathBuf,
}

/// All of them, and the place where they are.
pub(crate) struct Workshop {
    pub(crate) home: Home,
    pub(crate) made: Vec<Made>,
}

impl Workshop {
    pub(crate) fn get(&self, name: &str) -> &Made {
        self.made.iter().find(|it| it.name == name).unwrap()
    }
}

pub(crate) const DATA: &str = "Origin: Example\nSuite: stable\n- a dash\nCodename: example\n";

/// Signs by `key` with more options. `now` is the faked time of signing, in gpg's form.
fn sign(home: &Home, name: &'static str, key: &str, options: &[&str]) -> Made {
    let data = home.write(&format!("{name}.txt"), DATA);
    let signature = home.join(&format!("{name}.sig"));
    let clear = home.join(&format!("{name}.asc"));
    for (output, command) in [(&signature, "--detach-sign"), (&clear, "--clear-sign")] {
        let output = output.to_str().unwrap();
        let file = data.to_str().unwrap();
        let mut arguments = options.to_vec();
        arguments.extend(["-u", key, "--output", output, command, file]);
        home.gpg(&arguments);
    }
    Made { name, keyring: home.join(&format!("{name}.gpg")), signature, data, clear }
}

fn revocation(home: &Home, fingerprint: &str) {
    let path = home.join(&format!("openpgp-revocs.d/{fingerprint}.rev"));
    // The certificate is made unusable by a colon, lest it be imported by mistake.
    let text = std::fs::read_to_string(path).unwrap().replace("\n:-----", "\n-----");
    let revocation = home.write("revocation", text);
    home.gpg(&["--import", revocation.to_str().unwrap()]);
}

fn work() -> Workshop {
    const OLD: &str = "20200101T000000!";
    let home = Home::new();
    let mut made = Vec::new();
    let mut plain =
        |name: &'static str, key: &[&str], algorithm: &str, expires: &str, sig: &[&str]| {
            let fingerprint = home.key(name, key, algorithm, expires);
            made.push(sign(&home, name, &fingerprint, sig));
            home.export(&format!("{name}.gpg"), &[name]);
            fingerprint
        };
    plain("good", &[], "ed25519", "never", &[]);
    plain("rsa", &[], "rsa2048", "never", &["--digest-algo", "SHA256"]);
    plain("short", &[], "rsa1024", "never", &[]);
    plain("sha1-data", &[], "rsa2048", "never", &["--digest-algo", "SHA1"]);
    plain("sha1-bound", &["--cert-digest-algo", "SHA1"], "rsa2048", "never", &[]);
    let sha1 = ["--cert-digest-algo", "SHA1", "--faked-system-time", OLD];
    let later = ["--faked-system-time", "20250601T000000!"];
    plain("sha1-old", &sha1, "rsa3072", "never", &later);
    let then = ["--faked-system-time", OLD];
    plain("expired-key", &then, "ed25519", "1y", &then);
    let brief = ["--faked-system-time", OLD, "--default-sig-expire", "30d"];
    plain("expired-signature", &then, "ed25519", "never", &brief);
    let future = ["--faked-system-time", "20400101T000000!"];
    plain("future-signature", &[], "ed25519", "never", &future);
    let revoked = plain("revoked-key", &[], "ed25519", "never", &[]);
    revocation(&home, &revoked);
    home.export("revoked-key.gpg", &["revoked-key"]);
    // A subkey signs.
    for name in ["subkey", "revoked-subkey"] {
        let primary = home.key(name, &[], "ed25519", "never");
        home.gpg(&["--quick-add-key", &primary, "ed25519", "sign", "never"]);
        let sub = home.fingerprints(name).remove(1);
        made.push(sign(&home, name, &format!("{sub}!"), &[]));
    }
    let primary = home.fingerprint("revoked-subkey");
    home.edit(&primary, "key 1\nrevkey\ny\n1\n\ny\nsave\n");
    home.export("subkey.gpg", &["subkey"]);
    home.export("revoked-subkey.gpg", &["revoked-subkey"]);
    // Signed by one key, checked with another.
    let mut wrong = sign(&home, "wrong-key", "good@example.org", &[]);
    wrong.keyring = home.join("rsa.gpg");
    made.push(wrong);
    let two = ["-u", "good@example.org"];
    made.push(sign(&home, "two", "rsa@example.org", &two));
    home.export("two.gpg", &["good", "rsa"]);
    let mut one = sign(&home, "two-one-unknown", "rsa@example.org", &two);
    one.keyring = home.join("good.gpg");
    made.push(one);
    made.push(spoilt(&home, "flipped-data", |data, _| data[3] ^= 1));
    made.push(spoilt(&home, "flipped-signature", |_, signature| {
        let at = signature.len() - 9;
        signature[at] ^= 1;
    }));
    made.push(spoilt(&home, "truncated", |_, signature| signature.truncate(signature.len() / 2)));
    made.push(spoilt(&home, "empty", |_, signature| signature.clear()));
    made.push(one_bad(&home));
    Workshop { home, made }
}

/// The good one, altered.
fn spoilt(home: &Home, name: &'static str, spoil: impl Fn(&mut Vec<u8>, &mut Vec<u8>)) -> Made {
    let mut made = sign(home, name, "good@example.org", &[]);
    let mut data = std::fs::read(&made.data).unwrap();
    let mut signature = std::fs::read(&made.signature).unwrap();
    spoil(&mut data, &mut signature);
    std::fs::write(&made.data, &data).unwrap();
    std::fs::write(&made.signature, &signature).unwrap();
    // The text with its signature in it is altered in the same place.
    let mut clear = std::fs::read(&made.clear).unwrap();
    match name {
        "flipped-data" => {
            let at = String::from_utf8_lossy(&clear).find("Origin").unwrap();
            clear[at + 3] ^= 1;
        }
        "flipped-signature" => {
            let at = clear.len() - 50;
            clear[at] = if clear[at] == b'A' { b'B' } else { b'A' };
        }
        "truncated" => clear.truncate(clear.len() - 60),
        _ => clear.clear(),
    }
    std::fs::write(&made.clear, clear).unwrap();
    made.keyring = home.join("good.gpg");
    made
}

/// Two signatures by trusted keys, one of which is over other data.
fn one_bad(home: &Home) -> Made {
    let mut made = sign(home, "one-bad", "good@example.org", &[]);
    let other = home.write("other.txt", "something else\n");
    let output = home.join("other.sig");
    let arguments = ["-u", "rsa@example.org", "--output", output.to_str().unwrap()];
    home.gpg(&[&arguments[..], &["--detach-sign", other.to_str().unwrap()]].concat());
    let mut both = std::fs::read(&made.signature).unwrap();
    both.extend(std::fs::read(output).unwrap());
    std::fs::write(&made.signature, both).unwrap();
    made.keyring = home.join("two.gpg");
    made
}

/// Made once for all tests that run at a time. None without gpg.
pub(crate) fn workshop() -> Option<Arc<Workshop>> {
    static MADE: Mutex<Weak<Workshop>> = Mutex::new(Weak::new());
    shared(&MADE, || have("gpg").then(work))
}
