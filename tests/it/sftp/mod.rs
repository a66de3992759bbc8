//! The SFTP service against vidne's own loopback server, OpenSSH and ProFTPD.

mod broken;
mod files;
mod host_key;
mod layers;
mod login;
mod rename;
mod target;
