//! Where MariaDB and MySQL differ from the other databases: `connect` opens them, `server` refuses those that
//! cannot do the work, `session` is what each connection is told, `error` sorts their errors, `flush` makes an
//! answer that writes nothing wait for the disk, `durability` finds settings that weaken G1.

mod connect;
mod durability;
mod error;
mod flush;
mod server;
mod session;

pub(super) use connect::pool;
pub use durability::weaknesses;
pub(super) use error::{verdict, words};
pub(super) use flush::flush;
