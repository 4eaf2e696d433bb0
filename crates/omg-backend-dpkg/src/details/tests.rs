use proptest::prelude::*;

use super::*;

const RECORD: &str = "Package: vim-tiny\nStatus: hold ok unpacked\nPriority: important\nSection: editors\n\
Installed-Size: 1722\nMaintainer: Debian Vim Maintainers <team+vim@tracker.debian.org>\nArchitecture: amd64\n\
Multi-Arch: foreign\nSource: vim (2:9.0)\nVersion: 2:9.0.1378-2\nProvides: editor\n\
Depends: vim-common (>= 2:9.0),\n libacl1 | acl,\n libc6\nEssential: yes\nSize: 755492\nFilename: pool/v.deb\n\
SHA256: 00ff\nDescription: Vi IMproved - enhanced vi editor - compact version\n Vim is an almost\n compatible version.\n .\n It has\n  * undo\n  * syntax\n and\n more.\n .\n .\nHomepage: https://www.vim.org/\n";

#[test]
fn every_field_is_read() {
    let details = read(RECORD);
    assert_eq!(details.name, "vim-tiny");
    assert_eq!(details.version, "2:9.0.1378-2");
    assert_eq!(details.source_package, Some("vim"));
    assert_eq!(details.depends, ["vim-common (>= 2:9.0)", "libacl1 | acl", "libc6"]);
    assert_eq!(details.provides, ["editor"]);
    assert_eq!((details.download_size, details.installed_size), (Some(755_492), Some(1722 * 1024)));
    assert_eq!((details.section, details.priority), (Some("editors"), Some("important")));
    assert_eq!((details.url, details.multi_arch), (Some("https://www.vim.org/"), Some("foreign")));
    assert_eq!((details.filename, details.sha256), (Some("pool/v.deb"), Some("00ff")));
    assert_eq!((details.held, details.state), (true, Some("hold ok unpacked")));
    assert!(details.essential && details.licenses.is_empty());
    assert_eq!(details.description, "Vi IMproved - enhanced vi editor - compact version");
    assert_eq!(
        details.long_description.unwrap(),
        "Vim is an almost compatible version.\n\nIt has\n  * undo\n  * syntax\nand more."
            .replace("  *", " *")
    );
}

#[test]
fn the_whole_description_is_preferred() {
    let record =
        "Package: a\nDescription: short\nDescription-md5: 0\nDescription-en: short\n Long.\n";
    let details = read(record);
    assert_eq!(
        (details.description, details.long_description.as_deref()),
        ("short", Some("Long."))
    );
    let german = read("Package: a\nDescription-de: kurz\n");
    assert_eq!((german.description, german.long_description), ("kurz", None));
}

#[test]
fn an_installed_package_has_no_state_to_tell() {
    assert_eq!(read("Package: a\nSource: a\nStatus: install ok installed\n").state, None);
    assert_eq!(read("Package: a\nSource: a\n").source_package, None);
    assert_eq!(read("").name, "");
}

proptest! {
    #[test]
    fn any_text_is_read(text in any::<String>(), near in "(Description: [a-z]{0,3}\n|[ .#*a-z]{0,4}\n|Size: [0-9]{0,30}\n){0,9}") {
        for text in [text, near] {
            let details = read(&text);
            prop_assert!(details.long_description.is_none_or(|long| !long.is_empty()));
        }
    }
}
