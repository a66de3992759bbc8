//! Where a job begins and ends, and how its files are named, packed and what is hidden in them.

use std::{io::Read, path::PathBuf};

use serde_json::json;
use sha2::{Digest, Sha256};
use vidne::{
    domain::{
        delivery::{Compression, Manifest, Naming, Start},
        export::{JobSettings, NationalIdMode},
        filter::EventFilter,
        schedule::{Rhythm, Schedule},
        time::Clock,
    },
    service::exports::PreviewTarget,
};

use super::bed::{Bed, CALLER, default_tenant, sequences, settings};
use crate::support::events::full;

#[tokio::test]
async fn a_job_begins_where_it_is_told_to() {
    for (start, expected) in
        [(Start::Beginning, vec![1, 2, 3, 5]), (Start::Sequence(3), vec![3, 5]), (Start::Now, vec![])]
    {
        let bed = Bed::new();
        bed.record_some(4).await;
        let mut settings = settings();
        settings.delivery.start = start;
        let job = bed.create(settings).await;
        assert_eq!(job.published_sequence, job.scanned_sequence);
        bed.run_well().await;
        let got: Vec<u64> = bed.delivered().values().flat_map(|bytes| sequences(bytes)).collect();
        assert_eq!(got, expected, "{start:?}");
        let files = bed.files(&job).await;
        if let Some(first) = files.first() {
            assert_eq!(first.first_sequence, job.published_sequence + 1);
        }
    }
}

#[tokio::test]
async fn a_job_begins_with_what_was_recorded_at_a_time_or_later() {
    let bed = Bed::new();
    bed.record_some(2).await;
    bed.clock.set(bed.clock.now().plus_micros(1_000_000));
    let time = bed.clock.now();
    bed.record_some(2).await;
    for (at, after) in [(time, 2), (time.plus_micros(-1), 2), (time.plus_micros(1), 4)] {
        let mut settings = JobSettings { name: format!("siem{}", at.micros() % 10), ..settings() };
        settings.delivery.start = Start::At(at);
        let head = bed.head().await;
        let job = bed.create(settings).await;
        assert_eq!(job.scanned_sequence, if after == 4 { head } else { after });
    }
}

#[tokio::test]
async fn files_follow_one_another_though_nothing_matched_between_them() {
    let bed = Bed::new();
    bed.record_some(1).await;
    let job = bed.create(settings()).await;
    bed.run_well().await;
    for _ in 0..3 {
        bed.record(crate::support::events::bare(vidne::domain::catalogue::EventType::CUSTOM)).await;
        assert_eq!(bed.run_well().await.files, 0);
    }
    bed.record_some(1).await;
    bed.run_well().await;
    let files = bed.files(&job).await;
    let ranges: Vec<_> = files
        .iter()
        .map(|file| (file.first_sequence, file.first_event_sequence, file.last_sequence))
        .collect();
    assert_eq!(ranges, [(1, 1, 2), (3, 6, 6)]);
    bed.assert_delivered_equals_log().await;
}

#[tokio::test]
async fn another_filter_looks_again_at_what_came_after_the_last_file() {
    let bed = Bed::new();
    bed.record_some(1).await;
    let job = bed.create(settings()).await;
    bed.run_well().await;
    bed.record(crate::support::events::bare(vidne::domain::catalogue::EventType::CUSTOM)).await;
    bed.run_well().await;
    assert_eq!(bed.job().await.scanned_sequence, 3);
    let all = |old: &JobSettings, secrets| {
        Ok((JobSettings { filter: EventFilter::default(), ..old.clone() }, secrets))
    };
    let server = bed.good_server();
    server.exports.update(&default_tenant(), "siem", job.revision, all, CALLER).await.unwrap();
    assert_eq!(
        bed.run_well().await.events,
        2,
        "the custom one, and the change itself; not its creation again"
    );
    let got: Vec<u64> = bed.delivered().values().flat_map(|bytes| sequences(bytes)).collect();
    assert_eq!(got, [1, 3, 4]);
}

#[tokio::test]
async fn a_packed_file_holds_what_an_unpacked_one_would() {
    let bed = Bed::new();
    bed.record_some(4).await;
    bed.create(settings()).await;
    bed.run_well().await;
    let plain = bed.delivered();
    let mut packed = JobSettings { name: "packed".to_owned(), ..settings() };
    packed.delivery.compression = Compression::Gzip;
    packed.destination =
        vidne::domain::export::Destination::Fs { directory: "packed".to_owned(), file_mode: None };
    bed.create(packed).await;
    let server = bed.good_server();
    let listener = server
        .exports
        .run(&default_tenant(), "packed", vidne::domain::export::Trigger::Request)
        .await
        .unwrap();
    super::bed::last_step(listener).await.unwrap();
    let folder = bed.root.path().join("packed");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    assert_eq!(files.len(), 1);
    assert!(files[0].to_str().unwrap().ends_with(".jsonl.gz"), "{files:?}");
    let mut content = Vec::new();
    flate2::read::GzDecoder::new(std::fs::File::open(&files[0]).unwrap()).read_to_end(&mut content).unwrap();
    assert_eq!(Some(&content), plain.values().next());
}

#[tokio::test]
async fn files_go_into_folders_and_under_names_of_the_jobs_own() {
    let bed = Bed::new();
    bed.record_some(6).await;
    let mut settings = settings();
    settings.delivery.naming = Naming::new("{tenant}/{yyyy}/{mm}/{dd}", "audit-{first}-{last}.{id}").unwrap();
    let job = bed.create(settings).await;
    bed.run_well().await;
    let files = bed.files(&job).await;
    assert_eq!(files.len(), 2);
    for file in files {
        assert_eq!(file.directory, "default/2026/11/22");
        let range = format!("audit-{:020}-{:020}", file.first_sequence, file.last_sequence);
        assert_eq!(file.name, format!("{range}.{}.jsonl", job.id));
        let bytes = std::fs::read(bed.folder().join(file.path())).unwrap();
        assert_eq!(sequences(&bytes).len() as u64, file.event_count);
    }
}

#[tokio::test]
async fn national_ids_can_be_replaced_by_what_only_the_key_can_make() {
    let bed = Bed::new();
    for _ in 0..2 {
        let mut input = full(super::bed::read_type());
        input.event_id = String::new();
        bed.record(input).await;
    }
    let personal = bed.log().await[0].event.personal.clone().unwrap();
    let (clear, subjects) = (personal.actor_national_id, personal.subject_national_ids);
    bed.create(JobSettings { national_id: NationalIdMode::Hash, ..settings() }).await;
    bed.run_well().await;
    let bytes = bed.delivered().into_values().next().unwrap();
    let text = String::from_utf8(bytes).unwrap();
    assert!(!text.contains(&clear) && !subjects.is_empty(), "{text}");
    for subject in subjects {
        assert!(
            !text.contains(&subject) && text.contains(&bed.vault.pseudonym("default", &subject)),
            "{text}"
        );
    }
    let hidden: Vec<String> = text
        .lines()
        .map(|line| {
            let event: serde_json::Value = serde_json::from_str(line).unwrap();
            event["personal"]["actor_national_id"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(hidden[0], hidden[1], "the same person is the same");
    assert!(hidden[0].starts_with("hmac:") && hidden[0].len() == 37, "{hidden:?}");
    assert_eq!(hidden[0], bed.vault.pseudonym("default", &clear));
    assert_ne!(hidden[0], bed.vault.pseudonym("other", &clear), "nothing is told across logs");
}

#[tokio::test]
async fn national_ids_that_are_left_out_are_left_out_also_where_the_filter_asks_for_them() {
    let bed = Bed::new();
    bed.record(full(super::bed::read_type())).await;
    let clear = bed.log().await[0].event.personal.clone().unwrap().actor_national_id;
    let filter = EventFilter { actor_national_id: clear.clone(), ..EventFilter::default() };
    bed.create(JobSettings { filter, national_id: NationalIdMode::Omit, ..settings() }).await;
    bed.run_well().await;
    let text = String::from_utf8(bed.delivered().into_values().next().unwrap()).unwrap();
    assert_eq!((text.lines().count(), text.contains(&clear)), (1, false), "{text}");
}

#[tokio::test]
async fn a_past_range_is_exported_once_more_under_other_names() {
    let bed = Bed::new();
    bed.record_some(8).await;
    let job = bed.create(settings()).await;
    let server = bed.good_server();
    assert!(server.exports.export_again(&default_tenant(), "siem", 1, 3, CALLER).await.is_err(), "too early");
    bed.run_well().await;
    let (before, first) = (bed.job().await, bed.delivered());
    assert!(server.exports.export_again(&default_tenant(), "siem", 5, 4, CALLER).await.is_err());
    assert!(server.exports.export_again(&default_tenant(), "siem", 1, 10_000, CALLER).await.is_err());
    let again = server.exports.export_again(&default_tenant(), "siem", 3, 9, CALLER).await.unwrap();
    assert_eq!((again.settings.name.as_str(), again.scanned_sequence), ("siem_r1", 2));
    assert_eq!(
        again.standing.reexport.as_ref().map(|again| (again.of.as_str(), again.end)),
        Some((job.id.as_str(), 9))
    );
    let twice = server.exports.export_again(&default_tenant(), "siem", 0, 0, CALLER).await.unwrap();
    assert_eq!(twice.settings.name, "siem_r2");
    assert_eq!(bed.run_due(&server).await, 2, "they run by themselves");
    let all = bed.delivered();
    assert!(
        first.iter().all(|(name, bytes)| all.get(name) == Some(bytes)),
        "the first files are as they were"
    );
    let of = |job: &str| {
        let files = all.iter().filter(|(name, _)| name.starts_with(&format!("{job}_")));
        files.flat_map(|(_, bytes)| sequences(bytes)).collect::<Vec<_>>()
    };
    let wanted = of(&format!("siem_{}", job.id));
    let range: Vec<u64> = wanted.iter().copied().filter(|n| (3..=9).contains(n)).collect();
    assert_eq!(of("siem_r1"), range);
    assert_eq!(of("siem_r2"), wanted);
    let after = bed.job().await;
    assert_eq!(
        (after.published_sequence, after.scanned_sequence),
        (before.published_sequence, before.scanned_sequence)
    );
    assert_eq!(bed.run_due(&server).await, 0, "and only once");
}

#[tokio::test]
async fn a_preview_is_the_beginning_of_the_next_file_and_sends_nothing() {
    let bed = Bed::new();
    bed.record_some(8).await;
    bed.create(settings()).await;
    let server = bed.good_server();
    let log = default_tenant();
    let preview = server.exports.preview(&log, PreviewTarget::Job("siem".to_owned()), 3).await.unwrap();
    assert_eq!((preview.events, preview.scanned), (3, 3));
    assert!(bed.delivered().is_empty());
    assert_eq!(bed.job().await.scanned_sequence, 0);
    let unkept = PreviewTarget::Settings(Box::new(settings()));
    assert_eq!(server.exports.preview(&log, unkept, 3).await.unwrap().content, preview.content);
    bed.run_well().await;
    let first = bed.delivered().into_values().next().unwrap();
    assert!(first.starts_with(&preview.content));
    let nothing = server.exports.preview(&log, PreviewTarget::Job("siem".to_owned()), 3).await.unwrap();
    assert_eq!((nothing.events, nothing.content.len()), (0, 0));
}

#[tokio::test]
async fn a_manifest_says_all_there_is_to_say_of_its_file() {
    let bed = Bed::new();
    bed.record_some(1).await;
    let mut settings = settings();
    settings.delivery.compression = Compression::Gzip;
    settings.delivery.naming = Naming::new("{yyyy}", "").unwrap();
    settings.delivery.manifest = Manifest::In { directory: "manifests".to_owned() };
    let job = bed.create(settings).await;
    bed.run_well().await;
    // Not what the job wants.
    bed.record(crate::support::events::bare(vidne::domain::catalogue::EventType::CUSTOM)).await;
    for _ in 0..2 {
        bed.clock.set(bed.clock.now().plus_micros(1_000_000));
        bed.record_some(1).await;
    }
    bed.clock.set(bed.clock.now().plus_micros(1_000_000));
    bed.run_well().await;
    let files = bed.files(&job).await;
    let content = |at: usize| std::fs::read(bed.folder().join(files[at].path())).unwrap();
    let hex = |at| Sha256::digest(content(at)).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let manifest = std::fs::read(bed.folder().join(format!("manifests/{}.manifest.json", files[1].name)));
    let said: serde_json::Value = serde_json::from_slice(&manifest.unwrap()).unwrap();
    let log = bed.log().await;
    let expected = json!({
        "manifest_version": 1,
        "tenant_id": "default",
        "job_id": job.id,
        "job_name": "siem",
        "job_revision": 1,
        "file_number": 2,
        "file": format!("2026/{}", files[1].name),
        "format": "JSON Lines",
        "format_version": 1,
        "compression": "gzip",
        "event_count": 2,
        // The job's own creation is the second event, and the third one did not match.
        "first_sequence": 3,
        "last_sequence": 5,
        "first_recorded_time": log[3].recorded.to_string(),
        "last_recorded_time": log[4].recorded.to_string(),
        "size_bytes": content(1).len(),
        "sha256": hex(1),
        "created_time": bed.clock.now().to_string(),
        "previous_file": format!("2026/{}", files[0].name),
        "previous_sha256": hex(0),
    });
    assert_eq!(said, expected);
}

#[tokio::test]
async fn an_export_of_a_past_range_has_a_name_a_beginning_and_no_schedule_of_its_own() {
    let bed = Bed::new();
    bed.record_some(4).await;
    let mut long = JobSettings { name: "s".repeat(63), ..settings() };
    long.delivery.schedule =
        Schedule { rhythm: Rhythm::Every(std::time::Duration::from_secs(60)), ..Schedule::default() };
    long.delivery.start = Start::Now;
    let job = bed.create(long).await;
    let server = bed.good_server();
    let again = server.exports.export_again(&default_tenant(), &job.id, 3, 0, CALLER).await.unwrap();
    assert_eq!(again.settings.name, format!("{}_r1", "s".repeat(60)));
    assert!(again.settings.delivery.schedule.is_manual());
    assert_eq!(again.settings.delivery.start, Start::Sequence(3));
}

#[tokio::test]
async fn how_far_a_job_is_behind_is_told_by_the_first_position_that_was_not_looked_at() {
    let bed = Bed::new();
    bed.record_some(2).await;
    bed.create(settings()).await;
    bed.run_well().await;
    bed.record(crate::support::events::bare(vidne::domain::catalogue::EventType::CUSTOM)).await;
    bed.run_well().await;
    let server = bed.good_server();
    let lag = async || server.exports.lag(&bed.job().await).await.unwrap();
    assert_eq!((lag().await.head_sequence, lag().await.waiting_since), (4, None), "looked at, not published");
    let since = bed.clock.now();
    for _ in 0..2 {
        bed.record_some(1).await;
        bed.clock.set(bed.clock.now().plus_micros(1_000_000));
    }
    assert_eq!((lag().await.head_sequence, lag().await.waiting_since), (6, Some(since)));
    let again = server.exports.export_again(&default_tenant(), "siem", 1, 2, CALLER).await.unwrap();
    let lag = server.exports.lag(&again).await.unwrap();
    assert_eq!((lag.head_sequence, lag.waiting_since.is_some()), (2, true), "it ends with its range");
}

#[tokio::test]
async fn a_preview_has_the_name_the_beginning_and_the_end_of_what_would_be_written() {
    let bed = Bed::new();
    bed.record_some(2).await;
    bed.create(settings()).await;
    bed.run_well().await;
    bed.record(crate::support::events::bare(vidne::domain::catalogue::EventType::CUSTOM)).await;
    bed.run_well().await;
    bed.record_some(1).await;
    let server = bed.good_server();
    let log = default_tenant();
    let preview = server.exports.preview(&log, PreviewTarget::Job("siem".to_owned()), 10).await.unwrap();
    let before = bed.delivered();
    bed.run_well().await;
    let after = bed.delivered();
    let new: Vec<_> = after.keys().filter(|name| !before.contains_key(*name)).collect();
    assert_eq!(new, [&preview.name]);
    let again = server.exports.export_again(&log, "siem", 1, 1, CALLER).await.unwrap();
    let preview = server.exports.preview(&log, PreviewTarget::Job(again.id), 10).await.unwrap();
    assert_eq!((preview.events, preview.scanned), (1, 1), "a range that ends");
    let mut later = settings();
    later.delivery.start = Start::Sequence(5);
    let preview = server.exports.preview(&log, PreviewTarget::Settings(Box::new(later)), 10).await.unwrap();
    assert_eq!(sequences(&preview.content), [5]);
}

/// A run that published its file and found another file in the place of its manifest, which is told.
async fn with_a_manifest_in_the_way(bed: &Bed) -> PathBuf {
    bed.record_some(1).await;
    let mut settings = settings();
    settings.delivery.manifest = Manifest::In { directory: "manifests".to_owned() };
    bed.create(settings).await;
    let server = bed.good_server();
    let target = PreviewTarget::Job("siem".to_owned());
    // The one event, and the job's own creation, which it does not want.
    let name = server.exports.preview(&default_tenant(), target, 10).await.unwrap().name;
    let name = name.replace("1.jsonl", "2.jsonl");
    let place = bed.folder().join(format!("manifests/{name}.manifest.json"));
    std::fs::create_dir_all(place.parent().unwrap()).unwrap();
    std::fs::write(&place, "another").unwrap();
    let refused = bed.run(&server).await.unwrap_err().to_string();
    assert!(bed.delivered().contains_key(&name), "{name}");
    assert!(refused.contains("never replaces"), "{refused}");
    assert_eq!(std::fs::read_to_string(&place).unwrap(), "another");
    place
}

#[tokio::test]
async fn another_file_in_a_manifests_place_is_neither_replaced_nor_taken_for_it() {
    let bed = Bed::new();
    let place = with_a_manifest_in_the_way(&bed).await;
    std::fs::remove_file(&place).unwrap();
    bed.run_well().await;
    bed.assert_delivered_equals_log().await;
}

#[tokio::test]
async fn a_manifest_that_comes_late_goes_where_manifests_went_when_its_file_was_cut() {
    let bed = Bed::new();
    let place = with_a_manifest_in_the_way(&bed).await;
    let server = bed.good_server();
    let elsewhere = |settings: &JobSettings, secrets| {
        let mut settings = settings.clone();
        settings.delivery.manifest = Manifest::In { directory: "elsewhere".to_owned() };
        Ok((settings, secrets))
    };
    let revision = bed.job().await.revision;
    server.exports.update(&default_tenant(), "siem", revision, elsewhere, CALLER).await.unwrap();
    std::fs::remove_file(&place).unwrap();
    bed.run_well().await;
    let said: serde_json::Value = serde_json::from_slice(&std::fs::read(&place).unwrap()).unwrap();
    assert_eq!(said["job_revision"], revision);
    assert!(!bed.folder().join("elsewhere").exists());
}
