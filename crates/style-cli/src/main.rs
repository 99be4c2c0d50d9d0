//! The program `style`; everything it does stands in the library beside it.

use std::process::ExitCode;

fn main() -> ExitCode {
    style_cli::main(std::env::args_os())
}
