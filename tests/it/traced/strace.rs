//! strace, attached to running processes.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

use tempfile::NamedTempFile;

use crate::support::processes::kill;

/// All ways in which bytes leave a process here, and both ways to sync.
const CALLS: &str = "trace=write,writev,pwrite64,pwritev,pwritev2,sendto,sendmsg,fsync,fdatasync";

/// A trace that is being written.
pub struct Strace {
    process: Child,
    output: NamedTempFile,
}

impl Strace {
    /// Watches processes with all their threads. When it returns, nothing they do is missed.
    pub fn attach(processes: &[u32]) -> Self {
        let output = NamedTempFile::new().unwrap();
        let mut command = Command::new("strace");
        // Times, what file or connection each number is, and all the bytes.
        command.args(["-f", "-ttt", "-yy", "-s", "2000000", "-e", CALLS, "-e", "signal=none", "-o"]);
        command.arg(output.path());
        for process in processes {
            command.args(["-p", &process.to_string()]);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut process = command.spawn().expect("strace; tests/run installs it");
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let mut attached = 0;
        while attached < processes.len() {
            let line = lines.next().expect("strace ended").unwrap();
            assert!(line.contains("ttached"), "{line}");
            attached += 1;
        }
        std::thread::spawn(move || lines.count());
        Self { process, output }
    }

    /// Stops watching; what was seen, line by line.
    pub fn finish(mut self) -> String {
        kill("INT", &[self.process.id()]);
        self.process.wait().unwrap();
        String::from_utf8_lossy(&fs::read(self.output.path()).unwrap()).into_owned()
    }
}

impl Drop for Strace {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
