//! The contract of all backends, over pacman's files and the engine together.

use std::path::PathBuf;

use omg_backend::contract::plans::{Expected, plans};
use omg_backend::contract::{self, contract};
use omg_backend_alpm::Alpm;
use omg_engine::Engine;

use crate::crafted::entry;
use crate::root::Root;

#[test]
fn an_arch_system_keeps_the_contract_about_plans() {
    let root = Root::new(&["core"], "");
    root.repository(
        "core",
        &[
            entry("editor", "2-1").depends(&["libeditor>=2"]),
            entry("libeditor", "2-1"),
            entry("pager", "3-1"),
            entry("broken", "1-1").depends(&["nobody-has-this"]),
        ],
    );
    root.install(&entry("pager", "2-1"), false);
    let engine = PathBuf::from(env!("CARGO_BIN_EXE_omg-engine-alpm"));
    let engine = Engine::new(engine, root.path().to_owned());
    let alpm = Alpm::open(root.path()).unwrap().with_engine(engine);
    let expected = Expected {
        installable: "editor",
        brings: &["libeditor"],
        removable: "pager",
        unsolvable: Some("broken"),
        upgrades: &["pager"],
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let known = contract::Expected {
            installed: &[("pager", "2-1")],
            candidates: &[("pager", "3-1"), ("editor", "2-1")],
        };
        contract(&alpm, &known).await;
        plans(&alpm, &expected).await;
    });
}
