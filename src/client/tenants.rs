//! Tenants: thin calls.

use prost_types::FieldMask;

use crate::codec::proto::v1::{
    CreateTenantRequest, DeleteTenantRequest, GetTenantRequest, ListTenantsRequest, Tenant,
    UpdateTenantRequest,
};

use super::{Client, error::ClientError};

const NO_TENANT: ClientError = ClientError::Contract("an answer without a tenant");

impl Client {
    /// Creates a tenant.
    ///
    /// # Errors
    ///
    /// `ALREADY_EXISTS` if the id was ever used, among others.
    pub async fn create_tenant(&self, tenant: Tenant) -> Result<Tenant, ClientError> {
        let mut tenants = self.tenants();
        let request = CreateTenantRequest { tenant: Some(tenant) };
        let answer = self.once(request, async move |request| tenants.create_tenant(request).await).await?;
        answer.tenant.ok_or(NO_TENANT)
    }

    /// One tenant, closed ones too.
    ///
    /// # Errors
    ///
    /// `NOT_FOUND` if there is none, among others.
    pub async fn get_tenant(&self, tenant_id: &str) -> Result<Tenant, ClientError> {
        let call = || {
            let mut tenants = self.tenants();
            let request = GetTenantRequest { tenant_id: tenant_id.to_owned() };
            self.once(request, async move |request| tenants.get_tenant(request).await)
        };
        self.repeatedly(call).await?.tenant.ok_or(NO_TENANT)
    }

    /// One page of the tenants, by id, and the token of the next one; empty after the last.
    ///
    /// # Errors
    ///
    /// If the server cannot be reached, among others.
    pub async fn list_tenants(&self, page_token: &str) -> Result<(Vec<Tenant>, String), ClientError> {
        let call = || {
            let mut tenants = self.tenants();
            let request = ListTenantsRequest { page_size: 0, page_token: page_token.to_owned() };
            self.once(request, async move |request| tenants.list_tenants(request).await)
        };
        let answer = self.repeatedly(call).await?;
        Ok((answer.tenants, answer.next_page_token))
    }

    /// Changes the fields of a tenant that `paths` name, if it is still at `tenant.revision`.
    ///
    /// # Errors
    ///
    /// `ABORTED` if the tenant was changed since, among others.
    pub async fn update_tenant(&self, tenant: Tenant, paths: &[&str]) -> Result<Tenant, ClientError> {
        let mut tenants = self.tenants();
        let revision = tenant.revision;
        let update_mask = Some(FieldMask { paths: paths.iter().map(|&path| path.to_owned()).collect() });
        let request = UpdateTenantRequest { tenant: Some(tenant), update_mask, revision };
        let answer = self.once(request, async move |request| tenants.update_tenant(request).await).await?;
        answer.tenant.ok_or(NO_TENANT)
    }

    /// Closes a tenant to writing, for good.
    ///
    /// # Errors
    ///
    /// `FAILED_PRECONDITION` for `default`, among others.
    pub async fn delete_tenant(&self, tenant_id: &str) -> Result<Tenant, ClientError> {
        let mut tenants = self.tenants();
        let request = DeleteTenantRequest { tenant_id: tenant_id.to_owned() };
        let answer = self.once(request, async move |request| tenants.delete_tenant(request).await).await?;
        answer.tenant.ok_or(NO_TENANT)
    }
}
