//! Starts [`amends::run`].

fn main() -> std::process::ExitCode {
    amends::run(std::env::args_os())
}
