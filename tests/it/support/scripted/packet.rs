//! SFTP packets as bytes.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

const STATUS: u8 = 101;
const WRITE: u8 = 6;
const EXTENDED: u8 = 200;
/// Length and type.
const HEAD: usize = 5;

/// One packet, its length field included.
#[derive(Clone, Debug)]
pub struct Packet(pub Vec<u8>);

impl Packet {
    /// The next one of a stream.
    pub async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Self> {
        let length = stream.read_u32().await? as usize;
        assert!((1..=1024 * 1024).contains(&length), "a packet of {length} bytes");
        let mut bytes = vec![0; 4 + length];
        bytes[..4].copy_from_slice(&(length as u32).to_be_bytes());
        stream.read_exact(&mut bytes[4..]).await?;
        Ok(Self(bytes))
    }

    /// An answer to `request` with a status code.
    pub fn status(request: &Self, code: u32, message: &str) -> Self {
        let mut body = vec![STATUS];
        body.extend(request.id());
        body.extend(code.to_be_bytes());
        for text in [message, "en"] {
            body.extend((text.len() as u32).to_be_bytes());
            body.extend(text.as_bytes());
        }
        Self::of(body)
    }

    /// The version packet of a server without extensions.
    pub fn plain_version() -> Self {
        Self::of(vec![2, 0, 0, 0, 3])
    }

    fn of(body: Vec<u8>) -> Self {
        let mut bytes = (body.len() as u32).to_be_bytes().to_vec();
        bytes.extend(body);
        Self(bytes)
    }

    pub fn kind(&self) -> u8 {
        self.0[4]
    }

    fn id(&self) -> [u8; 4] {
        self.0[HEAD..HEAD + 4].try_into().unwrap()
    }

    /// The code, if it is a status.
    pub fn code(&self) -> Option<u32> {
        let code = || u32::from_be_bytes(self.0[HEAD + 4..HEAD + 8].try_into().unwrap());
        (self.kind() == STATUS).then(code)
    }

    /// The texts a request begins with: one, or both paths of a rename.
    pub fn texts(&self) -> (String, String) {
        let mut at = HEAD + 4;
        let mut next = || {
            let length = u32::from_be_bytes(self.0.get(at..at + 4)?.try_into().unwrap()) as usize;
            let text = self.0.get(at + 4..at + 4 + length)?;
            at += 4 + length;
            Some(String::from_utf8_lossy(text).into_owned())
        };
        (next().unwrap_or_default(), next().unwrap_or_default())
    }

    /// A request's name as in the drafts of SFTP.
    pub fn name(&self) -> &'static str {
        match self.kind() {
            1 => "init",
            3 => "open",
            4 => "close",
            5 => "read",
            WRITE => "write",
            7 => "lstat",
            8 => "fstat",
            9 => "setstat",
            11 => "opendir",
            12 => "readdir",
            13 => "remove",
            14 => "mkdir",
            15 => "rmdir",
            16 => "realpath",
            17 => "stat",
            18 => "rename",
            EXTENDED => match &*self.texts().0 {
                "fsync@openssh.com" => "fsync",
                "limits@openssh.com" => "limits",
                "posix-rename@openssh.com" => "posix-rename",
                other => panic!("the client has sent {other}"),
            },
            other => panic!("the client has sent a request of type {other}"),
        }
    }

    /// The same write with the first half of its bytes.
    pub fn half_a_write(&self) -> Self {
        assert_eq!(self.kind(), WRITE);
        let handle = self.texts().0.len();
        // The handle, eight bytes of offset, then the data with its length.
        let data_at = HEAD + 4 + 4 + handle + 8;
        let data = &self.0[data_at + 4..];
        let half = &data[..data.len() / 2];
        let mut body = self.0[4..data_at].to_vec();
        body.extend((half.len() as u32).to_be_bytes());
        body.extend(half);
        Self::of(body)
    }

    /// The same answer about limits with another one for writes.
    pub fn with_write_limit(mut self, bytes: u64) -> Self {
        const WRITE_AT: usize = HEAD + 4 + 16;
        self.0[WRITE_AT..WRITE_AT + 8].copy_from_slice(&bytes.to_be_bytes());
        self
    }
}
