//! Names of packages, before they become part of an address, a path or an argument.

/// Bytes of a name, at most. The longest real ones have about 100.
pub const MOST_NAME_BYTES: usize = 255;

/// May a package or package base be called this? The rule of makepkg's `lint_pkgname`: ASCII
/// letters, digits and `@._+-`, not beginning with `-` or `.`. So no name is a path, an option, or
/// has control characters in it.
///
/// ```
/// assert!(omg_aur::is_name("lib32-gtk2+"));
/// assert!(!omg_aur::is_name("../etc") && !omg_aur::is_name("-rf") && !omg_aur::is_name("a\nb"));
/// ```
pub fn is_name(name: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"@._+-".contains(&byte);
    name.len() <= MOST_NAME_BYTES
        && name.bytes().next().is_some_and(|first| !matches!(first, b'-' | b'.'))
        && name.bytes().all(good)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_of_packages_and_of_nothing_else() {
        for good in ["a", "zlib-ng", "r8168-dkms", "libc++", "python2.7", "_x", "Foo@1"] {
            assert!(is_name(good), "{good}");
        }
        let long = "a".repeat(MOST_NAME_BYTES + 1);
        for bad in ["", ".", "..", "-a", ".a", "a/b", "a b", "ä", "a\n", "a\0", "a=1", &long] {
            assert!(!is_name(bad), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_that_a_path_an_option_or_an_address_could_see(name in any::<String>()) {
            if is_name(&name) {
                let reserved = ['/', '\\', '%', '?', '#', '&', '=', ' ', ':', '$', '`', '"', '\''];
                prop_assert!(!name.contains(reserved) && !name.starts_with(['-', '.']));
                prop_assert!(!name.chars().any(char::is_control));
            }
        }
    }
}
