//! A server that speaks the protocol of Google Cloud Storage: see `tests/stores/gcs.py`.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::TcpStream,
    process::Command,
};

use tempfile::TempDir;

use super::{
    from_tests_run,
    processes::{Server, free_port},
};

/// The token of whoever looks at the objects.
pub const CONSUMER: &str = "consumer";

/// A running server; stopped when dropped. It keeps objects in memory.
#[derive(Debug)]
pub struct Gcs {
    _server: Server,
    port: u16,
    proxy: u16,
    folder: TempDir,
}

impl Gcs {
    pub fn start() -> Self {
        for _ in 0..5 {
            let (port, proxy, folder) = (free_port(), free_port(), tempfile::tempdir().unwrap());
            let mut command = Command::new(from_tests_run("VIDNE_TEST_STORE_PYTHON"));
            command.args(["-u", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stores/gcs.py")]);
            command.args([port.to_string(), proxy.to_string()]).arg(folder.path());
            if let Some(server) = Server::start(&mut command, "ready") {
                return Self { _server: server, port, proxy, folder };
            }
        }
        panic!("the server of Google Cloud Storage does not start");
    }

    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The file that holds the key of the service account.
    pub fn key_file(&self) -> String {
        self.folder.path().join("account.json").to_str().unwrap().to_owned()
    }

    /// What leads a process that asks Google for a token here.
    pub fn environment(&self) -> Vec<(String, String)> {
        let trusted = self.folder.path().join("ca.pem").to_str().unwrap().to_owned();
        let proxy = format!("http://127.0.0.1:{}", self.proxy);
        let variables =
            [("HTTPS_PROXY", proxy), ("NO_PROXY", "127.0.0.1".to_owned()), ("SSL_CERT_FILE", trusted)];
        variables.map(|(name, value)| (name.to_owned(), value)).into()
    }

    /// How many requests there were below each folder with trouble.
    pub fn requests(&self) -> BTreeMap<String, u64> {
        let mut connection = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        connection.write_all(b"GET /requests HTTP/1.0\r\n\r\n").unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
    }
}
