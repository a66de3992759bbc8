//! What `vidne demo` needs beside the product itself.

pub mod sftp_server;
