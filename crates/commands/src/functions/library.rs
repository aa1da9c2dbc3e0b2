//! One function library: its text, and what the first line of it says.

use bytes::Bytes;
use lastsave_resp::split_arguments;
use thiserror::Error;

/// The engine of all libraries there are, as FUNCTION LIST shows it. In a library's text its case does not count.
pub(crate) const ENGINE: &str = "LUA";

/// Bytes of a text from outside that an error repeats.
const QUOTED_BYTES_MAX: usize = 128;

/// A function library as somebody wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionLibrary {
    name: Bytes,
    code: Bytes,
}

/// Why a text is no function library, or may not become one here. The texts are those of Redis.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LibraryError {
    /// The text does not begin with `#!`.
    #[error("Missing library metadata")]
    NoMetadata,
    /// The first line does not end, or its quotes do not.
    #[error("Invalid library metadata")]
    InvalidMetadata,
    /// There is a word in the first line that means nothing.
    #[error("Invalid metadata value given: {word}")]
    UnknownMetadata {
        /// The word, shortened.
        word: String,
    },
    /// The first line has more than one name.
    #[error("Invalid metadata value, name argument was given multiple times")]
    NamedTwice,
    /// The first line has no name.
    #[error("Library name was not given")]
    NoName,
    /// The name has other bytes than letters, digits and underscores, or none.
    #[error(
        "Library names can only contain letters, numbers, or underscores(_) and must be at least one character long"
    )]
    InvalidName,
    /// An engine other than Lua.
    #[error("Engine '{engine}' not found")]
    UnknownEngine {
        /// The name of the engine, shortened.
        engine: String,
    },
    /// A library of that name is there, and is not to be replaced.
    #[error("Library '{name}' already exists")]
    Exists {
        /// The name.
        name: String,
    },
    /// The same for one of several that are restored.
    #[error("Library {name} already exists")]
    RestoredExists {
        /// The name.
        name: String,
    },
}

impl FunctionLibrary {
    /// Takes a text for a library, by its first line: `#!lua name=mylib`. The rest of it is not looked at.
    ///
    /// ```
    /// use lastsave_commands::FunctionLibrary;
    ///
    /// let library = FunctionLibrary::parse("#!lua name=sums\nredis.register_function(...)".into())?;
    /// assert_eq!(&library.name()[..], b"sums");
    /// # Ok::<(), lastsave_commands::LibraryError>(())
    /// ```
    ///
    /// # Errors
    /// What is wrong with that line.
    pub fn parse(code: Bytes) -> Result<Self, LibraryError> {
        if !code.starts_with(b"#!") {
            return Err(LibraryError::NoMetadata);
        }
        // A zero byte ends the text where the line is looked for.
        let end = code.iter().position(|byte| matches!(byte, b'\n' | 0));
        let end = end.filter(|end| code[*end] == b'\n').ok_or(LibraryError::InvalidMetadata)?;
        let words = split_arguments(&code[..end]).map_err(|_| LibraryError::InvalidMetadata)?;
        let (first, words) = words.split_first().ok_or(LibraryError::InvalidMetadata)?;
        let mut name = None;
        for word in words {
            match word.split_at_checked(5) {
                Some((label, given)) if label.eq_ignore_ascii_case(b"name=") => {
                    if name.replace(given).is_some() {
                        return Err(LibraryError::NamedTwice);
                    }
                }
                _ => return Err(LibraryError::UnknownMetadata { word: quoted(word) }),
            }
        }
        let name = name.ok_or(LibraryError::NoName)?;
        if name.is_empty() || !name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_') {
            return Err(LibraryError::InvalidName);
        }
        let engine = first.get(2..).unwrap_or_default();
        if !engine.eq_ignore_ascii_case(ENGINE.as_bytes()) {
            return Err(LibraryError::UnknownEngine { engine: quoted(engine) });
        }
        Ok(Self { name: Bytes::copy_from_slice(name), code })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &Bytes {
        &self.name
    }

    /// Its text, the first line included.
    #[must_use]
    pub fn code(&self) -> &Bytes {
        &self.code
    }
}

fn quoted(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(QUOTED_BYTES_MAX)]).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn named(text: &'static str) -> Result<Bytes, String> {
        let parsed = FunctionLibrary::parse(Bytes::from_static(text.as_bytes()));
        parsed.map(|library| library.name).map_err(|error| error.to_string())
    }

    #[test]
    fn the_first_line_is_read_as_redis_reads_it() {
        for text in ["#!lua name=my_lib1\n", "#!LUA NAME=my_lib1 \r\nx", "#!lua\t\"name=my_lib1\"\n\n"] {
            assert_eq!(named(text), Ok("my_lib1".into()));
        }
        let bad_name = LibraryError::InvalidName.to_string();
        for (text, error) in [
            ("", "Missing library metadata"),
            ("return 1", "Missing library metadata"),
            ("#", "Missing library metadata"),
            ("#!lua name=a", "Invalid library metadata"),
            ("#!lua name=a\0\n", "Invalid library metadata"),
            ("#!lua name=\"a\n\"", "Invalid library metadata"),
            ("#!lua\nx", "Library name was not given"),
            ("#!\nx", "Library name was not given"),
            ("#!lua foo\n", "Invalid metadata value given: foo"),
            ("#!lua name=a name=b\n", "Invalid metadata value, name argument was given multiple times"),
            ("#!lua name=\n", bad_name.as_str()),
            ("#!lua name=\"a b\"\n", bad_name.as_str()),
            ("#!foo name=a-b\n", bad_name.as_str()),
            ("#!foo name=a\n", "Engine 'foo' not found"),
            ("#! name=a\n", "Engine '' not found"),
        ] {
            assert_eq!(named(text), Err(error.to_owned()), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_library_with_a_proper_name_or_none(
            text in r#"(#!)?(lua|LUA|)?([ "'\\]|name=|[a-z_]|é|\n|\x00){0,12}\n?"#,
        ) {
            if let Ok(library) = FunctionLibrary::parse(text.clone().into()) {
                prop_assert_eq!(&library.code()[..], text.as_bytes());
                let name = String::from_utf8(library.name().to_vec()).expect("names are ASCII");
                prop_assert!(!name.is_empty() && text.contains("name="));
                let plain = format!("#!lua name={name}\n");
                prop_assert_eq!(FunctionLibrary::parse(plain.into()).expect("it is proper").name, name);
            }
        }
    }
}
