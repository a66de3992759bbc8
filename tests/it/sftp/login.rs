use opendal::{Error, ErrorKind};
use vidne::demo::sftp_server::Quirks;
use vidne::domain::secret::Secret;
use vidne::export::sftp::{
    AuthReason, ConnectError, Credentials, KeyError, PrivateKeyText, SftpConfig, UnreachableReason,
    connect_error, is_transient,
};

use super::target::{Demo, PASSWORD, USER, config, impatient, open, password_of, sshd, sshd_config};
use crate::support::processes::free_port;
use crate::support::sshd::{Login, Sshd};

async fn logs_in(config: SftpConfig) {
    open(config).list("/").await.unwrap();
}

async fn refused(config: SftpConfig) -> (ErrorKind, bool, ConnectError) {
    let error: Error = open(impatient(config)).list("/").await.unwrap_err();
    let told = connect_error(&error).unwrap_or_else(|| panic!("not a connect error: {error:?}"));
    assert!(!format!("{error:?}{told}").contains(PASSWORD), "the message holds the password");
    // The cause is only lent; a copy of what tests look at will do.
    let copy = match told {
        ConnectError::Auth { address, user, reason, offered } => ConnectError::Auth {
            address: address.clone(),
            user: user.clone(),
            reason: *reason,
            offered: offered.clone(),
        },
        ConnectError::Key(key) => ConnectError::Key(*key),
        ConnectError::Unreachable { address, reason, .. } => {
            ConnectError::Unreachable { address: address.clone(), reason: *reason, cause: None }
        }
        other => panic!("{other}"),
    };
    (error.kind(), is_transient(&error), copy)
}

#[tokio::test]
async fn openssh_lets_in_by_password() {
    let sshd = sshd();
    logs_in(sshd_config(&sshd)).await;
}

#[tokio::test]
async fn openssh_lets_in_by_keyboard_interactive_through_pam() {
    let sshd = Sshd::start(Login::KeyboardInteractive);
    logs_in(sshd_config(&sshd)).await;
}

#[tokio::test]
async fn openssh_refuses_a_wrong_answer_through_pam_for_good() {
    let sshd = Sshd::start(Login::KeyboardInteractive);
    let mut config = sshd_config(&sshd);
    config.credentials = Credentials::password(Secret::new("wrong"));
    let (kind, temporary, error) = refused(config).await;
    assert_eq!((kind, temporary), (ErrorKind::PermissionDenied, false));
    assert!(
        matches!(error, ConnectError::Auth { reason: AuthReason::Password | AuthReason::Question, .. }),
        "{error}"
    );
}

#[tokio::test]
async fn openssh_lets_in_by_every_kind_of_key() {
    let sshd = sshd();
    for (algorithm, passphrase) in [("ed25519", ""), ("rsa", ""), ("ecdsa", ""), ("ed25519", "open sesame")] {
        let pem = Secret::new(sshd.authorize_key(algorithm, passphrase));
        let passphrase = Some(Secret::new(passphrase)).filter(|secret| !secret.is_empty());
        let mut config = sshd_config(&sshd);
        config.credentials = Credentials::private_key(pem, passphrase);
        logs_in(config).await;
        std::fs::remove_file(sshd.landing_folder().join("../../user_ed25519")).ok();
    }
}

#[tokio::test]
async fn openssh_that_wants_key_and_password_gets_both() {
    let sshd = Sshd::start(Login::KeyAndPassword);
    let pem = Secret::new(sshd.authorize_key("ed25519", ""));
    let mut config = sshd_config(&sshd);
    config.credentials = Credentials::private_key(pem.clone(), None);
    let (_, _, error) = refused(config.clone()).await;
    assert!(matches!(error, ConnectError::Auth { reason: AuthReason::MoreNeeded, .. }), "{error}");
    config.credentials = password_of(&sshd.user);
    config.credentials.private_key = Some(PrivateKeyText { pem, passphrase: None });
    logs_in(config).await;
}

#[tokio::test]
async fn a_wrong_password_is_permanent_and_names_what_the_server_offers() {
    let sshd = sshd();
    let mut config = sshd_config(&sshd);
    config.credentials = Credentials::password(Secret::new("wrong"));
    let (kind, temporary, error) = refused(config).await;
    assert_eq!((kind, temporary), (ErrorKind::PermissionDenied, false));
    let ConnectError::Auth { reason: AuthReason::Password, offered, .. } = &error else { panic!("{error}") };
    assert!(offered.iter().any(|method| method == "publickey"), "{offered:?}");
}

#[tokio::test]
async fn a_key_nobody_installed_is_refused_as_such() {
    let sshd = sshd();
    let pem = Secret::new(sshd.authorize_key("ecdsa", ""));
    std::fs::write(sshd.landing_folder().join("../../authorized_keys"), "").unwrap();
    let mut config = sshd_config(&sshd);
    config.credentials = Credentials::private_key(pem, None);
    let (_, temporary, error) = refused(config).await;
    assert!(!temporary);
    assert!(matches!(error, ConnectError::Auth { reason: AuthReason::PrivateKey, .. }), "{error}");
}

#[tokio::test]
async fn a_key_without_its_passphrase_or_with_a_wrong_one_says_so() {
    let sshd = sshd();
    let pem = Secret::new(sshd.authorize_key("ed25519", "open sesame"));
    for (passphrase, expected) in
        [(None, KeyError::PassphraseMissing), (Some("open barley"), KeyError::PassphraseWrong)]
    {
        let mut config = sshd_config(&sshd);
        config.credentials = Credentials::private_key(pem.clone(), passphrase.map(Secret::new));
        let (kind, temporary, error) = refused(config).await;
        assert_eq!((kind, temporary), (ErrorKind::ConfigInvalid, false));
        assert!(matches!(&error, ConnectError::Key(key) if *key == expected), "{error}");
    }
}

#[tokio::test]
async fn a_password_is_not_sent_where_only_keys_are_taken() {
    let sshd = Sshd::start(Login::KeyAndPassword);
    let (_, _, error) = refused(sshd_config(&sshd)).await;
    assert!(matches!(error, ConnectError::Auth { reason: AuthReason::NotOffered, .. }), "{error}");
}

#[tokio::test]
async fn the_loopback_server_lets_in_by_password_and_by_keyboard_interactive() {
    for keyboard_interactive_only in [false, true] {
        let demo = Demo::start(Quirks { keyboard_interactive_only, ..Quirks::default() }).await;
        logs_in(demo.config()).await;
        let mut wrong = demo.config();
        wrong.credentials = Credentials::password(Secret::new("wrong"));
        let (kind, temporary, _) = refused(wrong).await;
        assert_eq!((kind, temporary), (ErrorKind::PermissionDenied, false));
        assert_eq!(demo.server.login_attempts(), 2, "each password is sent once");
    }
}

#[tokio::test]
async fn a_server_that_hangs_up_during_login_or_refuses_sftp_is_told_apart_from_a_wrong_password() {
    let hangs_up = Demo::start(Quirks { hangs_up_at_login: true, ..Quirks::default() }).await;
    let error = open(impatient(hangs_up.config())).list("/").await.unwrap_err();
    assert!(matches!(connect_error(&error), Some(ConnectError::ClosedDuringAuth { .. })), "{error:?}");
    assert!(is_transient(&error));
    let no_sftp = Demo::start(Quirks { refuses_sftp: true, ..Quirks::default() }).await;
    let error = open(no_sftp.config()).list("/").await.unwrap_err();
    assert!(matches!(connect_error(&error), Some(ConnectError::SubsystemRefused { .. })), "{error:?}");
    assert!(!is_transient(&error));
}

#[tokio::test]
async fn nobody_listening_is_temporary_and_said_so() {
    let pin = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".parse().unwrap();
    let nowhere = config(free_port(), USER, Credentials::password(Secret::new(PASSWORD)), vec![pin]);
    let (kind, temporary, error) = refused(nowhere).await;
    assert_eq!((kind, temporary), (ErrorKind::Unexpected, true));
    assert!(matches!(error, ConnectError::Unreachable { reason: UnreachableReason::Refused, .. }), "{error}");
}

#[tokio::test]
async fn a_name_nobody_knows_is_permanent() {
    let pin = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".parse().unwrap();
    let mut nowhere = config(22, USER, Credentials::password(Secret::new(PASSWORD)), vec![pin]);
    nowhere.address = "no-such-host.invalid".parse().unwrap();
    let (_, temporary, error) = refused(nowhere).await;
    assert!(!temporary);
    assert!(
        matches!(error, ConnectError::Unreachable { reason: UnreachableReason::NameUnknown, .. }),
        "{error}"
    );
}
