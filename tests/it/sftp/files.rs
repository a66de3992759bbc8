use futures::TryStreamExt;
use opendal::{EntryMode, ErrorKind, Operator};
use sha2::{Digest, Sha256};
use vidne::demo::sftp_server::Quirks;

use super::target::{Demo, open, proftpd_config, sshd, sshd_config};
use crate::support::proftpd::Proftpd;

const MIB: usize = 1024 * 1024;

/// Bytes that repeat at no power of two, so that a piece in a wrong place shows.
fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % 251) as u8 ^ (at / 65_537) as u8).collect()
}

async fn paths(operator: &Operator, folder: &str) -> Vec<String> {
    let mut paths: Vec<String> =
        operator.list(folder).await.unwrap().into_iter().map(|entry| entry.path().to_owned()).collect();
    paths.sort();
    paths
}

/// What a destination must be able to do, on any server.
async fn does_the_whole_job(operator: &Operator) {
    // Twenty megabytes there and back, in pieces that fit no packet.
    let sent = bytes(20 * MIB);
    let mut writer = operator.writer_with("big.bin").if_not_exists(true).await.unwrap();
    for piece in sent.chunks(777_777) {
        writer.write(piece.to_vec()).await.unwrap();
    }
    assert_eq!(writer.close().await.unwrap().content_length(), sent.len() as u64);
    let read = operator.read("big.bin").await.unwrap().to_vec();
    assert_eq!(Sha256::digest(&read), Sha256::digest(&sent));
    let stat = operator.stat("big.bin").await.unwrap();
    assert_eq!((stat.mode(), stat.content_length()), (EntryMode::FILE, sent.len() as u64));
    assert!(stat.last_modified().is_some());

    // Ranges, streamed and not.
    let middle = operator.read_with("big.bin").range(1_000_000..3_500_000).await.unwrap().to_vec();
    assert_eq!(middle, &sent[1_000_000..3_500_000]);
    let tail = operator.reader("big.bin").await.unwrap().into_bytes_stream((sent.len() as u64 - 10)..).await;
    let tail: Vec<u8> = tail.unwrap().try_collect::<Vec<_>>().await.unwrap().concat();
    assert_eq!(tail, &sent[sent.len() - 10..]);

    // A new file only, and an empty one in place of another.
    let taken = operator.write_with("big.bin", "x").if_not_exists(true).await.unwrap_err();
    assert_eq!(taken.kind(), ErrorKind::ConditionNotMatch);
    assert_eq!(operator.stat("big.bin").await.unwrap().content_length(), sent.len() as u64);
    operator.write("big.bin", "short").await.unwrap();
    assert_eq!(operator.read("big.bin").await.unwrap().to_vec(), b"short");
    operator.write("empty", "").await.unwrap();
    assert_eq!(operator.stat("empty").await.unwrap().content_length(), 0);

    // Folders.
    operator.create_dir("a/b/c/").await.unwrap();
    operator.create_dir("a/b/c/").await.unwrap();
    assert!(operator.stat("a/b/c/").await.unwrap().is_dir());
    assert_eq!(operator.create_dir("big.bin/").await.unwrap_err().kind(), ErrorKind::Unexpected);
    operator.write("d/e/new.txt", "parents are made").await.unwrap();
    assert_eq!(paths(operator, "/").await, ["/", "a/", "big.bin", "d/", "empty"]);
    assert_eq!(paths(operator, "d/e/").await, ["d/e/", "d/e/new.txt"]);
    assert!(operator.list("no/such/").await.unwrap().is_empty());
    let all = operator.list_with("/").recursive(true).await.unwrap();
    assert!(all.iter().any(|entry| entry.path() == "d/e/new.txt"));

    // Deleting.
    operator.delete("empty").await.unwrap();
    operator.delete("empty").await.unwrap();
    assert_eq!(operator.stat("empty").await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(operator.read("empty").await.unwrap_err().kind(), ErrorKind::NotFound);
    operator.delete_with("a/").recursive(true).await.unwrap();
    operator.delete_with("d/").recursive(true).await.unwrap();
    assert_eq!(paths(operator, "/").await, ["/", "big.bin"]);
}

#[tokio::test]
async fn the_loopback_server_does_the_whole_job() {
    let demo = Demo::start(Quirks::default()).await;
    does_the_whole_job(&open(demo.config())).await;
}

#[tokio::test]
async fn openssh_does_the_whole_job() {
    let sshd = sshd();
    does_the_whole_job(&open(sshd_config(&sshd))).await;
}

#[tokio::test]
async fn proftpd_does_the_whole_job() {
    let proftpd = Proftpd::start();
    does_the_whole_job(&open(proftpd_config(&proftpd))).await;
}

#[tokio::test]
async fn a_relative_root_is_where_the_login_lands_and_an_absolute_one_is_not() {
    let sshd = sshd();
    std::fs::create_dir(sshd.landing_folder().join("drop")).unwrap();
    std::os::unix::fs::chown(sshd.landing_folder().join("drop"), Some(user_id(&sshd.landing_folder())), None)
        .unwrap();
    open(sshd_config(&sshd)).write("here", "1").await.unwrap();
    open(sshd_config(&sshd).with_root("drop")).write("there", "2").await.unwrap();
    let absolute = open(sshd_config(&sshd).with_root("/in/drop/"));
    assert_eq!(absolute.read("there").await.unwrap().to_vec(), b"2");
    assert_eq!(std::fs::read(sshd.landing_folder().join("here")).unwrap(), b"1");
    assert_eq!(std::fs::read(sshd.landing_folder().join("drop/there")).unwrap(), b"2");
    let missing = open(sshd_config(&sshd).with_root("typo"));
    assert_eq!(missing.write("x", "1").await.unwrap_err().kind(), ErrorKind::NotFound);
    assert!(!sshd.landing_folder().join("typo").exists(), "the root itself is never made");
}

fn user_id(path: &std::path::Path) -> u32 {
    std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(path).unwrap())
}

#[tokio::test]
async fn more_than_128_files_are_open_at_once_on_openssh() {
    const FILES: usize = 150;
    let sshd = sshd();
    let operator = open(sshd_config(&sshd));
    operator.list("/").await.unwrap();
    let session = sshd.server.sessions();
    let mut writers = Vec::new();
    for number in 0..FILES {
        let mut writer = operator.writer(&format!("{number}")).await.unwrap();
        writer.write(format!("content of {number}")).await.unwrap();
        writers.push(writer);
    }
    for mut writer in writers {
        writer.close().await.unwrap();
    }
    assert_eq!(sshd.server.sessions(), session, "all went through one session");
    for number in 0..FILES {
        let content = std::fs::read_to_string(sshd.landing_folder().join(number.to_string())).unwrap();
        assert_eq!(content, format!("content of {number}"));
    }
}

#[tokio::test]
async fn a_latin_1_file_name_does_not_break_the_listing() {
    use std::os::unix::ffi::OsStrExt;
    let sshd = sshd();
    let name = std::ffi::OsStr::from_bytes(b"b\xe6rnefil");
    std::fs::write(sshd.landing_folder().join(name), "x").unwrap();
    let operator = open(sshd_config(&sshd));
    operator.write("plain", "y").await.unwrap();
    assert_eq!(paths(&operator, "/").await, ["/", "b\u{fffd}rnefil", "plain"]);
}

#[tokio::test]
async fn no_path_leads_out_of_the_loopback_server() {
    let demo = Demo::start(Quirks::default()).await;
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("secret"), "s").unwrap();
    std::os::unix::fs::symlink(outside.path(), demo.folder.path().join("link")).unwrap();
    let operator = open(demo.config());
    assert_eq!(operator.read("link/secret").await.unwrap_err().kind(), ErrorKind::PermissionDenied);
    assert_eq!(operator.write("link/new", "x").await.unwrap_err().kind(), ErrorKind::PermissionDenied);
    assert_eq!(operator.read("../secret").await.unwrap_err().kind(), ErrorKind::ConfigInvalid);
    assert!(!outside.path().join("new").exists());
}

#[tokio::test]
async fn a_server_that_refuses_everything_is_a_permission_error() {
    let demo = Demo::start(Quirks { refuses_everything: true, ..Quirks::default() }).await;
    let operator = open(demo.config());
    for error in [
        operator.write("x", "1").await.unwrap_err(),
        operator.read("x").await.unwrap_err(),
        operator.list("/").await.unwrap_err(),
        operator.rename("x", "y").await.unwrap_err(),
    ] {
        assert_eq!((error.kind(), error.is_temporary()), (ErrorKind::PermissionDenied, false));
    }
}
