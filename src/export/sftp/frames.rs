//! Packets between the SSH channel and the SFTP client library.
//!
//! The library trusts its peer: it reserves memory for whatever count a packet claims, computes with lengths
//! that may be too small, and takes a file name that is not UTF-8 for a broken connection. Every packet is
//! therefore checked here first, and rewritten where only its text is at fault.

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// Largest packet accepted from a server. OpenSSH's largest is 256 KiB.
pub(super) const PACKET_BYTES_MAX: usize = 1024 * 1024;

const STATUS: u8 = 101;
const HANDLE: u8 = 102;
const DATA: u8 = 103;
const NAME: u8 = 104;
const ATTRS: u8 = 105;

const ATTR_SIZE: u32 = 0x1;
const ATTR_IDS: u32 = 0x2;
const ATTR_MODE: u32 = 0x4;
const ATTR_TIMES: u32 = 0x8;
const ATTR_EXTENDED: u32 = 0x8000_0000;

const HIGHEST_STATUS: u32 = 8;
const FAILURE: u32 = 4;
/// Codes only a client may use for itself; the library refuses to read them.
const CLIENT_ONLY: std::ops::RangeInclusive<u32> = 6..=7;

/// Why a packet is not let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum FrameError {
    #[error("packet of {0} bytes, which is no length an SFTP packet has")]
    Length(usize),
    #[error("packet ends in the middle of a field")]
    Short,
}

/// Takes the next whole packet, its length field included, off the front of `buffer`.
pub(super) fn take_packet(buffer: &mut BytesMut) -> Result<Option<Bytes>, FrameError> {
    let Some(length) = buffer.first_chunk::<4>() else { return Ok(None) };
    let length = u32::from_be_bytes(*length) as usize;
    if !(5..=PACKET_BYTES_MAX).contains(&length) {
        return Err(FrameError::Length(length));
    }
    if buffer.len() < 4 + length {
        buffer.reserve(4 + length - buffer.len());
        return Ok(None);
    }
    let packet = buffer.split_to(4 + length).freeze();
    checked(packet).map(Some)
}

fn checked(packet: Bytes) -> Result<Bytes, FrameError> {
    // Length, type and request id; the version packet has the version in the id's place.
    let mut body = packet.slice(4..);
    let kind = body.get_u8();
    let id = u32_field(&mut body)?;
    let mut out = BytesMut::with_capacity(packet.len() + 64);
    out.put_u32(0);
    out.put_u8(kind);
    out.put_u32(id);
    match kind {
        STATUS => status(&mut body, &mut out)?,
        NAME => names(&mut body, &mut out)?,
        ATTRS => attributes(&mut body, &mut out)?,
        HANDLE | DATA => {
            let length = string_field(&mut body.clone())?.len();
            if body.len() != 4 + length {
                return Err(FrameError::Short);
            }
            return Ok(packet);
        }
        _ => return Ok(packet),
    }
    let length = u32::try_from(out.len() - 4).map_err(|_| FrameError::Length(out.len()))?;
    out[..4].copy_from_slice(&length.to_be_bytes());
    Ok(out.freeze())
}

/// Message and language are missing on old servers.
fn status(body: &mut Bytes, out: &mut BytesMut) -> Result<(), FrameError> {
    let code = u32_field(body)?;
    let message = string_field(body).unwrap_or_default();
    let mut text = String::from_utf8_lossy(&message).into_owned();
    if code > HIGHEST_STATUS {
        text = format!("code {code}: {text}");
    }
    out.put_u32(if CLIENT_ONLY.contains(&code) { FAILURE } else { code });
    put_string(out, text.as_bytes());
    put_string(out, b"");
    Ok(())
}

fn names(body: &mut Bytes, out: &mut BytesMut) -> Result<(), FrameError> {
    const SMALLEST_ENTRY: usize = 12;
    let count = u32_field(body)?;
    if count as usize > body.len() / SMALLEST_ENTRY {
        return Err(FrameError::Short);
    }
    out.put_u32(count);
    for _ in 0..count {
        let name = string_field(body)?;
        string_field(body)?; // the long form is for people, in no fixed format
        put_string(out, String::from_utf8_lossy(&name).as_bytes());
        put_string(out, b"");
        attributes(body, out)?;
    }
    Ok(())
}

fn attributes(body: &mut Bytes, out: &mut BytesMut) -> Result<(), FrameError> {
    let flags = u32_field(body)?;
    out.put_u32(flags & (ATTR_SIZE | ATTR_IDS | ATTR_MODE | ATTR_TIMES));
    for (flag, fields) in [(ATTR_SIZE, 2), (ATTR_IDS, 2), (ATTR_MODE, 1), (ATTR_TIMES, 2)] {
        if flags & flag == 0 {
            continue;
        }
        for _ in 0..fields {
            let value = u32_field(body)?;
            out.put_u32(if flag == ATTR_MODE { known_file_type(value) } else { value });
        }
    }
    if flags & ATTR_EXTENDED != 0 {
        for _ in 0..u32_field(body)? {
            string_field(body)?;
            string_field(body)?;
        }
    }
    Ok(())
}

/// The mode without a file type that POSIX does not know.
fn known_file_type(mode: u32) -> u32 {
    const TYPE: u32 = 0o170000;
    match mode & TYPE {
        0o140000 | 0o120000 | 0o100000 | 0o060000 | 0o040000 | 0o020000 | 0o010000 => mode,
        _ => mode & !TYPE,
    }
}

fn u32_field(body: &mut Bytes) -> Result<u32, FrameError> {
    body.try_get_u32().map_err(|_| FrameError::Short)
}

fn string_field(body: &mut Bytes) -> Result<Bytes, FrameError> {
    let length = u32_field(body)? as usize;
    if length > body.len() {
        return Err(FrameError::Short);
    }
    Ok(body.split_to(length))
}

fn put_string(out: &mut BytesMut, text: &[u8]) {
    // A packet is at most 1 MiB, and repairing its text makes it at most three times as long.
    out.put_u32(u32::try_from(text.len()).unwrap_or(u32::MAX));
    out.put_slice(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(kind: u8, body: &[u8]) -> BytesMut {
        let mut out = BytesMut::new();
        out.put_u32(u32::try_from(body.len() + 5).unwrap());
        out.put_u8(kind);
        out.put_u32(7);
        out.put_slice(body);
        out
    }

    fn body_of(kind: u8, body: &[u8]) -> Result<Vec<u8>, FrameError> {
        let taken = take_packet(&mut packet(kind, body))?.unwrap();
        assert_eq!(u32::from_be_bytes(taken[..4].try_into().unwrap()) as usize, taken.len() - 4);
        Ok(taken[9..].to_vec())
    }

    #[test]
    fn waits_for_the_whole_packet() {
        let whole = packet(DATA, &[0, 0, 0, 2, 1, 2]);
        for cut in 0..whole.len() {
            assert_eq!(take_packet(&mut BytesMut::from(&whole[..cut])), Ok(None));
        }
        let mut two = whole.clone();
        two.extend_from_slice(&whole);
        assert_eq!(take_packet(&mut two), Ok(Some(whole.clone().freeze())));
        assert_eq!(take_packet(&mut two), Ok(Some(whole.freeze())));
        assert!(two.is_empty());
    }

    #[test]
    fn refuses_lengths_that_would_hurt() {
        for length in [0_u32, 4, 0x7fff_ffff, u32::MAX] {
            let mut buffer = BytesMut::from(&length.to_be_bytes()[..]);
            assert_eq!(take_packet(&mut buffer), Err(FrameError::Length(length as usize)));
        }
        assert_eq!(body_of(NAME, &u32::MAX.to_be_bytes()), Err(FrameError::Short));
        assert_eq!(body_of(DATA, &[]), Err(FrameError::Short));
        assert_eq!(body_of(DATA, &[0, 0, 0, 9, 1]), Err(FrameError::Short));
        assert_eq!(body_of(ATTRS, &ATTR_SIZE.to_be_bytes()), Err(FrameError::Short));
    }

    #[test]
    fn a_bare_status_gets_its_texts_and_a_client_code_becomes_failure() {
        let failure = [0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(body_of(STATUS, &[0, 0, 0, 4]).unwrap(), failure);
        assert_eq!(body_of(STATUS, &[0, 0, 0, 7]).unwrap(), failure);
    }

    #[test]
    fn a_code_of_a_later_version_is_named_in_the_message() {
        let body = body_of(STATUS, &[0, 0, 0, 11, 0, 0, 0, 1, 0xff, 0, 0, 0, 0]).unwrap();
        assert!(String::from_utf8_lossy(&body).contains("code 11: \u{fffd}"));
    }

    #[test]
    fn a_latin_1_file_name_and_an_unknown_file_type_are_repaired() {
        let mut body = vec![0, 0, 0, 1, 0, 0, 0, 2, 0xe6, b'a', 0, 0, 0, 1, b'x'];
        body.extend([0, 0, 0, 4, 0, 0, 0xf1, 0xff]);
        let repaired = body_of(NAME, &body).unwrap();
        assert_eq!(&repaired[..4], [0, 0, 0, 1]);
        assert_eq!(&repaired[8..12], "\u{fffd}a".as_bytes());
        assert_eq!(&repaired[repaired.len() - 4..], [0, 0, 0x01, 0xff]);
    }
}
