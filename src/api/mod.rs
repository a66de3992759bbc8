//! gRPC: router, layers, wire <-> domain, errors -> `tonic::Status`.

pub mod proto;
