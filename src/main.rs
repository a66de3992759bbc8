//! The `vidne` program.

/// Events are allocated by one thread and freed by another, at which glibc's allocator is slow: it took a third of a
/// recording server's time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    vidne::cli::main()
}
