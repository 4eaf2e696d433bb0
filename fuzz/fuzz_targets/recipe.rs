//! What describes a recipe of the AUR: .SRCINFO, and the records of the dump.
#![no_main]

use libfuzzer_sys::fuzz_target;
use omg_aur::Package;
use omg_aur::dump::{self, record};
use omg_aur::srcinfo::Srcinfo;
use omg_core::{Available, Fault, Repository, RepositoryId, Sink};

struct Names(usize);

impl Sink for Names {
    fn repository(&mut self, _: &Repository) -> Result<RepositoryId, Fault> {
        Ok(RepositoryId(0))
    }

    fn package(&mut self, package: &Available<'_>) -> Result<(), Fault> {
        assert!(!package.name.is_empty() && !package.versions.is_empty());
        for offer in package.versions {
            assert_eq!(record::details(offer.record).name, package.name);
        }
        self.0 += 1;
        Ok(())
    }

    fn warning(&mut self, _: String) {}
}

fuzz_target!(|bytes: &[u8]| {
    if let Ok(info) = Srcinfo::parse("fuzz", bytes) {
        assert!(!info.base().is_empty() && info.packages().count() > 0);
        let _version = info.version();
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _package = Package::parse("fuzz", text);
    }
    let _emitted = dump::emit(bytes, "fuzz", "https://aur.invalid", &mut Names(0));
});
