use proptest::prelude::*;

use super::*;

const RECORD: &str = "%FILENAME%\nbash-5.1-1-x86_64.pkg.tar.zst\n\n%NAME%\nbash\n\n%BASE%\nbash\n\n%VERSION%\n5.1-1\n\n\
%DESC%\nThe GNU Bourne Again shell\n\n%GROUPS%\nbase\nshells\n\n%CSIZE%\n1500\n\n%ISIZE%\n8000\n\n%SHA256SUM%\n00ff\n\n\
%URL%\nhttps://www.gnu.org/\n\n%LICENSE%\nGPL\nMIT\n\n%ARCH%\nx86_64\n\n%BUILDDATE%\n1\n\n%PACKAGER%\nA <a@b>\n\n\
%REPLACES%\nold\n\n%CONFLICTS%\nother<2\n\n%PROVIDES%\nsh=5\n\n%DEPENDS%\nreadline>=7\nglibc\n\n\
%OPTDEPENDS%\nbash-completion: for tab completion\n\n%MAKEDEPENDS%\nautoconf\n\n%CHECKDEPENDS%\nx\n\n";

#[test]
fn every_field_is_read() {
    let details = read(RECORD);
    assert_eq!((details.name, details.version, details.architecture), ("bash", "5.1-1", "x86_64"));
    assert_eq!(details.description, "The GNU Bourne Again shell");
    assert_eq!((details.source, details.source_package), (Source::Alpm, None));
    assert_eq!(details.depends, ["readline>=7", "glibc"]);
    assert_eq!(details.suggests, ["bash-completion: for tab completion"]);
    assert_eq!((details.provides, details.conflicts), (vec!["sh=5"], vec!["other<2"]));
    assert_eq!((details.replaces, details.licenses), (vec!["old"], vec!["GPL", "MIT"]));
    assert_eq!((details.download_size, details.installed_size), (Some(1500), Some(8000)));
    assert_eq!((details.url, details.maintainer), (Some("https://www.gnu.org/"), Some("A <a@b>")));
    assert_eq!((details.groups.first(), details.sha256), (Some(&"base"), Some("00ff")));
    assert_eq!(details.filename, Some("bash-5.1-1-x86_64.pkg.tar.zst"));
    assert_eq!(groups(RECORD).collect::<Vec<_>>(), ["base", "shells"]);
}

#[test]
fn a_record_of_the_local_database_says_its_size() {
    let details = read("%NAME%\nbash\n\n%BASE%\nshells\n\n%SIZE%\n8000\n\n%CSIZE%\nx\n\n");
    assert_eq!((details.installed_size, details.download_size), (Some(8000), None));
    assert_eq!(details.source_package, Some("shells"));
    assert_eq!(read("").name, "");
}

proptest! {
    #[test]
    fn any_text_is_read(text in any::<String>(), near in "(%(NAME|DEPENDS|GROUPS|SIZE|X)%\n|[a-z0-9]{0,3}\n){0,12}") {
        for text in [text, near] {
            let details = read(&text);
            prop_assert!(details.source_package.is_none_or(|source| source != details.name));
            let _ = groups(&text).count();
        }
    }
}
