//! A consumer of a folder, as SIEMs are: it looks all the time and takes whatever has its final name.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    thread::{self, JoinHandle},
};

use tokio_util::sync::CancellationToken;

/// How it takes a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// It reads it and deletes it.
    Delete,
    /// It moves it to a folder of its own.
    Move,
}

/// One that goes on until it is stopped.
pub struct Consumer {
    stop: CancellationToken,
    taking: JoinHandle<BTreeMap<String, Vec<u8>>>,
}

impl Consumer {
    /// Takes files from `folder`; those it moves go to `own`.
    pub fn start(folder: PathBuf, own: PathBuf, way: Way) -> Self {
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let taking = thread::spawn(move || {
            let mut taken = BTreeMap::new();
            while !stopped.is_cancelled() {
                take(&folder, &own, way, &mut taken);
                thread::yield_now();
            }
            taken
        });
        Self { stop, taking }
    }

    /// Everything that it took.
    ///
    /// # Panics
    ///
    /// If it got the same name twice.
    pub fn stop(self) -> BTreeMap<String, Vec<u8>> {
        self.stop.cancel();
        self.taking.join().unwrap()
    }
}

fn take(folder: &Path, own: &Path, way: Way, taken: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name.starts_with('.') {
            continue;
        }
        let path = folder.join(&name);
        let bytes = match way {
            Way::Delete => {
                let bytes = fs::read(&path).unwrap();
                fs::remove_file(path).unwrap();
                bytes
            }
            Way::Move => {
                fs::rename(&path, own.join(&name)).unwrap();
                fs::read(own.join(&name)).unwrap()
            }
        };
        assert!(taken.insert(name.clone(), bytes).is_none(), "{name} was delivered twice");
    }
}
