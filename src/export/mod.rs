//! Formats, cutting files, the publish protocol, destinations.
//!
//! A run (`run`) recovers the file that an earlier run left (`publish`), plans the next one (`plan`), uploads
//! it (`upload`), packed if that is wanted (`pack`), gives it its final name (`publish`) and puts a `manifest` beside it.
//! Meanwhile it plans the one after that; what planning renders (`content`, `draft`) is kept for the upload (`kept`).

mod clean;
mod content;
pub mod destination;
mod draft;
pub mod error;
mod file_mode;
pub mod format;
pub mod host_key;
mod kept;
mod manifest;
mod pack;
mod plan;
pub mod preview;
pub mod probe;
mod publish;
pub mod run;
pub mod secret_source;
pub mod secrets;
pub mod sftp;
mod source;
mod upload;

pub use error::ExportError;
