//! The `vidne` program.

fn main() -> std::process::ExitCode {
    vidne::cli::main()
}
