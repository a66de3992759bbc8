//! Managing jobs: secrets, revisions, witnesses.

use vidne::{
    codec::job::{apply_update, job_to_proto},
    codec::proto::v1,
    domain::{
        catalogue::EventType,
        delivery::Start,
        export::{Destination, DestinationSecrets, ExportJob, JobSettings, Lag, SftpDestination},
        secret::Secret,
    },
    service::{ServiceError, exports::NewAs},
    store::StoreError,
};

use super::bed::{Bed, CALLER, Server, default_tenant, settings};

const PASSWORD: &str = "correct horse battery staple";

fn sftp_settings() -> JobSettings {
    let destination = Destination::Sftp(SftpDestination {
        address: "siem.example.org".to_owned(),
        user_name: "xflow".to_owned(),
        directory: "in".to_owned(),
        host_keys: Vec::new(),
        has_password: true,
        ..SftpDestination::default()
    });
    JobSettings { destination, ..settings() }
}

async fn create(server: &Server) -> ExportJob {
    let secrets = DestinationSecrets { password: Some(Secret::new(PASSWORD)), ..Default::default() };
    server.exports.create(default_tenant(), sftp_settings(), secrets, NewAs::default(), CALLER).await.unwrap()
}

async fn update(
    server: &Server,
    revision: u64,
    sftp: v1::SftpDestination,
    mask: &[&str],
) -> Result<ExportJob, ServiceError> {
    let kind = Some(v1::destination::Kind::Sftp(sftp));
    let job = v1::ExportJob { destination: Some(v1::Destination { kind }), ..Default::default() };
    let mask: Vec<String> = mask.iter().map(|path| (*path).to_owned()).collect();
    let change = |old: &JobSettings, secrets| apply_update(old, secrets, job, &mask);
    server.exports.update(&default_tenant(), "siem", revision, change, CALLER).await
}

#[tokio::test]
async fn a_job_is_found_by_its_id_and_its_name_and_its_secret_is_sealed() {
    let bed = Bed::new();
    let server = bed.good_server();
    let job = create(&server).await;
    for key in [job.id.as_str(), "siem"] {
        assert_eq!(server.exports.get(&default_tenant(), key).await.unwrap(), job);
    }
    let kept = bed.store.job(&default_tenant(), "siem").await.unwrap().unwrap();
    let sealed = kept.sealed_secrets.unwrap();
    assert!(!sealed.windows(7).any(|w| PASSWORD.as_bytes().windows(7).any(|p| p == w)));
    let shown = format!("{:?}", job_to_proto(&job, &Lag::default()));
    assert!(!shown.contains(PASSWORD) && shown.contains("has_password: true"), "{shown}");
}

#[tokio::test]
async fn a_secret_survives_updates_that_do_not_name_it() {
    let bed = Bed::new();
    let server = bed.good_server();
    create(&server).await;
    let sftp = v1::SftpDestination { directory: "new".to_owned(), ..Default::default() };
    let job = update(&server, 1, sftp, &["destination.sftp.directory"]).await.unwrap();
    assert_eq!(job.revision, 2);
    let kept = bed.store.job(&default_tenant(), "siem").await.unwrap().unwrap();
    let secrets = vidne::export::secrets::open(&bed.vault, &job.id, kept.sealed_secrets.as_deref()).unwrap();
    assert_eq!(secrets.password.unwrap().expose(), PASSWORD);
}

#[tokio::test]
async fn an_update_of_an_old_revision_is_refused_and_one_without_a_change_makes_no_revision() {
    let bed = Bed::new();
    let server = bed.good_server();
    create(&server).await;
    let same = v1::SftpDestination { directory: "in".to_owned(), ..Default::default() };
    let job = update(&server, 1, same.clone(), &["destination.sftp.directory"]).await.unwrap();
    assert_eq!(job.revision, 1);
    let refused = update(&server, 9, same, &["destination.sftp.directory"]).await;
    let expected = ServiceError::Store(StoreError::RevisionMismatch { current: 1 });
    assert_eq!(refused.unwrap_err().to_string(), expected.to_string());
}

#[tokio::test]
async fn changes_of_a_job_are_witnessed_without_its_secrets() {
    let bed = Bed::new();
    let server = bed.good_server();
    let job = create(&server).await;
    let sftp = v1::SftpDestination {
        directory: "new".to_owned(),
        password: "an even longer secret".to_owned(),
        ..Default::default()
    };
    let mask = ["destination.sftp.directory", "destination.sftp.password"];
    update(&server, 1, sftp, &mask).await.unwrap();
    server.exports.delete(&default_tenant(), &job.id, CALLER).await.unwrap();
    let log = bed.log().await;
    let types: Vec<EventType> = log.iter().map(|event| event.event.event_type).collect();
    assert_eq!(
        types,
        [
            EventType::SERVICE_EXPORT_JOB_CREATED,
            EventType::SERVICE_EXPORT_JOB_UPDATED,
            EventType::SERVICE_EXPORT_JOB_DELETED
        ]
    );
    assert!(log.iter().all(|event| event.event.targets[0].id == job.id));
    let changed: Vec<&str> = log[1].event.changes.iter().map(|change| change.field.as_str()).collect();
    assert_eq!(changed, ["destination.sftp.directory", "destination.sftp.password"]);
    assert_eq!(log[1].event.changes[0].new_value, "new");
    let all = format!("{log:?}");
    assert!(!all.contains(PASSWORD) && !all.contains("longer secret"));
    let gone = server.exports.get(&default_tenant(), "siem").await;
    assert!(matches!(gone, Err(ServiceError::Store(StoreError::JobNotFound))));
}

#[tokio::test]
async fn what_jobs_are_filtered_by_is_not_told() {
    let bed = Bed::new();
    let server = bed.good_server();
    let job = bed.create(settings()).await;
    let change = |old: &JobSettings, secrets| {
        let mut new = old.clone();
        new.filter.actor_national_id = "0101701234".to_owned();
        Ok((new, secrets))
    };
    server.exports.update(&default_tenant(), &job.id, 1, change, CALLER).await.unwrap();
    let log = bed.log().await;
    assert_eq!(log[1].event.changes[0].field, "filter");
    assert!(!format!("{log:?}").contains("0101701234"));
}

#[tokio::test]
async fn jobs_and_files_are_listed_in_pages() {
    let bed = Bed::new();
    bed.record_some(10).await;
    let job = bed.create(settings()).await;
    let other = bed.create(JobSettings { name: "other".to_owned(), ..settings() }).await;
    let exports = bed.good_server().exports;
    bed.run_well().await;
    let all = exports.list(&default_tenant(), None, 10).await.unwrap();
    assert_eq!(all.len(), 2);
    let second = exports.list(&default_tenant(), Some(&all[0].id), 10).await.unwrap();
    assert_eq!(second, [all[1].clone()]);
    assert!([&job.id, &other.id].contains(&&second[0].id));
    let numbers = async |before| -> Vec<u64> {
        let files = exports.files(&default_tenant(), "siem", before, 2).await.unwrap();
        files.iter().map(|file| file.number).collect()
    };
    assert_eq!(numbers(None).await, [3, 2]);
    assert_eq!(numbers(Some(2)).await, [1]);
}

#[tokio::test]
async fn an_export_of_a_past_range_has_the_secrets_of_its_job() {
    let bed = Bed::new();
    bed.record_some(2).await;
    let server = bed.good_server();
    let mut settings = sftp_settings();
    settings.delivery.start = Start::Now;
    let secrets = DestinationSecrets { password: Some(Secret::new(PASSWORD)), ..Default::default() };
    server.exports.create(default_tenant(), settings, secrets, NewAs::default(), CALLER).await.unwrap();
    let again = server.exports.export_again(&default_tenant(), "siem", 0, 0, CALLER).await.unwrap();
    let kept = bed.store.job(&default_tenant(), &again.id).await.unwrap().unwrap();
    let secrets =
        vidne::export::secrets::open(&bed.vault, &again.id, kept.sealed_secrets.as_deref()).unwrap();
    assert_eq!(secrets.password.unwrap().expose(), PASSWORD);
}
