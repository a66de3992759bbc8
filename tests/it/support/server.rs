//! The built `vidne` binary, serving.

use std::{
    fs::{self, File},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use super::{mysql::TestMySql, postgres::TestDatabase};

/// How long a server may take to start or to stop. Generous: several start at once on a busy machine.
const DEADLINE: Duration = Duration::from_secs(60);
/// How often a condition is looked at while waiting for it.
const POLL: Duration = Duration::from_millis(10);

/// Where a server listens, as it says itself in the file of `--ready-file`.
#[derive(Clone, Copy, serde::Deserialize)]
pub struct Addresses {
    /// gRPC.
    pub listen: SocketAddr,
    /// gRPC health, plaintext.
    pub health: SocketAddr,
    /// Prometheus metrics over HTTP.
    pub metrics: SocketAddr,
}

/// A `vidne serve` process with a data folder of its own on free loopback ports. Killed with this value; what it
/// wrote to standard error is shown if the test fails.
pub struct Server {
    folder: TempDir,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    process: Option<Child>,
    addresses: Addresses,
    starts: usize,
}

impl Server {
    /// Serves on SQLite, in its data folder.
    pub fn on_sqlite() -> Self {
        Self::with_arguments(&[])
    }

    /// Serves on a PostgreSQL database, which it migrates first.
    pub fn on_postgres(database: &TestDatabase) -> Self {
        Self::on_url(database.url())
    }

    /// Serves on the PostgreSQL database at a URL, which it migrates first.
    pub fn on_url(url: &str) -> Self {
        Self::with_arguments(&["--database-url", url, "--migrate"])
    }

    /// Serves on a MariaDB database, which it migrates first.
    pub fn on_mysql(database: &TestMySql) -> Self {
        Self::with_arguments(&["--database-url", database.url(), "--migrate"])
    }

    /// Serves on SQLite or what `arguments` say, which are given to `vidne serve` besides the test's own
    /// (`--data-dir`, the three listeners and `--ready-file`).
    ///
    /// # Panics
    ///
    /// If it does not serve within a minute.
    pub fn with_arguments(arguments: &[&str]) -> Self {
        Self::with_environment(arguments, Vec::new())
    }

    /// The same, with these environment variables besides the test's own.
    pub fn with_environment(arguments: &[&str], environment: Vec<(String, String)>) -> Self {
        let folder = tempfile::Builder::new().prefix("vidne-server.").tempdir().unwrap();
        let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
        let addresses = Addresses { listen: any_port, health: any_port, metrics: any_port };
        let mut server = Self { folder, arguments, environment, process: None, addresses, starts: 0 };
        server.start();
        server
    }

    /// Where its listeners are.
    pub fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// Its gRPC endpoint as a URL.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.addresses.listen)
    }

    /// Its process.
    pub fn process(&self) -> u32 {
        self.process.as_ref().expect("the server has been stopped").id()
    }

    /// Its data folder.
    pub fn data_folder(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// What it has written to standard error since it was last started.
    pub fn log(&self) -> String {
        let bytes = fs::read(self.log_file()).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Kills it as a crash would (SIGKILL), and waits until it is gone.
    pub fn kill9(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// Asks it to stop (SIGTERM), and waits until it has.
    ///
    /// # Panics
    ///
    /// If it does not within a minute.
    pub fn terminate(&mut self) -> ExitStatus {
        let mut process = self.process.take().expect("the server has been stopped already");
        let id = process.id().to_string();
        let sent = Command::new("sh").args(["-c", "kill -s TERM \"$1\"", "kill", &id]).status().unwrap();
        assert!(sent.success(), "cannot send SIGTERM to vidne ({id})");
        let stopped = within_deadline(|| process.try_wait().unwrap());
        stopped.unwrap_or_else(|| {
            self.process = Some(process);
            panic!("vidne does not stop within {DEADLINE:?} of SIGTERM");
        })
    }

    /// How it ended, if it has by now.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.process.as_mut().expect("the server has been stopped already").try_wait().unwrap()
    }

    /// Starts it again on the same data and the same ports; kills it first if it is still running.
    pub fn restart(&mut self) {
        self.kill9();
        self.start();
    }

    fn start(&mut self) {
        self.starts += 1;
        let ready_file = self.folder.path().join(format!("ready-{}.json", self.starts));
        let process = Command::new(env!("CARGO_BIN_EXE_vidne"))
            .arg("serve")
            .arg("--data-dir")
            .arg(self.data_folder())
            .arg("--ready-file")
            .arg(&ready_file)
            .args(["--listen", &self.addresses.listen.to_string()])
            .args(["--health-listen", &self.addresses.health.to_string()])
            .args(["--metrics-listen", &self.addresses.metrics.to_string()])
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            // A `vidne.toml` of the developer's must not reach the test.
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(self.log_file()).unwrap())
            .spawn()
            .unwrap();
        let process = self.process.insert(process);

        let ready = within_deadline(|| {
            if let Some(status) = process.try_wait().unwrap() {
                return Some(Err(status));
            }
            read_addresses(&ready_file).map(Ok)
        });
        match ready {
            Some(Ok(addresses)) => self.addresses = addresses,
            Some(Err(status)) => panic!("vidne did not start ({status})"),
            None => panic!("vidne does not serve within {DEADLINE:?}"),
        }
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join(format!("stderr-{}.log", self.starts))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
        if thread::panicking() {
            eprintln!("--- standard error of vidne ---\n{}--- end ---", self.log());
        }
    }
}

/// The addresses once the file holds all of them.
fn read_addresses(file: &Path) -> Option<Addresses> {
    serde_json::from_slice(&fs::read(file).ok()?).ok()
}

/// Looks at a condition until it holds; `None` if it does not in time.
fn within_deadline<T>(mut condition: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + DEADLINE;
    loop {
        if let Some(value) = condition() {
            return Some(value);
        }
        if Instant::now() >= end {
            return None;
        }
        thread::sleep(POLL);
    }
}
