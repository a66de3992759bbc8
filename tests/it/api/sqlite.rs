//! A server on a data folder of its own.

use std::{path::Path, sync::Arc};

use vidne::{
    app::{self, Io, Listeners, Running, StartError},
    codec::proto::v1::{self, get_event_request::Key},
    domain::time::SystemClock,
};

use super::{Server, connect, event, settings};

async fn start(folder: &Path, more: &[(&'static str, &str)]) -> Result<Running, StartError> {
    let folder = folder.join("data").to_str().unwrap().to_owned();
    let settings = settings(&[&[("data_dir", folder.as_str())], more].concat());
    let listeners = Listeners::bind(&settings.server).await.unwrap();
    app::start(&settings, Io { clock: Arc::new(SystemClock), listeners }).await
}

async fn stop(running: Running) {
    running.stop.cancel();
    running.join().await.unwrap();
}

#[tokio::test]
async fn events_and_key_are_still_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let running = start(folder.path(), &[]).await.unwrap();
    let server = Server { channel: connect(&running).await, running };
    server.record(event()).await.unwrap();
    stop(server.running).await;

    let running = start(folder.path(), &[]).await.unwrap();
    let server = Server { channel: connect(&running).await, running };
    let request = v1::GetEventRequest { key: Some(Key::Sequence(1)), ..Default::default() };
    assert!(server.audit().get_event(request).await.unwrap().into_inner().event.is_some());
    stop(server.running).await;
}

#[tokio::test]
async fn a_folder_that_another_server_holds_is_refused_in_plain_words() {
    let folder = tempfile::tempdir().unwrap();
    let running = start(folder.path(), &[]).await.unwrap();
    let error = start(folder.path(), &[]).await.unwrap_err().to_string();
    assert!(error.contains("in use by another vidne server"), "{error}");
    stop(running).await;
    stop(start(folder.path(), &[]).await.unwrap()).await;
}

#[tokio::test]
async fn a_server_with_another_key_is_refused_in_plain_words() {
    let folder = tempfile::tempdir().unwrap();
    stop(start(folder.path(), &[]).await.unwrap()).await;
    let other = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let error = start(folder.path(), &[("keys.key", other)]).await.unwrap_err();
    assert!(matches!(error, StartError::OtherKey { .. }), "{error}");
    let error = error.to_string();
    assert!(error.contains("another key") && !error.contains(other), "{error}");
}

#[tokio::test]
async fn a_server_with_a_key_of_the_environment_makes_no_key_file() {
    let folder = tempfile::tempdir().unwrap();
    let key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    stop(start(folder.path(), &[("keys.key", key)]).await.unwrap()).await;
    assert!(!folder.path().join("data/vidne.key").exists());
    let error = start(folder.path(), &[]).await.unwrap_err();
    assert!(matches!(error, StartError::OtherKey { .. }), "{error}");
}
