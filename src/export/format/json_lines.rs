//! JSON Lines: the documented JSON form, one object per line. Nothing is lost.

use crate::{codec::json, domain::event::RecordedEvent};

pub(super) fn write(event: &RecordedEvent, with_national_id: bool, out: &mut Vec<u8>) {
    json::write_line(event, with_national_id, out);
}
