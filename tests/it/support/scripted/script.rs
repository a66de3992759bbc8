//! The steps of a conversation, and what goes wrong at one of them.

use std::{
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::Nature;

/// What a client does, as the server sees it: `connect`, `login`, `channel`, `subsystem`, then each request.
pub type Step = &'static str;

/// Before or after the step has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    Before,
    After,
}

/// What happens at the chosen step, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The connection breaks.
    Cut(Moment),
    /// The connection breaks, and nobody listens until the server is `up` again.
    Down(Moment),
    /// The step is answered with this code, although it may have happened.
    Answer(Moment, u32),
    /// A login, a channel or SFTP is refused.
    Refuse,
    /// It is never answered.
    Silence,
    /// Half of a write happens; it is acknowledged as a whole.
    ShortWrite,
    /// Half of a write happens; it and every later one fail until the server is `up` again.
    DiskFull,
    /// A rename makes the second name and leaves the first one, and the connection breaks.
    BothNames,
    /// It waits until it is let go. What waits `Before` happens then, however late.
    Hold(Moment),
    /// It waits until it is let go, and then the connection breaks: it never happens.
    HoldAndCut,
}

/// What a server knows about what it is to do.
pub struct Script {
    pub(super) folder: PathBuf,
    pub(super) taken: PathBuf,
    pub(super) nature: Nature,
    state: Mutex<State>,
    down: watch::Sender<bool>,
    disk_full: AtomicBool,
}

#[derive(Default)]
struct State {
    steps: Vec<Step>,
    trap: Option<Trap>,
    taken_twice: Vec<String>,
}

/// A fault that waits for its step.
#[derive(Clone)]
pub struct Trap {
    at: usize,
    fault: Fault,
    /// It has happened.
    pub hit: CancellationToken,
    /// Lets go what it holds.
    pub release: CancellationToken,
}

/// What a step ran into.
pub(super) struct Hit {
    pub(super) fault: Fault,
    pub(super) release: CancellationToken,
}

impl Script {
    pub(super) fn new(folder: PathBuf, taken: PathBuf, nature: Nature) -> Self {
        let down = watch::Sender::new(false);
        Self { folder, taken, nature, state: Mutex::default(), down, disk_full: AtomicBool::new(false) }
    }

    /// From now on steps are counted from 0, and `fault` happens at number `at`. What an earlier one holds stays held.
    pub fn set(&self, at: usize, fault: Fault) -> Trap {
        let trap = Trap { at, fault, hit: CancellationToken::new(), release: CancellationToken::new() };
        let mut state = self.state.lock().unwrap();
        state.steps.clear();
        state.trap = Some(trap.clone());
        trap
    }

    /// From now on steps are counted from 0, and nothing goes wrong.
    pub fn listen(&self) {
        let mut state = self.state.lock().unwrap();
        state.steps.clear();
        state.trap = None;
    }

    /// The steps since counting began.
    pub fn steps(&self) -> Vec<Step> {
        self.state.lock().unwrap().steps.clone()
    }

    /// Files that got their final name again after they were taken.
    pub fn taken_twice(&self) -> Vec<String> {
        self.state.lock().unwrap().taken_twice.clone()
    }

    /// The server is there again, its disk has room, and nothing goes wrong any more; what waits goes on waiting.
    pub fn up(&self) {
        self.disk_full.store(false, Ordering::SeqCst);
        self.down.send_replace(false);
    }

    pub(super) fn go_down(&self) {
        self.down.send_replace(true);
    }

    pub(super) fn watch_down(&self) -> watch::Receiver<bool> {
        self.down.subscribe()
    }

    pub(super) fn fill_disk(&self) {
        self.disk_full.store(true, Ordering::SeqCst);
    }

    pub(super) fn disk_is_full(&self) -> bool {
        self.disk_full.load(Ordering::SeqCst)
    }

    /// Counts a step; what happens at it, if anything.
    pub(super) fn step(&self, step: Step) -> Option<Hit> {
        let mut state = self.state.lock().unwrap();
        let number = state.steps.len();
        state.steps.push(step);
        let trap = state.trap.as_ref().filter(|trap| trap.at == number)?;
        trap.hit.cancel();
        Some(Hit { fault: trap.fault, release: trap.release.clone() })
    }

    /// The consumer takes a file that has its final name now; it looks into no hidden folders.
    pub(super) fn take(&self, path: &str) {
        let from = PathBuf::from(path);
        let folder = from.parent().and_then(Path::file_name).and_then(|name| name.to_str());
        if folder.is_some_and(|name| name.starts_with('.')) {
            return;
        }
        let name = from.file_name().unwrap().to_str().unwrap().to_owned();
        let to = self.taken.join(&name);
        if to.exists() {
            self.state.lock().unwrap().taken_twice.push(name);
            return;
        }
        std::fs::rename(from, to).unwrap();
    }
}
