//! Runs tests/chart/render.py: Helm and the schemas.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use crate::support::from_tests_run;

/// The oldest Kubernetes that the chart is held against, and the newest that there are schemas of.
pub const VERSIONS: [&str; 2] = ["1.29", "1.37"];

/// What Helm made of a set of values.
pub struct Rendered {
    /// What the set is called.
    pub name: String,
    /// Why Helm refuses it; then there is nothing else.
    pub refused: Option<String>,
    /// What Kubernetes would not take, strictly.
    pub problems: Vec<Value>,
    /// What is installed.
    pub objects: Vec<Value>,
    /// What runs before it, and as its test.
    pub hooks: Vec<Value>,
    /// NOTES.txt.
    pub notes: String,
}

impl Rendered {
    /// The objects of a kind.
    pub fn of_kind(&self, kind: &str) -> Vec<&Value> {
        self.objects.iter().chain(&self.hooks).filter(|object| object["kind"] == kind).collect()
    }

    /// The pod templates with the kind that they are in.
    pub fn pods(&self) -> Vec<(&str, &Value)> {
        let all = self.objects.iter().chain(&self.hooks);
        all.filter_map(|object| match object["kind"].as_str().unwrap() {
            "Pod" => Some(("Pod", object)),
            kind @ ("Deployment" | "StatefulSet" | "Job") => Some((kind, &object["spec"]["template"])),
            _ => None,
        })
        .collect()
    }

    /// The template of the servers' pods.
    pub fn server(&self) -> &Value {
        let servers: Vec<_> = self
            .pods()
            .into_iter()
            .filter(|(kind, _)| ["Deployment", "StatefulSet"].contains(kind))
            .collect();
        assert_eq!(servers.len(), 1, "{}", self.name);
        servers[0].1
    }
}

/// A file or folder of the repository.
pub fn of_the_tree(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Python with what the chart's tests need.
pub fn python(script: &str) -> Command {
    let mut command = Command::new(from_tests_run("VIDNE_TEST_CHART_PYTHON"));
    command.arg(of_the_tree(script));
    command
}

/// Every set of `helm/ci`.
pub fn files() -> Vec<Value> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(of_the_tree("helm/ci")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
        .iter()
        .map(|file| json!({"name": file.file_name().unwrap().to_str().unwrap(), "file": file}))
        .collect()
}

/// Renders sets, each `{"name": ..., "file" or "values": ...}`, on some versions of Kubernetes.
///
/// # Panics
///
/// If Helm's lint warns of something, or if the script fails.
pub fn render(sets: &[Value], versions: &[&str]) -> Vec<Rendered> {
    let job = json!({"chart": of_the_tree("helm"), "versions": versions, "sets": sets});
    let mut process = python("tests/chart/render.py")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    process.stdin.take().unwrap().write_all(job.to_string().as_bytes()).unwrap();
    let output = process.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["lint"], json!([]));
    let rendered: Vec<_> = answer["sets"].as_array().unwrap().iter().map(read).collect();
    assert_eq!(rendered.len(), sets.len());
    rendered
}

fn read(set: &Value) -> Rendered {
    let list = |name: &str| set[name].as_array().cloned().unwrap_or_default();
    Rendered {
        name: set["name"].as_str().unwrap().to_owned(),
        refused: set["refused"].as_str().map(str::to_owned),
        problems: list("problems"),
        objects: list("objects"),
        hooks: list("hooks"),
        notes: set["notes"].as_str().unwrap_or_default().to_owned(),
    }
}
