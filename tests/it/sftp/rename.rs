use opendal::{Error, ErrorKind, Operator};
use vidne::demo::sftp_server::Quirks;
use vidne::export::sftp::{SftpError, Status, sftp_error};

use super::target::{Demo, open, proftpd_config, sshd, sshd_config};
use crate::support::proftpd::Proftpd;

async fn content(operator: &Operator, path: &str) -> Vec<u8> {
    operator.read(path).await.unwrap().to_vec()
}

async fn publishes_without_replacing(operator: &Operator) {
    operator.write(".new.part", "new").await.unwrap();
    operator.write("published", "old").await.unwrap();
    let refused = operator.rename_with(".new.part", "published").if_not_exists(true).await.unwrap_err();
    assert_eq!((refused.kind(), refused.is_temporary()), (ErrorKind::ConditionNotMatch, false), "{refused}");
    assert_eq!(content(operator, "published").await, b"old");
    assert_eq!(content(operator, ".new.part").await, b"new");
    operator.rename_with(".new.part", "fresh").if_not_exists(true).await.unwrap();
    assert_eq!(content(operator, "fresh").await, b"new");
    assert_eq!(operator.stat(".new.part").await.unwrap_err().kind(), ErrorKind::NotFound);
    let missing = operator.rename_with(".new.part", "other").if_not_exists(true).await.unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    operator.rename_with("fresh", "x/y/fresh").if_not_exists(true).await.unwrap();
    assert_eq!(content(operator, "x/y/fresh").await, b"new");
}

async fn replaces_when_asked_to(operator: &Operator) {
    operator.write("from", "new").await.unwrap();
    operator.write("to", "old").await.unwrap();
    operator.rename("from", "to").await.unwrap();
    assert_eq!(content(operator, "to").await, b"new");
    assert_eq!(operator.stat("from").await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn openssh_never_replaces_unless_asked_to() {
    let sshd = sshd();
    let operator = open(sshd_config(&sshd));
    publishes_without_replacing(&operator).await;
    replaces_when_asked_to(&operator).await;
}

#[tokio::test]
async fn proftpd_never_replaces_unless_asked_to() {
    let proftpd = Proftpd::start();
    let operator = open(proftpd_config(&proftpd));
    publishes_without_replacing(&operator).await;
    replaces_when_asked_to(&operator).await;
}

#[tokio::test]
async fn no_quirk_makes_the_loopback_server_replace() {
    for quirks in [
        Quirks::default(),
        Quirks { rename_replaces: true, ..Quirks::default() },
        Quirks { rename_answers_code_11: true, ..Quirks::default() },
    ] {
        let demo = Demo::start(quirks).await;
        publishes_without_replacing(&open(demo.config())).await;
    }
}

/// Several publish under one name at once: looking first lets them all through, the server lets one win.
async fn one_of_many_wins(operator: &Operator, refusal: (Status, &str)) {
    const MANY: usize = 16;
    for number in 0..MANY {
        operator.write(&format!("{number}.part"), format!("{number}")).await.unwrap();
    }
    let renames = (0..MANY).map(|number| {
        let operator = operator.clone();
        async move { operator.rename_with(&format!("{number}.part"), "one").if_not_exists(true).await }
    });
    let outcomes = futures::future::join_all(renames).await;
    let won: Vec<usize> = (0..MANY).filter(|number| outcomes[*number].is_ok()).collect();
    assert_eq!(won.len(), 1, "{outcomes:?}");
    assert_eq!(content(operator, "one").await, won[0].to_string().as_bytes());
    let refused: Vec<Error> = outcomes.into_iter().filter_map(Result::err).collect();
    assert!(refused.iter().all(|error| error.kind() == ErrorKind::ConditionNotMatch), "{refused:?}");
    let in_its_code = |error: &Error| match sftp_error(error) {
        Some(SftpError::Status { status, message }) => *status == refusal.0 && message.starts_with(refusal.1),
        _ => false,
    };
    assert!(refused.iter().any(in_its_code), "looking first caught all: {refused:?}");
}

#[tokio::test]
async fn a_refused_rename_means_exists_in_each_servers_own_code() {
    let sshd = sshd();
    one_of_many_wins(&open(sshd_config(&sshd)), (Status::Failure, "Failure")).await;
    let proftpd = Proftpd::start();
    one_of_many_wins(&open(proftpd_config(&proftpd)), (Status::Other, "code 11: ")).await;
    let demo = Demo::start(Quirks { rename_answers_code_11: true, ..Quirks::default() }).await;
    one_of_many_wins(&open(demo.config()), (Status::Other, "code 11: ")).await;
}
