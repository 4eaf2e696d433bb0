//! Pieces of an archive, taken by themselves.

use proptest::prelude::*;
use tar::EntryType;

use super::paths::{Kind, Paths, checked};
use super::pax::Extension;
use super::{ArchiveLimits, PkgInfo};

proptest! {
    #[test]
    fn no_header_and_no_pkginfo_makes_it_panic(
        bytes in any::<Vec<u8>>(),
        text in "([0-9]{1,2} )?(path|size|linkpath|x)=[a-z0-9/.]{0,8}\n{0,2}",
    ) {
        for bytes in [&bytes[..], text.as_bytes()] {
            for kind in [EntryType::XHeader, EntryType::GNULongName, EntryType::GNULongLink] {
                let _refused = Extension::default().take(kind, bytes);
            }
            let _refused = PkgInfo::parse(bytes);
        }
    }

    #[test]
    fn what_is_accepted_stays_inside_and_is_no_link_to_go_through(
        entries in proptest::collection::vec(("[ab./]{0,6}", 0..4_u8, "[ab./]{0,6}"), 0..12),
    ) {
        let mut paths = Paths::default();
        let mut links: Vec<String> = Vec::new();
        let mut all: Vec<String> = Vec::new();
        for (path, kind, link) in entries {
            let kind = match kind {
                0 => Kind::File,
                1 => Kind::Directory,
                2 => Kind::Symlink,
                _ => Kind::Hardlink,
            };
            let limits = ArchiveLimits::default();
            let Ok(path) = checked(path.as_bytes(), kind == Kind::Directory, &limits) else { continue };
            if paths.add(&path, kind, link.as_bytes(), 0o644).is_err() {
                // The archive would be refused as a whole.
                return Ok(());
            }
            prop_assert!(!path.starts_with('/') && !path.split('/').any(|part| part == ".."));
            prop_assert!(!all.contains(&path));
            if kind == Kind::Symlink {
                links.push(format!("{path}/"));
            }
            all.push(path);
        }
        for link in &links {
            prop_assert!(!all.iter().any(|path| path.starts_with(link.as_str())), "{link} in {all:?}");
        }
    }
}
