//! Reflection, health and the catalogue: what a client can find out by itself.

use tonic::transport::Channel;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};
use vidne::codec::proto::v1;

use super::Server;

const SERVICES: [&str; 4] = [
    "vidne.v1.AuditService",
    "vidne.v1.ExportService",
    "vidne.v1.SubscriptionService",
    "vidne.v1.TenantService",
];

#[tokio::test]
async fn reflection_lists_every_service_that_is_served() {
    let server = Server::start().await;
    let mut client = ServerReflectionClient::new(server.channel.clone());
    let ask = ServerReflectionRequest {
        message_request: Some(MessageRequest::ListServices(String::new())),
        ..Default::default()
    };
    let mut answers = client.server_reflection_info(tokio_stream::iter([ask])).await.unwrap().into_inner();
    let answer = answers.message().await.unwrap().unwrap().message_response;
    let Some(MessageResponse::ListServicesResponse(list)) = answer else { panic!("{answer:?}") };
    let mut names: Vec<String> = list.service.into_iter().map(|service| service.name).collect();
    names.sort();
    let others = ["grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection"];
    assert_eq!(names, [&others[..], &SERVICES[..]].concat());
}

async fn health(channel: Channel, service: &str) -> ServingStatus {
    let request = HealthCheckRequest { service: service.to_owned() };
    HealthClient::new(channel).check(request).await.unwrap().into_inner().status()
}

#[tokio::test]
async fn health_tells_of_the_process_and_of_each_service_on_both_ports() {
    let server = Server::start().await;
    let address = format!("http://{}", server.running.addresses.health.unwrap());
    let alone = Channel::from_shared(address).unwrap().connect().await.unwrap();
    for channel in [server.channel.clone(), alone] {
        for service in SERVICES.into_iter().chain([""]) {
            assert_eq!(health(channel.clone(), service).await, ServingStatus::Serving, "{service}");
        }
        let request = HealthCheckRequest { service: "no.such.Service".to_owned() };
        let status = HealthClient::new(channel).check(request).await.unwrap_err();
        assert_eq!(status.code(), tonic::Code::NotFound);
    }
}

#[tokio::test]
async fn the_catalogue_lists_the_27_security_types_with_their_codes() {
    let server = Server::start().await;
    let types = server.audit().list_event_types(v1::ListEventTypesRequest {}).await.unwrap();
    let types = types.into_inner().event_types;
    let codes: Vec<i32> = types.iter().filter_map(|info| info.type_code).collect();
    assert_eq!(codes, (0..=26).collect::<Vec<_>>());
    let reading = types.iter().find(|info| info.r#type() == v1::EventType::RecordRead).unwrap();
    assert_eq!((reading.name.as_str(), reading.type_name.as_str()), ("RECORD_READ", "Read"));
    assert_eq!(reading.category(), v1::EventCategory::DataAccess);
}
