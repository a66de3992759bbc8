//! One SFTP session: requests go to OpenSSH's `sftp-server` one at a time, unless the script says otherwise.

use std::{fs, io, process::Stdio, sync::Arc};

use super::{
    packet::Packet,
    script::{Fault, Hit, Moment, Script},
    ssh::Line,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    process::{Child, ChildStdin, ChildStdout, Command},
};

const OK: u32 = 0;
const FAILURE: u32 = 4;
const UNSUPPORTED: u32 = 8;
const EXISTS: u32 = 11;

pub(super) struct Session<S> {
    script: Arc<Script>,
    client: S,
    line: Line,
    files: ChildStdin,
    answers: ChildStdout,
    _process: Child,
}

/// Nobody is there any more.
struct Over;

impl From<io::Error> for Over {
    fn from(_: io::Error) -> Self {
        Self
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Session<S> {
    pub(super) fn new(script: Arc<Script>, client: S, line: Line) -> Self {
        let mut process = Command::new("/usr/lib/openssh/sftp-server")
            .arg("-d")
            .arg(&script.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("sftp-server: {error}; tests/run installs what is missing"));
        let (files, answers) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        Self { script, client, line, files, answers, _process: process }
    }

    /// Until either side has enough.
    pub(super) async fn run(mut self) {
        while let Ok(request) = Packet::read(&mut self.client).await {
            if self.answer(&request).await.is_err() {
                return;
            }
        }
    }

    async fn answer(&mut self, request: &Packet) -> Result<(), Over> {
        if request.name() == "write" && self.script.disk_is_full() {
            self.script.step(request.name());
            return self.send(Packet::status(request, FAILURE, "No space left on device")).await;
        }
        let answer = match self.script.step(request.name()) {
            None => self.act(request).await?,
            Some(hit) => match self.go_wrong(request, hit).await? {
                Some(answer) => answer,
                None => return Ok(()),
            },
        };
        self.send(answer).await
    }

    /// What the client is answered; `None`: nothing.
    async fn go_wrong(&mut self, request: &Packet, hit: Hit) -> Result<Option<Packet>, Over> {
        match hit.fault {
            Fault::Cut(moment) => {
                if moment == Moment::After {
                    self.act(request).await?;
                }
                Err(self.hang_up().await)
            }
            Fault::Down(moment) => {
                if moment == Moment::After {
                    self.act(request).await?;
                }
                self.script.go_down();
                Err(self.hang_up().await)
            }
            Fault::Answer(moment, code) => {
                if moment == Moment::After {
                    self.act(request).await?;
                }
                Ok(Some(Packet::status(request, code, "the script says so")))
            }
            Fault::Silence | Fault::Refuse => Ok(None),
            Fault::ShortWrite => {
                self.act(&request.half_a_write()).await?;
                Ok(Some(Packet::status(request, OK, "")))
            }
            Fault::DiskFull => {
                self.act(&request.half_a_write()).await?;
                self.script.fill_disk();
                Ok(Some(Packet::status(request, FAILURE, "No space left on device")))
            }
            Fault::BothNames => {
                let (from, to) = request.texts();
                fs::hard_link(from, to)?;
                Err(self.hang_up().await)
            }
            Fault::Hold(Moment::Before) => {
                hit.release.cancelled().await;
                self.act(request).await.map(Some)
            }
            Fault::Hold(Moment::After) => {
                let answer = self.act(request).await?;
                hit.release.cancelled().await;
                Ok(Some(answer))
            }
            Fault::HoldAndCut => {
                hit.release.cancelled().await;
                Err(self.hang_up().await)
            }
        }
    }

    /// Does it, and says what the client is to be answered.
    async fn act(&mut self, request: &Packet) -> Result<Packet, Over> {
        let nature = self.script.nature;
        let (name, (from, to)) = (request.name(), request.texts());
        if name == "rename" && nature.rename_replaces && fs::rename(&from, &to).is_ok() {
            if nature.consumer {
                self.script.take(&to);
            }
            return Ok(Packet::status(request, OK, ""));
        }
        if name == "setstat" && !nature.setstat {
            return Ok(Packet::status(request, UNSUPPORTED, "Operation unsupported"));
        }
        self.files.write_all(&request.0).await?;
        let answer = Packet::read(&mut self.answers).await?;
        Ok(match (name, answer.code()) {
            ("init", _) if !nature.extensions => Packet::plain_version(),
            ("limits", None) => answer.with_write_limit(nature.write_bytes),
            ("rename", Some(OK)) if nature.consumer => {
                self.script.take(&to);
                answer
            }
            ("rename", Some(FAILURE)) if nature.code_11 => {
                Packet::status(request, EXISTS, "File already exists")
            }
            _ => answer,
        })
    }

    async fn send(&mut self, answer: Packet) -> Result<(), Over> {
        self.client.write_all(&answer.0).await?;
        Ok(self.client.flush().await?)
    }

    async fn hang_up(&self) -> Over {
        self.line.cut().await;
        Over
    }
}
