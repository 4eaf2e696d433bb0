//! Recipes by git: what comes through, and what hostile repositories try in vain.
//!
//! Each attack is first made on a careless git, where it must succeed; so the trap is known to work.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use omg_aur::recipes::{
    CommitId, Content, FileKind, MAX_FILE, MAX_FILES, PackageBase, RecipeBase, RecipeError,
    Recipes, Reviewed,
};
use omg_aur::review::{Facts, review};
use omg_core::{AurFacts, Code};

use crate::world::{World, base};

/// Where the home that a run must not look into is.
const WORLD: &str = "OMG_TEST_WORLD";

#[test]
fn a_recipe_comes_with_its_files_its_history_and_its_changes() {
    let world = World::new();
    let first = world.commit("yay", &[("PKGBUILD", "pkgver=1\n"), (".SRCINFO", "pkgbase = yay\n")]);
    let recipes = world.recipes();
    let fetched = recipes.fetch(&base("yay")).unwrap();
    assert_eq!((&fetched.commit, fetched.before), (&first, None));
    let second = world.commit("yay", &[("PKGBUILD", "pkgver=2\n")]);
    assert_eq!(recipes.head(&base("yay")).unwrap(), Some(first.clone()), "nothing is asked");
    let fetched = recipes.fetch(&base("yay")).unwrap();
    assert_eq!((&fetched.commit, &fetched.before), (&second, &Some(first.clone())));

    let srcinfo = recipes.srcinfo(&base("yay"), &second).unwrap();
    assert_eq!(srcinfo.as_deref(), Some("pkgbase = yay\n"));
    let files = recipes.read(&base("yay"), &first).unwrap();
    assert_eq!(files.text("PKGBUILD"), Some("pkgver=1\n"));
    assert_eq!(files.files.len(), 2);
    let log = recipes.log(&base("yay"), &second, 10).unwrap();
    let commits: Vec<_> = log.iter().map(|entry| &entry.commit).collect();
    assert_eq!(commits, [&second, &first]);
    assert_eq!((log[0].author.as_str(), log[0].subject.as_str()), ("A", "upgpkg"));
    assert!(log[0].time > 1_700_000_000);
    assert!(recipes.follows(&base("yay"), &first, &second).unwrap());
    assert!(!recipes.follows(&base("yay"), &second, &first).unwrap());
}

#[test]
fn a_rewritten_history_is_seen() {
    let world = World::new();
    let old = world.commit("x", &[("PKGBUILD", "pkgver=1\n")]);
    let recipes = world.recipes();
    recipes.fetch(&base("x")).unwrap();
    fs::remove_dir_all(world.work("x")).unwrap();
    let new = world.commit("x", &[("PKGBUILD", "pkgver=9\n")]);
    assert_eq!(recipes.fetch(&base("x")).unwrap().commit, new);
    assert!(!recipes.follows(&base("x"), &old, &new).unwrap());
    assert!(recipes.holds(&base("x"), &old).unwrap(), "it can still be compared");
    let never = CommitId::new(&"0".repeat(40)).unwrap();
    assert!(!recipes.follows(&base("x"), &never, &new).unwrap());
    let error = recipes.read(&base("x"), &never).unwrap_err();
    assert!(matches!(error, RecipeError::NoCommit { .. }), "{error}");
}

#[test]
fn what_is_not_there_is_said() {
    let world = World::new();
    let error = world.recipes().fetch(&base("none")).unwrap_err();
    assert!(matches!(&error, RecipeError::NotFound { name } if name == "none"), "{error}");
    assert_eq!(omg_aur::Error::from(error).fault().code, Code::NotFound);
    // As the AUR does it: an empty repository.
    let empty = world.path("served/empty.git");
    fs::create_dir(&empty).unwrap();
    assert!(world.git(&empty, &["init", "-q", "--bare"]).status.success());
    let error = world.recipes().fetch(&base("empty")).unwrap_err();
    assert!(matches!(error, RecipeError::NotFound { .. }), "{error}");
    assert!(!world.path("cache/empty.git").exists());
}

#[test]
fn names_and_addresses_that_git_could_take_for_something_else_are_refused() {
    let names = ["", "-oProxyCommand=x", "..", "a/b", "../x", "a\nb", "$(id)", "a b", "a\0", "ä"];
    for name in names.into_iter().chain([&*"a".repeat(241)]) {
        assert!(PackageBase::new(name).is_err(), "{name:?}");
    }
    for id in ["HEAD", "--all", "0123", &"g".repeat(40), &"A".repeat(40)] {
        assert!(CommitId::new(id).is_err(), "{id:?}");
    }
    let addresses = [
        "ext::sh -c touch% x",
        "http://aur.archlinux.org",
        "https://a@b",
        "https://-x",
        "file:///x",
        "https://a b",
        "https://",
    ];
    for address in addresses {
        assert!(RecipeBase::https(address).is_err(), "{address}");
    }
    for address in ["http://example.org", "git://10.0.0.1", "https://x", "http://127.0.0.1.evil"] {
        assert!(RecipeBase::local(address).is_err(), "{address}");
    }
    assert!(RecipeBase::https(RecipeBase::AUR).is_ok());
}

#[test]
fn the_users_git_settings_and_environment_are_not_ours() {
    let world = World::new();
    world.trap(&world.path("home/template/hooks/post-checkout"));
    world.trap(&world.path("home/template/hooks/reference-transaction"));
    world.trap(&world.path("home/trap"));
    let trap = world.path("home/trap");
    let trap = trap.display();
    // A repository's attributes choose among filters and drivers that settings name.
    let attributes = "* filter=evil diff=evil\n";
    world.commit("x", &[("PKGBUILD", "pkgver=1\n"), (".gitattributes", attributes)]);
    world.commit("x", &[("PKGBUILD", "pkgver=2\n")]);
    let settings = format!(
        "[init]\n\ttemplateDir = {}\n[filter \"evil\"]\n\tsmudge = {trap}\n[diff]\n\texternal = {trap}\n\
         [diff \"evil\"]\n\ttextconv = {trap}\n\tcommand = {trap}\n[core]\n\tfsmonitor = {trap}\n\
         \tpager = {trap}\n[trace2]\n\tnormalTarget = {}\n",
        world.path("home/template").display(),
        world.canary().display()
    );
    fs::write(world.path("home/.gitconfig"), settings).unwrap();

    let (served, careless) = (world.path("served/x.git"), world.path("careless"));
    let arguments = ["clone", "-q", served.to_str().unwrap(), careless.to_str().unwrap()];
    world.git(&world.path("home"), &arguments);
    assert!(world.sprung(), "the traps do not work");
    world.git(&careless, &["diff", "HEAD~1", "HEAD"]);
    assert!(world.sprung(), "the diff traps do not work");

    // The environment belongs to the process, so it is another one: this test program.
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--ignored", "recipes::everything_once", "--nocapture"])
        .env("HOME", world.path("home"))
        .env("XDG_CONFIG_HOME", world.path("home"))
        .env("GIT_CONFIG_GLOBAL", world.path("home/.gitconfig"))
        .env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", "core.fsmonitor")
        .env("GIT_CONFIG_VALUE_0", world.path("home/trap"))
        .env("GIT_TEMPLATE_DIR", world.path("home/template"))
        .env("GIT_EXTERNAL_DIFF", world.path("home/trap"))
        .env("GIT_PAGER", world.path("home/trap"))
        .env("GIT_TRACE", world.canary())
        .env("GIT_DIR", world.path("careless/.git"))
        .env(WORLD, world.directory.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    assert!(!world.sprung());
}

/// The part of the test above that runs in the hostile environment.
#[test]
#[ignore = "run by the test of the environment"]
fn everything_once() {
    let Some(world) = std::env::var_os(WORLD) else { unreachable!("{WORLD} is not set") };
    let world = std::path::PathBuf::from(world);
    let address = format!("file://{}", world.join("served").display());
    let recipes = Recipes::new(&world.join("cache"), RecipeBase::local(&address).unwrap()).unwrap();
    let new = recipes.fetch(&base("x")).unwrap().commit;
    let log = recipes.log(&base("x"), &new, 10).unwrap();
    assert_eq!(log.len(), 2);
    assert_eq!(recipes.read(&base("x"), &new).unwrap().text("PKGBUILD"), Some("pkgver=2\n"));
    let state = Reviewed::open(&world.join("state"));
    let mut state = state.unwrap();
    state.remember(&base("x"), &log[1].commit, None, 0).unwrap();
    let facts = Facts::new(AurFacts::default(), 0);
    let review = review(&recipes, &base("x"), &new, state.get(&base("x")), &facts).unwrap();
    assert!(review.diff.contains("-pkgver=1\n+pkgver=2\n"), "{}", review.diff);
}

#[test]
fn hooks_in_the_cache_do_not_run() {
    let (world, recipes, new) = hooked();
    assert_eq!(recipes.fetch(&base("x")).unwrap().commit, new);
    assert!(!world.sprung());
    // And that the settings are what keeps them from running.
    let (world, _recipes, _new) = hooked();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--ignored", "recipes::everything_once", "--nocapture"])
        .env("OMG_WEAKEN", "35")
        .env(WORLD, world.directory.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("running 1 test") && world.sprung(), "{said}");
}

/// A cache with hooks in it that work, and a commit to be fetched.
fn hooked() -> (World, Recipes, CommitId) {
    let world = World::new();
    world.commit("x", &[("PKGBUILD", "pkgver=1\n")]);
    let recipes = world.recipes();
    recipes.fetch(&base("x")).unwrap();
    let cached = world.path("cache/x.git");
    for hook in ["reference-transaction", "post-merge", "pre-auto-gc"] {
        world.trap(&cached.join("hooks").join(hook));
    }
    world.git(&cached, &["update-ref", "refs/heads/other", "refs/omg/head"]);
    assert!(world.sprung(), "the trap does not work");
    let new = world.commit("x", &[("PKGBUILD", "pkgver=2\n")]);
    (world, recipes, new)
}

#[test]
fn submodules_are_listed_and_never_fetched() {
    let world = World::new();
    let url = format!("ext::touch {}", world.canary().display());
    world.submodule("x", "sub", &url);
    let (served, careless) = (world.path("served/x.git"), world.path("careless"));
    let arguments = ["clone", "-q", "--recurse-submodules", served.to_str().unwrap()];
    let arguments = [&["-c", "protocol.ext.allow=always"], &arguments[..]].concat();
    world.git(&world.path("home"), &[&arguments[..], &[careless.to_str().unwrap()]].concat());
    assert!(world.sprung(), "the trap does not work");

    fs::write(world.path("home/.gitconfig"), "[protocol \"ext\"]\n\tallow = always\n").unwrap();
    let recipes = world.recipes();
    let commit = recipes.fetch(&base("x")).unwrap().commit;
    let files = recipes.read(&base("x"), &commit).unwrap();
    let sub = files.get("sub").unwrap();
    assert_eq!((sub.kind, &sub.content), (FileKind::Submodule, &Content::Absent));
    assert!(!world.sprung());
}

#[test]
fn links_are_shown_and_not_followed() {
    let world = World::new();
    let secret = world.path("secret");
    fs::write(&secret, "pkgbase = stolen\n").unwrap();
    world.link("x", ".SRCINFO", secret.to_str().unwrap());
    let commit = world.commit("x", &[("PKGBUILD", "pkgname=x\n")]);
    let (served, careless) = (world.path("served/x.git"), world.path("careless"));
    let arguments = ["clone", "-q", served.to_str().unwrap(), careless.to_str().unwrap()];
    world.git(&world.path("home"), &arguments);
    let followed = fs::read_to_string(careless.join(".SRCINFO")).unwrap();
    assert_eq!(followed, "pkgbase = stolen\n", "the trap does not work");

    let recipes = world.recipes();
    recipes.fetch(&base("x")).unwrap();
    assert_eq!(recipes.srcinfo(&base("x"), &commit).unwrap(), None);
    let files = recipes.read(&base("x"), &commit).unwrap();
    let link = files.get(".SRCINFO").unwrap();
    assert_eq!(link.kind, FileKind::Symlink);
    assert_eq!(link.content, Content::Text(secret.to_str().unwrap().into()));
}

#[test]
fn names_of_files_are_made_safe_to_show() {
    let world = World::new();
    let names = ["a\nb", "\x1b]52;c;x\x07", "-rf", "gpj\u{202e}.exe", "keys/pgp/A.asc"];
    let files: Vec<_> = names.iter().map(|name| (*name, "x\n")).collect();
    let commit = world.commit("x", &files);
    let recipes = world.recipes();
    recipes.fetch(&base("x")).unwrap();
    let files = recipes.read(&base("x"), &commit).unwrap();
    for name in names {
        let file = files.get(name).unwrap();
        assert_eq!(file.text(), Some("x\n"), "{name:?}");
        assert!(!file.path.chars().any(omg_core::is_dangerous), "{:?}", file.path);
        assert_eq!(file.odd_path, !name.starts_with("keys"), "{name:?}");
    }
}

#[test]
fn files_beyond_the_limits_are_listed_and_not_read() {
    let world = World::new();
    let long = "x".repeat(MAX_FILE as usize + 1);
    let names: Vec<_> = (0..=MAX_FILES).map(|number| format!("z{number:04}")).collect();
    let mut files: Vec<_> = names.iter().map(|name| (name.as_str(), "x\n")).collect();
    files.extend([("PKGBUILD", "pkgname=x\n"), ("a-large", &long), ("b-bytes", "\0\u{1}")]);
    let commit = world.commit("x", &files);
    let recipes = world.recipes();
    recipes.fetch(&base("x")).unwrap();
    let files = recipes.read(&base("x"), &commit).unwrap();
    assert!(files.more);
    assert_eq!(files.files.len(), MAX_FILES);
    assert_eq!(files.get("a-large").unwrap().content, Content::TooLarge);
    assert_eq!(files.get("a-large").unwrap().size, MAX_FILE + 1);
    assert_eq!(files.get("b-bytes").unwrap().content, Content::Bytes(vec![0, 1]));
    assert_eq!(files.text("PKGBUILD"), Some("pkgname=x\n"));
}

#[test]
fn a_repository_that_is_too_large_leaves_nothing() {
    let world = World::new();
    // Bytes that don't compress: a xorshift generator's.
    let mut state = 88_172_645_463_325_252_u64;
    let mut noise = String::new();
    while noise.len() < 3 << 20 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        write!(noise, "{state:x}").unwrap();
    }
    world.commit("x", &[("noise", &noise)]);
    let small = world.recipes().limits(Duration::from_mins(1), 1 << 20);
    let error = small.fetch(&base("x")).unwrap_err();
    // The kernel's limit ends git, or ours ends it: whichever comes first.
    let ended = matches!(error, RecipeError::Limit { .. } | RecipeError::Git { .. });
    assert!(ended, "{error}");
    assert!(!world.path("cache/x.git").exists());
    world.recipes().fetch(&base("x")).unwrap();
}

#[test]
fn a_server_that_never_answers_is_left() {
    let world = World::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("git://{}", listener.local_addr().unwrap());
    let server = RecipeBase::local(&address).unwrap();
    let recipes = Recipes::new(&world.path("cache"), server).unwrap();
    let recipes = recipes.limits(Duration::from_secs(1), 1 << 20);
    let error = recipes.fetch(&base("x")).unwrap_err();
    assert!(matches!(error, RecipeError::Deadline { seconds: 1, .. }), "{error}");
    let (mut asked, _) = listener.accept().unwrap();
    let mut question = Vec::new();
    // The end of the stream comes when git is gone.
    asked.read_to_end(&mut question).unwrap();
    assert!(String::from_utf8_lossy(&question).contains("git-upload-pack /x.git"));
}

#[test]
fn what_git_started_ends_with_it() {
    let world = World::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let server = RecipeBase::local(&address).unwrap();
    let recipes = Recipes::new(&world.path("cache"), server).unwrap();
    let recipes = recipes.limits(Duration::from_secs(1), 1 << 20);
    let error = recipes.fetch(&base("x")).unwrap_err();
    assert!(matches!(error, RecipeError::Deadline { .. }), "{error}");
    let _open = listener.accept().unwrap();
    // Git asks http through another program, which has the address among its arguments.
    let helper = || {
        fs::read_dir("/proc").unwrap().flatten().any(|process| {
            let arguments = fs::read(process.path().join("cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&arguments).contains(&address)
        })
    };
    // It is dead, but the kernel may need a moment to take it away.
    let gone = (0..250).any(|_| {
        std::thread::sleep(Duration::from_millis(20));
        !helper()
    });
    assert!(gone, "git's helper is still there");
}

#[test]
fn a_redirect_is_not_followed() {
    let world = World::new();
    let (first, second) =
        (TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
    let target = second.local_addr().unwrap();
    let address = format!("http://{}", first.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = first.accept().unwrap();
        let mut question = [0; 4096];
        let _bytes = stream.read(&mut question).unwrap();
        let answer = format!(
            "HTTP/1.1 302 Found\r\nLocation: http://{target}/x.git/info/refs?service=git-upload-pack\r\n\
             Content-Length: 0\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(answer.as_bytes()).unwrap();
    });
    let recipes = Recipes::new(&world.path("cache"), RecipeBase::local(&address).unwrap()).unwrap();
    let error = recipes.limits(Duration::from_secs(20), 1 << 20).fetch(&base("x")).unwrap_err();
    assert!(matches!(error, RecipeError::Git { .. }), "{error}");
    server.join().unwrap();
    second.set_nonblocking(true).unwrap();
    assert!(second.accept().is_err(), "somebody came");
}

#[test]
fn a_recipe_comes_over_gits_own_protocol() {
    let world = World::new();
    let commit = world.commit("x", &[("PKGBUILD", "pkgname=x\n")]);
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let _daemon = Daemon::start(&world, port);
    let server = RecipeBase::local(&format!("git://127.0.0.1:{port}")).unwrap();
    let recipes = Recipes::new(&world.path("cache"), server).unwrap();
    assert_eq!(recipes.fetch(&base("x")).unwrap().commit, commit);
}

/// `git daemon`, ended with the test.
struct Daemon(Child);

impl Daemon {
    fn start(world: &World, port: u16) -> Self {
        let child = Command::new("git")
            .args(["daemon", "--export-all", "--listen=127.0.0.1", "--reuseaddr"])
            .arg(format!("--port={port}"))
            .arg(format!("--base-path={}", world.path("served").display()))
            .env("GIT_CONFIG_COUNT", "1")
            .env("GIT_CONFIG_KEY_0", "safe.directory")
            .env("GIT_CONFIG_VALUE_0", "*")
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let daemon = Self(child);
        for _ in 0..500 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return daemon;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        unreachable!("git daemon does not listen");
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // The wrapper `git` passes this on to the daemon it started.
        let pid = rustix::process::Pid::from_child(&self.0);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        self.0.wait().unwrap();
    }
}

#[test]
fn reviews_are_remembered_beside_the_cache() {
    let world = World::new();
    let state = world.path("state");
    let (one, two) = ("1".repeat(40), "2".repeat(40));
    let (one, two) = (CommitId::new(&one).unwrap(), CommitId::new(&two).unwrap());
    let mut reviewed = Reviewed::open(&state).unwrap();
    let mut other = Reviewed::open(&state).unwrap();
    reviewed.remember(&base("yay"), &one, Some("jguer"), 1_763_688_976).unwrap();
    other.remember(&base("paru"), &two, None, 0).unwrap();
    let again = Reviewed::open(&state).unwrap();
    let entry = again.get(&base("yay")).unwrap();
    assert_eq!((&entry.commit, entry.maintainer.as_deref()), (&one, Some("jguer")));
    assert_eq!(entry.at, "2025-11-21T01:36:16Z");
    assert_eq!(again.get(&base("paru")).unwrap().maintainer, None);
    assert!(reviewed.remember(&base("yay"), &one, Some("a\tb"), 0).is_err());
    assert!(reviewed.remember(&base("yay"), &one, Some("-"), 0).is_err());

    let file = state.join("aur-reviewed");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("nonsense\n{text}yay\t{two}\tnever\t-\n\0\x1b\t\n")).unwrap();
    let damaged = Reviewed::open(&state).unwrap();
    assert_eq!(damaged.get(&base("yay")).unwrap().commit, one, "the good lines are kept");
    assert_eq!(damaged.warnings().len(), 3, "{:?}", damaged.warnings());
    assert!(damaged.warnings()[0].contains("aur-reviewed:1: "));
    let left: Vec<_> =
        fs::read_dir(&state).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "the file and its lock: {left:?}");
}
