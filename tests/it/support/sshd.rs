//! A real OpenSSH server with one chrooted SFTP user.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::processes::{Server, free_port, run};
use super::system_user::SystemUser;

/// What the server lets users log in with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Login {
    /// Password or key.
    PasswordOrKey,
    /// Keyboard-interactive through PAM, nothing else.
    KeyboardInteractive,
    /// A key and then the password.
    KeyAndPassword,
}

/// A running server; stopped, and its user removed, when dropped.
#[derive(Debug)]
pub struct Sshd {
    pub server: Server,
    pub port: u16,
    pub user: SystemUser,
    disk: Option<SmallDisk>,
    folder: TempDir,
}

/// A file system in memory over a folder, taken away when dropped.
#[derive(Debug)]
struct SmallDisk(PathBuf);

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a session may still have a file open.
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

impl Sshd {
    /// Starts a server for a new user whose login lands in the writable folder `/in` of its chroot.
    pub fn start(login: Login) -> Self {
        Self::start_with(login, "")
    }

    /// The same with more arguments for `internal-sftp`.
    pub fn start_with(login: Login, sftp: &str) -> Self {
        let user = SystemUser::create();
        // Not in /tmp: everything above a chroot must be writable by root only.
        let folder = tempfile::Builder::new().prefix("vidne-sshd-").tempdir_in("/var/lib").unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        fs::create_dir_all("/run/sshd").unwrap();
        fs::create_dir_all(folder.path().join("chroot/in")).unwrap();
        let id = run(Command::new("id").args(["-u", &user.name])).trim().parse().unwrap();
        chown(folder.path().join("chroot/in"), Some(id), None).unwrap();
        for algorithm in ["ed25519", "rsa"] {
            generate_key(&folder.path().join(format!("host_{algorithm}")), algorithm, "");
        }
        for _ in 0..5 {
            let port = free_port();
            let config = folder.path().join("sshd_config");
            fs::write(&config, configuration(folder.path(), port, login, sftp)).unwrap();
            let mut command = Command::new("/usr/sbin/sshd");
            command.args(["-D", "-e", "-f"]).arg(config);
            if let Some(server) = Server::start(&mut command, "Server listening on") {
                return Self { server, port, user, disk: None, folder };
            }
        }
        panic!("sshd does not start");
    }

    /// Puts a disk of so many bytes under the folder that a login lands in.
    pub fn on_a_small_disk(mut self, bytes: usize) -> Self {
        let folder = self.landing_folder();
        let owner = run(Command::new("id").args(["-u", &self.user.name]));
        let options = format!("size={bytes},uid={},mode=0755", owner.trim());
        run(Command::new("mount").args(["-t", "tmpfs", "-o", &options, "vidne-test"]).arg(&folder));
        self.disk = Some(SmallDisk(folder));
        self
    }

    /// The folder of this machine that a login lands in.
    pub fn landing_folder(&self) -> PathBuf {
        self.folder.path().join("chroot/in")
    }

    /// The known_hosts line of the server's `ed25519` or `rsa` key.
    pub fn known_hosts_line(&self, algorithm: &str) -> String {
        let path = self.folder.path().join(format!("host_{algorithm}.pub"));
        format!("[127.0.0.1]:{} {}", self.port, fs::read_to_string(path).unwrap().trim())
    }

    /// The fingerprint as `ssh-keygen` prints it.
    pub fn fingerprint(&self, algorithm: &str) -> String {
        let path = self.folder.path().join(format!("host_{algorithm}.pub"));
        let printed = run(Command::new("ssh-keygen").arg("-lf").arg(path));
        printed.split_ascii_whitespace().nth(1).unwrap().to_owned()
    }

    /// A new private key the user may log in with, as PEM text.
    pub fn authorize_key(&self, algorithm: &str, passphrase: &str) -> String {
        let path = self.folder.path().join(format!("user_{algorithm}"));
        generate_key(&path, algorithm, passphrase);
        let public = fs::read_to_string(path.with_extension("pub")).unwrap();
        fs::write(self.folder.path().join("authorized_keys"), public).unwrap();
        fs::read_to_string(path).unwrap()
    }
}

fn generate_key(path: &Path, algorithm: &str, passphrase: &str) {
    run(Command::new("ssh-keygen").args(["-q", "-t", algorithm, "-N", passphrase, "-f"]).arg(path));
}

fn configuration(folder: &Path, port: u16, login: Login, sftp: &str) -> String {
    let folder = folder.display();
    let login = match login {
        Login::PasswordOrKey => "UsePAM no\nPasswordAuthentication yes\nKbdInteractiveAuthentication no\n",
        Login::KeyboardInteractive => {
            "UsePAM yes\nPasswordAuthentication no\nPubkeyAuthentication no\nKbdInteractiveAuthentication yes\n"
        }
        Login::KeyAndPassword => {
            "UsePAM no\nPasswordAuthentication yes\nKbdInteractiveAuthentication no\n\
             AuthenticationMethods publickey,password\n"
        }
    };
    format!(
        "ListenAddress 127.0.0.1:{port}\n\
         HostKey {folder}/host_ed25519\n\
         HostKey {folder}/host_rsa\n\
         PidFile none\n\
         StrictModes no\n\
         AuthorizedKeysFile {folder}/authorized_keys\n\
         ChrootDirectory {folder}/chroot\n\
         Subsystem sftp internal-sftp\n\
         ForceCommand internal-sftp -d /in {sftp}\n\
         {login}"
    )
}
