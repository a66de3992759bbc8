//! From values to typed settings; everything that is wrong is collected.

use std::{net::SocketAddr, ops::RangeInclusive, path::PathBuf, time::Duration};

use toml::Value;

use super::{
    error::ConfigError,
    sections::ExportSettings,
    source::Values,
    units::{DURATION_SHAPE, SIZE_SHAPE, duration, size},
};
use crate::domain::declared::Declared;

pub(super) struct Reader<'a> {
    values: &'a Values,
    wrong: ConfigError,
    #[cfg(test)]
    pub(super) read: Vec<String>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(values: &'a Values) -> Self {
        Self {
            values,
            wrong: ConfigError::new(),
            #[cfg(test)]
            read: Vec::new(),
        }
    }

    pub(super) fn finish<T>(self, value: T) -> Result<T, ConfigError> {
        self.wrong.into_result(value)
    }

    /// Says what is wrong with a key; never its value, which may be secret.
    pub(super) fn wrong(&mut self, key: &str, problem: impl std::fmt::Display) {
        let origin = self.values.keys.get(key).map(|(_, origin)| format!(" ({origin})")).unwrap_or_default();
        self.wrong.add(format!("{key}{origin}: {problem}"));
    }

    /// What the file declares, as far as it is right.
    pub(super) fn declared(&mut self, export: &ExportSettings) -> Declared {
        let (declared, problems) = self.values.declarations.read(export);
        problems.into_iter().for_each(|problem| self.wrong.add(problem));
        declared
    }

    pub(super) fn text(&mut self, key: &str) -> String {
        match self.value(key) {
            Some(Value::String(text)) => text.clone(),
            _ => self.shape(key, "a text in quotes"),
        }
    }

    /// A text; `None` if it is empty.
    pub(super) fn optional(&mut self, key: &str) -> Option<String> {
        Some(self.text(key)).filter(|text| !text.is_empty())
    }

    /// A path; `None` if it is empty.
    pub(super) fn optional_path(&mut self, key: &str) -> Option<PathBuf> {
        self.optional(key).map(PathBuf::from)
    }

    pub(super) fn flag(&mut self, key: &str) -> bool {
        match self.value(key) {
            Some(Value::Boolean(flag)) => *flag,
            _ => self.shape(key, "true or false"),
        }
    }

    pub(super) fn count(&mut self, key: &str, range: RangeInclusive<usize>) -> usize {
        match self.value(key) {
            Some(Value::Integer(number)) => match usize::try_from(*number) {
                Ok(number) if range.contains(&number) => number,
                _ => self.out_of_range(key, range.start(), range.end()),
            },
            _ => self.shape(key, "a whole number"),
        }
    }

    pub(super) fn ratio(&mut self, key: &str) -> f64 {
        let ratio = match self.value(key) {
            Some(Value::Float(ratio)) => *ratio,
            Some(Value::Integer(0)) => 0.0,
            Some(Value::Integer(1)) => 1.0,
            _ => f64::NAN,
        };
        if (0.0..=1.0).contains(&ratio) { ratio } else { self.shape(key, "a number from 0.0 to 1.0") }
    }

    pub(super) fn bytes(&mut self, key: &str, range: RangeInclusive<usize>) -> usize {
        let bytes = match self.value(key) {
            Some(Value::String(text)) => size(text),
            Some(Value::Integer(number)) => usize::try_from(*number).ok(),
            _ => None,
        };
        match bytes {
            Some(bytes) if range.contains(&bytes) => bytes,
            Some(_) => {
                let shown = |bytes: &usize| format!("{bytes} bytes");
                self.out_of_range(key, shown(range.start()), shown(range.end()))
            }
            None => self.shape(key, SIZE_SHAPE),
        }
    }

    pub(super) fn duration(&mut self, key: &str, range: RangeInclusive<Duration>) -> Duration {
        let time = match self.value(key) {
            Some(Value::String(text)) => duration(text),
            _ => None,
        };
        match time {
            Some(time) if range.contains(&time) => time,
            Some(_) => {
                let shown = |time: &Duration| format!("{time:?}");
                self.out_of_range(key, shown(range.start()), shown(range.end()))
            }
            None => self.shape(key, DURATION_SHAPE),
        }
    }

    /// An address and port; `None` if empty.
    pub(super) fn address(&mut self, key: &str) -> Option<SocketAddr> {
        let text = self.optional(key)?;
        let address = text.parse().ok();
        if address.is_none() {
            self.wrong(key, "not an address and a port; give one such as 127.0.0.1:50051 or [::1]:50051");
        }
        address
    }

    fn value(&mut self, key: &str) -> Option<&'a Value> {
        #[cfg(test)]
        self.read.push(key.to_owned());
        self.values.keys.get(key).map(|(value, _)| value)
    }

    fn shape<T: Default>(&mut self, key: &str, shape: &str) -> T {
        self.wrong(key, format_args!("must be {shape}"));
        T::default()
    }

    fn out_of_range<T: Default>(
        &mut self,
        key: &str,
        least: impl std::fmt::Display,
        most: impl std::fmt::Display,
    ) -> T {
        self.wrong(key, format_args!("must be at least {least} and at most {most}"));
        T::default()
    }
}
