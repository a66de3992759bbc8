//! The contract as a client nobody here wrote sees it: Python's grpcio, with stubs made from `proto/`.

use std::{path::Path, process::Stdio, time::Duration};

use tokio::{process::Command, time::timeout};

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
