//! The steps of the demo.

use std::{fs, path::Path, time::Duration};

use tokio::{sync::mpsc, time};

use crate::{
    cli::{CliError, Style, decode_event, escape, event_line},
    client::{Client, ClientOptions, QueryItem, Resume},
    codec::proto::v1::{
        CsvFormat, Destination, Disposition, Event, EventFilter, ExportFormat, ExportJob, JsonLinesFormat,
        NationalIdMode, QueryEventsRequest, SftpDestination, Tenant, TenantSettings, TestDestinationRequest,
        destination, export_format, query_events_request::Start, run_export_job_response::Kind,
        test_destination_request::Target,
    },
    domain::{
        delivery::MANIFEST_DIRECTORY,
        id::TenantId,
        time::{Clock as _, SystemClock},
    },
};

use super::{
    narrate::Narrator,
    next, sample,
    scene::{SFTP_USER, Scene},
};

/// How long any one thing may take; everything is on this machine.
const PATIENCE: Duration = Duration::from_secs(30);
/// Pause between two events where somebody watches.
const PACE: Duration = Duration::from_millis(60);

/// Runs the demo; with `keep`, the servers go on until Ctrl-C.
///
/// # Errors
///
/// If a step does not do what it should.
pub async fn run(keep: bool, style: Style) -> Result<(), CliError> {
    let started = time::Instant::now();
    let mut tell = Narrator::new(style);
    tell.title("vidne demo: an audit log from the first event to the SIEM's drop folder")?;
    let scene = Scene::set().await?;
    let mut demo = Demo { scene: &scene, tell: &mut tell };
    let played = tokio::select! {
        played = demo.play(started) => played,
        _ = tokio::signal::ctrl_c() => Err(CliError::failed("stopped before the end")),
    };
    let ended = match played {
        Ok(()) => next::steps(&mut tell, &scene, keep).await,
        Err(error) => Err(error),
    };
    let cleared = scene.clear().await;
    ended.and(cleared)
}

struct Demo<'a> {
    scene: &'a Scene,
    tell: &'a mut Narrator,
}

impl Demo<'_> {
    async fn play(&mut self, started: time::Instant) -> Result<(), CliError> {
        let client = Client::connect(&self.scene.endpoint(), ClientOptions::default())?;
        self.tell.step("vidne runs on an empty SQLite folder")?;
        self.tell.good(&format!("gRPC on {}", self.scene.endpoint()))?;
        self.tell.good(&format!("data in {}", self.scene.data_folder().display()))?;
        self.switch_on(&client).await?;
        let last = self.record_and_follow(&client).await?;
        self.send_again(&client, last).await?;
        self.ask(&client).await?;
        let destination = self.trust(&client).await?;
        self.export(&client, destination).await?;
        let took = started.elapsed().as_secs_f64();
        self.tell.line("")?;
        self.tell.line(&self.tell.style().bold(&format!("That was the whole job, in {took:.1} seconds.")))?;
        Ok(())
    }

    /// Security administration events are off until an administrator switches them on.
    async fn switch_on(&mut self, client: &Client) -> Result<(), CliError> {
        self.tell.step("Security administration events are off until somebody switches them on")?;
        let early = sample::administration().into_iter().next().unwrap_or_default();
        let receipt = client.record(early).await?;
        expect(receipt.disposition() == Disposition::NotRecorded, "the event is answered NOT_RECORDED")?;
        self.tell.say("before: USER_CREATED is answered NOT_RECORDED, nothing is promised")?;
        let revision = client.get_tenant(TenantId::DEFAULT).await?.revision;
        let settings = TenantSettings { security_events_enabled: Some(true), ..TenantSettings::default() };
        let tenant = Tenant {
            tenant_id: TenantId::DEFAULT.to_owned(),
            settings: Some(settings),
            revision,
            ..Tenant::default()
        };
        client.update_tenant(tenant, &["settings.security_events_enabled"]).await?;
        self.tell.good("switched on for tenant `default`; the switch is an audit event itself:")?;
        for line in self.query(client, QueryEventsRequest::default()).await? {
            self.tell.say(&line)?;
        }
        Ok(())
    }

    /// Records the sample while a subscriber follows; returns the last event as it was sent.
    async fn record_and_follow(&mut self, client: &Client) -> Result<Event, CliError> {
        self.tell.step("A subscriber sees both catalogues as they are recorded, numbered without holes")?;
        let mut events = sample::morning(SystemClock.now());
        Client::choose_ids(&mut events);
        let (last, count) = (events.last().cloned().unwrap_or_default(), events.len());
        let head = client.get_tenant(TenantId::DEFAULT).await?.head_sequence;
        let (follower, mut seen) = follow(client.clone(), head);
        let pace = if self.tell.is_watched() { PACE } else { Duration::ZERO };
        let recorder = {
            let client = client.clone();
            tokio::spawn(async move {
                for event in events {
                    client.record(event).await?;
                    time::sleep(pace).await;
                }
                Ok::<(), CliError>(())
            })
        };
        for expected in head + 1..=head + count as u64 {
            let next = time::timeout(PATIENCE, seen.recv()).await;
            let Ok(Some(event)) = next else {
                recorder.abort();
                return Err(CliError::failed("the subscriber did not see every event"));
            };
            let event = decode_event(&event?)?;
            expect(event.sequence == expected, "sequence numbers have no holes")?;
            let line = event_line(&event, self.tell.width().saturating_sub(4), self.tell.style());
            self.tell.say(&line)?;
        }
        follower.abort();
        recorder.await.map_err(|error| CliError::failed(format!("the recorder stopped: {error}")))??;
        self.tell.good(&format!("{count} events, each committed before it was acknowledged"))?;
        Ok(last)
    }

    /// The same event once more, as after a lost answer.
    async fn send_again(&mut self, client: &Client, event: Event) -> Result<(), CliError> {
        self.tell.step("Sending the same event again is safe")?;
        let id = event.event_id.clone();
        let receipt = client.record(event).await?;
        expect(receipt.disposition() == Disposition::Duplicate, "the repetition is a DUPLICATE")?;
        self.tell.good(&format!("event {id} is answered DUPLICATE, still number {}", receipt.sequence))?;
        Ok(())
    }

    async fn ask(&mut self, client: &Client) -> Result<(), CliError> {
        self.tell.step("Who touched form BL-2043?")?;
        let filter = EventFilter { target_ids: vec!["BL-2043".to_owned()], ..EventFilter::default() };
        let lines =
            self.query(client, QueryEventsRequest { filter: Some(filter), ..Default::default() }).await?;
        expect(!lines.is_empty(), "the query finds the form")?;
        for line in lines {
            self.tell.say(&line)?;
        }
        Ok(())
    }

    /// Shows the host key, consents, and returns the destination with the key pinned.
    async fn trust(&mut self, client: &Client) -> Result<Destination, CliError> {
        self.tell.step("An SFTP server that nobody knows yet shows its key before it gets the password")?;
        let mut sftp = SftpDestination {
            address: self.scene.sftp.address().to_string(),
            user_name: SFTP_USER.to_owned(),
            password: self.scene.password.expose().to_owned(),
            ..SftpDestination::default()
        };
        let test = |sftp: &SftpDestination, accept: &str| TestDestinationRequest {
            tenant_id: String::new(),
            target: Some(Target::Destination(to_destination(sftp))),
            accept_host_key: accept.to_owned(),
        };
        let first = client.test_destination(test(&sftp, "")).await?;
        let key = first.host_key.ok_or_else(|| CliError::failed("the SFTP server shows no host key"))?;
        expect(!first.ok && !key.trusted, "an unknown host key is refused")?;
        self.tell.say(&format!("{} {}", escape(&key.algorithm), escape(&key.fingerprint)))?;
        expect(key.fingerprint == self.scene.sftp.fingerprint(), "the key shown is the server's")?;
        expect(self.scene.sftp.login_attempts() == 0, "no login is tried before the key is trusted")?;
        self.tell.say("not trusted, so no login was tried. The demo knows this server and agrees:")?;
        let second = client.test_destination(test(&sftp, &key.fingerprint)).await?;
        let steps: Vec<_> = second.steps.iter().map(|step| escape(&step.name).into_owned()).collect();
        if !second.ok {
            let why = second.steps.iter().find(|step| !step.ok).map(|step| step.message.clone());
            return Err(CliError::failed(format!(
                "the destination does not work: {}",
                why.unwrap_or_default()
            )));
        }
        self.tell.good(&steps.join(", "))?;
        sftp.host_keys.push(key.fingerprint);
        Ok(to_destination(&sftp))
    }

    async fn export(&mut self, client: &Client, destination: Destination) -> Result<(), CliError> {
        self.tell.step("Two export jobs drop files there, whole or not at all")?;
        let json = export_format::Kind::JsonLines(JsonLinesFormat {});
        let csv = export_format::Kind::Csv(CsvFormat { header: true, ..CsvFormat::default() });
        let xflow = EventFilter {
            labels: [("product".to_owned(), "xflow".to_owned())].into(),
            ..EventFilter::default()
        };
        for (name, format, filter) in [("siem-json", json, None), ("xflow-csv", csv, Some(xflow))] {
            let job = ExportJob {
                name: name.to_owned(),
                filter,
                format: Some(ExportFormat { kind: Some(format) }),
                destination: Some(destination.clone()),
                national_id: NationalIdMode::Omit.into(),
                ..ExportJob::default()
            };
            let job = client.create_export_job(job).await?;
            let (files, events) = run_job(client, &job).await?;
            expect(files == 1, "each job drops one file")?;
            self.tell.good(&format!("job {name}: {events} events"))?;
        }
        self.show_files(&self.scene.drop_folder())?;
        Ok(())
    }

    fn show_files(&mut self, folder: &Path) -> Result<(), CliError> {
        let entries = fs::read_dir(folder)?.filter_map(Result::ok).map(|entry| entry.path());
        let mut files: Vec<_> = entries.filter(|path| path.is_file()).collect();
        files.sort();
        self.tell.say("")?;
        for file in files {
            let text = fs::read_to_string(&file)?;
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let (name, lines) = (self.tell.style().bold(&escape(&name)), text.lines().count());
            self.tell.say(&format!("{name}  {} bytes, {lines} lines", text.len()))?;
            for line in text.lines().take(2) {
                self.tell.quote(line)?;
            }
        }
        let manifests = fs::read_dir(folder.join(MANIFEST_DIRECTORY))?.count();
        self.tell.good(&format!(
            "{manifests} manifests in {MANIFEST_DIRECTORY}, with counts, positions and SHA-256"
        ))?;
        Ok(())
    }

    /// The events of a query, one line each.
    async fn query(&self, client: &Client, request: QueryEventsRequest) -> Result<Vec<String>, CliError> {
        let mut stream = client.query(request, Resume::Never);
        let mut lines = Vec::new();
        while let Some(message) = stream.next().await {
            let QueryItem::Events(events) = message?.item else { continue };
            for bytes in events {
                let width = self.tell.width().saturating_sub(4);
                lines.push(event_line(&decode_event(&bytes)?, width, self.tell.style()));
            }
        }
        Ok(lines)
    }
}

type Seen = mpsc::Receiver<Result<bytes::Bytes, CliError>>;

/// Follows the log of `default` after `head`. The channel is small: a slow narrator makes the subscriber wait.
fn follow(client: Client, head: u64) -> (tokio::task::JoinHandle<()>, Seen) {
    let (sender, seen) = mpsc::channel(16);
    let request = QueryEventsRequest {
        follow: true,
        start: Some(Start::AfterSequence(head)),
        ..QueryEventsRequest::default()
    };
    let task = tokio::spawn(async move {
        let mut stream = client.query(request, Resume::Attempts(3));
        while let Some(message) = stream.next().await {
            let events = match message {
                Ok(message) => match message.item {
                    QueryItem::Events(events) => events.into_iter().map(Ok).collect(),
                    _ => Vec::new(),
                },
                Err(error) => vec![Err(error.into())],
            };
            for event in events {
                if sender.send(event).await.is_err() {
                    return;
                }
            }
        }
    });
    (task, seen)
}

/// Files and events of a run.
async fn run_job(client: &Client, job: &ExportJob) -> Result<(u64, u64), CliError> {
    let mut run = client.run_export_job(&job.tenant_id, &job.job_id).await?;
    while let Some(step) = run.next().await? {
        if let Some(Kind::Result(result)) = step.kind {
            return Ok((result.files, result.events));
        }
    }
    Err(CliError::failed("the run ended without a result"))
}

fn to_destination(sftp: &SftpDestination) -> Destination {
    Destination { kind: Some(destination::Kind::Sftp(sftp.clone())) }
}

/// The demo shows what is true: a step that does not is a failure.
fn expect(holds: bool, what: &str) -> Result<(), CliError> {
    if holds {
        Ok(())
    } else {
        Err(CliError::failed_hint(format!("this should be so and is not: {what}"), "this is a bug in vidne"))
    }
}
