//! A MariaDB server of a test's own, to be killed and started again.

use std::{
    fs,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use super::processes::{free_port, run};

/// Generous: several servers start at once on a busy machine.
const DEADLINE: Duration = Duration::from_secs(60);
const PASSWORD: &str = "vidne";

/// A running MariaDB with the user `vidne`; killed, and its data removed, when dropped.
pub struct MariaDb {
    folder: TempDir,
    port: u16,
    settings: Vec<String>,
    process: Option<Child>,
}

impl MariaDb {
    /// Starts one with these settings (`--name=value`) besides the test's own.
    ///
    /// # Panics
    ///
    /// If it does not serve within a minute.
    pub fn start(settings: &[&str]) -> Self {
        let folder = tempfile::Builder::new().prefix("vidne-mariadb.").tempdir_in("/var/tmp").unwrap();
        let user = run(Command::new("id").args(["-u", "mysql"])).trim().parse().unwrap();
        fs::create_dir(data(folder.path())).unwrap();
        for path in [folder.path().to_owned(), data(folder.path())] {
            chown(path, Some(user), None).unwrap();
        }
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mariadb-bootstrap");
        run(Command::new(script).arg(data(folder.path())).arg(PASSWORD));
        let settings = settings.iter().map(|&setting| setting.to_owned()).collect();
        let mut server = Self { folder, port: 0, settings, process: None };
        for _ in 0..5 {
            server.port = free_port();
            if server.restart() {
                return server;
            }
        }
        panic!("MariaDB does not start:\n{}", server.log());
    }

    /// The administrator's URL, without a database.
    pub fn url(&self) -> String {
        format!("mysql://vidne:{PASSWORD}@127.0.0.1:{}/", self.port)
    }

    /// Kills it as a crash would (SIGKILL), and waits until it is gone.
    pub fn kill9(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// Starts it again on the same data and port; `false` if it ends at once.
    pub fn restart(&mut self) -> bool {
        self.kill9();
        let log = fs::File::create(self.folder.path().join("log")).unwrap();
        let process = Command::new("/usr/sbin/mariadbd")
            .args(["--no-defaults", "--user=mysql", "--bind-address=127.0.0.1", "--skip-name-resolve"])
            .args(["--innodb-flush-log-at-trx-commit=1", "--innodb-buffer-pool-size=32M"])
            .arg(format!("--datadir={}", data(self.folder.path()).display()))
            .arg(format!("--socket={}", data(self.folder.path()).join("socket").display()))
            .arg(format!("--port={}", self.port))
            .args(&self.settings)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.process = Some(process);
        let end = Instant::now() + DEADLINE;
        loop {
            if self.process.as_mut().is_some_and(|process| process.try_wait().unwrap().is_some()) {
                self.process = None;
                return false;
            }
            if self.log().contains("ready for connections") {
                return true;
            }
            assert!(Instant::now() < end, "MariaDB does not serve in time:\n{}", self.log());
            thread::sleep(Duration::from_millis(10));
        }
    }

    fn log(&self) -> String {
        let bytes = fs::read(self.folder.path().join("log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for MariaDb {
    fn drop(&mut self) {
        self.kill9();
    }
}

fn data(folder: &Path) -> PathBuf {
    folder.join("data")
}
