//! Row 20: mirrors that lead to addresses where none is. A network namespace has the addresses.

use std::process::Command;

use omg_core::Wanted;
use omg_fetch::testing::{Fault, Mirror};

use crate::child::{alone, is_alone};
use crate::support::{World, noise, skip, wanted};

const SETUP: &str = "ip link set lo up && ip addr add 169.254.169.254/32 dev lo \
    && ip addr add 93.184.216.34/32 dev lo && ip addr add 10.1.2.3/32 dev lo && exec \"$@\"";

/// Each attempt by name, and what became of it.
fn attempts() -> Vec<(&'static str, &'static str)> {
    let world = World::new();
    world.put("a", &noise("a", 1000));
    let at = |address: &str| Mirror::start_at(world.root.path(), address.parse().unwrap()).unwrap();
    let (cloud, public, private) = (at("169.254.169.254"), at("93.184.216.34"), at("10.1.2.3"));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let fetch = |from: &Mirror, to: Option<String>| {
        from.mend();
        if let Some(base) = to {
            from.fault("", Fault::Moved(base));
        }
        world.store.clear().unwrap();
        let file: Wanted = wanted("a", &noise("a", 1000), &[from.url("a")]);
        match runtime.block_on(world.one(file)) {
            Ok(_) => "taken",
            Err(fault) if fault.code == omg_core::Code::Refused => "refused",
            Err(fault) => panic!("{fault}"),
        }
    };
    let local = &world.mirror;
    let name = format!("http://localhost:{}", local.address().port());
    vec![
        ("the cloud's own", fetch(&cloud, None)),
        ("local to cloud", fetch(local, Some(cloud.base()))),
        ("public to cloud", fetch(&public, Some(cloud.base()))),
        ("public to loopback", fetch(&public, Some(local.base()))),
        ("public to private", fetch(&public, Some(private.base()))),
        ("public to a name of loopback", {
            local.mend();
            fetch(&public, Some(name))
        }),
        ("public", fetch(&public, None)),
        ("private", fetch(&private, None)),
        (
            "private to private",
            fetch(&private, {
                local.mend();
                Some(local.base())
            }),
        ),
        (
            "local to public",
            fetch(local, {
                public.mend();
                Some(public.base())
            }),
        ),
    ]
}

#[test]
fn row_20_nobody_is_led_inward() {
    let name = "inward::row_20_nobody_is_led_inward";
    if is_alone() {
        for (attempt, end) in attempts() {
            println!("RESULT {end}: {attempt}");
        }
        return;
    }
    let way = ["unshare", "-Urn", "sh", "-c", SETUP, "sh"];
    let works = Command::new(way[0]).args(&way[1..]).arg("true").output();
    if !works.is_ok_and(|output| output.status.success()) {
        return skip("no network namespace with addresses can be had: row 20 is not tested");
    }
    let said = alone(name, &way, &[]);
    let ends: Vec<_> = said.iter().map(|line| line.split(':').next().unwrap()).collect();
    let (refused, taken) = ends.split_at(6);
    assert!(refused.iter().all(|end| *end == "refused"), "{said:?}");
    assert!(taken.len() == 4 && taken.iter().all(|end| *end == "taken"), "{said:?}");
    let said = alone(name, &way, &[("OMG_WEAKEN", "20")]);
    assert_eq!(said.len(), 10);
    assert!(said.iter().all(|line| line.starts_with("taken")), "{said:?}");
}
