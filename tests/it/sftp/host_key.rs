use std::time::Duration;

use opendal::ErrorKind;
use tokio::net::TcpListener;
use vidne::demo::sftp_server::Quirks;
use vidne::export::sftp::{
    ConnectError, HostKeyPin, SftpLimits, UnreachableReason, connect_error, presented_host_key,
};

use super::target::{Demo, impatient, open, sshd, sshd_config};

const OTHER: &str = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

#[tokio::test]
async fn a_wrong_or_missing_pin_stops_before_any_secret_is_sent() {
    let demo = Demo::start(Quirks::default()).await;
    let pins: [Vec<HostKeyPin>; 2] = [vec![OTHER.parse().unwrap()], vec![]];
    for pins in pins {
        let mut config = demo.config();
        config.host_keys = pins.clone();
        let error = open(config).list("/").await.unwrap_err();
        assert_eq!((error.kind(), error.is_temporary()), (ErrorKind::PermissionDenied, false));
        let Some(ConnectError::HostKey { presented, expected, .. }) = connect_error(&error) else {
            panic!("{error:?}")
        };
        assert_eq!(presented.fingerprint, demo.server.fingerprint());
        assert_eq!(presented.algorithm, "ssh-ed25519");
        assert_eq!(expected.len(), pins.len());
    }
    assert_eq!(demo.server.login_attempts(), 0);
}

#[tokio::test]
async fn every_kind_of_pin_is_accepted_by_openssh() {
    let sshd = sshd();
    for pin in [sshd.fingerprint("ed25519"), sshd.known_hosts_line("ed25519"), sshd.known_hosts_line("rsa")] {
        let mut config = sshd_config(&sshd);
        config.host_keys = vec![OTHER.parse().unwrap(), pin.parse().unwrap()];
        if !pin.starts_with("SHA256:") {
            // A fingerprint beside it would allow every algorithm again.
            config.host_keys.remove(0);
        }
        open(config).list("/").await.unwrap();
    }
}

#[tokio::test]
async fn a_changed_key_of_the_pinned_algorithm_is_refused_by_openssh_too() {
    let (sshd, other) = (sshd(), sshd());
    let mut config = sshd_config(&sshd);
    config.host_keys = vec![other.known_hosts_line("rsa").parse().unwrap()];
    let error = open(config).list("/").await.unwrap_err();
    let Some(ConnectError::HostKey { presented, .. }) = connect_error(&error) else { panic!("{error:?}") };
    assert_eq!(presented.fingerprint, sshd.fingerprint("rsa"));
}

#[tokio::test]
async fn the_presented_key_is_shown_without_logging_in() {
    let demo = Demo::start(Quirks::default()).await;
    let limits = SftpLimits::default();
    let shown = presented_host_key(&demo.config().address, &limits).await.unwrap();
    assert_eq!(shown.fingerprint, demo.server.fingerprint());
    assert_eq!(demo.server.login_attempts(), 0);
    let sshd = sshd();
    let shown = presented_host_key(&sshd_config(&sshd).address, &limits).await.unwrap();
    assert_eq!(shown.fingerprint, sshd.fingerprint("ed25519"));
}

#[tokio::test]
async fn a_port_that_accepts_and_says_nothing_times_out() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap().to_string().parse().unwrap();
    let limits = SftpLimits { connect_timeout: Duration::from_millis(200), ..SftpLimits::default() };
    let error = presented_host_key(&address, &limits).await.unwrap_err();
    assert!(
        matches!(error, ConnectError::Unreachable { reason: UnreachableReason::TimedOut { .. }, .. }),
        "{error}"
    );
    assert!(error.is_temporary());
}

#[tokio::test]
async fn a_server_that_is_not_ssh_is_not_waited_for_for_ever() {
    let demo = Demo::start(Quirks::default()).await;
    let web = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = impatient(demo.config());
    config.address = web.local_addr().unwrap().to_string().parse().unwrap();
    config.limits.connect_timeout = Duration::from_secs(2);
    let answer = async {
        let (mut socket, _) = web.accept().await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut socket, b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
    };
    let operator = open(config);
    let (error, ()) = tokio::join!(operator.list("/"), answer);
    let error = error.unwrap_err();
    assert!(connect_error(&error).is_some(), "{error:?}");
}
