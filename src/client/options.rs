//! How patient a client is.

use std::time::Duration;

/// Time-outs, keep-alive, retries and sizes of a [`super::Client`]. The defaults suit a server in the same
/// network.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// How long a connection may take to come up. Default 5 s.
    pub connect_timeout: Duration,
    /// How long the server may take to answer one attempt of a call that is not a stream. Default 30 s.
    pub request_timeout: Duration,
    /// How long a stream may be silent before it counts as broken. A server sends something at each quiet
    /// interval (10 s unless configured otherwise). Default 60 s.
    pub silence_timeout: Duration,
    /// How often HTTP/2 pings are sent while calls are open. Default 20 s.
    pub keep_alive_interval: Duration,
    /// How long a ping may stay unanswered. Default 10 s.
    pub keep_alive_timeout: Duration,
    /// How often a call that may be repeated is repeated. Default 5.
    pub max_retries: u32,
    /// The pause before the first repetition; it doubles with each. Default 100 ms.
    pub first_backoff: Duration,
    /// The longest pause between two repetitions. Default 10 s.
    pub longest_backoff: Duration,
    /// The largest message taken from the server, in bytes. Default 16 MiB.
    pub max_answer_bytes: usize,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(30),
            silence_timeout: Duration::from_secs(60),
            keep_alive_interval: Duration::from_secs(20),
            keep_alive_timeout: Duration::from_secs(10),
            max_retries: 5,
            first_backoff: Duration::from_millis(100),
            longest_backoff: Duration::from_secs(10),
            max_answer_bytes: 16 * 1024 * 1024,
        }
    }
}

/// What a stream of events does when its connection breaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Resume {
    /// It ends with the error. The last resume token can be used in a new query.
    #[default]
    Never,
    /// It connects again and goes on where it was, after at most this many failures in a row.
    Attempts(u32),
    /// It connects again for as long as it is asked for the next message.
    Always,
}
