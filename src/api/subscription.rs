//! `vidne.v1.SubscriptionService`.

use tonic::{Request, Response, Status, Streaming};

use super::{
    budget::Messages,
    caller::{caller, tenant},
    consume::{answers, begin},
    outgoing::{Elsewhere, answer},
    page::Page,
    proto::subscription_service_server::SubscriptionService,
    status::{invalid, status},
};
use crate::{
    codec::{
        filter::{filter_from_proto, filter_to_proto},
        proto::v1::{self, create_subscription_request::Start as WireStart},
        wire::{duration, timestamp},
    },
    domain::{filter::EventFilter, subscription::Subscription, violation::Violations},
    metrics::Metrics,
    service::{
        subscriptions::{NewSubscription, Start, SubscriptionStatus, Subscriptions},
        token::Tokens,
    },
};

/// Manages and consumes subscriptions.
pub struct SubscriptionApi {
    /// The use cases.
    pub subscriptions: Subscriptions,
    /// For pages.
    pub tokens: Tokens,
    /// Counts.
    pub metrics: Metrics,
    /// The largest request message.
    pub request_bytes: usize,
}

#[tonic::async_trait]
impl SubscriptionService for SubscriptionApi {
    async fn create_subscription(
        &self,
        request: Request<v1::CreateSubscriptionRequest>,
    ) -> Result<Response<v1::CreateSubscriptionResponse>, Status> {
        let caller = caller(request.metadata());
        let new = new_from_proto(request.into_inner()).map_err(invalid)?;
        let created = self.subscriptions.create(new, &caller.name).await.map_err(status)?;
        let subscription = Some(subscription_to_proto(created));
        Ok(Response::new(v1::CreateSubscriptionResponse { subscription }))
    }

    async fn get_subscription(
        &self,
        request: Request<v1::GetSubscriptionRequest>,
    ) -> Result<Response<v1::GetSubscriptionResponse>, Status> {
        let v1::GetSubscriptionRequest { tenant_id, name } = request.into_inner();
        let tenant = tenant(&tenant_id, "tenant_id").map_err(invalid)?;
        let found = self.subscriptions.get(&tenant, &name).await.map_err(status)?;
        let subscription = Some(subscription_to_proto(found));
        Ok(Response::new(v1::GetSubscriptionResponse { subscription }))
    }

    async fn list_subscriptions(
        &self,
        request: Request<v1::ListSubscriptionsRequest>,
    ) -> Result<Response<v1::ListSubscriptionsResponse>, Status> {
        let v1::ListSubscriptionsRequest { tenant_id, page_size, page_token } = request.into_inner();
        let tenant = tenant(&tenant_id, "tenant_id").map_err(invalid)?;
        let list = format!("subscriptions/{tenant}");
        let page = Page::read(&self.tokens, list, page_size, &page_token).map_err(status)?;
        let found = self.subscriptions.list(&tenant, page.after.as_deref(), page.wanted()).await;
        let mut found = found.map_err(status)?;
        let next_page_token = page.cut(&mut found, |found| found.subscription.name.clone());
        let subscriptions = found.into_iter().map(subscription_to_proto).collect();
        Ok(Response::new(v1::ListSubscriptionsResponse { subscriptions, next_page_token }))
    }

    async fn delete_subscription(
        &self,
        request: Request<v1::DeleteSubscriptionRequest>,
    ) -> Result<Response<v1::DeleteSubscriptionResponse>, Status> {
        let caller = caller(request.metadata());
        let v1::DeleteSubscriptionRequest { tenant_id, name } = request.into_inner();
        let tenant = tenant(&tenant_id, "tenant_id").map_err(invalid)?;
        self.subscriptions.delete(&tenant, &name, &caller.name).await.map_err(status)?;
        Ok(Response::new(v1::DeleteSubscriptionResponse {}))
    }

    type ConsumeStream = Elsewhere<v1::ConsumeResponse>;

    async fn consume(
        &self,
        request: Request<Streaming<v1::ConsumeRequest>>,
    ) -> Result<Response<Self::ConsumeStream>, Status> {
        // `show_personal` is served to everybody until there are roles.
        let messages = request.extensions().get::<Messages>().cloned().unwrap_or_default();
        let (start, acknowledgements) = begin(messages, self.request_bytes).await?;
        let consuming = self.subscriptions.consume(start, acknowledgements).await.map_err(status)?;
        Ok(answer(answers(consuming, self.metrics.open_consumer())))
    }
}

/// Reads a subscription to be created; names all that is wrong but its name, which has a rule of its own.
fn new_from_proto(request: v1::CreateSubscriptionRequest) -> Result<NewSubscription, Violations> {
    let v1::CreateSubscriptionRequest { subscription, start } = request;
    let subscription = subscription.ok_or_else(|| Violations::one("subscription", "required"))?;
    let v1::Subscription {
        tenant_id,
        name,
        filter,
        show_personal,
        created_time: _,
        acknowledged_sequence: _,
        acknowledged_time: _,
        head_sequence: _,
        lag: _,
        consumer: _,
        lease_expire_time: _,
    } = subscription;
    let tenant = tenant(&tenant_id, "subscription.tenant_id")?;
    let filter = filter.map_or_else(
        || Ok(EventFilter::default()),
        |filter| filter_from_proto(filter, "subscription.filter"),
    )?;
    let start = match start {
        None | Some(WireStart::FromNow(false)) => Start::Beginning,
        Some(WireStart::AfterSequence(position)) => Start::After(position),
        Some(WireStart::FromNow(true)) => Start::Now,
    };
    Ok(NewSubscription { tenant, name, filter, show_personal, start })
}

fn subscription_to_proto(status: SubscriptionStatus) -> v1::Subscription {
    let SubscriptionStatus { subscription, head, lag } = status;
    let Subscription {
        tenant,
        name,
        filter,
        show_personal,
        created,
        acknowledged_sequence,
        acknowledged,
        consumer,
    } = subscription;
    v1::Subscription {
        tenant_id: tenant.to_string(),
        name,
        filter: Some(filter_to_proto(&filter)),
        show_personal,
        created_time: Some(timestamp(created)),
        acknowledged_sequence,
        acknowledged_time: acknowledged.map(timestamp),
        head_sequence: head,
        lag: lag.map(duration),
        lease_expire_time: consumer.as_ref().map(|consumer| timestamp(consumer.lease_until)),
        consumer: consumer.map(|consumer| consumer.name).unwrap_or_default(),
    }
}
