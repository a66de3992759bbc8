//! Formats and their options <-> the contract.

use crate::{
    codec::proto::v1::{self, export_format::Kind},
    domain::{
        export::Format,
        format::{
            CefOptions, CefVersion, CsvColumn, CsvColumns, CsvOptions, EcsOptions, LeefOptions, LeefVersion,
            OcsfOptions, OcsfVersion, Rfc5424Options,
        },
        violation::Violations,
    },
};

/// The number that IANA keeps for documentation.
const ENTERPRISE_NUMBER: u32 = 32_473;
const LINE_BYTES: u32 = 8_192;
const LINE_BYTES_LEAST: u32 = 4_096;
const LINE_BYTES_MOST: u32 = 65_536;
const HOSTNAME_BYTES: usize = 255;

/// Reads a format; all violations are reported at once, with paths below `field`.
pub fn format_from_proto(format: Option<v1::ExportFormat>, field: &str) -> Result<Format, Violations> {
    let mut wrong = Violations::new();
    let format = match format.and_then(|format| format.kind) {
        None => {
            wrong.add(field, "missing; give json_lines, csv, cef, leef, rfc5424, ecs or ocsf");
            Format::JsonLines
        }
        Some(Kind::JsonLines(v1::JsonLinesFormat {})) => Format::JsonLines,
        Some(Kind::Csv(csv)) => Format::Csv(csv_options(csv, field, &mut wrong)),
        Some(Kind::Cef(v1::CefFormat { version, defensive })) => {
            let version = match v1::CefVersion::try_from(version) {
                Ok(v1::CefVersion::Unspecified | v1::CefVersion::V0) => CefVersion::V0,
                Ok(v1::CefVersion::V1) => CefVersion::V1,
                Err(_) => unknown(&mut wrong, field, "cef.version", "V0 or V1", CefVersion::V0),
            };
            Format::Cef(CefOptions { version, defensive })
        }
        Some(Kind::Leef(v1::LeefFormat { version, defensive })) => {
            let version = match v1::LeefVersion::try_from(version) {
                Ok(v1::LeefVersion::Unspecified | v1::LeefVersion::V1) => LeefVersion::V1,
                Ok(v1::LeefVersion::V2) => LeefVersion::V2,
                Err(_) => unknown(&mut wrong, field, "leef.version", "V1 or V2", LeefVersion::V1),
            };
            Format::Leef(LeefOptions { version, defensive })
        }
        Some(Kind::Rfc5424(rfc5424)) => Format::Rfc5424(rfc5424_options(rfc5424, field, &mut wrong)),
        Some(Kind::Ecs(v1::EcsFormat { crud_types })) => Format::Ecs(EcsOptions { crud_types }),
        Some(Kind::Ocsf(v1::OcsfFormat { version })) => {
            let version = match v1::OcsfVersion::try_from(version) {
                Ok(v1::OcsfVersion::Unspecified | v1::OcsfVersion::V180) => OcsfVersion::V180,
                Ok(v1::OcsfVersion::V150) => OcsfVersion::V150,
                Ok(v1::OcsfVersion::V140) => OcsfVersion::V140,
                Err(_) => {
                    unknown(&mut wrong, field, "ocsf.version", "V1_8_0, V1_5_0 or V1_4_0", OcsfVersion::V180)
                }
            };
            Format::Ocsf(OcsfOptions { version })
        }
    };
    wrong.into_result(format)
}

fn unknown<T>(wrong: &mut Violations, field: &str, name: &str, known: &str, instead: T) -> T {
    wrong.add(format!("{field}.{name}"), format!("not a known value; give {known}, or none"));
    instead
}

fn csv_options(csv: v1::CsvFormat, field: &str, wrong: &mut Violations) -> CsvOptions {
    let v1::CsvFormat { preset, header, formula_guard, columns } = csv;
    let of_preset = match v1::CsvPreset::try_from(preset) {
        Ok(v1::CsvPreset::Unspecified | v1::CsvPreset::Xflow) => CsvColumns::Xflow,
        Ok(v1::CsvPreset::Flexicapture) => CsvColumns::Flexicapture,
        Ok(v1::CsvPreset::All) => CsvColumns::All,
        Err(_) => unknown(wrong, field, "csv.preset", "XFLOW, FLEXICAPTURE or ALL", CsvColumns::Xflow),
    };
    let columns = if columns.is_empty() {
        of_preset
    } else {
        if preset != 0 {
            wrong.add(format!("{field}.csv.columns"), "not together with a preset; give one of the two");
        }
        CsvColumns::Chosen(chosen(&columns, field, wrong))
    };
    CsvOptions { columns, header, formula_guard: formula_guard.unwrap_or(true) }
}

fn chosen(names: &[String], field: &str, wrong: &mut Violations) -> Vec<CsvColumn> {
    let mut columns = Vec::new();
    for (i, name) in names.iter().enumerate().take(CsvColumn::ALL.len() + 1) {
        let at = format!("{field}.csv.columns[{i}]");
        match CsvColumn::from_name(name) {
            Some(column) if columns.contains(&column) => {
                wrong.add(at, "named twice; name each column once");
            }
            Some(column) => columns.push(column),
            None => {
                let known: Vec<&str> = CsvColumn::ALL.iter().map(|column| column.name()).collect();
                wrong.add(at, format!("not a column; the columns are {}", known.join(", ")));
            }
        }
    }
    columns
}

fn rfc5424_options(rfc5424: v1::Rfc5424Format, field: &str, wrong: &mut Violations) -> Rfc5424Options {
    let v1::Rfc5424Format { hostname, enterprise_number, max_line_bytes, defensive } = rfc5424;
    let printable = hostname.bytes().all(|byte| byte.is_ascii_graphic());
    if !printable || hostname.len() > HOSTNAME_BYTES {
        let message = format!("not a host name; give 1 to {HOSTNAME_BYTES} printable ASCII characters");
        wrong.add(format!("{field}.rfc5424.hostname"), message);
    }
    let enterprise_number = enterprise_number.unwrap_or(ENTERPRISE_NUMBER);
    if enterprise_number == 0 {
        let message = "not an enterprise number; give the one that IANA gave you";
        wrong.add(format!("{field}.rfc5424.enterprise_number"), message);
    }
    let max_line_bytes = max_line_bytes.unwrap_or(LINE_BYTES);
    if !(LINE_BYTES_LEAST..=LINE_BYTES_MOST).contains(&max_line_bytes) {
        let message = format!("out of range; give {LINE_BYTES_LEAST} to {LINE_BYTES_MOST}, or nothing");
        wrong.add(format!("{field}.rfc5424.max_line_bytes"), message);
    }
    Rfc5424Options { hostname, enterprise_number, max_line_bytes, defensive }
}

/// A format as it is returned and kept: every option written out.
pub(super) fn format_to_proto(format: &Format) -> v1::ExportFormat {
    let kind = match format {
        Format::JsonLines => Kind::JsonLines(v1::JsonLinesFormat {}),
        Format::Csv(CsvOptions { columns, header, formula_guard }) => {
            let (preset, columns) = match columns {
                CsvColumns::Xflow => (v1::CsvPreset::Xflow, Vec::new()),
                CsvColumns::Flexicapture => (v1::CsvPreset::Flexicapture, Vec::new()),
                CsvColumns::All => (v1::CsvPreset::All, Vec::new()),
                CsvColumns::Chosen(chosen) => (
                    v1::CsvPreset::Unspecified,
                    chosen.iter().map(|column| column.name().to_owned()).collect(),
                ),
            };
            let (header, formula_guard) = (*header, Some(*formula_guard));
            Kind::Csv(v1::CsvFormat { preset: preset.into(), header, formula_guard, columns })
        }
        Format::Cef(CefOptions { version, defensive }) => {
            let version = match version {
                CefVersion::V0 => v1::CefVersion::V0,
                CefVersion::V1 => v1::CefVersion::V1,
            };
            Kind::Cef(v1::CefFormat { version: version.into(), defensive: *defensive })
        }
        Format::Leef(LeefOptions { version, defensive }) => {
            let version = match version {
                LeefVersion::V1 => v1::LeefVersion::V1,
                LeefVersion::V2 => v1::LeefVersion::V2,
            };
            Kind::Leef(v1::LeefFormat { version: version.into(), defensive: *defensive })
        }
        Format::Rfc5424(Rfc5424Options { hostname, enterprise_number, max_line_bytes, defensive }) => {
            Kind::Rfc5424(v1::Rfc5424Format {
                hostname: hostname.clone(),
                enterprise_number: Some(*enterprise_number),
                max_line_bytes: Some(*max_line_bytes),
                defensive: *defensive,
            })
        }
        Format::Ecs(EcsOptions { crud_types }) => Kind::Ecs(v1::EcsFormat { crud_types: *crud_types }),
        Format::Ocsf(OcsfOptions { version }) => {
            let version = match version {
                OcsfVersion::V180 => v1::OcsfVersion::V180,
                OcsfVersion::V150 => v1::OcsfVersion::V150,
                OcsfVersion::V140 => v1::OcsfVersion::V140,
            };
            Kind::Ocsf(v1::OcsfFormat { version: version.into() })
        }
    };
    v1::ExportFormat { kind: Some(kind) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Format> {
        let csv = |columns| Format::Csv(CsvOptions { columns, header: true, formula_guard: false });
        let mut all = vec![
            Format::JsonLines,
            csv(CsvColumns::Xflow),
            csv(CsvColumns::Flexicapture),
            csv(CsvColumns::All),
            csv(CsvColumns::Chosen(vec![CsvColumn::Trace, CsvColumn::Sequence])),
        ];
        for defensive in [false, true] {
            all.extend(CefVersion::ALL.iter().map(|&version| Format::Cef(CefOptions { version, defensive })));
            all.extend(
                LeefVersion::ALL.iter().map(|&version| Format::Leef(LeefOptions { version, defensive })),
            );
            all.push(Format::Ecs(EcsOptions { crud_types: defensive }));
            all.push(Format::Rfc5424(Rfc5424Options {
                hostname: "siem.example".into(),
                enterprise_number: 7,
                max_line_bytes: 4_096,
                defensive,
            }));
        }
        all.extend(OcsfVersion::ALL.iter().map(|&version| Format::Ocsf(OcsfOptions { version })));
        all
    }

    #[test]
    fn every_format_comes_back_with_its_options() {
        for format in all() {
            assert_eq!(format_from_proto(Some(format_to_proto(&format)), "format").unwrap(), format);
        }
    }

    fn fields(kind: Kind) -> Vec<String> {
        let wrong = format_from_proto(Some(v1::ExportFormat { kind: Some(kind) }), "job.format").unwrap_err();
        wrong.iter().map(|v| v.field.clone()).collect()
    }

    #[test]
    fn wrong_options_are_named() {
        let names = ["sequence", "sequence", "Trace"].map(str::to_owned).to_vec();
        let csv = v1::CsvFormat { preset: 1, columns: names, ..Default::default() };
        assert_eq!(
            fields(Kind::Csv(csv)),
            ["job.format.csv.columns", "job.format.csv.columns[1]", "job.format.csv.columns[2]"]
        );
        let csv = v1::CsvFormat { preset: 99, ..Default::default() };
        assert_eq!(fields(Kind::Csv(csv)), ["job.format.csv.preset"]);
        let rfc5424 = v1::Rfc5424Format {
            hostname: "a b".into(),
            enterprise_number: Some(0),
            max_line_bytes: Some(1_024),
            defensive: false,
        };
        assert_eq!(
            fields(Kind::Rfc5424(rfc5424)),
            [
                "job.format.rfc5424.hostname",
                "job.format.rfc5424.enterprise_number",
                "job.format.rfc5424.max_line_bytes"
            ]
        );
        let version = 9;
        assert_eq!(fields(Kind::Cef(v1::CefFormat { version, defensive: true })), ["job.format.cef.version"]);
        assert_eq!(
            fields(Kind::Leef(v1::LeefFormat { version, defensive: true })),
            ["job.format.leef.version"]
        );
        assert_eq!(fields(Kind::Ocsf(v1::OcsfFormat { version })), ["job.format.ocsf.version"]);
        assert!(format_from_proto(None, "format").is_err());
    }
}
