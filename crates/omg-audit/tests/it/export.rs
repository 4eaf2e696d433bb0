//! Row 56: what is handed out is one event a line and nothing else.

use omg_audit::export::{Format, export};
use omg_audit::{Done, Log, Options, Reader};
use omg_core::is_dangerous;
use proptest::prelude::*;
use serde_json::Value;

use crate::child;
use crate::world::{cases, entry, fault, fill, place};

fn lines(dir: &std::path::Path, format: Format, from: u64) -> (Vec<String>, u64) {
    let mut out = Vec::new();
    let cursor = export(&Reader::open(dir).unwrap(), format, from, "host", &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'));
    (text.split_terminator('\n').map(str::to_owned).collect(), cursor)
}

#[test]
fn the_cursor_is_where_to_go_on() {
    let (_keep, dir) = place();
    let log = Log::open(&dir, &Options::default()).unwrap();
    fill(&log, 60);
    let (all, end) = lines(&dir, Format::Jsonl, 0);
    assert_eq!((all.len() as u64, end), (end, Reader::open(&dir).unwrap().len().unwrap()));
    let (rest, again) = lines(&dir, Format::Jsonl, 20);
    assert_eq!((&all[20..], end), (rest.as_slice(), again));
    assert_eq!(lines(&dir, Format::Jsonl, end), (Vec::new(), end));
    for (seq, line) in all.iter().enumerate() {
        let value: Value = serde_json::from_str(line).unwrap();
        assert_eq!(value["seq"].as_u64(), Some(seq as u64));
        assert!(value["time"].as_str().unwrap().ends_with('Z'));
    }
}

#[test]
fn ocsf_events_have_what_their_classes_require() {
    let (_keep, dir) = place();
    let log = Log::open(&dir, &Options::default()).unwrap();
    log.begin(entry("install", "vim", 2)).unwrap().commit(&Done::default()).unwrap();
    log.deny(entry("remove", "vim", 2), &fault()).unwrap();
    let events: Vec<Value> = lines(&dir, Format::Ocsf, 1)
        .0
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let classes: Vec<_> = events.iter().map(|it| it["class_uid"].as_u64().unwrap()).collect();
    assert_eq!(classes, [6002, 5020, 6002]);
    for event in &events {
        let required = [
            "activity_id",
            "category_uid",
            "class_uid",
            "metadata",
            "severity_id",
            "time",
            "type_uid",
        ];
        for key in required {
            assert!(!event[key].is_null(), "{key} in {event}");
        }
        let number = |key: &str| event[key].as_u64().unwrap();
        assert_eq!(number("type_uid"), number("class_uid") * 100 + number("activity_id"));
        assert_eq!(event["metadata"]["version"], "1.3.0");
        assert_eq!(event["metadata"]["product"]["vendor_name"], "OMG");
    }
    assert_eq!((&events[0]["activity_id"], &events[0]["status_id"]), (&1.into(), &1.into()));
    assert_eq!(events[0]["app"]["name"], "vim");
    assert_eq!(events[1]["package"]["version"], "2");
    assert_eq!(events[1]["device"]["hostname"], "host");
    assert_eq!((&events[2]["activity_id"], &events[2]["status_id"]), (&2.into(), &2.into()));
    assert_eq!(events[2]["status_code"], "OMG-E0010");
}

/// Takes a CEF line apart by the rules of the format, as a collector does.
fn cef(line: &str) -> (Vec<String>, Vec<(String, String)>) {
    let (mut header, mut field, mut rest) = (Vec::new(), String::new(), line.chars());
    while header.len() < 7 {
        match rest.next().unwrap() {
            '\\' => field.push(rest.next().filter(|c| "\\|".contains(*c)).unwrap()),
            '|' => header.push(std::mem::take(&mut field)),
            c => field.push(c),
        }
    }
    let mut pairs: Vec<(String, String)> = Vec::new();
    let mut text = String::new();
    let mut rest = rest.peekable();
    while let Some(c) = rest.next() {
        match c {
            '\\' => match rest.next().unwrap() {
                'n' => text.push('\n'),
                'r' => text.push('\r'),
                c @ ('\\' | '=') => text.push(c),
                other => panic!("\\{other} in {line}"),
            },
            '=' => {
                let key = text.rsplit(' ').next().unwrap().to_owned();
                text.truncate(text.len() - key.len());
                if let Some((_, value)) = pairs.last_mut() {
                    text.trim_end_matches(' ').clone_into(value);
                }
                pairs.push((key, String::new()));
                text.clear();
            }
            c => text.push(c),
        }
    }
    if let Some((_, value)) = pairs.last_mut() {
        *value = text;
    }
    (header, pairs)
}

const HOSTILE: &[&str] = &[
    "a|b=c\\d",
    "\\",
    "\\|",
    "x\ny\r\nz",
    "\x1b]52;c;aGk=\x07",
    "\u{9b}31m",
    "\u{202e}gpj.exe",
    "a cs1=b act=none",
    "CEF:0|x|y|z|1|2|3|act=x",
    "\u{2028}\u{2029}\u{85}",
    "\u{e0041}",
];

#[test]
fn hostile_text_is_one_record_and_controls_nothing() {
    let (_keep, dir) = place();
    let log = Log::open(&dir, &Options::default()).unwrap();
    for (number, text) in HOSTILE.iter().enumerate() {
        let mut hostile = entry(text, text, number);
        // Without a word or a request that would be left out or changed before it is recorded.
        hostile.words = Vec::new();
        hostile.request = (*text).to_owned();
        let mut fault = fault();
        fault.message = (*text).to_owned();
        fault.cause = vec![(*text).to_owned()];
        log.deny(hostile, &fault).unwrap();
    }
    for format in Format::ALL {
        let (lines, _) = lines(&dir, format, 1);
        assert_eq!(lines.len(), HOSTILE.len(), "{format:?}");
        for (line, text) in lines.iter().zip(HOSTILE) {
            assert!(!line.chars().any(is_dangerous), "{format:?}: {line:?}");
            match format {
                Format::Cef => {
                    let (header, pairs) = cef(line);
                    assert_eq!((header[0].as_str(), header[1].as_str()), ("CEF:0", "OMG"));
                    let keys: Vec<_> = pairs.iter().map(|(key, _)| key.as_str()).collect();
                    let expected = [
                        "rt",
                        "externalId",
                        "deviceExternalId",
                        "dvchost",
                        "act",
                        "outcome",
                        "suid",
                        "duid",
                        "spid",
                        "reason",
                        "msg",
                        "cs1Label",
                        "cs1",
                        "cs3Label",
                        "cs3",
                    ];
                    assert_eq!(keys, expected, "{line}");
                    let shown = pairs.iter().find(|(key, _)| key == "cs1").unwrap();
                    let escaped: Vec<_> = text
                        .split_inclusive(['\n', '\r'])
                        .map(|part| {
                            let line = part.trim_end_matches(['\n', '\r']);
                            format!("{}{}", omg_core::escape(line), &part[line.len()..])
                        })
                        .collect();
                    assert_eq!(shown.1, escaped.concat().trim_end_matches(' '), "{line}");
                }
                Format::Jsonl => {
                    let value: Value = serde_json::from_str(line).unwrap();
                    assert_eq!(value["request"], **text);
                    assert_eq!(value["subjects"][0]["name"], **text);
                }
                Format::Ocsf => {
                    let value: Value = serde_json::from_str(line).unwrap();
                    assert_eq!(value["app"]["name"], **text);
                }
            }
        }
    }
}

/// The child's side: hands out what it finds, and fails if it could control a terminal.
pub(crate) fn hand_out(dir: &std::path::Path) {
    for format in Format::ALL {
        for line in lines(dir, format, 1).0 {
            assert!(!line.chars().any(is_dangerous) && line.starts_with(['{', 'C']), "{line:?}");
        }
    }
}

#[test]
fn without_escapes_it_would_be_otherwise() {
    let (_keep, dir) = place();
    let log = Log::open(&dir, &Options::default()).unwrap();
    log.deny(entry("install", "\u{9b}31m\nCEF:0|forged", 1), &fault()).unwrap();
    for (weaken, harmless) in [("56", false), ("", true)] {
        let (_, status) = child::run("export", &dir, &[("OMG_WEAKEN", weaken)]);
        assert_eq!(status.success(), harmless, "{weaken}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(60) as u32))]

    #[test]
    fn any_text(text in any::<String>()) {
        let (_keep, dir) = place();
        let log = Log::open(&dir, &Options::default()).unwrap();
        log.deny(entry(&text, &text, 1), &fault()).unwrap();
        for format in Format::ALL {
            let (lines, _) = lines(&dir, format, 1);
            prop_assert_eq!(lines.len(), 1);
            prop_assert!(!lines[0].chars().any(is_dangerous));
            if format == Format::Cef {
                prop_assert_eq!(cef(&lines[0]).0.len(), 7);
            }
        }
    }
}
