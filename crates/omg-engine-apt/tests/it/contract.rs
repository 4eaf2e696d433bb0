//! The contract of all backends, over apt's files and the engine together.

use std::fs;

use omg_backend::contract::plans::{Expected, plans};
use omg_backend_dpkg::Dpkg;
use omg_engine::Engine;

use crate::root::{skeleton, suite};

const OFFERED: &str = "\
Package: editor
Version: 2-1
Architecture: amd64
Depends: libeditor (>= 2)

Package: libeditor
Version: 2-1
Architecture: amd64

Package: pager
Version: 3-1
Architecture: amd64

Package: broken
Version: 1-1
Architecture: amd64
Depends: nobody-has-this
";

const INSTALLED: &str = "\
Package: pager
Status: install ok installed
Version: 2-1
Architecture: amd64
";

#[test]
fn a_debian_system_keeps_the_contract_about_plans() {
    let root = tempfile::tempdir().unwrap();
    skeleton(root.path(), false);
    suite(root.path(), "stable", "", &[("amd64", OFFERED.to_owned())]);
    fs::write(root.path().join("var/lib/dpkg/status"), INSTALLED).unwrap();
    fs::write(root.path().join("var/lib/dpkg/arch"), "amd64\n").unwrap();
    let expected = Expected {
        installable: "editor",
        brings: &["libeditor"],
        removable: "pager",
        unsolvable: Some("broken"),
        upgrades: &["pager"],
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let engine = env!("CARGO_BIN_EXE_omg-engine-apt").into();
        let engine = Engine::new(engine, root.path().to_path_buf());
        let dpkg = Dpkg::open(root.path()).unwrap().with_engine(engine);
        plans(&dpkg, &expected).await;
    });
}
