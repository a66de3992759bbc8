//! Combinations that cannot work are refused by a sentence that names both keys.

use serde_json::{Value, json};

use super::render::render;

/// Values with one job on an SFTP server.
fn job(secret: Value) -> Value {
    let mut sftp = json!({"address": "siem", "user_name": "vidne"});
    sftp.as_object_mut().unwrap().extend(secret.as_object().unwrap().clone());
    json!({"exportJobs": [{"name": "siem", "format": {"json_lines": {}}, "destination": {"sftp": sftp}}]})
}

#[test]
fn what_cannot_work_is_refused_with_both_keys_named() {
    let database = json!({"existingSecret": "db"});
    let cases: Vec<(Value, [&str; 2])> = vec![
        (json!({"insecure": false}), ["insecure", "service.port"]),
        (json!({"replicaCount": 2}), ["replicaCount", "database.existingSecret"]),
        (json!({"autoscaling": {"enabled": true}}), ["autoscaling.enabled", "database.existingSecret"]),
        (json!({"database": database}), ["database.existingSecret", "key.existingSecret"]),
        (
            json!({"autoscaling": {"minReplicas": 7}}),
            ["autoscaling.minReplicas (7)", "autoscaling.maxReplicas (6)"],
        ),
        (
            json!({"persistence": {"enabled": false, "existingClaim": "data"}}),
            ["persistence.existingClaim", "persistence.enabled"],
        ),
        (
            json!({"serviceMonitor": {"enabled": true}, "metrics": {"enabled": false}}),
            ["serviceMonitor.enabled", "metrics.enabled"],
        ),
        (json!({"service": {"type": "LoadBalancer"}}), ["service.type", "networkPolicy.enabled"]),
        (
            json!({"terminationGracePeriodSeconds": 36}),
            ["terminationGracePeriodSeconds (36)", "config.shutdown.delay"],
        ),
        (
            json!({"config": {"shutdown": {"deadline": "soon"}}}),
            ["config.shutdown.deadline", "terminationGracePeriodSeconds"],
        ),
        (json!({"config": {"data_dir": "/data"}}), ["config.data_dir", "persistence.enabled"]),
        (json!({"config": {"server": {"listen": "[::]:1"}}}), ["config.server.listen", "listenAddress"]),
        (
            json!({"config": {"server": {"health_listen": ""}}}),
            ["config.server.health_listen", "listenAddress"],
        ),
        (
            json!({"config": {"server": {"metrics_listen": ""}}}),
            ["config.server.metrics_listen", "metrics.enabled"],
        ),
        (json!({"config": {"server": {"insecure": false}}}), ["config.server.insecure", "use insecure"]),
        (
            json!({"config": {"database": {"url": "postgres://db/vidne"}}}),
            ["config.database.url", "database.existingSecret"],
        ),
        (json!({"config": {"database": {"migrate": true}}}), ["config.database.migrate", "migrations.mode"]),
        (json!({"config": {"keys": {"key": "AAAA"}}}), ["config.keys.key", "key.existingSecret"]),
        (
            json!({"extraEnv": [{"name": "VIDNE_DATABASE_URL", "value": "postgres://db/vidne"}]}),
            ["extraEnv sets VIDNE_DATABASE_URL", "database.existingSecret"],
        ),
        (
            json!({"extraEnv": [{"name": "VIDNE_SHUTDOWN_DELAY", "value": "9s"}]}),
            ["extraEnv sets VIDNE_SHUTDOWN_DELAY", "config.shutdown"],
        ),
        (
            job(json!({"password_file": "siem/password"})),
            ["exportJobs[0].destination.sftp.password_file", "exportSecrets"],
        ),
        (
            json!({"exportJobs": job(json!({"password_file": "siem/password"}))["exportJobs"],
                "exportSecrets": [{"name": "other", "existingSecret": "siem"}]}),
            ["exportJobs[0].destination.sftp.password_file", "no exportSecrets is called siem"],
        ),
        (
            job(json!({"password_env": "EXPORT_SIEM"})),
            ["exportJobs[0].destination.sftp.password_env", "config.export.secret_env_prefix"],
        ),
        (
            json!({"config": {"export": {"secret_files": "/secrets"}},
                "exportSecrets": [{"name": "siem", "existingSecret": "siem"}]}),
            ["config.export.secret_files", "use exportSecrets"],
        ),
        (
            json!({"exportSecrets": [{"name": "siem", "existingSecret": "a"}, {"name": "siem", "existingSecret": "b"}]}),
            ["exportSecrets", "`existingSecret`"],
        ),
    ];
    let sets: Vec<_> =
        cases.iter().map(|(values, _)| json!({"name": values.to_string(), "values": values})).collect();
    for (set, (_, keys)) in render(&sets, &["1.37"]).iter().zip(&cases) {
        let refused = set.refused.as_deref().unwrap_or_else(|| panic!("{} is rendered", set.name));
        for key in keys {
            assert!(refused.contains(key), "{} is refused without {key}: {refused}", set.name);
        }
    }
}

#[test]
fn unknown_values_and_unknown_settings_are_refused() {
    let cases = [
        (json!({"replicas": 2}), "replicas"),
        (json!({"image": {"name": "vidne"}}), "name"),
        (json!({"migrations": {"mode": "later"}}), "/migrations/mode"),
        (json!({"config": {"server": {"lisen": "x"}}}), "lisen"),
        (json!({"config": {"sever": {}}}), "sever"),
        (json!({"probes": null}), "probes"),
        (json!({"config": {"limits": {"labels": "many"}}}), "/config/limits/labels"),
        (json!({"tenants": [{"tenant_id": "acme", "display": "x"}]}), "display"),
        (json!({"exportSecrets": [{"name": "siem"}]}), "existingSecret"),
        (job(json!({"password": "hunter2"})), "password"),
        (json!({"exportJobs": [{"name": "siem"}]}), "destination"),
    ];
    let sets: Vec<_> =
        cases.iter().map(|(values, _)| json!({"name": values.to_string(), "values": values})).collect();
    for (set, (_, word)) in render(&sets, &["1.37"]).iter().zip(&cases) {
        let refused = set.refused.as_deref().unwrap_or_else(|| panic!("{} is rendered", set.name));
        assert!(refused.contains(word), "{}: {refused}", set.name);
    }
}
