//! `vidne.v1.SubscriptionService` over the wire.

use std::time::Duration;

use prost::Message as _;
use tokio::{sync::mpsc, time::timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, Streaming};
use vidne::{
    client::{Client, ClientOptions, ConsumerItem, Resume},
    codec::proto::v1::{
        self, ConsumeAcknowledge, ConsumeRequest, ConsumeResponse, ConsumeStart, Event, Subscription,
        consume_request::Kind as Request, consume_response::Kind, create_subscription_request::Start,
    },
};

use super::{Server, event, expect, fields};

const SOON: Duration = Duration::from_secs(30);

async fn create(server: &Server, name: &str) -> Result<Subscription, Status> {
    let subscription = Some(Subscription { name: name.to_owned(), ..Subscription::default() });
    let request = v1::CreateSubscriptionRequest { subscription, start: Some(Start::FromNow(true)) };
    Ok(server.subscriptions().create_subscription(request).await?.into_inner().subscription.unwrap())
}

async fn get(server: &Server, name: &str) -> Result<Subscription, Status> {
    let request = v1::GetSubscriptionRequest { name: name.to_owned(), ..Default::default() };
    Ok(server.subscriptions().get_subscription(request).await?.into_inner().subscription.unwrap())
}

struct Open {
    requests: mpsc::Sender<ConsumeRequest>,
    answers: Streaming<ConsumeResponse>,
}

async fn open(server: &Server, first: Request) -> Result<Open, Status> {
    let (requests, outgoing) = mpsc::channel(16);
    requests.send(ConsumeRequest { kind: Some(first) }).await.unwrap();
    let answers = server.subscriptions().consume(ReceiverStream::new(outgoing)).await?.into_inner();
    Ok(Open { requests, answers })
}

fn start(name: &str) -> Request {
    Request::Start(ConsumeStart { name: name.to_owned(), consumer: "here".to_owned(), ..Default::default() })
}

impl Open {
    async fn next(&mut self) -> Result<ConsumeResponse, Status> {
        let message = timeout(SOON, self.answers.message()).await.expect("nothing comes")?;
        Ok(message.expect("the stream ended"))
    }

    async fn acknowledge(&self, position: u64) {
        let kind = Some(Request::Acknowledge(ConsumeAcknowledge { position }));
        self.requests.send(ConsumeRequest { kind }).await.unwrap();
    }

    async fn error(&mut self) -> Status {
        let end = async {
            loop {
                if let Err(status) = self.next().await {
                    return status;
                }
            }
        };
        timeout(SOON, end).await.expect("the stream does not end")
    }
}

#[tokio::test]
async fn a_subscription_is_created_shown_listed_and_deleted() {
    let server = Server::start().await;
    server.record(event()).await.unwrap();
    let made = create(&server, "siem").await.unwrap();
    assert_eq!((made.tenant_id.as_str(), made.acknowledged_sequence, made.head_sequence), ("default", 2, 2));
    assert!(made.lag.is_none() && made.acknowledged_time.is_none() && made.lease_expire_time.is_none());
    server.record(event()).await.unwrap();
    let behind = get(&server, "siem").await.unwrap();
    assert_eq!(behind.head_sequence, 3);
    assert!(behind.lag.is_some());
    create(&server, "other").await.unwrap();
    let mut names = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = v1::ListSubscriptionsRequest { page_size: 1, page_token, ..Default::default() };
        let page = server.subscriptions().list_subscriptions(request).await.unwrap().into_inner();
        names.extend(page.subscriptions.into_iter().map(|subscription| subscription.name));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(names, ["other", "siem"]);
    let delete = v1::DeleteSubscriptionRequest { name: "siem".to_owned(), ..Default::default() };
    server.subscriptions().delete_subscription(delete.clone()).await.unwrap();
    for gone in [
        get(&server, "siem").await.unwrap_err(),
        server.subscriptions().delete_subscription(delete).await.unwrap_err(),
        open(&server, start("siem")).await.err().unwrap(),
    ] {
        expect(&gone, Code::NotFound, "SUBSCRIPTION_NOT_FOUND");
    }
}

#[tokio::test]
async fn what_is_wrong_is_answered_with_its_reason() {
    let server = Server::start().await;
    create(&server, "siem").await.unwrap();
    expect(&create(&server, "siem").await.unwrap_err(), Code::AlreadyExists, "SUBSCRIPTION_EXISTS");
    let named = |status: Status, field: &str| {
        assert_eq!(fields(&expect(&status, Code::InvalidArgument, "INVALID_FIELDS")), [field]);
    };
    named(create(&server, "No Name").await.unwrap_err(), "subscription.name");
    named(get(&server, "No Name").await.unwrap_err(), "name");
    let nothing = v1::CreateSubscriptionRequest::default();
    named(server.subscriptions().create_subscription(nothing).await.unwrap_err(), "subscription");
    let acknowledge = Request::Acknowledge(ConsumeAcknowledge { position: 1 });
    named(open(&server, acknowledge).await.err().unwrap(), "start");
    let nowhere =
        ConsumeStart { tenant_id: "nobody".to_owned(), name: "siem".to_owned(), ..Default::default() };
    let status = open(&server, Request::Start(nowhere)).await.err().unwrap();
    expect(&status, Code::NotFound, "TENANT_NOT_FOUND");

    for (second, field) in [
        (Some(start("siem")), "start"),
        (None, "acknowledge"),
        (Some(Request::Acknowledge(ConsumeAcknowledge { position: 99 })), "acknowledge.position"),
    ] {
        let mut stream = open(&server, start("siem")).await.unwrap();
        stream.requests.send(ConsumeRequest { kind: second }).await.unwrap();
        // The error comes after the subscription was given back, so that the next one finds it free.
        named(stream.error().await, field);
    }
}

#[tokio::test]
async fn events_go_out_and_acknowledgements_come_back_when_they_are_kept() {
    let server = Server::start().await;
    create(&server, "siem").await.unwrap();
    let mut stream = open(&server, start("siem")).await.unwrap();
    let Some(Kind::Started(started)) = stream.next().await.unwrap().kind else { panic!("not started") };
    assert_eq!((started.acknowledged_sequence, started.lease.unwrap().seconds), (1, 30));
    assert!(matches!(stream.next().await.unwrap().kind, Some(Kind::CaughtUp(_))));
    let recorded = server.record(event()).await.unwrap();
    let message = stream.next().await.unwrap();
    assert_eq!(message.position, recorded.sequence);
    let Some(Kind::Batch(batch)) = message.kind else { panic!("{message:?}") };
    assert_eq!(Event::decode(batch.events[0].clone()).unwrap().event_id, recorded.event_id);

    let held = get(&server, "siem").await.unwrap();
    assert_eq!(held.consumer, "here");
    assert!(held.lease_expire_time.is_some());
    let status = open(&server, start("siem")).await.err().unwrap();
    let details = expect(&status, Code::Aborted, "SUBSCRIPTION_BUSY");
    let delay = details.retry_info().unwrap().retry_delay.unwrap();
    assert!(delay > Duration::from_secs(10) && delay <= Duration::from_secs(30), "{delay:?}");

    stream.acknowledge(message.position).await;
    let Some(Kind::Acknowledged(kept)) = stream.next().await.unwrap().kind else { panic!("not kept") };
    assert_eq!(kept.position, message.position);
    assert_eq!(get(&server, "siem").await.unwrap().acknowledged_sequence, message.position);
    // A client that has said all ends the stream well.
    drop(stream.requests);
    assert!(timeout(SOON, stream.answers.message()).await.unwrap().unwrap().is_none());
    let free = get(&server, "siem").await.unwrap();
    assert!(free.consumer.is_empty() && free.lease_expire_time.is_none());
}

#[tokio::test]
async fn g10_a_client_that_holds_a_subscription_and_never_reads_is_ended_with_a_reason() {
    let server = Server::with(&[("subscriptions.stall_timeout", "1s")]).await;
    create(&server, "siem").await.unwrap();
    let mut asleep = open(&server, start("siem")).await.unwrap();
    for _ in 0..3 {
        server.record(event()).await.unwrap();
    }
    let taken = async {
        loop {
            match open(&server, start("siem")).await {
                Ok(next) => return next,
                Err(busy) => drop(expect(&busy, Code::Aborted, "SUBSCRIPTION_BUSY")),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let mut next = timeout(SOON, taken).await.expect("it is held for ever");
    expect(&asleep.error().await, Code::Aborted, "SUBSCRIPTION_STALLED");
    let mut delivered = 0;
    while delivered < 3 {
        if let Some(Kind::Batch(batch)) = next.next().await.unwrap().kind {
            delivered += batch.events.len();
        }
    }
}

#[tokio::test]
async fn a_client_that_says_that_it_is_still_working_keeps_its_subscription() {
    let server = Server::with(&[("subscriptions.stall_timeout", "1s")]).await;
    create(&server, "siem").await.unwrap();
    for _ in 0..2 {
        server.record(event()).await.unwrap();
    }
    let to = format!("http://{}", server.running.addresses.listen);
    let client = Client::connect(&to, ClientOptions::default()).unwrap();
    for (says_so, dealt_with) in [(true, 2), (false, 3)] {
        let start = ConsumeStart { name: "siem".to_owned(), ..ConsumeStart::default() };
        let mut consumer = client.consume(start, Resume::Never);
        while !matches!(consumer.next().await.unwrap().unwrap().item, ConsumerItem::Events(_)) {}
        // Work takes time: three times what the server waits for an answer.
        for _ in 0..30 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            if says_so {
                consumer.still_working();
            }
        }
        consumer.acknowledge(dealt_with);
        match (consumer.finish().await, says_so) {
            (Ok(kept), true) => assert_eq!(kept, dealt_with),
            (Err(error), false) => assert_eq!(error.reason().as_deref(), Some("SUBSCRIPTION_STALLED")),
            (unexpected, _) => panic!("{unexpected:?}, saying so: {says_so}"),
        }
    }
}

#[tokio::test]
async fn a_server_that_stops_tells_its_consumers_and_ends() {
    let server = Server::start().await;
    create(&server, "siem").await.unwrap();
    let mut stream = open(&server, start("siem")).await.unwrap();
    stream.next().await.unwrap();
    server.running.stop.cancel();
    let details = expect(&stream.error().await, Code::Unavailable, "SHUTTING_DOWN");
    assert!(details.retry_info().is_some());
    drop(stream);
    timeout(SOON, server.running.join()).await.unwrap().unwrap();
}

#[tokio::test]
async fn the_client_waits_for_a_busy_subscription_and_goes_on_where_the_other_stopped() {
    let server = Server::start().await;
    create(&server, "siem").await.unwrap();
    for _ in 0..3 {
        server.record(event()).await.unwrap();
    }
    let options = ClientOptions { longest_backoff: Duration::from_millis(100), ..ClientOptions::default() };
    let client = Client::connect(&format!("http://{}", server.running.addresses.listen), options).unwrap();
    let named = |consumer: &str| ConsumeStart {
        name: "siem".to_owned(),
        consumer: consumer.to_owned(),
        ..ConsumeStart::default()
    };
    let mut first = client.consume(named("first"), Resume::Always);
    let mut second = client.consume(named("second"), Resume::Always);
    assert!(matches!(first.next().await.unwrap().unwrap().item, ConsumerItem::Started { .. }));
    let waits = second.next().await.unwrap().unwrap().item;
    let ConsumerItem::Reconnecting { error, .. } = waits else { panic!("{waits:?}") };
    assert_eq!(error.reason().as_deref(), Some("SUBSCRIPTION_BUSY"));
    let message = first.next().await.unwrap().unwrap();
    let ConsumerItem::Events(events) = &message.item else { panic!("{message:?}") };
    assert_eq!((events.len(), message.position), (3, 4));
    first.acknowledge(3);
    assert_eq!(first.finish().await.unwrap(), 3);
    let started = loop {
        match timeout(SOON, second.next()).await.unwrap().unwrap().unwrap().item {
            ConsumerItem::Started { acknowledged_sequence, .. } => break acknowledged_sequence,
            ConsumerItem::Reconnecting { .. } => {}
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(started, 3);
    let message = second.next().await.unwrap().unwrap();
    assert!(matches!(&message.item, ConsumerItem::Events(events) if events.len() == 1), "{message:?}");
    assert_eq!(message.position, 4);

    // Without patience, a busy subscription is an error.
    let mut third = client.consume(named("third"), Resume::Never);
    let error = third.next().await.unwrap().unwrap_err();
    assert_eq!(error.reason().as_deref(), Some("SUBSCRIPTION_BUSY"));
    assert!(third.next().await.is_none());
}
