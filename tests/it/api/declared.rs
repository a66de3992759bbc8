//! What a configuration file declares: read as the contract says, and refused with all that is wrong.

use std::{fs, time::Duration};

use tempfile::TempDir;
use vidne::{
    config::{ConfigError, DEFAULTS, Settings, Sources, Values, show},
    domain::{
        catalogue::{Category, EventType},
        declared::Declared,
        export::{Compression, Destination, Format, Rhythm, SecretSource, Start},
        format::CsvColumns,
        time::Timestamp,
    },
};

fn file(text: &str) -> (TempDir, Sources) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vidne.toml");
    fs::write(&path, text).unwrap();
    (folder, Sources { file: Some(path), ..Sources::default() })
}

fn read(text: &str) -> Result<Declared, ConfigError> {
    let (_folder, sources) = file(text);
    Ok(Settings::new(&Values::load(&sources)?)?.declared)
}

fn problems(text: &str) -> Vec<String> {
    read(text).unwrap_err().problems().to_vec()
}

#[test]
fn a_tenant_and_a_job_are_read_by_the_contracts_names() {
    let declared = read(
        r#"
        [export]
        secret_files = "/secrets"
        [[tenants]]
        tenant_id = "acme"
        display_name = "ACME"
        settings = { security_events_enabled = true }
        [[export_jobs]]
        tenant_id = "acme"
        name = "siem"
        paused = true
        filter = { types = ["record_read"], categories = ["data_access"], labels = { system = "x" } }
        format = { csv = { preset = "flexicapture", formula_guard = false } }
        schedule = { interval = "5m", waiting_events = 7 }
        file_limits = { max_events = 9 }
        compression = "gzip"
        start = { time = 2026-11-22T09:30:00Z }
        [export_jobs.destination.sftp]
        address = "siem.example"
        user_name = "vidne"
        password_file = "siem/password"
        "#,
    )
    .unwrap();
    let tenant = &declared.tenants[0];
    assert_eq!(tenant.id.as_str(), "acme");
    assert_eq!(tenant.values.display_name.as_deref(), Some("ACME"));
    assert_eq!(tenant.values.security_events_enabled, Some(true));
    assert_eq!(tenant.values.custom_events_enabled, None);
    let job = &declared.jobs[0];
    assert!(job.paused && !job.adopt && job.tenant.as_str() == "acme");
    let settings = &job.settings;
    assert_eq!(settings.filter.types, [EventType::from_number(2).unwrap()]);
    assert_eq!(settings.filter.categories, [Category::DataAccess]);
    assert_eq!(settings.filter.labels["system"], "x");
    let Format::Csv(csv) = &settings.format else { panic!("{:?}", settings.format) };
    assert!(csv.columns == CsvColumns::Flexicapture && !csv.formula_guard);
    let delivery = &settings.delivery;
    assert_eq!(delivery.schedule.rhythm, Rhythm::Every(Duration::from_secs(300)));
    assert_eq!(delivery.schedule.waiting_events, Some(7));
    assert_eq!(delivery.compression, Compression::Gzip);
    let time = Timestamp::parse("2026-11-22T09:30:00Z").unwrap();
    assert_eq!((settings.max_events, delivery.start), (9, Start::At(time)));
    let Destination::Sftp(sftp) = &settings.destination else { panic!("{:?}", settings.destination) };
    assert_eq!(sftp.password_from, Some(SecretSource::File("siem/password".to_owned())));
    assert!(!sftp.has_password);
}

#[test]
fn everything_that_is_wrong_with_declarations_is_said_at_once_with_its_path_in_the_file() {
    let problems = problems(
        r#"
        [server]
        max_calls = 0
        [[tenants]]
        tenant_id = "No"
        revision = 3
        [[tenants]]
        tenant_id = "acme"
        settings = { security_events = true }
        [[tenants]]
        tenant_id = "acme"
        [[export_jobs]]
        nam = "siem"
        health = "ok"
        format = { csv = { presett = "xflow" }, cef = {} }
        national_id = "OMIT"
        schedule = { interval = 5 }
        filter = { types = ["record_reed"], source_ips = ["x"] }
        file_limits = { max_events = -1 }
        [export_jobs.destination.sftp]
        address = "sftp://siem"
        user_name = "vidne"
        has_password = true
        password = "hunter2"
        private_key_file = "/etc/key"
        private_key_env = "KEY"
        [[export_jobs]]
        name = "local"
        format.json_lines = {}
        destination.fs.directory = "a"
        [[export_jobs]]
        name = "local"
        format.json_lines = {}
        destination.fs.directory = "a"
        [[export_jobs]]
        name = "bucket"
        format.json_lines = {}
        destination.s3 = { bucket = "b", access_key_id = "id" }
        "#,
    );
    for (path, part) in [
        ("server.max_calls", "at least 1"),
        ("tenants[0].tenant_id", "1 to 63"),
        ("tenants[0].revision", "tenant_id, display_name, settings"),
        ("tenants[1].settings.security_events", "did you mean security_events_enabled?"),
        ("tenants[2].tenant_id", "twice"),
        ("export_jobs[0].nam", "did you mean name?"),
        ("export_jobs[0].name", "1 to 63"),
        ("export_jobs[0].health", "not known"),
        ("export_jobs[0].format.csv", "given together with cef"),
        ("export_jobs[0].national_id", "omit, full, hash"),
        ("export_jobs[0].schedule.interval", "such as \"10s\""),
        ("export_jobs[0].filter.types[0]", "did you mean record_read?"),
        ("export_jobs[0].filter.source_ips[0]", "neither an address"),
        ("export_jobs[0].file_limits.max_events", "0 or more"),
        ("export_jobs[0].destination.sftp.address", "host:port"),
        ("export_jobs[0].destination.sftp.has_password", "not known"),
        ("export_jobs[0].destination.sftp.password", "password_file or password_env"),
        ("export_jobs[0].destination.sftp.private_key_file", "given together with private_key_env"),
        ("export_jobs[0].destination.sftp.private_key_env", "export.secret_env_prefix"),
        ("export_jobs[2].name", "twice"),
        ("export_jobs[3].destination.s3.secret_access_key_file", "secret_access_key_env"),
    ] {
        let found = problems.iter().find(|problem| problem.starts_with(&format!("{path} (")));
        let found = found.unwrap_or_else(|| panic!("nothing about {path} in {problems:#?}"));
        assert!(found.contains(part) && found.contains("vidne.toml"), "{found}");
    }
    assert_eq!(problems.len(), 21, "{problems:#?}");
    assert!(!problems.iter().any(|problem| problem.contains("hunter2")));
}

#[test]
fn a_job_that_is_no_list_is_refused_with_the_right_shape() {
    let problems = problems("[export_jobs]\nname = \"siem\"\n");
    assert!(problems.len() == 1 && problems[0].contains("[[export_jobs]]"), "{problems:?}");
}

#[test]
fn a_secret_is_named_where_the_server_may_look() {
    let job = |export: &str, secret: &str| {
        format!(
            "[export]\n{export}\n[[export_jobs]]\nname = \"siem\"\nformat.json_lines = {{}}\n\
             [export_jobs.destination.sftp]\naddress = \"siem\"\nuser_name = \"u\"\n{secret}\n"
        )
    };
    read(&job("secret_files = \"/s\"", "password_file = \"siem/password\"")).unwrap();
    read(&job("secret_env_prefix = \"EXPORT_\"", "password_env = \"EXPORT_SIEM\"")).unwrap();
    for (export, secret, part) in [
        ("", "password_file = \"siem/password\"", "export.secret_files is empty"),
        ("secret_files = \"/s\"", "password_file = \"../key\"", "not a file below"),
        ("", "password_env = \"EXPORT_SIEM\"", "export.secret_env_prefix is empty"),
        ("secret_env_prefix = \"EXPORT_\"", "password_env = \"SIEM\"", "begin with EXPORT_"),
        ("secret_env_prefix = \"VIDNE_\"", "password_env = \"VIDNE_KEYS_KEY\"", "vidne's own"),
        ("secret_files = \"/s\"", "", "password_file or password_env"),
    ] {
        let problems = problems(&job(export, secret));
        assert!(problems.len() == 1 && problems[0].contains(part), "{problems:?}");
    }
}

#[test]
fn what_is_declared_is_shown_but_neither_secrets_nor_national_ids() {
    let good = "[[export_jobs]]\nname = \"local\"\nformat.json_lines = {}\ndestination.fs.directory = \"a\"\n\
                filter.actor_national_id = \"0101701234\"\n";
    let (_folder, sources) = file(good);
    let shown = show(&Values::load(&sources).unwrap());
    assert!(shown.contains("[[export_jobs]]") && shown.contains("name = \"local\""), "{shown}");
    assert!(!shown.contains("0101701234"), "{shown}");
    let again = shown.replace("***", "");
    read(&again).unwrap();

    let (_folder, sources) = file(&format!("{good}destination.sftp.pasword = \"hunter2\"\n"));
    let shown = show(&Values::load(&sources).unwrap());
    assert!(!shown.contains("hunter2") && shown.contains("is not shown"), "{shown}");
}

#[test]
fn the_example_among_the_defaults_is_right() {
    let (_, example) = DEFAULTS.split_once("# [[tenants]]").unwrap();
    let lines: Vec<&str> = example
        .lines()
        .filter_map(|line| line.strip_prefix("# "))
        .filter(|line| line.contains(" = ") && !line.contains('`') || line.starts_with('['))
        .collect();
    let text = format!("[export]\nsecret_files = \"/s\"\n[[tenants]]\n{}", lines.join("\n"));
    let text = text.replace("SHA256:...", &format!("SHA256:{}", "A".repeat(43)));
    let declared = read(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!((declared.tenants.len(), declared.jobs.len()), (1, 1));
}
