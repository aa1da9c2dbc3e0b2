//! CONFIG GET.

use crate::directive::{Directive, find};
use crate::glob::glob_match;
use crate::table::Config;

impl Config {
    /// The directives that match any of the arguments of CONFIG GET, each once, with the names and values to
    /// reply.
    ///
    /// An argument with `*`, `?` or `[` is a pattern and matches names and aliases in any case, except hidden
    /// ones. Any other argument is a name, and is replied as it was written.
    ///
    /// ```
    /// # use lastsave_config::Config;
    /// let config = Config::default();
    /// assert_eq!(config.get(&[b"appendfsync"]), [(b"appendfsync".to_vec(), b"everysec".to_vec())]);
    /// ```
    pub fn get<P: AsRef<[u8]>>(&self, patterns: &[P]) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut found: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        let mut add = |name: &[u8], directive: &Directive| {
            if !found.iter().any(|(known, _)| known.eq_ignore_ascii_case(name)) {
                found.push((name.to_vec(), directive.value(self)));
            }
        };
        for pattern in patterns {
            let pattern = pattern.as_ref();
            if !pattern.iter().any(|byte| matches!(byte, b'[' | b'*' | b'?')) {
                if let Some((directive, _)) = find(pattern) {
                    add(pattern, directive);
                }
                continue;
            }
            for directive in Directive::all().iter().filter(|directive| !directive.is_hidden()) {
                let names = [Some(directive.name()), directive.alias()];
                for name in names.into_iter().flatten() {
                    if glob_match(pattern, name.as_bytes(), true) {
                        add(name.as_bytes(), directive);
                    }
                }
            }
        }
        found
    }
}
