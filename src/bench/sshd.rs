//! An OpenSSH server of the measurement's own, for the user who measures.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{
    net::TcpStream,
    process::{Child, Command},
    time::{self, Instant},
};

use super::{
    error::{BenchError, io},
    stopwatch::{Lap, Stopwatch},
};

const PROGRAM: &str = "/usr/sbin/sshd";
/// How long it may take until it listens.
const START: Duration = Duration::from_secs(20);
/// How often it is looked whether it does.
const POLL: Duration = Duration::from_millis(20);

/// A running server. Killed with this value.
pub(super) struct BenchSshd {
    _process: Child,
    address: SocketAddr,
    folder: PathBuf,
    user: String,
}

impl BenchSshd {
    /// Starts one on a free loopback port, with its keys and its drop folder in `folder`.
    pub(super) async fn start(folder: &Path) -> Result<Self, BenchError> {
        fs::create_dir(folder.join("drop")).map_err(io("make a drop folder"))?;
        for name in ["host_key", "user_key"] {
            let mut command = Command::new("ssh-keygen");
            command.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(folder.join(name));
            output(command, "make a key with ssh-keygen").await?;
        }
        let user = output(command("id", &["-un"]), "ask who we are").await?.trim().to_owned();
        // Free a moment ago; nobody else on this machine is likely to take it meanwhile.
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(io("find a free port"))?;
        let address = listener.local_addr().map_err(io("find a free port"))?;
        drop(listener);
        let settings = folder.join("sshd_config");
        fs::write(&settings, configuration(folder, address)).map_err(io("write sshd's configuration"))?;
        // It wants this folder if it runs as root.
        let _ = fs::create_dir_all("/run/sshd");
        let log = fs::File::create(folder.join("sshd.log")).map_err(io("write sshd's log"))?;
        let mut process = Command::new(PROGRAM);
        process.args(["-D", "-e", "-f"]).arg(settings);
        process.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).kill_on_drop(true);
        let mut process = process.spawn().map_err(io(format!("start {PROGRAM}")))?;
        let until = Instant::now() + START;
        while TcpStream::connect(address).await.is_err() {
            let ended = process.try_wait().map_err(io("look after sshd"))?.is_some();
            if ended || Instant::now() > until {
                let said = fs::read_to_string(folder.join("sshd.log")).unwrap_or_default();
                return Err(BenchError::NoSshd(said.trim().to_owned()));
            }
            time::sleep(POLL).await;
        }
        Ok(Self { _process: process, address, folder: folder.to_owned(), user })
    }

    pub(super) fn address(&self) -> String {
        self.address.to_string()
    }

    pub(super) fn user(&self) -> &str {
        &self.user
    }

    /// Where files are dropped: absolute, for it and for us.
    pub(super) fn drop_folder(&self) -> PathBuf {
        self.folder.join("drop")
    }

    /// The private key that it lets in.
    pub(super) fn private_key(&self) -> Result<String, BenchError> {
        fs::read_to_string(self.folder.join("user_key")).map_err(io("read a key"))
    }

    /// Its host key, as known_hosts has it.
    pub(super) fn host_key(&self) -> Result<String, BenchError> {
        let key = fs::read_to_string(self.folder.join("host_key.pub")).map_err(io("read a key"))?;
        let words: Vec<&str> = key.split_ascii_whitespace().take(2).collect();
        Ok(format!("[{}]:{} {}", self.address.ip(), self.address.port(), words.join(" ")))
    }

    /// Sends a file with `sftp put`, and says how long all of it took. `flush`: it is on the server's disk then.
    /// The file before is replaced.
    pub(super) async fn put(&self, file: &Path, flush: bool) -> Result<Lap, BenchError> {
        let known = self.folder.join("known_hosts");
        fs::write(&known, self.host_key()? + "\n").map_err(io("write known_hosts"))?;
        let batch = self.folder.join("batch");
        let put = if flush { "put -f" } else { "put" };
        let line = format!("{put} \"{}\" \"{}\"\n", file.display(), self.drop_folder().join("put").display());
        fs::write(&batch, line).map_err(io("write a batch for sftp"))?;
        let mut sftp = Command::new("sftp");
        sftp.arg("-q").arg("-b").arg(&batch).arg("-i").arg(self.folder.join("user_key"));
        sftp.arg("-o").arg(format!("UserKnownHostsFile={}", known.display()));
        sftp.args(["-F", "none", "-P", &self.address.port().to_string()]);
        sftp.arg(format!("{}@{}", self.user, self.address.ip()));
        let watch = Stopwatch::start();
        output(sftp, "send a file with sftp").await?;
        Ok(watch.lap())
    }
}

fn command(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments);
    command
}

async fn output(mut command: Command, doing: &str) -> Result<String, BenchError> {
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output().await.map_err(io(doing))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(BenchError::Io { doing: doing.to_owned(), source: std::io::Error::other(said) })
}

fn configuration(folder: &Path, address: SocketAddr) -> String {
    let folder = folder.display();
    format!(
        "ListenAddress {address}\nHostKey {folder}/host_key\nPidFile none\nStrictModes no\nUsePAM no\n\
         AuthorizedKeysFile {folder}/user_key.pub\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
         PermitRootLogin prohibit-password\nSubsystem sftp internal-sftp\n"
    )
}
