//! What aurweb answers: `aurweb/rpc.py` of its sources.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Map, Value, json};

use super::wire::Answer;
use super::{Request, State};

/// Fields that only `info` gives.
const OF_INFO: [&str; 13] = [
    "Depends",
    "MakeDepends",
    "CheckDepends",
    "OptDepends",
    "Provides",
    "Conflicts",
    "Replaces",
    "Groups",
    "License",
    "Keywords",
    "CoMaintainers",
    "Submitter",
    "PendingRequests",
];

/// Names in a suggestion.
const SUGGESTED: usize = 20;

/// The answer to a request.
pub(super) fn answer(state: &State, request: &Request) -> Answer {
    let target = request.target.strip_prefix("/moved").unwrap_or(&request.target);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let query: Vec<(String, String)> = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(key, value)| (decode(key), decode(value)))
        .collect();
    let all = |wanted: &str| -> Vec<String> {
        query.iter().filter(|(key, _)| key == wanted).map(|(_, value)| value.clone()).collect()
    };
    let one = |wanted: &str| all(wanted).into_iter().next();
    let by = one("by").unwrap_or_else(|| "name-desc".into());
    let parts: Vec<String> = path.trim_matches('/').split('/').map(decode).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    match *parts.as_slice() {
        ["packages-meta-ext-v1.json.gz"] => dump(state, request),
        ["rpc"] => {
            let mut arguments = all("arg[]");
            arguments.extend(one("arg"));
            rpc(state, &one("type").unwrap_or_default(), &by, &arguments)
        }
        ["rpc", "v5", "info"] => rpc(state, "info", &by, &all("arg[]")),
        ["rpc", "v5", method, argument] => rpc(state, method, &by, &[argument.to_owned()]),
        _ => Answer::new(404, b"{\"detail\":\"Not Found\"}".to_vec()),
    }
}

fn rpc(state: &State, method: &str, by: &str, arguments: &[String]) -> Answer {
    let first = arguments.first().map_or("", String::as_str);
    match method {
        "info" | "multiinfo" => {
            let mut names = arguments.to_vec();
            names.sort();
            names.dedup();
            let found = names.iter().filter_map(|name| state.packages.get(name)).cloned();
            results("multiinfo", &found.collect::<Vec<_>>())
        }
        "search" => match state.searches.get(&format!("{by}|{first}")) {
            Some(recorded) => Answer::new(200, recorded.clone()),
            None if first.len() < 2 && by != "maintainer" => error("Query arg too small."),
            None => {
                let found = state.packages.values().filter(|package| matches(package, by, first));
                results("search", &found.map(short).collect::<Vec<_>>())
            }
        },
        "suggest" => names(state, first, "Name"),
        "suggest-pkgbase" => names(state, first, "PackageBase"),
        _ => error("Incorrect request type specified."),
    }
}

fn results(kind: &str, results: &[Value]) -> Answer {
    let count = results.len();
    let text = json!({"resultcount": count, "results": results, "type": kind, "version": 5});
    Answer::new(200, text.to_string().into_bytes())
}

fn error(message: &str) -> Answer {
    let text = json!({
        "error": message, "resultcount": 0, "results": [], "type": "error", "version": 5
    });
    Answer::new(200, text.to_string().into_bytes())
}

fn names(state: &State, start: &str, key: &str) -> Answer {
    let names = state.packages.values().filter_map(|package| package.get(key)?.as_str());
    let mut names: Vec<&str> = names.filter(|name| name.starts_with(start)).collect();
    names.sort_unstable();
    names.dedup();
    names.truncate(SUGGESTED);
    Answer::new(200, json!(names).to_string().into_bytes())
}

fn short(package: &Value) -> Value {
    let fields = package.as_object().into_iter().flatten();
    let kept = fields.filter(|(key, _)| !OF_INFO.contains(&key.as_str()));
    Value::Object(kept.map(|(key, value)| (key.clone(), value.clone())).collect::<Map<_, _>>())
}

fn matches(package: &Value, by: &str, term: &str) -> bool {
    let text = |key: &str| package.get(key).and_then(Value::as_str).unwrap_or("");
    let any = |key: &str| {
        let items = package.get(key).and_then(Value::as_array).into_iter().flatten();
        items
            .filter_map(Value::as_str)
            .any(|item| item.split(['<', '>', '=', ':']).next() == Some(term))
    };
    match by {
        "name" => text("Name").contains(term),
        "name-desc" => text("Name").contains(term) || text("Description").contains(term),
        "maintainer" => text("Maintainer") == term,
        "submitter" => text("Submitter") == term,
        "provides" => text("Name") == term || any("Provides"),
        "depends" => any("Depends"),
        "makedepends" => any("MakeDepends"),
        "checkdepends" => any("CheckDepends"),
        "optdepends" => any("OptDepends"),
        "conflicts" => any("Conflicts"),
        "replaces" => any("Replaces"),
        "groups" => any("Groups"),
        "keywords" => any("Keywords"),
        "comaintainers" => any("CoMaintainers"),
        _ => false,
    }
}

fn dump(state: &State, request: &Request) -> Answer {
    let packed = state.dump.clone().unwrap_or_else(|| pack(state));
    let tag = format!("\"{}\"", blake3::hash(&packed).to_hex());
    let mut answer = if request.header("If-None-Match") == Some(&tag) {
        Answer::new(304, Vec::new())
    } else {
        Answer::new(200, packed)
    };
    answer.headers.push(("ETag", tag));
    answer
}

/// A dump of the packages, a line for each, as aurweb's `mkpkglists.py` writes it.
fn pack(state: &State) -> Vec<u8> {
    let lines: Vec<String> = state.packages.values().map(Value::to_string).collect();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    // Writing to a Vec can't fail.
    let _ = encoder.write_all(format!("[\n{}\n]", lines.join(",\n")).as_bytes());
    encoder.finish().unwrap_or_default()
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let escaped = (*first == b'%')
            .then(|| tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok()))
            .flatten()
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        let plain = if *first == b'+' { b' ' } else { *first };
        bytes.push(escaped.unwrap_or(plain));
        rest = tail.get(if escaped.is_some() { 2 } else { 0 }..).unwrap_or_default();
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
