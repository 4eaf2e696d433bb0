//! Everything one does with this repository, as `cargo xtask TASK`.
//!
//! [`flags`] says which tasks there are; each has a file of its own. This crate stands before all
//! others in the build, so it has no dependencies and knows none of our crates.
#![expect(
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a tool for developers; it talks to a terminal"
)]

mod bench;
mod build;
mod ci;
mod flags;
mod fuzz;
mod generate;
mod install;
mod matrix;
mod native;
mod packages;
mod pactest;
mod run;
mod shell;
mod test;
mod tidy;

use flags::Task;
use std::process::ExitCode;

fn main() -> ExitCode {
    let task = match flags::parse(std::env::args_os().skip(1)) {
        Ok(task) => task,
        Err(problem) => {
            eprintln!("xtask: {problem}\n\n{}", flags::USAGE);
            return ExitCode::from(2);
        }
    };
    let outcome = match task {
        Task::Help => {
            println!("{}", flags::USAGE);
            Ok(())
        }
        Task::Run(arguments) => run::run(&arguments),
        Task::Install { prefix } => install::run(prefix),
        Task::Test(arguments) => test::run(&arguments),
        Task::Ci => ci::run(),
        Task::Tidy => tidy::run(),
        Task::Bench { criterion, arguments } => bench::run(criterion, &arguments),
        Task::ArchMatrix(suites) => matrix::run(&suites),
        Task::Pactest(cases) => pactest::run(&cases),
        Task::Gen { out } => generate::run(out),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask: {failure}");
            ExitCode::FAILURE
        }
    }
}
