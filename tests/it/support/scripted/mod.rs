//! An SFTP server that goes wrong at one chosen step, as a script says.
//!
//! The SSH side is russh's (`ssh`). What happens to files is OpenSSH's own `sftp-server`, whose requests and answers
//! pass through our hands one at a time (`session`, `packet`). `script` knows the steps and what may go wrong at them.

mod packet;
mod script;
mod session;
mod ssh;

use std::{net::SocketAddr, path::Path, sync::Arc};

use russh::keys::{HashAlg, PrivateKey, ssh_key::private::Ed25519Keypair};
use tokio_util::sync::{CancellationToken, DropGuard};

pub use script::{Fault, Moment, Script, Step};

/// The only user.
pub const USER: &str = "siem";
/// The user's password.
pub const PASSWORD: &str = "s3cret passw0rd";

/// A running server; stopped when dropped.
pub struct ScriptedServer {
    pub script: Arc<Script>,
    address: SocketAddr,
    fingerprint: String,
    _stop: DropGuard,
}

/// How the server is, besides what its script says.
#[derive(Clone, Copy, Debug)]
pub struct Nature {
    /// It offers OpenSSH's extensions; without them it takes requests of 32 KiB and cannot flush.
    pub extensions: bool,
    /// Most bytes in one write, if it offers extensions.
    pub write_bytes: u64,
    /// A consumer takes each file the moment it has its final name, before the rename is answered.
    pub consumer: bool,
    /// A plain rename replaces what is there.
    pub rename_replaces: bool,
    /// A rename onto what is there is answered with code 11 instead of 4.
    pub code_11: bool,
    /// Permissions can be set.
    pub setstat: bool,
}

impl Default for Nature {
    fn default() -> Self {
        Self {
            extensions: true,
            write_bytes: 2_048,
            consumer: false,
            rename_replaces: false,
            code_11: false,
            setstat: true,
        }
    }
}

impl ScriptedServer {
    /// Serves `folder`, where a login lands; a consumer moves its files to `taken`.
    pub fn start(folder: &Path, taken: &Path, nature: Nature) -> Self {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).unwrap();
        let key = PrivateKey::from(Ed25519Keypair::from_seed(&seed));
        let fingerprint = key.public_key().fingerprint(HashAlg::Sha256).to_string();
        let script = Arc::new(Script::new(folder.to_owned(), taken.to_owned(), nature));
        let port = ssh::port();
        let address = port.local_addr().unwrap();
        let stop = CancellationToken::new();
        // From now on, not from when the task gets its turn.
        let listener = ssh::listen(address);
        tokio::spawn(ssh::serve(script.clone(), port, listener, key, stop.clone()));
        Self { script, address, fingerprint, _stop: stop.drop_guard() }
    }

    /// Where it listens.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Its host key's fingerprint.
    pub fn fingerprint(&self) -> String {
        self.fingerprint.clone()
    }
}
