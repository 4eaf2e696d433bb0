//! The store of downloads and what fills it, as settings and environment have it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use omg_core::{Code, Fault};
use omg_fetch::{Fetcher, Options, Proxy, Store};
use omg_service::{Archive, Downloads, Layout, Place};

use super::arguments::Arguments;
use crate::distribution::Distribution;
use crate::places::{self, variable};
use crate::settings::{self, Download, Settings};

/// Where changes are staged; nowhere without a cache directory.
pub(super) fn downloads(arguments: &Arguments, settings: &Settings) -> Option<Downloads> {
    let cache = arguments.cache.clone().or_else(places::cache)?;
    let (limit, options) = (settings.download.store_limit_mb, options(&settings.download));
    let archive = archive(&arguments.root, &settings.archive);
    Some(Downloads::new(move || open(&cache, limit, &options, archive.clone())))
}

/// The archive of the distribution below a root: how it is laid out, and its address.
fn archive(root: &Path, settings: &settings::Archive) -> (Layout, String) {
    match Distribution::or_debian(Some(root)) {
        Distribution::Debian => (Layout::Debian, settings.debian.clone()),
        Distribution::Arch => (Layout::Arch, settings.arch.clone()),
    }
}

fn open(
    cache: &Path,
    limit_mb: u64,
    options: &Options,
    (layout, base): (Layout, String),
) -> Result<Place, Fault> {
    places::make(cache)?;
    // The engine follows no link, and a home directory may lie behind one.
    let cache: PathBuf = cache.canonicalize().map_err(|error| {
        let message = format!("{} can't be reached", cache.display());
        Fault::caused_by(Code::Unwritable, message, &error)
    })?;
    let store = Store::with_limit(&cache.join("store"), limit_mb << 20)?;
    let fetcher = Fetcher::new(options.clone(), store)?;
    let archive = Archive { layout, base, directory: cache.join("archive") };
    Ok(Place { fetcher, lists: cache.join("lists"), archive: Some(archive) })
}

fn options(settings: &Download) -> Options {
    let timeout = Duration::from_secs(settings.timeout_s);
    let options = Options::default();
    Options {
        connections: settings.parallel,
        per_host: settings.per_host,
        connect: options.connect.min(timeout),
        window: timeout,
        rate: settings.min_rate,
        proxy: proxy(&settings.proxy),
        ..options
    }
}

/// The setting, else what curl(1) and apt read. `HTTP_PROXY` is read by neither: a CGI program would
/// have it from whoever asks.
fn proxy(setting: &str) -> Proxy {
    let read = |names: &[&str]| {
        let text = names.iter().find_map(|name| variable(name)?.into_string().ok());
        text.filter(|text| !text.is_empty())
    };
    let except = read(&["no_proxy", "NO_PROXY"]);
    if !setting.is_empty() {
        return Proxy { http: Some(setting.into()), https: Some(setting.into()), except };
    }
    let all = read(&["all_proxy", "ALL_PROXY"]);
    Proxy {
        http: read(&["http_proxy"]).or_else(|| all.clone()),
        https: read(&["https_proxy", "HTTPS_PROXY"]).or(all),
        except,
    }
}
