//! When a job runs, how its files are called and packed, and what goes beside them.

use std::time::Duration;

use super::{schedule::Schedule, time::Timestamp};

/// Everything about a job's files but what is in them and where they go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delivery {
    /// When the job runs by itself.
    pub schedule: Schedule,
    /// Folders and names.
    pub naming: Naming,
    /// How files are packed.
    pub compression: Compression,
    /// What is written beside them.
    pub manifest: Manifest,
    /// With which event the job begins.
    pub start: Start,
    /// A sign of life whenever the job has been silent for so long.
    pub heartbeat: Option<Duration>,
}

/// How files are packed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// As they are.
    #[default]
    None,
    /// gzip (RFC 1952), the same bytes for the same content.
    Gzip,
}

impl Compression {
    /// What it adds to a name.
    pub fn ending(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Gzip => ".gz",
        }
    }
}

/// What is written beside a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Manifest {
    /// Nothing.
    #[default]
    Off,
    /// `<file name>.manifest.json`.
    In {
        /// Below the destination's folder, without `.` or `..`.
        directory: String,
    },
}

impl Manifest {
    /// The folder, if one is written.
    pub fn directory(&self) -> Option<&str> {
        match self {
            Self::Off => None,
            Self::In { directory } => Some(directory),
        }
    }
}

/// With which event a job begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// The first one of the log.
    #[default]
    Beginning,
    /// The next one.
    Now,
    /// The first one recorded then or later.
    At(Timestamp),
    /// The one of this position.
    Sequence(u64),
}

/// Folders below the destination's, and names without their ending: templates that are known to be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Naming {
    directory: String,
    name: String,
}

/// What a job's files are named by.
#[derive(Clone, Copy, Debug)]
pub struct Named<'a> {
    /// The log.
    pub tenant: &'a str,
    /// The job's name.
    pub job: &'a str,
    /// The job's id.
    pub id: &'a str,
    /// When the file was cut.
    pub cut: Timestamp,
    /// The first position that it covers.
    pub first: u64,
    /// The last position that it covers.
    pub last: u64,
}

/// The name of a file if the job says nothing.
pub const NAME_DEFAULT: &str = "{job}_{id}_{time}_{first}-{last}";
/// Where manifests are if the job says nothing.
pub const MANIFEST_DIRECTORY: &str = ".manifests";

const WORDS: &str = "{tenant}, {job}, {id}, {yyyy}, {mm}, {dd}, {HH}, {time}, {first} and {last}";
/// Bytes of a template: filled in with the longest names it stays within what file systems take.
const DIRECTORY_BYTES: usize = 128;
/// Characters of a name once it is filled in; the rest of 255 is for endings, fence and `.part`.
const NAME_BYTES: usize = 200;

/// A template that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NamingError {
    /// A word in braces that stands for nothing.
    #[error("{{{0}}} stands for nothing; there are {WORDS}")]
    Word(String),
    /// A character that is not allowed, or a brace alone.
    #[error("holds a character that is not allowed; give letters, digits, `.`, `_`, `-`, and {WORDS}")]
    Character,
    /// A name that could come twice.
    #[error("must hold {{id}}, {{first}} and {{last}}, so that no two files ever share a name")]
    NotUnique,
    /// Too long.
    #[error("too long: at most {0} characters")]
    TooLong(usize),
    /// Not a folder below another.
    #[error("not a folder below the destination: no leading or double slash, no part that is `.` or `..`")]
    NotBelow,
    /// Hidden, or looks like something else.
    #[error("may not begin with a dot: consumers take no hidden files")]
    Hidden,
}

impl Default for Naming {
    fn default() -> Self {
        Self { directory: String::new(), name: NAME_DEFAULT.to_owned() }
    }
}

impl Naming {
    /// Checks both templates; an empty name is the default one.
    ///
    /// # Errors
    ///
    /// What is wrong with the directory, or with the name.
    pub fn new(directory: &str, name: &str) -> Result<Self, (Option<NamingError>, Option<NamingError>)> {
        let name = if name.is_empty() { NAME_DEFAULT } else { name };
        let wrong = (check_directory(directory).err(), check_name(name).err());
        match wrong {
            (None, None) => Ok(Self { directory: directory.to_owned(), name: name.to_owned() }),
            wrong => Err(wrong),
        }
    }

    /// The template of the folder; empty for none.
    pub fn directory_template(&self) -> &str {
        &self.directory
    }

    /// The template of the name.
    pub fn name_template(&self) -> &str {
        &self.name
    }

    /// The folder of a file below the destination's; empty for none.
    pub fn directory(&self, named: &Named<'_>) -> String {
        fill(&self.directory, named)
    }

    /// The name of a file without its ending.
    pub fn name(&self, named: &Named<'_>) -> String {
        fill(&self.name, named)
    }
}

/// Checks a folder below another, which may hold no words.
///
/// # Errors
///
/// What is wrong with it.
pub fn check_folder(directory: &str) -> Result<(), NamingError> {
    if directory.is_empty() || directory.contains(['{', '}']) {
        return Err(NamingError::NotBelow);
    }
    check_directory(directory)
}

fn check_directory(template: &str) -> Result<(), NamingError> {
    if template.is_empty() {
        return Ok(());
    }
    if template.len() > DIRECTORY_BYTES {
        return Err(NamingError::TooLong(DIRECTORY_BYTES));
    }
    if template.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err(NamingError::NotBelow);
    }
    template.split('/').try_for_each(check_characters)
}

fn check_name(template: &str) -> Result<(), NamingError> {
    check_characters(template)?;
    if template.starts_with('.') {
        return Err(NamingError::Hidden);
    }
    if !["{id}", "{first}", "{last}"].iter().all(|word| template.contains(word)) {
        return Err(NamingError::NotUnique);
    }
    let longest = "x".repeat(63);
    let named = Named {
        tenant: &longest,
        job: &longest,
        id: "xxxxxxxxxx",
        cut: Timestamp::MIN,
        first: u64::MAX,
        last: u64::MAX,
    };
    if fill(template, &named).len() > NAME_BYTES { Err(NamingError::TooLong(NAME_BYTES)) } else { Ok(()) }
}

fn check_characters(template: &str) -> Result<(), NamingError> {
    let allowed =
        |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (word, after) = after.split_once('}').ok_or(NamingError::Character)?;
        if !allowed(before) {
            return Err(NamingError::Character);
        }
        if !matches!(word, "tenant" | "job" | "id" | "yyyy" | "mm" | "dd" | "HH" | "time" | "first" | "last")
        {
            return Err(NamingError::Word(word.chars().take(32).filter(|c| !c.is_control()).collect()));
        }
        rest = after;
    }
    if allowed(rest) { Ok(()) } else { Err(NamingError::Character) }
}

fn fill(template: &str, named: &Named<'_>) -> String {
    // `20261122T093000Z`
    let time = named.cut.compact();
    let part = |range: std::ops::Range<usize>| time.get(range).unwrap_or_default().to_owned();
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (word, after) = after.split_once('}').unwrap_or((after, ""));
        filled.push_str(before);
        filled.push_str(&match word {
            "tenant" => named.tenant.to_owned(),
            "job" => named.job.to_owned(),
            "id" => named.id.to_owned(),
            "yyyy" => part(0..4),
            "mm" => part(4..6),
            "dd" => part(6..8),
            "HH" => part(9..11),
            "time" => time.clone(),
            "first" => format!("{:020}", named.first),
            "last" => format!("{:020}", named.last),
            _ => String::new(),
        });
        rest = after;
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named() -> Named<'static> {
        Named {
            tenant: "acme",
            job: "siem",
            id: "abcdefgh23",
            cut: Timestamp::parse("2026-11-22T09:30:00Z").unwrap(),
            first: 7,
            last: 42,
        }
    }

    #[test]
    fn the_default_name_is_unique_and_sorts_by_position() {
        let naming = Naming::new("", "").unwrap();
        assert_eq!(naming, Naming::default());
        assert_eq!(naming.directory(&named()), "");
        assert_eq!(
            naming.name(&named()),
            "siem_abcdefgh23_20261122T093000Z_00000000000000000007-00000000000000000042"
        );
    }

    #[test]
    fn every_word_is_filled_in() {
        let naming =
            Naming::new("{tenant}/{yyyy}/{mm}/{dd}/h{HH}", "{job}.{time}.{id}.{first}.{last}").unwrap();
        assert_eq!(naming.directory(&named()), "acme/2026/11/22/h09");
        let name = "siem.20261122T093000Z.abcdefgh23.00000000000000000007.00000000000000000042";
        assert_eq!(naming.name(&named()), name);
    }

    #[test]
    fn what_could_collide_or_leave_the_folder_is_refused() {
        let name = |template: &str| Naming::new("", template).unwrap_err().1.unwrap();
        assert_eq!(name("{id}"), NamingError::NotUnique);
        assert_eq!(name("audit"), NamingError::NotUnique);
        assert_eq!(name("{id}{first}{last}{name}"), NamingError::Word("name".to_owned()));
        assert_eq!(name("{id}{first}{last"), NamingError::Character);
        assert_eq!(name("{id}/{first}{last}"), NamingError::Character);
        assert_eq!(name("{id}{first}{last}æ"), NamingError::Character);
        assert_eq!(name(".{id}{first}{last}"), NamingError::Hidden);
        assert_eq!(name("{id}{first}{last}{first}{first}{job}{job}"), NamingError::TooLong(200));
        let directory = |template: &str| Naming::new(template, "").unwrap_err().0.unwrap();
        assert_eq!(directory("/etc"), NamingError::NotBelow);
        assert_eq!(directory("a/../b"), NamingError::NotBelow);
        assert_eq!(directory("a//b"), NamingError::NotBelow);
        assert_eq!(directory("a b"), NamingError::Character);
        assert_eq!(directory(&"a".repeat(129)), NamingError::TooLong(128));
        assert_eq!(check_folder("{yyyy}"), Err(NamingError::NotBelow));
        assert_eq!(check_folder(".manifests"), Ok(()));
    }
}
