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

    /// An endpoint of the same server that takes `If-None-Match` otherwise than it does.
    pub fn endpoint_that(&self, manner: Manner) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let port = self.port;
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, server) = (client.unwrap(), TcpStream::connect(("127.0.0.1", port)).unwrap());
                let (back, answers) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                thread::spawn(move || requests(client, server, manner, port));
                thread::spawn(move || pass_on(answers, back));
            }
        });
        format!("http://{address}")
    }
}

/// How `If-None-Match` is taken. The server itself keeps to it in uploads, and ignores it in copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// It is ignored everywhere.
    IgnoresIt,
    /// It is ignored where an upload in pieces ends too.
    IgnoresItForPieces,
    /// It is kept to in copies too.
    KeepsToItInCopies,
}

/// Passes requests on until one side closes. A request's head is read at once, so a header is never in two pieces.
fn requests(mut from: TcpStream, mut to: TcpStream, manner: Manner, port: u16) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        let bytes = &mut buffer[..count];
        let condition = position(bytes, b"if-none-match");
        let ignored = match manner {
            Manner::IgnoresIt => condition,
            Manner::IgnoresItForPieces => condition.filter(|_| bytes.starts_with(b"POST ")),
            Manner::KeepsToItInCopies => {
                let copy = position(bytes, b"x-amz-copy-source").is_some();
                if copy && condition.is_some() && exists(bytes, port) {
                    let refused = b"HTTP/1.1 412 Precondition Failed\r\nContent-Length: 0\r\n\r\n";
                    from.write_all(refused).unwrap();
                    continue;
                }
                None
            }
        };
        if let Some(at) = ignored {
            bytes[at] = b'x';
        }
        if to.write_all(bytes).is_err() {
            break;
        }
    }
    let _ = to.shutdown(std::net::Shutdown::Both);
}

/// Whether there is what a request wants to make.
fn exists(request: &[u8], port: u16) -> bool {
    let request = String::from_utf8_lossy(request);
    let path = request.split(' ').nth(1).unwrap();
    let mut connection = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let head = format!("HEAD {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
    connection.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    answer.starts_with("HTTP/1.1 200")
}

fn pass_on(mut from: TcpStream, mut to: TcpStream) {
    let _ = std::io::copy(&mut from, &mut to);
    let _ = to.shutdown(std::net::Shutdown::Both);
}

fn position(bytes: &[u8], header: &[u8]) -> Option<usize> {
    let first = [header[0], header[0].to_ascii_uppercase()];
    let mut starts = (0..bytes.len().saturating_sub(header.len())).filter(|at| first.contains(&bytes[*at]));
    starts.find(|at| bytes[*at..*at + header.len()].eq_ignore_ascii_case(header))
}
