//! Prints `docs/configuration.md`.

fn main() {
    print!("{}", lastsave_config::configuration_page());
}
