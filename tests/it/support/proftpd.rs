//! A real ProFTPD server with its SFTP module.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::processes::{Server, free_port, run};
use super::system_user::SystemUser;

/// A running server whose user's login lands in a writable folder; stopped when dropped.
#[derive(Debug)]
pub struct Proftpd {
    _server: Server,
    pub port: u16,
    pub user: SystemUser,
    folder: TempDir,
}

impl Proftpd {
    pub fn start() -> Self {
        let user = SystemUser::create();
        let folder = tempfile::Builder::new().prefix("vidne-proftpd-").tempdir_in("/var/lib").unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        let files = folder.path().join("files");
        fs::create_dir(&files).unwrap();
        let id = run(Command::new("id").args(["-u", &user.name])).trim().parse().unwrap();
        chown(files, Some(id), None).unwrap();
        let key = folder.path().join("host_rsa");
        run(Command::new("ssh-keygen").args(["-q", "-t", "rsa", "-m", "PEM", "-N", "", "-f"]).arg(key));
        for _ in 0..5 {
            let port = free_port();
            let config = folder.path().join("proftpd.conf");
            fs::write(&config, configuration(folder.path(), port)).unwrap();
            let mut command = Command::new("/usr/sbin/proftpd");
            command.args(["--nodaemon", "--debug", "2", "--config"]).arg(config);
            if let Some(server) = Server::start(&mut command, "standalone mode STARTUP") {
                return Self { _server: server, port, user, folder };
            }
        }
        panic!("proftpd does not start");
    }

    /// The folder of this machine that a login lands in.
    pub fn landing_folder(&self) -> PathBuf {
        self.folder.path().join("files")
    }

    pub fn known_hosts_line(&self) -> String {
        let public = fs::read_to_string(self.folder.path().join("host_rsa.pub")).unwrap();
        format!("[127.0.0.1]:{} {}", self.port, public.trim())
    }
}

fn configuration(folder: &Path, port: u16) -> String {
    let folder = folder.display();
    format!(
        "ModulePath /usr/lib/proftpd\n\
         LoadModule mod_sftp.c\n\
         ServerName vidne-test\n\
         ServerType standalone\n\
         DefaultAddress 127.0.0.1\n\
         SocketBindTight on\n\
         UseIPv6 off\n\
         Port {port}\n\
         User root\n\
         Group root\n\
         RequireValidShell off\n\
         AuthOrder mod_auth_unix.c\n\
         PidFile {folder}/proftpd.pid\n\
         ScoreboardFile {folder}/scoreboard\n\
         DelayTable none\n\
         SystemLog {folder}/system.log\n\
         TransferLog none\n\
         WtmpLog off\n\
         DefaultRoot {folder}/files\n\
         SFTPEngine on\n\
         SFTPHostKey {folder}/host_rsa\n\
         SFTPLog {folder}/sftp.log\n\
         SFTPAuthMethods password\n\
         AllowOverwrite on\n"
    )
}
