//! A PostgreSQL of a test's own, which the test may kill.

use std::{
    fs::{self, File},
    io::Write as _,
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    str::FromStr,
    time::{Duration, Instant},
};

use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use tempfile::TempDir;

use super::processes::{below, free_port, kill, run};

/// How long it may take to start, recovery after a crash included.
const DEADLINE: Duration = Duration::from_secs(60);

/// A cluster in a folder of its own, on a free loopback port. Killed and removed with this value. A test run that is
/// killed itself leaves it behind, named and locked so that the next `tests/run` removes it.
pub struct Cluster {
    folder: TempDir,
    _lock: File,
    user: (u32, u32),
    port: u16,
    url: String,
    postmaster: Option<Child>,
}

impl Cluster {
    /// Makes and starts one that is as durable as PostgreSQL is by default.
    pub async fn start() -> Self {
        Self::with(&["fsync=on", "synchronous_commit=on"]).await
    }

    /// Makes and starts one with these settings.
    ///
    /// # Panics
    ///
    /// If the tests do not run as root (PostgreSQL refuses root, so it must be started as somebody else), or if it
    /// does not start.
    pub async fn with(settings: &[&str]) -> Self {
        let id = |flag: &str| run(Command::new("id").args([flag, "postgres"])).trim().parse().unwrap();
        let user = (id("-u"), id("-g"));
        let folder = tempfile::Builder::new().prefix("vidne-tests.").tempdir_in("/var/tmp").unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let lock = File::create(folder.path().join("lock")).unwrap();
        lock.lock().unwrap();
        let data = folder.path().join("data");
        fs::create_dir(&data).unwrap();
        std::os::unix::fs::chown(&data, Some(user.0), Some(user.1)).unwrap();
        fs::set_permissions(&data, fs::Permissions::from_mode(0o700)).unwrap();
        let password = uuid::Uuid::new_v4().simple().to_string();
        let password_file = folder.path().join("password");
        fs::write(&password_file, &password).unwrap();
        std::os::unix::fs::chown(&password_file, Some(user.0), Some(user.1)).unwrap();
        fs::set_permissions(&password_file, fs::Permissions::from_mode(0o600)).unwrap();
        let mut initdb = as_user(program("initdb"), user);
        initdb.arg("--pgdata").arg(&data).arg("--pwfile").arg(&password_file);
        // Nothing in it is worth waiting for yet; what the test writes is synced.
        run(initdb.args(["--username=postgres", "--auth=scram-sha-256", "--encoding=UTF8", "--no-sync"]));
        let mut file = File::options().append(true).open(data.join("postgresql.conf")).unwrap();
        let sockets = format!("unix_socket_directories='{}'", data.display());
        let own = ["listen_addresses='127.0.0.1'", "max_connections=60", "shared_buffers=32MB", &sockets];
        for line in own.iter().chain(settings) {
            writeln!(file, "{line}").unwrap();
        }
        let mut cluster = Self { folder, _lock: lock, user, port: 0, url: String::new(), postmaster: None };
        // The port may be taken by somebody else between being free and being used.
        for _ in 0..5 {
            cluster.port = free_port();
            cluster.url = format!("postgres://postgres:{password}@127.0.0.1:{}/postgres", cluster.port);
            if cluster.try_start().await {
                return cluster;
            }
        }
        panic!("PostgreSQL does not start: {}", cluster.log());
    }

    /// Its database, with user name and password.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its processes.
    pub fn processes(&self) -> Vec<u32> {
        let postmaster = self.postmaster.as_ref().expect("it does not run").id();
        [vec![postmaster], below(postmaster)].concat()
    }

    /// Kills all of it as a crash would (SIGKILL).
    pub fn kill9(&mut self) {
        let ids = self.processes();
        kill("KILL", &ids);
        self.postmaster.take().unwrap().wait().unwrap();
        // A child that was born meanwhile notices that the postmaster is gone; nobody may write any more.
        let end = Instant::now() + DEADLINE;
        while ids.iter().any(|id| Path::new(&format!("/proc/{id}")).exists()) {
            assert!(Instant::now() < end, "PostgreSQL survives SIGKILL");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Starts it again on the same data and the same port; back when it takes connections.
    pub async fn restart(&mut self) {
        // What a killed one leaves in the kernel may still be in use for a moment.
        for _ in 0..20 {
            if self.try_start().await {
                return;
            }
        }
        panic!("PostgreSQL does not start again: {}", self.log());
    }

    /// Whether it takes connections now; false if it ended instead.
    async fn try_start(&mut self) -> bool {
        let data = self.folder.path().join("data");
        let log = File::options().create(true).append(true).open(self.folder.path().join("log")).unwrap();
        let mut command = as_user(program("postgres"), self.user);
        command.arg("-D").arg(&data).args(["-p", &self.port.to_string()]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let postmaster = self.postmaster.insert(command.spawn().unwrap());
        let options = PgConnectOptions::from_str(&self.url).unwrap();
        let end = Instant::now() + DEADLINE;
        loop {
            if postmaster.try_wait().unwrap().is_some() {
                self.postmaster = None;
                return false;
            }
            if let Ok(connection) = PgConnection::connect_with(&options).await {
                connection.close().await.unwrap();
                return true;
            }
            assert!(Instant::now() < end, "PostgreSQL does not get ready within {DEADLINE:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if self.postmaster.is_some() {
            self.kill9();
        }
        if std::thread::panicking() {
            let log = self.log();
            let last = log.lines().rev().take(30).collect::<Vec<_>>();
            eprintln!("--- last lines of PostgreSQL, newest first ---\n{}\n--- end ---", last.join("\n"));
        }
    }
}

fn as_user(program: PathBuf, (user, group): (u32, u32)) -> Command {
    let mut command = Command::new(program);
    // From /, since that user may not enter the folder we are in.
    command.uid(user).gid(group).current_dir("/").env("LC_ALL", "C.UTF-8");
    command
}

/// The newest one that Debian installed.
fn program(name: &str) -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").map(|entries| {
        entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()).max()
    });
    let version = versions.ok().flatten().expect("no PostgreSQL: tests/run installs it");
    PathBuf::from(format!("/usr/lib/postgresql/{version}/bin/{name}"))
}
