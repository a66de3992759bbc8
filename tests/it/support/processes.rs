//! Starting, finding and signalling real server processes.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::thread;

/// A port on the loopback address that nobody listens on right now.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Runs a command to its end; panics with its output if it fails.
pub fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A server process, killed with all its children when dropped.
#[derive(Debug)]
pub struct Server(Child);

impl Server {
    /// Starts a server that says `ready` on standard error once it listens. `None` if it ends before: its
    /// port may have been taken meanwhile.
    pub fn start(command: &mut Command, ready: &str) -> Option<Self> {
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}; tests/run installs what is missing"));
        // Killed when dropped, so also if this panics.
        let mut server = Self(child);
        let mut lines = BufReader::new(server.0.stderr.take().unwrap());
        let mut said = String::new();
        loop {
            let before = said.len();
            if lines.read_line(&mut said).unwrap() == 0 {
                eprintln!("{command:?} ended: {said}");
                return None;
            }
            if said[before..].contains(ready) {
                drain(lines);
                return Some(server);
            }
        }
    }

    /// The ids of all processes below this one: the sessions it serves.
    pub fn sessions(&self) -> Vec<u32> {
        below(self.0.id())
    }

    /// Sends a signal to all sessions.
    pub fn signal_sessions(&self, signal: &str) {
        let sessions = self.sessions();
        assert!(!sessions.is_empty(), "no session to signal");
        kill(signal, &sessions);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let sessions = self.sessions();
        let _ = self.0.kill();
        let _ = self.0.wait();
        kill("KILL", &sessions);
    }
}

/// The ids of all processes below one.
pub fn below(process: u32) -> Vec<u32> {
    let parents = parents();
    let mut found = vec![process];
    let mut next = 0;
    while next < found.len() {
        let parent = found[next];
        found.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(id, _)| *id));
        next += 1;
    }
    found.split_off(1)
}

/// Sends a signal to processes, of which some may have ended.
pub fn kill(signal: &str, ids: &[u32]) {
    if !ids.is_empty() {
        // Some may have ended by themselves meanwhile.
        let _ = Command::new("kill")
            .arg(format!("-{signal}"))
            .args(ids.iter().map(u32::to_string))
            .stderr(Stdio::null())
            .status();
    }
}

fn drain(mut lines: BufReader<ChildStderr>) {
    thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
}

/// Every process with its parent.
fn parents() -> Vec<(u32, u32)> {
    let mut parents = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(id) = entry.file_name().to_string_lossy().parse() else { continue };
        let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
        // The name before it is in brackets and may hold anything.
        let parent =
            stat.rsplit_once(')').and_then(|(_, rest)| rest.split_ascii_whitespace().nth(1)?.parse().ok());
        parents.extend(parent.map(|parent| (id, parent)));
    }
    parents
}
