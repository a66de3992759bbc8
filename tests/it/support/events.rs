//! Sample and random events.

use std::collections::BTreeMap;

use proptest::{collection, option, prelude::*};
use vidne::domain::{
    catalogue::{Category, EventType},
    event::{Change, Detail, Personal, Source},
    input::{ActorInput, EventInput, TargetInput},
    limits::Limits,
    time::Timestamp,
    validate::CallContext,
};

/// 2026-11-22T08:00:00Z.
pub const NOW: Timestamp = Timestamp::from_micros(1_795_334_400_000_000);

/// A call by nobody in particular at [`NOW`].
pub fn call() -> CallContext {
    CallContext { received: NOW, recorded_by: "anonymous".to_owned(), trace: String::new() }
}

/// Default limits.
pub fn limits() -> Limits {
    Limits::default()
}

/// Types that a client may record.
pub fn recordable() -> Vec<EventType> {
    EventType::all().filter(|t| t.category() != Category::Service).collect()
}

/// An event of a type with only what is required.
pub fn bare(event_type: EventType) -> EventInput {
    let custom = event_type == EventType::CUSTOM;
    EventInput {
        event_type: event_type.info().number,
        custom_type: if custom { "invoice.approved".to_owned() } else { String::new() },
        ..EventInput::default()
    }
}

/// An event of a type with every field filled.
pub fn full(event_type: EventType) -> EventInput {
    EventInput {
        event_id: "01890a5d-ac96-774b-bcce-b302099a8057".to_owned(),
        tenant_id: "default".to_owned(),
        severity: 2,
        occurred: Some((1_795_334_399, 123_456_000)),
        outcome: 1,
        outcome_reason: "approved by the head of section".to_owned(),
        actor: ActorInput {
            actor_type: 1,
            user_id: "u-4711".to_owned(),
            name: "Åse Ørsted".to_owned(),
            email: "aase.oersted@example.dk".to_owned(),
            initials: "AAOE".to_owned(),
            organization_id: "org-29189846".to_owned(),
            tenant_id: "writer-tenant".to_owned(),
        },
        source: Source {
            ip_address: "2001:db8::7".to_owned(),
            host: "pc-0101.example.dk".to_owned(),
            user_agent: "XFlow/7.2 (Windows)".to_owned(),
        },
        targets: vec![
            target(1, 6, "task-1001", "Building permit", "target-tenant"),
            target(1, 5, "blanket-77", "Application form", ""),
            target(2, 1, "principal-9", "Bo Bjerg", "target-tenant"),
            target(3, 2, "group-3", "Case workers", ""),
        ],
        description: "has read the form with TaskId 1001, BlanketID 77".to_owned(),
        details: BTreeMap::from([
            ("count".to_owned(), Detail::Number(3.0)),
            ("ratio".to_owned(), Detail::Number(0.5)),
            ("nested".to_owned(), Detail::Map(BTreeMap::from([("deep".to_owned(), Detail::Null)]))),
            ("list".to_owned(), Detail::List(vec![Detail::Bool(true), Detail::Text("x".to_owned())])),
        ]),
        labels: BTreeMap::from([("system".to_owned(), "xflow".to_owned())]),
        changes: vec![Change {
            field: "status".to_owned(),
            old_value: "open".to_owned(),
            new_value: "closed".to_owned(),
        }],
        trace: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned(),
        personal: Personal {
            actor_national_id: "0101701234".to_owned(),
            subject_national_ids: vec!["0202801235".to_owned()],
        },
        ..bare(event_type)
    }
}

fn target(role: i32, target_type: i32, id: &str, name: &str, tenant_id: &str) -> TargetInput {
    TargetInput {
        role,
        target_type,
        id: id.to_owned(),
        name: name.to_owned(),
        tenant_id: tenant_id.to_owned(),
    }
}

/// Any valid event; texts hold whatever Unicode has, control characters included.
pub fn any_input() -> impl Strategy<Value = EventInput> {
    let id = "[a-zA-Z0-9ÆØÅ |=,\"\\\\-]{0,12}";
    let text = any::<String>();
    let actor = (0..4i32, id, text, text, text, id, id).prop_map(
        |(actor_type, user_id, name, email, initials, organization_id, tenant_id)| ActorInput {
            actor_type,
            user_id,
            name,
            email,
            initials,
            organization_id,
            tenant_id,
        },
    );
    let address = prop_oneof!["10\\.0\\.[0-9]\\.[0-9]", "2001:db8::[0-9a-f]{1,4}", "\\PC{0,20}"];
    let source = (address, text, text).prop_map(|(ip_address, host, user_agent)| Source {
        ip_address,
        host,
        user_agent,
    });
    let target = (0..5i32, 0..16i32, id, text, id).prop_map(|(role, target_type, id, name, tenant_id)| {
        TargetInput { role, target_type, id, name, tenant_id }
    });
    let change =
        (text, text, text).prop_map(|(field, old_value, new_value)| Change { field, old_value, new_value });
    let personal = ("[0-9]{0,10}", collection::vec("[0-9]{10}", 0..3)).prop_map(
        |(actor_national_id, subject_national_ids)| Personal { actor_national_id, subject_national_ids },
    );
    (
        (any::<u128>(), proptest::sample::select(recordable()), 0..9i32, 0..4i32),
        option::of((0..253_402_207_200i64, 0..1_000_000_000i32)),
        (text, actor, source, collection::vec(target, 0..4), text),
        collection::btree_map(any::<String>(), any_detail(), 0..4),
        collection::btree_map("[a-z][a-z0-9_.-]{0,10}", any::<String>(), 0..4),
        (collection::vec(change, 0..3), personal),
    )
        .prop_map(|(head, occurred, body, details, labels, (changes, personal))| EventInput {
            event_id: uuid::Uuid::from_u128(head.0).to_string(),
            severity: head.2,
            outcome: head.3,
            occurred,
            outcome_reason: body.0,
            actor: body.1,
            source: body.2,
            targets: body.3,
            description: body.4,
            details,
            labels,
            changes,
            personal,
            ..bare(head.1)
        })
}

fn any_detail() -> impl Strategy<Value = Detail> {
    let leaf = prop_oneof![
        Just(Detail::Null),
        any::<bool>().prop_map(Detail::Bool),
        proptest::num::f64::NORMAL.prop_map(Detail::Number),
        (-1_000_000i32..1_000_000).prop_map(|n| Detail::Number(n.into())),
        any::<String>().prop_map(Detail::Text),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            collection::vec(inner.clone(), 0..4).prop_map(Detail::List),
            collection::btree_map(any::<String>(), inner, 0..4).prop_map(Detail::Map),
        ]
    })
}
