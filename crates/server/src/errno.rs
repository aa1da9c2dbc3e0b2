//! System error texts as the C library prints them (`strerror`), which logs and replies carry.

use std::io;

/// The text of an error without Rust's "(os error N)".
pub(crate) fn text(error: &io::Error) -> String {
    let full = error.to_string();
    match full.rfind(" (os error ") {
        Some(end) if error.raw_os_error().is_some() => full[..end].to_owned(),
        _ => full,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn only_the_text_is_left() {
        assert_eq!(super::text(&std::io::Error::from_raw_os_error(2)), "No such file or directory");
    }
}
