//! Files in a bucket of Google's, on a test server that keeps to the one condition that vidne relies on: `vidne` itself,
//! as a process, since Google gives tokens at one address only.

use std::{
    collections::BTreeMap,
    thread,
    time::{Duration, Instant},
};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use opendal::{HttpTransporter, OperationContext, Operator, services::Gcs as Service};
use opendal_http_transport_reqwest::ReqwestTransport;
use tokio::task::{block_in_place, spawn_blocking};

use super::bed::sequences;
use crate::{
    cli::program::{Run, client, client_with},
    support::{
        effort::{random, rounds},
        gcs::{CONSUMER, Gcs},
        server::Server,
    },
};

const EVENTS: usize = 6;
const AT_ONCE: usize = 4;
/// For everything that takes as long as the machine likes.
const PATIENCE: Duration = Duration::from_secs(120);
/// Until a job is asked for again whose lease somebody has.
const AGAIN: Duration = Duration::from_millis(250);

struct Site {
    gcs: Gcs,
    server: Server,
}

impl Site {
    /// With events for two files.
    fn new() -> Self {
        block_in_place(|| {
            let gcs = Gcs::start();
            let server = Server::with_environment(&[], gcs.environment());
            let events = "{\"type\":\"RECORD_READ\"}\n".repeat(EVENTS);
            client_with(&server, &["record", "--file", "-"], &events).ok();
            Self { gcs, server }
        })
    }

    fn export(&self, arguments: &[&str]) -> Run {
        client(&self.server, &[&["export"], arguments].concat())
    }

    /// A job for a folder of its own name.
    fn create(&self, bucket: &str, name: &str) -> Run {
        let (endpoint, key) = (self.gcs.endpoint(), self.gcs.key_file());
        let place = ["--gcs", bucket, "--endpoint", &endpoint, "--directory", name, "--secret-file", &key];
        let files = ["--type", "read", "--max-events", "4", "--no-manifest", "--manual", "--untested"];
        let named = ["--name-template", "{id}-{first}-{last}", "--json"];
        self.export(&[&["create", "--name", name][..], &place, &files, &named].concat())
    }

    /// A run to its end, once a busy machine lets it. How many files were left for it to make.
    fn run_well(&self, name: &str) -> u64 {
        let end = Instant::now() + PATIENCE;
        loop {
            let run = self.export(&["run", name, "--json"]);
            if run.code == 0 {
                return run.json().last().unwrap()["result"]["files"].as_u64().unwrap();
            }
            let busy = ["run by somebody else", "no connection", "database cannot be reached"];
            assert!(busy.iter().any(|busy| run.err.contains(busy)), "{name}: {}", run.err);
            assert!(Instant::now() < end, "{name} is busy for {PATIENCE:?}: {}", run.err);
            thread::sleep(AGAIN);
        }
    }

    /// The bucket as anybody else sees it.
    fn bucket(&self, name: &str) -> Operator {
        let service = Service::default()
            .disable_config_load()
            .disable_vm_metadata()
            .bucket(name)
            .endpoint(&self.gcs.endpoint())
            .token(CONSUMER.to_owned());
        // This may be the first client of the process; it fails if there is one already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let transport = HttpTransporter::new(ReqwestTransport::default());
        Operator::new(service).unwrap().with_context(OperationContext::new().with_http_transport(transport))
    }

    /// What a job has published is what the log has, each event once, and nothing else is in its folder.
    async fn check(&self, bucket: &str, name: &str) {
        let found = objects(&self.bucket(bucket), name).await;
        let files = block_in_place(|| self.export(&["files", name, "--json"]).ok().json());
        let mut names: Vec<_> = files.iter().map(|file| file["name"].as_str().unwrap()).collect();
        names.sort_unstable();
        assert_eq!(found.keys().collect::<Vec<_>>(), names, "{name}");
        let got: Vec<u64> = found.values().flat_map(|bytes| sequences(bytes)).collect();
        assert_eq!(got, (1..=EVENTS as u64).collect::<Vec<_>>(), "{name}");
        assert_eq!(files.len(), 2, "{name}");
    }
}

async fn objects(bucket: &Operator, directory: &str) -> BTreeMap<String, Vec<u8>> {
    let entries: Vec<_> = bucket.lister(&format!("{directory}/")).await.unwrap().try_collect().await.unwrap();
    let mut all = BTreeMap::new();
    for entry in entries.into_iter().filter(|entry| !entry.name().ends_with('/')) {
        all.insert(entry.name().to_owned(), bucket.read(entry.path()).await.unwrap().to_vec());
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn g5_whatever_answer_of_google_is_lost_each_event_is_in_one_object() {
    let site = std::sync::Arc::new(Site::new());
    // No run has so many requests.
    let undisturbed = "after-1000";
    block_in_place(|| {
        site.create("siem", undisturbed).ok();
        site.run_well(undisturbed);
    });
    // Before the consumer's own come to them.
    let requests = site.gcs.requests()[undisturbed];
    site.check("siem", undisturbed).await;
    assert!(requests > 15, "{requests}");
    let every = rounds(5, 1) as usize;
    let first = random("an answer of Google's").below(every as u64) as usize;
    let numbers = (1..=requests).skip(first).step_by(every);
    let folders = numbers.flat_map(|number| ["before", "after"].map(|when| format!("{when}-{number}")));
    let harmed: Vec<String> = folders.collect();
    let runs = harmed.iter().cloned().map(|name| {
        let site = site.clone();
        spawn_blocking(move || {
            site.create("siem", &name).ok();
            // It may be tried again within the run, or fail.
            site.export(&["run", &name]);
            site.run_well(&name);
            assert_eq!(site.run_well(&name), 0, "{name}: the same events again");
        })
    });
    stream::iter(runs).buffer_unordered(AT_ONCE).try_collect::<Vec<()>>().await.unwrap();
    for name in &harmed {
        let (_, number) = name.split_once('-').unwrap();
        assert!(site.gcs.requests()[name] >= number.parse().unwrap(), "{name} was not harmed");
        site.check("siem", name).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g5_an_object_of_google_with_the_files_name_is_never_replaced() {
    let site = Site::new();
    let bucket = site.bucket("siem");
    let id = block_in_place(|| site.create("siem", "in").ok().json()[0]["job_id"].clone());
    let taken = format!("in/{}-{:020}-{:020}.jsonl", id.as_str().unwrap(), 1, 4);
    bucket.write(&taken, "theirs").await.unwrap();
    let failed = block_in_place(|| site.export(&["run", "in"]));
    assert_eq!(failed.code, 1, "{}", failed.out);
    assert_eq!(bucket.read(&taken).await.unwrap().to_vec(), b"theirs", "{}", failed.err);
    bucket.delete(&taken).await.unwrap();
    block_in_place(|| site.run_well("in"));
    site.check("siem", "in").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_of_google_that_replaces_objects_is_refused_and_one_that_cannot_compose_is_uploaded_to() {
    let site = Site::new();
    let (failed, tested) = block_in_place(|| {
        site.create("ignores", "in").ok();
        (site.export(&["run", "in"]), site.export(&["test", "in"]))
    });
    assert!(failed.code == 1 && failed.err.contains("replaces objects"), "{}", failed.err);
    assert!(tested.code == 1, "{}", tested.out);
    assert_eq!(objects(&site.bucket("ignores"), "in").await, BTreeMap::new());

    for bucket in ["composes-over", "mumbles"] {
        block_in_place(|| {
            site.create(bucket, bucket).ok();
            site.run_well(bucket);
        });
        site.check(bucket, bucket).await;
    }
}
