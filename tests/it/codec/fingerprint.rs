use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use vidne::{
    codec::{fingerprint::normalised, json::parse_input},
    domain::{catalogue::EventType, event::Detail, input::EventInput},
    vault::{MasterKey, Vault},
};

use crate::support::events::{bare, full};

/// Vectors: `event` is the JSON form; `normalised` and `fingerprint` are hex. The master key is the bytes 0 to 31.
#[derive(Deserialize, Serialize)]
struct Vector {
    name: String,
    event: serde_json::Value,
    normalised: String,
    fingerprint: String,
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn vault() -> Vault {
    Vault::new(&MasterKey::from_base64("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "test").unwrap())
}

#[test]
fn g3_the_fingerprint_agrees_with_its_vectors() {
    let vectors: Vec<Vector> = serde_json::from_str(include_str!("fingerprint_vectors.json")).unwrap();
    assert!(vectors.len() >= 6);
    for vector in vectors {
        let bytes = normalised(&parse_input(&vector.event.to_string()).unwrap());
        assert_eq!(hex(&bytes), vector.normalised, "{}", vector.name);
        assert_eq!(hex(&vault().fingerprint(&bytes)), vector.fingerprint, "{}", vector.name);
    }
}

#[test]
fn g3_two_spellings_of_one_event_have_one_fingerprint() {
    let same = |change: &dyn Fn(&mut EventInput)| {
        let mut other = full(EventType::CUSTOM);
        change(&mut other);
        assert_eq!(hex(&normalised(&other)), hex(&normalised(&full(EventType::CUSTOM))));
    };
    same(&|e| e.event_id = "01890A5DAC96774BBCCEB302099A8057".to_owned());
    same(&|e| e.tenant_id = String::new());
    same(&|e| e.severity = 0);
    same(&|e| e.outcome = 0);
    same(&|e| e.actor.actor_type = 0);
    same(&|e| e.targets[0].role = 0);
    same(&|e| e.occurred = Some((1_795_334_399, 123_456_789)));
    same(&|e| e.source.ip_address = "2001:0DB8:0:0::0007".to_owned());
    let mut zero = bare(EventType::CUSTOM);
    zero.details.insert("n".to_owned(), Detail::Number(0.0));
    let mut negative = zero.clone();
    negative.details.insert("n".to_owned(), Detail::Number(-0.0));
    assert_eq!(normalised(&zero), normalised(&negative));
}

#[test]
fn g3_any_other_content_has_another_fingerprint() {
    let base = full(EventType::CUSTOM);
    let differs = |name: &str, change: &dyn Fn(&mut EventInput)| {
        let mut other = base.clone();
        change(&mut other);
        assert_ne!(normalised(&other), normalised(&base), "{name}");
    };
    differs("type", &|e| e.event_type = 2);
    differs("custom_type", &|e| e.custom_type = "x.y".to_owned());
    differs("severity", &|e| e.severity = 4);
    differs("occurred", &|e| e.occurred = None);
    differs("occurred by a microsecond", &|e| e.occurred = Some((1_795_334_399, 123_457_000)));
    differs("outcome", &|e| e.outcome = 2);
    differs("outcome_reason", &|e| e.outcome_reason.push('.'));
    differs("actor", &|e| e.actor.name.push('.'));
    differs("source", &|e| e.source.ip_address = "2001:db8::8".to_owned());
    differs("targets", &|e| e.targets.reverse());
    differs("description beyond the cut", &|e| e.description = "x".repeat(20_000));
    differs("details", &|e| e.details.clear());
    differs("labels", &|e| e.labels.clear());
    differs("changes", &|e| e.changes.clear());
    differs("trace", &|e| e.trace.clear());
    differs("personal", &|e| e.personal.actor_national_id.clear());
}
