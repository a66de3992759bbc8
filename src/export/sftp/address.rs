//! Where a server is: `host`, `host:port` or `[v6]:port`.

use std::fmt;
use std::str::FromStr;

/// The port SFTP servers listen on unless the address says otherwise.
pub const DEFAULT_PORT: u16 = 22;

/// Longest host name accepted, in bytes (the limit of DNS).
const MAX_HOST_BYTES: usize = 253;

/// Host and port of an SFTP server. The host is a DNS name or an IP address without brackets.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    host: String,
    port: u16,
}

/// Why a text is not an address. The messages name the part that is wrong and the accepted spellings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// There is no host.
    #[error("address is empty before the port: write host, host:port or [v6 address]:port")]
    NoHost,
    /// The host holds something no host name or IP address can hold.
    #[error("address {text:?} is not a host: write only host, host:port or [v6 address]:port, {hint}")]
    BadHost {
        /// The text as given.
        text: String,
        /// What most likely went wrong.
        hint: &'static str,
    },
    /// The part behind the colon is no port.
    #[error("port {text:?} is not a number from 1 to 65535")]
    BadPort {
        /// The part behind the colon.
        text: String,
    },
    /// A bracket is missing.
    #[error(
        "address {text:?} has an unclosed bracket: write an IPv6 address with a port as [2001:db8::1]:22"
    )]
    BadBracket {
        /// The text as given.
        text: String,
    },
}

impl Address {
    /// The host, without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, from 1 to 65535.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if let Some(rest) = text.strip_prefix('[') {
            let unclosed = || AddressError::BadBracket { text: text.to_owned() };
            let (host, rest) = rest.split_once(']').ok_or_else(unclosed)?;
            let port = match rest.strip_prefix(':') {
                Some(port) => parse_port(port)?,
                None if rest.is_empty() => DEFAULT_PORT,
                None => return Err(unclosed()),
            };
            return checked(text, host, port);
        }
        match text.matches(':').count() {
            0 => checked(text, text, DEFAULT_PORT),
            1 => {
                let (host, port) = text.split_once(':').unwrap_or((text, ""));
                if port.starts_with("//") {
                    return Err(bad_host(text, "without sftp:// before it"));
                }
                checked(text, host, parse_port(port)?)
            }
            _ if text.contains("://") => Err(bad_host(text, "without sftp:// before it")),
            // More colons without brackets can only be an IPv6 address on its own.
            _ => checked(text, text, DEFAULT_PORT),
        }
    }
}

fn parse_port(text: &str) -> Result<u16, AddressError> {
    text.parse().ok().filter(|port| *port != 0).ok_or_else(|| AddressError::BadPort { text: text.to_owned() })
}

fn checked(text: &str, host: &str, port: u16) -> Result<Address, AddressError> {
    if host.is_empty() {
        return Err(AddressError::NoHost);
    }
    if host.contains(':') && host.parse::<std::net::Ipv6Addr>().is_err() {
        return Err(bad_host(text, "put an IPv6 address in brackets"));
    }
    if host.contains('@') {
        return Err(bad_host(text, "the user name is a field of its own"));
    }
    if host.contains('/') {
        return Err(bad_host(text, "the folder is a field of its own"));
    }
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
    if host.len() > MAX_HOST_BYTES || !host.chars().all(allowed) {
        return Err(bad_host(text, "with letters, digits, dots and hyphens"));
    }
    Ok(Address { host: host.to_owned(), port })
}

fn bad_host(text: &str, hint: &'static str) -> AddressError {
    AddressError::BadHost { text: text.to_owned(), hint }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<(String, u16), AddressError> {
        text.parse::<Address>().map(|address| (address.host().to_owned(), address.port()))
    }

    #[test]
    fn reads_every_spelling() {
        assert_eq!(parsed("siem.example.org"), Ok(("siem.example.org".into(), 22)));
        assert_eq!(parsed(" siem.example.org:2222 "), Ok(("siem.example.org".into(), 2222)));
        assert_eq!(parsed("192.0.2.7:22"), Ok(("192.0.2.7".into(), 22)));
        assert_eq!(parsed("[2001:db8::1]:2022"), Ok(("2001:db8::1".into(), 2022)));
        assert_eq!(parsed("[2001:db8::1]"), Ok(("2001:db8::1".into(), 22)));
        assert_eq!(parsed("2001:db8::1"), Ok(("2001:db8::1".into(), 22)));
    }

    #[test]
    fn shows_what_it_read() {
        assert_eq!("[2001:db8::1]:2022".parse::<Address>().unwrap().to_string(), "[2001:db8::1]:2022");
        assert_eq!("siem".parse::<Address>().unwrap().to_string(), "siem:22");
    }

    #[test]
    fn refuses_what_is_no_address() {
        assert_eq!(parsed(""), Err(AddressError::NoHost));
        assert_eq!(parsed(":22"), Err(AddressError::NoHost));
        assert_eq!(parsed("siem:0"), Err(AddressError::BadPort { text: "0".into() }));
        assert_eq!(parsed("siem:70000"), Err(AddressError::BadPort { text: "70000".into() }));
        assert_eq!(parsed("siem:"), Err(AddressError::BadPort { text: String::new() }));
        assert!(matches!(parsed("[2001:db8::1"), Err(AddressError::BadBracket { .. })));
        assert!(matches!(parsed("[2001:db8::1]22"), Err(AddressError::BadBracket { .. })));
        for text in ["sftp://siem", "sftp://siem:22", "bob@siem", "siem/in", "a b", "a:b:c"] {
            assert!(matches!(parsed(text), Err(AddressError::BadHost { .. })), "{text}");
        }
    }
}
