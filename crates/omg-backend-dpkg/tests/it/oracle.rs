//! The system's own tools, and the real files of other machines.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use omg_backend_dpkg::AutoRemove;
use omg_backend_dpkg::status::Settings;

/// What a program prints, or `None` if it isn't there.
pub(crate) fn run(program: &str, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new(program);
    command.args(arguments).env("LC_ALL", "C").stdin(Stdio::null()).stderr(Stdio::null());
    match command.output() {
        Ok(output) => Some(String::from_utf8_lossy(&output.stdout).into_owned()),
        Err(error) => {
            println!("skipped: {program} can't be run: {error}");
            None
        }
    }
}

/// Real data of other machines, or `None` if it was not given.
pub(crate) fn data(name: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let path = std::env::var_os("OMG_TEST_DATA").map_or(beside, PathBuf::from).join(name);
    if !path.exists() {
        println!("skipped: {} is not there", path.display());
        return None;
    }
    Some(path)
}

/// Unpacks an archive of real data into a temporary directory.
pub(crate) fn unpack(name: &str) -> Option<tempfile::TempDir> {
    let archive = data(name)?;
    let dir = tempfile::tempdir().unwrap();
    let done = Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(dir.path()).status();
    match done {
        Ok(status) if status.success() => Some(dir),
        other => {
            println!("skipped: tar says {other:?}");
            None
        }
    }
}

/// The settings of this machine, as apt itself tells them.
pub(crate) fn host_settings() -> Option<Settings> {
    let architectures = run("dpkg", &["--print-architecture"])?;
    let mut settings = Settings::new(Path::new("/"), architectures.trim());
    settings.foreign =
        run("dpkg", &["--print-foreign-architectures"])?.lines().map(str::to_owned).collect();
    settings.autoremove = autoremove(&run("apt-config", &["dump"])?);
    Some(settings)
}

fn autoremove(dump: &str) -> AutoRemove {
    let options = || dump.lines().filter_map(|line| line.trim_end_matches(';').split_once(' '));
    let unquote = |value: &str| value.trim_matches('"').replace("\\\\", "\\");
    let list = |name: &str| -> Vec<String> {
        let all = options()
            .filter(|(key, _)| key.trim_end_matches("::") == name)
            .map(|(_, value)| unquote(value));
        all.filter(|value| !value.is_empty()).collect()
    };
    let flag = |name: &str| {
        let value = options().find(|(key, _)| *key == name).map(|(_, value)| unquote(value));
        !value.is_some_and(|value| ["0", "no", "false"].contains(&value.as_str()))
    };
    AutoRemove {
        recommends: flag("APT::AutoRemove::RecommendsImportant"),
        suggests: flag("APT::AutoRemove::SuggestsImportant"),
        never: list("APT::NeverAutoRemove"),
        protect_kernels: flag("APT::Protect-Kernels"),
        versioned_kernels: list("APT::VersionedKernelPackages"),
        running_kernel: omg_backend_dpkg::running_kernel(),
        ..AutoRemove::default()
    }
}

/// Fails with what only one of the two has.
pub(crate) fn assert_same<I: IntoIterator<Item = String>>(
    have: I,
    wanted: impl IntoIterator<Item = String>,
    about: &str,
) {
    let have: BTreeSet<String> = have.into_iter().collect();
    let wanted: BTreeSet<String> = wanted.into_iter().collect();
    let excess: Vec<_> = have.difference(&wanted).take(20).collect();
    let missing: Vec<_> = wanted.difference(&have).take(20).collect();
    assert!(
        excess.is_empty() && missing.is_empty(),
        "{about}: excess {excess:#?}, missing {missing:#?}"
    );
}
