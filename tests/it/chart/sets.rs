//! What `helm/ci/*.yaml` become: valid for Kubernetes and for vidne, and as closed as they are meant to be.

use std::{fs, path::Path, process::Command};

use serde_json::{Value, json};

use super::render::{Rendered, VERSIONS, files, of_the_tree, render};
use crate::support::server::Server;

#[test]
fn every_set_is_valid_for_kubernetes_and_its_configuration_for_vidne() {
    let sets = render(&files(), &VERSIONS);
    assert!(sets.len() >= 7, "{} sets", sets.len());
    for set in &sets {
        assert_eq!(set.refused, None, "{}", set.name);
        assert_eq!(set.problems, Vec::<Value>::new(), "{}", set.name);
        every_pod_is_closed(set);
        the_hook_stands_alone(set);
        sqlite_has_one_writer(set);
        the_service_finds_servers_only(set);
        probes_ask_for_what_health_knows(set);
        the_program_takes_the_configuration(set);
        assert!(
            set.notes.contains("insecure: true") && set.notes.contains("helm test vidne"),
            "{}",
            set.notes
        );
    }
    zero_and_false_are_kept(&sets);
    the_grace_period_is_longer_than_the_drain(&sets);
    the_test_pod_records_and_reads(&sets);
    secrets_of_jobs_are_where_their_configuration_says(&sets);
}

fn every_pod_is_closed(set: &Rendered) {
    for (kind, pod) in set.pods() {
        let spec = &pod["spec"];
        let name = format!("{} of {}", kind, set.name);
        assert_eq!(spec["automountServiceAccountToken"], false, "{name}");
        assert_eq!(spec["enableServiceLinks"], false, "{name}");
        assert_eq!(spec["securityContext"]["runAsNonRoot"], true, "{name}");
        assert_eq!(spec["securityContext"]["seccompProfile"]["type"], "RuntimeDefault", "{name}");
        for container in containers(spec) {
            let context = &container["securityContext"];
            assert_eq!(context["readOnlyRootFilesystem"], true, "{name}");
            assert_eq!(context["allowPrivilegeEscalation"], false, "{name}");
            assert_eq!(context["capabilities"]["drop"], json!(["ALL"]), "{name}");
            assert!(container["resources"]["limits"]["memory"].is_string(), "{name}");
        }
    }
    for account in set.of_kind("ServiceAccount") {
        assert_eq!(account["automountServiceAccountToken"], false);
    }
}

fn containers(spec: &Value) -> Vec<&Value> {
    ["initContainers", "containers"].iter().filter_map(|list| spec[list].as_array()).flatten().collect()
}

/// A hook that runs before the install refers to nothing that comes with it.
fn the_hook_stands_alone(set: &Rendered) {
    let before = |hook: &&Value| {
        hook["metadata"]["annotations"]["helm.sh/hook"].as_str().is_some_and(|events| events.contains("pre-"))
    };
    for hook in set.hooks.iter().filter(before) {
        let text = hook["spec"]["template"]["spec"].to_string();
        for object in &set.objects {
            let (kind, name) =
                (object["kind"].as_str().unwrap(), object["metadata"]["name"].as_str().unwrap());
            if ["ConfigMap", "PersistentVolumeClaim", "ServiceAccount"].contains(&kind) {
                assert!(!text.contains(&format!("ame\":\"{name}\"")), "{}: {kind} {name}", set.name);
            }
        }
    }
}

fn sqlite_has_one_writer(set: &Rendered) {
    for server in set.of_kind("StatefulSet") {
        assert!(server["spec"]["replicas"].as_u64().unwrap() <= 1, "{}", set.name);
        assert!(set.of_kind("HorizontalPodAutoscaler").is_empty(), "{}", set.name);
    }
    assert_eq!(set.of_kind("StatefulSet").len() + set.of_kind("Deployment").len(), 1, "{}", set.name);
}

fn the_service_finds_servers_only(set: &Rendered) {
    let chosen = |selector: &Value, pod: &Value| {
        selector.as_object().unwrap().iter().all(|(name, value)| &pod["metadata"]["labels"][name] == value)
    };
    let mut selectors: Vec<&Value> = set.of_kind("Service").iter().map(|s| &s["spec"]["selector"]).collect();
    for kind in ["NetworkPolicy", "PodDisruptionBudget", "Deployment", "StatefulSet"] {
        for object in set.of_kind(kind) {
            let spec = &object["spec"];
            selectors.extend(
                [&spec["selector"]["matchLabels"], &spec["podSelector"]["matchLabels"]]
                    .into_iter()
                    .filter(|labels| labels.is_object()),
            );
        }
    }
    assert!(selectors.len() >= 2, "{}", set.name);
    for selector in selectors {
        assert!(chosen(selector, set.server()), "{}: {selector}", set.name);
        for (kind, pod) in set.pods().iter().filter(|(kind, _)| ["Pod", "Job"].contains(kind)) {
            assert!(!chosen(selector, pod), "{}: {selector} finds a {kind}", set.name);
        }
    }
}

fn probes_ask_for_what_health_knows(set: &Rendered) {
    let server = &set.server()["spec"]["containers"][0];
    for (probe, service) in
        [("startupProbe", ""), ("livenessProbe", ""), ("readinessProbe", "vidne.v1.AuditService")]
    {
        assert_eq!(server[probe]["grpc"], json!({"port": 50052, "service": service}), "{}", set.name);
    }
}

/// With the ConfigMap as the file and the container's own variables.
fn the_program_takes_the_configuration(set: &Rendered) {
    let folder = tempfile::tempdir().unwrap();
    let maps = set.of_kind("ConfigMap");
    assert_eq!(maps.len(), 1, "{}", set.name);
    let file = folder.path().join("vidne.toml");
    fs::write(&file, maps[0]["data"]["vidne.toml"].as_str().unwrap()).unwrap();
    for (kind, pod) in set.pods() {
        for container in containers(&pod["spec"]) {
            let command = container["args"][0].as_str().unwrap();
            if ["serve", "migrate"].contains(&command) {
                check(&format!("{kind} of {}", set.name), container, &file);
            }
        }
    }
}

fn check(name: &str, container: &Value, file: &Path) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vidne"));
    command.args(["config", "check"]).env_clear();
    for variable in container["env"].as_array().unwrap() {
        let variable_name = variable["name"].as_str().unwrap();
        let value = match variable_name {
            "VIDNE_CONFIG" => file.to_str().unwrap(),
            "VIDNE_DATABASE_URL" => {
                assert!(variable["valueFrom"]["secretKeyRef"]["name"].is_string(), "{name}");
                "postgres://vidne:secret@db.example.org/vidne"
            }
            _ if variable["valueFrom"]["secretKeyRef"]["name"].is_string() => "secret",
            _ => variable["value"].as_str().unwrap(),
        };
        command.env(variable_name, value);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
}

fn named<'a>(sets: &'a [Rendered], name: &str) -> &'a Rendered {
    sets.iter().find(|set| set.name == name).unwrap()
}

fn zero_and_false_are_kept(sets: &[Rendered]) {
    let set = named(sets, "sqlite-ephemeral.yaml");
    assert_eq!(set.of_kind("StatefulSet")[0]["spec"]["replicas"], 0);
    let text = set.of_kind("ConfigMap")[0]["data"]["vidne.toml"].as_str().unwrap();
    for line in ["labels = 0", "sample_ratio = 0", "metrics_listen = \"\""] {
        assert!(text.contains(line), "{text}");
    }
    assert!(!text.contains("max_connection_age"), "{text}");
    for kind in ["NetworkPolicy", "ServiceAccount", "PersistentVolumeClaim"] {
        assert!(set.of_kind(kind).is_empty(), "{kind}");
    }
    assert!(set.notes.contains("EVENTS ARE GONE") && set.notes.contains("ANYBODY IN THE CLUSTER"));
}

fn the_grace_period_is_longer_than_the_drain(sets: &[Rendered]) {
    // Delay 5 s, drain 20 s, 2 s, 5 s and 5 s for what is left, and a reserve of 3 s; said outright in the last one.
    for (name, seconds) in [("default.yaml", 40), ("postgresql.yaml", 40), ("everything.yaml", 90)] {
        assert_eq!(named(sets, name).server()["spec"]["terminationGracePeriodSeconds"], seconds, "{name}");
    }
}

/// Read-only, for the group alone, and below the folder that the configuration names.
fn secrets_of_jobs_are_where_their_configuration_says(sets: &[Rendered]) {
    let set = named(sets, "export-jobs.yaml");
    let text = set.of_kind("ConfigMap")[0]["data"]["vidne.toml"].as_str().unwrap();
    let config: toml::Table = text.parse().unwrap();
    let folder = config["export"]["secret_files"].as_str().unwrap();
    let jobs = config["export_jobs"].as_array().unwrap();
    let file = jobs[0]["destination"]["sftp"]["private_key_file"].as_str().unwrap();
    let (name, _) = file.split_once('/').unwrap();
    let spec = &set.server()["spec"];
    let list = |value: &Value| value.as_array().unwrap().clone();
    let mounts = list(&spec["containers"][0]["volumeMounts"]);
    let mount = mounts.iter().find(|mount| mount["mountPath"] == format!("{folder}/{name}")).unwrap();
    assert_eq!(mount["readOnly"], true);
    let volumes = list(&spec["volumes"]);
    let volume = volumes.iter().find(|volume| volume["name"] == mount["name"]).unwrap();
    assert_eq!(volume["secret"], json!({"secretName": "siem-sftp", "defaultMode": 0o440}));
    // Neither changed nor lost on their way through the template.
    assert_eq!(jobs[0]["file_limits"]["max_bytes"].as_integer(), Some(5_000_000_000));
    assert_eq!(jobs[0]["filter"]["labels"]["system"].as_str(), Some("x = \"y\""));
    assert_eq!(jobs[0]["filter"]["labels"]["a key"].as_str(), Some("z"));
    assert!(jobs[0]["filter"].get("minimum_severity").is_none());
    assert_eq!(config["tenants"][0]["display_name"].as_str(), Some("ACME \"A/S\" <æøå>"));
    assert_eq!(config["tenants"][0]["settings"]["custom_events_enabled"].as_bool(), Some(false));
}

/// What the test pod runs, run here.
fn the_test_pod_records_and_reads(sets: &[Rendered]) {
    let pods = named(sets, "default.yaml").of_kind("Pod");
    let arguments: Vec<&str> = pods[0]["spec"]["containers"][0]["args"]
        .as_array()
        .unwrap()
        .iter()
        .map(|argument| argument.as_str().unwrap())
        .collect();
    let (address, others) = arguments.split_last().unwrap();
    assert_eq!(*address, "--server=http://vidne:50051");
    let server = Server::on_sqlite();
    let vidne = || Command::new(env!("CARGO_BIN_EXE_vidne"));
    let output = vidne().args(others).args(["--server", &server.endpoint()]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && said.contains("read it back"), "{said}");
}

#[test]
fn another_configuration_replaces_the_pods_and_the_same_does_not() {
    let with = |values: Value| json!({"name": values.to_string(), "values": values});
    let sets = [
        with(json!({})),
        with(json!({"replicaCount": 0})),
        with(json!({"config": {"query": {"poll_interval": "2s"}}})),
        with(json!({"tenants": [{"tenant_id": "acme"}]})),
    ];
    let sums: Vec<_> = render(&sets, &["1.37"])
        .iter()
        .map(|set| set.server()["metadata"]["annotations"]["checksum/config"].clone())
        .collect();
    assert!(
        sums[0].is_string() && sums[0] == sums[1] && sums[0] != sums[2] && sums[0] != sums[3],
        "{sums:?}"
    );
}

#[test]
fn the_chart_and_the_program_have_one_version() {
    let chart = fs::read_to_string(of_the_tree("helm/Chart.yaml")).unwrap();
    for line in ["version", "appVersion"].map(|key| format!("\n{key}: {}\n", env!("CARGO_PKG_VERSION"))) {
        assert!(chart.contains(&line), "{chart}");
    }
}
