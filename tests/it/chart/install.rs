//! The containers of a release on a database, run here in the order in which Helm and Kubernetes would.

use std::{fs, process::Command};

use serde_json::{Value, json};

use super::render::{Rendered, render};
use crate::support::{postgres::TestDatabase, server::Server};

const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// A container's program, with its variables and its arguments as they are `here`; what comes from a Secret is the
/// database.
fn container(pod: &Value, database: &TestDatabase, here: impl Fn(&str) -> String) -> Command {
    let container = &pod["spec"]["containers"][0];
    let mut command = Command::new(env!("CARGO_BIN_EXE_vidne"));
    command.env_clear().current_dir("/");
    command
        .args(container["args"].as_array().unwrap().iter().map(|argument| here(argument.as_str().unwrap())));
    for variable in container["env"].as_array().into_iter().flatten() {
        let value = match variable["valueFrom"]["secretKeyRef"]["name"].as_str() {
            Some(_) => database.url(),
            None => variable["value"].as_str().unwrap(),
        };
        command.env(variable["name"].as_str().unwrap(), value);
    }
    command
}

fn run(mut command: Command) -> String {
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{command:?}: {}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

fn pod<'a>(set: &'a Rendered, kind: &str) -> &'a Value {
    set.pods().into_iter().find(|(of, _)| *of == kind).unwrap().1
}

#[tokio::test(flavor = "multi_thread")]
async fn the_migration_two_servers_and_the_test_of_a_release_work_together_on_postgresql() {
    let values = json!({
        "replicaCount": 2,
        "database": {"existingSecret": "database"},
        "key": {"existingSecret": "key"},
        "config": {"database": {"lock_timeout": "7s", "max_connections": 4}, "shutdown": {"delay": "0s"}},
    });
    let set = render(&[json!({"name": "installed", "values": values})], &["1.37"]).remove(0);
    assert_eq!(set.refused, None);
    let database = TestDatabase::create().await;

    let said = run(container(pod(&set, "Job"), &database, str::to_owned));
    assert!(said.contains("migrated"), "{said}");

    // The ConfigMap, with the key's folder where it is here. The servers do not migrate.
    let folder = tempfile::tempdir().unwrap();
    let text = set.of_kind("ConfigMap")[0]["data"]["vidne.toml"].as_str().unwrap();
    let here = text.replace("/etc/vidne/key", folder.path().to_str().unwrap());
    assert_ne!(text, here);
    let file = folder.path().join("vidne.toml");
    fs::write(&file, here).unwrap();
    let key = folder.path().join("key");
    fs::write(&key, KEY).unwrap();
    fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o440)).unwrap();
    let arguments = ["--config", file.to_str().unwrap(), "--database-url", database.url()];
    let mut servers = [Server::with_arguments(&arguments), Server::with_arguments(&arguments)];

    for (number, server) in servers.iter().enumerate() {
        let mut test = container(pod(&set, "Pod"), &database, |argument| {
            argument.replace("http://vidne:50051", &server.endpoint())
        });
        test.arg("--json");
        let answer: Value = serde_json::from_str(&run(test)).unwrap();
        assert_eq!(answer["event"]["sequence"], number + 1);
    }
    for server in &mut servers {
        assert!(server.terminate().success());
    }
}
