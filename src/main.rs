//! The `vidne` program.

/// Events are allocated by one thread and freed by another, at which glibc's allocator is slow: it took a third of a
/// recording server's time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    // The allocator asks for huge pages, of which a few used bytes make 2 MiB resident: 24 MiB more when idle, and
    // over 40 MiB more under load. A kernel that cannot refuse them goes on giving them.
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(true);
    vidne::cli::main()
}
