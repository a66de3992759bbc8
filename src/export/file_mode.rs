//! The permissions that files are to get, and whether the destination goes along.

use std::{
    collections::BTreeSet,
    fmt,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use crate::domain::export::FileMode;

/// Destinations that are remembered; then all are forgotten, and told of once more.
const TOLD: usize = 1_000;

/// Destinations that do not go along and that the log knows of. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Told(Arc<Mutex<BTreeSet<String>>>);

impl Told {
    /// Whether this is news.
    fn is_new(&self, place: &str) -> bool {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() >= TOLD {
            told.clear();
        }
        told.insert(place.to_owned())
    }
}

/// A mode for the files of one opened destination. One that refuses to set it gets its files all the same, with the mode
/// that it gives them: they matter more. Cheap to clone.
#[derive(Clone, Debug)]
pub struct WantedMode {
    mode: FileMode,
    place: String,
    refused: Arc<OnceLock<String>>,
    told: Told,
}

impl WantedMode {
    /// `place` says in the log which destination it is.
    pub(super) fn new(mode: FileMode, place: String, told: Told) -> Self {
        Self { mode, place, refused: Arc::default(), told }
    }

    /// The permission bits.
    pub(super) fn bits(&self) -> u32 {
        self.mode.bits()
    }

    /// The destination has refused, with `why` in vidne's own words. Logged once as long as the server runs.
    pub(super) fn refuse(&self, why: impl fmt::Display) {
        let why = why.to_string();
        if self.told.is_new(&self.place) {
            tracing::warn!(
                export.destination = %self.place,
                export.file_mode = %self.mode,
                why,
                "the destination does not set the mode of files; they keep the one that it gives them"
            );
        }
        // The first reason is as good as a later one.
        let _ = self.refused.set(why);
    }

    /// What to know about it, if the destination has refused.
    pub(super) fn refused(&self) -> Option<String> {
        let why = self.refused.get()?;
        Some(format!(
            "the destination refuses to set the mode {} ({why}): files are delivered with the mode that it gives them; \
             have that set there, or leave file_mode out",
            self.mode
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_destination_refuses_is_news_once() {
        let told = Told::default();
        assert!(told.is_new("siem:22"));
        assert!(!told.is_new("siem:22") && !told.clone().is_new("siem:22"));
        for number in 0..TOLD {
            assert!(told.is_new(&number.to_string()));
        }
        assert!(told.0.lock().unwrap().len() <= TOLD);
    }

    #[test]
    fn the_first_refusal_is_kept_for_the_test_of_the_destination() {
        let mode = WantedMode::new("0640".parse().unwrap(), "siem:22".to_owned(), Told::default());
        assert_eq!(mode.refused(), None);
        mode.clone().refuse("not supported");
        mode.refuse("later");
        assert!(mode.refused().is_some_and(|said| said.contains("0640 (not supported)")));
    }
}
