//! What earlier runs of a job left in folders that it no longer writes to.

use std::{
    fs,
    path::{Path, PathBuf},
};

use vidne::{
    domain::{
        delivery::{Manifest, Naming},
        export::{DestinationSecrets, ExportFile, FileState, JobSettings, part_name},
    },
    store::contract::FileCut,
};

use super::{
    bed::{Bed, CALLER, TERM, default_tenant, settings},
    faults::{Harm, Plan},
};
use crate::support::events::NOW;

/// A job whose files and manifests are in these folders.
fn into(files: &str, manifests: &str) -> JobSettings {
    let mut settings = settings();
    settings.delivery.naming = Naming::new(files, "{job}_{id}_{first}-{last}").unwrap();
    settings.delivery.manifest = Manifest::In { directory: manifests.to_owned() };
    settings
}

async fn change(bed: &Bed, new: JobSettings) {
    let revision = bed.job().await.revision;
    let change = |_: &JobSettings, secrets: DestinationSecrets| Ok((new, secrets));
    let exports = bed.good_server().exports;
    exports.update(&default_tenant(), "siem", revision, change, CALLER).await.unwrap();
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Puts a temporary file of the job there, a newer one, and one of another job. The names of those that are to stay.
fn leave_parts(folder: &Path, id: &str, ending: &str) -> Vec<String> {
    let range = format!("{:020}-{:020}.jsonl{ending}", 1, 2);
    let ours = part_name(&format!("siem_{id}_{range}"), 1);
    let mut others =
        [part_name(&format!("siem_{id}_{range}"), 99), part_name(&format!("siem_zzzzzzzz22_{range}"), 1)];
    for name in others.iter().chain([&ours]) {
        fs::write(folder.join(name), "half a").unwrap();
    }
    others.sort();
    others.into()
}

#[tokio::test]
async fn temporary_files_in_folders_that_a_job_has_left_are_removed() {
    let bed = Bed::new();
    bed.record_some(3).await;
    let job = bed.create(into("old", "old-notes")).await;
    bed.run_well().await;
    let folders: [PathBuf; 2] = ["old", "old-notes"].map(|name| bed.folder().join(name));
    let published = folders.each_ref().map(|folder| names_in(folder));
    assert_eq!(published.each_ref().map(Vec::len), [1, 1]);
    let stay =
        [("", 0), (".manifest.json", 1)].map(|(ending, at)| leave_parts(&folders[at], &job.id, ending));

    change(&bed, into("new", "new-notes")).await;
    bed.record_some(3).await;
    // A run that fails, so that the next one looks for what it left.
    bed.run(&bed.server(&Plan::new(4, Harm::FailBefore))).await.unwrap_err();
    bed.run_well().await;
    for at in 0..2 {
        let mut expected = [&stay[at][..], &published[at]].concat();
        expected.sort();
        assert_eq!(names_in(&folders[at]), expected);
    }
    assert_eq!(names_in(&bed.folder().join("new")).len(), 1);
}

/// A file that is cut, and half of it under its temporary name, as a server that was killed leaves it.
async fn killed_while_it_uploads(bed: &Bed, directory: &str) -> ExportFile {
    let job = bed.job().await;
    let lease = bed.store.lease_job(&job.id, "killed", TERM).await.unwrap();
    let cut = FileCut {
        directory: directory.to_owned(),
        name: format!("siem_{}_{:020}-{:020}.jsonl", job.id, 1, 4),
        with_manifest: false,
        first_sequence: 1,
        last_sequence: 4,
        first_event_sequence: 1,
        first_recorded: NOW,
        last_recorded: NOW,
        event_count: 3,
        job_revision: job.revision,
        created: NOW,
    };
    let file = bed.store.cut_file(&lease, cut).await.unwrap();
    fs::create_dir_all(bed.folder().join(directory)).unwrap();
    fs::write(bed.folder().join(file.part_path()), "half a").unwrap();
    bed.wait(TERM * 2);
    file
}

#[tokio::test]
async fn a_part_whose_cut_is_abandoned_is_removed_from_the_folder_that_the_job_has_left() {
    let bed = Bed::new();
    bed.record_some(3).await;
    bed.create(into("old", "notes")).await;
    let file = killed_while_it_uploads(&bed, "old").await;
    assert_eq!(file.state, FileState::Cut);
    change(&bed, into("new", "notes")).await;
    assert_eq!(bed.run_well().await.files, 1);
    assert_eq!(names_in(&bed.folder().join("old")), [] as [String; 0]);
    let new = names_in(&bed.folder().join("new"));
    assert!(new.len() == 1 && new[0].ends_with(".jsonl"), "{new:?}");
}
