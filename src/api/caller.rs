//! Who calls, for which tenant, within which trace.

use tonic::metadata::MetadataMap;

use crate::{
    domain::{
        id::{NAME_SHAPE, TenantId},
        validate::{is_traceparent, tenant_or_default},
        violation::Violations,
    },
    service::record::Caller,
};

/// The name of every caller while no identities are configured.
pub const ANONYMOUS: &str = "anonymous";

/// The caller, with the trace of the call's metadata. A traceparent that is not valid is as good as none (W3C
/// Trace Context, section 4.3).
pub fn caller(metadata: &MetadataMap) -> Caller {
    let trace = metadata.get("traceparent").and_then(|value| value.to_str().ok());
    let trace = trace.filter(|text| is_traceparent(text)).unwrap_or_default();
    Caller { name: ANONYMOUS.to_owned(), trace: trace.to_owned() }
}

/// The tenant that a request names in `field`; `default` if it names none.
pub fn tenant(text: &str, field: &str) -> Result<TenantId, Violations> {
    tenant_or_default(text).ok_or_else(|| not_a_tenant(field))
}

/// The tenant that a request must name in `field`.
pub fn required_tenant(text: &str, field: &str) -> Result<TenantId, Violations> {
    TenantId::parse(text).ok_or_else(|| not_a_tenant(field))
}

fn not_a_tenant(field: &str) -> Violations {
    Violations::one(field, format!("not a tenant id; give {NAME_SHAPE}"))
}
