//! Compiles `proto/` without `protoc`: messages for `codec/`, servers for `api/`, clients for `client/`,
//! and the descriptors for server reflection.

use std::{env, error::Error, fs, path::PathBuf};

use prost::Message;

const PROTOS: [&str; 7] = [
    "vidne/v1/audit_service.proto",
    "vidne/v1/tenant_service.proto",
    "vidne/v1/export_service.proto",
    "vidne/v1/subscription_service.proto",
    "vidne/v1/error_reason.proto",
    "vidne/internal/v1/token.proto",
    "google/rpc/status.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let descriptors = protox::compile(PROTOS, ["proto"])?;
    fs::write(out.join("vidne.bin"), descriptors.encode_to_vec())?;

    let folder = |name: &str| -> std::io::Result<PathBuf> {
        let folder = out.join(name);
        fs::create_dir_all(&folder)?;
        Ok(folder)
    };
    tonic_prost_build::configure()
        .out_dir(folder("messages")?)
        .build_client(false)
        .build_server(false)
        // Sorted maps make the encoding deterministic; bytes of stored events pass through uncopied.
        .btree_map(".")
        .bytes(".vidne.internal.v1.RawEventBatch.events")
        .extern_path(".google.rpc.Status", "::tonic_types::Status")
        .extern_path(".vidne.v1.EventBatch", "crate::codec::proto::internal::RawEventBatch")
        .compile_fds(descriptors.clone())?;
    for (name, server) in [("servers", true), ("clients", false)] {
        tonic_prost_build::configure()
            .out_dir(folder(name)?)
            .build_client(!server)
            .build_server(server)
            .extern_path(".google.rpc.Status", "::tonic_types::Status")
            .extern_path(".vidne.v1", "crate::codec::proto::v1")
            .extern_path(".vidne.internal.v1", "crate::codec::proto::internal")
            .compile_fds(descriptors.clone())?;
    }
    Ok(())
}
