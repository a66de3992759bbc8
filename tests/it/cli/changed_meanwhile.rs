//! Two changes of an export job in one moment: somebody else's comes between what `vidne export update` reads and what it
//! writes.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use prost_types::FieldMask;
use tokio::{net::TcpListener, task::block_in_place};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{
    body::Body,
    codegen::{BoxFuture, Context, Poll, Service, http},
    server::NamedService,
    transport::{self, Channel},
};
use vidne::{client::proto::export_service_client::ExportServiceClient, codec::proto::v1};

use super::program::{Run, client, command, run_with};
use crate::support::server::Server;

/// Passes calls about export jobs on to a server, and changes the job right before an update if it is told to.
#[derive(Clone)]
struct Between {
    server: Channel,
    /// Updates that are still to be come before.
    left: Arc<AtomicUsize>,
    updates: Arc<AtomicUsize>,
}

impl NamedService for Between {
    const NAME: &'static str = "vidne.v1.ExportService";
}

impl Service<http::Request<Body>> for Between {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let between = self.clone();
        Box::pin(async move {
            if request.uri().path().ends_with("/UpdateExportJob") {
                between.updates.fetch_add(1, SeqCst);
                if between.left.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok() {
                    between.change().await;
                }
            }
            let mut server = between.server;
            std::future::poll_fn(|context| server.poll_ready(context)).await.unwrap();
            Ok(server.call(request).await.unwrap())
        })
    }
}

impl Between {
    /// Somebody else lets each file hold one event more.
    async fn change(&self) {
        let mut exports = ExportServiceClient::new(self.server.clone());
        let request = v1::GetExportJobRequest { job_id: "siem".to_owned(), ..Default::default() };
        let mut job = exports.get_export_job(request).await.unwrap().into_inner().job.unwrap();
        let limits = job.file_limits.get_or_insert_default();
        limits.max_events = Some(limits.max_events.unwrap() + 1);
        let update_mask = Some(FieldMask { paths: vec!["file_limits".to_owned()] });
        let request = v1::UpdateExportJobRequest { job: Some(job), update_mask, revision: 0 };
        exports.update_export_job(request).await.unwrap();
    }

    /// `vidne export update` while the next `changes` updates come too late.
    async fn update(&self, address: &str, changes: usize, flags: &[&str]) -> (Run, usize) {
        self.left.store(changes, SeqCst);
        let before = self.updates.load(SeqCst);
        let mut update = command(&[&["export", "update", "siem"], flags].concat());
        let run = block_in_place(|| run_with(update.env("VIDNE_SERVER", address), ""));
        (run, self.updates.load(SeqCst) - before)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_comes_in_between_is_kept_and_an_update_that_may_try_again_adds_to_it() {
    let server = block_in_place(Server::on_sqlite);
    let create = ["export", "create", "--name", "siem", "--fs", "in", "--manual", "--max-events", "5"];
    block_in_place(|| client(&server, &create).ok());
    let channel = transport::Endpoint::from_shared(server.endpoint()).unwrap().connect().await.unwrap();
    let between = Between { server: channel, left: Arc::default(), updates: Arc::default() };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let incoming = TcpListenerStream::new(listener);
    tokio::spawn(transport::Server::builder().add_service(between.clone()).serve_with_incoming(incoming));
    let limits = || {
        let job =
            block_in_place(|| client(&server, &["export", "get", "siem", "--json"]).ok().json().remove(0));
        let number = |name: &str| job["file_limits"][name].as_u64().unwrap();
        (number("max_events"), number("max_bytes"), job["revision"].as_u64().unwrap())
    };
    let (_, bytes, _) = limits();

    let (refused, updates) = between.update(&address, 1, &["--max-bytes", "9000"]).await;
    assert_eq!((refused.code, updates), (1, 1), "{}", refused.err);
    assert!(refused.err.contains("--retry"), "{}", refused.err);
    assert_eq!(limits(), (6, bytes, 2));

    let (changed, updates) = between.update(&address, 2, &["--max-bytes", "9000", "--retry"]).await;
    assert_eq!(updates, 3, "{}", changed.ok().out);
    assert_eq!(limits(), (8, 9_000, 5), "both changes");

    let (tired, updates) = between.update(&address, usize::MAX, &["--max-bytes", "7000", "--retry"]).await;
    assert_eq!((tired.code, updates), (1, 11), "{}", tired.err);
    assert_eq!(limits(), (19, 9_000, 16));
}
