use proptest::prelude::*;
use prost::Message;
use vidne::{
    codec::{
        proto::v1,
        stored,
        wire::{decode_recorded, decode_stored, encode_content, personal},
        wire_input::{input_from_proto, input_to_proto},
    },
    domain::{catalogue::EventType, validate::validate},
};

use crate::support::events::{NOW, any_input, call, full, limits};

/// The payload and personal column of an event, as a store keeps them.
fn keep(event: &vidne::domain::event::Event, sequence: u64) -> (bytes::Bytes, Option<bytes::Bytes>) {
    let column = event.personal.as_ref().map(|ids| {
        let mut column = vec![7; stored::SALT_BYTES];
        column.extend(stored::personal_field(&personal(ids)));
        bytes::Bytes::from(column)
    });
    (stored::finish(&encode_content(event), sequence, NOW).into(), column)
}

#[test]
fn every_field_of_both_products_survives_being_kept() {
    for event_type in crate::support::events::recordable() {
        let input = full(event_type);
        let event = validate(input, "event", &limits(), &call()).unwrap();
        let (payload, column) = keep(&event, 42);
        let read = decode_stored(&payload, column.as_ref()).unwrap();
        assert_eq!((read.sequence, read.recorded), (42, NOW));
        assert_eq!(read.event, event, "{event_type:?}");
    }
}

#[test]
fn the_payload_is_the_canonical_encoding_of_the_whole_event() {
    let event = validate(full(EventType::CUSTOM), "event", &limits(), &call()).unwrap();
    let (payload, column) = keep(&event, 9);
    let whole = stored::with_personal(&payload, column.as_ref());
    // Decoding and encoding again gives the same bytes: finishing by appending is canonical.
    assert_eq!(v1::Event::decode(payload.clone()).unwrap().encode_to_vec(), payload);
    assert_eq!(v1::Event::decode(whole.clone()).unwrap().encode_to_vec(), whole);
}

#[test]
fn national_ids_are_not_in_the_payload() {
    let event = validate(full(EventType::CUSTOM), "event", &limits(), &call()).unwrap();
    let (payload, _) = keep(&event, 1);
    for id in [b"0101701234", b"0202801235"] {
        assert!(!payload.windows(id.len()).any(|window| window == id));
    }
    assert_eq!(decode_recorded(&payload).unwrap().event.personal, None);
}

proptest! {
    #[test]
    fn what_a_client_sends_survives_the_wire(input in any_input()) {
        let bytes = input_to_proto(&input).encode_to_vec();
        prop_assert_eq!(input_from_proto(v1::Event::decode(bytes.as_slice()).unwrap()), input);
    }

    #[test]
    fn any_valid_event_survives_being_kept(input in any_input(), sequence in 1u64..) {
        let event = validate(input, "event", &limits(), &call()).unwrap();
        let (payload, column) = keep(&event, sequence);
        let read = decode_stored(&payload, column.as_ref()).unwrap();
        prop_assert_eq!(read.event, event);
        prop_assert_eq!(read.sequence, sequence);
        prop_assert_eq!(v1::Event::decode(payload.clone()).unwrap().encode_to_vec(), payload);
    }

    #[test]
    fn damaged_payloads_are_errors_and_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = decode_recorded(&bytes);
    }
}
