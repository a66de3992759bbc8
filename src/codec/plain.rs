//! Values that need no look when they are written: digits, letters and signs that no format escapes. Without the
//! machinery of `fmt`, since an export writes millions of them.

use std::{
    io::Write as _,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use crate::domain::{id::EventId, time::Timestamp};

/// A value that is ASCII without quotes, separators and control characters.
pub trait Plain {
    /// Appends it.
    fn push(&self, out: &mut Vec<u8>);
}

/// Digits of the longest number.
const DIGITS: usize = 20;

macro_rules! whole_numbers {
    ($($number:ty),+) => {$(
        impl Plain for $number {
            fn push(&self, out: &mut Vec<u8>) {
                #[allow(unused_comparisons)]
                if *self < 0 {
                    out.push(b'-');
                }
                #[allow(clippy::cast_lossless)]
                let mut left = (*self as i128).unsigned_abs() as u64;
                let mut digits = [b'0'; DIGITS];
                let mut at = DIGITS;
                loop {
                    at -= 1;
                    digits[at] = b'0' + (left % 10) as u8;
                    left /= 10;
                    if left == 0 {
                        break;
                    }
                }
                out.extend_from_slice(&digits[at..]);
            }
        }
    )+};
}

whole_numbers!(u8, u32, u64, i32, i64);

/// RFC 3339 with six digits.
impl Plain for Timestamp {
    fn push(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.rfc3339());
    }
}

/// Lower-case hyphenated.
impl Plain for EventId {
    fn push(&self, out: &mut Vec<u8>) {
        let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
        out.extend_from_slice(self.uuid().hyphenated().encode_lower(&mut text).as_bytes());
    }
}

impl Plain for Ipv4Addr {
    fn push(&self, out: &mut Vec<u8>) {
        for (i, octet) in self.octets().into_iter().enumerate() {
            if i > 0 {
                out.push(b'.');
            }
            octet.push(out);
        }
    }
}

impl Plain for IpAddr {
    fn push(&self, out: &mut Vec<u8>) {
        match self {
            Self::V4(ip) => ip.push(out),
            Self::V6(ip) => ip.push(out),
        }
    }
}

impl Plain for Ipv6Addr {
    fn push(&self, out: &mut Vec<u8>) {
        // Writing to memory cannot fail.
        let _ = write!(out, "{self}");
    }
}

impl<T: Plain> Plain for &T {
    fn push(&self, out: &mut Vec<u8>) {
        T::push(self, out);
    }
}

/// Bytes in lower-case hex.
pub struct Hex<'a>(pub &'a [u8]);

impl Plain for Hex<'_> {
    fn push(&self, out: &mut Vec<u8>) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        for byte in self.0 {
            out.extend([DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pushed(value: impl Plain) -> String {
        let mut out = Vec::new();
        value.push(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn everything_looks_as_when_it_is_displayed() {
        for number in [0, 1, 9, 10, 99, 100, u64::MAX, u64::MAX / 7] {
            assert_eq!(pushed(number), number.to_string());
        }
        for number in [0, -1, 7, i64::MIN, i64::MAX] {
            assert_eq!(pushed(number), number.to_string());
        }
        for ip in ["0.0.0.0", "10.20.255.1", "::1", "2001:db8::1", "::ffff:10.0.0.1"] {
            let ip: IpAddr = ip.parse().unwrap();
            assert_eq!(pushed(ip), ip.to_string());
        }
        let id = EventId::from(uuid::Uuid::from_u128(0x0192_F3A0_ABCD));
        assert_eq!(pushed(id), id.to_string());
        assert_eq!(pushed(Timestamp::MAX), Timestamp::MAX.to_string());
        assert_eq!(pushed(Hex(&[0, 0x9F, 0xA0])), "009fa0");
    }
}
