//! What a client sends: strict, all violations at once.

use super::{
    back::{destination_back, source_back},
    slots::{slots, take_secrets},
};
use crate::{
    codec::proto::v1::{self, destination::Kind},
    domain::{
        export::{
            AzblobDestination, Destination, DestinationSecrets, FileMode, GcsDestination, S3Destination,
            SecretSource, SftpDestination,
        },
        violation::Violations,
    },
    export::sftp::{Address, AddressError, HostKeyPin},
};

const DIRECTORY_BYTES: usize = 1_024;
const NAME_BYTES: usize = 512;
const HOST_KEYS: usize = 16;
const HOST_KEY_BYTES: usize = 8 * 1024;
const SECRET_BYTES: usize = 32 * 1024;
/// A name of a bucket, container or account: nothing that leads to another place.
const PLACE: &str = "not a name; give 1 to 255 of letters, digits, . _ and -";

/// Reads a destination; `path` is its own path. It may be without secrets.
pub(in crate::codec::job) fn read(
    path: &str,
    destination: Option<v1::Destination>,
    wrong: &mut Violations,
) -> (Destination, DestinationSecrets) {
    let Some(mut kind) = destination.and_then(|destination| destination.kind) else {
        wrong.add(path, "missing; give sftp, fs, s3, azblob or gcs");
        return (
            Destination::Fs { directory: String::new(), file_mode: None },
            DestinationSecrets::default(),
        );
    };
    let name = match &kind {
        Kind::Sftp(_) => "sftp",
        Kind::Fs(_) => "fs",
        Kind::S3(_) => "s3",
        Kind::Azblob(_) => "azblob",
        Kind::Gcs(_) => "gcs",
    };
    let mut read = Read { path: format!("{path}.{name}"), wrong };
    read.secrets(&mut kind);
    read.file_mode(&kind);
    let secrets = take_secrets(&mut kind);
    let mut destination = destination_back(kind);
    match &mut destination {
        Destination::Sftp(sftp) => {
            read.sftp(sftp);
            sftp.has_password = secrets.password.is_some();
            sftp.has_private_key = secrets.private_key.is_some();
        }
        Destination::Fs { directory, .. } => read.fs_directory(directory),
        Destination::S3(s3) => {
            read.s3(s3);
            s3.has_secret_access_key = secrets.store_key.is_some();
        }
        Destination::Azblob(azblob) => {
            read.azblob(azblob);
            azblob.has_account_key = secrets.store_key.is_some();
        }
        Destination::Gcs(gcs) => {
            read.gcs(gcs);
            gcs.has_credential = secrets.store_key.is_some();
        }
    }
    (destination, secrets)
}

/// Refuses a destination of a job that nothing could log in to.
pub(in crate::codec::job) fn require_secret(path: &str, destination: &Destination, wrong: &mut Violations) {
    let (field, missing) = match destination {
        Destination::Fs { .. } => return,
        Destination::Sftp(sftp) => (
            "sftp.password",
            !sftp.has_password
                && !sftp.has_private_key
                && sftp.password_from.is_none()
                && sftp.private_key_from.is_none(),
        ),
        Destination::S3(s3) => {
            ("s3.secret_access_key", !s3.has_secret_access_key && s3.secret_access_key_from.is_none())
        }
        Destination::Azblob(azblob) => {
            ("azblob.account_key", !azblob.has_account_key && azblob.account_key_from.is_none())
        }
        Destination::Gcs(gcs) => ("gcs.credential", !gcs.has_credential && gcs.credential_from.is_none()),
    };
    let way_out = match destination {
        Destination::Sftp(_) => {
            "missing; give a password, a private_key or both, or where the server finds them"
        }
        _ => "missing; give it, or where the server finds it",
    };
    if missing {
        wrong.add(format!("{path}.{field}"), way_out);
    }
}

struct Read<'a> {
    path: String,
    wrong: &'a mut Violations,
}

impl Read<'_> {
    fn wrong(&mut self, field: &str, description: impl Into<String>) {
        let path = self.path.trim_start_matches('.');
        self.wrong.add(format!("{path}.{field}"), description);
    }

    fn secrets(&mut self, kind: &mut Kind) {
        for slot in slots(kind) {
            if slot.secret.len() > SECRET_BYTES {
                self.wrong(slot.name, format!("longer than {SECRET_BYTES} bytes"));
            }
            let Some(given) = slot.from.clone() else { continue };
            let field = format!("{}_from", slot.name);
            if !slot.secret.is_empty() {
                self.wrong(&field, format!("given together with {}; give one of them", slot.name));
            }
            match source_back(Some(given)) {
                None => self.wrong(&field, "missing; give env or file"),
                Some(SecretSource::Env(name)) if !is_variable(&name) => {
                    self.wrong(&format!("{field}.env"), "not the name of an environment variable");
                }
                Some(SecretSource::File(path)) if !is_below(&path) => self.wrong(
                    &format!("{field}.file"),
                    "not a file below the server's export.secret_files; give one such as siem/password, without \
                     a leading slash and without . or ..",
                ),
                Some(_) => {}
            }
        }
    }

    fn file_mode(&mut self, kind: &Kind) {
        let text = match kind {
            Kind::Sftp(sftp) => &sftp.file_mode,
            Kind::Fs(fs) => &fs.file_mode,
            // What is in there has no permissions.
            Kind::S3(_) | Kind::Azblob(_) | Kind::Gcs(_) => return,
        };
        if let Err(error) = text.parse::<FileMode>()
            && !text.is_empty()
        {
            self.wrong("file_mode", error.to_string());
        }
    }

    fn sftp(&mut self, sftp: &SftpDestination) {
        if let Err(error) = sftp.address.parse::<Address>() {
            self.wrong("address", address_wrong(&error));
        }
        self.line("user_name", &sftp.user_name, NAME_BYTES);
        if sftp.user_name.is_empty() {
            self.wrong("user_name", "missing; give the name to log in with");
        }
        self.line("directory", &sftp.directory, DIRECTORY_BYTES);
        if sftp.host_keys.len() > HOST_KEYS {
            self.wrong("host_keys", format!("{} keys; at most {HOST_KEYS}", sftp.host_keys.len()));
        }
        for (i, key) in sftp.host_keys.iter().enumerate().take(HOST_KEYS) {
            let field = format!("host_keys[{i}]");
            self.line(&field, key, HOST_KEY_BYTES);
            if let Err(error) = key.parse::<HostKeyPin>() {
                self.wrong(&field, error.to_string());
            }
        }
    }

    fn fs_directory(&mut self, directory: &str) {
        self.line("directory", directory, DIRECTORY_BYTES);
        if !is_below(directory) {
            let message = "not a folder below the server's export.directory; give one such as siem/xflow, \
                           without a leading slash and without . or ..";
            self.wrong("directory", message);
        }
    }

    fn s3(&mut self, s3: &S3Destination) {
        self.endpoint(&s3.endpoint, true);
        if !s3.region.is_empty() && !is_place(&s3.region) {
            self.wrong("region", PLACE);
        }
        self.place("bucket", &s3.bucket);
        self.directory(&s3.directory);
        self.line("access_key_id", &s3.access_key_id, NAME_BYTES);
        if s3.access_key_id.is_empty() {
            self.wrong("access_key_id", "missing; give the id of the access key");
        }
    }

    fn azblob(&mut self, azblob: &AzblobDestination) {
        self.endpoint(&azblob.endpoint, false);
        self.place("container", &azblob.container);
        self.directory(&azblob.directory);
        self.place("account_name", &azblob.account_name);
    }

    fn gcs(&mut self, gcs: &GcsDestination) {
        self.endpoint(&gcs.endpoint, true);
        self.place("bucket", &gcs.bucket);
        self.directory(&gcs.directory);
    }

    fn endpoint(&mut self, endpoint: &str, may_be_empty: bool) {
        if endpoint.is_empty() && may_be_empty {
            return;
        }
        let host = endpoint.strip_prefix("https://").or_else(|| endpoint.strip_prefix("http://"));
        // Azure's own emulator has the account in the path.
        let good = host.is_some_and(|host| {
            !host.is_empty() && !host.contains(['@', '?', '#', ' ', '\\']) && !host.contains(char::is_control)
        });
        if !good || endpoint.len() > DIRECTORY_BYTES {
            self.wrong("endpoint", "not an address; give https://host or https://host:port");
        }
    }

    fn place(&mut self, field: &str, name: &str) {
        if !is_place(name) {
            self.wrong(field, PLACE);
        }
    }

    fn directory(&mut self, directory: &str) {
        self.line("directory", directory, DIRECTORY_BYTES);
        if !directory.is_empty() && !is_below(directory) {
            let message =
                "not a folder; give one such as siem/xflow, without slashes around it and without . or ..";
            self.wrong("directory", message);
        }
    }

    fn line(&mut self, field: &str, text: &str, limit: usize) {
        if text.len() > limit {
            self.wrong(field, format!("{} bytes; at most {limit}", text.len()));
        }
        if text.contains(char::is_control) {
            self.wrong(field, "contains a control character; give one line of printable text");
        }
    }
}

/// Relative, and not leading out.
fn is_below(path: &str) -> bool {
    path.len() <= DIRECTORY_BYTES
        && !path.contains(char::is_control)
        && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

fn is_place(name: &str) -> bool {
    (1..=255).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
        && !matches!(name, "." | "..")
}

fn is_variable(name: &str) -> bool {
    (1..=255).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && !name.starts_with(|c: char| c.is_ascii_digit())
}

/// What is wrong with an address, without repeating it: it may hold what belongs in another field.
fn address_wrong(error: &AddressError) -> String {
    let hint = match error {
        AddressError::NoHost => "there is no host",
        AddressError::BadHost { hint, .. } => hint,
        AddressError::BadPort { .. } => "the port is a number from 1 to 65535",
        AddressError::BadBracket { .. } => "a bracket is missing",
    };
    format!("not an address; give host, host:port or [2001:db8::1]:port: {hint}")
}
