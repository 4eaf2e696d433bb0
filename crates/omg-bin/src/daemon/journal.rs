//! Logs: to standard error, in the form that whoever reads it understands. One event is one line,
//! whatever text it holds.

use std::fmt::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;

use omg_core::{Code, Fault, escape};
use tracing::field::Field;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::field::MakeExt as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::{Format, Writer, debug_fn};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::{LookupSpan, Registry};
use tracing_subscriber::reload;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::places::variable;

/// The filter of a running daemon, to be exchanged on reload.
#[derive(Debug)]
pub(super) struct Filter(reload::Handle<Targets, Registry>);

impl Filter {
    /// Puts the filter of other settings into force.
    pub(super) fn apply(&self, settings: &str) -> Result<(), Fault> {
        self.0.reload(chosen(settings)?).map_err(|error| {
            Fault::caused_by(Code::Failure, "the log's filter can't be exchanged", &error)
        })
    }
}

/// Starts logging. `OMG_LOG` is stronger than the settings.
pub(super) fn start(settings: &str) -> Result<Filter, Fault> {
    let (filter, handle) = reload::Layer::new(chosen(settings)?);
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .fmt_fields(debug_fn(field).delimited(" "));
    let registry = tracing_subscriber::registry().with(filter);
    let started = if reads_journal() {
        let form = Journal(Format::default().without_time().with_level(false).with_ansi(false));
        registry.with(lines.with_ansi(false).event_format(form)).try_init()
    } else {
        let terminal = rustix::termios::isatty(std::io::stderr());
        registry.with(lines.with_ansi(terminal)).try_init()
    };
    started
        .map_err(|error| Fault::caused_by(Code::Internal, "logging can't be started", &error))?;
    std::panic::set_hook(Box::new(|panic| tracing::error!("{panic}")));
    Ok(Filter(handle))
}

fn chosen(settings: &str) -> Result<Targets, Fault> {
    let variable = variable("OMG_LOG").map(|text| text.to_string_lossy().into_owned());
    let text = variable.as_deref().unwrap_or(settings);
    text.parse().map_err(|error| {
        let message = format!("'{text}' is not a log filter");
        Fault::caused_by(Code::Settings, message, &error)
            .hint("OMG_LOG=info, or OMG_LOG=warn,omg_ipc=debug")
    })
}

/// Is standard error the stream that `JOURNAL_STREAM` names? See systemd.exec(5).
fn reads_journal() -> bool {
    let Some(named) = variable("JOURNAL_STREAM") else { return false };
    let Ok(meta) = std::fs::metadata("/dev/stderr") else { return false };
    named.to_str() == Some(&format!("{}:{}", meta.dev(), meta.ino()))
}

/// Writes a field or the message. Both hold text of clients and of packages, which could begin a
/// line of its own or control the terminal of whoever reads the log.
fn field(writer: &mut Writer<'_>, field: &Field, value: &dyn fmt::Debug) -> fmt::Result {
    let mut writer = Escaping(writer);
    match field.name() {
        "message" => write!(writer, "{value:?}"),
        name => write!(writer, "{name}={value:?}"),
    }
}

/// Escapes all that is written through it.
struct Escaping<W>(W);

impl<W: fmt::Write> fmt::Write for Escaping<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        write!(self.0, "{}", escape(text))
    }
}

/// Lines with a priority before them, as sd-daemon(3) has it. The journal knows the time itself.
struct Journal(Format<tracing_subscriber::fmt::format::Full, ()>);

impl<S, N> FormatEvent<S, N> for Journal
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let priority = match *event.metadata().level() {
            Level::ERROR => "<3>",
            Level::WARN => "<4>",
            Level::INFO => "<6>",
            Level::DEBUG | Level::TRACE => "<7>",
        };
        writer.write_str(priority)?;
        self.0.format_event(context, writer, event)
    }
}
