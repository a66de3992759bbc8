//! A server that speaks the protocol of S3, and a connection that changes what it hears.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    process::Command,
    thread,
};

use super::{
    from_tests_run,
    processes::{Server, free_port},
};

/// A running server; stopped when dropped. It keeps objects in memory.
#[derive(Debug)]
pub struct Moto {
    _server: Server,
    port: u16,
}

impl Moto {
    pub fn start() -> Self {
        for _ in 0..5 {
            let port = free_port();
            let mut command = Command::new(from_tests_run("VIDNE_TEST_STORE_PYTHON"));
            command.args(["-u", "-m", "moto.server", "-H", "127.0.0.1", "-p", &port.to_string()]);
            if let Some(server) = Server::start(&mut command, "Running on") {
                return Self { _server: server, port };
            }
        }
        panic!("moto does not start");
    }

    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Makes a bucket.
    pub fn bucket(&self, name: &str) {
        let mut connection = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let request = format!(
            "PUT /{name} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
        connection.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    /// An endpoint of the same server that does not hear `If-None-Match` in some requests, as servers are that do not
    /// know it there.
    pub fn deaf_endpoint(&self, deaf: Deaf) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let port = self.port;
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, server) = (client.unwrap(), TcpStream::connect(("127.0.0.1", port)).unwrap());
                let (back, answers) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                thread::spawn(move || pass_on(client, server, Some(deaf)));
                thread::spawn(move || pass_on(answers, back, None));
            }
        });
        format!("http://{address}")
    }
}

/// Where `If-None-Match` is not heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deaf {
    /// Nowhere is it.
    Everywhere,
    /// In requests to copy.
    ToCopies,
    /// In requests to copy, and in those that end an upload in pieces.
    ToCopiesAndPieces,
}

impl Deaf {
    fn is_to(self, request: &[u8]) -> bool {
        match self {
            Self::Everywhere => true,
            Self::ToCopies => position(request, b"x-amz-copy-source").is_some(),
            Self::ToCopiesAndPieces => Self::ToCopies.is_to(request) || request.starts_with(b"POST "),
        }
    }
}

/// Until one side closes. A request's head is read at once, so a header is never in two pieces.
fn pass_on(mut from: TcpStream, mut to: TcpStream, deaf: Option<Deaf>) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        let bytes = &mut buffer[..count];
        if deaf.is_some_and(|deaf| deaf.is_to(bytes))
            && let Some(at) = position(bytes, b"if-none-match")
        {
            bytes[at] = b'x';
        }
        if to.write_all(bytes).is_err() {
            break;
        }
    }
    let _ = to.shutdown(std::net::Shutdown::Both);
}

fn position(bytes: &[u8], header: &[u8]) -> Option<usize> {
    bytes.windows(header.len()).position(|window| window.eq_ignore_ascii_case(header))
}
