//! A fault as text on standard error, and as JSON.

use std::fmt::Write as _;

use omg_core::{Code, Fault};
use serde::Serialize;

use super::{Document, Style, clean};

/// `error[OMG-E0003]: …` with causes, suggestions and a hint below.
pub(crate) fn fault_text(fault: &Fault, color: bool) -> String {
    let paint = |style: Style| if color { (style.start(), style.end()) } else { ("", "") };
    let (bad, end) = paint(Style::Bad);
    let (bold, _) = paint(Style::Heading);
    let (name, _) = paint(Style::Match);
    let mut text = String::new();
    let _ = writeln!(
        text,
        "{bad}error[{}]{end}{bold}: {}{end}",
        fault.code.id(),
        clean(&fault.message)
    );
    for cause in &fault.cause {
        let _ = writeln!(text, "  {bold}cause{end}: {}", clean(cause));
    }
    if !fault.suggestions.is_empty() {
        let names: Vec<String> =
            fault.suggestions.iter().map(|it| format!("{name}{}{end}", clean(it))).collect();
        let _ = writeln!(text, "  {bold}did you mean{end}: {}", names.join(", "));
    }
    if let Some(hint) = &fault.hint {
        let _ = writeln!(text, "  {bold}hint{end}: {}", clean(hint));
    } else if fault.code == Code::Internal {
        let _ = writeln!(text, "  {bold}hint{end}: `omg explain {}` says more", fault.code.id());
    }
    text
}

#[derive(Serialize)]
struct Body<'a> {
    code: String,
    exit: u8,
    message: &'a str,
    cause: &'a [String],
    hint: Option<&'a str>,
    suggestions: &'a [String],
}

/// `{"schema":"omg.error/1",…}`.
pub(crate) fn fault_json(fault: &Fault) -> String {
    let body = Body {
        code: fault.code.id(),
        exit: fault.code.exit(),
        message: &fault.message,
        cause: &fault.cause,
        hint: fault.hint.as_deref(),
        suggestions: &fault.suggestions,
    };
    Document::text("omg.error/1", body)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hostile() -> Fault {
        let mut fault = Fault::new(Code::NotFound, "no package is called 'x\x1b]52;c;aGk=\x07'")
            .suggest(["\u{202e}gpj"])
            .hint("try\u{9b}31m");
        fault.cause.push("line\nbreak".to_owned());
        fault
    }

    #[test]
    fn nothing_foreign_reaches_the_terminal() {
        insta::assert_snapshot!(fault_text(&hostile(), false), @r"
        error[OMG-E0003]: no package is called 'x\x1b]52;c;aGk=\x07'
          cause: line\x0abreak
          did you mean: \u{202e}gpj
          hint: try\x9b31m
        ");
        let json = fault_json(&hostile());
        assert!(!json.trim_end().chars().any(|c| c.is_ascii_control()), "{json}");
    }
}
