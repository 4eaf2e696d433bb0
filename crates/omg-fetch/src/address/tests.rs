use super::*;
use proptest::prelude::*;

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

#[test]
fn only_what_can_be_asked() {
    for text in [
        "http://deb.debian.org/debian/pool/main/v/vim/vim_9.1_amd64.deb",
        "https://user:secret@mirror.example/x",
        "http://127.0.0.1:8080/a%20b?c=%C3%A4",
        "file:///srv/mirror/a%20b.deb",
        "http://[::1]/",
    ] {
        assert!(Address::parse(text).is_ok(), "{text}");
    }
    for text in [
        "",
        "/debian/pool",
        "ftp://ftp.debian.org/",
        "javascript:1",
        "data:,x",
        "http://",
        "file://host/path",
        "http://mirror/\r\nHost: evil",
        "http://mirror/x\ty",
        "http://mirror/x%0d%0aGET%20/",
        "http://mirror/x%00",
        "http://mirror/x%7F",
        "http://mirror\\@evil/",
        "http://169.254.169.254/latest/meta-data",
        "http://2852039166/",
        "http://0xa9fea9fe/",
        "http://[fe80::1]/",
        "http://[::ffff:169.254.169.254]/",
        "http://[64:ff9b::a9fe:a9fe]/",
    ] {
        assert!(matches!(Address::parse(text), Err(Error::Address { .. })), "{text}");
    }
    assert!(Address::parse(&format!("http://m/{}", "a".repeat(MOST_URL_BYTES))).is_err());
}

#[test]
fn nobody_sees_a_password() {
    let url = address("https://user:secret@mirror.example/x");
    assert_eq!(url.to_string(), "https://mirror.example/x");
    assert_eq!(format!("{url:?}"), "https://mirror.example/x");
    let error = Address::parse("gopher://user:secret@mirror.example/x").unwrap_err();
    assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
}

#[test]
fn redirects_lead_outward_only() {
    let from = address("https://mirror.example/debian/a.deb");
    let to = |location: &str, by| from.redirected(location.as_bytes(), by).map(|to| to.to_string());
    let public = Reach::Public;
    assert_eq!(to("/b.deb", public).unwrap(), "https://mirror.example/b.deb");
    assert_eq!(to("b.deb", public).unwrap(), "https://mirror.example/debian/b.deb");
    assert_eq!(to("//other.example/b", public).unwrap(), "https://other.example/b");
    assert_eq!(to("https://10.0.0.1/b", Reach::Private).unwrap(), "https://10.0.0.1/b");
    for location in [
        "http://mirror.example/a.deb",
        "/x%0a201%20URI%20Done%0a",
        "/x\r\nX-Evil: 1",
        "https://user:secret@other.example/",
        "https://127.0.0.1/",
        "https://10.0.0.1/",
        "https://[::1]/",
        "https://2130706433/",
        "https://[::ffff:127.0.0.1]/",
        "https://169.254.169.254/",
        "file:///etc/passwd",
        "ftp://other.example/",
        "https://",
    ] {
        assert!(matches!(to(location, public), Err(Error::Redirect { .. })), "{location}");
    }
    assert!(to("https://169.254.169.254/", Reach::Private).is_err());
    assert!(from.redirected(b"/\xff", public).is_err());
}

#[test]
fn suffixes_go_behind_the_path() {
    let sig = |text| address(text).with_suffix(".sig").unwrap().to_string();
    assert_eq!(sig("http://m/a.pkg.tar.zst"), "http://m/a.pkg.tar.zst.sig");
    assert_eq!(sig("http://m/a:1%2B2.pkg?x=y"), "http://m/a:1%2B2.pkg.sig?x=y");
    assert!(address("http://m/a").with_suffix("\r\n").is_err());
}

proptest! {
    #[test]
    fn any_text_is_asked_or_refused(text in any::<String>()) {
        let _ = Address::parse(&text);
    }

    #[test]
    fn no_redirect_leaves_https(location in prop::collection::vec(any::<u8>(), 0..200)) {
        let from = address("https://mirror.example/a");
        if let Ok(to) = from.redirected(&location, Reach::Public) {
            prop_assert_eq!(to.url().scheme(), "https");
            prop_assert!(!to.url().as_str().bytes().any(|byte| byte.is_ascii_control()));
        }
    }

    #[test]
    fn no_redirect_of_likely_parts_leads_inward(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "http:", "https:", "file:", "//", "/", "\\", "@", ":", "127.0.0.1", "169.254.169.254",
                "[::1]", "0x7f.1", "%0a", "%0D", "\t", "\r\n", "mirror.example", "?", "#", "..",
            ]),
            0..8,
        )
    ) {
        let from = address("https://mirror.example/a");
        if let Ok(to) = from.redirected(parts.concat().as_bytes(), Reach::Public) {
            prop_assert_eq!(to.url().scheme(), "https");
            prop_assert!(!matches!(to.reach(), Some(Reach::Private | Reach::Link)), "{}", to);
            let text = to.url().as_str().to_ascii_lowercase();
            prop_assert!(!text.contains("%0a") && !text.contains("%0d"), "{}", text);
        }
    }
}
