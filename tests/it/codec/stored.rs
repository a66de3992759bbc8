use sha2::{Digest, Sha256};
use vidne::codec::stored::{commitment, finish, leaf_hash};
use vidne::domain::time::Timestamp;

#[test]
fn a_leaf_is_the_hash_of_a_zero_byte_and_the_payload() {
    let payload = b"payload";
    let expected: [u8; 32] = Sha256::digest(b"\0payload").into();
    assert_eq!(leaf_hash(payload), expected);
}

#[test]
fn a_commitment_is_the_hash_of_salt_and_field() {
    let expected: [u8; 32] = Sha256::digest(b"salt and field").into();
    assert_eq!(commitment(b"salt and field"), expected);
}

#[test]
fn place_and_time_are_appended_as_the_fields_30_and_31() {
    // Tag 30 varint = f0 01, 300 = ac 02; tag 31 length = fa 01; seconds 1 = 08 01; nanos 5000 = 10 88 27.
    let bytes = finish(&[], 300, Timestamp::from_micros(1_000_005));
    assert_eq!(bytes, [0xf0, 0x01, 0xac, 0x02, 0xfa, 0x01, 0x05, 0x08, 0x01, 0x10, 0x88, 0x27]);
}
