//! Running `vidne`.

use std::{
    io::Write as _,
    process::{Command, Output, Stdio},
};

use crate::support::server::Server;

/// What a run of the program gave.
pub struct Run {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Run {
    /// The lines of standard output as JSON.
    pub fn json(&self) -> Vec<serde_json::Value> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Fails the test unless the program succeeded.
    pub fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{}{}", self.out, self.err);
        self
    }
}

/// The program, away from the developer's own settings.
pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vidne"));
    command.args(arguments).env_remove("VIDNE_SERVER").env_remove("NO_COLOR").current_dir("/");
    command
}

/// Runs it with `input` as standard input.
pub fn run_with(command: &mut Command, input: &str) -> Run {
    let mut process =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = process.stdin.take().unwrap();
    let input = input.to_owned();
    // On a thread, and its error ignored: a program that does not read its input is not this one's trouble.
    let writer = std::thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
    let Output { status, stdout, stderr } = process.wait_with_output().unwrap();
    writer.join().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Run { code: status.code().unwrap(), out: text(stdout), err: text(stderr) }
}

/// Runs it without input.
pub fn run(arguments: &[&str]) -> Run {
    run_with(&mut command(arguments), "")
}

/// Runs it as a client of `server`.
pub fn client(server: &Server, arguments: &[&str]) -> Run {
    client_with(server, arguments, "")
}

/// Runs it as a client of `server` with `input` as standard input.
pub fn client_with(server: &Server, arguments: &[&str], input: &str) -> Run {
    run_with(command(arguments).env("VIDNE_SERVER", server.endpoint()), input)
}
