//! The `gangway` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    gangway::cli::main()
}
