//! Files in an object store, on a real server that speaks S3's protocol.

use std::{collections::BTreeMap, fs, sync::Arc};

use futures::TryStreamExt as _;
use opendal::{HttpTransporter, OperationContext, Operator, services::S3};
use opendal_http_transport_reqwest::ReqwestTransport;
use vidne::{
    domain::{
        export::{Destination, DestinationSecrets, FileState, JobSettings, S3Destination},
        secret::Secret,
    },
    export::destination::{DestinationConfig, Destinations, DropFolder, OpendalDestinations, Published},
    service::exports::{NewAs, TestTarget},
};

use super::{
    bed::{Bed, CALLER, default_tenant, settings},
    faults::{Harm, Plan},
};
use crate::support::moto::{Manner, Moto};

const BUCKET: &str = "siem";
const KEY: &str = "k3y/with+signs";

fn destination(endpoint: &str, directory: &str) -> Destination {
    Destination::S3(S3Destination {
        endpoint: endpoint.to_owned(),
        bucket: BUCKET.to_owned(),
        directory: directory.to_owned(),
        access_key_id: "vidne".to_owned(),
        has_secret_access_key: true,
        ..S3Destination::default()
    })
}

fn secrets() -> DestinationSecrets {
    DestinationSecrets { store_key: Some(Secret::new(KEY)), ..DestinationSecrets::default() }
}

/// The bucket as anybody else sees it.
fn bucket(moto: &Moto) -> Operator {
    let s3 = S3::default()
        .disable_config_load()
        .disable_ec2_metadata()
        .bucket(BUCKET)
        .region("us-east-1")
        .endpoint(&moto.endpoint())
        .access_key_id("consumer")
        .secret_access_key("consumer");
    // This may be the first client of the process; it fails if there is one already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let transport = HttpTransporter::new(ReqwestTransport::default());
    Operator::new(s3).unwrap().with_context(OperationContext::new().with_http_transport(transport))
}

async fn objects(bucket: &Operator, directory: &str) -> BTreeMap<String, Vec<u8>> {
    let entries: Vec<_> = bucket.lister(&format!("{directory}/")).await.unwrap().try_collect().await.unwrap();
    let mut all = BTreeMap::new();
    for entry in entries.into_iter().filter(|entry| !entry.name().ends_with('/')) {
        all.insert(entry.name().to_owned(), bucket.read(entry.path()).await.unwrap().to_vec());
    }
    all
}

/// Puts the bucket's objects where a bed looks for its files.
async fn mirror(bucket: &Operator, directory: &str, bed: &Bed) {
    let _ = fs::remove_dir_all(bed.folder());
    fs::create_dir_all(bed.folder()).unwrap();
    for (name, bytes) in objects(bucket, directory).await {
        fs::write(bed.folder().join(name), bytes).unwrap();
    }
}

/// A log with two files to be made of it, and a job for the bucket.
async fn bed(endpoint: &str, directory: &str) -> Bed {
    let bed = Bed::new();
    bed.record_some(6).await;
    let settings = JobSettings { destination: destination(endpoint, directory), ..settings() };
    let exports = bed.good_server().exports;
    exports.create(default_tenant(), settings, secrets(), NewAs::default(), CALLER).await.unwrap();
    bed
}

async fn folder(endpoint: &str) -> Arc<dyn DropFolder> {
    let destinations = OpendalDestinations::new(DestinationConfig::default());
    destinations.open(&destination(endpoint, "in"), &secrets()).await.unwrap()
}

async fn put(folder: &dyn DropFolder, name: &str, bytes: Vec<u8>) {
    let mut file = folder.create(name).await.unwrap();
    file.write(bytes.into()).await.unwrap();
    file.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn g5_whatever_step_fails_each_event_is_in_one_object() {
    let moto = Moto::start();
    moto.bucket(BUCKET);
    let bucket = bucket(&moto);
    let copies = moto.endpoint_that(Manner::KeepsToItInCopies);
    let all = [
        ("copy/before", copies.clone(), Harm::FailBefore),
        ("copy/after", copies, Harm::FailAfter),
        ("upload/after", moto.endpoint(), Harm::FailAfter),
    ];
    for (name, endpoint, harm) in all {
        let mut steps = 0;
        for at in 0.. {
            let directory = format!("{name}/{at}");
            let bed = bed(&endpoint, &directory).await;
            let plan = Plan::new(at, harm);
            let server = bed.server(&plan);
            let _ = bed.run(&server).await;
            server.tasks.close();
            server.tasks.wait().await;
            if !plan.hit.is_cancelled() {
                break;
            }
            steps += 1;
            let before = objects(&bucket, &directory).await;
            bed.run_well().await;
            mirror(&bucket, &directory, &bed).await;
            bed.assert_delivered_equals_log().await;
            let after = objects(&bucket, &directory).await;
            assert_eq!(after.len(), 2, "{directory}");
            for (name, bytes) in before.iter().filter(|(name, _)| !name.starts_with('.')) {
                assert_eq!(after.get(name), Some(bytes), "{name} was changed or replaced");
            }
            assert_eq!(bed.run_well().await.files, 0, "the same events again");
        }
        assert!(steps > 20, "only {steps} steps");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g5_an_object_with_the_files_name_is_never_replaced() {
    let moto = Moto::start();
    moto.bucket(BUCKET);
    let folder = folder(&moto.endpoint_that(Manner::KeepsToItInCopies)).await;
    let bucket = bucket(&moto);
    put(&*folder, ".a.1.part", b"ours".to_vec()).await;
    bucket.write("in/a", "theirs").await.unwrap();
    assert_eq!(folder.publish(".a.1.part", "a").await.unwrap(), Published::NameTaken);
    assert_eq!(objects(&bucket, "in").await["a"], b"theirs");
    assert_eq!(folder.publish(".a.1.part", "b").await.unwrap(), Published::Done);
    let expected = BTreeMap::from([("a".to_owned(), b"theirs".to_vec()), ("b".to_owned(), b"ours".to_vec())]);
    assert_eq!(objects(&bucket, "in").await, expected);
    assert_eq!(folder.publish(".a.1.part", "c").await.unwrap(), Published::PartMissing);
    // A temporary file is not replaced either.
    put(&*folder, ".d.1.part", b"first".to_vec()).await;
    let mut again = folder.create(".d.1.part").await.unwrap();
    again.write(b"second".to_vec().into()).await.unwrap();
    assert!(again.close().await.is_err());
    assert_eq!(folder.parts("", 10).await.unwrap(), [".d.1.part"]);
    assert_eq!(objects(&bucket, "in").await[".d.1.part"], b"first");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_replaces_objects_is_refused_before_anything_is_sent() {
    let moto = Moto::start();
    moto.bucket(BUCKET);
    let bed = bed(&moto.endpoint_that(Manner::IgnoresIt), "in").await;
    let failed = bed.run(&bed.good_server()).await.unwrap_err().to_string();
    assert!(failed.contains("replaces objects although it is told not to"), "{failed}");
    assert_eq!(objects(&bucket(&moto), "in").await, BTreeMap::new());

    let (exports, tenant) = (bed.good_server().exports, default_tenant());
    let tested = exports.test_destination(&tenant, TestTarget::Job("siem".to_owned()), None, CALLER);
    let report = tested.await.unwrap().report;
    let step = report.steps.last().unwrap();
    assert_eq!(step.name, "write");
    assert!(step.failure.as_ref().unwrap().contains("replaces objects"), "{:?}", step.failure);
}

#[tokio::test(flavor = "multi_thread")]
async fn g5_a_large_object_arrives_whole_by_a_copy_or_by_a_second_upload() {
    let moto = Moto::start();
    moto.bucket(BUCKET);
    let bytes: Vec<u8> = (0..8 * 1024 * 1024_u32 + 9).map(|i| (i / 7) as u8).collect();
    for (name, endpoint) in [("a", moto.endpoint_that(Manner::KeepsToItInCopies)), ("b", moto.endpoint())] {
        let folder = folder(&endpoint).await;
        put(&*folder, ".x.1.part", bytes.clone()).await;
        assert_eq!(folder.publish(".x.1.part", name).await.unwrap(), Published::Done);
        assert!(objects(&bucket(&moto), "in").await[name] == bytes, "{name} has other bytes");
        // And it does not replace one either.
        put(&*folder, ".x.1.part", bytes[1..].to_vec()).await;
        assert_eq!(folder.publish(".x.1.part", name).await.unwrap(), Published::NameTaken);
        assert!(objects(&bucket(&moto), "in").await[name] == bytes, "{name} was replaced");
        folder.delete(".x.1.part").await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_keeps_to_the_condition_for_small_objects_only_gets_no_large_ones() {
    let moto = Moto::start();
    moto.bucket(BUCKET);
    let folder = folder(&moto.endpoint_that(Manner::IgnoresItForPieces)).await;
    put(&*folder, ".a.1.part", vec![b'x'; 9 * 1024 * 1024]).await;
    assert_eq!(folder.size(".a.1.part").await.unwrap(), Some(9 * 1024 * 1024));
    let refused = folder.publish(".a.1.part", "a").await.unwrap_err().to_string();
    assert!(refused.contains("file_limits.max_bytes be 8388608 at most"), "{refused}");
    let names: Vec<String> = objects(&bucket(&moto), "in").await.into_keys().collect();
    assert_eq!(names, [".a.1.part"], "nothing published, no probe left");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_store_is_said_without_its_key() {
    let moto = Moto::start();
    let bed = bed(&moto.endpoint(), "in").await;
    let failed = bed.run(&bed.good_server()).await.unwrap_err().to_string();
    assert!(failed.to_lowercase().contains("bucket"), "{failed}");
    assert!(!failed.contains(KEY), "{failed}");
    let files = bed.files(&bed.job().await).await;
    assert!(files.iter().all(|file| file.state == FileState::Cut), "{files:?}");
    // Once the bucket is there, the same job goes on.
    moto.bucket(BUCKET);
    bed.run_well().await;
    let bucket = bucket(&moto);
    mirror(&bucket, "in", &bed).await;
    bed.assert_delivered_equals_log().await;
}
