//! COPY by the `psql` program, and so by PostgreSQL's own client library.

use std::{path::Path, process::Stdio, time::Duration};

use tokio::{io::AsyncWriteExt as _, process::Command, time};

use super::{
    error::{BenchError, io},
    rows::COLUMNS,
};
use crate::domain::secret::Secret;

/// How long one round may take.
const ROUND: Duration = Duration::from_secs(300);

/// A `psql` that can be run.
pub(super) struct Psql {
    /// Without the password, since others can see arguments.
    url: String,
    password: Option<Secret>,
}

impl Psql {
    /// The one in PATH; `None` if there is none.
    pub(super) async fn find(url: &Secret) -> Option<Self> {
        let asked = Command::new("psql").arg("--version").output().await.ok()?;
        let (url, password) = without_password(url.expose());
        asked.status.success().then(|| Self { url, password: password.map(Secret::new) })
    }

    /// Copies each file into `events`, each in a transaction of its own, and says how long each took.
    pub(super) async fn copy(&self, files: &[&Path]) -> Result<Vec<Duration>, BenchError> {
        let copy = |file: &&Path| {
            let file = file.display().to_string().replace('\'', "''");
            format!("\\copy events ({COLUMNS}) from '{file}' with (format binary)")
        };
        self.run(&files.iter().map(copy).collect::<Vec<_>>()).await
    }

    /// Reads all that a SELECT on one line gives, and says how long it took.
    pub(super) async fn copy_out(&self, select: &str) -> Result<Duration, BenchError> {
        let copy = format!("\\copy ({select}) to '/dev/null' with (format binary)");
        self.run(&[copy]).await.map(|took| took.iter().sum())
    }

    /// Runs commands one after the other, and says how long each took.
    async fn run(&self, commands: &[String]) -> Result<Vec<Duration>, BenchError> {
        let script = format!("\\timing on\n{}\n", commands.join("\n"));
        let mut command = Command::new("psql");
        command.args(["--no-psqlrc", "--quiet", "--no-password", "--set=ON_ERROR_STOP=1", "--dbname"]);
        // Times are printed in the language of the terminal.
        command.arg(&self.url).env("LC_ALL", "C").kill_on_drop(true);
        if let Some(password) = &self.password {
            command.env("PGPASSWORD", password.expose());
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().map_err(io("start psql"))?;
        if let Some(mut input) = process.stdin.take() {
            // A psql that has ended already says why.
            let _ = input.write_all(script.as_bytes()).await;
        }
        let output = time::timeout(ROUND, process.wait_with_output())
            .await
            .map_err(|_| BenchError::Psql(format!("it took more than {ROUND:?}")))?
            .map_err(io("wait for psql"))?;
        let latencies = timings(&String::from_utf8_lossy(&output.stdout));
        if !output.status.success() || latencies.len() != commands.len() {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(BenchError::Psql(said));
        }
        Ok(latencies)
    }
}

/// The times in lines such as `Time: 1234.567 ms (00:01.235)`.
fn timings(text: &str) -> Vec<Duration> {
    let times = text.lines().filter_map(|line| line.strip_prefix("Time: ")?.split(' ').next());
    times
        .filter_map(|time| time.parse::<f64>().ok())
        .map(|ms| Duration::from_secs_f64(ms / 1_000.0))
        .collect()
}

/// A URL without its password, and the password.
fn without_password(url: &str) -> (String, Option<String>) {
    let parts = || {
        let host = url.find("://")? + "://".len();
        let end = url[host..].find('/').map_or(url.len(), |slash| host + slash);
        let at = host + url[host..end].rfind('@')?;
        let colon = host + url[host..at].find(':')?;
        Some((format!("{}{}", &url[..colon], &url[at..]), decoded(&url[colon + 1..at])))
    };
    parts().map_or_else(|| (url.to_owned(), None), |(url, password)| (url, Some(password)))
}

/// Without percent-encoding.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let code = match (first, after) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)).map(|(high, low)| high * 16 + low),
            _ => None,
        };
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_not_in_the_arguments() {
        let (url, password) = without_password("postgres://u:p%40%2Fs@h:5432/d?sslmode=disable");
        assert_eq!(
            (url.as_str(), password.as_deref()),
            ("postgres://u@h:5432/d?sslmode=disable", Some("p@/s"))
        );
        let plain = "postgres:///d?host=/tmp";
        assert_eq!(without_password(plain), (plain.to_owned(), None));
    }

    #[test]
    fn times_are_read_as_psql_prints_them() {
        let times = timings("COPY 10000\nTime: 61.250 ms\nTime: 1500.000 ms (00:01.500)\n");
        assert_eq!(times, [Duration::from_micros(61_250), Duration::from_millis(1_500)]);
    }
}
