//! Events of the Open Cybersecurity Schema Framework, version 1.3: <https://schema.ocsf.io/1.3.0/>, classes
//! `application_lifecycle` (6002) and `software_info` (5020).

use serde_json::{Value, json};

use super::{Whole, cef};
use crate::{Actor, Phase, Record, Subject};

/// The version of the schema.
const SCHEMA: &str = "1.3.0";

pub(super) fn events(whole: &Whole<'_>) -> Vec<Value> {
    let record = whole.record;
    // That something is about to be done is no event of these classes; how it ended is.
    if record.phase == Phase::Intent {
        return Vec::new();
    }
    if whole.subjects.is_empty() {
        let app =
            json!({ "name": "omg", "vendor_name": "OMG", "version": env!("CARGO_PKG_VERSION") });
        return vec![lifecycle(whole, 99, &record.op, &app, &json!({}))];
    }
    let mut events: Vec<Value> = whole.subjects.iter().map(|it| of_subject(whole, it)).collect();
    if record.phase == Phase::Commit {
        events.extend(whole.subjects.iter().filter_map(|it| inventory(whole, it)));
    }
    events
}

fn of_subject(whole: &Whole<'_>, subject: &Subject) -> Value {
    let (activity, name) = match subject.action.as_str() {
        "install" => (1, "Install"),
        "remove" | "purge" => (2, "Remove"),
        "upgrade" | "downgrade" | "reinstall" => (8, "Update"),
        other => (99, other),
    };
    let version = subject.to.as_ref().or(subject.from.as_ref());
    let app = json!({ "name": subject.name, "version": version, "uid": subject.purl });
    let more = json!({
        "action": subject.action,
        "architecture": subject.architecture,
        "from": subject.from,
        "to": subject.to,
        "repository": subject.repository,
        "sha256": subject.sha256,
        "grade": subject.grade,
    });
    lifecycle(whole, activity, name, &app, &more)
}

fn lifecycle(whole: &Whole<'_>, activity: u32, name: &str, app: &Value, more: &Value) -> Value {
    let record = whole.record;
    let (severity, severity_name) = match record.phase {
        Phase::Deny => (3, "Medium"),
        Phase::Abort | Phase::Recovered => (2, "Low"),
        _ => (1, "Informational"),
    };
    let (status, status_name) = match record.succeeded() {
        Some(true) => (1, "Success"),
        Some(false) => (2, "Failure"),
        None => (0, "Unknown"),
    };
    let outcome = record.outcome.as_ref().filter(|outcome| outcome.code != 0);
    json!({
        "category_uid": 6,
        "category_name": "Application Activity",
        "class_uid": 6002,
        "class_name": "Application Lifecycle",
        "activity_id": activity,
        "activity_name": name,
        "type_uid": 600_200 + activity,
        "severity_id": severity,
        "severity": severity_name,
        "status_id": status,
        "status": status_name,
        "status_code": outcome.map(|outcome| cef::code(outcome.code)),
        "status_detail": outcome.map(|outcome| outcome.message.clone()),
        "time": record.wall_ms,
        "metadata": metadata(record),
        "actor": actor(&record.actor),
        "device": device(whole.host),
        "app": app,
        "unmapped": { "op": record.op, "phase": record.phase.as_str(), "request": record.request, "subject": more },
    })
}

/// What is there after a change.
fn inventory(whole: &Whole<'_>, subject: &Subject) -> Option<Value> {
    let version = subject.to.as_ref()?;
    let hash = subject
        .sha256
        .map(|value| json!({ "algorithm": "SHA-256", "algorithm_id": 3, "value": value }));
    Some(json!({
        "category_uid": 5,
        "category_name": "Discovery",
        "class_uid": 5020,
        "class_name": "Software Inventory Info",
        "activity_id": 1,
        "activity_name": "Log",
        "type_uid": 502_001,
        "severity_id": 1,
        "severity": "Informational",
        "time": whole.record.wall_ms,
        "metadata": metadata(whole.record),
        "actor": actor(&whole.record.actor),
        "device": device(whole.host),
        "package": {
            "name": subject.name,
            "version": version,
            "architecture": subject.architecture,
            "purl": subject.purl,
            "package_manager": subject.source,
            "hash": hash,
        },
    }))
}

fn metadata(record: &Record) -> Value {
    json!({
        "version": SCHEMA,
        "product": { "name": "omg", "vendor_name": "OMG", "version": env!("CARGO_PKG_VERSION") },
        "uid": format!("{}-{}", record.log_id, record.seq),
        "sequence": record.seq,
        "log_name": "omg-audit",
    })
}

fn actor(actor: &Actor) -> Value {
    let file = actor.exe_sha256.map(|value| {
        json!({
            "name": "omg",
            "type_id": 1,
            "hashes": [{ "algorithm": "SHA-256", "algorithm_id": 3, "value": value }],
        })
    });
    json!({
        "user": { "uid": actor.person().to_string() },
        "process": { "pid": actor.pid, "file": file, "user": { "uid": actor.uid.to_string() } },
        "invoked_by": actor.via.as_ref().map(|via| via.program.clone()),
    })
}

fn device(host: &str) -> Value {
    json!({ "type_id": 0, "hostname": host })
}
