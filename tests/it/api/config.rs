//! Where settings come from, and what is refused.

use std::{fs, path::PathBuf, time::Duration};

use tempfile::TempDir;
use vidne::config::{ConfigError, DEFAULTS, Flag, Settings, Sources, Values, show};

struct Case {
    folder: TempDir,
    sources: Sources,
}

fn file(text: &str) -> Case {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vidne.toml");
    fs::write(&path, text).unwrap();
    Case { folder, sources: Sources { file: Some(path), ..Sources::default() } }
}

fn variable(name: &str, text: &str) -> Sources {
    Sources { variables: vec![(name.to_owned(), text.to_owned())], ..Sources::default() }
}

fn load(sources: &Sources) -> Result<Settings, ConfigError> {
    Settings::new(&Values::load(sources)?)
}

fn refusal(sources: &Sources) -> String {
    load(sources).unwrap_err().to_string()
}

#[test]
fn each_source_goes_before_the_one_below_it() {
    let mut case = file("data_dir = \"file\"\n[shutdown]\ndelay = \"1s\"\ndeadline = \"2s\"\n");
    let settings = load(&case.sources).unwrap();
    assert_eq!((settings.shutdown.delay, settings.shutdown.deadline), (secs(1), secs(2)));
    case.sources.variables = vec![
        ("VIDNE_DATA_DIR".to_owned(), "variable".to_owned()),
        ("VIDNE_SHUTDOWN_DELAY".to_owned(), "3s".to_owned()),
    ];
    case.sources.flags = vec![Flag { name: "--data-dir", key: "data_dir", text: "flag".to_owned() }];
    let settings = load(&case.sources).unwrap();
    assert_eq!(settings.data_dir, PathBuf::from("flag"));
    assert_eq!((settings.shutdown.delay, settings.shutdown.deadline), (secs(3), secs(2)));
    assert_eq!(settings.query.poll_interval, secs(1));
    drop(case.folder);
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn an_unknown_key_is_refused_with_the_file_and_the_right_one() {
    let case = file("[server]\nlisen = \"127.0.0.1:1\"\n[sever]\nlisten = \"127.0.0.1:1\"\n");
    let error = refusal(&case.sources);
    assert!(error.contains("server.lisen") && error.contains("did you mean server.listen?"), "{error}");
    assert!(error.contains("sever.listen") && error.contains("vidne.toml"), "{error}");
}

#[test]
fn a_misspelled_variable_is_refused_and_those_of_kubernetes_are_not() {
    let error = refusal(&variable("VIDNE_DATABASE_ULR", "x"));
    assert!(error.contains("did you mean VIDNE_DATABASE_URL?"), "{error}");
    load(&variable("VIDNE_SERVICE_PORT_GRPC", "50051")).unwrap();
    load(&variable("VIDNE_PORT_50051_TCP", "tcp://10.0.0.1:50051")).unwrap();
}

#[test]
fn other_machines_are_served_only_if_it_is_said() {
    for address in ["0.0.0.0:50051", "[::]:50051", "192.0.2.7:50051", "[::ffff:192.0.2.7]:1"] {
        let sources = variable("VIDNE_SERVER_LISTEN", address);
        let error = refusal(&sources);
        assert!(
            error.contains("server.listen (VIDNE_SERVER_LISTEN)") && error.contains("--insecure"),
            "{error}"
        );
        let mut sources = sources;
        sources.flags = vec![Flag { name: "--insecure", key: "server.insecure", text: "true".to_owned() }];
        load(&sources).unwrap();
    }
    for address in ["127.0.0.1:0", "[::1]:0", "127.9.9.9:1", "[::ffff:127.0.0.1]:1"] {
        load(&variable("VIDNE_SERVER_LISTEN", address)).unwrap();
    }
}

#[test]
fn everything_that_is_wrong_is_said_at_once_with_its_shape() {
    let case = file(
        "[shutdown]\ndelay = 10\n[limits]\nevent_bytes = \"2GB\"\n[server]\nmax_calls = 0\nlisten = \"localhost\"\n\
         [telemetry]\nsample_ratio = 1.5\n[log]\nformat = \"xml\"\n",
    );
    let error = load(&case.sources).unwrap_err();
    for part in [
        "shutdown.delay",
        "such as \"10s\"",
        "limits.event_bytes",
        "such as \"4MiB\"",
        "server.max_calls",
        "at least 1",
        "server.listen",
        "127.0.0.1:50051",
        "telemetry.sample_ratio",
        "0.0 to 1.0",
        "text or json",
    ] {
        assert!(error.problems().iter().any(|problem| problem.contains(part)), "{part} is not in {error}");
    }
}

#[test]
fn secrets_are_neither_shown_nor_quoted_in_errors() {
    let sources = Sources {
        variables: vec![
            ("VIDNE_KEYS_KEY".to_owned(), "hunter2".to_owned()),
            ("VIDNE_DATABASE_URL".to_owned(), "postgres://vidne:hunter2@db/vidne".to_owned()),
        ],
        ..Sources::default()
    };
    let values = Values::load(&sources).unwrap();
    let shown = show(&values);
    assert!(!shown.contains("hunter2") && shown.contains("postgres://***@db/vidne"), "{shown}");
    assert!(!format!("{:?}", Settings::new(&values).unwrap()).contains("hunter2"));
    let error = refusal(&variable("VIDNE_DATABASE_URL", "oracle://vidne:hunter2@db/vidne"));
    assert!(!error.contains("hunter2") && error.contains("postgres://"), "{error}");
    assert!(error.contains("mysql://"), "{error}");
    let case = file("[database]\nurl = \"postgres://hunter2\n");
    let error = refusal(&case.sources);
    assert!(!error.contains("hunter2") && error.contains("line 2"), "{error}");
}

#[test]
fn what_is_shown_and_the_defaults_are_configuration_files_themselves() {
    for text in [DEFAULTS.to_owned(), show(&Values::load(&Sources::default()).unwrap())] {
        load(&file(&text).sources).unwrap();
    }
}
