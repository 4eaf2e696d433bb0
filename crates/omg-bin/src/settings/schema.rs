//! Every key: its name, its meaning, how it is read and shown, and its default.

use toml::de::DeValue;

use super::Settings;
use super::archive::address;

/// How the daemon runs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Daemon {
    /// May `omg` start a daemon that stays?
    pub autostart: bool,
    /// Seconds without a request after which the daemon ends; 0 for never.
    pub idle_exit_s: u64,
    /// Threads that answer.
    pub workers: usize,
    /// What is logged: `error`, `warn`, `info`, `debug`, `trace`, or such levels per module.
    pub log: String,
}

/// What the daemon allows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Requests that a user may make each second, in the long run.
    pub requests_per_second: u32,
    /// Requests that a user may make at once after a pause.
    pub burst: u32,
    /// Connections at a time.
    pub connections: usize,
}

/// What is kept, and how long.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cache {
    /// Bytes of answers in memory.
    pub memory_bytes: u64,
    /// Seconds that search results stay in memory.
    pub search_ttl_s: u64,
    /// Seconds that answers to `info` stay in memory.
    pub info_ttl_s: u64,
}

/// How `omg` shows answers.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Ui {
    /// Colours.
    pub color: When,
    /// A pager for output that is longer than the terminal.
    pub pager: When,
    /// Results of a search on a terminal; `None` for the built-in number.
    pub limit: Option<u32>,
}

/// How files are fetched.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Download {
    /// Files at a time.
    pub parallel: usize,
    /// Files at a time from one host.
    pub per_host: usize,
    /// Bytes a second; a mirror that is slower is left for the next one.
    pub min_rate: u64,
    /// Seconds that a mirror may be slower, or silent.
    pub timeout_s: u64,
    /// The proxy for all mirrors; empty for what the environment says.
    pub proxy: String,
    /// Mebibytes of files that are kept.
    pub store_limit_mb: u64,
}

/// The Arch User Repository, on systems that have one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Aur {
    /// Is it searched and planned with?
    pub enabled: bool,
    /// Its address.
    pub url: String,
    /// Days that a recipe must have stood unchanged before it is planned.
    pub min_age_days: u32,
    /// Packages for which that does not count.
    pub exempt: Vec<String>,
    /// Who builds where root asks for it; empty for the user that became root.
    pub build_user: String,
}

/// How `omg` gets the administrator's rights.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Elevate {
    /// The program that gives them: a name or an absolute path; `auto` for the first that is there.
    pub with: String,
}

/// Something that is usually decided by where output goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum When {
    /// If output is a terminal that can do it.
    #[default]
    Auto,
    /// In any case.
    Always,
    /// In no case.
    Never,
}

impl Default for Daemon {
    fn default() -> Self {
        Self { autostart: true, idle_exit_s: 0, workers: 2, log: "info".to_owned() }
    }
}

impl Default for Limits {
    fn default() -> Self {
        let limits = omg_service::Limits::default();
        Self { requests_per_second: limits.rate, burst: limits.burst, connections: 1024 }
    }
}

impl Default for Cache {
    fn default() -> Self {
        let limits = omg_service::Limits::default();
        Self {
            memory_bytes: omg_service::Options::default().memory,
            search_ttl_s: limits.search_time.as_secs(),
            info_ttl_s: limits.info_time.as_secs(),
        }
    }
}

impl Default for Download {
    fn default() -> Self {
        let options = omg_fetch::Options::default();
        Self {
            parallel: options.connections,
            per_host: options.per_host,
            min_rate: options.rate,
            timeout_s: options.window.as_secs(),
            proxy: String::new(),
            store_limit_mb: 10 * 1024,
        }
    }
}

impl Default for Elevate {
    fn default() -> Self {
        Self { with: "auto".to_owned() }
    }
}

impl Default for Aur {
    fn default() -> Self {
        let url = "https://aur.archlinux.org".to_owned();
        Self { enabled: true, url, min_age_days: 3, exempt: Vec::new(), build_user: String::new() }
    }
}

/// One key of the schema.
#[derive(Debug)]
pub struct Key {
    /// `section.name`.
    pub name: &'static str,
    /// What it is for, one line.
    pub about: &'static str,
    /// Does `omg daemon reload` suffice to put a new value into force?
    pub reloads: bool,
    /// Takes a value, or says what it must be.
    pub(super) set: fn(&mut Settings, &DeValue<'_>) -> Result<(), &'static str>,
    /// The value as TOML.
    pub(super) show: fn(&Settings) -> String,
}

/// The schema.
pub static KEYS: &[Key] = &[
    Key {
        name: "daemon.autostart",
        about: "start a daemon when none runs",
        reloads: true,
        set: |all, value| boolean(value).map(|it| all.daemon.autostart = it),
        show: |all| all.daemon.autostart.to_string(),
    },
    Key {
        name: "daemon.idle_exit_s",
        about: "end after this many seconds without a request; 0 for never",
        reloads: true,
        set: |all, value| {
            number(value, 0, 10_000_000, "seconds, 0 to 10000000")
                .map(|it| all.daemon.idle_exit_s = it)
        },
        show: |all| all.daemon.idle_exit_s.to_string(),
    },
    Key {
        name: "daemon.workers",
        about: "threads that answer",
        reloads: false,
        set: |all, value| {
            number(value, 1, 64, "a number of threads, 1 to 64")
                .map(|it| all.daemon.workers = it as usize)
        },
        show: |all| all.daemon.workers.to_string(),
    },
    Key {
        name: "daemon.log",
        about: "what is logged: error, warn, info, debug, trace, or such per module; OMG_LOG is stronger",
        reloads: true,
        set: |all, value| {
            let text = text(value)?;
            text.parse::<tracing_subscriber::filter::Targets>()
                .map(|_| text.clone_into(&mut all.daemon.log))
                .map_err(
                    |_| "a level, like \"info\", or levels per module, like \"warn,omg_ipc=debug\"",
                )
        },
        show: |all| quoted(&all.daemon.log),
    },
    Key {
        name: "limits.requests_per_second",
        about: "requests that a user may make each second in the long run",
        reloads: true,
        set: |all, value| {
            let it = number(value, 1, u32::MAX.into(), "a number of requests, 1 or more")?;
            all.limits.requests_per_second = it as u32;
            Ok(())
        },
        show: |all| all.limits.requests_per_second.to_string(),
    },
    Key {
        name: "limits.burst",
        about: "requests that a user may make at once after a pause",
        reloads: true,
        set: |all, value| {
            // A batch of the costliest queries must fit, or it could never be answered.
            let it = number(value, 2560, u32::MAX.into(), "a number of requests, 2560 or more")?;
            all.limits.burst = it as u32;
            Ok(())
        },
        show: |all| all.limits.burst.to_string(),
    },
    Key {
        name: "limits.connections",
        about: "connections at a time",
        reloads: true,
        set: |all, value| {
            number(value, 1, 65_536, "a number of connections, 1 to 65536")
                .map(|it| all.limits.connections = it as usize)
        },
        show: |all| all.limits.connections.to_string(),
    },
    Key {
        name: "cache.memory_bytes",
        about: "bytes of answers kept in memory",
        reloads: false,
        set: |all, value| {
            number(value, 0, 1 << 40, "a number of bytes").map(|it| all.cache.memory_bytes = it)
        },
        show: |all| all.cache.memory_bytes.to_string(),
    },
    Key {
        name: "cache.search_ttl_s",
        about: "seconds that search results stay in memory",
        reloads: true,
        set: |all, value| {
            number(value, 0, 10_000_000, "seconds, 0 to 10000000")
                .map(|it| all.cache.search_ttl_s = it)
        },
        show: |all| all.cache.search_ttl_s.to_string(),
    },
    Key {
        name: "cache.info_ttl_s",
        about: "seconds that answers to info stay in memory",
        reloads: true,
        set: |all, value| {
            number(value, 0, 10_000_000, "seconds, 0 to 10000000")
                .map(|it| all.cache.info_ttl_s = it)
        },
        show: |all| all.cache.info_ttl_s.to_string(),
    },
    Key {
        name: "download.parallel",
        about: "files fetched at a time",
        reloads: false,
        set: |all, value| {
            number(value, 1, 64, "a number of files, 1 to 64")
                .map(|it| all.download.parallel = it as usize)
        },
        show: |all| all.download.parallel.to_string(),
    },
    Key {
        name: "download.per_host",
        about: "files fetched at a time from one host",
        reloads: false,
        set: |all, value| {
            number(value, 1, 64, "a number of files, 1 to 64")
                .map(|it| all.download.per_host = it as usize)
        },
        show: |all| all.download.per_host.to_string(),
    },
    Key {
        name: "download.min_rate",
        about: "bytes a second that a mirror must deliver, or the next one is asked",
        reloads: false,
        set: |all, value| {
            number(value, 0, 1 << 40, "a number of bytes").map(|it| all.download.min_rate = it)
        },
        show: |all| all.download.min_rate.to_string(),
    },
    Key {
        name: "download.timeout_s",
        about: "seconds that a mirror may be slower than that, or silent",
        reloads: false,
        set: |all, value| {
            number(value, 1, 3600, "seconds, 1 to 3600").map(|it| all.download.timeout_s = it)
        },
        show: |all| all.download.timeout_s.to_string(),
    },
    Key {
        name: "download.proxy",
        about: "address of the proxy; empty for http_proxy, https_proxy and no_proxy",
        reloads: false,
        set: |all, value| {
            let url = text(value)?;
            if !url.is_empty() && !url.starts_with("http://") && !url.starts_with("https://") {
                return Err("an address that begins with http:// or https://, or nothing");
            }
            url.clone_into(&mut all.download.proxy);
            Ok(())
        },
        show: |all| quoted(&all.download.proxy),
    },
    Key {
        name: "download.store_limit_mb",
        about: "mebibytes of fetched files that are kept",
        reloads: false,
        set: |all, value| {
            number(value, 0, 1 << 30, "a number of mebibytes")
                .map(|it| all.download.store_limit_mb = it)
        },
        show: |all| all.download.store_limit_mb.to_string(),
    },
    Key {
        name: "archive.arch",
        about: "address of Arch's archive, for versions that are in no repository; empty for none",
        reloads: false,
        set: |all, value| address(value).map(|it| all.archive.arch = it),
        show: |all| quoted(&all.archive.arch),
    },
    Key {
        name: "archive.debian",
        about: "address of Debian's archive, for versions that are in no repository; empty for none",
        reloads: false,
        set: |all, value| address(value).map(|it| all.archive.debian = it),
        show: |all| quoted(&all.archive.debian),
    },
    Key {
        name: "aur.enabled",
        about: "search and plan with the AUR, where the system is Arch",
        reloads: false,
        set: |all, value| boolean(value).map(|it| all.aur.enabled = it),
        show: |all| all.aur.enabled.to_string(),
    },
    Key {
        name: "aur.url",
        about: "address of the AUR",
        reloads: false,
        set: |all, value| {
            let url = text(value)?;
            if !url.starts_with("https://") && !url.starts_with("http://") {
                return Err("an address that begins with https://");
            }
            url.trim_end_matches('/').clone_into(&mut all.aur.url);
            Ok(())
        },
        show: |all| quoted(&all.aur.url),
    },
    Key {
        name: "aur.min_age_days",
        about: "days that a recipe must have stood unchanged before it is planned; 0 for none",
        reloads: false,
        set: |all, value| {
            number(value, 0, 3650, "days, 0 to 3650").map(|it| all.aur.min_age_days = it as u32)
        },
        show: |all| all.aur.min_age_days.to_string(),
    },
    Key {
        name: "aur.exempt",
        about: "packages of the AUR whose recipes may be planned however new they are",
        reloads: false,
        set: |all, value| texts(value).map(|it| all.aur.exempt = it),
        show: |all| {
            let names: Vec<String> = all.aur.exempt.iter().map(|name| quoted(name)).collect();
            format!("[{}]", names.join(", "))
        },
    },
    Key {
        name: "aur.build_user",
        about: "who builds recipes where root asks for it; empty for the user that became root",
        reloads: false,
        set: |all, value| text(value).map(|it| it.clone_into(&mut all.aur.build_user)),
        show: |all| quoted(&all.aur.build_user),
    },
    Key {
        name: "elevate.with",
        about: "what gives the administrator's rights: auto, or sudo, doas, run0, pkexec, or a path",
        reloads: true,
        set: |all, value| {
            let with = text(value)?;
            if with.is_empty() || with.starts_with('-') {
                return Err("\"auto\", the name of a program, or its path");
            }
            with.clone_into(&mut all.elevate.with);
            Ok(())
        },
        show: |all| quoted(&all.elevate.with),
    },
    Key {
        name: "ui.color",
        about: "colours: auto, always or never; --color is stronger",
        reloads: true,
        set: |all, value| when(value).map(|it| all.ui.color = it),
        show: |all| quoted(all.ui.color.as_str()),
    },
    Key {
        name: "ui.pager",
        about: "a pager for long output: auto, always or never; --no-pager is stronger",
        reloads: true,
        set: |all, value| when(value).map(|it| all.ui.pager = it),
        show: |all| quoted(all.ui.pager.as_str()),
    },
    Key {
        name: "ui.limit",
        about: "results of a search on a terminal; 0 for the built-in number",
        reloads: true,
        set: |all, value| {
            let it = number(value, 0, u32::MAX.into(), "a number of results")?;
            all.ui.limit = Some(it as u32).filter(|&limit| limit > 0);
            Ok(())
        },
        show: |all| all.ui.limit.unwrap_or(0).to_string(),
    },
];

impl When {
    /// As it stands in a file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Always => "always",
            Self::Never => "never",
        }
    }
}

fn when(value: &DeValue<'_>) -> Result<When, &'static str> {
    let word = value.as_str().unwrap_or_default();
    [When::Auto, When::Always, When::Never]
        .into_iter()
        .find(|when| when.as_str() == word)
        .ok_or("\"auto\", \"always\" or \"never\"")
}

fn boolean(value: &DeValue<'_>) -> Result<bool, &'static str> {
    value.as_bool().ok_or("true or false")
}

fn text<'a>(value: &'a DeValue<'_>) -> Result<&'a str, &'static str> {
    value.as_str().ok_or("a string")
}

/// Most names in a list.
const LIST_LIMIT: usize = 1000;

fn texts(value: &DeValue<'_>) -> Result<Vec<String>, &'static str> {
    const WANTED: &str = "a list of names, at most 1000";
    let list = value.as_array().filter(|list| list.len() <= LIST_LIMIT).ok_or(WANTED)?;
    let names = list.iter().map(|item| item.get_ref().as_str().map(ToOwned::to_owned));
    names.collect::<Option<Vec<_>>>().ok_or(WANTED)
}

fn number(
    value: &DeValue<'_>,
    least: u64,
    most: u64,
    wanted: &'static str,
) -> Result<u64, &'static str> {
    let integer = value.as_integer().ok_or(wanted)?;
    let number = u64::from_str_radix(integer.as_str(), integer.radix()).map_err(|_| wanted)?;
    if (least..=most).contains(&number) { Ok(number) } else { Err(wanted) }
}

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}
