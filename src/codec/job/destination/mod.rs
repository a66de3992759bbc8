//! Destinations: `read` checks what a client sends, `back` reads what vidne wrote, `write` is the other way,
//! `slots` knows where secrets stand, `fields` changes one field at a time.

mod back;
mod fields;
mod read;
mod slots;
mod write;

pub(super) use back::destination_back;
pub(super) use fields::{FIELDS, NotSet, replace, set_field};
pub(super) use read::{read, require_secret};
pub(super) use slots::{put_secrets, take_secrets};
pub(super) use write::destination_to_proto;
