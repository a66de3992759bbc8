//! Which server a client command talks to.

use std::time::Duration;

use clap::Args;

use crate::client::{Client, ClientOptions};

use super::CliError;

/// Which server.
#[derive(Debug, Args)]
#[command(next_help_heading = "Server")]
pub struct ServerArgs {
    /// Address of the server: http://host:port or https://host:port.
    #[arg(long, env = "VIDNE_SERVER", value_name = "URL", default_value = "http://127.0.0.1:50051")]
    server: String,

    /// Seconds to wait for one answer.
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
}

impl ServerArgs {
    /// A client for it. Does not connect yet.
    ///
    /// # Errors
    ///
    /// If the address is none.
    pub fn client(&self) -> Result<Client, CliError> {
        let timeout = Duration::from_secs(self.timeout);
        let defaults = ClientOptions::default();
        let options = ClientOptions {
            request_timeout: timeout,
            connect_timeout: defaults.connect_timeout.min(timeout),
            // A person waits: say soon that a server is not there.
            max_retries: 3,
            ..defaults
        };
        Ok(Client::connect(&self.server, options)?)
    }
}
