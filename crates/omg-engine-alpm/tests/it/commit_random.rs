//! Changes drawn at random, carried out by us and by pacman on two equal roots. `OMG_CHANGES` says how
//! many.

use std::sync::OnceLock;

use omg_core::{Change, Code, Operation};

use crate::commit::{possible, twins};
use crate::driver;
use crate::oracle;
use crate::random::Random;
use crate::root::Root;
use crate::tree;
use crate::workshop::{Mirror, Recipe};

/// Changes, if the environment says nothing.
const USUAL: usize = 30;
/// Changes of each chain.
const EACH: usize = 8;
/// Names of packages.
const NAMES: usize = 24;

/// The repository in two states, and all files.
struct World {
    old: Mirror,
    new: Mirror,
}

fn name(at: usize) -> String {
    format!("p{at:02}")
}

fn recipe(at: usize, version: usize, random: &mut Random) -> Recipe {
    let name = name(at);
    let mut recipe = Recipe::new(&name, &format!("{version}-1"));
    // What it needs comes before it, so that there are no circles.
    for _ in 0..random.below(3) {
        if at > 0 {
            recipe = recipe.depends(&self::name(random.below(at)));
        }
    }
    if random.percent(25) {
        recipe = recipe.with("provides", &format!("virtual{}={version}", random.below(3)));
    }
    if random.percent(8) && at > 3 {
        recipe = recipe.depends(&format!("virtual{}", random.below(3)));
    }
    if random.percent(6) && at > 0 {
        recipe = recipe.with("conflict", &self::name(random.below(at)));
    }
    if random.percent(5) && at > 0 {
        let other = self::name(random.below(at));
        recipe = recipe.with("replaces", &other).with("conflict", &other);
    }
    if random.percent(20) {
        recipe = recipe.with("group", &format!("group{}", random.below(2)));
    }
    if random.percent(40) {
        recipe = recipe.backup(&format!("etc/{name}.conf"), &format!("version = {version}\n"));
    }
    if random.percent(30) {
        recipe = recipe.program(&format!("usr/bin/{name}"), "#!/bin/sh\n");
    }
    if random.percent(20) {
        recipe = recipe.link(&format!("usr/lib/lib{name}.so"), &format!("lib{name}.so.{version}"));
    }
    if random.percent(6) {
        // In the way of others that have it.
        recipe = recipe.file(&format!("usr/share/common/{}", random.below(4)), "common\n");
    }
    if random.percent(50) {
        recipe = recipe.install(&script(&name));
    }
    recipe
}

/// Says in a file what was called, so that the order counts, too; one of them fails.
fn script(name: &str) -> String {
    ["pre_install", "post_install", "pre_upgrade", "post_upgrade", "pre_remove", "post_remove"]
        .map(|function| {
            format!(
                "{function}() {{\n echo \"{name} {function} $*\" >> /scripts.log\n return 1\n}}\n"
            )
        })
        .concat()
}

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let mut random = Random(20_171_231);
        let first: Vec<Recipe> = (0..NAMES).map(|at| recipe(at, 1, &mut random)).collect();
        let (old, new) = (Mirror::new("core"), Mirror::new("core"));
        old.add(&first);
        let second: Vec<Recipe> = first
            .into_iter()
            .enumerate()
            .map(|(at, first)| if random.percent(60) { recipe(at, 2, &mut random) } else { first })
            .collect();
        new.add(&second);
        World { old, new }
    })
}

/// A request, and the same in pacman's words.
fn request(root: &Root, random: &mut Random) -> (Change, Vec<String>) {
    let names = |random: &mut Random| -> Vec<String> {
        (0..=random.below(3)).map(|_| name(random.below(NAMES))).collect()
    };
    let installed = installed(root);
    let mut change = Change::new(Operation::Install, [""; 0]);
    let mut words = vec!["--ask".to_owned(), "4".into()];
    match random.below(100) {
        0..40 => {
            change.targets = names(random);
            if random.percent(10) {
                change.targets.push(format!("group{}", random.below(2)));
            }
            change.options.reinstall = random.percent(30);
            change.options.as_dependencies = random.percent(15);
            words.push("-S".into());
            if !change.options.reinstall {
                words.push("--needed".into());
            }
            if change.options.as_dependencies {
                words.push("--asdeps".into());
            }
        }
        40..55 => {
            change.operation = Operation::Upgrade;
            words.push("-Su".into());
        }
        55..70 => {
            // Another version, out of a file: often an older one.
            let at = world().old.path().to_owned();
            let files = names(random).into_iter().map(|name| format!("{name}-1-1-any.pkg.tar.gz"));
            change.targets = files.map(|file| at.join(file).display().to_string()).collect();
            change.targets.sort();
            change.targets.dedup();
            change.options.reinstall = true;
            words.push("-U".into());
        }
        _ => {
            change.operation = Operation::Remove;
            let known = !installed.is_empty() && random.percent(90);
            change.targets =
                if known { vec![random.one(&installed).clone()] } else { names(random) };
            change.options.recursive = random.percent(50);
            change.options.purge = random.percent(30);
            words.push("-R".into());
            if change.options.recursive {
                words.push("-s".into());
            }
            if change.options.purge {
                words.push("-n".into());
            }
        }
    }
    words.extend(change.targets.iter().cloned());
    (change, words)
}

fn installed(root: &Root) -> Vec<String> {
    oracle::pacman(root, &["-Qq"]).stdout.lines().map(str::to_owned).collect()
}

/// Does somebody who uses the system: configuration files are edited.
fn live(roots: [&Root; 2], random: &mut Random) {
    let at = format!("etc/{}.conf", name(random.below(NAMES)));
    for root in roots {
        let path = root.path().join(&at);
        if path.exists() {
            std::fs::write(path, "mine\n").unwrap();
        }
    }
}

#[derive(Default, Debug)]
struct Counts {
    done: usize,
    changed: usize,
    refused: usize,
    partial: usize,
}

fn chain(random: &mut Random, steps: usize, counts: &mut Counts) {
    let (ours, theirs) =
        twins(&["core"], "NoUpgrade = etc/p03.conf\nNoExtract = usr/lib/libp05*\n");
    let mut mirror = &world().old;
    for at in 0..steps {
        if at == steps / 3 {
            mirror = &world().new;
        }
        mirror.sync(&ours);
        mirror.sync(&theirs);
        live([&ours, &theirs], random);
        let before = tree::of(&ours);
        let (change, words) = request(&ours, random);
        let outcome = driver::commit(&ours, &change, &[mirror.path(), world().old.path()]);
        if matches!(&outcome, Err(fault) if fault.code == Code::Refused) {
            // A partial upgrade, which pacman would make.
            counts.partial += 1;
            assert_eq!(tree::of(&ours), before);
            continue;
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        mirror.fill_cache(&theirs);
        let ran = oracle::pacman(&theirs, &words);
        let said = format!("{change:?}\n{outcome:?}\n{}{}", ran.stdout, ran.stderr);
        assert_eq!(outcome.is_ok(), ran.success, "{said}");
        let difference = tree::difference(&ours, &theirs);
        assert!(difference.is_empty(), "{said}\n{difference}");
        let unchanged = tree::of(&ours) == before;
        match outcome {
            Ok(_) => counts.done += 1,
            Err(_) => counts.refused += 1,
        }
        counts.changed += usize::from(!unchanged);
    }
}

#[test]
fn random_changes_leave_what_pacman_leaves() {
    if !possible() {
        return;
    }
    let number = std::env::var("OMG_CHANGES").ok().and_then(|text| text.parse().ok());
    let number: usize = number.unwrap_or(USUAL);
    let mut counts = Counts::default();
    let mut seed = 1;
    while counts.done + counts.refused < number {
        chain(&mut Random(seed), EACH, &mut counts);
        seed += 1;
    }
    assert!(counts.changed * 3 > number, "{counts:?}: too little was really changed");
    println!("{counts:?} in {} chains", seed - 1);
}
