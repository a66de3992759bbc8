//! The contract as a client nobody here wrote sees it: Python's grpcio, with stubs made from `proto/`.

use std::{fs, path::Path, process::Stdio, time::Duration};

use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::Command,
    time::timeout,
};

use crate::support::{from_tests_run, postgres::TestDatabase, server::Server};

#[tokio::test]
async fn a_python_client_records_queries_follows_and_resumes_on_sqlite() {
    run_audit_test(&Server::on_sqlite()).await;
}

#[tokio::test]
async fn a_python_client_records_queries_follows_and_resumes_on_postgresql() {
    let database = TestDatabase::create().await;
    run_audit_test(&Server::on_postgres(&database)).await;
}

async fn run_audit_test(server: &Server) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/audit_test.py");
    let client = Command::new(from_tests_run("VIDNE_TEST_PYTHON"))
        .arg(script)
        .args(["--endpoint", &server.addresses().listen.to_string()])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = timeout(Duration::from_secs(240), client).await.expect("the Python client hangs").unwrap();
    let said = [output.stdout, output.stderr].concat();
    println!("{}", String::from_utf8_lossy(&said));
    assert!(
        output.status.success(),
        "the Python client found something wrong: see above ({})",
        output.status
    );
}

#[tokio::test]
async fn g3_readmes_example_records_each_event_once_on_a_server_that_is_killed() {
    const COUNT: usize = 1_000;
    let mut server = Server::on_sqlite();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/retrying_test.py");
    let mut client = Command::new(from_tests_run("VIDNE_TEST_PYTHON"))
        .arg(script)
        .args(["--endpoint", &server.addresses().listen.to_string(), "--count", &COUNT.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(client.stdout.take().unwrap()).lines();
    let mut acknowledged = Vec::new();
    let all = async {
        while let Some(id) = lines.next_line().await.unwrap() {
            acknowledged.push(id);
            // In the midst of the next call, most likely.
            if [200, 600].contains(&acknowledged.len()) {
                server.kill9();
                server.restart();
            }
        }
        client.wait().await.unwrap()
    };
    let status = timeout(Duration::from_secs(240), all).await.expect("the Python client hangs");
    assert!(status.success(), "{status}");

    let stored = crate::cli::program::client(&server, &["query", "--json"]).ok().json();
    let ids: Vec<&str> = stored.iter().map(|event| event["event_id"].as_str().unwrap()).collect();
    assert_eq!(ids, acknowledged);
    let descriptions: Vec<&str> = stored.iter().map(|event| event["description"].as_str().unwrap()).collect();
    assert_eq!(descriptions, (0..COUNT).map(|i| i.to_string()).collect::<Vec<_>>());
}

#[test]
fn readme_shows_the_example_that_is_tested() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let example = fs::read_to_string(root.join("tests/python/retrying.py")).unwrap();
    let section = readme.split_once("## Retrying safely\n").expect("the section").1;
    let shown = section.split_once("```python\n").expect("the example").1.split_once("```").unwrap().0;
    assert_eq!(shown, example, "README and tests/python/retrying.py differ");
}
