use std::time::{Duration, Instant};

use futures::TryStreamExt;
use opendal::{Error, Operator};
use vidne::demo::sftp_server::Quirks;
use vidne::export::sftp::{SftpBuilder, SftpError, is_transient, sftp_error};

use super::target::{Demo, impatient, open, sshd, sshd_config};

const MIB: usize = 1024 * 1024;

/// Writes until that fails; the window lets some writes pass after a break.
async fn write_until_it_fails(writer: &mut opendal::Writer) -> Error {
    for _ in 0..64 {
        if let Err(error) = writer.write(vec![7; MIB]).await {
            return error;
        }
    }
    panic!("64 MiB went through a dead connection");
}

#[tokio::test]
async fn a_connection_killed_during_an_upload_fails_it_and_the_next_operation_reconnects() {
    let sshd = sshd();
    let operator = open(sshd_config(&sshd));
    let mut writer = operator.writer("big.part").await.unwrap();
    writer.write(vec![7; 4 * MIB]).await.unwrap();
    sshd.server.signal_sessions("KILL");
    let error = write_until_it_fails(&mut writer).await;
    assert!(matches!(sftp_error(&error), Some(SftpError::Lost { .. })), "{error:?}");
    assert!(!error.is_temporary(), "a repeated write would double its bytes");
    assert!(is_transient(&error), "the whole upload may be repeated");

    operator.write("after", "reconnected").await.unwrap();
    assert!(operator.exists("big.part").await.unwrap(), "the server keeps the partial file");
    writer.abort().await.unwrap();
    assert!(!operator.exists("big.part").await.unwrap());
}

#[tokio::test]
async fn a_download_goes_on_where_its_connection_was_killed() {
    let sshd = sshd();
    let operator = open(sshd_config(&sshd));
    let sent: Vec<u8> = (0..20 * MIB).map(|at| (at % 251) as u8).collect();
    operator.write("big", sent.clone()).await.unwrap();
    let mut stream = operator.reader("big").await.unwrap().into_bytes_stream(..).await.unwrap();
    let mut read = stream.try_next().await.unwrap().unwrap().to_vec();
    sshd.server.signal_sessions("KILL");
    while let Some(more) = stream.try_next().await.unwrap() {
        read.extend_from_slice(&more);
    }
    assert!(read == sent, "{} bytes differ", read.len());
}

#[tokio::test]
async fn a_failed_writer_refuses_every_later_call() {
    let sshd = sshd();
    let operator = Operator::new(SftpBuilder::new(sshd_config(&sshd))).unwrap();
    let mut writer = operator.writer("big.part").await.unwrap();
    writer.write(vec![7; MIB]).await.unwrap();
    sshd.server.signal_sessions("KILL");
    write_until_it_fails(&mut writer).await;
    for _ in 0..2 {
        let refused = writer.write(vec![7; 1]).await.unwrap_err();
        assert!(!refused.is_temporary());
        assert!(refused.to_string().contains("start the upload again"), "{refused}");
    }
    assert!(writer.close().await.is_err());
}

#[tokio::test]
async fn a_writer_whose_call_was_dropped_refuses_every_later_call() {
    let sshd = sshd();
    let operator = Operator::new(SftpBuilder::new(sshd_config(&sshd))).unwrap();
    let mut writer = operator.writer("big.part").await.unwrap();
    writer.write(vec![7; MIB]).await.unwrap();
    sshd.server.signal_sessions("STOP");
    let given_up = tokio::time::timeout(Duration::from_millis(100), writer.write(vec![7; 16 * MIB])).await;
    assert!(given_up.is_err(), "a stopped server cannot have taken it all");
    sshd.server.signal_sessions("CONT");
    let refused = writer.write(vec![7; 1]).await.unwrap_err();
    assert!(refused.to_string().contains("start the upload again"), "{refused}");
}

#[tokio::test]
async fn a_frozen_server_times_out_and_loses_its_connection() {
    let sshd = sshd();
    let operator = open(impatient(sshd_config(&sshd)));
    operator.write("before", "1").await.unwrap();
    sshd.server.signal_sessions("STOP");
    let started = Instant::now();
    let error = operator.stat("before").await.unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    assert!(matches!(sftp_error(&error), Some(SftpError::TimedOut { .. })), "{error:?}");
    assert!(is_transient(&error));
    // The frozen session is still there; this one is new.
    assert_eq!(operator.stat("before").await.unwrap().content_length(), 1);
}

#[tokio::test]
async fn a_frozen_server_is_got_around_by_a_retry() {
    let sshd = sshd();
    let mut config = impatient(sshd_config(&sshd));
    config.limits.retries = 2;
    let operator = open(config);
    operator.write("before", "1").await.unwrap();
    sshd.server.signal_sessions("STOP");
    assert_eq!(operator.stat("before").await.unwrap().content_length(), 1);
}

#[tokio::test]
async fn an_upload_to_a_frozen_server_fails_for_good() {
    let sshd = sshd();
    let operator = open(impatient(sshd_config(&sshd)));
    let mut writer = operator.writer("big.part").await.unwrap();
    writer.write(vec![7; MIB]).await.unwrap();
    sshd.server.signal_sessions("STOP");
    let error = write_until_it_fails(&mut writer).await;
    assert!(matches!(sftp_error(&error), Some(SftpError::TimedOut { .. })), "{error:?}");
    assert!(!error.is_temporary());
}

#[tokio::test]
async fn an_upload_may_begin_while_the_server_is_still_away() {
    let demo = Demo::start(Quirks::default()).await;
    let mut config = impatient(demo.config());
    let (folder, address) = (demo.folder.path().to_owned(), demo.server.address());
    config.address = format!("127.0.0.1:{}", crate::support::processes::free_port()).parse().unwrap();
    let operator = Operator::new(SftpBuilder::new(config)).unwrap();
    let mut writer = operator.writer("x").await.unwrap();
    for _ in 0..2 {
        // Nothing was sent yet, so this may be repeated: the true cause comes back each time.
        let error = writer.write("1").await.unwrap_err();
        assert!(error.is_temporary() && vidne::export::sftp::connect_error(&error).is_some(), "{error:?}");
    }
    assert!(!folder.join("x").exists() && address.port() != 0);
}
