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
    known: HashMap<String, (CallMetrics, bool)>,
    unknown: CallMetrics,
}

/// What is known about a method.
pub struct Found<'a> {
    /// Its counters.
    pub metrics: &'a CallMetrics,
    /// Whether there is such a method.
    pub known: bool,
    /// Whether its client sends many messages.
    pub streaming: bool,
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
            for (name, streaming) in methods(encoded)? {
                known.insert(format!("/{name}"), (metrics.calls(&name), streaming));
            }
        }
        Ok(Self { known, unknown: metrics.calls("unknown") })
    }

    /// The method at this path.
    pub fn find(&self, path: &str) -> Found<'_> {
        match self.known.get(path) {
            Some((metrics, streaming)) => Found { metrics, known: true, streaming: *streaming },
            None => Found { metrics: &self.unknown, known: false, streaming: false },
        }
    }
}

/// The names of all services of a descriptor set.
pub fn services(encoded: &[u8]) -> Result<Vec<String>, prost::DecodeError> {
    let mut names: Vec<String> = methods(encoded)?
        .iter()
        .filter_map(|(method, _)| method.split_once('/').map(|(service, _)| service.to_owned()))
        .collect();
    names.dedup();
    Ok(names)
}

/// The names of all methods of a descriptor set, and whether the client of each sends many messages.
fn methods(encoded: &[u8]) -> Result<Vec<(String, bool)>, prost::DecodeError> {
    let mut names = Vec::new();
    for file in FileDescriptorSet::decode(encoded)?.file {
        for service in &file.service {
            for method in &service.method {
                let name = format!("{}.{}/{}", file.package(), service.name(), method.name());
                names.push((name, method.client_streaming()));
            }
        }
    }
    Ok(names)
}
