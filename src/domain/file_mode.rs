//! The permissions that a job's files get.

use std::{fmt, str::FromStr};

/// Who may do what with a file. Its owner, who has yet to give it its final name, may read and write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileMode(u16);

/// What no file of a job can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileModeError {
    /// Other text than three octal digits, with or without a zero before them.
    #[error("not permissions; give octal digits from 0600 to 0777 such as 0640")]
    NotPermissions,
    /// The owner lacks a right.
    #[error("the owner must be able to read and write the file; give 0600 or more, such as 0640")]
    NotForOwner,
}

const OWNER_READS_AND_WRITES: u16 = 0o600;

impl FileMode {
    /// The permission bits, 0o600 to 0o777.
    pub fn bits(self) -> u32 {
        self.0.into()
    }
}

impl FromStr for FileMode {
    type Err = FileModeError;

    fn from_str(text: &str) -> Result<Self, FileModeError> {
        let digits = match text.as_bytes() {
            [b'0', digits @ ..] if digits.len() == 3 => digits,
            digits if digits.len() == 3 => digits,
            _ => return Err(FileModeError::NotPermissions),
        };
        let mut bits = 0;
        for digit in digits {
            match digit {
                b'0'..=b'7' => bits = bits << 3 | u16::from(digit - b'0'),
                _ => return Err(FileModeError::NotPermissions),
            }
        }
        match bits & OWNER_READS_AND_WRITES {
            OWNER_READS_AND_WRITES => Ok(Self(bits)),
            _ => Err(FileModeError::NotForOwner),
        }
    }
}

impl fmt::Display for FileMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04o}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_are_read_with_and_without_a_leading_zero() {
        for (text, bits, shown) in [("0640", 0o640, "0640"), ("600", 0o600, "0600"), ("0777", 0o777, "0777")]
        {
            let mode: FileMode = text.parse().unwrap();
            assert_eq!((mode.bits(), mode.to_string().as_str()), (bits, shown));
        }
    }

    #[test]
    fn what_is_more_or_less_than_permissions_is_refused() {
        for text in
            ["", "64", "00640", "1640", "4755", "0680", "rw-", "0o640", "-640", "+640", " 640", "六百"]
        {
            assert_eq!(text.parse::<FileMode>(), Err(FileModeError::NotPermissions), "{text}");
        }
        for text in ["0440", "0240", "0000", "177"] {
            assert_eq!(text.parse::<FileMode>(), Err(FileModeError::NotForOwner), "{text}");
        }
    }
}
