//! Why a server does not start, or does not go on.

use std::{io, net::SocketAddr};

use tokio::task::JoinError;

use crate::{
    api::ServeError, service::declared::DeclaredError, shutdown::TaskError, store::StoreError,
    vault::VaultError,
};

/// Why a server does not start. Messages say what to do and hold no secrets.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address cannot be listened on.
    #[error("cannot listen on {address} ({key}); is another server running there?")]
    Listen {
        /// The setting.
        key: &'static str,
        /// Its value.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A listener does not tell its address.
    #[error("a listener does not tell its address")]
    Address(#[source] io::Error),
    /// The folder of the key file cannot be made.
    #[error("the folder {folder} for the key file cannot be made; give this user the right to it")]
    KeyFolder {
        /// Which.
        folder: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The key cannot be had.
    #[error(transparent)]
    Key(#[from] VaultError),
    /// The database belongs to an installation with another key.
    #[error(
        "the database belongs to an installation with another key than {place}; give this server the key of that \
         installation, as the file that keys.file names or as VIDNE_KEYS_KEY, or name another database"
    )]
    OtherKey {
        /// Where this server's key came from.
        place: String,
    },
    /// The database can lose acknowledged events, and that was forbidden.
    #[error(
        "the database can lose acknowledged events, which --require-durable (database.require_durable) forbids: {0}"
    )]
    NotDurable(String),
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What the configuration declares cannot be had.
    #[error(transparent)]
    Declared(#[from] DeclaredError),
    /// The gRPC server cannot be built.
    #[error(transparent)]
    Serve(#[from] ServeError),
}

/// Why a server stopped before it was told to, or not as it should.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A part of it ended.
    #[error(transparent)]
    Task(#[from] TaskError),
    /// Its own task is gone.
    #[error("the server's own task is gone")]
    Lost(#[source] JoinError),
}
