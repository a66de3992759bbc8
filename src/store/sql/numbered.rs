//! The numbers that columns keep for states and kinds. They never change their meaning.

use crate::{
    domain::export::{Failure, FileState, Health, ManifestState, RunState, Trigger},
    store::StoreError,
};

/// What a column keeps as a number.
pub(super) trait Numbered: Sized {
    /// Its number.
    fn number(self) -> i16;

    /// What the number says.
    ///
    /// # Errors
    ///
    /// `Damaged` if it is nobody's.
    fn numbered(number: i16) -> Result<Self, StoreError>;
}

macro_rules! numbered {
    ($type:ident, $what:literal, $($variant:ident = $number:literal),+) => {
        impl Numbered for $type {
            fn number(self) -> i16 {
                match self {
                    $(Self::$variant => $number),+
                }
            }

            fn numbered(number: i16) -> Result<Self, StoreError> {
                match number {
                    $($number => Ok(Self::$variant),)+
                    _ => Err(StoreError::Damaged(format!("{} is {number}", $what))),
                }
            }
        }
    };
}

numbered!(FileState, "an export file's state", Cut = 1, Uploaded = 2, Published = 3);
numbered!(ManifestState, "an export file's manifest", None = 0, Due = 1, Published = 2);
numbered!(Trigger, "an export run's trigger", Request = 1, Schedule = 2, Waiting = 3, Heartbeat = 4);
numbered!(RunState, "an export run's state", Ok = 1, Failed = 2, Stopped = 3);
numbered!(Health, "an export job's health", Unknown = 0, Ok = 1, Failing = 2);
numbered!(
    Failure,
    "an export job's failure",
    Login = 1,
    HostKey = 2,
    Destination = 3,
    Unavailable = 4,
    Internal = 5
);

/// None is 0.
impl<T: Numbered> Numbered for Option<T> {
    fn number(self) -> i16 {
        self.map_or(0, T::number)
    }

    fn numbered(number: i16) -> Result<Self, StoreError> {
        if number == 0 { Ok(None) } else { T::numbered(number).map(Some) }
    }
}
