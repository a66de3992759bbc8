//! The methods that there are, from the descriptors of the contract.

use std::collections::HashMap;

use prost::Message;
use prost_types::FileDescriptorSet;

use crate::{
    codec::proto::DESCRIPTORS,
    metrics::{CallMetrics, Metrics},
};

/// Counters of every method by its path, such as `/vidne.v1.AuditService/GetEvent`. Names of methods that do
/// not exist never become labels.
pub struct Methods {
    known: HashMap<String, CallMetrics>,
    unknown: CallMetrics,
}

impl Methods {
    /// Every method of the contract, health and reflection.
    pub fn new(metrics: &Metrics) -> Result<Self, prost::DecodeError> {
        let mut known = HashMap::new();
        for encoded in [
            DESCRIPTORS,
            tonic_health::pb::FILE_DESCRIPTOR_SET,
            tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
        ] {
            for name in methods(encoded)? {
                known.insert(format!("/{name}"), metrics.calls(&name));
            }
        }
        Ok(Self { known, unknown: metrics.calls("unknown") })
    }

    /// The counters of the method at this path, and whether there is one.
    pub fn find(&self, path: &str) -> (&CallMetrics, bool) {
        match self.known.get(path) {
            Some(metrics) => (metrics, true),
            None => (&self.unknown, false),
        }
    }
}

/// The names of all services of a descriptor set.
pub fn services(encoded: &[u8]) -> Result<Vec<String>, prost::DecodeError> {
    let mut names: Vec<String> = methods(encoded)?
        .iter()
        .filter_map(|method| method.split_once('/').map(|(service, _)| service.to_owned()))
        .collect();
    names.dedup();
    Ok(names)
}

fn methods(encoded: &[u8]) -> Result<Vec<String>, prost::DecodeError> {
    let mut names = Vec::new();
    for file in FileDescriptorSet::decode(encoded)?.file {
        for service in &file.service {
            for method in &service.method {
                names.push(format!("{}.{}/{}", file.package(), service.name(), method.name()));
            }
        }
    }
    Ok(names)
}
