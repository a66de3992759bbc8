//! `vidne.v1.TenantService`.

use tonic::{Request, Response, Status};

use super::{
    caller::{caller, required_tenant, tenant},
    page::Page,
    proto::tenant_service_server::TenantService,
    status::{invalid, status},
};
use crate::{
    codec::{proto::v1, wire::timestamp},
    domain::{
        id::TenantId,
        tenant::{Tenant, TenantChange, TenantSettings},
        violation::Violations,
    },
    service::{tenants::Tenants, token::Tokens},
};

/// The list that page tokens of ListTenants are of.
const LIST: &str = "tenants";
/// What an update mask may name.
const PATHS: &str = "display_name, settings, settings.security_events_enabled, \
                     settings.data_access_events_enabled, settings.custom_events_enabled";

/// Manages tenants.
pub struct TenantApi {
    /// The use cases.
    pub tenants: Tenants,
    /// For pages.
    pub tokens: Tokens,
}

#[tonic::async_trait]
impl TenantService for TenantApi {
    async fn create_tenant(
        &self,
        request: Request<v1::CreateTenantRequest>,
    ) -> Result<Response<v1::CreateTenantResponse>, Status> {
        let caller = caller(request.metadata());
        let v1::CreateTenantRequest { tenant } = request.into_inner();
        let Input { tenant_id, display_name, settings, revision: _ } = input(tenant).map_err(invalid)?;
        let id = required_tenant(&tenant_id, "tenant.tenant_id").map_err(invalid)?;
        let settings = settings_from_proto(settings);
        let tenant = self.tenants.create(id, display_name, settings, &caller.name).await.map_err(status)?;
        Ok(Response::new(v1::CreateTenantResponse { tenant: Some(tenant_to_proto(tenant)) }))
    }

    async fn get_tenant(
        &self,
        request: Request<v1::GetTenantRequest>,
    ) -> Result<Response<v1::GetTenantResponse>, Status> {
        let v1::GetTenantRequest { tenant_id } = request.into_inner();
        let id = tenant(&tenant_id, "tenant_id").map_err(invalid)?;
        let tenant = self.tenants.get(&id).await.map_err(status)?;
        Ok(Response::new(v1::GetTenantResponse { tenant: Some(tenant_to_proto(tenant)) }))
    }

    async fn list_tenants(
        &self,
        request: Request<v1::ListTenantsRequest>,
    ) -> Result<Response<v1::ListTenantsResponse>, Status> {
        let v1::ListTenantsRequest { page_size, page_token } = request.into_inner();
        let page = Page::read(&self.tokens, LIST.to_owned(), page_size, &page_token).map_err(status)?;
        let after = page.after.as_deref().and_then(TenantId::parse);
        let mut found = self.tenants.list(after.as_ref(), page.wanted()).await.map_err(status)?;
        let next_page_token = page.cut(&mut found, |tenant| tenant.id.to_string());
        let tenants = found.into_iter().map(tenant_to_proto).collect();
        Ok(Response::new(v1::ListTenantsResponse { tenants, next_page_token }))
    }

    async fn update_tenant(
        &self,
        request: Request<v1::UpdateTenantRequest>,
    ) -> Result<Response<v1::UpdateTenantResponse>, Status> {
        let caller = caller(request.metadata());
        let v1::UpdateTenantRequest { tenant: given, update_mask, revision } = request.into_inner();
        let given = input(given).map_err(invalid)?;
        let id = tenant(&given.tenant_id, "tenant.tenant_id").map_err(invalid)?;
        let revision = read_revision(revision, given.revision).map_err(invalid)?;
        let paths = update_mask.map(|mask| mask.paths).unwrap_or_default();
        let change = change(given, &paths).map_err(invalid)?;
        let tenant = self.tenants.update(&id, revision, change, &caller.name).await.map_err(status)?;
        Ok(Response::new(v1::UpdateTenantResponse { tenant: Some(tenant_to_proto(tenant)) }))
    }

    async fn delete_tenant(
        &self,
        request: Request<v1::DeleteTenantRequest>,
    ) -> Result<Response<v1::DeleteTenantResponse>, Status> {
        let caller = caller(request.metadata());
        let v1::DeleteTenantRequest { tenant_id } = request.into_inner();
        let id = required_tenant(&tenant_id, "tenant_id").map_err(invalid)?;
        let tenant = self.tenants.close(&id, &caller.name).await.map_err(status)?;
        Ok(Response::new(v1::DeleteTenantResponse { tenant: Some(tenant_to_proto(tenant)) }))
    }
}

/// The revision that an update was made from.
pub(super) fn read_revision(of_request: u64, of_object: u64) -> Result<u64, Violations> {
    match (of_request, of_object) {
        (0, 0) => Err(Violations::one("revision", "required: the revision at which it was read")),
        (0, revision) | (revision, _) => Ok(revision),
    }
}

/// What of a tenant a client sets.
struct Input {
    tenant_id: String,
    display_name: String,
    settings: v1::TenantSettings,
    revision: u64,
}

fn input(tenant: Option<v1::Tenant>) -> Result<Input, Violations> {
    let tenant = tenant.ok_or_else(|| Violations::one("tenant", "required"))?;
    let v1::Tenant {
        tenant_id,
        display_name,
        state: _,
        settings,
        revision,
        created_time: _,
        updated_time: _,
        head_sequence: _,
    } = tenant;
    Ok(Input { tenant_id, display_name, settings: settings.unwrap_or_default(), revision })
}

fn settings_from_proto(settings: v1::TenantSettings) -> TenantSettings {
    let v1::TenantSettings { security_events_enabled, data_access_events_enabled, custom_events_enabled } =
        settings;
    TenantChange {
        display_name: None,
        security_events_enabled,
        data_access_events_enabled,
        custom_events_enabled,
    }
    .apply(TenantSettings::default())
}

/// The fields that the mask names; what it names and the tenant does not give gets its default.
fn change(given: Input, paths: &[String]) -> Result<TenantChange, Violations> {
    let settings = settings_from_proto(given.settings);
    let security = Some(settings.security_events_enabled);
    let access = Some(settings.data_access_events_enabled);
    let custom = Some(settings.custom_events_enabled);
    let mut wrong = Violations::new();
    if paths.is_empty() {
        wrong.add("update_mask", format!("required; name any of {PATHS}"));
    }
    let mut change = TenantChange::default();
    for (i, path) in paths.iter().enumerate() {
        match path.as_str() {
            "display_name" => change.display_name = Some(given.display_name.clone()),
            "settings" => {
                change.security_events_enabled = security;
                change.data_access_events_enabled = access;
                change.custom_events_enabled = custom;
            }
            "settings.security_events_enabled" => change.security_events_enabled = security,
            "settings.data_access_events_enabled" => change.data_access_events_enabled = access,
            "settings.custom_events_enabled" => change.custom_events_enabled = custom,
            unknown => wrong.add(
                format!("update_mask.paths[{i}]"),
                format!("`{unknown}` is no field that can be changed; name any of {PATHS}"),
            ),
        }
    }
    wrong.into_result(change)
}

fn tenant_to_proto(tenant: Tenant) -> v1::Tenant {
    let Tenant { id, display_name, closed, settings, revision, created, updated, head_sequence } = tenant;
    let TenantSettings { security_events_enabled, data_access_events_enabled, custom_events_enabled } =
        settings;
    let state = if closed { v1::TenantState::Closed } else { v1::TenantState::Active };
    v1::Tenant {
        tenant_id: id.to_string(),
        display_name,
        state: state.into(),
        settings: Some(v1::TenantSettings {
            security_events_enabled: Some(security_events_enabled),
            data_access_events_enabled: Some(data_access_events_enabled),
            custom_events_enabled: Some(custom_events_enabled),
        }),
        revision,
        created_time: Some(timestamp(created)),
        updated_time: Some(timestamp(updated)),
        head_sequence,
    }
}
