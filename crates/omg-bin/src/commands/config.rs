//! `omg config`: every setting with its value and where that comes from.

use clap::{Args, Subcommand};
use omg_core::{Code, Fault};
use serde::Serialize;

use super::{Group, Place, Verb};
use crate::places;
use crate::render::{Cell, Column, Style, Table};
use crate::session::Session;
use crate::settings::{Entry, Origin, Settings};

/// Show settings.
#[derive(Args, Debug)]
pub(crate) struct Config {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// Print the value of one key
    Get {
        /// As in daemon.autostart
        key: String,
    },
    /// List every key (the default)
    List,
    /// Print where settings.toml is looked for
    Path,
}

#[derive(Serialize)]
struct Body {
    settings: Vec<Setting>,
}

#[derive(Serialize)]
struct Setting {
    key: &'static str,
    value: String,
    origin: String,
    about: &'static str,
    needs_restart: bool,
}

impl Verb for Config {
    const NAME: &'static str = "config";
    const GROUP: Group = Group::Itself;
    const ABOUT: &'static str = "Show settings, their values and where they come from";
    const EXAMPLES: &'static str = "\
  omg config
  omg config get daemon.autostart
  $EDITOR \"$(omg config path)\"";

    fn run(self, session: &mut Session) -> Result<u8, Fault> {
        match &self.action {
            Some(Action::Get { key }) => get(session, key),
            None | Some(Action::List) => list(session),
            Some(Action::Path) => path(session),
        }
    }
}

fn get(session: &mut Session, key: &str) -> Result<u8, Fault> {
    let settings = Settings::of_user()?;
    let Some(entry) = settings.entries().find(|entry| entry.key.name == key) else {
        let last = key.rsplit('.').next().unwrap_or(key);
        let near =
            settings.entries().map(|entry| entry.key.name).filter(|name| name.contains(last));
        return Err(Fault::new(Code::NotFound, format!("no setting is called '{key}'"))
            .suggest(near)
            .hint("`omg config list` lists all"));
    };
    if session.globals.json {
        session.json("omg.config/1", Body { settings: vec![setting(&entry)] });
    } else {
        // Bare, for scripts; the quotes belong to the file's format.
        session.out.foreign(Style::Plain, entry.value.trim_matches('"')).line();
    }
    Ok(0)
}

fn setting(entry: &Entry<'_>) -> Setting {
    Setting {
        key: entry.key.name,
        value: entry.value.trim_matches('"').to_owned(),
        origin: entry.origin.to_string(),
        about: entry.key.about,
        needs_restart: !entry.key.reloads,
    }
}

fn list(session: &mut Session) -> Result<u8, Fault> {
    let settings = Settings::of_user()?;
    if session.globals.json {
        let settings = settings.entries().map(|entry| setting(&entry)).collect();
        session.json("omg.config/1", Body { settings });
        return Ok(0);
    }
    let mut table = Table::new(&[Column::Left, Column::Left, Column::Left, Column::Rest])
        .heading(&["KEY", "VALUE", "FROM", "MEANING"]);
    for entry in settings.entries() {
        let style = if *entry.origin == Origin::Default { Style::Dim } else { Style::Good };
        table.row([
            Cell::new(Style::Name, entry.key.name),
            Cell::owned(Style::Version, entry.value),
            Cell::owned(style, entry.origin.to_string()),
            Cell::new(Style::Plain, entry.key.about),
        ]);
    }
    table.write(&mut session.out);
    Ok(0)
}

fn path(session: &mut Session) -> Result<u8, Fault> {
    let directory = places::settings().ok_or_else(|| {
        Fault::new(Code::Settings, "no directory for settings").hint("set HOME or XDG_CONFIG_HOME")
    })?;
    let file = directory.join("settings.toml");
    let file = file.to_string_lossy();
    if session.globals.json {
        session.json("omg.path/1", Place { path: &file });
    } else {
        session.out.foreign(Style::Plain, &file).line();
    }
    Ok(0)
}
