//! Real log collectors that read a folder as SIEMs' agents do.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// Where `tests/setup` unpacks syslog-ng, whose package cannot be installed beside rsyslog's.
const SYSLOG_NG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/syslog-ng");

/// A collector that appends every line of the files that match `*.jsonl` in a folder to a file of its own. Stopped when
/// dropped.
pub struct Collector {
    process: Child,
    output: PathBuf,
}

impl Collector {
    /// rsyslog with `imfile`; `own` is for its state.
    pub fn rsyslog(folder: &Path, own: &Path) -> Self {
        let (folder, at) = (folder.display(), own.display());
        let configuration = format!(
            r#"global(workDirectory="{at}" maxMessageSize="64k")
module(load="imfile" mode="inotify")
template(name="line" type="string" string="%msg%\n")
input(type="imfile" File="{folder}/*.jsonl" Tag="vidne" ruleset="out")
ruleset(name="out") {{ action(type="omfile" file="{at}/output" template="line") }}
"#
        );
        let mut rsyslogd = Command::new("/usr/sbin/rsyslogd");
        rsyslogd.arg("-n").arg("-i").arg(own.join("pid"));
        Self::start(rsyslogd, own, &configuration)
    }

    /// syslog-ng with `wildcard-file()`; `own` is for its state.
    pub fn syslog_ng(folder: &Path, own: &Path) -> Self {
        let (folder, at) = (folder.display(), own.display());
        let configuration = format!(
            r#"@version: 3.38
options {{ flush-lines(1); }};
source files {{ wildcard-file(base-dir("{folder}") filename-pattern("*.jsonl") flags(no-parse) max-files(1000)); }};
destination output {{ file("{at}/output" template("${{MESSAGE}}\n")); }};
log {{ source(files); destination(output); }};
"#
        );
        let unpacked = Path::new(SYSLOG_NG);
        let mut syslog_ng = Command::new(unpacked.join("usr/sbin/syslog-ng"));
        syslog_ng
            .env("LD_LIBRARY_PATH", unpacked.join("usr/lib/syslog-ng"))
            .args(["--foreground", "--no-caps", "--module-path"])
            .arg(unpacked.join("usr/lib/syslog-ng/3.38"))
            .arg("--persist-file")
            .arg(own.join("persist"))
            .arg("--pidfile")
            .arg(own.join("pid"))
            .arg("--control")
            .arg(own.join("control"));
        Self::start(syslog_ng, own, &configuration)
    }

    fn start(mut command: Command, own: &Path, configuration: &str) -> Self {
        let file = own.join("configuration");
        fs::write(&file, configuration).unwrap();
        let log = fs::File::create(own.join("log")).unwrap();
        command.arg("-f").arg(file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let process = command
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}; tests/run installs what is missing"));
        Self { process, output: own.join("output") }
    }

    /// The lines that it has put out so far.
    ///
    /// # Panics
    ///
    /// If it has ended.
    pub fn lines(&mut self) -> Vec<String> {
        if let Some(status) = self.process.try_wait().unwrap() {
            let log = fs::read_to_string(self.output.with_file_name("log")).unwrap();
            panic!("the collector has ended ({status}): {log}");
        }
        let text = fs::read_to_string(&self.output).unwrap_or_default();
        // The last one may be half written.
        text.split_inclusive('\n').filter(|line| line.ends_with('\n')).map(str::to_owned).collect()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
