//! What has to be built, asked of a server: with the real answers, and without any.

use std::collections::BTreeSet;
use std::fs;

use omg_aur::constraint::bare;
use omg_aur::resolve::{Kind, Repositories, Request, Resolution, Unsolvable, resolve};
use omg_aur::testing::Mishap;
use omg_aur::{Aur, Error};

use crate::data::unpack;
use crate::server::{Site, order};

/// Repositories that have everything but what the AUR has.
struct Rest(BTreeSet<String>);

impl Repositories for Rest {
    fn satisfies_installed(&self, dependency: &str) -> bool {
        bare(dependency) == "glibc"
    }

    fn providers(&self, dependency: &str) -> Vec<String> {
        let name = bare(dependency);
        if self.0.contains(name) { Vec::new() } else { vec![name.to_owned()] }
    }
}

async fn resolved(aur: &Aur, rest: &Rest, targets: &[&str]) -> Result<Resolution, Error> {
    let request = Request { targets, providers: &[], checks: true, compare: order, choose: None };
    resolve(&request, rest, aur).await
}

fn bases(resolution: &Resolution) -> Vec<&str> {
    resolution.builds.iter().map(|build| &*build.base).collect()
}

fn rest() -> Option<Rest> {
    let answers = unpack("aur/rpc-v5-answers.tar.gz")?;
    let entries = fs::read_dir(answers.path().join("info")).unwrap().flatten();
    Some(Rest(entries.map(|entry| entry.file_name().into_string().unwrap()).collect()))
}

#[tokio::test]
async fn real_recipes_come_in_an_order_that_can_be_built() {
    let (Some(site), Some(rest)) = (Site::real(), rest()) else { return };
    let targets = ["google-drive-ocamlfuse", "ocaml-configurator"];
    let resolution = resolved(&site.aur, &rest, &targets).await.unwrap();
    assert_eq!(
        bases(&resolution),
        [
            "camlidl",
            "ocaml-curl",
            "ocaml-extlib",
            "ocaml-ounit",
            "ocaml-sexplib0",
            "ocaml-base",
            "ocaml-sqlite3",
            "ocaml-stdio",
            "ocaml-configurator",
            "ocaml-pcre",
            "ocaml-xmlm",
            "ocaml-zarith",
            "ocaml-cryptokit",
            "ocamlfuse",
            "ocamlnet",
            "gapi-ocaml",
            "google-drive-ocamlfuse",
        ]
    );
    let last = resolution.builds.last().unwrap();
    assert_eq!(last.version, "0.7.0-1");
    assert_eq!(last.from_aur(Kind::Runtime), ["gapi-ocaml", "ocaml-sqlite3", "ocamlfuse"]);
    assert_eq!(last.from_aur(Kind::Make), ["ocaml-ounit"]);
    assert_eq!(last.from_repositories(Kind::Make), ["dune"]);
    assert_eq!(last.from_repositories(Kind::Runtime), ["ocaml", "ocaml-findlib"]);
    // A request for each step from the targets, and none for a name alone.
    assert!(site.asked() <= 6, "{}", site.asked());
    assert_eq!((resolution.age, resolution.stale), (0, None));
}

#[tokio::test]
async fn without_the_rpc_the_dump_says_the_same() {
    let (Some(site), Some(rest)) = (Site::real(), rest()) else { return };
    let targets = ["google-drive-ocamlfuse", "python-fontparts"];
    let error = resolved(&site.aur, &rest, &targets).await.unwrap_err();
    let Error::Unsolvable(why) = error else { panic!("{error}") };
    // Two recipes of 2020 that need each other for their tests.
    assert!(matches!(&*why, Unsolvable::Cycle { path } if path.len() > 2), "{why}");
    let targets = ["google-drive-ocamlfuse"];
    let online = resolved(&site.aur, &rest, &targets).await.unwrap();
    site.server.set_dump(None);
    site.aur.refresh().await.unwrap();
    site.server.set_mishap(Some(Mishap::Status(503, None)));
    site.pass(1000);
    let offline = resolved(&site.again(), &rest, &targets).await.unwrap();
    assert_eq!(offline.builds, online.builds);
    assert_eq!(offline.age, 1000);
    assert!(offline.stale.unwrap().contains("503"));
}

#[tokio::test]
async fn providers_are_found_by_asking_for_them() {
    let site = Site::new();
    site.add("app", r#""Depends":["virtual>=2"],"CheckDepends":["checker"]"#);
    site.add("weak", r#""Provides":["virtual=1"],"NumVotes":50"#);
    site.add("first", r#""Provides":["virtual=2"],"NumVotes":5"#);
    site.add("second", r#""Provides":["virtual=3"],"NumVotes":7,"Depends":["glibc"]"#);
    site.add("checker", "");
    let names = ["app", "weak", "first", "second", "checker", "virtual"];
    let rest = Rest(names.map(str::to_owned).into());
    let resolution = resolved(&site.aur, &rest, &["app"]).await.unwrap();
    assert_eq!(bases(&resolution), ["checker", "second", "app"]);
    assert_eq!(resolution.providers[0].options, ["second", "first"]);
    let targets = ["app"];
    let mut request =
        Request { targets: &targets, providers: &[], checks: false, compare: order, choose: None };
    let resolution = resolve(&request, &rest, &site.aur).await.unwrap();
    assert_eq!(bases(&resolution), ["second", "app"]);
    let chosen = [("virtual".to_owned(), "first".to_owned())];
    request.providers = &chosen;
    let resolution = resolve(&request, &rest, &site.aur).await.unwrap();
    assert_eq!(bases(&resolution), ["first", "app"]);
    // Offline, the dump knows providers too.
    site.aur.refresh().await.unwrap();
    site.server.set_mishap(Some(Mishap::Status(503, None)));
    let resolution = resolve(&request, &rest, &site.again()).await.unwrap();
    assert_eq!(bases(&resolution), ["first", "app"]);
}

#[tokio::test]
async fn a_target_that_is_not_there_is_told_with_what_provides_it() {
    let site = Site::new();
    site.add("real", r#""Provides":["wanted"]"#);
    let error = resolved(&site.aur, &Rest(BTreeSet::new()), &["wanted"]).await.unwrap_err();
    let fault = error.fault();
    assert_eq!((fault.code.exit(), &*fault.message), (3, "the AUR has no package 'wanted'"));
    assert_eq!(fault.suggestions, ["real"]);
    assert_eq!(fault.hint.as_deref(), Some("omg search wanted"));
    let error = resolved(&site.aur, &Rest(BTreeSet::new()), &["../x"]).await.unwrap_err();
    assert_eq!(error.fault().code.exit(), 3, "{error}");
}
