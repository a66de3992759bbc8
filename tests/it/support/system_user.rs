//! A user of the operating system, for servers that know no others.

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use super::processes::run;

/// A user with a random password and no shell, removed when dropped.
#[derive(Debug)]
pub struct SystemUser {
    pub name: String,
    pub password: String,
}

impl SystemUser {
    /// # Panics
    ///
    /// If the tests do not run as root, who alone may make users.
    pub fn create() -> Self {
        assert_eq!(
            run(Command::new("id").arg("-u")).trim(),
            "0",
            "tests of real SFTP servers must run as root"
        );
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("vidne-test-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let mut random = [0; 12];
        getrandom::fill(&mut random).unwrap();
        let password: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        run(locked().args(["useradd", "--no-create-home", "--shell", "/usr/sbin/nologin", &name]));
        let mut chpasswd = locked().arg("chpasswd").stdin(Stdio::piped()).spawn().unwrap();
        writeln!(chpasswd.stdin.take().unwrap(), "{name}:{password}").unwrap();
        assert!(chpasswd.wait().unwrap().success());
        Self { name, password }
    }
}

impl Drop for SystemUser {
    fn drop(&mut self) {
        let _ = locked().args(["userdel", "--force", &self.name]).stderr(Stdio::null()).status();
    }
}

/// The user database's own lock is not waited for.
fn locked() -> Command {
    let mut command = Command::new("flock");
    command.arg("/run/vidne-test-users.lock");
    command
}
