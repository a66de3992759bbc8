//! `vidne tenant` and `health` against a server.

use super::program::client;
use crate::support::server::Server;

#[test]
fn security_events_are_kept_once_they_are_switched_on() {
    let server = Server::on_sqlite();
    let before = client(&server, &["record", "--type", "UserCreated"]).ok();
    assert!(before.out.contains("not recorded"), "{}", before.out);
    client(&server, &["tenant", "update", "default", "--security-events", "on"]).ok();
    client(&server, &["record", "--type", "UserCreated"]).ok();
    let events = client(&server, &["query", "--json"]).ok().json();
    let types: Vec<_> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["AUDITING_CONFIGURATION_CHANGED", "USER_CREATED"]);
}

#[test]
fn a_tenant_is_created_changed_and_closed() {
    let server = Server::on_sqlite();
    let created = client(&server, &["tenant", "create", "k-101", "--name", "Søby", "--json"]).ok().json();
    assert_eq!(created[0]["settings"]["security_events_enabled"], false);
    client(&server, &["tenant", "update", "k-101", "--name", "Søby Kommune"]).ok();
    let got = client(&server, &["tenant", "get", "k-101", "--json"]).ok().json();
    assert_eq!((&got[0]["display_name"], &got[0]["revision"]), (&"Søby Kommune".into(), &2.into()));
    assert_eq!(client(&server, &["tenant", "list", "--json"]).ok().json().len(), 2);

    // Not without being asked.
    assert_eq!(client(&server, &["tenant", "delete", "k-101"]).code, 2);
    client(&server, &["tenant", "delete", "k-101", "--yes"]).ok();
    let refused = client(&server, &["record", "--tenant", "k-101", "--type", "read"]);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("hint:"), "{}", refused.err);
}

#[test]
fn health_has_an_exit_code() {
    let mut server = Server::on_sqlite();
    assert!(client(&server, &["health"]).ok().out.contains("SERVING"));
    server.kill9();
    assert_eq!(client(&server, &["health"]).code, 1);
}
