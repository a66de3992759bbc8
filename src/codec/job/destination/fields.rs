//! Changing a destination as a whole, or one field of it.

use std::mem::{discriminant, swap};

use super::slots::{Slot, slots, take_secrets};
use crate::codec::proto::v1::{Destination, destination::Kind};

/// The fields below each kind, for messages.
pub(in crate::codec::job) const FIELDS: &str = "below destination.sftp: address, user_name, directory, \
     host_keys, file_mode, password, private_key, private_key_passphrase; below destination.fs: directory, file_mode; \
     below destination.s3: endpoint, region, bucket, \
     directory, access_key_id, secret_access_key, virtual_host_style; below destination.azblob: endpoint, \
     container, directory, account_name, account_key; below destination.gcs: endpoint, bucket, directory, \
     credential; and each secret with _from behind it";

/// The new destination, with the kept secrets (and where they are found) where it gives none of its own.
pub(in crate::codec::job) fn replace(
    old: Option<Destination>,
    new: Option<Destination>,
) -> Option<Destination> {
    let (mut old, mut new) = match (old.and_then(|d| d.kind), new.and_then(|d| d.kind)) {
        (Some(old), Some(new)) if discriminant(&old) == discriminant(&new) => (old, new),
        (_, kind) => return Some(Destination { kind }),
    };
    let given = |slot: &Slot<'_>| !slot.secret.is_empty() || slot.from.is_some();
    let mut new_key = false;
    for (old, new) in slots(&mut old).into_iter().zip(slots(&mut new)) {
        new_key |= new.name == "private_key" && given(&new);
        // A passphrase belongs to its key.
        let others = new.name == "private_key_passphrase" && new_key;
        if !given(&new) && !others {
            swap(new.secret, old.secret);
            swap(new.from, old.from);
        }
    }
    drop(take_secrets(&mut old));
    Some(Destination { kind: Some(new) })
}

/// Why a field was not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::codec::job) enum NotSet {
    /// There is no such field.
    Unknown,
    /// It is a field of another kind of destination.
    OtherKind,
}

/// Sets the field that `path` (such as `s3.bucket`) names to what it is in `new`, also to nothing.
pub(in crate::codec::job) fn set_field(
    kept: Option<&mut Kind>,
    new: Option<&Kind>,
    path: &str,
) -> Result<(), NotSet> {
    let (kind, field) = path.split_once('.').ok_or(NotSet::Unknown)?;
    let empty = match kind {
        "sftp" => Kind::Sftp(Default::default()),
        "fs" => Kind::Fs(Default::default()),
        "s3" => Kind::S3(Default::default()),
        "azblob" => Kind::Azblob(Default::default()),
        "gcs" => Kind::Gcs(Default::default()),
        _ => return Err(NotSet::Unknown),
    };
    let kept = kept.filter(|kept| discriminant(*kept) == discriminant(&empty)).ok_or(NotSet::OtherKind)?;
    let mut new = new.filter(|new| discriminant(*new) == discriminant(&empty)).cloned().unwrap_or(empty);
    let set = set_secret(kept, &mut new, field) || set_plain(kept, &new, field);
    drop(take_secrets(&mut new));
    if set { Ok(()) } else { Err(NotSet::Unknown) }
}

/// A secret and its `..._from`: one that is given takes the place of the other.
fn set_secret(kept: &mut Kind, new: &mut Kind, field: &str) -> bool {
    let name = field.strip_suffix("_from").unwrap_or(field);
    let both = slots(kept).into_iter().zip(slots(new)).find(|(kept, _)| kept.name == name);
    let Some((kept, new)) = both else { return false };
    if name == field {
        kept.secret.clone_from(new.secret);
        if !kept.secret.is_empty() {
            *kept.from = None;
        }
    } else {
        kept.from.clone_from(new.from);
        if kept.from.is_some() {
            kept.secret.clear();
        }
    }
    true
}

fn set_plain(kept: &mut Kind, new: &Kind, field: &str) -> bool {
    match (kept, new) {
        (Kind::Sftp(kept), Kind::Sftp(new)) => match field {
            "address" => kept.address.clone_from(&new.address),
            "user_name" => kept.user_name.clone_from(&new.user_name),
            "directory" => kept.directory.clone_from(&new.directory),
            "host_keys" => kept.host_keys.clone_from(&new.host_keys),
            "file_mode" => kept.file_mode.clone_from(&new.file_mode),
            _ => return false,
        },
        (Kind::Fs(kept), Kind::Fs(new)) => match field {
            "directory" => kept.directory.clone_from(&new.directory),
            "file_mode" => kept.file_mode.clone_from(&new.file_mode),
            _ => return false,
        },
        (Kind::S3(kept), Kind::S3(new)) => match field {
            "endpoint" => kept.endpoint.clone_from(&new.endpoint),
            "region" => kept.region.clone_from(&new.region),
            "bucket" => kept.bucket.clone_from(&new.bucket),
            "directory" => kept.directory.clone_from(&new.directory),
            "access_key_id" => kept.access_key_id.clone_from(&new.access_key_id),
            "virtual_host_style" => kept.virtual_host_style = new.virtual_host_style,
            _ => return false,
        },
        (Kind::Azblob(kept), Kind::Azblob(new)) => match field {
            "endpoint" => kept.endpoint.clone_from(&new.endpoint),
            "container" => kept.container.clone_from(&new.container),
            "directory" => kept.directory.clone_from(&new.directory),
            "account_name" => kept.account_name.clone_from(&new.account_name),
            _ => return false,
        },
        (Kind::Gcs(kept), Kind::Gcs(new)) => match field {
            "endpoint" => kept.endpoint.clone_from(&new.endpoint),
            "bucket" => kept.bucket.clone_from(&new.bucket),
            "directory" => kept.directory.clone_from(&new.directory),
            _ => return false,
        },
        _ => return false,
    }
    true
}
