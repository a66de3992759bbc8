//! OpenDAL service for SFTP on russh.
//!
//! OpenDAL's own SFTP service runs the `ssh` program and takes no passwords; this one needs neither. The
//! SFTP client is `openssh-sftp-client-lowlevel`: it keeps file handles as bytes, takes status codes of later
//! protocol versions, and leaves it to the caller which rename is used.
//!
//! From the outside in: [`operator`] (layers) -> `service` (OpenDAL) -> `link` (one connection) -> `connect`
//! and `auth` (SSH) -> `session` (SFTP requests) -> `frames` (bytes).

mod address;
mod auth;
mod config;
mod connect;
mod connect_error;
mod deleter;
mod error;
mod folders;
mod frames;
mod host_key;
mod link;
mod lister;
mod metadata;
mod operator;
mod paths;
mod reader;
mod rename;
mod requests;
mod service;
mod session;
mod sftp_error;
mod tails;
mod writer;

pub use address::{Address, AddressError, DEFAULT_PORT};
pub use config::{Credentials, PrivateKeyText, SftpConfig, SftpLimits};
pub use connect::{presented_host_key, resolve};
pub use connect_error::{AuthReason, ConnectError, KeyError, UnreachableReason};
pub use error::{connect_error, is_transient, sftp_error};
pub use host_key::{HostKeyInfo, HostKeyPin, HostKeyPinError};
pub use operator::operator;
pub use service::{SCHEME, SftpBuilder, SftpService};
pub use sftp_error::{SftpError, Status};
