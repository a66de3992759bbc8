//! Export jobs: settings <-> the contract and <-> the bytes that a store keeps of a revision.

mod delivery;
mod destination;
mod format;
mod heartbeat;
mod length;
mod read;
mod secrets;
mod update;
mod write;

use prost::Message;

pub use format::format_from_proto;
pub use read::{destination_from_proto, job_from_proto};
pub use secrets::{decode_secrets, encode_secrets};
pub use update::apply_update;
pub use write::{file_to_proto, job_to_proto, run_to_proto};

use super::{error::DecodeError, proto::v1};
use crate::domain::export::JobSettings;

/// The bytes of a revision: a `vidne.v1.ExportJob` without output fields and secrets, but with the marks that
/// say which secrets are kept. The same settings give the same bytes.
pub fn encode_settings(settings: &JobSettings) -> Vec<u8> {
    write::settings_to_proto(settings).encode_to_vec()
}

/// Reads them back.
pub fn decode_settings(bytes: &[u8]) -> Result<JobSettings, DecodeError> {
    read::settings_back(v1::ExportJob::decode(bytes)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        export::{
            AzblobDestination, Delivery, Destination, Format, GcsDestination, NationalIdMode, S3Destination,
            SecretSource, SftpDestination,
        },
        filter::EventFilter,
        format::{CsvColumns, CsvOptions},
    };

    #[test]
    fn settings_come_back_as_they_were_and_always_have_the_same_bytes() {
        let sftp = Destination::Sftp(SftpDestination {
            address: "siem.example.org:2222".into(),
            user_name: "xflow".into(),
            directory: "/in".into(),
            host_keys: vec!["SHA256:abc".into()],
            has_password: true,
            file_mode: Some("0640".parse().unwrap()),
            private_key_from: Some(SecretSource::Env("VIDNE_EXPORT_KEY".into())),
            ..SftpDestination::default()
        });
        let csv = Format::Csv(CsvOptions { columns: CsvColumns::Xflow, header: true, formula_guard: false });
        let s3 = Destination::S3(S3Destination {
            bucket: "siem".into(),
            virtual_host_style: true,
            has_secret_access_key: true,
            ..S3Destination::default()
        });
        let azblob = AzblobDestination { account_name: "a".into(), ..AzblobDestination::default() };
        let from = Some(SecretSource::File("gcs/key".into()));
        let gcs = Destination::Gcs(GcsDestination { credential_from: from, ..GcsDestination::default() });
        let file_mode = Some("0664".parse().unwrap());
        let fs = Destination::Fs { directory: "siem/xflow".into(), file_mode };
        let all = [
            (Format::JsonLines, sftp, NationalIdMode::Omit),
            (Format::JsonLines, s3, NationalIdMode::Omit),
            (Format::JsonLines, Destination::Azblob(azblob), NationalIdMode::Omit),
            (Format::JsonLines, gcs, NationalIdMode::Omit),
            (csv, fs, NationalIdMode::Full),
        ];
        for (format, destination, national_id) in all {
            let settings = JobSettings {
                name: "siem".into(),
                filter: EventFilter { text: "blanket".into(), ..EventFilter::default() },
                format,
                destination,
                national_id,
                max_events: 7,
                max_bytes: 9,
                delivery: Delivery::default(),
            };
            let bytes = encode_settings(&settings);
            assert_eq!(decode_settings(&bytes).unwrap(), settings);
            assert_eq!(encode_settings(&settings.clone()), bytes);
        }
    }

    #[test]
    fn damaged_settings_are_an_error() {
        assert!(decode_settings(&[0xFF]).is_err());
        assert!(decode_settings(&[]).is_err());
    }
}
