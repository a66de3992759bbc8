//! The image: the Dockerfile is built by buildah, and what comes out is run as a cluster would.
//!
//! No registry is asked: both base images are made here from this machine's files. Where the Dockerfile compiles, a
//! stand-in for `cargo` puts the program there that is built already; every other step is the real one.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{processes::run, server::Addresses};

/// Whom it runs as.
const USER: u32 = 65_532;
/// What the image must stay below, in bytes.
const LARGEST: u64 = 60_000_000;
const DEADLINE: Duration = Duration::from_secs(60);

/// Does what the Dockerfile's compile does, given that it is asked for just that.
const CARGO: &str = "#!/bin/sh
set -e
[ \"$*\" = 'build --release --locked --bin vidne --features ' ]
[ -f Cargo.toml ] && [ -f Cargo.lock ] && [ -f build.rs ] && [ -f .cargo/config.toml ] && [ -f src/main.rs ] && [ -d proto ] && [ -d migrations ]
mkdir -p target/release
cp /prebuilt/vidne target/release/vidne
";

/// Runs vidne with the image's root mounted read-only, as the image's user. $1 is the root, $2 the data folder.
const CONTAINER: &str = "
set -e
mount --bind \"$1\" \"$1\"
mount --bind \"$2\" \"$1/var/lib/vidne\"
mount -o remount,bind,ro \"$1\"
exec chroot --userspec=65532:65532 \"$1\" /usr/local/bin/vidne serve --listen 127.0.0.1:0 --health-listen 127.0.0.1:0 \
    --metrics-listen 127.0.0.1:0 --ready-file /var/lib/vidne/ready.json
";

/// Images in a folder of their own.
struct Buildah(TempDir);

impl Buildah {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("buildah");
        command.arg("--root").arg(self.0.path().join("storage"));
        command.arg("--runroot").arg(self.0.path().join("run"));
        command.args(["--storage-driver", "vfs"]).args(arguments);
        command
    }

    fn run(&self, arguments: &[&str]) -> String {
        run(&mut self.command(arguments)).trim().to_owned()
    }

    /// Makes an image of a folder.
    fn image_of(&self, folder: &Path, name: &str) {
        let container = self.run(&["from", "scratch"]);
        self.run(&["copy", &container, folder.to_str().unwrap(), "/"]);
        self.run(&["config", "--env", "PATH=/usr/local/bin:/usr/bin:/bin", &container]);
        self.run(&["commit", "--quiet", "--rm", &container, name]);
    }
}

/// Copies a program with all libraries that it is linked to.
fn put(program: &str, folder: &Path) {
    put_file(program, folder);
    put_libraries(program, folder);
}

fn put_libraries(program: &str, folder: &Path) {
    let libraries = run(Command::new("ldd").arg(program));
    for library in libraries.split_whitespace().filter(|word| word.starts_with('/')) {
        put_file(library, folder);
    }
}

fn put_file(file: &str, folder: &Path) {
    let target = folder.join(file.trim_start_matches('/'));
    fs::create_dir_all(target.parent().unwrap()).unwrap();
    fs::copy(file, target).unwrap();
}

/// Bases, and the image built on them. Gives the program's size too.
fn build() -> (Buildah, u64) {
    let buildah = Buildah(tempfile::Builder::new().prefix("vidne-image.").tempdir_in("/var/tmp").unwrap());
    let folder = |name: &str| {
        let folder = buildah.0.path().join(name);
        fs::create_dir_all(&folder).unwrap();
        folder
    };
    let (compiler, runtime) = (folder("compiler"), folder("runtime"));
    for program in ["/bin/sh", "/bin/cp", "/bin/mkdir"] {
        put(program, &compiler);
    }
    for made in ["prebuilt", "usr/local/bin", "tmp"] {
        fs::create_dir_all(compiler.join(made)).unwrap();
    }
    let cargo = compiler.join("usr/local/bin/cargo");
    fs::write(&cargo, CARGO).unwrap();
    fs::set_permissions(cargo, fs::Permissions::from_mode(0o755)).unwrap();
    let program = compiler.join("prebuilt/vidne");
    run(Command::new("strip").arg("-o").arg(&program).arg(env!("CARGO_BIN_EXE_vidne")));
    put_libraries(env!("CARGO_BIN_EXE_vidne"), &runtime);
    buildah.image_of(&compiler, "localhost/vidne-compiler");
    buildah.image_of(&runtime, "localhost/vidne-runtime");
    let mut bud =
        buildah.command(&["bud", "--isolation", "chroot", "--pull-never", "--tag", "localhost/vidne"]);
    bud.args(["--build-arg", "BUILD_IMAGE=localhost/vidne-compiler"]);
    bud.args(["--build-arg", "RUNTIME_IMAGE=localhost/vidne-runtime"]);
    bud.args(["--build-arg", "REVISION=0123abc"]).arg(env!("CARGO_MANIFEST_DIR"));
    run(&mut bud);
    (buildah, fs::metadata(program).unwrap().len())
}

/// Files below a folder, as paths in it.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        match entry.file_type().unwrap().is_dir() {
            true => found.extend(files(&entry.path())),
            false => found.push(entry.path()),
        }
    }
    found
}

#[test]
fn the_image_builds_holds_vidne_alone_and_serves_as_nobody_on_a_read_only_root() {
    let (buildah, program) = build();
    let inspected = buildah.run(&["inspect", "--type", "image", "localhost/vidne"]);
    let inspected: Value = serde_json::from_str(&inspected).unwrap();
    is_described(&inspected["OCIv1"]["config"]);

    let container = buildah.run(&["from", "localhost/vidne"]);
    let root = PathBuf::from(buildah.run(&["mount", &container]));
    let added: Vec<_> = files(&root)
        .into_iter()
        .map(|file| file.strip_prefix(&root).unwrap().to_owned())
        .filter(|file| !buildah.0.path().join("runtime").join(file).exists())
        .collect();
    assert_eq!(added, [PathBuf::from("usr/local/bin/vidne")], "there is more in it than its base and vidne");
    assert!(!root.join("bin/sh").exists());
    let owner = fs::metadata(root.join("var/lib/vidne")).unwrap();
    assert_eq!((owner.uid(), owner.gid()), (USER, USER));
    let size: u64 = files(&root).iter().map(|file| fs::metadata(file).unwrap().len()).sum();
    // An estimate of the image that the Dockerfile makes by default: its base has some 25 MB, and optimised the program
    // has 45 % of what it has here.
    eprintln!("the image has {size} bytes, the program (not optimised) {program} of them");
    assert!(25_000_000 + program * 45 / 100 < LARGEST, "{program} bytes");

    serves(&root, &buildah.0.path().join("data"));
    buildah.run(&["rm", "--all"]);
}

fn is_described(config: &Value) {
    assert_eq!(config["User"], format!("{USER}:{USER}"));
    assert_eq!(config["Entrypoint"], json!(["/usr/local/bin/vidne"]));
    assert_eq!(config["Cmd"], json!(["serve"]));
    assert_eq!(config["Volumes"], json!({"/var/lib/vidne": {}}));
    for (label, value) in [
        ("title", "vidne"),
        ("licenses", env!("CARGO_PKG_LICENSE")),
        ("version", env!("CARGO_PKG_VERSION")),
        ("revision", "0123abc"),
    ] {
        assert_eq!(config["Labels"][format!("org.opencontainers.image.{label}")], value);
    }
}

/// Records and reads on a server of the image.
fn serves(root: &Path, data: &Path) {
    fs::create_dir(data).unwrap();
    chown(data, Some(USER), Some(USER)).unwrap();
    let mut server = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "sh", "-c", CONTAINER, "container"])
        .arg(root)
        .arg(data)
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("VIDNE_DATA_DIR", "/var/lib/vidne")
        .stdin(Stdio::null())
        .spawn()
        .map(Running)
        .unwrap();
    let addresses = addresses(&mut server.0, &data.join("ready.json"));
    let recorded = Command::new(env!("CARGO_BIN_EXE_vidne"))
        .args(["health", "--record", "--server", &format!("http://{}", addresses.listen)])
        .output()
        .unwrap();
    let user = fs::metadata(format!("/proc/{}", server.0.id())).unwrap().uid();
    // Every step of the way has replaced the one before: this is vidne itself.
    run(Command::new("kill").args(["-TERM", &server.0.id().to_string()]));
    let status = server.0.wait().unwrap();
    assert!(recorded.status.success(), "{}", String::from_utf8_lossy(&recorded.stderr));
    assert_eq!(user, USER);
    assert!(status.success(), "{status}");
    assert!(data.join("vidne.db").exists());
}

/// Killed if the test fails.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn addresses(server: &mut Child, file: &Path) -> Addresses {
    let end = Instant::now() + DEADLINE;
    loop {
        if let Some(addresses) = fs::read(file).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
            return addresses;
        }
        assert_eq!(server.try_wait().unwrap(), None, "it has ended");
        assert!(Instant::now() < end, "it does not serve");
        std::thread::sleep(Duration::from_millis(10));
    }
}
